"""Quotients in lowest terms: what two formulas have in common is cancelled."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from convmath.formula import Formula, Value, cleared, ratio
from convmath.formula.terms import Monomial, Number, terms_of, value

MOST_TERMS = 5_000
"""Quotients with more products of terms are left as they are: cancelling takes long, and nobody could read them."""


def quotient(top: Value, bottom: Value) -> Value:
    """Return ``top/bottom``, common factors cancelled; floors and the like count as unknowns of their own.

    Raises ``ZeroDivisionError`` where the bottom is zero.
    """
    if not isinstance(bottom, Formula) or not isinstance(top, Formula) or len(bottom.terms) == 1:
        return ratio(top, bottom)
    (above, over), (below, under) = cleared(top), cleared(bottom)
    above, below = above * under, below * over
    if len(terms_of(above)) * len(terms_of(below)) > MOST_TERMS:
        return ratio(top, bottom)
    return _cancelled(above, below)


def _cancelled(above: Value, below: Value) -> Value:
    """Return the quotient of two polynomials in their atoms, by their greatest common divisor."""
    from sympy.polys.domains import QQ
    from sympy.polys.rings import ring

    atoms = sorted({atom for each in (above, below) for monomial in terms_of(each) for atom, _ in monomial}, key=_key)
    made, *_ = ring([f"a{number}" for number in range(len(atoms))], QQ)

    def poly(held: Value) -> Any:
        found = {}
        for monomial, coefficient in terms_of(held).items():
            powers = dict(monomial)
            found[tuple(powers.get(atom, 0) for atom in atoms)] = QQ(coefficient.numerator, coefficient.denominator)
        return made.from_dict(found)

    def back(polynomial: Any) -> Value:
        terms: dict[Monomial, Number] = {}
        for exponents, coefficient in polynomial.terms():
            monomial = tuple((atom, power) for atom, power in zip(atoms, exponents, strict=True) if power)
            terms[monomial] = Fraction(int(coefficient.numerator), int(coefficient.denominator))
        return value(terms) * 1

    over, under = poly(above).cancel(poly(below))
    return ratio(back(over), back(under))


def _key(atom: Any) -> str:
    return str(atom.key)
