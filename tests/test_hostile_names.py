"""Names from strangers' files are inert in every format: they show as they are, and do nothing."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser

import pytest
from hostile import BENIGN, NAMES, active, carrier, printable
from hypothesis import given
from hypothesis import strategies as st

from convmath.api import Report, formulas
from convmath.render import html, latex, markdown, text
from convmath.render.page import Code, Given, Heading, Line, Page, Words

FORMS = ("text", "markdown", "latex", "html", "json")


@cache
def shown(form: str, names: tuple[str, ...]) -> str:
    """Return all that is written of a network in a format: its derivations, and its analysis."""
    net = carrier(names, title=names[0])
    pages = [formulas(net, steps=True), formulas(net, names[-1])]
    if form in ("text", "json"):
        return "\n".join(getattr(each, f"to_{form}")() for each in pages[:1])
    analyzed = getattr(Report(net), f"to_{form}")(all_layers=True)
    return "\n".join([*(getattr(each, f"to_{form}")() for each in pages), analyzed])


class Seen(HTMLParser):
    """What a browser sees: tags with their attributes, and the text of code."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[tuple[str, tuple[tuple[str, str | None], ...]]] = set()
        self.texts: list[str] = []
        self.code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, tuple(attrs)))
        self.code = tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self.code &= tag != "code"

    def handle_data(self, data: str) -> None:
        if self.code:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def seen(page: str) -> Seen:
    parser = Seen()
    parser.feed(page)
    parser.close()
    return parser


def test_html_has_the_same_tags_and_attributes_whatever_the_names() -> None:
    hostile, benign = seen(shown("html", NAMES)), seen(shown("html", BENIGN))

    assert hostile.tags == benign.tags
    assert set(NAMES) <= set(hostile.texts)


def test_html_has_nothing_active() -> None:
    page = seen(shown("html", NAMES))

    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe", "object", "embed", "form", "a", "img", "link"})
    attributes = {name for _, held in page.tags for name, _ in held}
    assert attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "form"}
    assert ("meta", (("http-equiv", "Content-Security-Policy"), ("content", html.POLICY))) in page.tags
    assert "url(" not in html.STYLE + html.PAGE_STYLE
    assert "@import" not in html.STYLE + html.PAGE_STYLE


@given(st.one_of(printable, active))
def test_html_shows_any_name_as_it_is(name: str) -> None:
    page = Page((Given(name),), (), (Heading((Given(name),)), Line((Given(name), Words(name), Code(name)))))

    assert seen(html.fragment(page)).texts == [name] * 4


COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)")


def test_latex_has_no_command_but_its_own_whatever_the_names() -> None:
    own = set(COMMAND.findall(shown("latex", BENIGN)))
    letters = {found for each in latex.SPECIALS.values() for found in COMMAND.findall(each)}

    assert set(COMMAND.findall(shown("latex", NAMES))) <= own | letters


def unescaped(written: str) -> str:
    """Return the name that LaTeX prints, reading what convmath wrote for it."""
    letters = {each: letter for letter, each in latex.SPECIALS.items()}
    one = re.compile("|".join([*map(re.escape, sorted(letters, key=len, reverse=True)), r"\[U\+([0-9A-F]+)\]", "."]))
    found = ""
    for each in one.finditer(written):
        piece = each[0]
        assert piece not in set(r"\{}$&#%_^~"), f"{written!r} has an active {piece}"
        found += chr(int(each[1], 16)) if each[1] else letters.get(piece, piece)
    return found


@given(st.one_of(printable, active).filter(lambda name: not set(name) & set(latex.GLYPHS)))
def test_latex_prints_any_name_as_it_is(name: str) -> None:
    assert unescaped(latex.escaped(name)) == name


def test_latex_names_stand_in_typewriter() -> None:
    for name in NAMES:
        assert f"\\texttt{{{latex.escaped(name)}}}" in shown("latex", NAMES)


def test_text_shows_the_names_on_lines_of_their_own_table() -> None:
    written = shown("text", NAMES)

    assert all(letter.isprintable() or letter == "\n" for letter in written)


UNPRINTABLE = ["\x1b[31mred", "a\u202eb", "bell\x07", "c\u009b31m", "line\nbreak", "cr\rx", "\x1b]8;;http://evil\x07x"]


@pytest.mark.parametrize("writer", [text.write, markdown.write, latex.write, html.write, html.fragment])
def test_no_format_passes_on_what_a_terminal_obeys(writer: object) -> None:
    """Names from files are printable already; the formats do not rely on it."""
    for name in UNPRINTABLE:
        page = Page((Given(name),), (Given(name),), (Line((Given(name), Words(name), Code(name))),))
        written = writer(page)  # type: ignore[operator]
        assert all(letter.isprintable() or letter == "\n" for letter in written), name


def test_a_table_of_text_keeps_its_lines() -> None:
    """No name ends a line: as many lines begin with a hostile name as with a benign one."""
    hostile, benign = (shown("text", names).count("\n\nParameters, layer by layer") for names in (NAMES, BENIGN))

    assert hostile == benign == 1


def test_json_keeps_every_name() -> None:
    written = shown("json", NAMES)
    held = json.loads(written)
    steps = next(each for each in held["quantities"] if each["quantity"] == "params" and each["steps"])["steps"]

    assert written.isascii()
    assert [name for step in steps for name in step["layers"]] == list(NAMES)
