"""A page that shows itself: as text, Markdown, LaTeX, HTML or JSON, and in a notebook."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from convmath.render.page import Page

MOST_WIDER = 12
"""By so much at most a line of ASCII is wider than the same line with glyphs."""


class Shown:
    """Formulas ready to be read or pasted; ``str()`` gives the text, a notebook shows them typeset."""

    def __init__(self, make: Callable[[], Page], to_json: Callable[[], str]) -> None:
        self._make = make
        self._to_json = to_json

    @cached_property
    def page(self) -> Page:
        """The page that every format writes."""
        return self._make()

    def to_text(self, *, width: int = 80, ascii_only: bool = False) -> str:
        """Return plain text of at most *width* columns."""
        from convmath.render.cells import to_ascii
        from convmath.render.text import write

        text = write(self.page, width=width)
        if not ascii_only:
            return text
        for room in range(width, width - MOST_WIDER, -1):  # ``>=`` is wider than its glyph
            text = to_ascii(write(self.page, width=room))
            if max(map(len, text.splitlines())) <= width:
                break
        return text

    def to_markdown(self) -> str:
        """Return Markdown with mathematics between dollars, for GitHub and Jupyter."""
        from convmath.render.markdown import write

        return write(self.page)

    def to_latex(self) -> str:
        """Return LaTeX to be put into a document; its first line names the packages it needs."""
        from convmath.render.latex import write

        return write(self.page)

    def to_html(self) -> str:
        """Return an HTML document of its own, its formulas as MathML, without any script."""
        from convmath.render.html import write

        return write(self.page)

    def to_json(self) -> str:
        """Return JSON, schema 1, its formulas in the expression grammar."""
        return self._to_json()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002
        """Return every form that a notebook may show."""
        from convmath.render.html import fragment

        return {
            "text/plain": self.to_text(),
            "text/html": fragment(self.page),
            "text/markdown": self.to_markdown(),
            "text/latex": self.to_latex(),
        }

    def __str__(self) -> str:
        return self.to_text()


class Drawing:
    """A picture as SVG; ``str()`` gives the file, a notebook shows it."""

    def __init__(self, svg: str) -> None:
        self._svg = svg

    def to_svg(self) -> str:
        """Return an SVG file: nothing in it is active, and it follows the reader's light or dark."""
        return self._svg

    def _repr_svg_(self) -> str:
        return self._svg

    def __str__(self) -> str:
        return self._svg
