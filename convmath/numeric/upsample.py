"""The kernel of up-sampling."""

from __future__ import annotations

from itertools import product

import numpy as np

from convmath.numeric.array import Array, Plane
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.weights import Weights
from convmath.spec.upsample import Upsample

Corners = tuple[tuple[Plane, Plane], tuple[Plane, Plane]]
"""The lower and the upper neighbour of every output along an axis, each with its share."""


@kernel(Upsample)
def upsample(layer: Upsample, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return every element repeated, or ``Σ x[e] · Π (1 − |p − e|)`` over the corners e around each output's place p.

    The place of output i of m is ``(i + ½)·n/m − ½`` on an axis of n elements, or, with
    the corners aligned, ``i·(n − 1)/(m − 1)``.
    """
    along = [_ratio(layer, axis, size) for axis, size in enumerate(x.shape[1:])]
    if layer.mode == "bilinear":
        places = _aligned if layer.align_corners else _centred
        return _blended(x, [places(*each) for each in along])
    for axis, (elements, outputs) in enumerate(along, 1):
        x = x.take(axis, np.arange(outputs) * elements // outputs)
    return x.copied()


def _ratio(layer: Upsample, axis: int, elements: int) -> tuple[int, int]:
    """Return how many elements there are along an axis, and how many outputs lie over them."""
    return elements, whole(layer.size[axis]) if layer.size else elements * whole(layer.scale_factor[axis])


def _blended(x: Array, along: list[Corners]) -> Array:
    """Return the weighted sums of the 2**rank corners around every output; beyond the border it is repeated."""
    for axis in range(len(along)):
        x = x.pad(axis + 1, (1, 1), "replicate")
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


def _centred(elements: int, outputs: int) -> Corners:
    """Return the neighbours where both lines of pixels have the same ends."""
    return _around(np.arange(1, 2 * outputs, 2) * elements - outputs, 2 * outputs)


def _aligned(elements: int, outputs: int) -> Corners:
    """Return the neighbours where the first and last pixels lie on one another; a single output lies on the first."""
    return _around(np.arange(outputs) * (elements - 1), max(outputs - 1, 1))


def _around(places: Plane, unit: int) -> Corners:
    """Return the neighbours of places counted in 1/unit of an element.

    An output that falls onto an element has that element twice, so that no other is read.
    """
    low, share = places // unit, places % unit / unit
    return (low, 1 - share), (-(-places // unit), share)


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
