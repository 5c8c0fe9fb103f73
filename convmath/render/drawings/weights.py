"""A layer as a matrix: a row per output, a column per input, and one colour for each weight."""

from __future__ import annotations

from convmath.render.drawings.svg import LETTER, MARGIN, Sheet, short
from convmath.seen import Entry, WeightMatrix

LEGEND = "Rows are outputs, columns are inputs; an empty cell is a zero by construction."
WIDEST = 640
LARGEST, SMALLEST = 34, 5
READABLE = 17
"""Cells at least so large hold the number of their weight."""
FEW = 36
"""Up to so many weights have colours that are told apart; more run through the rainbow."""
TURN = 137.508
"""The golden angle: neighbours in this order of hues never look alike."""


def draw(matrix: WeightMatrix) -> str:
    """Return the matrix as SVG."""
    sheet = Sheet()
    cell = max(SMALLEST, min(LARGEST, (WIDEST - 2 * MARGIN) // matrix.columns))
    top = 74
    sheet.text(MARGIN, 28, f"{matrix.name} ({matrix.kind}) as a matrix", "strong", size=15, most=50)
    sheet.text(MARGIN, 47, counted(matrix), "faint", size=12, most=90)
    sheet.text(MARGIN, 64, sharing(matrix), "faint", size=12, most=90)
    sheet.rect(MARGIN, top, cell * matrix.columns, cell * matrix.rows, "bare")
    lines = [(MARGIN + cell * at, 0) for at in range(1, matrix.columns)] if cell > SMALLEST else []
    for x, _ in lines:
        sheet.line(((x, top), (x, top + cell * matrix.rows)), "bare")
    for at in range(1, matrix.rows if cell > SMALLEST else 1):
        sheet.line(((MARGIN, top + cell * at), (MARGIN + cell * matrix.columns, top + cell * at)), "bare")
    for entry in matrix.entries:
        _entry(sheet, entry, matrix, cell, top)
    about = f"{counted(matrix)} {sharing(matrix)} {LEGEND}"
    return sheet.document(f"{matrix.network}: {matrix.name} as a matrix", about)


def _entry(sheet: Sheet, entry: Entry, matrix: WeightMatrix, cell: int, top: float) -> None:
    x, y = MARGIN + cell * entry.column, top + cell * entry.row
    sheet.rect(x, y, cell, cell, "tint", fill=colour(entry.weight, matrix.weights))
    if cell >= READABLE:
        most = 4 if cell >= 30 else 3
        words = short(entry.number, most) if matrix.known else str(entry.weight + 1)
        size = min(cell * 0.42, (cell - 3) / (LETTER * max(1, len(words))))
        sheet.text(x + cell / 2, y + cell / 2 + size * 0.35, words, "dark", size=size, anchor="middle")


def colour(weight: int, weights: int) -> str:
    """Return the colour of a weight: the same for the same weight wherever it stands."""
    hue = weight * TURN % 360 if weights <= FEW else weight * 360 / weights
    light = 72 if weight % 2 == 0 or weights > FEW else 62
    return f"hsl({hue:.1f}, 68%, {light}%)"


def counted(matrix: WeightMatrix) -> str:
    """Return how many entries there are, and how many weights."""
    entries, cells = len(matrix.entries), matrix.rows * matrix.columns
    return f"{matrix.rows} × {matrix.columns} cells, {entries} of {cells} in use, {matrix.weights} weights."


def sharing(matrix: WeightMatrix) -> str:
    """Return how far weights are shared, in words."""
    if len(matrix.entries) == matrix.weights:
        full = matrix.weights == matrix.rows * matrix.columns
        return (
            "Dense: a weight of its own in every cell." if full else "Banded: a weight of its own in every cell in use."
        )
    return "Shared: cells of one colour are one weight."
