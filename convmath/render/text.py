"""Pages for terminals and pipes: labels in a column, formulas broken at their signs, nothing wider than asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import assert_never

from convmath.errors import inert
from convmath.formula.nodes import Node, Sum
from convmath.formula.text import write_node
from convmath.render.cells import shortened, wrapped
from convmath.render.page import (
    Arithmetic,
    Block,
    Cell,
    Code,
    Content,
    Fact,
    Facts,
    Given,
    Grid,
    Heading,
    Inline,
    Line,
    Math,
    Page,
    Words,
)

GAP = 2
LABELS = 22
"""Labels share a column at least this wide."""
NARROWEST = 12
MOST_NAME = 24
MOST_TITLE = 52
"""Longer names are cut in their middle: of layers, and of networks."""


def write(page: Page, *, width: int = 80) -> str:
    """Return the page as text."""
    head = "   ".join(_content(each) for each in (page.title, page.subtitle) if each)
    if len(head) > width:
        head = "\n  ".join(wrapped(_content(each), 2, width) for each in (page.title, page.subtitle) if each)
    return "\n\n".join([head, *("\n".join(_block(each, width)) for each in page.blocks)])


def _block(block: Block, width: int) -> Iterator[str]:
    match block:
        case Heading(content):
            yield _content(content)
        case Line(content):
            yield wrapped(_content(content), 0, width)
        case Facts(rows):
            labels = max([LABELS, *(len(_label(fact)) + GAP for fact in rows)])
            for fact in rows:
                yield from _fact(fact, labels, width)
        case Grid():
            yield from _grid(block, width)
        case _:
            assert_never(block)


def _label(fact: Fact) -> str:
    return f"{'  ' if fact.minor else ''}{_content(fact.label)}"


def _fact(fact: Fact, labels: int, width: int) -> Iterator[str]:
    label = f"{_label(fact):<{labels}}"
    text = _content(fact.content)
    if labels + len(text) <= width:
        yield f"{label}{text}".rstrip()
        return
    first, *others = list(_terms(fact.content)) or [text]
    yield f"{label}{wrapped(first, labels, width)}"
    yield from (f"{'':<{labels - 2}}{wrapped(other, labels, width)}" for other in others)


def _terms(content: Content) -> Iterator[str]:
    """Yield the terms of a sum that stands alone, each to be a line of its own."""
    if len(content) != 1 or not isinstance(content[0], Math) or len(content[0].parts) != 1:
        return
    [node] = content[0].parts
    if isinstance(node, Sum):
        for at, (sign, term) in enumerate(node.terms):
            mark = ("- " if sign < 0 else "+ ") if at else "-" if sign < 0 else ""
            yield f"{mark}{_term(term)}"


def _term(node: Node) -> str:
    text = write_node(node)
    return f"({text})" if isinstance(node, Sum) else text


def _grid(grid: Grid, width: int) -> Iterator[str]:
    """Yield the lines of a table; cells of several lines, and those too wide, run over several lines."""
    head = [[each] for each in grid.head]
    rows = [[_cell(cell) for cell in row] for row in (*grid.rows, *([grid.foot] if grid.foot else []))]
    widths = _widths([head, *rows], width)
    rule = "─" * (sum(widths) + GAP * (len(widths) - 1))
    yield from _lines(head, widths, grid.right)
    yield rule
    for at, row in enumerate(rows):
        if grid.foot and at == len(rows) - 1:
            yield rule
        yield from _lines(row, widths, grid.right)


def _widths(rows: list[list[list[str]]], width: int) -> list[int]:
    """Return the widths of the columns: what they hold, the widest cut until all fit or nothing can be broken."""
    columns = list(zip(*rows, strict=True))
    widths = [max(len(line) for cell in column for line in cell) for column in columns]
    least = [max(len(part) for cell in column for part in _fitted(cell, NARROWEST)) for column in columns]
    room = width - GAP * (len(widths) - 1)
    while sum(widths) > room:
        open_ = [at for at, most in enumerate(widths) if most > least[at]]
        if not open_:
            break
        widths[max(open_, key=lambda at: widths[at])] -= 1
    return widths


def _lines(row: list[list[str]], widths: list[int], rights: tuple[bool, ...]) -> Iterator[str]:
    fitted = [_fitted(lines, most) for lines, most in zip(row, widths, strict=True)]
    yield from (_joined(line, widths, rights) for line in zip_longest(*fitted, fillvalue=""))


def _joined(cells: tuple[str, ...], widths: list[int], rights: tuple[bool, ...]) -> str:
    parts = zip(cells, widths, rights, strict=True)
    return (" " * GAP).join(f"{text:>{most}}" if right else f"{text:<{most}}" for text, most, right in parts).rstrip()


def _fitted(lines: list[str], most: int) -> list[str]:
    return [part for line in lines for part in wrapped(line, 0, most, least=1).split("\n")]


def _cell(cell: Cell) -> list[str]:
    return [_content(line) for line in cell]


def _content(content: Content) -> str:
    return "".join(map(_inline, content))


def _inline(inline: Inline) -> str:
    match inline:
        case Given(text, typed):
            return shortened(text, MOST_NAME if typed else MOST_TITLE)
        case Words(text) | Code(text):
            return inert(text)
        case Math(parts):
            return " ".join(each if isinstance(each, str) else write_node(each) for each in parts)
        case Arithmetic(parts):
            return "".join(map(str, parts))
        case _:
            assert_never(inline)
