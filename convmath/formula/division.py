"""Division with remainder, as far as integer parts may leave a floor."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING

from convmath.formula.terms import ONE, Formula, Monomial, Number, Value, join, terms_of, value

if TYPE_CHECKING:
    from convmath.formula.atoms import Atom


def degree(monomial: Monomial) -> int:
    """Return the total degree of a monomial, every atom counting as one unknown."""
    return sum(exponent for _, exponent in monomial)


def _order(monomial: Monomial) -> tuple[int, tuple[tuple[str, int], ...]]:
    return degree(monomial), tuple((atom.key, exponent) for atom, exponent in monomial)


def leading(formula: Formula) -> tuple[Monomial, Number]:
    """Return the term of the highest degree; ties go by the names."""
    return max(formula.terms.items(), key=lambda term: _order(term[0]))


def without(monomial: Monomial, factor: Monomial) -> Monomial | None:
    """Return ``monomial / factor``, or None where an exponent would become negative."""
    powers = dict(monomial)
    for atom, exponent in factor:
        left = powers.get(atom, 0) - exponent
        if left < 0:
            return None
        powers[atom] = left
    return tuple((atom, exponent) for atom, exponent in powers.items() if exponent)


def toward_zero(dividend: Number, divisor: Number) -> int:
    """Return the integer quotient, rounded toward zero."""
    ratio = Fraction(dividend) / Fraction(divisor)
    return -(-ratio // 1) if ratio < 0 else ratio // 1


def divide(dividend: Value, divisor: Value) -> tuple[Value, Value]:
    """Return ``(whole, rest)`` with ``dividend = whole*divisor + rest`` and whole integral.

    Coefficients are divided toward zero, so that ``3*H`` over 4 stays as it is; a
    constant over a number is divided downward, so that the rest's lies in 0 … divisor - 1.
    """
    if not isinstance(divisor, Formula):
        quotients: dict[Monomial, Number] = {
            monomial: coefficient // divisor if monomial == ONE else toward_zero(coefficient, divisor)
            for monomial, coefficient in terms_of(dividend).items()
        }
        whole = value(quotients)
        return whole, dividend - whole * divisor
    lead, scale = leading(divisor)
    whole = 0
    rest = dividend
    pending = True
    while pending and isinstance(rest, Formula):
        pending = False
        for monomial, coefficient in sorted(rest.terms.items(), key=lambda term: _order(term[0]), reverse=True):
            left = without(monomial, lead)
            quotient = toward_zero(coefficient, scale)
            if left is not None and quotient:
                step = value({join(left, ONE): quotient})
                whole, rest, pending = whole + step, rest - step * divisor, True
                break
    return whole, rest


def content(values: tuple[Value, ...]) -> tuple[int, Monomial]:
    """Return the greatest integer and monomial that divide every term of all values."""
    number = 0
    common: dict[Atom, int] | None = None
    for each in values:
        for monomial, coefficient in terms_of(each).items():
            number = gcd(number, int(coefficient))
            powers = dict(monomial)
            common = {
                atom: min(exponent, powers.get(atom, 0))
                for atom, exponent in (powers if common is None else common).items()
            }
    return number or 1, tuple((atom, exponent) for atom, exponent in (common or {}).items() if exponent > 0)
