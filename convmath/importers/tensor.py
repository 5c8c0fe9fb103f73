"""What flows through a foreign graph while it is read: maps with their axes, and numbers that stand in the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from convmath.formula import Formula, Value, symbol
from convmath.symbolic.facts import Shape

BATCH_SIZE: Formula = symbol("N@")
"""The size of the batch; no name of a model contains an ``@``."""

Axis = tuple[int, int]
"""An axis by its meaning, 0 the batch, 1 the channels, from 2 on space, and which part of it, where it was split."""
BATCH, CHANNELS = (0, 0), (1, 0)


TURNED = " by (1, 0)"
"""How a matrix is turned, which a second time brings it back."""

ATTENTION = "it multiplies two maps with one another, as attention does; no layer of a convolutional network says that"

OPEN = "which depends on the sizes of the input"
"""Ends the reason for a refusal that numbers in the place of symbols may do away with."""


class Unsupported(Exception):  # noqa: N818  (it tells of the model, not of a fault)
    """A node of the foreign graph means something that no network of convmath can say."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A map that a node puts out: the logical shape, and the order in which the model holds its axes.

    Channels come first in a network of convmath. A model may hold them elsewhere, or in
    parts; such reorderings cost nothing and are only noted here.
    """

    producer: int
    shape: Shape
    axes: tuple[Axis, ...]
    dims: tuple[Value, ...]

    @classmethod
    def plain(cls, producer: int, shape: Shape) -> Tensor:
        """Return a map whose axes are batch, channels and space, in this order."""
        axes = (BATCH, CHANNELS, *((2 + at, 0) for at in range(len(shape.sizes))))
        return cls(producer, shape, axes, (BATCH_SIZE, shape.channels, *shape.sizes))

    @property
    def is_plain(self) -> bool:
        """Whether the axes stand as in a network of convmath."""
        return self.axes == tuple((at, 0) for at in range(len(self.shape.sizes) + 2))

    @property
    def is_hidden(self) -> bool:
        """Whether the model left out the axis of the only channel, and kept the order of the rest."""
        return self.axes == (BATCH, *((at, 0) for at in range(2, len(self.shape.sizes) + 2)))

    def after(self, producer: int, shape: Shape) -> Tensor:
        """Return another map of the same axes, in the same order."""
        plain = Tensor.plain(producer, shape)
        if self.is_plain:
            return plain
        whole = len(set(self.axes)) == len(plain.axes) or (self.is_hidden and shape.channels == 1)
        if not whole or len(shape.sizes) != len(self.shape.sizes):
            raise Unsupported(f"the axes of the map are in the order {self.order}")
        dims = tuple(plain.dims[logical] for logical, _ in self.axes)
        return Tensor(producer, shape, self.axes, dims)

    def at(self, axis: int) -> int:
        """Return the number of an axis, counted from the end where it is negative."""
        if not -len(self.dims) <= axis < len(self.dims):
            raise Unsupported(f"there is no axis {axis} in a map of {len(self.dims)} axes")
        return axis % len(self.dims)

    def logical(self, axis: int) -> int:
        """Return the meaning of an axis of the model: 0 the batch, 1 the channels, from 2 on space."""
        found = self.axes[self.at(axis)][0]
        if sum(logical == found for logical, _ in self.axes) > 1:
            raise Unsupported(f"axis {axis} is only a part of the {_meaning(found)}")
        return found

    @property
    def order(self) -> str:
        """The order of the axes, for a message."""
        return ", ".join(_meaning(logical) for logical, _ in self.axes)

    def __str__(self) -> str:
        dims = ", ".join("batch" if each == BATCH_SIZE else str(each) for each in self.dims)
        return f"[{dims}]"


def _meaning(logical: int) -> str:
    return {0: "batch", 1: "channels"}.get(logical, f"space {logical - 1}")


@dataclass(frozen=True, slots=True)
class Constant:
    """Numbers that stand in the model: a weight, or what an exporter wrote down.

    ``key`` tells equal ones apart from others, ``read`` returns the array when it is
    asked for, and ``values`` are its elements, row by row, where there are few.
    """

    key: str
    shape: tuple[int, ...]
    read: Callable[[], Any]
    values: tuple[Any, ...] | None = None
    made: float | None = None
    """The number that all elements are, where the model fills a shape with it rather than store them."""
    turned: str = ""
    """What was done to the numbers that ``key`` names, where that matters to those who would share them."""
    learned: bool = True
    """False for numbers that training leaves as they are: any layer may read them, they are no parameters."""

    @property
    def size(self) -> int:
        """How many elements it has."""
        return prod(self.shape)

    @property
    def scalar(self) -> float | None:
        """The only element; None where there are more, or it is not known."""
        return float(self.values[0]) if self.values is not None and self.size == 1 else None

    def reshaped(self, shape: tuple[int, ...]) -> Constant:
        """Return the same numbers, in the same order, in another shape."""
        return replace(self, shape=shape, read=lambda: self.read().reshape(shape))

    def arranged(self, shape: tuple[int, ...], how: Callable[[Any], Any], turned: str = "") -> Constant:
        """Return the same numbers as *how* arranges their array, which gives *shape*; *turned* says how in a word."""
        return self._turned(shape, lambda: how(self.read()), self.turned + turned)

    def transposed(self, order: tuple[int, ...]) -> Constant:
        """Return the same numbers with their axes in another order."""
        shape = tuple(self.shape[at] for at in order)
        if order == (1, 0) and self.turned.endswith(TURNED):
            back = self.turned.removesuffix(TURNED)
            return self._turned(shape, lambda: self.read().transpose(order), back)
        return self.arranged(shape, lambda array: array.transpose(order), f" by {order}")

    def _turned(self, shape: tuple[int, ...], read: Callable[[], Any], turned: str) -> Constant:
        return Constant(self.key, shape, read, turned=turned, learned=self.learned)


class Reading(Mapping[str, Any]):
    """The arrays of a layer by their names, each read when it is asked for."""

    def __init__(self, given: Mapping[str, Constant]) -> None:
        self._given = given

    def __getitem__(self, name: str) -> Any:
        return self._given[name].read()

    def __contains__(self, name: object) -> bool:
        return name in self._given

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)
