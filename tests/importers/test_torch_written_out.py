"""What the code of a module writes out by hand: means that are taken off and put back, norms, squares, factors."""

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


def made(forward, **held):
    """Return a module of layers, parameters and buffers with this forward."""

    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            for name, each in held.items():
                if type(each) is torch.Tensor:
                    self.register_buffer(name, each)
                else:
                    setattr(self, name, each)

    Made.forward = forward
    return Made().eval()


def kinds_where_values_agree(module, shape=(3, 7, 6)):
    """Return the kinds of the layers, once they compute what the module computes, at two sizes."""
    network = cm.from_torch(module, (shape[0], "H", "W"), weights=True)
    for sizes in (shape[1:], (5, 9)):
        x = torch.randn(1, shape[0], *sizes)
        with torch.no_grad():
            expected = module(x)[0].numpy()
        np.testing.assert_allclose(cm.run(network, x[0].numpy()), expected, rtol=1e-4, atol=1e-5)
    return [each.kind for each in cm.analyze(network).layers]


def parameters(module, channels=3):
    """Return how many parameters are counted, once they are as many as the module has."""
    counted = cm.analyze(cm.from_torch(module, (channels, "H", "W"))).totals.params
    assert counted == sum(each.numel() for each in module.parameters())
    return counted


def test_a_mean_that_is_taken_off_and_put_back():
    def forward(self, x):
        return self.conv(x - self.mean) + self.mean

    module = made(forward, conv=nn.Conv2d(3, 3, 3, padding=1), mean=torch.rand(1, 3, 1, 1))
    assert kinds_where_values_agree(module) == ["bias", "conv", "bias"]
    network = cm.from_torch(module)
    assert network.about["buffers_counted_as_parameters"] == {"mean": 6}
    assert cm.analyze(network).totals.params == 84 + 6


def test_a_parameter_that_is_taken_off_and_put_back_would_be_counted_twice():
    module = made(lambda self, x: (x - self.mean) * 2 + self.mean, mean=nn.Parameter(torch.rand(3, 1, 1)))
    with pytest.raises(UnsupportedError, match="it shares its bias 'mean' with sub"):
        cm.from_torch(module)


@pytest.mark.parametrize("registered", [False, True])
def test_a_module_that_keeps_what_it_computes_is_left_as_it_was(registered):
    def forward(self, x):
        self.mean = self.mean.type_as(x)
        self.last = x - self.mean
        return self.conv(self.last) / 2 + self.mean

    module = made(forward, conv=nn.Conv2d(3, 3, 1), mean=torch.rand(1, 3, 1, 1))
    if not registered:
        mean = module.mean
        del module.mean
        module.mean = mean
    mean = module.mean
    cm.from_torch(module)
    assert module.mean is mean
    assert not hasattr(module, "last")
    assert kinds_where_values_agree(module) == ["bias", "pointwise_conv", "rescaling", "bias"]


NORMS = {
    "ConvNeXt's": lambda x, less, eps: less / torch.sqrt(less.pow(2).mean(1, keepdim=True) + eps),
    "NAFNet's": lambda x, less, eps: (x - x.mean(1, keepdim=True)) / ((less**2).mean(1, keepdim=True) + eps).sqrt(),
    "of a variance": lambda x, less, eps: less / (x.var(1, keepdim=True, unbiased=False) + eps) ** 0.5,
    "of an inverse root": lambda x, less, eps: torch.rsqrt(torch.square(less).mean(1, True) + eps) * less,
}


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_a_norm_of_the_channels(norm):
    channels = 4

    def forward(self, x):
        x = self.conv(x)
        y = norm(x, x - x.mean(1, keepdim=True), 1e-3)
        return self.weight[:, None, None] * y + self.bias.view(1, -1, 1, 1)

    weight, bias = nn.Parameter(torch.randn(channels)), nn.Parameter(torch.randn(channels))
    module = made(forward, conv=nn.Conv2d(3, channels, 3), weight=weight, bias=bias)
    assert kinds_where_values_agree(module) == ["conv", "layer_norm"]
    assert parameters(module) == 27 * channels + channels + 2 * channels
    assert cm.from_torch(module).nodes[1].layer.eps == 1e-3


def root_used_twice(less):
    root = (less.pow(2).mean(1, keepdim=True) + 1).sqrt()
    return less / root + root


