"""The kernels of layers that join several maps."""

from __future__ import annotations

import operator
from functools import reduce
from itertools import pairwise

import numpy as np

from convmath.numeric.array import Array, Plane
from convmath.numeric.kernels import kernel
from convmath.numeric.misfit import Misfit, show_shape
from convmath.numeric.weights import Weights
from convmath.spec.merge import Add, Concat, Divide, Maximum, Minimum, Multiply, Subtract


@kernel(Add)
def add(layer: Add, weights: Weights, *maps: Array) -> Array:  # noqa: ARG001
    """Return the sums of the elements at the same places."""
    _check_shapes(maps)
    return reduce(operator.add, maps)


def _check_shapes(maps: tuple[Array, ...]) -> None:
    """Refuse maps that differ in their shapes."""
    for left, right in pairwise(maps):
        if left.shape != right.shape:
            message = f"{show_shape(left.shape)} and {show_shape(right.shape)} cannot be joined element by element"
            raise Misfit("bad-join", message)


@kernel(Subtract)
def subtract(layer: Subtract, weights: Weights, *maps: Array) -> Array:  # noqa: ARG001
    """Return the differences of the elements at the same places."""
    _check_shapes(maps)
    return maps[0].apply(_difference, maps[1])


@kernel(Divide)
def divide(layer: Divide, weights: Weights, *maps: Array) -> Array:  # noqa: ARG001
    """Return the quotients of the elements at the same places."""
    _check_shapes(maps)
    return maps[0].apply(np.divide, maps[1])


@kernel(Maximum)
def maximum(layer: Maximum, weights: Weights, *maps: Array) -> Array:  # noqa: ARG001
    """Return the largest of the elements at the same places."""
    _check_shapes(maps)
    first, *others = maps
    return first.stacked(others).maximum((-1,)) if others else first


@kernel(Minimum)
def minimum(layer: Minimum, weights: Weights, *maps: Array) -> Array:  # noqa: ARG001
    """Return the smallest of the elements at the same places."""
    _check_shapes(maps)
    first, *others = maps
    return first.stacked(others).minimum((-1,)) if others else first


@kernel(Concat)
def concat(layer: Concat, weights: Weights, *maps: Array) -> Array:  # noqa: ARG001
    """Return the channels of all maps, one map behind the other."""
    first, *others = maps
    for each in others:
        if each.shape[1:] != first.shape[1:]:
            raise Misfit("bad-join", f"{show_shape(first.shape)} and {show_shape(each.shape)} differ in their sizes")
    return first.followed_by(others) if others else first


@kernel(Multiply)
def multiply(layer: Multiply, weights: Weights, *maps: Array) -> Array:  # noqa: ARG001
    """Return the products of the elements at the same places, an axis of size 1 being repeated."""
    product, *others = maps
    for each in others:
        pairs = list(zip(product.shape, each.shape, strict=False))
        if len(product.shape) != len(each.shape) or any(a != b and 1 not in (a, b) for a, b in pairs):
            shapes = f"{show_shape(product.shape)} and {show_shape(each.shape)}"
            raise Misfit("bad-join", f"{shapes} cannot be multiplied: sizes differ and none of the two is 1")
        product = product.apply(_times, each)
    return product


def _times(left: Plane, right: Plane) -> Plane:
    if left.dtype.kind == right.dtype.kind == "i" and left.size and right.size:
        reach = max(abs(int(left.min())), int(left.max())) * max(abs(int(right.min())), int(right.max()))
        if reach > np.iinfo(np.int64).max:
            left = left.astype(object)
    return left * right


def _difference(left: Plane, right: Plane) -> Plane:
    if left.dtype.kind == right.dtype.kind == "i" and left.size and right.size:
        reach = max(abs(int(left.min())), abs(int(left.max()))) + max(abs(int(right.min())), abs(int(right.max())))
        if reach > np.iinfo(np.int64).max:
            left = left.astype(object)
    return left - right
