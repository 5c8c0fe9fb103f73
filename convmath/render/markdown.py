"""Markdown that GitHub and Jupyter both show: tables with pipes, mathematics between dollars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from convmath.errors import inert
from convmath.formula.latex import latex_node
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
from convmath.render.signs import LATEX_RELATIONS, latex_arithmetic

_ACTIVE = re.compile(r"[\\`*{}\[\]()<>#+!|$~&:@/^=\"']|(?<![A-Za-z0-9])[_-]|[_-](?![A-Za-z0-9])")
"""Signs that mean something; ``_`` and ``-`` between letters mean nothing."""
_OWN = re.compile(r"[*`<|$]")
"""Signs that convmath's own words use for themselves."""
_LINK = re.compile(r"www\.", re.IGNORECASE)
_APART = re.compile(r"\\[@$]")
"""GitHub makes links of addresses, and mathematics of dollars, even where they are escaped: they stand in tags."""


def write(page: Page, *, level: int = 2) -> str:
    """Return the page as Markdown, its title as a heading of *level*."""
    parts = [f"{'#' * level} {_content(page.title)}"]
    if page.subtitle:
        parts.append(_content(page.subtitle))
    parts += ["\n".join(_block(each, level + 1)) for each in page.blocks]
    return "\n\n".join(parts)


def escaped(text: str) -> str:
    """Return a name that Markdown shows as it is: no link, no emphasis, no tag, no end of a cell or a comment."""
    shown = _ACTIVE.sub(lambda found: f"\\{found[0]}", inert(text))
    shown = _LINK.sub(lambda found: f"{found[0][:-1]}\\.", shown)
    return _APART.sub(lambda found: f"<span>{found[0]}</span>", shown)


def _block(block: Block, level: int) -> Iterator[str]:
    match block:
        case Heading(content):
            yield f"{'#' * level} {_content(content)}"
        case Line(content):
            yield _content(content)
        case Facts(rows):
            yield from map(_fact, rows)
        case Grid(head, rows, right, foot):
            yield f"| {' | '.join(head)} |"
            yield f"|{'|'.join('---:' if each else ':---' for each in right)}|"
            yield from map(_row, rows)
            if foot:
                yield _row(foot)
        case _:
            assert_never(block)


def _fact(fact: Fact) -> str:
    return f"{'  ' if fact.minor else ''}- {_content(fact.label)}: {_content(fact.content)}"


def _row(cells: tuple[Cell, ...]) -> str:
    return f"| {' | '.join('<br>'.join(map(_content, cell)) for cell in cells)} |"


def _content(content: Content) -> str:
    return "".join(map(_inline, content))


def _inline(inline: Inline) -> str:
    match inline:
        case Words(text):
            return _OWN.sub(lambda found: f"\\{found[0]}", inert(text))
        case Given(text):
            return escaped(text)
        case Code(text):
            return f"`{inert(text)}`"
        case Math(parts):
            return (
                f"${' '.join(LATEX_RELATIONS[each] if isinstance(each, str) else latex_node(each) for each in parts)}$"
            )
        case Arithmetic(parts):
            return f"${latex_arithmetic(parts)}$"
        case _:
            assert_never(inline)
