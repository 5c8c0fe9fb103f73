"""The kernel of locally connected layers."""

from __future__ import annotations

from convmath.numeric.array import Array
from convmath.numeric.conv import check_groups
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.weights import Weights
from convmath.numeric.window import slide, taps
from convmath.spec.local import LocallyConnected


@kernel(LocallyConnected)
def locally_connected(layer: LocallyConnected, weights: Weights, x: Array) -> Array:
    """Return ``y[k, i] = b[k, i] + Σ_c Σ_u x[c, s·i + d·u − p] · w[k, c, i, u]``.

    The weights lie as a convolution's, with the positions where an image has its axes:
    (K, C/groups, positions, taps); the biases as the output: (K, positions).
    """
    kernels, groups = whole(layer.out_channels), whole(layer.groups)
    check_groups(groups, x.shape[0], kernels)

    x = slide(x, layer.windows, layer.padding_mode)
    x = x.reshape((groups, 1, -1, *x.shape[1:]))  # group, kernel, channel, positions, taps
    weight = weights.parameter("weight", (kernels, *x.shape[2:]))
    y = x.inner(weight.reshape((groups, -1, *x.shape[2:])), (2, *taps(layer.windows)))
    if layer.bias:
        y = y + weights.parameter("bias", (kernels, *y.shape[2:])).reshape((groups, -1, *y.shape[2:]))
    return y.reshape((kernels, *y.shape[2:]))
