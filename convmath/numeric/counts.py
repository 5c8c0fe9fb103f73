"""Arrays without data: every operation adds the size of its result to a counter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Self

import numpy as np

from convmath.numeric.array import Array, Operand, Plane, Shape, pad_plane
from convmath.numeric.weights import Parameter, blank


@dataclass(slots=True)
class Counter:
    """How many operations were done, by kind.

    ``macs`` counts the products that are added to an accumulator; these additions are
    not in ``additions``.
    """

    macs: int = 0
    additions: int = 0
    comparisons: int = 0
    elementwise: int = 0


class Counts(Array):
    """A shape that counts what is done with it, and no data: one zero repeated."""

    def __init__(self, shape: Shape, counter: Counter) -> None:
        super().__init__(blank(shape))
        self.counter = counter

    def made(self, *planes: Plane) -> Self:
        """Return a shape without data, whatever the planes hold."""
        return super().made(blank(planes[0].shape))

    def pad(self, axis: int, amount: tuple[int, int], mode: str = "zeros") -> Self:
        """Return the padded shape; moving data costs nothing."""
        return self.made(pad_plane(self.planes[0], axis, amount, mode, 0))

    def inner(self, weights: Parameter, axes: tuple[int, ...]) -> Self:
        """Return the shape of the sums, and count a MAC for every product."""
        products = blank(np.broadcast_shapes(self.shape, weights.read().shape))
        self.counter.macs += prod(products.shape)
        return self.made(_without(products, axes))

    def __add__(self, other: Operand) -> Self:
        """Return the shape of the sums, and count an addition for each."""
        sums = self._broadcast(other)
        self.counter.additions += sums.size
        return sums

    def gather(self, other: Self) -> Self:  # noqa: ARG002
        """Return the shape; a MAC is a product and its addition, wherever the sum stands."""
        return self

    def displaced(self, places: Sequence[Plane], offsets: Sequence[Operand], reach: int) -> Self:  # noqa: ARG002
        """Return the shape of the samples; each takes a product per corner, and one addition fewer."""
        for each in offsets:
            if isinstance(each, Parameter):
                each.read()
        positions, taps = zip(*(each.shape for each in places), strict=True)
        samples = self.made(blank((self.shape[0], *positions, *taps)))
        corners = 2 ** len(places)
        self.counter.elementwise += corners * samples.size
        self.counter.additions += (corners - 1) * samples.size
        return samples

    def declared(self, shape: Shape, macs: int, windows: Sequence[tuple[int, int, int]] | None) -> Self:  # noqa: ARG002
        """Return the shape, and count what was declared."""
        self.counter.macs += macs
        return self.made(blank(shape))

    def maximum(self, axes: tuple[int, ...]) -> Self:
        """Return the shape of the maxima, and count one comparison less than elements for each."""
        largest = self.made(_without(self.planes[0], axes))
        self.counter.comparisons += self.size - largest.size
        return largest

    def sum(self, axes: tuple[int, ...]) -> Self:
        """Return the shape of the sums, and count one addition less than elements for each."""
        sums = self.made(_without(self.planes[0], axes))
        self.counter.additions += self.size - sums.size
        return sums

    def apply(self, function: Callable[..., Plane], *operands: Operand, along: tuple[int, ...] = ()) -> Self:  # noqa: ARG002
        """Return the shape of the results, and count an operation for each."""
        results = self._broadcast(*operands)
        self.counter.elementwise += results.size
        return results

    def _broadcast(self, *operands: Operand) -> Self:
        shapes = [each.read().shape if isinstance(each, Parameter) else each.shape for each in operands]
        return self.made(blank(np.broadcast_shapes(self.shape, *shapes)))


def _without(plane: Plane, axes: tuple[int, ...]) -> Plane:
    """Return one element along each of *axes*, which then are no axes any more."""
    gone = {axis % plane.ndim for axis in axes}
    return plane[tuple(0 if axis in gone else slice(None) for axis in range(plane.ndim))]
