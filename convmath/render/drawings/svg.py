"""A sheet to draw on, and the one place where text becomes SVG.

Pictures hold nothing active: no script, no link, no event, and nothing from outside. What
came from a stranger's file is escaped, and stands in text only, never in a name or a style.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from convmath.errors import inert

MARGIN = 16
LETTER = 0.6
"""How wide a letter is, as a part of the font's size."""
STYLE = """
svg.convmath { max-width: 100%; height: auto; color-scheme: light dark;
  font-family: ui-sans-serif, system-ui, sans-serif;
  --paper: #ffffff; --ink: #1c2126; --faint: #5b6670; --line: #c3cad1; --cell: #f5f7f9;
  --hot: #ffc94d; --edge: #b36b00; --cool: #9cc8f5; --rim: #1f6fb8; --onhot: #1c2126; }
@media (prefers-color-scheme: dark) { svg.convmath { --paper: #14181c; --ink: #e8edf2; --faint: #a3b0bb;
  --line: #46515b; --cell: #1f262c; --hot: #8a5c00; --edge: #ffc94d;
  --cool: #1d4f80; --rim: #7bb8f0; --onhot: #ffffff; } }
svg.convmath .paper { fill: var(--paper); }
svg.convmath .cell { fill: var(--cell); stroke: var(--line); }
svg.convmath .pad { fill: none; stroke: var(--line); stroke-dasharray: 3 3; }
svg.convmath .hot { fill: var(--hot); stroke: var(--edge); stroke-width: 1.5; }
svg.convmath .hotpad { fill: var(--hot); fill-opacity: 0.4;
  stroke: var(--edge); stroke-width: 1.5; stroke-dasharray: 3 3; }
svg.convmath .cool { fill: var(--cool); stroke: var(--rim); stroke-width: 1.5; }
svg.convmath .bare { fill: none; stroke: var(--line); }
svg.convmath .tint { stroke: var(--line); }
svg.convmath .cone { fill: var(--hot); fill-opacity: 0.25; stroke: none; }
svg.convmath .tap { stroke: var(--edge); stroke-width: 1; stroke-opacity: 0.6; fill: none; }
svg.convmath .link { stroke: var(--faint); stroke-width: 1.5; fill: none; }
svg.convmath .tip { fill: var(--faint); stroke: none; }
svg.convmath text { fill: var(--ink); }
svg.convmath .faint { fill: var(--faint); }
svg.convmath .on { fill: var(--onhot); }
svg.convmath .dark { fill: #14181c; }
svg.convmath .mono { font-family: ui-monospace, monospace; }
svg.convmath .strong { font-weight: 600; }
"""


class Sheet:
    """Shapes and text, one after the other, and how far they reach."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.right = self.bottom = 0.0

    def rect(
        self, x: float, y: float, width: float, height: float, kind: str, *, fill: str = "", round: float = 0
    ) -> None:
        """Draw a rectangle of a class; *fill* gives it a colour of its own."""
        more = {"fill": fill} if fill else {}
        corner = {"rx": _number(round)} if round else {}
        self._element(
            "rect", {"x": _number(x), "y": _number(y), **_size(width, height), **corner, "class": kind, **more}
        )
        self._reach(x + width, y + height)

    def line(self, points: Iterable[tuple[float, float]], kind: str, *, closed: bool = False) -> None:
        """Draw a line through points, or the shape that they close."""
        listed = list(points)
        places = " L ".join(f"{_number(x)} {_number(y)}" for x, y in listed)
        self._element("path", {"d": f"M {places}{' Z' if closed else ''}", "class": kind})
        for x, y in listed:
            self._reach(x, y)

    def curve(self, start: tuple[float, float], bend: float, end: tuple[float, float], kind: str) -> None:
        """Draw a curve from one point to another, bent to the side as far as *bend*."""
        (x, y), (to_x, to_y) = start, end
        path = f"M {_number(x)} {_number(y)} C {_number(bend)} {_number(y)} {_number(bend)} {_number(to_y)}"
        self._element("path", {"d": f"{path} {_number(to_x)} {_number(to_y)}", "class": kind})
        self._reach(max(x, to_x, bend), max(y, to_y))

    def text(
        self, x: float, y: float, words: str, kind: str = "", *, size: float = 13, anchor: str = "start", most: int = 60
    ) -> None:
        """Write words; they end after *most* letters."""
        shown = inert(words)
        shown = shown if len(shown) <= most else f"{shown[: most - 1]}…"
        place = {"x": _number(x), "y": _number(y), "font-size": _number(size)}
        more = ({"text-anchor": anchor} if anchor != "start" else {}) | ({"class": kind} if kind else {})
        self.parts.append(f"<text{_attributes(place | more)}>{escape(shown, quote=True)}</text>")
        width = len(shown) * size * LETTER
        self._reach(x + width * {"start": 1, "middle": 0.5}.get(anchor, 0), y + size / 4)

    def begin(self, kind: str, *, delay: float | None = None) -> None:
        """Begin a group; *delay* says when in an animation it shows, in seconds."""
        style = {} if delay is None else {"style": f"animation-delay:{_number(delay)}s"}
        self.parts.append(f"<g{_attributes({'class': kind} | style)}>")

    def end(self) -> None:
        """End a group."""
        self.parts.append("</g>")

    def document(self, title: str, about: str, *, style: str = "") -> str:
        """Return the picture as a file of its own, as wide as what is drawn, that shrinks where there is less room."""
        width, height = (_number(each + MARGIN) for each in (self.right, self.bottom))
        head = {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": width,
            "height": height,
            "class": "convmath",
            "role": "img",
            "aria-label": inert(title),
        }
        # Letters beyond ASCII by their numbers: the file says the same in every encoding.
        lines = "\n".join(
            (
                f"<svg{_attributes(head)}>",
                f"<title>{escape(inert(title), quote=True)}</title>",
                f"<desc>{escape(inert(about), quote=True)}</desc>",
                f"<style>{STYLE}{style}</style>",
                f"<rect{_attributes({'width': width, 'height': height, 'class': 'paper'})}/>",
                *self.parts,
                "</svg>",
            )
        )
        return lines.encode("ascii", "xmlcharrefreplace").decode()

    def _element(self, tag: str, attributes: dict[str, str]) -> None:
        self.parts.append(f"<{tag}{_attributes(attributes)}/>")

    def _reach(self, x: float, y: float) -> None:
        self.right, self.bottom = max(self.right, x), max(self.bottom, y)


def _attributes(given: dict[str, str]) -> str:
    return "".join(f' {name}="{escape(held, quote=True)}"' for name, held in given.items())


def _size(width: float, height: float) -> dict[str, str]:
    return {"width": _number(width), "height": _number(height)}


def _number(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def short(number: float, most: int) -> str:
    """Return a number in about *most* letters: exact where that is short enough, else rounded."""
    text = str(number)
    if len(text) > most and text.endswith(".0"):
        text = text[:-2]
    for figures in range(6, 0, -1):
        if len(text) <= most:
            break
        text = f"{number:.{figures}g}"
    return text.replace("-", "−")
