"""Formulas as SymPy expressions, for people who go on computing: the only place that makes SymPy symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convmath.formula import Formula, Value
from convmath.formula.atoms import Atom, Compound, Floor, Gcd, Inverse, Max, Min, Power, Symbol


def to_sympy(value: Value, minima: Mapping[str, int]) -> Any:
    """Return a formula as a SymPy expression, a number as the ``int`` that it is.

    Symbols are integers, positive where their least value is above zero.
    """
    if isinstance(value, int):
        return value
    import sympy

    if not isinstance(value, Formula):
        return sympy.Rational(value.numerator, value.denominator)
    terms = []
    for monomial, coefficient in value.terms.items():
        factors = [_atom(atom, minima) ** exponent for atom, exponent in monomial]
        terms.append(sympy.Mul(sympy.Rational(coefficient.numerator, coefficient.denominator), *factors))
    return sympy.Add(*terms)


def _atom(atom: Atom, minima: Mapping[str, int]) -> Any:
    import sympy

    if isinstance(atom, Symbol):
        return sympy.Symbol(atom.name, integer=True, **_sign(minima.get(atom.name, 0)))
    if not isinstance(atom, Compound):
        raise TypeError(f"no SymPy form for {atom.key}")
    arguments = [sympy.Integer(each) if isinstance(each, int) else to_sympy(each, minima) for each in atom.arguments]
    match atom:
        case Floor():
            return sympy.floor(arguments[0] / arguments[1])
        case Max():
            return sympy.Max(*arguments)
        case Min():
            return sympy.Min(*arguments)
        case Gcd():
            return sympy.Function("gcd")(*arguments)
        case Power():
            return arguments[0] ** arguments[1]
        case Inverse():
            return 1 / arguments[0]
        case _:
            raise TypeError(f"no SymPy form for {atom.key}")


def _sign(least: int) -> dict[str, bool]:
    return {"positive": True} if least > 0 else {"nonnegative": True}
