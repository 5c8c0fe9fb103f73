"""The parameters of layers: given, seeded or only marked, and a record of what was read of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from convmath.numeric.misfit import Misfit, show_shape

Shape: TypeAlias = tuple[int, ...]

IDENTITY_LIMIT = 1 << 18
"""Parameter arrays of up to so many elements are measured element by element, larger ones as a whole."""
BLOCK = 65_521
"""How many random numbers fill an array; a prime, so that repetitions of the block fall into no axis."""


class Ledger:
    """Which elements of one parameter array were read: each by its identity, or only whether any was."""

    def __init__(self, size: int, *, by_identity: bool) -> None:
        self.size = size
        self.by_identity = by_identity
        self._seen = np.zeros(size if by_identity else 1, dtype=np.bool_)
        self._counted = 0

    def mark(self, identities: NDArray[Any]) -> None:
        """Note that the elements with these identities are read; any array stands for a whole one."""
        self._seen[identities if self.by_identity else 0] = True

    @property
    def read(self) -> int:
        """The number of elements that were read."""
        seen = int(np.count_nonzero(self._seen))
        return seen if self.by_identity else seen * self.size

    def newly_read(self) -> int:
        """Return how many elements were read since this was last asked: layers that share them count them once."""
        before, self._counted = self._counted, self.read
        return self._counted - before


@dataclass(frozen=True, slots=True)
class Parameter:
    """An array of parameters, or a view of one; it can be arranged freely, and reading it is marked."""

    _array: NDArray[Any]
    ledger: Ledger

    @property
    def shape(self) -> Shape:
        """The shape, known without reading."""
        return self._array.shape

    def reshape(self, shape: Shape) -> Parameter:
        """Return the same parameters in another shape."""
        return Parameter(self._array.reshape(shape), self.ledger)

    def read(self) -> NDArray[Any]:
        """Return the elements, and mark them as read."""
        self.ledger.mark(self._array)
        return self._array


class Source(Protocol):
    """Where the arrays of one layer come from."""

    def __call__(self, name: str, shape: Shape, around: float, spread: float) -> Parameter:
        """Return the parameter *name*: *around* give or take *spread*, where nothing else says."""
        ...


class Written(Protocol):
    """What the spec itself says about the parameters of a layer."""

    def __call__(self, name: str, shape: Shape) -> NDArray[Any] | None:
        """Return the array *name* in this shape; None where the spec says nothing."""
        ...


class Weights:
    """The parameters and the buffers of one layer, as its kernel asks for them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.parameters: dict[str, Parameter] = {}
        self.buffers: dict[str, Parameter] = {}

    def parameter(self, name: str, shape: Shape, *, around: float = 0.0, spread: float | None = None) -> Parameter:
        """Return a learned array; unless *spread* says how far, it is filled so that sums keep their magnitude."""
        if name in self.parameters:
            return _same(self.parameters[name], name, shape)
        fan_in = prod(shape[1:])
        self.parameters[name] = self._source(name, shape, around, fan_in**-0.5 if spread is None else spread)
        return self.parameters[name]

    def buffer(self, name: str, shape: Shape, *, around: float = 0.0) -> Parameter:
        """Return an array that is kept but not learned, such as a running mean."""
        if name in self.buffers:
            return _same(self.buffers[name], name, shape)
        self.buffers[name] = self._source(name, shape, around, 0.5)
        return self.buffers[name]


def _same(held: Parameter, name: str, shape: Shape) -> Parameter:
    """Return what another layer uses as well, if it has the shape that this layer needs."""
    if held.shape != shape:
        message = (
            f"'{name}' must have the shape {show_shape(shape)}, but the one it shares has {show_shape(held.shape)}"
        )
        raise Misfit("bad-share", message)
    return held


@dataclass(frozen=True, slots=True)
class Numbers:
    """Parameters with numbers: the given ones, those of the spec, and else seeded ones, the same in every run."""

    layer: str
    given: Mapping[str, ArrayLike]
    seed: int
    dtype: DTypeLike = np.float64
    written: Written | None = None

    def __call__(self, name: str, shape: Shape, around: float, spread: float) -> Parameter:
        """Return the array that is given or stands in the spec, or one filled from the seed and the names."""
        array = self._given(name, shape) if name in self.given else self._written(name, shape)
        if array is None:
            array = self._seeded(name, shape, around, spread)
        return Parameter(array, Ledger(array.size, by_identity=False))

    def _written(self, name: str, shape: Shape) -> NDArray[Any] | None:
        return self.written(name, shape) if self.written is not None else None

    def _given(self, name: str, shape: Shape) -> NDArray[Any]:
        array = as_numbers(self.given[name], f"'{name}'")
        if array.shape != shape:
            message = (
                f"'{name}' must have the shape {show_shape(shape)}, but the one given has {show_shape(array.shape)}"
            )
            raise Misfit("bad-weights", message)
        return array

    def _seeded(self, name: str, shape: Shape, around: float, spread: float) -> NDArray[Any]:
        random = np.random.default_rng([self.seed, *f"{self.layer}/{name}".encode()])
        block = around + spread * random.uniform(-1, 1, min(prod(shape), BLOCK))
        return np.resize(block.astype(self.dtype), shape)


def identified(name: str, shape: Shape, around: float, spread: float) -> Parameter:  # noqa: ARG001
    """Return parameters that hold their own identities, or nothing at all where there are too many."""
    size = prod(shape)
    if size > IDENTITY_LIMIT:
        return Parameter(blank(shape), Ledger(size, by_identity=False))
    return Parameter(np.arange(size).reshape(shape), Ledger(size, by_identity=True))


def shapeless(name: str, shape: Shape, around: float, spread: float) -> Parameter:  # noqa: ARG001
    """Return parameters without elements, for arrays on which weights mean nothing."""
    return Parameter(blank(shape), Ledger(prod(shape), by_identity=False))


def blank(shape: Shape) -> NDArray[np.int8]:
    """Return an array without data: one zero repeated, whatever the shape."""
    if prod(shape) > np.iinfo(np.int64).max:
        raise Misfit("too-large", f"an array of {show_shape(shape)} has more elements than can be numbered")
    return np.broadcast_to(np.int8(0), shape)


def as_numbers(raw: ArrayLike, what: str) -> NDArray[Any]:
    """Return *raw* as an array of floats or of exact integers, never of a type that wraps around early."""
    try:
        array = np.array(raw)
    except ValueError:
        raise Misfit("not-numbers", f"{what} is no array: its rows differ in length") from None
    if array.dtype.kind == "f":
        return array if array.dtype.itemsize >= np.dtype(np.float32).itemsize else array.astype(np.float64)
    whole = array.dtype.kind in "biu" or all(isinstance(each, int) for each in array.flat)
    if not whole:
        raise Misfit("not-numbers", f"{what} holds {array.dtype} elements, but must hold real numbers")
    wide = array.dtype.kind not in "biu" or (array.size > 0 and int(array.max()) > np.iinfo(np.int64).max)
    return array.astype(object if wide else np.int64)
