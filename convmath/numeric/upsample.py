"""The kernel of up-sampling."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np

from convmath.numeric.array import Array, Plane
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.weights import Weights
from convmath.spec.upsample import Upsample


@kernel(Upsample)
def upsample(layer: Upsample, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return every element repeated, or ``Σ x[e] · Π (1 − |(i + ½)/f − ½ − e|)`` over the corners e around."""
    factors = tuple(map(whole, layer.scale_factor))
    if layer.mode == "bilinear":
        return _blended(x, factors)
    for axis, factor in enumerate(factors, 1):
        x = x.take(axis, np.repeat(np.arange(x.shape[axis]), factor))
    return x.copied()


def _blended(x: Array, factors: tuple[int, ...]) -> Array:
    """Return the weighted sums of the 2**rank corners around every output; beyond the border it is repeated."""
    sizes = x.shape[1:]
    for axis in range(len(factors)):
        x = x.pad(axis + 1, (1, 1), "replicate")
    along = [_corners(size, factor) for size, factor in zip(sizes, factors, strict=True)]
    parts = []
    for corner in product(*along):
        part = x
        for axis, (indices, _) in enumerate(corner, 1):
            part = part.take(axis, indices + 1)
        parts.append(_weighted(part, [share for _, share in corner]))
    total, *others = parts
    for part in others:
        total = total + part
    return total


def _corners(size: int, factor: int) -> tuple[tuple[Plane, Plane], tuple[Plane, Plane]]:
    """Return the lower and the upper neighbour of every output along an axis, and their shares.

    An output that falls onto an element has that element twice, so that no other is read.
    """
    exact = [Fraction(2 * phase + 1 - factor, 2 * factor) for phase in range(factor)]
    elements = np.repeat(np.arange(size), factor)
    low, high, share = (
        np.tile(each, size)
        for each in ([x.__floor__() for x in exact], [x.__ceil__() for x in exact], [float(x % 1) for x in exact])
    )
    return (elements + low, 1 - share), (elements + high, share)


def _weighted(part: Array, shares: list[Plane]) -> Array:
    """Return one corner times the product of its shares on all axes."""
    rank = len(shares)
    weight = np.ones((1,) * rank)
    for axis, share in enumerate(shares):
        weight = weight * share.reshape((-1,) + (1,) * (rank - 1 - axis))

    def times(x: Plane) -> Plane:
        products: Plane = np.multiply(x, weight.astype(x.dtype if x.dtype.kind == "f" else np.float64))
        return products

    return part.apply(times)
