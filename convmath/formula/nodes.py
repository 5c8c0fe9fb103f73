"""The shape of a formula on paper: a small tree, which each output format writes in its own letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, Union

Node: TypeAlias = Union["Name", "Number_", "Sum", "Product", "Quotient", "Call", "Exponent", "Indexed", "Over"]


@dataclass(frozen=True, slots=True)
class Name:
    """A symbol."""

    text: str


@dataclass(frozen=True, slots=True)
class Number_:  # noqa: N801  (a Number of the arithmetic is another thing)
    """A whole number, zero or more."""

    number: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms with their signs, +1 or -1."""

    terms: tuple[tuple[int, Node], ...]


@dataclass(frozen=True, slots=True)
class Product:
    """Two or more factors."""

    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Quotient:
    """A fraction."""

    top: Node
    bottom: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Exponent:
    """A power."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Indexed:
    """An element of an array: ``X[m, i + u]``."""

    array: str
    indices: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The values of an index: from ``low`` up to, but not including, ``high``."""

    index: str
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class Over:
    """A ``sum``, ``max`` or ``mean`` of a term over all values of some indices."""

    function: str
    body: Node
    ranges: tuple[Range, ...]


def substitute(node: Node, values: Mapping[str, Node]) -> Node:
    """Return the tree with names replaced, and nothing calculated: what a lecturer writes before the result."""
    match node:
        case Name(text):
            return values.get(text, node)
        case Number_():
            return node
        case Sum(terms):
            return Sum(tuple((sign, substitute(term, values)) for sign, term in terms))
        case Product(factors):
            return Product(tuple(substitute(factor, values) for factor in factors))
        case Quotient(top, bottom):
            return Quotient(substitute(top, values), substitute(bottom, values))
        case Call(function, arguments):
            return Call(function, tuple(substitute(argument, values) for argument in arguments))
        case Exponent(base, exponent):
            return Exponent(substitute(base, values), substitute(exponent, values))
        case Indexed(array, indices):
            return Indexed(array, tuple(substitute(index, values) for index in indices))
        case Over(function, body, ranges):
            bound = tuple(
                Range(each.index, substitute(each.low, values), substitute(each.high, values)) for each in ranges
            )
            return Over(function, substitute(body, values), bound)


def tidied(node: Node) -> Node:
    """Return the tree without factors and divisors of one, numbers first, and no factor both above and below."""
    match node:
        case Sum(terms):
            return Sum(tuple((sign, tidied(term)) for sign, term in terms))
        case Product():
            return _product(_factors(node))
        case Quotient(top, bottom):
            above, below = _factors(top), _factors(bottom)
            for factor in list(below):
                if factor in above:
                    above.remove(factor)
                    below.remove(factor)
            return Quotient(_product(above), _product(below)) if below else _product(above)
        case _:
            return node


def _factors(node: Node) -> list[Node]:
    """Return the factors of a product, numbers first, those inside of products included."""
    made = [tidied(factor) for factor in (node.factors if isinstance(node, Product) else (node,))]
    flat = [inner for each in made for inner in (each.factors if isinstance(each, Product) else (each,))]
    return sorted((each for each in flat if each != Number_(1)), key=lambda each: not isinstance(each, Number_))


def _product(factors: list[Node]) -> Node:
    return Product(tuple(factors)) if len(factors) > 1 else factors[0] if factors else Number_(1)
