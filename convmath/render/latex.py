"""LaTeX to be put into a document: booktabs tables and aligned formulas, for pdflatex without shell escape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from convmath.errors import inert
from convmath.formula.latex import latex_node
from convmath.formula.text import write_node
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
from convmath.render.signs import LATEX_RELATIONS, latex_arithmetic

PACKAGES = ("amsmath", "array", "booktabs", "longtable")
PARAGRAPH = r">{\raggedright\arraybackslash}"
INDENT = "\\quad "
VALUES = 0.65
"""The part of a line's width that the values of facts take."""
LABELS = 0.3
"""The part that labels take, where one has more than MOST_LABEL letters."""
MOST_LABEL = 20
WORDS = 0.25
"""The part that a column of words takes, where one has more than WORDY letters; less of it among many columns."""
WORDY = 36
MANY = 5
"""A table of more columns is set smaller, to fit between common margins."""
LONG = 30
"""Tables with more lines may break across pages."""
SPECIALS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",
    "`": r"\symbol{96}",
    "-": "-{}",
}
ACCENTED = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ")
"""Letters that every LaTeX knows."""
GLYPHS = {
    "×": r"$\times$",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "…": r"\dots{}",
    "·": r"$\cdot$",
    "→": r"$\to$",
    "−": "$-$",
    "–": "--",
}


def write(page: Page) -> str:
    """Return the page as a fragment: the packages it needs stand in its first line."""
    parts = [
        f"% needs \\usepackage{{{','.join(PACKAGES)}}}",
        f"\\subsection*{{{_content(page.title)}}}",
    ]
    if page.subtitle:
        parts.append(_content(page.subtitle))
    parts += ["{\\renewcommand{\\arraystretch}{1.2}", *("\n".join(_block(each)) for each in page.blocks), "}"]
    return "\n\n".join(parts)


def escaped(text: str) -> str:
    """Return a name that LaTeX prints as it is; what its fonts may lack is written by its number."""
    return "".join(_letter(each) for each in inert(text))


def _letter(letter: str) -> str:
    if letter in SPECIALS:
        return SPECIALS[letter]
    if letter in GLYPHS:
        return GLYPHS[letter]
    plain = letter.isascii() or letter in ACCENTED
    return letter if plain else f"[U+{ord(letter):04X}]"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(content):
            yield f"\\subsubsection*{{{_content(content)}}}"
        case Line(content):
            yield f"\\noindent {_content(content)}"
        case Facts():
            yield from _facts(block)
        case Grid():
            yield from _grid(block)
        case _:
            assert_never(block)


def _facts(facts: Facts) -> Iterator[str]:
    """Yield labels and values side by side; TeX breaks long formulas at their signs."""
    widest = max(_length(fact.label) for fact in facts.rows)
    label = "l" if widest <= MOST_LABEL else f"{PARAGRAPH}p{{{LABELS}\\linewidth}}"
    yield f"\\begin{{longtable}}[l]{{@{{}}{label}{PARAGRAPH}p{{{VALUES}\\linewidth}}@{{}}}}"
    for fact in facts.rows:
        yield f"{INDENT if fact.minor else ''}{_content(fact.label)} & {_content(fact.content)} \\\\"
    yield "\\end{longtable}"


def _grid(grid: Grid) -> Iterator[str]:
    rows = (*grid.rows, *([grid.foot] if grid.foot else []))
    many = len(grid.head) > MANY
    words = 0.7 * WORDS if many else WORDS
    columns = [
        _column(cells, words, right=right) for right, cells in zip(grid.right, zip(*rows, strict=True), strict=True)
    ]
    head = " & ".join(escaped(each) for each in grid.head)
    body = [_row(row, columns) for row in grid.rows]
    foot = ["\\midrule", _row(grid.foot, columns)] if grid.foot else []
    narrow = "\\footnotesize\\setlength{\\tabcolsep}{3pt}" if many else ""
    layout = f"{{@{{}}{''.join(columns)}@{{}}}}"
    if sum(max(map(len, row)) for row in grid.rows) > LONG:
        yield f"{{{narrow}\\begin{{longtable}}[l]{layout}"
        yield from ("\\toprule", f"{head} \\\\", "\\midrule", "\\endhead", "\\bottomrule", "\\endfoot")
        yield from (*body, *foot, "\\end{longtable}}")
        return
    yield f"{{\\medskip\\noindent{narrow}\\begin{{tabular}}{layout}"
    yield from ("\\toprule", f"{head} \\\\", "\\midrule", *body, *foot, "\\bottomrule", "\\end{tabular}\\par\\medskip}")


def _column(cells: tuple[Cell, ...], words: float, *, right: bool) -> str:
    """Return how a column stands: what is long is broken into lines, formulas in a wider column than words."""
    longest = max((line for cell in cells for line in cell), key=_length, default=())
    if _length(longest) > WORDY:
        part = VALUES if any(isinstance(each, Math) for each in longest) else words
        return f"{PARAGRAPH}p{{{part}\\linewidth}}"
    return "r" if right else "l"


def _length(content: Content) -> int:
    """Return about how many letters a line takes."""
    return sum(map(_letters, content))


def _letters(inline: Inline) -> int:
    match inline:
        case Math(parts):
            return sum(len(each if isinstance(each, str) else write_node(each)) for each in parts)
        case Arithmetic(numbers):
            return sum(len(str(each)) for each in numbers)
        case Words(text) | Given(text) | Code(text):
            return len(text)
        case _:
            assert_never(inline)


def _row(cells: tuple[Cell, ...], columns: list[str]) -> str:
    return f"{' & '.join(map(_cell, cells, columns))} \\\\"


def _cell(cell: Cell, column: str) -> str:
    if len(cell) < 2:
        return _content(cell[0]) if cell else ""
    if column.startswith(PARAGRAPH):
        return " \\newline ".join(map(_content, cell))
    lines = " \\\\[2pt] ".join(map(_content, cell))
    return f"\\begin{{tabular}}[t]{{@{{}}l@{{}}}}{lines}\\end{{tabular}}"


def _content(content: Content) -> str:
    return "".join(map(_inline, content))


def _inline(inline: Inline) -> str:
    match inline:
        case Words(text) | Given(text, typed=False):
            return escaped(text)
        case Given(text) | Code(text):
            return f"\\texttt{{{escaped(text)}}}"
        case Math():
            return f"${_math(inline)}$"
        case Arithmetic(parts):
            return f"${latex_arithmetic(parts)}$"
        case _:
            assert_never(inline)


def _math(math: Math) -> str:
    return " ".join(LATEX_RELATIONS[each] if isinstance(each, str) else latex_node(each) for each in math.parts)
