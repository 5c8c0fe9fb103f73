"""Functions of parameters: which are the same, and how many numbers of a parameter are in layers."""

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
SHAPES = {"weight": (4, 4, 3, 3), "wide": (3, 6, 3, 3), "one": (4, 1, 1), "two": (4, 1, 1), "long": (6, 1, 1)}


def made(forward, *names, learned=True):
    """Return a module of these parameters, or buffers, with this function of it and of the map."""

    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            for name in names:
                values = torch.randn(SHAPES[name], dtype=torch.float64)
                if learned:
                    self.register_parameter(name, nn.Parameter(values))
                else:
                    self.register_buffer(name, values)

        def forward(self, x):
            return forward(self, x)

    torch.manual_seed(2)
    return Made().eval()


def read_where_values_agree(module):
    network = cm.from_torch(module, (4, 7, 6), weights=True)
    x = np.random.default_rng(4).standard_normal((4, 7, 6))
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)[None])[0].numpy()
    np.testing.assert_allclose(cm.run(network, x), wanted, rtol=1e-6, atol=1e-6)
    return network


def clamped(self, x):
    return F.conv2d(F.conv2d(x, self.weight.clamp(min=0.1)), self.weight.clamp(max=0.1))


def test_functions_of_one_tensor_are_told_apart_by_their_keywords():
    network = read_where_values_agree(made(clamped, "weight", learned=False))
    assert [node.share for node in network.nodes] == [None, None]


def test_two_functions_of_one_parameter_are_not_two_parameters():
    with pytest.raises(UnsupportedError, match="of the 144 numbers of 'weight' layers make 288"):
        cm.from_torch(made(clamped, "weight"), (4, 7, 6))


def test_one_function_of_a_parameter_is_one_weight():
    def forward(self, x):
        return F.conv2d(F.conv2d(x, self.weight.clamp(min=0.1)), self.weight.clamp(min=0.1))

    network = read_where_values_agree(made(forward, "weight"))
    assert [node.share for node in network.nodes] == [None, 0]
    assert cm.analyze(network).totals.params == 144


FEWER = {
    "a product": (lambda self, x: x * (self.one * self.two), ("one", "two"), {"one, two": 4}),
    "some channels": (lambda self, x: F.conv2d(x, self.wide[:, :4]), ("wide",), {"wide": 54}),
    "as many as the map has": (lambda self, x: x * self.long[: x.size(1)], ("long",), {"long": 2}),
    "a factor of weights": (lambda self, x: F.conv2d(x, self.weight * self.one), ("weight", "one"), {"one, weight": 4}),
}


@pytest.mark.parametrize("way", FEWER)
def test_numbers_of_parameters_that_are_in_no_layer_are_noted(way):
    forward, names, missing = FEWER[way]
    module = made(forward, *names)
    network = read_where_values_agree(module)
    assert network.about["unused_parameters"] == missing
    counted = cm.analyze(network).totals.params + sum(missing.values())
    assert counted == sum(each.numel() for each in module.parameters())


def test_parts_that_make_up_a_parameter_are_all_of_it():
    def forward(self, x):
        return F.conv2d(x, self.wide[:, :4]) + F.conv2d(x[:, :2], self.wide[:, 4:])

    network = read_where_values_agree(made(forward, "wide"))
    assert "unused_parameters" not in network.about
    assert cm.analyze(network).totals.params == 3 * 6 * 9


def test_products_with_one_parameter_are_counted_together():
    def forward(self, x):
        return F.conv2d(F.conv2d(x, self.weight * self.one), self.weight * self.two)

    with pytest.raises(UnsupportedError, match="of the 152 numbers of 'one, two, weight' layers make 288"):
        cm.from_torch(made(forward, "weight", "one", "two"), (4, 7, 6))
