"""Sizes that a model computes with: what exporters leave behind of shapes and their arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

from convmath.formula import Formula, Value, ceil_of, floor_of, max_of, min_of, ratio
from convmath.importers.factors import meant
from convmath.importers.tensor import Constant, Unsupported

MOST_NUMBERS = 32
"""So many numbers are worked out where a model fills a shape with one."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A list of sizes, or a single one: integers, or formulas in the sizes of the input.

    With ``columns`` it is a matrix, row by row, as PyTorch's exporter turns pads round.
    Those that are ``real`` stand in the model as floats, whose quotients are not rounded.
    """

    values: tuple[Value, ...]
    single: bool = False
    columns: int = 0
    real: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the model's array of them."""
        if self.columns:
            return (len(self.values) // self.columns, self.columns)
        return () if self.single else (len(self.values),)

    @property
    def rows(self) -> list[tuple[Value, ...]]:
        """The rows of a matrix; those of a list have one number each."""
        wide = self.columns or 1
        return [self.values[at : at + wide] for at in range(0, len(self.values), wide)]

    def reshaped(self, target: tuple[int, ...]) -> Numbers:
        """Return the same numbers in another shape, of two axes at most."""
        if len(target) < 2:
            return replace(self, single=not target, columns=0)
        if len(target) > 2 and len(self.values) > 1:
            raise Unsupported(f"{len(self.values)} sizes are written in {list(target)}, of more than two axes")
        if not prod(target):
            raise Unsupported(f"sizes are written in the shape {list(target)}, which holds none")
        return replace(self, single=False, columns=target[-1])

    def transposed(self) -> Numbers:
        """Return a matrix with its rows as columns."""
        rows = self.rows
        turned = tuple(value for column in zip(*rows, strict=True) for value in column)
        return replace(self, values=turned, columns=len(rows))


def numbers(held: Any) -> Numbers:
    """Return a constant, or a list of sizes, as numbers to compute with.

    Raises ``Unsupported`` where they depend on data.
    """
    if isinstance(held, Numbers):
        return held
    if isinstance(held, Constant) and held.values is not None and len(held.shape) < 2:
        real = any(isinstance(value, float) for value in held.values)
        return Numbers(tuple(map(exact, held.values)), not held.shape, real=real)
    raise Unsupported("the numbers it needs depend on what runs through the model, or are not in it")


def stored(values: Sequence[float], shape: tuple[int, ...]) -> Constant:
    """Return numbers that a node writes down, or that are worked out, as a constant of the model."""
    given = tuple(map(float, values))

    def read() -> Any:
        import numpy as np

        return np.array(given, np.float32).reshape(shape)

    return Constant("", shape, read, given, given[0] if len(set(given)) == 1 else None)


def listed(given: Mapping[str, Any]) -> Constant | None:
    """Return what the attributes of a node of constants hold; None for text."""
    for word in ("value_float", "value_int"):
        if word in given:
            return stored((given[word],), ())
        if f"{word}s" in given:
            return stored(given[f"{word}s"], (len(given[f"{word}s"]),))
    held = given.get("value")
    return held if isinstance(held, Constant) else None


def repeated(number: float, shape: tuple[int, ...]) -> Constant:
    """Return a shape that is filled with one number, as a constant of the model."""

    def read() -> Any:
        import numpy as np

        return np.full(shape, number, np.float32 if isinstance(number, float) else np.int64)

    few = prod(shape) <= MOST_NUMBERS
    return Constant("", shape, read, (number,) * prod(shape) if few else None, float(number))


def exact(number: Any) -> Value:
    """Return a number as an exact one; a broken one as the fraction that it stands for in single precision."""
    if isinstance(number, bool | int | Formula | Fraction):
        return int(number) if isinstance(number, bool) else number
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124
        raise Unsupported(f"{number} stands where a size is meant")
    return meant(float(number), "f")


def _quotient(dividend: Value, divisor: Value) -> Value:
    if divisor == 0:
        raise Unsupported("a size is divided by 0")
    return floor_of(dividend, divisor)


def _exact_quotient(dividend: Value, divisor: Value) -> Value:
    if divisor == 0:
        raise Unsupported("a size is divided by 0")
    return ratio(dividend, divisor)


ARITHMETIC: Mapping[str, Callable[[Value, Value], Value]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": _quotient,
    "Max": max_of,
    "Min": min_of,
    "Mod": lambda a, b: a - b * _quotient(a, b),
}


def computed(word: str, left: Numbers, right: Numbers) -> Numbers:
    """Return the arithmetic of two lists of sizes, element by element; a single one goes with each."""
    one, two = left.values, right.values
    if len(one) != len(two):
        one, two = (one * len(two), two) if len(one) == 1 else (one, two * len(one))
    if len(one) != len(two):
        raise Unsupported(f"{len(left.values)} sizes meet {len(right.values)}")
    real = left.real or right.real
    how = _exact_quotient if real and word == "Div" else ARITHMETIC[word]
    found = tuple(how(a, b) for a, b in zip(one, two, strict=True))
    return Numbers(found, left.single and right.single, real=real)


def rounded(word: str, held: Numbers) -> Numbers:
    """Return sizes rounded down or up."""
    how = {"Floor": floor_of, "Ceil": ceil_of}[word]
    return replace(held, values=tuple(how(each, 1) for each in held.values))


def integers(held: Any) -> tuple[int, ...]:
    """Return numbers that must be integers: axes, pads, starts and steps."""
    found = numbers(held).values
    if not all(isinstance(each, int) for each in found):
        raise Unsupported("it needs integers, but gets sizes that depend on the input's")
    return found  # type: ignore[return-value]
