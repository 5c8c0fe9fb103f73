"""On which residue classes a formula is a polynomial, and of which degree.

Let ``x = M*t + r``. A product of symbols changes by a multiple of M when t grows. If a
value changes by a multiple of M/m and b divides M/m, then ``floor(value/b)`` changes by
exactly 1/b of that change, which is a multiple of M/(m*b). So, with M the product of the
divisors along the nesting, a formula of floors with constant divisors is a polynomial in
t on each class r, of the degree that it has with the floors left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm

from convmath.formula import Formula, Value, is_integral
from convmath.formula.atoms import Atom, Floor, Symbol
from convmath.formula.terms import Monomial


@dataclass(frozen=True, slots=True)
class Pieces:
    """For each symbol the modulus of its classes, and the degree on each of them."""

    moduli: dict[str, int]
    degrees: dict[str, int]
    total: int
    """The total degree."""


def pieces_of(*values: Value) -> Pieces | None:
    """Return moduli and degrees that hold for all *values*; None where a divisor is unknown, or for extremes."""
    names = sorted(frozenset().union(*(each.names for each in values if isinstance(each, Formula))))
    moduli, degrees, total = dict.fromkeys(names, 1), dict.fromkeys(names, 0), 0
    for each in values:
        found = _pieces(each)
        if found is None:
            return None
        for name in found.moduli:
            moduli[name] = lcm(moduli[name], found.moduli[name])
            degrees[name] = max(degrees[name], found.degrees[name])
        total = max(total, found.total)
    return Pieces(moduli, degrees, total)


def _pieces(value: Value) -> Pieces | None:
    moduli: dict[str, int] = {}
    degrees: dict[str, int] = {}
    total = 0
    for monomial in value.terms if isinstance(value, Formula) else ():
        found = _of_product(monomial)
        if found is None:
            return None
        for name in found.moduli:
            moduli[name] = lcm(moduli.get(name, 1), found.moduli[name])
            degrees[name] = max(degrees.get(name, 0), found.degrees[name])
        total = max(total, found.total)
    return Pieces(moduli, degrees, total)


def _of_product(monomial: Monomial) -> Pieces | None:
    moduli: dict[str, int] = {}
    degrees: dict[str, int] = {}
    total = 0
    for atom, exponent in monomial:
        found = _of_atom(atom) if exponent > 0 else None
        if found is None:
            return None
        for name in found.moduli:
            moduli[name] = lcm(moduli.get(name, 1), found.moduli[name])
            degrees[name] = degrees.get(name, 0) + exponent * found.degrees[name]
        total += exponent * found.total
    return Pieces(moduli, degrees, total)


def _of_atom(atom: Atom) -> Pieces | None:
    if isinstance(atom, Symbol):
        return Pieces({atom.name: 1}, {atom.name: 1}, 1)
    if not isinstance(atom, Floor):
        return None
    top, bottom = atom.arguments
    if not isinstance(bottom, int) or bottom < 1 or not is_integral(top):
        return None
    inner = _pieces(top)
    if inner is None:
        return None
    return Pieces({name: held * bottom for name, held in inner.moduli.items()}, inner.degrees, inner.total)
