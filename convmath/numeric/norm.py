"""The kernels of normalisations."""

from __future__ import annotations

import numpy as np

from convmath.numeric.array import Array, Plane
from convmath.numeric.kernels import kernel, per_channel, whole
from convmath.numeric.weights import Weights
from convmath.spec.norm import BatchNorm, LocalResponseNorm


@kernel(BatchNorm)
def batch_norm(layer: BatchNorm, weights: Weights, x: Array) -> Array:
    """Return ``(x − mean) / √(variance + eps) · weight + bias``, channel by channel.

    What stays the same for a whole channel is put together first:
    ``a = weight / √(variance + eps)``, then ``a·x + (bias − a·mean)``.
    """
    channels, shape = x.shape[:1], per_channel(x)
    mean = weights.buffer("running_mean", channels).reshape(shape)
    variance = weights.buffer("running_var", channels, around=1.0).reshape(shape)
    if not layer.affine:
        x = x.apply(lambda x, v: x / np.sqrt(v + layer.eps), variance)
        return x.apply(lambda x, m, v: x - m / np.sqrt(v + layer.eps), mean, variance)
    weight = weights.parameter("weight", channels, around=1.0, spread=0.5).reshape(shape)
    bias = weights.parameter("bias", channels).reshape(shape)

    def factor(weight: Plane, variance: Plane) -> Plane:
        return weight / np.sqrt(variance + layer.eps)

    x = x.apply(lambda x, w, v: x * factor(w, v), weight, variance)
    return x.apply(lambda x, b, m, w, v: x + (b - m * factor(w, v)), bias, mean, weight, variance)


@kernel(LocalResponseNorm)
def local_response_norm(layer: LocalResponseNorm, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return ``x / (k + alpha/n · Σ x²)^beta``, the sum over n neighbouring channels: ⌊n/2⌋ before, the others after.

    Channels that do not exist are zeros.
    """
    count = whole(layer.size)
    neighbours = x.apply(np.square).pad(0, (count // 2, (count - 1) // 2))
    energy = neighbours.windows(0, kernel=count, stride=1, dilation=1).sum((-1,))
    energy = energy.apply(lambda total: total * (layer.alpha / count))
    divisor = energy.apply(lambda each: each + layer.k).apply(lambda each: each**layer.beta)
    return x.apply(np.divide, divisor)
