"""How a formula stands on paper: which factors are pulled out, which constants go into which floor.

``arrange`` turns a value into a small tree; each output format writes that tree in its
own letters, so that all formats show the same shape. The shapes have the values of the
canonical form; tests compare them at random integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import lcm
from typing import TypeAlias, Union

from convmath.formula.atoms import Atom, Floor, Inverse, Power, Symbol
from convmath.formula.terms import ONE, Formula, Monomial, Number, Value, join, terms_of, value

Node: TypeAlias = Union["Name", "Number_", "Sum", "Product", "Quotient", "Call", "Exponent"]


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


Terms: TypeAlias = dict[Monomial, Number]
Rank: TypeAlias = tuple[bool, int, Fraction, bool, str]
Sorted: TypeAlias = tuple[Rank, int, Node]


def arrange(formula: Value, *, textbook: bool = False) -> Node:
    """Return the shape of *formula*; *textbook* writes ``ceil`` where it is shorter."""
    terms = dict(terms_of(formula))
    if not terms:
        return Number_(0)
    denominator = lcm(*(coefficient.denominator for coefficient in terms.values()))
    if denominator > 1 and len(terms) > 1:
        return Quotient(arrange(formula * denominator, textbook=textbook), Number_(denominator))
    common = _common(terms) if len(terms) > 1 else ONE
    if common:
        inverse = tuple((atom, -exponent) for atom, exponent in common)
        inner = arrange(value({join(monomial, inverse): c for monomial, c in terms.items()}), textbook=textbook)
        return _term(1, common, (inner,), textbook)[1]
    parts = sorted(_parts(terms, textbook), key=lambda part: part[0])
    if len(parts) == 1 and parts[0][1] > 0:
        return parts[0][2]
    return Sum(tuple((sign, node) for _, sign, node in parts))


def _common(terms: Terms) -> Monomial:
    """Return the symbols that every term has as a factor."""
    shared: dict[Atom, int] | None = None
    for monomial in terms:
        powers = dict(monomial)
        if shared is None:
            shared = {atom: exponent for atom, exponent in powers.items() if isinstance(atom, Symbol)}
        else:
            shared = {atom: min(exponent, powers.get(atom, 0)) for atom, exponent in shared.items()}
    return tuple((atom, exponent) for atom, exponent in (shared or {}).items() if exponent > 0)


def _parts(terms: Terms, textbook: bool) -> Iterator[Sorted]:
    """Yield the addends: completed products first, then the terms that are left."""
    for monomial in sorted(terms, key=lambda each: _rank(each, terms[each])):
        completed = _complete(terms, monomial)
        if completed is not None:
            rest, factors = completed
            nodes = tuple(arrange(factor, textbook=textbook) for factor in factors)
            coefficient = terms.pop(monomial)
            yield _rank(monomial, coefficient), *_term(coefficient, rest, nodes, textbook)
    constant = terms.pop(ONE, 0)
    for monomial, coefficient in terms.items():
        if constant and _absorbs(monomial, coefficient):
            yield _rank(monomial, 1), 1, _floor(monomial[0][0], int(constant), textbook)
            constant = 0
        else:
            yield _rank(monomial, coefficient), *_term(coefficient, monomial, (), textbook)
    if constant:
        yield _rank(ONE, constant), *_term(constant, ONE, (), textbook)


def _complete(terms: Terms, monomial: Monomial) -> tuple[Monomial, tuple[Value, Value]] | None:
    """Find ``a*x*y + a*q*x + a*p*y + c``: return the rest of the monomial, ``x + p`` and ``y + q``.

    The terms that go into the product are taken out of *terms*, all but the monomial itself.
    """
    scale = terms.get(monomial)
    if scale is None:
        return None
    plain = [atom for atom, exponent in monomial if exponent == 1]
    for x, y in combinations(plain, 2):
        rest = tuple(item for item in monomial if item[0] not in (x, y))
        with_x, with_y = join(rest, ((x, 1),)), join(rest, ((y, 1),))
        p, q = Fraction(terms.get(with_y, 0)) / scale, Fraction(terms.get(with_x, 0)) / scale
        left = terms.get(rest, 0) - scale * p * q
        if (p or q) and p.denominator == q.denominator == 1 and (not p * q or abs(left) < abs(terms.get(rest, 0))):
            terms.pop(with_x, None)
            terms.pop(with_y, None)
            terms[rest] = left
            if not left:
                del terms[rest]
            return rest, (value({((x, 1),): 1, ONE: p}), value({((y, 1),): 1, ONE: q}))
    return None


def _absorbs(monomial: Monomial, coefficient: Number) -> bool:
    """Tell whether a constant beside this term belongs inside it: one floor over a number."""
    if coefficient != 1 or len(monomial) != 1 or monomial[0][1] != 1:
        return False
    atom = monomial[0][0]
    return isinstance(atom, Floor) and isinstance(atom.arguments[1], int)


def _floor(atom: Floor, constant: int, textbook: bool) -> Node:
    top, bottom = atom.arguments
    top = top + constant * bottom
    if textbook and isinstance(top, Formula) and isinstance(bottom, int):
        below = top - (bottom - 1)
        if len(terms_of(below)) < len(terms_of(top)):
            return Call("ceil", (Quotient(arrange(below, textbook=True), arrange(bottom)),))
    return Call("floor", (Quotient(arrange(top, textbook=textbook), arrange(bottom, textbook=textbook)),))


def _term(coefficient: Number, monomial: Monomial, more: tuple[Node, ...], textbook: bool) -> tuple[int, Node]:
    """Return the sign of a term and its shape without the sign."""
    size = abs(coefficient)
    top: list[Node] = [] if size.numerator == 1 else [Number_(size.numerator)]
    bottom: list[Node] = [] if size.denominator == 1 else [Number_(size.denominator)]
    for atom, exponent in sorted(monomial, key=lambda item: (isinstance(item[0], Floor), item[0].key)):
        if isinstance(atom, Inverse):
            bottom.append(_raised(arrange(atom.arguments[0], textbook=textbook), exponent))
        else:
            (top if exponent > 0 else bottom).append(_power(atom, abs(exponent), textbook))
    top.extend(more)
    whole = _joined(top)
    return (1 if coefficient > 0 else -1), Quotient(whole, _joined(bottom)) if bottom else whole


def _joined(factors: list[Node]) -> Node:
    if not factors:
        return Number_(1)
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def _raised(base: Node, exponent: int) -> Node:
    return base if exponent == 1 else Exponent(base, Number_(exponent))


def _power(atom: Atom, exponent: int, textbook: bool) -> Node:
    if isinstance(atom, Power):
        base, index = atom.arguments
        return Exponent(arrange(base**exponent), arrange(index, textbook=textbook))
    return _raised(_atom(atom, textbook), exponent)


def _atom(atom: Atom, textbook: bool) -> Node:
    match atom:
        case Symbol():
            return Name(atom.name)
        case Floor():
            return _floor(atom, 0, textbook)
        case _:
            arguments = tuple(arrange(argument, textbook=textbook) for argument in atom.arguments)  # type: ignore[attr-defined]
            return Call(atom.function, arguments)  # type: ignore[attr-defined]


def _rank(monomial: Monomial, coefficient: Number) -> Rank:
    """Order terms from the largest size to the smallest, added ones first; the constant comes last."""
    degree, shrink = _growth(monomial)
    return monomial == ONE, -degree, shrink, coefficient < 0, "*".join(atom.key for atom, _ in monomial)


def _growth(monomial: Monomial) -> tuple[int, Fraction]:
    """Return the degree of a monomial in its symbols, and by what its floors divide."""
    degree, shrink = 0, Fraction(1)
    for atom, exponent in monomial:
        inner, divisor = 1, Fraction(1)
        if isinstance(atom, Floor):
            top, bottom = atom.arguments
            inner, divisor = max(_growth(m) for m in terms_of(top)) if top else (0, Fraction(1))
            if isinstance(bottom, Formula):
                inner -= max(_growth(m)[0] for m in bottom.terms)
            else:
                divisor *= bottom
        degree += inner * exponent
        shrink *= divisor**exponent
    return degree, shrink


