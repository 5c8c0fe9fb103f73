"""Formulas at integers, fast and exact: the arithmetic that a proof by finitely many points rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import gcd
from typing import TypeAlias

from convmath.formula import Value
from convmath.formula.atoms import Atom, Compound, Floor, Gcd, Inverse, Max, Min, Power, SumOver, Symbol
from convmath.formula.sums import MOST_ADDENDS
from convmath.formula.terms import Number, raise_to, terms_of, too_large, whole

Point: TypeAlias = Mapping[str, int]
Function: TypeAlias = Callable[[Point], Number]


def function_of(value: Value) -> Function:
    """Return *value* as a function of integers for its symbols; nothing is simplified on the way.

    The function raises ``ZeroDivisionError`` where a divisor is zero, and ``LimitError``
    for a power that is too large.
    """
    terms = [
        (coefficient, [(_function_of_atom(atom), exponent) for atom, exponent in monomial])
        for monomial, coefficient in terms_of(value).items()
    ]

    def run(at: Point) -> Number:
        total: Number = 0
        for coefficient, factors in terms:
            term = coefficient
            for factor, exponent in factors:
                held = factor(at)
                term = term * (held if exponent == 1 else _raised(held, exponent))
            total = total + term
        return total if isinstance(total, int) else whole(total)

    return run


def _function_of_atom(atom: Atom) -> Function:
    if isinstance(atom, Symbol):
        name = atom.name
        return lambda at: at[name]
    if isinstance(atom, SumOver):
        return _summed(atom)
    if not isinstance(atom, Compound):
        raise TypeError(f"{atom} has no value")
    parts = [function_of(argument) for argument in atom.arguments]
    operation = _OPERATIONS[type(atom)]
    return lambda at: operation(*(part(at) for part in parts))


def _summed(atom: SumOver) -> Function:
    term, low, high = (function_of(each) for each in (atom.arguments[0], *atom.arguments[2:]))
    index = str(atom.arguments[1])

    def run(at: Point) -> Number:
        first, last = int(low(at)), int(high(at))
        if last - first >= MOST_ADDENDS:
            raise too_large(f"a sum of {last - first + 1} terms")
        return whole(sum((term({**at, index: each}) for each in range(first, last + 1)), start=Fraction(0)))

    return run


def _raised(base: Number, exponent: Number) -> Number:
    if isinstance(exponent, Fraction):
        raise ZeroDivisionError("a root is no part of the grammar")
    if exponent < 0:
        return whole(1 / Fraction(_raised(base, -exponent)))
    found = raise_to(base, exponent)
    if not isinstance(found, int | Fraction):
        raise TypeError(f"{found} is no number")
    return found


def _divisor(left: Number, right: Number) -> int:
    return gcd(int(left), int(right))


_OPERATIONS: dict[type[Atom], Callable[..., Number]] = {
    Floor: lambda top, bottom: top // bottom,
    Max: max,
    Min: min,
    Gcd: _divisor,
    Power: _raised,
    Inverse: lambda below: whole(1 / Fraction(below)),
}
