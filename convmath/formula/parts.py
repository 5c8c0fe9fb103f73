"""What a formula consists of: a floor and what stands beside it, a line in one symbol."""

from __future__ import annotations

from collections.abc import Mapping

from convmath.formula.atoms import Floor, Symbol
from convmath.formula.signs import positive
from convmath.formula.terms import ONE, Formula, Value, product_of, raise_to, sum_of, terms_of


def single_floor(value: Value) -> tuple[Value, Value, Value] | None:
    """Return ``(a, b, c)`` where the value is ``floor(a/b) + c`` with a divisor b above zero and a constant c."""
    if not isinstance(value, Formula):
        return None
    inner = [monomial for monomial in value.terms if monomial]
    if len(inner) != 1 or value.terms[inner[0]] != 1 or len(inner[0]) != 1:
        return None
    [(atom, exponent)] = inner[0]
    if not isinstance(atom, Floor) or exponent != 1 or not positive(atom.arguments[1]):
        return None
    return (*atom.arguments, value.terms.get(ONE, 0))  # type: ignore[return-value]


def floor_plus(value: Value) -> tuple[Formula, Value] | None:
    """Return ``(floor, rest)`` where the value is one floor plus a rest without it; None for other forms."""
    if not isinstance(value, Formula):
        return None
    found = [
        monomial[0][0]
        for monomial, coefficient in value.terms.items()
        if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1 and isinstance(monomial[0][0], Floor)
    ]
    if len(found) != 1:
        return None
    return found[0].formula, value - found[0].formula


def affine(value: Value) -> tuple[int, int] | None:
    """Return ``(a, b)`` where the value is ``a*symbol + b`` with integers a and b, a not zero; else None."""
    if not isinstance(value, Formula):
        return None
    slopes = [(monomial, coefficient) for monomial, coefficient in value.terms.items() if monomial]
    constant = value.terms.get(ONE, 0)
    if len(slopes) != 1 or not isinstance(slopes[0][1], int) or not isinstance(constant, int):
        return None
    [(monomial, slope)] = slopes
    plain = len(monomial) == 1 and monomial[0][1] == 1 and isinstance(monomial[0][0], Symbol)
    return (slope, constant) if plain and isinstance(slope, int) else None


def exchanged(value: Value, known: Mapping[Formula, Value]) -> Value:
    """Return the value with atoms, given as formulas of their own, replaced wherever they are factors."""
    result: list[Value] = []
    for monomial, coefficient in terms_of(value).items():
        factors = (raise_to(known.get(atom.formula, atom.formula), exponent) for atom, exponent in monomial)
        result.append(coefficient * product_of(factors))
    return sum_of(result)
