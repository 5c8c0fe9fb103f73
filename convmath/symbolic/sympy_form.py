"""Formulas as SymPy expressions, for people who go on computing: the only place that makes SymPy symbols."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from convmath.formula import Formula, Value
from convmath.formula.layout import arrange
from convmath.formula.nodes import Call, Exponent, Name, Node, Number_, Product, Quotient, Sum


def to_sympy(value: Value, minima: Mapping[str, int]) -> Any:
    """Return a formula as a SymPy expression in the shape in which it is printed, a number as the ``int`` it is.

    Symbols are integers, positive where their least value is above zero.
    """
    if isinstance(value, int):
        return value
    import sympy

    if not isinstance(value, Formula):
        return sympy.Rational(value.numerator, value.denominator)
    return _node(arrange(value), minima)


def _node(node: Node, minima: Mapping[str, int]) -> Any:
    import sympy

    match node:
        case Number_(number):
            return sympy.Integer(number)
        case Name(text):
            return sympy.Symbol(text, integer=True, **_sign(minima.get(text, 0)))
        case Sum(terms):
            return sympy.Add(*(sign * _node(term, minima) for sign, term in terms))
        case Product(factors):
            return sympy.Mul(*(_node(factor, minima) for factor in factors))
        case Quotient(top, bottom):
            return _node(top, minima) / _node(bottom, minima)
        case Exponent(base, exponent):
            return _node(base, minima) ** _node(exponent, minima)
        case Call(function, arguments):
            made = [_node(argument, minima) for argument in arguments]
            known = {"floor": sympy.floor, "max": sympy.Max, "min": sympy.Min, "gcd": _gcd()}
            return known[function](*made)


@cache
def _gcd() -> Any:
    """Return the greatest common divisor as a SymPy function of integers; SymPy's own is for polynomials."""
    import sympy

    class Gcd(sympy.Function):  # type: ignore[misc]  # SymPy has no types
        """The greatest common divisor of two integers."""

        @classmethod
        def eval(cls, left: Any, right: Any) -> Any:
            """Return the value for integers; None leaves the call as it is."""
            return sympy.Integer(sympy.igcd(left, right)) if left.is_Integer and right.is_Integer else None

    Gcd.__name__ = "gcd"
    return Gcd


def _sign(least: int) -> dict[str, bool]:
    return {"positive": True} if least > 0 else {"nonnegative": True}
