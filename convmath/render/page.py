"""A result as a page, before any format: titles, lines, facts, grids, and what stands inside of them.

Contents are built once, and each format writes them. What came from a stranger's file
is always a ``Given``, so that every format has one place where it escapes names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from convmath.formula.layout import arrange
from convmath.formula.nodes import Call, Name, Node, Number_, Product, Sum
from convmath.formula.terms import Formula, Value
from convmath.render.cells import grouped
from convmath.report import Condition


@dataclass(frozen=True, slots=True)
class Words:
    """Words of convmath's own."""

    text: str


@dataclass(frozen=True, slots=True)
class Given:
    """A name from somebody's file; that of a layer is written like something to type."""

    text: str
    typed: bool = True


@dataclass(frozen=True, slots=True)
class Code:
    """Something to type: a command, a field, a kind."""

    text: str


@dataclass(frozen=True, slots=True)
class Math:
    """Formulas with signs between them: ``a``, ``"="``, ``b``."""

    parts: tuple[Node | str, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A calculation with numbers, as one writes it out: ``(0 × -1) + (50 × 0) = 0``.

    ``parts`` are numbers, and signs and names with the spaces that belong around them.
    """

    parts: tuple[int | float | str, ...]


Inline: TypeAlias = Words | Given | Code | Math | Arithmetic
Content: TypeAlias = tuple[Inline, ...]
Cell: TypeAlias = tuple[Content, ...]
"""The lines of a cell."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside the page."""

    content: Content


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph."""

    content: Content


@dataclass(frozen=True, slots=True)
class Fact:
    """A named value; a ``minor`` one belongs to the one above."""

    label: Content
    content: Content
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Named values, one below the other."""

    rows: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; ``right`` says which columns stand at the right, ``foot`` is set off below."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: tuple[bool, ...]
    foot: tuple[Cell, ...] = ()


Block: TypeAlias = Heading | Line | Facts | Grid


@dataclass(frozen=True, slots=True)
class Page:
    """A whole result: which network at which input, then what was found."""

    title: Content
    subtitle: Content
    blocks: tuple[Block, ...]


RELATIONS = {">=": "≥", "<=": "≤", "!=": "≠", "==": "="}


def math(value: Value, *, textbook: bool = False) -> Math:
    """Return a value as mathematics."""
    return Math((arrange(value, textbook=textbook),))


def figure(value: Value, *, textbook: bool = True) -> Inline:
    """Return a number with its digits in groups, a formula as mathematics."""
    return math(value, textbook=textbook) if isinstance(value, Formula) else Words(grouped(value))


def shape(sizes: tuple[Value, ...]) -> Content:
    """Return sizes with crosses between them."""
    found: list[Inline] = []
    for size in sizes:
        found += [*([Words(" × ")] if found else []), _factor(size)]
    return tuple(found)


def symbols(names: Iterable[str]) -> Content:
    """Return names of symbols with commas between them."""
    listed: list[Inline] = []
    for name in names:
        listed += [*([Words(", ")] if listed else []), Math((Name(name),))]
    return tuple(listed)


def settings(values: Mapping[str, int]) -> Content:
    """Return what symbols are set to: ``H = 224, W = 224``."""
    listed: list[Inline] = []
    for name, number in values.items():
        listed += [*([Words(", ")] if listed else []), Math((Name(name), "=", Number_(number)))]
    return tuple(listed)


def _factor(size: Value) -> Inline:
    """Return a size as a factor: a sum gets brackets."""
    if not isinstance(size, Formula):
        return Words(str(size))
    node = arrange(size, textbook=True)
    return Math((Product((node,)) if isinstance(node, Sum) else node,))


def condition(each: Condition) -> Content:
    """Return a condition: ``H ≥ 63``, ``C mod g = 0``."""
    left: Node = arrange(each.left)
    if each.modulus is not None:
        left = Call("mod", (left, arrange(each.modulus)))
    return (Math((left, RELATIONS.get(each.relation, each.relation), arrange(each.right))),)


def conditions(found: tuple[Condition, ...]) -> Content:
    """Return conditions with commas between them."""
    listed: list[Inline] = []
    for each in found:
        listed += [*([Words(", ")] if listed else []), *condition(each)]
    return tuple(listed)