NEARLY = {
    "other map": lambda x: (x * 2 - x.mean(1, keepdim=True)) / ((x - x.mean(1, True)).pow(2).mean(1, True) + 1).sqrt(),
    "no eps": lambda x: (x - x.mean(1, True)) / (x - x.mean(1, True)).pow(2).mean(1, True).sqrt(),
    "root used twice": lambda x: root_used_twice(x - x.mean(1, True)),
    "unbiased": lambda x: (x - x.mean(1, True)) / (x.var(1, keepdim=True) + 1).sqrt(),
    "greatest": lambda x: (x - x.amax(1, True)) / ((x - x.amax(1, True)).pow(2).mean(1, True) + 1).sqrt(),
    "other product": lambda x: (x - x.mean(1, True)) / ((x * (x - x.mean(1, True))).mean(1, True) + 1).sqrt(),
}


@pytest.mark.parametrize("nearly", NEARLY.values(), ids=NEARLY)
def test_what_is_nearly_a_norm_is_refused(nearly):
    with pytest.raises(UnsupportedError):
        cm.from_torch(made(lambda self, x: nearly(x)))


SQUARES = {
    "operator": lambda x: x**2,
    "method": lambda x: x.pow(2),
    "in place": lambda x: (x + 0.5).pow_(2.0),
    "function": lambda x: torch.pow(x, 2),
    "square": lambda x: torch.square(x),  # noqa: PLW0108  (there may be no torch when this is listed)
    "product": lambda x: x * x,
}


@pytest.mark.parametrize("square", SQUARES.values(), ids=SQUARES)
def test_a_square_is_a_map_times_itself(square):
    module = made(lambda self, x: square(self.conv(x)), conv=nn.Conv2d(3, 4, 1))
    assert kinds_where_values_agree(module)[-1] == "multiply"


def test_other_powers_are_refused():
    with pytest.raises(UnsupportedError, match="pow: it is no part of a layer that is known"):
        cm.from_torch(made(lambda self, x: x**3))


FACTORS = {
    "a number": ((), lambda x, g: g * x),
    "a number in a list": ((1,), lambda x, g: x * g),
    "a number of all axes": ((1, 1, 1, 1), lambda x, g: x * g),
    "a divisor": ((), lambda x, g: x / g),
    "a power": ((), lambda x, g: x * g.exp()),
    "of a function": ((1,), lambda x, g: torch.tanh(g) * x),
}


@pytest.mark.parametrize("factor", FACTORS)
def test_one_learned_factor_for_all_channels(factor):
    shape, scaled = FACTORS[factor]
    held = nn.Parameter(torch.rand(shape) + 0.5)
    module = made(lambda self, x: x + scaled(self.conv(x), self.g), conv=nn.Conv2d(3, 3, 1), g=held)
    assert kinds_where_values_agree(module) == ["pointwise_conv", "scale", "add"]
    assert parameters(module) == 12 + 1


def test_one_factor_at_two_places_is_one_parameter():
    module = made(
        lambda self, x: self.g * (x + self.g * self.conv(x)), conv=nn.Conv2d(3, 3, 1), g=nn.Parameter(torch.rand(1))
    )
    assert kinds_where_values_agree(module) == ["pointwise_conv", "scale", "add", "scale"]
    assert parameters(module) == 13


def test_numbers_out_of_one_parameter_each_count():
    def forward(self, x):
        weight = torch.relu(self.w)
        return weight[0] * x + weight[1] * self.conv(x)

    module = made(forward, conv=nn.Conv2d(3, 3, 1), w=nn.Parameter(torch.rand(2) + 0.5))
    assert kinds_where_values_agree(module) == ["scale", "pointwise_conv", "scale", "add"]
    assert parameters(module) == 12 + 2


def test_two_numbers_out_of_one_that_is_learned_are_refused():
    def forward(self, x):
        share = torch.sigmoid(self.a)
        return share * x + (1 - share) * self.conv(x)

    module = made(forward, conv=nn.Conv2d(3, 3, 1), a=nn.Parameter(torch.rand(())))
    with pytest.raises(UnsupportedError, match="of the 1 numbers of 'a' layers make 2"):
        cm.from_torch(module)


def test_one_factor_behind_a_norm_is_none_of_its_own():
    held = {"g": nn.Parameter(torch.rand(1)), "b": nn.Parameter(torch.rand(3, 1, 1))}
    module = made(lambda self, x: self.norm(x) * self.g + self.b, norm=nn.GroupNorm(1, 3, affine=False), **held)
    assert kinds_where_values_agree(module) == ["group_norm", "scale", "bias"]
    assert parameters(module) == 4
