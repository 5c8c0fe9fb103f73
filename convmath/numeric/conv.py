"""The convolution kernel."""

from __future__ import annotations

from convmath.numeric.array import Array
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit
from convmath.numeric.weights import Weights
from convmath.numeric.window import slide, taps
from convmath.spec.conv import Conv


@kernel(Conv)
def conv(layer: Conv, weights: Weights, x: Array) -> Array:
    """Return ``y[k, i] = b[k] + Σ_c Σ_u x[c, s·i + d·u − p] · w[k, c, u]``, the channels of each group on their own."""
    kernels, groups = whole(layer.out_channels), whole(layer.groups)
    check_groups(groups, x.shape[0], kernels)
    ones = (1,) * len(layer.windows)
    banks = 1 if layer.shared else groups

    x = slide(x, layer.windows, layer.padding_mode)
    x = x.reshape((groups, 1, -1, *x.shape[1:]))  # group, kernel, channel, positions, taps
    shape = (kernels * banks // groups, x.shape[2], *map(whole, layer.kernel_size))
    weight = weights.parameter("weight", shape)
    y = x.inner(weight.reshape((banks, -1, x.shape[2], *ones, *shape[2:])), (2, *taps(layer.windows)))
    if layer.bias:
        y = y + weights.parameter("bias", shape[:1]).reshape((banks, -1, *ones))
    return y.reshape((kernels, *y.shape[2:]))


def check_groups(groups: int, channels: int, kernels: int) -> None:
    """Refuse groups that do not divide the channels that arrive and those that leave."""
    for count, what in ((channels, "channels that arrive"), (kernels, "out_channels")):
        if count % groups:
            raise Misfit("bad-groups", f"{groups} groups do not divide the {count} {what}")
