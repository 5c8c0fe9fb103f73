"""The kernels of normalisations."""

from __future__ import annotations

from math import prod

import numpy as np

from convmath.numeric.array import Array, Plane
from convmath.numeric.kernels import kernel, per_channel, whole
from convmath.numeric.misfit import Misfit
from convmath.numeric.weights import Weights
from convmath.spec.norm import BatchNorm, Bias, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, Scale


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


@kernel(LayerNorm)
def layer_norm(layer: LayerNorm, weights: Weights, x: Array) -> Array:
    """Return all elements normalised together, or those of each position."""
    if layer.over == "channels":
        return scaled(standardised(x, (0,), layer.eps), weights, x.shape[:1], affine=layer.affine)
    return scaled(standardised(x, tuple(range(len(x.shape))), layer.eps), weights, x.shape, affine=layer.affine)


@kernel(GroupNorm)
def group_norm(layer: GroupNorm, weights: Weights, x: Array) -> Array:
    """Return groups of neighbouring channels, each normalised over all its elements."""
    groups, shape = whole(layer.num_groups), x.shape
    if shape[0] % groups:
        raise Misfit("not-divisible", f"{groups} groups do not divide the {shape[0]} channels that arrive")
    x = x.reshape((groups, -1, *shape[1:]))
    x = standardised(x, tuple(range(1, len(x.shape))), layer.eps).reshape(shape)
    return scaled(x, weights, shape[:1], affine=layer.affine)


@kernel(InstanceNorm)
def instance_norm(layer: InstanceNorm, weights: Weights, x: Array) -> Array:
    """Return every channel normalised over all its elements."""
    positions = tuple(range(1, len(x.shape)))
    return scaled(standardised(x, positions, layer.eps), weights, x.shape[:1], affine=layer.affine)


def standardised(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    """Return ``(x − mean) / √(variance + eps)``, both taken along *axes*."""
    count = prod(x.shape[axis] for axis in axes)
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    mean = x.sum(axes).reshape(kept).apply(lambda total: total / count)
    x = x.apply(np.subtract, mean)
    variance = x.apply(np.square).sum(axes).reshape(kept).apply(lambda total: total / count)
    return x.apply(np.divide, variance.apply(lambda each: each + eps).apply(np.sqrt))


def scaled(x: Array, weights: Weights, shape: tuple[int, ...], *, affine: bool) -> Array:
    """Return ``x · weight + bias``, parameters of *shape*; *x* itself without them."""
    if not affine:
        return x
    meets = shape if len(shape) > 1 else per_channel(x)
    weight = weights.parameter("weight", shape, around=1.0, spread=0.5).reshape(meets)
    bias = weights.parameter("bias", shape, spread=0.5).reshape(meets)
    return x.apply(np.multiply, weight).apply(np.add, bias)


@kernel(Scale)
def scale(layer: Scale, weights: Weights, x: Array) -> Array:
    """Return every channel times its factor, or times the only one."""
    weight = weights.parameter("weight", (1,) if layer.single else x.shape[:1], around=1.0, spread=0.5)
    return x.apply(np.multiply, weight.reshape((1,) * len(x.shape) if layer.single else per_channel(x)))


@kernel(Bias)
def bias(layer: Bias, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return every channel with its summand."""
    return x + weights.parameter("bias", x.shape[:1], spread=0.5).reshape(per_channel(x))


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
