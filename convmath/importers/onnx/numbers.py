"""Sizes that a model computes with: what exporters leave behind of shapes and their arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from math import prod
from typing import Any

from convmath.formula import Formula, Value, ceil_of, floor_of, max_of, min_of, ratio
from convmath.formula.signs import surely_nonnegative
from convmath.formula.terms import terms_of
from convmath.importers.factors import meant
from convmath.importers.onnx.tensors import BOOL, REAL, type_name
from convmath.importers.tensor import Constant, Tensor, Unsupported

MOST_NUMBERS = 32
"""So many numbers are worked out where a model fills a shape with one."""
MOST_LISTED = 1024
"""A list of sizes has so many at most."""
MOST_TERMS = 1000
"""A size has so many terms and factors at most, those inside of floors included."""
MOST_WHOLE, MOST_REAL = (1 << 63) - 1, 1 << 256
"""The largest integer that a model computes with, and the largest part of a fraction that is followed."""
MOST_EXACT = 1 << 24
"""Single precision holds all integers up to this one."""
INT32, INT64 = 6, 7
WHOLE = {
    2: (0, 255), 3: (-128, 127), 4: (0, 65535), 5: (-32768, 32767), INT32: (-(1 << 31), (1 << 31) - 1),
    INT64: (-(1 << 63), (1 << 63) - 1), BOOL: (0, 1), 12: (0, (1 << 32) - 1), 13: (0, (1 << 64) - 1),
}  # fmt: skip
"""The least and the largest number of each type of integers."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A list of sizes, or a single one: integers, or formulas in the sizes of the input.

    With ``columns`` it is a matrix, row by row, as PyTorch's exporter turns pads round.
    Those that are ``real`` stand in the model as floats, whose quotients are not rounded.
    Those that are ``counts`` are sizes of maps or made of such, and never negative.
    """

    values: tuple[Value, ...]
    single: bool = False
    columns: int = 0
    real: bool = False
    counts: bool = False

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


def cut(dividend: Value, divisor: Value = 1, *, counts: bool = False) -> Value:
    """Return the integer of a quotient as ONNX has it, without what stands behind the point: -3.6 becomes -3.

    It is known where both are numbers, or ``counts`` tells that neither is negative, or their form does.
    """
    if divisor == 0:
        raise Unsupported("a size is divided by 0")
    if not isinstance(dividend, Formula) and not isinstance(divisor, Formula):
        return int(Fraction(dividend) / Fraction(divisor))
    if counts or (_is_above(dividend) and _is_above(divisor)):
        return floor_of(dividend, divisor)
    if _is_above(-dividend) and _is_above(divisor):
        return -floor_of(-dividend, divisor)
    raise Unsupported(f"{ratio(dividend, divisor)} is rounded towards zero, and may be below it")


def _is_above(value: Value) -> bool:
    least = dict.fromkeys(value.names, 1) if isinstance(value, Formula) else {}
    return surely_nonnegative(value, least)


def _remainder(dividend: Value, divisor: Value) -> Value:
    if divisor == 0:
        raise Unsupported("a size is divided by 0")
    return dividend - divisor * floor_of(dividend, divisor)


def _exact_quotient(dividend: Value, divisor: Value) -> Value:
    if divisor == 0:
        raise Unsupported("a size is divided by 0")
    return ratio(dividend, divisor)


ARITHMETIC: Mapping[str, Callable[[Value, Value], Value]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": _exact_quotient,
    "Max": max_of,
    "Min": min_of,
    "Mod": _remainder,
}


def computed(word: str, left: Numbers, right: Numbers) -> Numbers:
    """Return the arithmetic of two lists of sizes, element by element; a single one goes with each.

    Raises ``Unsupported`` for what becomes longer than any size of a network is.
    """
    one, two = left.values, right.values
    if len(one) != len(two):
        one, two = (one * len(two), two) if len(one) == 1 else (one, two * len(one))
    if len(one) != len(two) or (left.columns != right.columns and not (left.single or right.single)):
        raise Unsupported(f"sizes of shape {list(left.shape)} meet those of {list(right.shape)}")
    real = left.real or right.real
    counts = word != "Sub" and all(map(_is_count, (left, right)))
    how = ARITHMETIC[word]
    if word == "Div" and not real:
        how = partial(cut, counts=counts)
    found = tuple(_short(word, how, a, b, real=real) for a, b in zip(one, two, strict=True))
    columns = max(left.columns, right.columns)
    return Numbers(found, left.single and right.single, columns, real=real, counts=counts)


def remainder(left: Numbers, right: Numbers) -> Numbers:
    """Return what a division leaves that is cut: it has the sign of the dividend, as C's fmod."""
    quotient = computed("Div", left, right)
    whole = replace(quotient, values=tuple(cut(each, counts=quotient.counts) for each in quotient.values))
    return computed("Sub", left, computed("Mul", right, whole))


