"""The kernel of up-sampling."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import NamedTuple

import numpy as np

from convmath.numeric.array import Array, Plane
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit
from convmath.numeric.weights import Weights
from convmath.spec.upsample import Upsample

Corners = tuple[tuple[Plane, Plane], tuple[Plane, Plane]]
"""The lower and the upper neighbour of every output along an axis, each with its share."""


@kernel(Upsample)
def upsample(layer: Upsample, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return every element repeated, or ``Σ x[e] · Π (1 − |p − e|)`` over the corners e around each output's place p.

    The pixels of an output stand side by side over the image, each as wide as 1/f of an
    element, and p is where the middle of one lies. With the corners aligned the middles of
    the outermost pixels lie on the outermost elements.
    """
    along = [_pixels(layer, axis, size) for axis, size in enumerate(x.shape[1:])]
    if layer.mode == "bilinear" and layer.align_corners:
        return _blended(x, [_aligned(size, len(each.begins)) for size, each in zip(x.shape[1:], along, strict=True)])
    if layer.mode == "bilinear":
        return _blended(x, [_around(2 * each.begins + each.width - each.unit, 2 * each.unit) for each in along])
    for axis, each in enumerate(along, 1):
        x = x.take(axis, each.begins // each.unit)
    return x.copied()


class Pixels(NamedTuple):
    """Where the pixels of an output begin along an axis, and how wide they are, in 1/unit of an element."""

    begins: Plane
    width: int
    unit: int


def _pixels(layer: Upsample, axis: int, elements: int) -> Pixels:
    """Return the pixels that lie on the image: as many as are wanted, or as have room with their width."""
    if layer.size:
        width, unit = elements, whole(layer.size[axis])
    else:
        factor = layer.scale_factor[axis]
        ratio = factor if isinstance(factor, Fraction) else Fraction(whole(factor))
        width, unit = ratio.denominator, ratio.numerator
    begins = np.arange(0, elements * unit - width + 1, width)
    if not len(begins):
        raise Misfit("does-not-fit", f"axis {axis}: a pixel {width}/{unit} wide is wider than the image, {elements}")
    return Pixels(begins, width, unit)


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
