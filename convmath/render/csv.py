"""CSV: one line per layer; cells that a spreadsheet would take for a formula are quoted."""

from __future__ import annotations

import csv
import io

from convmath.quantity import Quantity, parse_quantity
from convmath.render.columns import DEFAULT, cell
from convmath.report import Analysis

_ACTIVE = ("=", "+", "-", "@", "\t", "\r")


def render(analysis: Analysis, *, columns: tuple[Quantity, ...] = (), formulas: bool = False) -> str:
    """Return all layers, with numbers where all symbols have one, unless *formulas* are wanted."""
    columns = columns or tuple(map(parse_quantity, DEFAULT))
    report = analysis.report if formulas or analysis.at is None else analysis.at
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.text for column in columns])
    for layer in report.layers:
        writer.writerow([_inactive(cell(column, layer)) for column in columns])
    return out.getvalue().rstrip("\n")


def _inactive(text: str) -> str:
    """Return a cell that no spreadsheet runs: numbers stay, other active beginnings get a quote."""
    number = text.removeprefix("-").replace(" x -", " x ").replace(" x ", "").isdigit()
    return f"'{text}" if text.startswith(_ACTIVE) and not number else text