def joined(parts: Sequence[Numbers], axis: int) -> Numbers:
    """Return lists of sizes behind one another, or the rows of matrices."""
    columns = {each.columns for each in parts}
    if len(columns) != 1 or axis not in ((0, -2) if max(columns) else (0, -1)) or any(each.single for each in parts):
        raise Unsupported(f"it joins sizes of shapes {[list(each.shape) for each in parts]} along axis {axis}")
    found = tuple(value for each in parts for value in each.values)
    if len(found) > MOST_LISTED:
        raise Unsupported(f"it makes a list of {len(found)} sizes")
    real = any(each.real for each in parts)
    return Numbers(found, columns=max(columns), real=real, counts=all(map(_is_count, parts)))


def _is_count(held: Numbers) -> bool:
    return held.counts or all(not isinstance(each, Formula) and each >= 0 for each in held.values)


def _short(word: str, how: Callable[[Value, Value], Value], left: Value, right: Value, *, real: bool) -> Value:
    """Return what is computed, unless it has more terms, higher powers or more digits than a size."""
    if word != "Mul" or len(terms_of(left)) * len(terms_of(right)) <= MOST_TERMS:
        found = how(left, right)
        if not _is_long(found, MOST_REAL if real else MOST_WHOLE):
            return found
    raise Unsupported("it computes a size that is longer, or larger, than any of a network")


def _is_long(value: Value, most: int) -> bool:
    todo, left = [value], MOST_TERMS
    while todo and left >= 0:
        for monomial, coefficient in terms_of(todo.pop()).items():
            if max(abs(coefficient.numerator), coefficient.denominator) > most:
                return True
            left -= 1 + sum(abs(exponent) for _, exponent in monomial)
            todo += [argument for atom, _ in monomial for argument in getattr(atom, "arguments", ())]
    return left < 0


def rounded(word: str, held: Numbers) -> Numbers:
    """Return sizes rounded down or up."""
    how = {"Floor": floor_of, "Ceil": ceil_of}[word]
    return replace(held, values=tuple(how(each, 1) for each in held.values))


def cast(held: Constant | Numbers, kind: int) -> Constant | Numbers:
    """Return a constant or sizes in another type: what becomes integers is cut, and must be in their range."""
    if isinstance(held, Numbers):
        if kind in REAL:
            return replace(held, real=True)
        whole = tuple(_whole(each, kind, counts=held.counts) for each in held.values)
        return replace(held, values=whole, real=False)
    if kind in REAL:
        exact = all(abs(each) <= MOST_EXACT for each in held.values or ())
        return replace(held, values=tuple(map(float, held.values))) if held.values and exact else held
    given = (held.made,) if held.values is None and held.made is not None else held.values
    if given is None:
        raise Unsupported(f"it makes {held.size} numbers ones of type {type_name(kind)}, which may cut them")
    found = tuple(_whole(each, kind) for each in given)
    if found == given:
        return held if held.values is None else replace(held, values=found)
    if held.values is None:
        return repeated(found[0], held.shape)  # type: ignore[arg-type]
    return replace(stored(found, held.shape), values=found)  # type: ignore[arg-type]


def _whole(value: Any, kind: int, *, counts: bool = False) -> Value:
    if isinstance(value, Formula):
        if kind in (INT32, INT64):
            return cut(value, counts=counts)
    elif not isinstance(value, float) or abs(value) <= MOST_EXACT:
        found = int(value != 0) if kind == BOOL else int(value)
        low, high = WHOLE.get(kind, (0, -1))
        if low <= found <= high:
            return found
    raise Unsupported(f"{value} may have no place among numbers of type {type_name(kind)}")


def is_real(held: Any) -> bool:
    """Tell whether the model holds maps, sizes or constants as real numbers; unread ones are read for this."""
    if isinstance(held, Constant):
        if held.values is None:
            return bool(held.read().dtype.kind == "f")
        return any(isinstance(each, float) for each in held.values)
    return isinstance(held, Tensor) or (isinstance(held, Numbers) and held.real)


def integers(held: Any) -> tuple[int, ...]:
    """Return numbers that must be integers: axes, pads, starts and steps."""
    found = numbers(held).values
    if not all(isinstance(each, int) for each in found):
        raise Unsupported("it needs integers, but gets sizes that depend on the input's")
    return found  # type: ignore[return-value]
