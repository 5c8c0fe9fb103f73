"""Maps that the code of a module fills with one number, as zeros of a first state: what is done with them."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import convmath as cm
from convmath.errors import UnsupportedError

if find_spec("torch"):
    import torch
    from torch import nn

pytestmark = pytest.mark.peers


def with_conv(forward):
    """Return a module of one convolution from 3 to 4 channels, with this function of it and of the map."""

    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x):
            return forward(self.conv, x)

    return Made().eval()


def branched(x):
    """Ask for what only an export can tell, that a map is large; then nothing changes."""
    return x if x.shape[2] > 5 else -x


WAYS = {
    "zeros of sizes": lambda conv, x: conv(x) + torch.zeros(x.shape[0], 4, x.shape[2], x.shape[3]),
    "zeros of a tuple": lambda conv, x: conv(x) - torch.zeros((x.size(0), 4, *x.shape[2:]), device=x.device),
    "zeros of a keyword": lambda conv, x: conv(x) + torch.zeros(size=(x.shape[0], 1, 1, x.shape[3])),
    "zeros before the map": lambda conv, x: torch.zeros(1, 4, x.shape[2], x.shape[3]) - conv(x),
    "zeros of numbers": lambda conv, x: conv(x) + torch.zeros(1, 4, 1, 1),
    "zeros_like": lambda conv, x: conv(x + torch.zeros_like(x).to(x.dtype).contiguous()),
    "new_zeros": lambda conv, x: conv(x) + x.new_zeros(x.shape[0], 4, x.shape[2], x.shape[3]),
    "new_zeros of a parameter": lambda conv, x: conv(x) + conv.weight.new_zeros((x.shape[0], 4, *x.shape[2:])),
    "ones": lambda conv, x: conv(x) * torch.ones(x.shape[0], 4, x.shape[2], x.shape[3]),
    "full": lambda conv, x: conv(x) + torch.full((x.shape[0], 1, 1, x.shape[3]), 2.5) - torch.full_like(conv(x), 0.5),
    "new_full": lambda conv, x: conv(x) * x.new_full((x.shape[0], 1, 1, 1), 3),
    "a state": lambda conv, x: conv(x) * torch.zeros_like(conv(x)) + conv(x),
    "in an export": lambda conv, x: branched(conv(x)) + torch.zeros(x.shape[0], 4, x.shape[2], x.shape[3]),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_map_of_one_number_gives_what_pytorch_gives(way):
    made = with_conv(WAYS[way]).double()
    x = np.random.default_rng(3).standard_normal((3, 8, 7))
    before = torch.zeros, torch.ones
    network = cm.from_torch(made, (3, "H", "W"), weights=True)
    assert (torch.zeros, torch.ones) == before
    with torch.no_grad():
        wanted = made(torch.from_numpy(x)[None])[0].numpy()
    np.testing.assert_allclose(cm.run(network, x), wanted, rtol=1e-9, atol=1e-9)


def test_zeros_that_are_added_cost_nothing():
    network = cm.from_torch(with_conv(WAYS["zeros of sizes"]))
    assert [node.kind for node in network.nodes] == ["conv"]


@pytest.mark.parametrize(
    ("forward", "told"),
    [
        (lambda conv, x: torch.cat([conv(x), torch.zeros_like(x)], 1), "cat: it puts zeros beside a map"),
        (
            lambda conv, x: torch.cat([x, torch.zeros(x.shape[0], 1, x.shape[2], x.shape[3])]),
            "cat: it puts zeros",
        ),
        (lambda conv, x: torch.cat([conv(x), torch.ones(1, 1, 8, 8)], 1), "cat: it puts numbers beside a map"),
        (lambda conv, x: x + torch.tanh(torch.zeros_like(x)), "tanh: it works on a map of one number"),
        (lambda conv, x: conv(torch.zeros_like(x)) + x, "Conv2d: numbers arrive that the code makes"),
        (lambda conv, x: x + torch.zeros(1, 4, x.shape[2], x.shape[3]), "a map of [1, 4, H, W] that is 0 everywhere"),
        (lambda conv, x: x + torch.zeros(1, 3, 9, 9), "a map of [1, 3, 9, 9] that is 0 everywhere meets a map of"),
        (lambda conv, x: conv(x).mean((2, 3), keepdim=True) + torch.zeros_like(conv(x)), "meets a map of [batch, 4, 1"),
    ],
)
def test_what_no_layer_says_of_a_map_of_one_number_is_refused(forward, told):
    with pytest.raises(UnsupportedError) as refused:
        cm.from_torch(with_conv(forward))
    assert told in str(refused.value)
