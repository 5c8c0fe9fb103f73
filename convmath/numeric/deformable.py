"""The kernel of deformable convolutions."""

from __future__ import annotations

from math import prod

import numpy as np

from convmath.numeric.activation import logistic, real
from convmath.numeric.array import Array, Operand, Plane
from convmath.numeric.conv import check_groups
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit
from convmath.numeric.values import Values
from convmath.numeric.weights import Weights
from convmath.numeric.window import padding_of, slide, taps
from convmath.spec.deformable import DeformableConv
from convmath.spec.layer import Window


@kernel(DeformableConv)
def deformable_conv(layer: DeformableConv, weights: Weights, x: Array) -> Array:
    """Return ``y[k, i] = b[k] + Σ_c Σ_u x[c, s·i + d·u − p + Δ[u]] · w[k, c, u]``, read between pixels.

    The value at a fractional place is ``Σ_t x[t] · Π max(0, 1 − |place − t|)``; beyond the
    image there are zeros.
    """
    kernels, groups, parts = whole(layer.out_channels), whole(layer.groups), whole(layer.offset_groups)
    check_groups(groups, x.shape[0], kernels)
    if x.shape[0] % parts:
        raise Misfit("bad-groups", f"{parts} offset groups do not divide the {x.shape[0]} channels that arrive")
    ones = (1,) * len(layer.windows)

    frame = slide(x, layer.windows, "zeros")
    offsets, factors = _offsets(layer, weights, frame)
    places = tuple(_places(x, axis, window) for axis, window in enumerate(layer.windows))
    samples = x.displaced(places, offsets, whole(layer.max_offset))
    if factors is not None:
        weigh = np.multiply if layer.offsets == "predicted" else _weigh
        samples = samples.reshape((parts, -1, *samples.shape[1:])).apply(weigh, factors)
        samples = samples.reshape((x.shape[0], *samples.shape[2:]))
    samples = samples.reshape((groups, 1, -1, *samples.shape[1:]))
    shape = (kernels, samples.shape[2], *map(whole, layer.kernel_size))
    weight = weights.parameter("weight", shape).reshape((groups, -1, samples.shape[2], *ones, *shape[2:]))
    y = samples.inner(weight, (2, *taps(layer.windows)))
    if layer.bias:
        y = y + weights.parameter("bias", shape[:1]).reshape((groups, -1, *ones))
    return y.reshape((kernels, *y.shape[2:]))


def _weigh(sample: Plane, raw: Plane) -> Plane:
    """Return samples times the sigmoid of what is the same at all positions, and so is put together first."""
    weighted: Plane = np.multiply(sample, logistic(real(raw)))
    return weighted


def _places(x: Array, axis: int, window: Window) -> Plane:
    """Return where the taps of every window stand without offsets, by sliding over the positions themselves."""
    before, after = padding_of(window, x.shape[axis + 1])
    line = Values(np.arange(x.pad(axis + 1, (before, after)).shape[axis + 1]) - before)
    steps = {"kernel": window.kernel, "stride": window.stride, "dilation": window.dilation}
    return line.windows(0, **{name: whole(step) for name, step in steps.items()}).numbers


def _offsets(layer: DeformableConv, weights: Weights, frame: Array) -> tuple[list[Operand], Operand | None]:
    """Return the offsets, axis by axis, as (group, positions, taps), and the factors, learned ones before a sigmoid."""
    rank, parts = len(layer.windows), whole(layer.offset_groups)
    kernel, ones = tuple(map(whole, layer.kernel_size)), (1,) * len(layer.windows)
    if layer.offsets == "predicted":
        return _predicted(layer, weights, frame)
    offsets: list[Operand] = [
        weights.parameter(f"offset_{axis + 1}", (parts, *kernel), spread=1.0).reshape((parts, *ones, *kernel))
        for axis in range(rank)
    ]
    if not layer.modulated:
        return offsets, None
    return offsets, weights.parameter("mask", (parts, *kernel)).reshape((parts, 1, *ones, *kernel))


def _predicted(layer: DeformableConv, weights: Weights, frame: Array) -> tuple[list[Operand], Operand | None]:
    """Return what a convolution of the same windows puts out.

    Its channels lie as in torchvision: group by group and tap by tap the offsets of all
    axes, and behind them all factors.
    """
    rank, parts = len(layer.windows), whole(layer.offset_groups)
    kernel, ones = tuple(map(whole, layer.kernel_size)), (1,) * len(layer.windows)
    count = parts * prod(kernel)
    shape = (count * (rank + layer.modulated), frame.shape[0], *kernel)
    weight = weights.parameter("offset_weight", shape).reshape((*shape[:2], *ones, *kernel))
    y = frame.reshape((1, *frame.shape)).inner(weight, (1, *taps(layer.windows)))
    y = y + weights.parameter("offset_bias", shape[:1]).reshape((-1, *ones))
    positions = y.shape[1:]
    behind = (0, *range(rank + 1, 2 * rank + 1), *range(1, rank + 1))  # the taps last, as in a frame
    moved = y[(slice(count * rank),)].reshape((count, rank, *positions))
    offsets: list[Operand] = [
        moved[(slice(None), slice(axis, axis + 1))].reshape((parts, *kernel, *positions)).transpose(behind)
        for axis in range(rank)
    ]
    if not layer.modulated:
        return offsets, None
    raw = y[(slice(count * rank, None),)].reshape((parts, *kernel, *positions)).transpose(behind)
    return offsets, raw.reshape((parts, 1, *raw.shape[1:])).apply(lambda x: logistic(real(x)))
