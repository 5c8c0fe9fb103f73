"""Arrays of numbers: what a user runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Self

import numpy as np

from convmath.numeric.array import Array, Operand, Plane, Shape, pad_plane
from convmath.numeric.misfit import Misfit
from convmath.numeric.weights import Parameter

AT_ONCE = 1 << 20
"""Windows of up to so many elements are copied for one product of matrices; larger ones go tap by tap."""


class Values(Array):
    """Numbers: floats, or integers that stay exact."""

    @property
    def numbers(self) -> Plane:
        """The elements."""
        return self.planes[0]

    def pad(self, axis: int, amount: tuple[int, int], mode: str = "zeros") -> Self:
        """Return the padded image: with zeros, with what never wins, or with what the mode repeats."""
        fill = lowest(self.numbers) if mode == "nothing" else 0
        return self.made(pad_plane(self.numbers, axis, amount, mode, fill))

    def inner(self, weights: Parameter, axes: tuple[int, ...]) -> Self:
        """Return the sums of products, by products of matrices; integers stay exact."""
        numbers, factors = self.numbers, weights.read()
        channels, *taps = (axis % numbers.ndim for axis in axes)
        terms = max(
            1, np.prod([max(numbers.shape[axis], factors.shape[axis]) for axis in (channels, *taps)], dtype=object)
        )
        if _integers(numbers, factors) and terms * _reach(numbers) * _reach(factors) > np.iinfo(np.int64).max:
            numbers, factors = numbers.astype(object), factors.astype(object)
        if numbers.size <= AT_ONCE:
            return self.made(_sum_of_products(numbers, factors, (channels, *taps)))
        # All windows written out would hold every element once per tap.
        sums: Any = 0
        for tap in np.ndindex(*(numbers.shape[axis] for axis in taps)):
            here = dict(zip(taps, tap, strict=True))
            sums = sums + _sum_of_products(_pick(numbers, here), _pick(factors, here), (channels,))
        return self.made(sums)

    def __add__(self, other: Operand) -> Self:
        """Return the sums; integers stay exact."""
        numbers, addends = self.numbers, _numbers_of(other)
        if _integers(numbers, addends) and _reach(numbers) + _reach(addends) > np.iinfo(np.int64).max:
            numbers = numbers.astype(object)
        return self.made(numbers + addends)

    def displaced(self, places: Sequence[Plane], offsets: Sequence[Operand], reach: int) -> Self:  # noqa: ARG002
        """Return the samples by bilinear interpolation, one corner after the other."""
        numbers = self.numbers if self.numbers.dtype.kind == "f" else self.numbers.astype(np.float64)
        moves = [_numbers_of(each) for each in offsets]
        if not all(np.isfinite(each).all() for each in moves):
            raise Misfit("bad-offset", "an offset is no finite number")
        rank = len(places)
        low, share = [], []
        for axis, (place, move) in enumerate(zip(places, moves, strict=True)):
            ones = [1] * (rank - 1)
            spots = place.reshape((*ones[:axis], -1, *ones, place.shape[1], *ones[axis:]))
            at = np.clip(spots + move, -2, self.shape[axis + 1] + 1)
            low.append(np.floor(at).astype(np.intp))
            share.append(at - np.floor(at))
        groups = max(each.shape[0] for each in moves)
        parts = numbers.reshape((groups, -1, *numbers.shape[1:]))
        samples: Any = 0
        for corner in product((0, 1), repeat=rank):
            samples = samples + _corner(parts, corner, low, share)
        return self.made(samples.reshape((numbers.shape[0], *samples.shape[2:])).astype(numbers.dtype))

    def declared(self, shape: Shape, macs: int, windows: Sequence[tuple[int, int, int]] | None) -> Self:  # noqa: ARG002
        """Refuse: what the layer computes is not known."""
        raise Misfit("opaque", "what an opaque layer computes is not known, so that no values run through it")

    def maximum(self, axes: tuple[int, ...]) -> Self:
        """Return the largest elements."""
        return self.made(self.numbers.max(axis=axes))

    def minimum(self, axes: tuple[int, ...]) -> Self:
        """Return the smallest elements."""
        return self.made(self.numbers.min(axis=axes))

    def sum(self, axes: tuple[int, ...]) -> Self:
        """Return the sums; integers stay exact."""
        numbers = self.numbers
        if _integers(numbers) and numbers.size * _reach(numbers) > np.iinfo(np.int64).max:
            numbers = numbers.astype(object)
        return self.made(numbers.sum(axis=axes))

    def apply(self, function: Callable[..., Plane], *operands: Operand, along: tuple[int, ...] = ()) -> Self:  # noqa: ARG002
        """Return the function's values."""
        return self.made(function(self.numbers, *map(_numbers_of, operands)))


def lowest(numbers: Plane) -> Any:
    """Return what no element is below: minus infinity, or the least integer of the type."""
    return np.iinfo(numbers.dtype).min if numbers.dtype.kind == "i" else -np.inf


def _numbers_of(operand: Operand) -> Plane:
    return operand.read() if isinstance(operand, Parameter) else operand.planes[0]


def _integers(*arrays: Plane) -> bool:
    return all(each.dtype.kind == "i" for each in arrays)


def _reach(numbers: Plane) -> int:
    """Return the largest magnitude, as an integer that cannot overflow."""
    return max(-int(numbers.min()), int(numbers.max()), 1)


def _corner(parts: Plane, corner: tuple[int, ...], low: list[Plane], share: list[Plane]) -> Plane:
    """Return one neighbour of every place, times its share; groups, channels, positions, taps."""
    weight: Any = 1.0
    indices = []
    for axis, above in enumerate(corner):
        index, size = low[axis] + above, parts.shape[axis + 2]
        inside = (index >= 0) & (index < size)
        weight = weight * inside * (share[axis] if above else 1 - share[axis])
        indices.append(np.clip(index, 0, size - 1))
    wide = np.broadcast_arrays(*indices)
    read = np.stack([part[(slice(None), *(each[group] for each in wide))] for group, part in enumerate(parts)])
    return np.asarray(read * weight[:, None])


def _pick(array: Plane, places: dict[int, int]) -> Plane:
    """Return the elements at one place along some axes."""
    return array[tuple(places.get(axis, slice(None)) for axis in range(array.ndim))]


def _sum_of_products(numbers: Plane, factors: Plane, axes: tuple[int, ...]) -> Plane:
    """Return the sum over *axes* of ``numbers * factors`` without writing out the products.

    Axes of size 1 are left out, so that the sums become products of matrices wherever they are.
    """
    every = range(numbers.ndim)
    rest = [axis for axis in every if axis not in axes]
    lengths = np.broadcast_shapes(numbers.shape, factors.shape)
    left, right = ([axis for axis in every if array.shape[axis] > 1] for array in (numbers, factors))
    kept = [axis for axis in rest if lengths[axis] > 1]
    sums = np.einsum(numbers.squeeze(), left, factors.squeeze(), right, kept, optimize=True)
    return np.asarray(sums).reshape([lengths[axis] for axis in rest])
