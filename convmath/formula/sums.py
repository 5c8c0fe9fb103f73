"""Sums over an index in closed form: powers of the index times powers of numbers.

``1 + 2**i + i*3**i`` summed over i has one; what has a floor of the index inside has
none, and stays a ``sum``.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import comb

from convmath.formula.atoms import Atom, Power, SumOver, Symbol, power_of
from convmath.formula.terms import (
    Formula,
    Monomial,
    Number,
    Value,
    bind,
    product_of,
    raise_to,
    ratio,
    sum_of,
    terms_of,
    too_large,
    value,
)

MOST_ADDENDS = 10_000
"""Longer sums between numbers are closed, too, or refused."""
MOST_DEGREE = 16
"""Up to this power of the index a sum is closed; nobody means a higher one."""


def sum_over(term: Value, index: str, low: Value, high: Value) -> Value:
    """Return the sum of *term* over *index* from *low* to *high*, both included; zero where high is low - 1.

    The closed form holds for ``high >= low - 1``. What has none stays as an exact
    ``sum(term, index, low, high)``.
    """
    if isinstance(low, int) and isinstance(high, int) and high - low < MOST_ADDENDS:
        return sum_of(bind(term, {index: at}) for at in range(low, high + 1))
    terms = terms_of(term)
    closed = [_closed(monomial, coefficient, index, (low, high)) for monomial, coefficient in terms.items()]
    if None not in closed:
        return sum_of(each for each in closed if each is not None)
    if isinstance(low, int) and isinstance(high, int):
        raise too_large(f"a sum of {high - low + 1} terms without a closed form")
    # What stands beside a floor of the index belongs to it: floor(x) + 1 is a size.
    outside = value({monomial: number for monomial, number in terms.items() if not _mentions(monomial, index)})
    return outside * (high - low + 1) + SumOver.of(term - outside, index, low, high)


def _closed(monomial: Monomial, coefficient: Number, index: str, bounds: tuple[Value, Value]) -> Value | None:
    """Return the sum of one term; None where it has no closed form."""
    parts = _parts(monomial, index)
    if parts is None:
        return None
    (power, base, rest), (low, high) = parts, bounds
    return coefficient * rest * (_antidifference(power, base, high + 1) - _antidifference(power, base, low))


def _mentions(monomial: Monomial, index: str) -> bool:
    return any(index in atom.names for atom, _ in monomial)


def _parts(monomial: Monomial, index: str) -> tuple[int, int | Fraction, Value] | None:
    """Return ``(a, r, rest)`` where the monomial is ``i**a * r**i * rest``; None for other forms."""
    degree, base, rest = 0, Fraction(1), []
    for atom, exponent in monomial:
        if index not in atom.names:
            rest.append(raise_to(atom.formula, exponent))
        elif isinstance(atom, Symbol) and 0 < exponent <= MOST_DEGREE:
            degree = exponent
        elif isinstance(atom, Power) and isinstance(atom.arguments[1], Formula):
            factor = _growth(atom, index)
            if factor is None:
                return None
            base *= Fraction(factor) ** exponent
        else:
            return None
    return degree, base.numerator if base.denominator == 1 else base, product_of(rest)


def _growth(atom: Atom, index: str) -> int | None:
    """Return b where the power is ``b**index``."""
    base, exponent = atom.arguments  # type: ignore[attr-defined]
    [(monomial, coefficient)] = exponent.terms.items()
    alone = len(monomial) == 1 and isinstance(monomial[0][0], Symbol) and monomial[0][0].name == index
    return base**coefficient if alone and monomial[0][1] == 1 and isinstance(base, int) else None


def _antidifference(degree: int, base: int | Fraction, at: Value) -> Value:
    """Return ``Q(at) * base**at`` with ``Q(i + 1)*base**(i + 1) - Q(i)*base**i = i**degree * base**i``."""
    polynomial = _solved(degree, base)
    whole = sum_of(coefficient * _raised(at, power) for power, coefficient in enumerate(polynomial))
    return whole * _exponential(base, at)


def _raised(at: Value, power: int) -> Value:
    return 1 if power == 0 else raise_to(at, power)


def _exponential(base: int | Fraction, at: Value) -> Value:
    if base == 1:
        return 1
    return ratio(power_of(base.numerator, at), power_of(base.denominator, at))


@lru_cache(maxsize=256)
def _solved(degree: int, base: int | Fraction) -> tuple[Fraction, ...]:
    """Return the coefficients of Q, the constant first, by comparing powers from the highest down."""
    size = degree + (2 if base == 1 else 1)
    found = [Fraction(0)] * size
    for power in range(degree, -1, -1):
        wanted = Fraction(int(power == degree))
        known = sum(base * comb(higher, power) * found[higher] for higher in range(power + 1, size))
        if base == 1:  # the highest term of Q falls out of the difference
            known -= comb(power + 1, power) * found[power + 1]
            found[power + 1] = (wanted - known) / (power + 1)
        else:
            found[power] = (wanted - known) / (base - 1)
    return tuple(found)
