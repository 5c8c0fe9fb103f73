"""The small pieces of output: numbers, shapes, conditions, axis names, glyphs."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

from convmath.errors import inert
from convmath.formula import Formula, Value
from convmath.formula.text import digits, write, write_shape
from convmath.report import Condition, Field, NetworkReport

NOTHING = "·"
MOST_NAMED = 3
MOST_LETTERS = 40
AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
ASCII = {
    "×": "x", "─": "-", "≥": ">=", "≤": "<=", "≠": "!=", "✓": "ok", "✗": "FAIL", "·": ".", "…": "...", "→": "->",
}  # fmt: skip


def to_ascii(text: str) -> str:
    """Return text for terminals without Unicode; names keep what they need as escapes."""
    for glyph, plain in ASCII.items():
        text = text.replace(glyph, plain)
    return text.encode("ascii", "backslashreplace").decode()


def grouped(value: Value) -> str:
    """Return a number with its digits in groups, a formula as it is."""
    if isinstance(value, Formula):
        return write(value, textbook=True)
    if isinstance(value, Fraction):
        return str(value)
    digits(value)
    return f"{value:,}"


def plain(value: Value) -> str:
    """Return a value as it can be pasted."""
    return write(value)


def shape(sizes: Iterable[Value]) -> str:
    """Return a shape: ``64 × 224 × 224``."""
    return write_shape(sizes, textbook=True)


def factor(size: Value) -> str:
    """Return a size as it stands in a product: a sum or a fraction gets brackets."""
    text = write_shape((size,), textbook=True) if isinstance(size, Formula) else grouped(size)
    return f"({text})" if "/" in text and not text.startswith(("(", "floor(", "ceil(")) else text


def agreed(values: Iterable[Value | None]) -> str:
    """Return one figure when all axes agree, otherwise ``5×7``."""
    found = list(values)
    if len(set(found)) == 1:
        return "?" if found[0] is None else grouped(found[0])
    return "×".join("?" if each is None else factor(each) for each in found)


def sees(field: Field) -> str:
    """Return the size of a receptive field for a table."""
    if field.whole:
        return "all"
    return agreed(field.size) if field.size else NOTHING


def jump(field: Field) -> str:
    """Return the jump of a receptive field for a table."""
    return agreed(field.jump) if field.jump else NOTHING


def condition(each: Condition) -> str:
    """Return a condition with the signs of print."""
    text = str(each)
    for relation, sign in ((">=", "≥"), ("<=", "≤"), ("!=", "≠")):
        text = text.replace(f" {relation} ", f" {sign} ")
    return text


def uncounted(report: NetworkReport) -> str:
    """Return which opaque layers the MACs are without, after the word "without"; empty where there is none."""
    names = report.uncounted
    if not names:
        return ""
    layers = "1 opaque layer, which declares" if len(names) == 1 else f"{len(names)} opaque layers, which declare"
    listed = ", ".join(shortened(each, MOST_LETTERS) for each in names[:MOST_NAMED])
    return f"{layers} none: {listed}" + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")


def axis_names(rank: int) -> tuple[str, ...]:
    """Return what the spatial axes are called."""
    return AXES.get(rank) or tuple(f"axis {at}" for at in range(rank))


def shortened(text: str, most: int) -> str:
    """Return text cut in its middle to at most *most* characters, safe for a terminal."""
    text = inert(text)
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def wrapped(text: str, indent: int, width: int, *, least: int = 20) -> str:
    """Return text broken between words and terms so that lines stay within *width*.

    A formula breaks before its signs; a term that is too long alone before its factors.
    """
    room = max(least, width - indent)
    lines: list[str] = []
    for term in _terms(text):
        for at, piece in enumerate(_pieces(term, room)):
            space = "" if at else " "
            fits = lines and len(lines[-1]) + len(space) + len(piece) <= room
            if fits and (at or len(term) <= room):
                lines[-1] += space + piece
            else:
                lines.append(piece.strip())
    return ("\n" + " " * indent).join(lines)


def _pieces(term: str, room: int) -> list[str]:
    """Split a term that is longer than the room, outermost factors first."""
    if len(term) <= room:
        return [term]
    parts = _factors(term)
    return [term] if len(parts) == 1 else [piece for part in parts for piece in _pieces(part, room)]


def _terms(text: str) -> list[str]:
    """Split at spaces outside brackets; signs stay with what follows them."""
    terms: list[str] = []
    depth = 0
    for word in text.split(" "):
        if terms and (depth > 0 or terms[-1] in _SIGNS):
            terms[-1] += f" {word}"
        else:
            terms.append(word)
        depth += word.count("(") - word.count(")")
    return terms


def _factors(term: str) -> list[str]:
    """Split in the fewest brackets: after commas and before signs where there are any, else before stars."""
    depths: list[int] = []
    depth = 0
    for letter in term:
        depth += (letter == "(") - (letter == ")")
        depths.append(depth)
    marks = [
        at
        for at in range(1, len(term) - 1)
        if (term[at] == "*" and "*" not in (term[at - 1], term[at + 1]))
        or (term[at] == " " and (term[at - 1] == "," or term[at + 1] in "+-"))
    ]
    if not marks:
        return [term]
    outermost = min(depths[at] for at in marks)
    found = [at for at in marks if depths[at] == outermost]
    spaces = [at for at in found if term[at] == " "]
    cuts = [0, *(spaces or found), len(term)]
    return [term[begin:end] for begin, end in pairwise(cuts)]


_SIGNS = ("+", "-", "=", "×", "≥", "≤", "≠", ">=", "<=", "!=", "==", "%")
