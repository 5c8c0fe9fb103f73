"""HTML that carries nothing active: tables, and formulas as MathML, which browsers show without a script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import assert_never

from convmath.errors import inert
from convmath.formula.mathml import mathml_node, mathml_terms
from convmath.formula.nodes import Node
from convmath.render.page import (
    Arithmetic,
    Block,
    Cell,
    Code,
    Content,
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

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
.convmath { font: 15px/1.5 system-ui, sans-serif; color-scheme: light dark; max-width: 60rem; }
.convmath .wide { overflow-x: auto; }
.convmath table { border-collapse: collapse; margin: 0.6rem 0; }
.convmath th, .convmath td { padding: 0.15rem 0.7rem; text-align: left; vertical-align: baseline;
  background: none; white-space: nowrap; }
.convmath thead th { border-bottom: 1px solid; }
.convmath tfoot td { border-top: 1px solid; }
.convmath .right { text-align: right; font-variant-numeric: tabular-nums; }
.convmath dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.2rem 1.2rem; }
.convmath dt.minor { padding-left: 1.2rem; }
.convmath dd { margin: 0; overflow-x: auto; overflow-y: hidden; }
.convmath code { font-family: ui-monospace, monospace; }
@media (max-width: 40rem) { .convmath dl { display: block; } .convmath dd { margin: 0 0 0.6rem; } }
"""
PAGE_STYLE = "body { margin: 1.5rem auto; padding: 0 1rem; max-width: 60rem; } :root { color-scheme: light dark; }"


def write(page: Page) -> str:
    """Return the page as a whole document of its own."""
    title = "".join(map(_plain, page.title))
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>",
            f"<style>{PAGE_STYLE}</style>",
            "</head>",
            "<body>",
            fragment(page),
            "</body>",
            "</html>",
        )
    )


def fragment(page: Page) -> str:
    """Return the page as one element, to stand inside another document, as in a notebook."""
    parts = [f"<style>{STYLE}</style>", f"<h2>{_content(page.title)}</h2>"]
    if page.subtitle:
        parts.append(f"<p>{_content(page.subtitle)}</p>")
    parts += ["\n".join(_block(each)) for each in page.blocks]
    return "\n".join(['<div class="convmath">', *parts, "</div>"])


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(content):
            yield f"<h3>{_content(content)}</h3>"
        case Line(content):
            yield f"<p>{_content(content)}</p>"
        case Facts(rows):
            yield "<dl>"
            for fact in rows:
                kind = ' class="minor"' if fact.minor else ""
                yield f"<dt{kind}>{_content(fact.label)}</dt><dd>{_content(fact.content)}</dd>"
            yield "</dl>"
        case Grid():
            yield from _grid(block)
        case _:
            assert_never(block)


def _grid(grid: Grid) -> Iterator[str]:
    yield '<div class="wide"><table>'
    head = "".join(_cell("th", escape(text), right=right) for text, right in zip(grid.head, grid.right, strict=True))
    yield f"<thead><tr>{head}</tr></thead>"
    yield "<tbody>"
    for row in grid.rows:
        yield _row(row, grid.right)
    yield "</tbody>"
    if grid.foot:
        yield f"<tfoot>{_row(grid.foot, grid.right)}</tfoot>"
    yield "</table></div>"


def _row(cells: tuple[Cell, ...], rights: tuple[bool, ...]) -> str:
    pairs = zip(cells, rights, strict=True)
    return f"<tr>{''.join(_cell('td', '<br>'.join(map(_content, cell)), right=right) for cell, right in pairs)}</tr>"


def _cell(tag: str, text: str, *, right: bool) -> str:
    kind = ' class="right"' if right else ""
    return f"<{tag}{kind}>{text}</{tag}>"


def _content(content: Content) -> str:
    return "".join(map(_inline, content))


def _inline(inline: Inline) -> str:
    match inline:
        case Words() | Given(typed=False):
            return _plain(inline)
        case Given() | Code():
            return f"<code>{_plain(inline)}</code>"
        case Arithmetic(parts):
            return escape("".join(map(str, parts)).replace("-", "−"))
        case Math((only,)) if not isinstance(only, str):
            return " ".join(f"<math>{term}</math>" for term in mathml_terms(only))
        case Math(parts):
            return f"<math><mrow>{''.join(map(_part, parts))}</mrow></math>"
        case _:
            assert_never(inline)


def _part(part: Node | str) -> str:
    return f"<mo>{escape(part)}</mo>" if isinstance(part, str) else mathml_node(part)


def _plain(inline: Inline) -> str:
    """Return words or a name: the one place where text becomes HTML."""
    return "" if isinstance(inline, Math | Arithmetic) else escape(inert(inline.text), quote=True)
