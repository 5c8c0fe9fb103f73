"""What every array can do: it is moved about here, and calculated with in the modules of the kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from functools import reduce
from math import prod
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from convmath.numeric.weights import Parameter

Plane: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Operand: TypeAlias = "Array | Parameter"

PAD_MODES = {"zeros": "constant", "nothing": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""The padding modes, by NumPy's names; ``nothing`` is padding that never wins a maximum."""


class Array(ABC):
    """A batchless tensor, channels first: one or several NumPy arrays of one shape, its planes.

    Moving elements is the same for every kind: each plane is moved. ``inner``, ``+``,
    ``maximum``, ``sum`` and ``apply`` mean on each kind what that kind measures.

    ``memory`` stands for the memory that holds the elements: views share it.
    """

    def __init__(self, *planes: Plane) -> None:
        self.planes = planes
        self.memory = object()

    @property
    def shape(self) -> Shape:
        """The sizes of all axes, channels first."""
        return self.planes[0].shape

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    def made(self, *planes: Plane) -> Self:
        """Return an array of this kind that holds *planes* in memory of its own."""
        new = copy(self)
        new.planes = planes
        new.memory = object()
        return new

    def _view(self, planes: Sequence[Plane]) -> Self:
        new = self.made(*planes)
        new.memory = self.memory
        return new

    def __getitem__(self, index: tuple[slice, ...]) -> Self:
        """Return the view of a part."""
        return self._view([plane[index] for plane in self.planes])

    def reshape(self, shape: Shape) -> Self:
        """Return the same elements in the same order in another shape; one size may be -1."""
        return self._view([plane.reshape(shape) for plane in self.planes])

    def regrouped(self, shape: Shape) -> Self:
        """Return the same elements in the same order as another image, where positions mean other things."""
        return self.reshape(shape)

    def merge(self, axis: int) -> Self:
        """Return the array with *axis* and the one behind it written as one."""
        return self.reshape((*self.shape[:axis], -1, *self.shape[axis + 2 :]))

    def transpose(self, axes: tuple[int, ...]) -> Self:
        """Return the view with its axes in another order."""
        return self._view([plane.transpose(axes) for plane in self.planes])

    def windows(self, axis: int, *, kernel: int, stride: int, dilation: int) -> Self:
        """Return a view with a last axis that holds the taps of every window along *axis*.

        A window spans every tap and the elements between them; it is moved over all
        places, and every *stride*-th of them is kept.
        """
        extent = dilation * (kernel - 1) + 1
        keep: tuple[Any, ...] = (slice(None, None, stride), ..., slice(None, None, dilation))
        return self._view(
            [sliding_window_view(plane, extent, axis)[(slice(None),) * axis + keep] for plane in self.planes]
        )

    def fold(self, axis: int, taps: int, *, stride: int, dilation: int) -> Self:
        """Return the elements laid onto one line along *axis* and added up: the adjoint of :meth:`windows`.

        The axis *taps* goes: its tap u stands ``dilation*u`` further on, and neighbours
        along *axis* stand *stride* apart. The line ends with the last tap of the last element.
        """
        reach = dilation * (self.shape[taps] - 1)
        lines = []
        for tap in range(self.shape[taps]):
            one = self._view([plane[(slice(None),) * taps + (tap,)] for plane in self.planes])
            before, after = dilation * tap, reach - dilation * tap
            # Elements beyond the ends are padding, which traces must meet; what is left over are zeros in between.
            line = one.pad(axis, (before // stride, after // stride)).spread(axis, stride)
            lines.append(line.extended(axis, (before % stride, after % stride)))
        return reduce(type(self).gather, lines)

    @abstractmethod
    def displaced(self, places: Sequence[Plane], offsets: Sequence[Operand], reach: int) -> Self:
        """Return the image read at *places* moved by *offsets*, as channels, positions, taps.

        Along each axis *places* holds (positions, taps), and *offsets* has, for each axis,
        (group of channels, positions, taps), where sizes may be 1. Between pixels the
        value is interpolated; beyond the image it is zero. No offset is said to exceed
        *reach*: traces, which know no values, take all of them within it.
        """

    @abstractmethod
    def declared(self, shape: Shape, macs: int, windows: Sequence[tuple[int, int, int]] | None) -> Self:
        """Return what a layer that nobody knows puts out: *shape*, by so many *macs*.

        Along each axis output i reads (kernel, stride, padding) as in a convolution; without
        windows it reads everything.
        """

    def cut(self, axis: int, amount: tuple[int, int]) -> Self:
        """Return the view without some elements before and after along *axis*."""
        before, after = amount
        end = self.shape[axis] - after
        return self[(slice(None),) * axis + (slice(before, max(end, before)),)]

    def spread(self, axis: int, step: int) -> Self:
        """Return the array with ``step - 1`` zeros between two elements along *axis*; they are no padding."""
        fills = zip(self.planes, self.fills, strict=True)
        return self.made(*(spread_plane(plane, axis, step, fill) for plane, fill in fills))

    def extended(self, axis: int, amount: tuple[int, int]) -> Self:
        """Return the array with zeros before and after along *axis* that are no padding."""
        fills = zip(self.planes, self.fills, strict=True)
        return self.made(*(pad_plane(plane, axis, amount, "zeros", fill) for plane, fill in fills))

    def take(self, axis: int, indices: Plane) -> Self:
        """Return the elements at *indices* along *axis*, in memory of their own."""
        return self.made(*(take_plane(plane, axis, indices) for plane in self.planes))

    def copied(self) -> Self:
        """Return the same elements in memory of their own."""
        return self.made(*self.planes)

    @property
    def fills(self) -> tuple[Any, ...]:
        """What a zero holds that is put between elements, plane by plane."""
        return (0,)

    def gather(self, other: Self) -> Self:
        """Return the sums of products with more products, whose additions are counted with these."""
        return self + other

    def stacked(self, others: Sequence[Self]) -> Self:
        """Return this array and *others* side by side along a new last axis."""
        parts = [self, *others]
        return self.made(*(beside(planes) for planes in zip(*(each.planes for each in parts), strict=True)))

    def followed_by(self, others: Sequence[Self]) -> Self:
        """Return this array and *others* one behind the other along the first axis."""
        parts = [self, *others]
        return self.made(*(chained(planes) for planes in zip(*(each.planes for each in parts), strict=True)))

    @abstractmethod
    def pad(self, axis: int, amount: tuple[int, int], mode: str = "zeros") -> Self:
        """Return the array with elements put before and after it along *axis*."""

    @abstractmethod
    def inner(self, weights: Parameter, axes: tuple[int, ...]) -> Self:
        """Return the sum over *axes* of the products with *weights*, broadcast against one another.

        Each product is added to an accumulator that starts at zero.
        """

    @abstractmethod
    def __add__(self, other: Operand) -> Self:
        """Return the sums of the elements with those of *other*, broadcast."""

    @abstractmethod
    def maximum(self, axes: tuple[int, ...]) -> Self:
        """Return the largest element along *axes*."""

    def minimum(self, axes: tuple[int, ...]) -> Self:
        """Return the smallest element along *axes*; it takes, and reads, what the largest one does."""
        return self.maximum(axes)

    @abstractmethod
    def sum(self, axes: tuple[int, ...]) -> Self:
        """Return the sum along *axes*, each begun with its first element."""

    @abstractmethod
    def apply(self, function: Callable[..., Plane], *operands: Operand, along: tuple[int, ...] = ()) -> Self:
        """Return *function* of every element and those of *operands*: one operation per element.

        A function that mixes elements, such as softmax, does so along the axes *along*.
        """

    def over(self, counts: Callable[[], Plane]) -> Self:
        """Return the sums over the numbers of elements that they are sums of: their means."""
        return self.apply(lambda total: total / counts().astype(total.dtype))


def thin(plane: Plane, keep: int | None = None) -> Plane:
    """Return one element of every axis along which a plane is one element repeated, but all along *keep*."""
    repeated = [stride == 0 and axis != keep for axis, stride in enumerate(plane.strides)]
    return plane[tuple(slice(0, 1) if each else slice(None) for each in repeated)]


def beside(planes: Sequence[Plane]) -> Plane:
    """Return planes side by side along a new last axis; axes that repeat one element in all still do."""
    repeated = [all(plane.strides[axis] == 0 for plane in planes) for axis in range(planes[0].ndim)]
    keep = tuple(slice(0, 1) if each else slice(None) for each in repeated)
    return broadcast(np.stack([plane[keep] for plane in planes], axis=-1), (*planes[0].shape, len(planes)))


def chained(planes: Sequence[Plane]) -> Plane:
    """Return planes one behind the other along the first axis; axes that repeat one element in all still do."""
    repeated = [all(plane.strides[axis] == 0 for plane in planes) for axis in range(planes[0].ndim)]
    keep = (slice(None), *(slice(0, 1) if each else slice(None) for each in repeated[1:]))
    joined = np.concatenate([plane[keep] for plane in planes])
    return broadcast(joined, (joined.shape[0], *planes[0].shape[1:]))


def pad_plane(plane: Plane, axis: int, amount: tuple[int, int], mode: str, fill: Any) -> Plane:
    """Return a plane padded along one axis; other axes that repeat one element still do."""
    core = thin(plane, keep=axis)
    amounts = [amount if each == axis else (0, 0) for each in range(plane.ndim)]
    # A fill of the plane's own type: NumPy would put its 64-bit integers among Python's.
    settings = {"constant_values": np.asarray(fill, dtype=plane.dtype)} if PAD_MODES[mode] == "constant" else {}
    padded: Plane = np.pad(core, amounts, PAD_MODES[mode], **settings)  # type: ignore[call-overload]
    return broadcast(padded, (*plane.shape[:axis], padded.shape[axis], *plane.shape[axis + 1 :]))


def spread_plane(plane: Plane, axis: int, step: int, fill: Any) -> Plane:
    """Return a plane with ``step - 1`` times *fill* between two elements along *axis*."""
    times = np.full(plane.shape[axis], step)
    times[-1:] = 1
    wide = np.repeat(thin(plane, keep=axis), times, axis)
    wide[(slice(None),) * axis + (np.arange(wide.shape[axis]) % step != 0,)] = fill
    return broadcast(wide, (*plane.shape[:axis], wide.shape[axis], *plane.shape[axis + 1 :]))


def take_plane(plane: Plane, axis: int, indices: Plane) -> Plane:
    """Return the elements of a plane at *indices* along one axis; axes that repeat one element still do."""
    shape = (*plane.shape[:axis], *indices.shape, *plane.shape[axis + 1 :])
    if plane.strides[axis] == 0:
        core = thin(plane)
        return broadcast(core.reshape((*core.shape[:axis], *(1,) * indices.ndim, *core.shape[axis + 1 :])), shape)
    return broadcast(np.take(thin(plane, keep=axis), indices, axis), shape)


def broadcast(plane: Plane, shape: Shape) -> Plane:
    """Return a plane repeated to *shape* without memory; itself where it has that shape."""
    return plane if plane.shape == shape else np.broadcast_to(plane, shape)
