"""The kernel of transposed convolutions."""

from __future__ import annotations

from convmath.numeric.array import Array
from convmath.numeric.conv import check_groups
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit
from convmath.numeric.reshape import crop_image
from convmath.numeric.weights import Weights
from convmath.numeric.window import amounts
from convmath.spec.fields import SAME
from convmath.spec.layer import Window
from convmath.spec.transpose import ConvTranspose


@kernel(ConvTranspose)
def conv_transpose(layer: ConvTranspose, weights: Weights, x: Array) -> Array:
    """Return ``y[k, s·j + d·u − p] = b[k] + Σ_c x[c, j] · w[c, k, u]``, summed over all j and u that meet there.

    Every element of the input is multiplied with every tap; the products are laid onto
    the output, elements are kept at its end for the output padding, and the padding is
    cropped. The weights lie as in PyTorch: (C, K/groups, taps).
    """
    kernels, groups = whole(layer.out_channels), whole(layer.groups)
    check_groups(groups, x.shape[0], kernels)
    rank = len(layer.windows)
    ones = (1,) * rank

    weight = weights.parameter("weight", (x.shape[0], kernels // groups, *map(whole, layer.kernel_size)))
    x = x.reshape((groups, -1, 1, *x.shape[1:], *ones))  # group, channel, kernel, positions, taps
    weight = weight.reshape((groups, x.shape[1], -1, *ones, *weight.shape[2:]))
    y = x.inner(weight, (1,))
    y = y.reshape((kernels, *y.shape[2:]))
    for axis, (window, kept) in enumerate(zip(layer.windows, layer.output_padding, strict=True)):
        y = _laid(y, axis, 1 + rank, window, whole(kept))
    if layer.bias:
        y = y + weights.parameter("bias", (kernels,)).reshape((-1, *ones))
    return y


def _laid(y: Array, axis: int, taps: int, window: Window, kept: int) -> Array:
    """Return products laid onto the output along one spatial axis; the axis *taps* goes."""
    stride, dilation = whole(window.stride), whole(window.dilation)
    if kept >= max(stride, dilation):
        message = f"axis {axis}: output_padding {kept} must be less than stride {stride} or dilation {dilation}"
        raise Misfit("bad-padding", message)
    positions = y.shape[axis + 1]
    y = y.fold(axis + 1, taps, stride=stride, dilation=dilation).pad(axis + 1, (0, kept))
    if window.padding == SAME:
        return _same(y, axis, positions, stride)
    return crop_image(y, axis, amounts(window.padding))


def _same(y: Array, axis: int, positions: int, stride: int) -> Array:
    """Return the output cropped to stride times the input, the smaller half of the surplus before."""
    surplus = y.shape[axis + 1] - stride * positions
    if surplus < 0:
        message = f"axis {axis}: 'same' needs {-surplus} more elements than the window lays down at stride {stride}"
        raise Misfit("bad-padding", message, "enlarge the kernel, or lower the stride")
    return crop_image(y, axis, (surplus // 2, surplus - surplus // 2))
