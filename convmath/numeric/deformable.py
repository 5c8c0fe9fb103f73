"""The kernel of deformable convolutions."""

from __future__ import annotations

from math import prod

import numpy as np

from convmath.numeric.activation import logistic, real
from convmath.numeric.array import Array, Operand, Plane
from convmath.numeric.conv import check_groups
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit, show_shape
from convmath.numeric.values import Values
from convmath.numeric.weights import Weights
from convmath.numeric.window import padding_of, slide, taps
from convmath.spec.deformable import DeformableConv
from convmath.spec.layer import Window


@kernel(DeformableConv)
def deformable_conv(layer: DeformableConv, weights: Weights, x: Array, *maps: Array) -> Array:
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
    offsets, factors = _offsets(layer, weights, frame, maps)
    places = tuple(_places(x, axis, window) for axis, window in enumerate(layer.windows))
    samples = x.displaced(places, offsets, whole(layer.max_offset))
    if factors is not None:
        weigh = _weigh if layer.offsets == "learned" else np.multiply
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


def _offsets(
    layer: DeformableConv, weights: Weights, frame: Array, maps: tuple[Array, ...]
) -> tuple[list[Operand], Operand | None]:
    """Return the offsets, axis by axis, as (group, positions, taps), and the factors, learned ones before a sigmoid."""
    rank, parts = len(layer.windows), whole(layer.offset_groups)
    kernel, ones = tuple(map(whole, layer.kernel_size)), (1,) * len(layer.windows)
    if layer.offsets == "predicted":
        return _predicted(layer, weights, frame)
    if layer.offsets == "given":
        return _given(layer, frame, maps)
    offsets: list[Operand] = [
        weights.parameter(f"offset_{axis + 1}", (parts, *kernel), spread=1.0).reshape((parts, *ones, *kernel))
        for axis in range(rank)
    ]
    if not layer.modulated:
        return offsets, None
    return offsets, weights.parameter("mask", (parts, *kernel)).reshape((parts, 1, *ones, *kernel))


def _predicted(layer: DeformableConv, weights: Weights, frame: Array) -> tuple[list[Operand], Operand | None]:
    """Return what a convolution of the same windows puts out: the offsets, and behind them all factors."""
    rank, parts = len(layer.windows), whole(layer.offset_groups)
    kernel, ones = tuple(map(whole, layer.kernel_size)), (1,) * len(layer.windows)
    count = parts * prod(kernel)
    shape = (count * (rank + layer.modulated), frame.shape[0], *kernel)
    weight = weights.parameter("offset_weight", shape).reshape((*shape[:2], *ones, *kernel))
    y = frame.reshape((1, *frame.shape)).inner(weight, (1, *taps(layer.windows)))
    y = y + weights.parameter("offset_bias", shape[:1]).reshape((-1, *ones))
    offsets = _moves(layer, y[(slice(count * rank),)])
    if not layer.modulated:
        return offsets, None
    return offsets, _factors(layer, y[(slice(count * rank, None),)]).apply(lambda x: logistic(real(x)))


def _given(layer: DeformableConv, frame: Array, maps: tuple[Array, ...]) -> tuple[list[Operand], Operand | None]:
    """Return the offsets and the factors that arrive, one for every place of the windows."""
    if len(maps) + 1 != len(layer.takes):
        raise Misfit("bad-inputs", f"{len(maps) + 1} maps arrive, but it takes {', '.join(layer.takes)}")
    rank = len(layer.windows)
    count = whole(layer.offset_groups) * prod(frame.shape[rank + 1 :])
    for name, each, channels in zip(layer.takes[1:], maps, (count * rank, count), strict=False):
        needed = (channels, *frame.shape[1 : rank + 1])
        if each.shape != needed:
            raise Misfit(
                "bad-inputs", f"{show_shape(each.shape)} arrives as {name}, but {show_shape(needed)} is needed"
            )
    offsets, *masks = maps
    return _moves(layer, offsets), _factors(layer, masks[0]) if masks else None


def _moves(layer: DeformableConv, y: Array) -> list[Operand]:
    """Return a map as offsets, axis by axis: its channels are, group by group and tap by tap, those of all axes."""
    rank = len(layer.windows)
    apart = y.reshape((-1, rank, *y.shape[1:]))
    return [_taps_last(layer, apart[(slice(None), slice(axis, axis + 1))]) for axis in range(rank)]


def _factors(layer: DeformableConv, y: Array) -> Array:
    """Return a map as factors, which are alike for all channels of a group."""
    factors = _taps_last(layer, y)
    return factors.reshape((factors.shape[0], 1, *factors.shape[1:]))


def _taps_last(layer: DeformableConv, y: Array) -> Array:
    """Return a map with a channel per group and tap as (group, positions, taps), as in a frame."""
    rank = len(layer.windows)
    behind = (0, *range(rank + 1, 2 * rank + 1), *range(1, rank + 1))
    kernel, positions = tuple(map(whole, layer.kernel_size)), y.shape[-rank:]
    return y.reshape((whole(layer.offset_groups), *kernel, *positions)).transpose(behind)
