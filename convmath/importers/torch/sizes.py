"""Arithmetic of sizes in the code of a module: numbers as Python has them, symbols as formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from convmath.formula import Formula, Value, ceil_of, floor_of, max_of, min_of, ratio
from convmath.formula.signs import nonnegative_over_a_period, surely_nonnegative
from convmath.importers.tensor import BATCH_SIZE, Unsupported


@dataclass(frozen=True, slots=True)
class Undecided:
    """A comparison of sizes that holds for some numbers and not for others."""

    left: Value
    sign: str
    right: Value

    def __str__(self) -> str:
        return f"{shown(self.left)} {self.sign} {shown(self.right)}"


def shown(value: Any) -> str:
    """Return a size as text; the batch by its name."""
    return str(value).replace(str(BATCH_SIZE), "batch")


def largest(*values: Value) -> Value:
    """Return the largest size, without those that never are; padding for ``same`` is often computed so."""
    kept: list[Value] = []
    for each in values:
        if not any(_never_below(other, each) for other in kept):
            kept = [other for other in kept if not _never_below(each, other)] + [each]
    return max_of(*kept)


def _never_below(one: Value, other: Value) -> bool:
    return surely_nonnegative(one - other) or nonnegative_over_a_period(one - other, {}) is True


SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "iadd": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "isub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "imul": lambda a, b: a * b,
    "floordiv": floor_of,
    "ifloordiv": floor_of,
    "truediv": ratio,
    "mod": lambda a, b: a - b * floor_of(a, b),
    "neg": lambda a: -a,
    "pos": lambda a: a,
    "sym_max": largest,
    "sym_min": min_of,
    "max": largest,
    "min": min_of,
    "sym_int": floor_of,
}


def computed(word: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return what a function makes of sizes."""
    if not any(isinstance(each, Formula | Undecided) for each in args):
        return function(*args, **kwargs)
    if word in SIGNS and len(args) == 2:
        difference = args[0] - args[1]
        if isinstance(difference, Formula):
            return Undecided(args[0], SIGNS[word], args[1])
        return function(difference, 0)
    if word in ARITHMETIC and not kwargs:
        return ARITHMETIC[word](*args)
    if isinstance(function, type) or not any(isinstance(each, Undecided) for each in args):
        return rounded(word, *args)
    raise Unsupported(f"{word} of sizes")


def rounded(how: str, value: Value, *more: Any) -> Value:
    """Return a size rounded down or up."""
    if how == "ceil":
        return ceil_of(value)
    if how in ("floor", "trunc", "int") and not more:
        return floor_of(value)
    raise Unsupported(f"{how} of a size")
