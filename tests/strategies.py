"""Random expressions, floor maps and points, shared by the tests of the formulas and of the algebra.

An expression is a small tree, ``("+", "H", 3)``: an integer, a symbol, or an operation and
its operands. ``compute`` runs it on anything that has the operations, ``written`` prints it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from hypothesis import reject
from hypothesis import strategies as st

from convmath.algebra import FloorMap
from convmath.errors import ExpressionError, LimitError
from convmath.formula import Value, ceil_of, floor_of, gcd_of, max_of, min_of, power_of, ratio, symbol

Tree: TypeAlias = int | str | tuple[Any, ...]
Point: TypeAlias = dict[str, int]

NAMES = ("H", "W", "k", "n")
OPERATORS = {"+", "-", "*", "/", "//", "%", "**"}

FORMULAS: dict[str, Callable[..., Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": ratio,
    "//": floor_of,
    "%": operator.mod,
    "**": power_of,
    "min": min_of,
    "max": max_of,
    "gcd": gcd_of,
    "floor": floor_of,
    "ceil": ceil_of,
}


class NotWholeError(ArithmeticError):
    """An operation on integers met a fraction; formulas must have refused it."""


def _whole(number: Fraction) -> int:
    if number.denominator != 1:
        raise NotWholeError(f"a formula took {number} for an integer")
    return number.numerator


NUMBERS: dict[str, Callable[..., Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": lambda a, b: Fraction(a // b),
    "%": operator.mod,
    "**": lambda a, b: a ** _whole(b),
    "min": min,
    "max": max,
    "gcd": lambda a, b: Fraction(math.gcd(_whole(a), _whole(b))),
    "floor": lambda a: Fraction(math.floor(a)),
    "ceil": lambda a: Fraction(math.ceil(a)),
}


def compute(tree: Tree, leaf: Callable[[int | str], Any], operations: Mapping[str, Callable[..., Any]]) -> Any:
    """Return the value of *tree* over the numbers that *leaf* makes."""
    if not isinstance(tree, tuple):
        return leaf(tree)
    name, *operands = tree
    return operations[name](*(compute(each, leaf, operations) for each in operands))


def formula_of(tree: Tree) -> Value:
    """Return the formula of *tree*, a division by zero as such; reject what formulas may refuse."""
    try:
        return compute(tree, lambda each: symbol(each) if isinstance(each, str) else each, FORMULAS)
    except ExpressionError as error:
        if error.code not in ("not-an-integer", "unknown-sign", "bad-power"):
            raise
        reject()
    except LimitError:
        reject()


def number_of(tree: Tree, point: Point) -> Fraction:
    """Return the value of *tree* at *point*, by Python's own fractions; reject points where it has none."""
    try:
        return compute(tree, lambda each: Fraction(point[each] if isinstance(each, str) else each), NUMBERS)
    except ZeroDivisionError:
        reject()
    except NotWholeError:
        formula_of(tree)
        raise


def written(tree: Tree) -> str:
    """Return *tree* as text, every operation in brackets."""
    if not isinstance(tree, tuple):
        return str(tree) if isinstance(tree, str) or tree >= 0 else f"({tree})"
    name, *operands = tree
    texts = [written(each) for each in operands]
    return f"({name.join(texts)})" if name in OPERATORS else f"{name}({', '.join(texts)})"


small = st.integers(-6, 9)
names = st.sampled_from(NAMES)
points = st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(0, 12)))
"""Values of the symbols: zero or more, as formulas assume."""


def _combined(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    two = st.sampled_from(["+", "-", "*", "/", "//", "%", "min", "max", "gcd"])
    return st.one_of(
        st.tuples(two, inner, inner),
        st.tuples(st.sampled_from(["floor", "ceil"]), inner),
        st.tuples(st.sampled_from(["//", "%", "/"]), inner, st.integers(1, 6)),
        st.tuples(st.just("**"), inner, st.integers(-1, 3)),
    )


def _exponents() -> st.SearchStrategy[Tree]:
    index = st.one_of(names, st.tuples(st.sampled_from("+-*"), names, st.integers(0, 3)))
    return st.tuples(st.just("**"), st.integers(1, 4), index)


trees = st.recursive(st.one_of(small, names, names, _exponents()), _combined, max_leaves=8)
"""Expressions with every operation of the grammar."""


def _polynomial(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.tuples(st.sampled_from("+-*"), inner, inner),
        st.tuples(st.sampled_from(["min", "max", "gcd"]), inner, inner),
        st.tuples(st.just("//"), inner, st.integers(1, 5)),
    )


integral_trees = st.recursive(st.one_of(small, names, names), _polynomial, max_leaves=7)
"""Expressions that are integers at every point: no division but whole ones by numbers."""

floor_maps = st.builds(FloorMap, st.integers(0, 4), st.integers(-9, 12), st.integers(1, 5))
"""Maps of every kind: constant, contracting, expanding, and with an overlap of both."""
rising_maps = floor_maps.filter(lambda each: each.up > 0)
windows = st.builds(FloorMap, st.just(1), st.integers(-9, 12), st.integers(1, 5))
transposes = st.builds(FloorMap, st.integers(1, 4), st.integers(-9, 12), st.just(1))
