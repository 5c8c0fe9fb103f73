"""Arrays of what was read: spans hold the least and greatest index, reads the exact set.

Both follow one axis of one input of the network. Whatever is calculated from elements
has read what they have read, so ``+``, products, maxima and sums are all one operation,
the union; weights and padding have read nothing. All layers act on each axis on its
own: along the other axes an array repeats one element, and nothing but that element is
kept.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from convmath.numeric.array import Array, Operand, Plane, Shape, broadcast, pad_plane, spread_plane, take_plane, thin
from convmath.numeric.weights import Parameter


class Trace(Array):
    """What each element has read of one axis of an input.

    The last plane says whether it met padding anywhere on its way, also padding that
    repeats or mirrors the image.
    """

    unions: tuple[np.ufunc, ...]
    """How what two elements have read is joined, plane by plane."""

    def __init__(self, *planes: Plane, axis: int, empty: tuple[Any, ...]) -> None:
        super().__init__(*planes)
        self.axis = axis
        self.empty = empty

    @classmethod
    @abstractmethod
    def of(cls, shape: Shape, axis: int) -> Self:
        """Return an input whose elements have read themselves, by their index along the spatial *axis*."""

    def unread(self, shape: Shape) -> Self:
        """Return another input of the network, of which nothing is followed."""
        *read, padded = zip(self.planes, self.empty, strict=True)
        nothing = [np.broadcast_to(np.asarray(empty, dtype=plane.dtype), shape) for plane, empty in read]
        return self.made(*nothing, np.broadcast_to(np.zeros_like(padded[0], shape=()), shape))

    @property
    def padded(self) -> Plane:
        """Whether elements met padding."""
        return self.planes[-1]

    def pad(self, axis: int, amount: tuple[int, int], mode: str = "zeros") -> Self:
        """Return the array with padding, which has read nothing, or what the mode repeats."""
        if axis != self.axis:
            return self.made(*(self._widened(plane, axis, amount) for plane in self.planes))
        *read, padded = zip(self.planes, self.empty, strict=True)
        planes = [pad_plane(plane, axis, amount, mode, empty) for plane, empty in read]
        return self.made(*planes, pad_plane(padded[0], axis, amount, "zeros", padded[1]))

    def spread(self, axis: int, step: int) -> Self:
        """Return the array with zeros between its elements, which have read nothing and are no padding."""
        if axis == self.axis:
            return super().spread(axis, step)
        wide = spread_plane(np.empty(self.shape[axis], dtype=np.int8), 0, step, 0)
        indices = np.zeros(wide.shape, dtype=np.intp)
        return self.made(*(take_plane(plane, axis, indices) for plane in self.planes))

    def extended(self, axis: int, amount: tuple[int, int]) -> Self:
        """Return the array with such zeros at its ends."""
        if axis == self.axis:
            return super().extended(axis, amount)
        return self.made(*(self._widened(plane, axis, amount) for plane in self.planes))

    def displaced(self, places: Sequence[Plane], offsets: Sequence[Operand], reach: int) -> Self:
        """Return what samples have read at most: all within *reach* of each place, and what the offsets have read."""
        rank = len(places)
        line = places[self.axis - 1]
        # From so far away everything is in reach: more would be padding only.
        reach = min(reach, self.shape[self.axis] + int(np.abs(line).max()))
        margin = int(max(-line.min(), line.max() - self.shape[self.axis] + 1, 0)) + reach
        samples, width = self.pad(self.axis, (margin, margin)), 1
        while width < 2 * reach + 1:  # a window twice as wide is the union of two, which may overlap
            step = min(width, 2 * reach + 1 - width)
            samples = samples.windows(self.axis, kernel=2, stride=1, dilation=step).union((-1,))
            width += step
        for axis in range(rank, 0, -1):  # backwards, so that the axes before keep their numbers
            moved = margin - reach if axis == self.axis else 0
            indices = np.clip(places[axis - 1] + moved, 0, samples.shape[axis] - 1)
            samples = samples.take(axis, indices)
        order = (0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2))
        samples = samples.transpose(order)
        for each in offsets:
            if isinstance(each, Array):
                samples = samples.apply(np.add, each.union((0,)))  # type: ignore[attr-defined]
        return samples

    def declared(self, shape: Shape, macs: int, windows: Sequence[tuple[int, int, int]] | None) -> Self:  # noqa: ARG002
        """Return what each output has read: a window of all channels, or everything."""
        if windows is None:
            return self.regrouped(shape)
        kernel, stride, before = windows[self.axis - 1]
        beyond = stride * shape[self.axis] + kernel
        line = self.union(tuple(axis for axis in range(len(self.shape)) if axis != self.axis), keepdims=True)
        line = line.pad(self.axis, (before, beyond)).windows(self.axis, kernel=kernel, stride=stride, dilation=1)
        line = line.union((-1,)).cut(self.axis, (0, line.shape[self.axis] - shape[self.axis]))
        first = (slice(0, 1),) * self.axis + (slice(None),) + (slice(0, 1),) * (len(shape) - self.axis - 1)
        return self.made(*(broadcast(plane[first], shape) for plane in line.planes))

    def merge(self, axis: int) -> Self:
        """Return the array with two axes written as one; an axis that is not followed still repeats one element."""
        merged = super().merge(axis)
        if axis == self.axis:
            return merged
        pairs = zip(self.planes, merged.planes, strict=True)
        first: tuple[Any, ...] = (*(slice(None),) * axis, slice(0, 1), 0)
        thinned = [broadcast(plane[first], wide.shape) for plane, wide in pairs]
        return self._view(thinned)

    def regrouped(self, shape: Shape) -> Self:
        """Return an image of which each element has read, at most, what all have: a bound."""
        joined = self.union(tuple(range(len(self.shape))))
        new = self._view([np.broadcast_to(plane, shape) for plane in joined.planes])
        new.axis = max(1, min(self.axis, len(shape) - 1))
        return new

    @property
    def fills(self) -> tuple[Any, ...]:
        """What a zero between elements has read: nothing, and it is no padding."""
        return (*self.empty[:-1], False)

    @staticmethod
    def _widened(plane: Plane, axis: int, amount: tuple[int, int]) -> Plane:
        """Return a plane padded along an axis that is not followed: it repeats its one element there."""
        wide = np.pad(np.empty(plane.shape[axis], dtype=np.int8), amount)
        core = thin(plane)[(slice(None),) * axis + (slice(0, 1),)]
        return broadcast(core, (*plane.shape[:axis], *wide.shape, *plane.shape[axis + 1 :]))

    def inner(self, weights: Parameter, axes: tuple[int, ...]) -> Self:
        """Return what the elements under each sum have read; the weights are ignored."""
        shape = np.broadcast_shapes(self.shape, weights.shape)
        products = self.made(*(broadcast(plane, shape) for plane in self.planes))
        return products.union(axes)

    def __add__(self, other: Operand) -> Self:
        """Return what the elements on both sides have read."""
        return self.apply(np.add, other)

    def maximum(self, axes: tuple[int, ...]) -> Self:
        """Return what the elements under each maximum have read, for any of them could win."""
        return self.union(axes)

    def sum(self, axes: tuple[int, ...]) -> Self:
        """Return what the elements under each sum have read."""
        return self.union(axes)

    def apply(self, function: Callable[..., Plane], *operands: Operand, along: tuple[int, ...] = ()) -> Self:  # noqa: ARG002
        """Return what every element and those of *operands* have read."""
        result = self.union(along, keepdims=True) if along else self
        shape = np.broadcast_shapes(self.shape, *(each.shape for each in operands))
        planes = [thin(plane) for plane in result.planes]
        for each in operands:
            if isinstance(each, Array):
                others = map(thin, each.planes)
                planes = [union(*pair) for union, *pair in zip(self.unions, planes, others, strict=True)]
        return self.made(*(broadcast(plane, shape) for plane in planes))

    def union(self, axes: tuple[int, ...], *, keepdims: bool = False) -> Self:
        """Return what all elements along *axes* have read together."""
        gone = {axis % len(self.shape) for axis in axes}
        sizes = enumerate(self.shape)
        shape = tuple(1 if axis in gone else size for axis, size in sizes if keepdims or axis not in gone)
        pairs = zip(self.unions, self.planes, strict=True)
        joined = [
            np.asarray(union.reduce(thin(plane), axis=tuple(gone), keepdims=keepdims), plane.dtype)
            for union, plane in pairs
        ]
        return self.made(*(broadcast(plane, shape) for plane in joined))

    def line(self) -> tuple[Plane, ...]:
        """Return what the positions along the axis that is followed have read; of a vector, what each element has."""
        kept = self.axis if len(self.shape) > 1 else 0
        return self.union(tuple(axis for axis in range(len(self.shape)) if axis != kept)).planes


class Spans(Trace):
    """The least and the greatest index that each element has read."""

    unions = (np.minimum, np.maximum, np.logical_or)

    @classmethod
    def of(cls, shape: Shape, axis: int) -> Self:
        """Return an input whose elements have read themselves, by their index along the spatial *axis*."""
        index = _along(np.arange(shape[axis + 1]), shape, axis)
        # The least of no indices lies beyond all of them, the greatest before.
        return cls(index, index, _along(np.False_, shape, axis), axis=axis + 1, empty=(shape[axis + 1], -1, True))


class Reads(Trace):
    """The set of the indices that each element has read, as the bits of a Python integer."""

    unions = (np.bitwise_or, np.logical_or)

    @classmethod
    def of(cls, shape: Shape, axis: int) -> Self:
        """Return an input whose elements have read themselves, by their index along the spatial *axis*."""
        masks = np.array([1 << index for index in range(shape[axis + 1])], dtype=object)
        return cls(_along(masks, shape, axis), _along(np.False_, shape, axis), axis=axis + 1, empty=(0, True))


def _along(line: Any, shape: Shape, axis: int) -> Plane:
    """Return a plane that holds *line* along one spatial axis and repeats it along all others."""
    line = np.broadcast_to(line, shape[axis + 1 : axis + 2])
    return np.broadcast_to(line.reshape((-1,) + (1,) * len(shape[axis + 2 :])), shape)
