"""Arrays of identities: every element knows what it was made of, so that it can be written out.

An element is a number in the records of a :class:`Recorder`. Nothing is written out while
a kernel runs: each operation keeps views of what it was given, and an element is taken
apart when somebody asks for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from convmath.numeric.array import Array, Operand, Plane, Shape, broadcast, pad_plane, thin
from convmath.numeric.misfit import Misfit
from convmath.numeric.weights import Ledger, Parameter

SAMPLE = "sample"
"""What a number is called that a deformable convolution reads between elements."""
ZERO, NOTHING, FIRST = 0, 1, 2
"""The identity of a zero that is no element, that of what never wins a maximum, and the first of an element."""


@dataclass(frozen=True, slots=True)
class Made:
    """What one operation made: its result's shape, and the operands, each planes of one shape.

    ``axes`` are those that it summed or searched along.
    """

    operation: str
    shape: Shape
    operands: tuple[tuple[Plane, ...], ...] = ()
    axes: tuple[int, ...] = ()
    counts: Plane | None = None

    def at(self, element: int) -> tuple[NDArray[Any], ...]:
        """Return, for each plane of each operand in order, what the element was made of, one after the other."""
        index = iter(np.unravel_index(element, self.shape))
        planes = [plane for operand in self.operands for plane in operand]
        rank = planes[0].ndim
        gone = {axis % rank for axis in self.axes}
        picked = tuple(slice(None) if axis in gone else next(index) for axis in range(rank))
        return tuple(np.asarray(plane[picked]).reshape(-1) for plane in planes)


class Recorder:
    """Gives identities to elements, and remembers by which operation each was made."""

    def __init__(self) -> None:
        self.made: list[Made] = []
        self.starts: list[int] = []
        self.next = FIRST
        self.sampled: Callable[[], Shape] | None = None
        """Returns the shape of the next samples that the kernel takes between elements."""

    def enter(self, made: Made) -> Plane:
        """Return the identities of what an operation makes."""
        begin, size = self.next, prod(made.shape)
        self.made.append(made)
        self.starts.append(begin)
        self.next = begin + size
        return np.arange(begin, begin + size).reshape(made.shape)

    def parameter(self, name: str, shape: Shape, around: float, spread: float) -> Parameter:  # noqa: ARG002
        """Return parameters whose elements are their identities; a source for ``Weights``."""
        return Parameter(self.enter(Made(name, shape)), Ledger(prod(shape), by_identity=False))

    def find(self, identity: int) -> tuple[Made, int]:
        """Return the operation that made an element, and which of its results the element is."""
        at = bisect_right(self.starts, identity) - 1
        return self.made[at], identity - self.starts[at]


class Terms(Array):
    """Identities; for elements of an input also where they stand, one plane per axis, which padding continues."""

    def __init__(self, recorder: Recorder, *planes: Plane) -> None:
        super().__init__(*planes)
        self.recorder = recorder

    @classmethod
    def of(cls, recorder: Recorder, name: str, shape: Shape) -> Self:
        """Return an input of the layer that is watched."""
        places = np.indices(shape, dtype=np.int32, sparse=True)
        return cls(recorder, recorder.enter(Made(name, shape)), *(np.broadcast_to(each, shape) for each in places))

    @property
    def fills(self) -> tuple[Any, ...]:
        """What a zero holds that is put between elements."""
        return (ZERO,) * len(self.planes)

    def pad(self, axis: int, amount: tuple[int, int], mode: str = "zeros") -> Self:
        """Return the array with padding, whose places continue those of the array."""
        identities, *places = self.planes
        fill = NOTHING if mode == "nothing" else ZERO
        wide = [pad_plane(place, axis, amount, "replicate", 0) for place in places]
        if axis < len(places):
            before, after = amount
            steps = np.concatenate([np.arange(-before, 0), np.zeros(self.shape[axis], int), np.arange(1, after + 1)])
            line = steps.astype(np.int32).reshape((-1,) + (1,) * (len(self.shape) - 1 - axis))
            wide[axis] = broadcast(thin(wide[axis], keep=axis) + line, wide[axis].shape)
        return self.made(pad_plane(identities, axis, amount, mode, fill), *wide)

    def displaced(self, places: Sequence[Plane], offsets: Sequence[Operand], reach: int) -> Self:  # noqa: ARG002
        """Return samples, which are elements of their own: what they are made of depends on numbers."""
        if self.recorder.sampled is None:
            raise TypeError("nobody says what is sampled")
        return self.made(self.recorder.enter(Made(SAMPLE, self.recorder.sampled())))

    def declared(self, shape: Shape, macs: int, windows: Sequence[tuple[int, int, int]] | None) -> Self:  # noqa: ARG002
        """Refuse: what the layer computes is not known."""
        raise Misfit("opaque", "what an opaque layer computes is not known")

    def inner(self, weights: Parameter, axes: tuple[int, ...]) -> Self:
        """Return sums of products."""
        return self._entered("products", [self.planes, (weights.read(),)], axes)

    def __add__(self, other: Operand) -> Self:
        """Return sums."""
        return self._entered("plus", [self.planes, _planes(other)])

    def maximum(self, axes: tuple[int, ...]) -> Self:
        """Return maxima."""
        return self._entered("max", [self.planes], axes)

    def sum(self, axes: tuple[int, ...]) -> Self:
        """Return sums of elements."""
        return self._entered("sum", [self.planes], axes)

    def over(self, counts: Callable[[], Plane]) -> Self:
        """Return means."""
        return self._entered("over", [self.planes], counts=counts())

    def apply(self, function: Callable[..., Plane], *operands: Operand, along: tuple[int, ...] = ()) -> Self:  # noqa: ARG002
        """Return what a function makes of elements; it is not called."""
        return self._entered("function", [self.planes, *map(_planes, operands)], along, keep=bool(along))

    def _entered(
        self,
        operation: str,
        operands: list[tuple[Plane, ...]],
        axes: tuple[int, ...] = (),
        *,
        counts: Plane | None = None,
        keep: bool = False,
    ) -> Self:
        shape = np.broadcast_shapes(*(planes[0].shape for planes in operands))
        wide = tuple(tuple(np.broadcast_to(plane, shape) for plane in planes) for planes in operands)
        gone = {axis % len(shape) for axis in axes}
        result = tuple(size for axis, size in enumerate(shape) if axis not in gone)
        made = Made(operation, result, wide, axes, None if counts is None else np.broadcast_to(counts, result))
        identities = self.recorder.enter(made)
        if keep:  # a function that mixes elements along an axis keeps the axis
            spread = tuple(1 if axis in gone else size for axis, size in enumerate(shape))
            return self.made(np.broadcast_to(identities.reshape(spread), shape))
        return self.made(identities)


def _planes(operand: Operand) -> tuple[Plane, ...]:
    return (operand.read(),) if isinstance(operand, Parameter) else operand.planes
