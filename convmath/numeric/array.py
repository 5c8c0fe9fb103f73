"""What every array can do: it is moved about here, and calculated with in the modules of the kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
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

    def stacked(self, others: Sequence[Self]) -> Self:
        """Return this array and *others* side by side along a new last axis."""
        parts = [self, *others]
        return self.made(*(np.stack(planes, axis=-1) for planes in zip(*(each.planes for each in parts), strict=True)))

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


def pad_plane(plane: Plane, axis: int, amount: tuple[int, int], mode: str, fill: Any) -> Plane:
    """Return a plane padded along one axis; other axes that repeat one element still do."""
    core = thin(plane, keep=axis)
    amounts = [amount if each == axis else (0, 0) for each in range(plane.ndim)]
    # A fill of the plane's own type: NumPy would put its 64-bit integers among Python's.
    settings = {"constant_values": np.asarray(fill, dtype=plane.dtype)} if PAD_MODES[mode] == "constant" else {}
    padded: Plane = np.pad(core, amounts, PAD_MODES[mode], **settings)  # type: ignore[call-overload]
    return broadcast(padded, (*plane.shape[:axis], padded.shape[axis], *plane.shape[axis + 1 :]))


def broadcast(plane: Plane, shape: Shape) -> Plane:
    """Return a plane repeated to *shape* without memory; itself where it has that shape."""
    return plane if plane.shape == shape else np.broadcast_to(plane, shape)
