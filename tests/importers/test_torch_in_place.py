"""Operations in place: what is changed is changed under every name, and through every view, as in PyTorch."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import convmath as cm
from convmath.errors import UnsupportedError

if find_spec("torch"):
    import torch
    from torch import nn
    from torch.nn import functional as F  # noqa: N812

pytestmark = pytest.mark.peers


def made_of(function):
    """Return a module of a convolution, and this function of it, of a ReLU in place and of the map."""

    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1)
            self.norm = nn.BatchNorm2d(4)
            self.same = nn.Identity()
            self.relu = nn.ReLU(inplace=True)
            self.drop = nn.Dropout(inplace=True)

        def forward(self, x):
            return function(self, x)

    return Made().eval().double()


def same_values(made):
    x = np.random.default_rng(5).standard_normal((4, 6, 5))
    network = cm.from_torch(made, (4, "H", "W"), weights=True)
    with torch.no_grad():
        wanted = made(torch.from_numpy(x.copy())[None])[0].numpy()
    np.testing.assert_allclose(cm.run(network, x), wanted, rtol=1e-9, atol=1e-9)
    assert cm.analyze(network).totals.params == sum(each.numel() for each in made.conv.parameters())


def after(change, used=lambda h: h):
    """Return a function that changes a map, and answers with what is made of its first name afterwards."""

    def forward(self, x):
        h = self.conv(x)
        change(self, h)
        return used(h)

    return forward


def added(_, h):
    other = h
    other += 1.0
    other *= 2.0


def exported(x):
    """Ask for what only an export can tell, that a map is large; then nothing changes."""
    return x if x.shape[2] > 5 else -x


def twice(h):
    return h + F.relu(h, inplace=True)


def branched(self, h):
    return h + self.conv(self.relu(h))


def halved(h):
    one, two = h[:, :2], h[:, 2:]
    return torch.cat([F.relu_(one), two], 1)


def viewed(h):
    view = h[:, :2]
    h.relu_()
    return view


WAYS = {
    "a function": after(lambda self, h: F.relu(h, inplace=True)),
    "a function by place": after(lambda self, h: F.leaky_relu(h, 0.3, True)),
    "a function with an underscore": after(lambda self, h: torch.relu_(h)),
    "a method": after(lambda self, h: h.add_(1).clamp_(0, 2)),
    "a module": after(lambda self, h: self.relu(h)),
    "a dropout": after(lambda self, h: self.drop(h).relu_()),
    "an operator": after(added),
    "an operator as a method": after(lambda self, h: h.__iadd__(3)),
    "an identity": after(lambda self, h: self.relu(self.same(h))),
    "a detached map": after(lambda self, h: h.detach().relu_()),
    "a sum with what was": lambda self, x: twice(self.conv(x)),
    "a branch before a convolution": lambda self, x: branched(self, self.conv(x)),
    "the input": lambda self, x: x + self.conv(self.relu(x)),
    "a copy": lambda self, x: (h := self.conv(x)) + F.relu_(h.clone()),
    "not in place": lambda self, x: (h := self.conv(x)) + F.relu(h, inplace=False),
    "an export": lambda self, x: twice(exported(self.conv(x))),
    "sizes": after(lambda self, h: h.add_(1), lambda h: h.view(h.shape[0], 4, h.shape[2], h.shape[3])),
    "a view alone": lambda self, x: self.conv(x).flatten(2).relu_().view(x.shape[0], 4, *x.shape[2:]),
    "a part alone": lambda self, x: halved(self.conv(x)),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_changed_in_place_is_changed_under_every_name(way):
    same_values(made_of(WAYS[way]))


def test_a_size_is_a_number_that_no_operator_changes():
    def forward(self, x):
        before = x.shape[2]
        more = before
        more += 2
        return F.interpolate(self.conv(x), size=(before, more))

    network = cm.from_torch(made_of(forward), (4, "H", "W"))
    assert [str(size) for size in cm.analyze(network).totals.output_shape] == ["4", "H", "H + 2"]


def sliced(_, h):
    part = h[:, :2]
    part += 1


VIEWS = {
    "a slice": after(sliced, lambda h: h * 2),
    "a part": after(lambda self, h: h.chunk(2, 1)[0].relu_(), lambda h: h * 2),
    "another shape": after(lambda self, h: h.flatten(2).relu_(), lambda h: h * 2),
    "a view of what is changed": lambda self, x: viewed(self.conv(x)),
    "a slice in an export": lambda self, x: after(sliced, lambda h: h * 2)(self, exported(x)),
    "a view in an export": lambda self, x: viewed(exported(self.conv(x))),
}


@pytest.mark.parametrize("way", VIEWS)
def test_a_map_that_is_changed_through_a_view_of_it_is_refused(way):
    with pytest.raises(UnsupportedError, match="changed in place through a view of it"):
        cm.from_torch(made_of(VIEWS[way]), (4, "H", "W"))


def test_a_tensor_of_the_code_that_a_map_changes_is_refused():
    def forward(self, x):
        held = torch.zeros(1, 4, 6, 5)
        held.add_(self.conv(x))
        return x + held

    with pytest.raises(UnsupportedError, match="add_ changes numbers"):
        cm.from_torch(made_of(forward), (4, 6, 5))
