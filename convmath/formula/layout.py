"""How a formula stands on paper: which factors are pulled out, which constants go into which floor.

``arrange`` turns a value into a small tree; each output format writes that tree in its
own letters, so that all formats show the same shape. The shapes have the values of the
canonical form; tests compare them at random integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import lcm, prod
from typing import TypeAlias

from convmath.formula.atoms import Atom, Floor, Inverse, Power, Symbol
from convmath.formula.nodes import Call, Exponent, Name, Node, Number_, Product, Quotient, Sum
from convmath.formula.terms import (
    ONE,
    Formula,
    Monomial,
    Number,
    Value,
    is_integral,
    join,
    ratio,
    sum_of,
    terms_of,
    value,
)

Terms: TypeAlias = dict[Monomial, Number]
MOST_FACTORED = 4
"""A sum of more terms is easier to read, and to break into lines, without a common factor before it."""

MOST_COMPLETED = 60
"""Longer sums are written as they are: nobody would see the products, and finding them takes long."""

MOST_FOLDED = 8
"""Up to this power a base is written as a number: ``8**n``, but ``2**(10*n)``."""

Rank: TypeAlias = tuple[bool, int, Fraction, bool, str]
Shifted: TypeAlias = tuple[Atom, Value]
Sorted: TypeAlias = tuple[Rank, int, Node]


def arrange(formula: Value, *, textbook: bool = False) -> Node:
    """Return the shape of *formula*; *textbook* writes ``ceil`` where it is shorter."""
    terms = dict(terms_of(formula))
    if not terms:
        return Number_(0)
    denominator = lcm(*(coefficient.denominator for coefficient in terms.values()))
    if denominator > 1 and len(terms) > 1:
        return Quotient(arrange(formula * denominator, textbook=textbook), Number_(denominator))
    parts = sorted(_parts(terms, textbook=textbook), key=lambda part: part[0])
    if len(parts) == 1 and parts[0][1] > 0:
        return parts[0][2]
    common = _common(terms) if 1 < len(parts) <= MOST_FACTORED else ONE
    if common:
        inner = arrange(_without(terms, common), textbook=textbook)
        return _term(1, common, (inner,), textbook=textbook)[1]
    if parts[0][1] < 0:  # H + 2*p - d*(k - 1) reads better than -d*(k - 1) + H + 2*p
        parts.sort(key=lambda part: (part[0][0], part[1] < 0))
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


def _without(terms: Terms, common: Monomial) -> Value:
    """Return the sum of terms divided by a monomial."""
    inverse = tuple((atom, -exponent) for atom, exponent in common)
    return value({join(monomial, inverse): coefficient for monomial, coefficient in terms.items()})


def _parts(terms: Terms, *, textbook: bool) -> Iterator[Sorted]:
    """Yield the addends: products of shifted sizes first, then what is left.

    Terms are collected by their floors, so that each product of floors stands once, with
    a sum of hyper-parameters before it where need be.
    """
    groups: dict[Monomial, Value] = {}
    for monomial, coefficient in terms.items():
        floors = tuple(item for item in monomial if isinstance(item[0], Floor) and item[1] > 0)
        others = tuple(item for item in monomial if item not in floors)
        groups[floors] = groups.get(floors, 0) + value({others: coefficient})
    yield from _completed(groups, textbook=textbook)
    plain: dict[Monomial, Value] = dict(terms_of(groups.pop(ONE, 0)))
    yield from _completed(plain, textbook=textbook)
    constant = plain.pop(ONE, 0)
    for floors, factor in groups.items():
        atom = floors[0][0]
        if isinstance(constant, int) and constant and factor == 1 and _absorbs(floors) and isinstance(atom, Floor):
            yield _rank(floors, 1), 1, _floor(atom, constant, textbook=textbook)
            constant = 0
        else:
            yield _addend(floors, factor, (), textbook=textbook)
    for monomial, factor in plain.items():
        yield _addend(monomial, factor, (), textbook=textbook)
    if constant != 0:
        yield _addend(ONE, constant, (), textbook=textbook)


def _addend(monomial: Monomial, coefficient: Value, more: tuple[Node, ...], *, textbook: bool) -> Sorted:
    """Return a coefficient times a monomial times *more*; a sum of several terms gets brackets."""
    rank = _rank(monomial, 1)
    if not isinstance(coefficient, Formula):
        return _rank(monomial, coefficient), *_term(coefficient, monomial, more, textbook=textbook)
    if len(coefficient.terms) == 1:
        [(inner, number)] = coefficient.terms.items()
        whole = join(inner, monomial)
        return _rank(whole, number), *_term(number, whole, more, textbook=textbook)
    common = _common(coefficient.terms)
    rest = _without(coefficient.terms, common)
    node = _term(1, common, (arrange(rest, textbook=textbook),), textbook=textbook)[1]
    factors = node.factors if isinstance(node, Product) else (node,)
    return rank, 1, _joined([*factors, *_factors(monomial, textbook=textbook), *more])


def _completed(terms: dict[Monomial, Value], *, textbook: bool) -> Iterator[Sorted]:
    """Yield products ``a*(x + p)*(y + q)`` and squares found in *terms*, which lose what goes into them."""
    products = [monomial for monomial in terms if sum(exponent for _, exponent in monomial) > 1]
    if not products or len(terms) > MOST_COMPLETED:
        return
    for monomial in sorted(products, key=lambda each: _rank(each, 1)):
        pairs = list(combinations([atom for atom, exponent in monomial if exponent == 1], 2))
        pairs += [(atom, atom) for atom, exponent in monomial if exponent == 2]
        for scale in [value({each: number}) for each, number in terms_of(terms.get(monomial, 0)).items()]:
            found = next(
                (f for wanted in (2, 1) for x, y in pairs if (f := _shifts(terms, monomial, (x, y), scale, wanted))),
                None,
            )
            if found is None:
                continue
            rest, factors = found
            _take(terms, rest, factors, scale)
            nodes = tuple(arrange(atom.formula + shift, textbook=textbook) for atom, shift in factors)
            if factors[0] == factors[1]:
                nodes = (Exponent(nodes[0], Number_(2)),)
            _, sign, node = _addend(rest, scale, nodes, textbook=textbook)
            yield _rank(monomial, sign), sign, node


def _shifts(
    terms: dict[Monomial, Value], monomial: Monomial, pair: tuple[Atom, Atom], scale: Value, wanted: int
) -> tuple[Monomial, tuple[Shifted, Shifted]] | None:
    """Find ``scale*(x + p)*(y + q)`` in *terms*, *wanted* of p and q being other than zero; x may be y.

    Returns the rest of the monomial, (x, p) and (y, q); None where taking the product out
    would not leave less.
    """
    x, y = pair
    rest = tuple(item for item in monomial if item[0] not in pair)
    p = _multiples(terms.get(join(rest, ((y, 1),)), 0), 2 * scale if x == y else scale)
    q = p if x == y else _multiples(terms.get(join(rest, ((x, 1),)), 0), scale)
    if (p != 0) + (q != 0) != wanted:
        return None
    before = terms.get(rest, 0)
    if wanted == 2 and not _simpler(before - p * q * scale, before):
        return None
    return rest, ((x, p), (y, q))


def _take(terms: dict[Monomial, Value], rest: Monomial, factors: tuple[Shifted, Shifted], scale: Value) -> None:
    """Subtract ``scale*rest*(x + p)*(y + q)`` from *terms*."""
    (x, p), (y, q) = factors
    for left, a in ((((x, 1),), 1), (ONE, p)):
        for right, b in ((((y, 1),), 1), (ONE, q)):
            monomial = join(rest, join(left, right))
            terms[monomial] = terms.get(monomial, 0) - a * b * scale
            if terms[monomial] == 0:
                del terms[monomial]


def _multiples(held: Value, unit: Value) -> Value:
    """Return the sum of those terms of *held* that are whole multiples of *unit*, over *unit*."""
    found = [ratio(value({monomial: number}), unit) for monomial, number in terms_of(held).items()]
    return sum_of(each for each in found if is_integral(each))


def _simpler(left: Value, before: Value) -> bool:
    """Tell whether fewer terms, or a smaller constant, are left than there were before."""
    if not isinstance(left - before, Formula):
        now, then = terms_of(left).get(ONE, 0), terms_of(before).get(ONE, 0)
        return now * now < then * then
    return len(terms_of(left)) < len(terms_of(before))


def _absorbs(monomial: Monomial) -> bool:
    """Tell whether a constant beside this term belongs inside it: one floor over a number."""
    if len(monomial) != 1 or monomial[0][1] != 1:
        return False
    atom = monomial[0][0]
    return isinstance(atom, Floor) and isinstance(atom.arguments[1], int)


def _floor(atom: Floor, constant: int, *, textbook: bool) -> Node:
    top, bottom = atom.arguments
    top = top + constant * bottom
    if textbook and isinstance(top, Formula) and isinstance(bottom, int):
        below = top - (bottom - 1)
        if len(terms_of(below)) < len(terms_of(top)):
            return Call("ceil", (Quotient(arrange(below, textbook=True), arrange(bottom)),))
    return Call("floor", (Quotient(arrange(top, textbook=textbook), arrange(bottom, textbook=textbook)),))


def _term(coefficient: Number, monomial: Monomial, more: tuple[Node, ...], *, textbook: bool) -> tuple[int, Node]:
    """Return the sign of a term and its shape without the sign."""
    size = coefficient if coefficient > 0 else -coefficient
    top: list[Node] = [] if size.numerator == 1 else [Number_(size.numerator)]
    bottom: list[Node] = [] if size.denominator == 1 else [Number_(size.denominator)]
    below = tuple((atom, exponent) for atom, exponent in monomial if exponent < 0 or isinstance(atom, Inverse))
    top += _factors(tuple(item for item in monomial if item not in below), textbook=textbook)
    bottom += _factors(below, textbook=textbook)
    top.extend(more)
    whole = _joined(top)
    return (1 if coefficient > 0 else -1), Quotient(whole, _joined(bottom)) if bottom else whole


def _factors(monomial: Monomial, *, textbook: bool) -> list[Node]:
    """Return the factors of a monomial, floors last, exponents without their signs."""
    return [
        _raised(arrange(atom.arguments[0], textbook=textbook), exponent)
        if isinstance(atom, Inverse)
        else _power(atom, abs(exponent), textbook=textbook)
        for atom, exponent in sorted(monomial, key=lambda item: (isinstance(item[0], Floor), item[0].key))
    ]


def _joined(factors: list[Node]) -> Node:
    """Return a product without products inside; a number comes first."""
    flat = [inner for each in factors for inner in (each.factors if isinstance(each, Product) else (each,))]
    number = prod(each.number for each in flat if isinstance(each, Number_))
    others = [each for each in flat if not isinstance(each, Number_)]
    if not others:
        return Number_(number)
    first: list[Node] = [] if number == 1 else [Number_(number)]
    return Product((*first, *others)) if first or len(others) > 1 else others[0]


def _raised(base: Node, exponent: int) -> Node:
    return base if exponent == 1 else Exponent(base, Number_(exponent))


def _power(atom: Atom, exponent: int, *, textbook: bool) -> Node:
    if isinstance(atom, Power):
        base, index = atom.arguments
        if exponent > MOST_FOLDED:
            return Exponent(arrange(base), arrange(index * exponent, textbook=textbook))
        return Exponent(arrange(base**exponent), arrange(index, textbook=textbook))
    return _raised(_atom(atom, textbook=textbook), exponent)


def _atom(atom: Atom, *, textbook: bool) -> Node:
    match atom:
        case Symbol():
            return Name(atom.name)
        case Floor():
            return _floor(atom, 0, textbook=textbook)
        case _:
            arguments = tuple(arrange(argument, textbook=textbook) for argument in atom.arguments)  # type: ignore[attr-defined]
            return Call(atom.function, arguments)  # type: ignore[attr-defined]


def _rank(monomial: Monomial, coefficient: Number) -> Rank:
    """Order terms from the largest size to the smallest, added ones first; the constant comes last."""
    degree, shrink = _growth(monomial)
    return monomial == ONE, -degree, shrink, coefficient < 0, "*".join(atom.key for atom, _ in monomial)


@lru_cache(maxsize=1 << 12)
def _growth(monomial: Monomial) -> tuple[int, Fraction]:
    """Return the degree of a monomial in its symbols, and by what its floors divide."""
    degree, shrink = 0, Fraction(1)
    for atom, exponent in monomial:
        inner, divisor = 1, Fraction(1)
        if isinstance(atom, Floor):
            top, bottom = atom.arguments
            inner, divisor = max(_growth(m) for m in terms_of(top)) if top else (0, Fraction(1))
            if not isinstance(bottom, Formula):
                divisor *= bottom
        degree += inner * exponent
        shrink *= divisor**exponent
    return degree, shrink
