"""Markdown as GitHub and CommonMark parse it: tables keep their rows, formulas their letters, names do nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hostile import BENIGN, NAMES, active, carrier, printable
from hypothesis import given
from hypothesis import strategies as st
from test_hostile_names import shown

from convmath.api import formulas, load, sharing_scale, sheet
from convmath.formula.latex import latex_node
from convmath.render.markdown import escaped, write
from convmath.render.page import Code, Given, Grid, Heading, Line, Math, Page, Words
from convmath.spec.kinds import VOCABULARY
from convmath.zoo.catalogue import names

pytestmark = pytest.mark.peers


def by_github(text: str) -> str:
    """Return the HTML that GitHub's own parser makes, raw tags let through."""
    from cmarkgfm import github_flavored_markdown_to_html
    from cmarkgfm.cmark import Options

    return github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE)


def by_commonmark(text: str) -> str:
    """Return the HTML of a strict CommonMark parser with tables and links of bare addresses."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").render(text)


class Outline(HTMLParser):
    """The tags of a document, the texts of its cells, and all of its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.links: list[Any] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.in_cell = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.links += [each for each in attrs if each[0] in ("href", "src")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True
        if tag == "br" and self.in_cell:
            self.rows[-1][-1] += "\n"

    def handle_endtag(self, tag: str) -> None:
        self.in_cell &= tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.in_cell:
            self.rows[-1][-1] += data


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    return found


PARSERS = pytest.mark.parametrize("parser", [by_github, by_commonmark])


@PARSERS
def test_names_make_no_links_no_emphasis_and_no_tags(parser: Any) -> None:
    hostile, benign = outline(parser(shown("markdown", NAMES))), outline(parser(shown("markdown", BENIGN)))

    assert hostile.links == []
    assert set(hostile.tags) - {"span"} == set(benign.tags)
    assert [each for each in hostile.tags if each != "span"] == benign.tags


@PARSERS
def test_every_row_of_a_table_has_its_name(parser: Any) -> None:
    found = outline(parser(formulas(carrier(NAMES), steps=True).to_markdown()))

    assert [row[0] for row in found.rows if row[0] in NAMES].count(NAMES[0]) == 4
    for name in NAMES:
        assert sum(row[0] == name for row in found.rows) == 4, name
    assert {len(row) for row in found.rows} == {2, 3, 6}


@PARSERS
@given(name=st.one_of(printable, active))
def test_any_name_shows_as_it_is(parser: Any, name: str) -> None:
    cell = ((Given(name),),)
    page = Page((Given(name),), (Given(name),), (Grid(("a", "b"), ((cell, cell),), (False, False)),))
    found = outline(parser(write(page)))

    assert found.links == []
    assert set(found.tags) <= {"h2", "p", "table", "thead", "tbody", "tr", "th", "td", "span"}
    assert found.rows == [["a", "b"], [name, name]]
    assert found.text.count(name) >= 4


@given(st.one_of(printable, active))
def test_a_name_never_ends_a_comment_and_no_dollar_begins_mathematics(name: str) -> None:
    shown_as = escaped(name)

    assert "-->" not in shown_as
    assert "<!--" not in shown_as
    assert re.search(r"(?<!<span>\\)\$", shown_as) is None


def spans(page: Page) -> list[str]:
    """Return the mathematics of a page as Markdown must keep it: what stands between its dollars."""
    written = write(page)
    return re.findall(r"(?<!\\)\$([^$]+)\$", written)


@PARSERS
@pytest.mark.parametrize("name", names())
def test_mathematics_survives_the_parser(parser: Any, name: str) -> None:
    page = formulas(load(f"zoo:{name}"), steps=True).page
    found = spans(page)
    text = outline(parser(write(page))).text

    assert len(found) > 30
    for each in found:
        assert f"${each}$" in text


@PARSERS
@pytest.mark.parametrize("kind", VOCABULARY)
def test_mathematics_of_the_sheet_survives_the_parser(parser: Any, kind: str) -> None:
    page = sheet(kind).page
    left, right = next(
        (inline.parts[0], inline.parts[2])
        for block in page.blocks
        if hasattr(block, "rows")
        for fact in block.rows
        for inline in fact.content
        if isinstance(inline, Math) and len(inline.parts) == 3 and inline.parts[1] == "="
    )
    found = outline(parser(write(page)))

    assert f"${latex_node(left)} = {latex_node(right)}$" in found.text
    assert all(f"${each}$" in found.text for each in spans(page))
    assert set(found.tags) <= {"h2", "p", "ul", "li", "code"}
    assert found.links == []


@PARSERS
def test_the_scale_is_a_table_of_three_layers(parser: Any) -> None:
    found = outline(parser(sharing_scale().to_markdown()))

    assert [row[0] for row in found.rows] == ["layer", "dense", "locally_connected", "conv"]


def test_words_of_our_own_stay_readable() -> None:
    page = Page((Given("LeNet-5"),), (), (Heading((Given("conv1_1"),)), Line((Words("a "), Code("b_c")))))

    assert write(page) == "## LeNet-5\n\n### conv1_1\n\na `b_c`"
