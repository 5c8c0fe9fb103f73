"""The table that people read: one line per layer, totals, and the formulas below."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tabulate import DataRow, TableFormat, tabulate

from convmath.errors import inert
from convmath.formula import Formula, Value, bind, product_of, symbol
from convmath.formula.text import write
from convmath.quantity import Quantity
from convmath.render.cells import (
    NOTHING,
    agreed,
    axis_names,
    condition,
    grouped,
    jump,
    sees,
    shape,
    shortened,
    uncounted,
    wrapped,
)
from convmath.render.columns import SUMMABLE, TEXTS, cell
from convmath.report import Analysis, Field, LayerReport, NetworkReport

HEADERS = ("layer", "kind", "output", "params", "MACs", "sees", "jump")
ALIGNMENT = ("left", "left", "right", "right", "right", "right", "right")
NARROW_NAME = 24
NARROW_KIND = 12
NARROWEST = 8
NARROW_PEAK = 40
NOTE_WIDTH = 4
SHORTEST_NOTED = 12
SHORT_KINDS = {"batch_norm": "bn", "local_response_norm": "lrn"}
_INDENT = "\0"
"""Stands for a leading space, which tabulate would strip; no text that is printed has it."""
_FORMAT = TableFormat(None, None, None, None, DataRow("", " ", ""), DataRow("", " ", ""), 0, None)


@dataclass(frozen=True, slots=True)
class Row:
    """A layer with the minor layers that follow it."""

    layer: LayerReport
    folded: tuple[LayerReport, ...] = ()

    @property
    def kind(self) -> str:
        """The kinds in order; those that only pass data on are left out."""
        shown = [each.kind for each in self.folded if each.kind not in ("flatten", "dropout", "identity")]
        return " + ".join([self.layer.kind, *(SHORT_KINDS.get(each, each) for each in shown)])


def render(
    analysis: Analysis,
    *,
    width: int = 80,
    all_layers: bool = False,
    formulas: bool = False,
    columns: tuple[Quantity, ...] = (),
) -> str:
    """Return the table: numbers at the defaults where there are any, else formulas."""
    numbers = None if formulas else analysis.at
    shown = numbers or analysis.report
    rows = rows_of(shown, all_layers=all_layers)
    title = _title(analysis, width, numbered=numbers is not None)
    if columns:
        return "\n".join([title, "", *_chosen(columns, shown, rows, width)])
    parts = [title, "", _table(shown, rows, width), _peak(shown, width)]
    if shown.uncounted:
        parts.append(wrapped(f"MACs without {uncounted(shown)}", 2, width))
    block = _formulas(analysis.report, width)
    return "\n".join([*parts, *(["", block] if block else [])])


def rows_of(report: NetworkReport, *, all_layers: bool) -> list[Row]:
    """Return the rows: every layer, or the minor ones folded into the one above."""
    rows: list[Row] = []
    for layer in report.layers:
        if layer.minor and rows and not all_layers:
            rows[-1] = Row(rows[-1].layer, (*rows[-1].folded, layer))
        else:
            rows.append(Row(layer))
    return rows


def folded_note(analysis: Analysis) -> str | None:
    """Return which layers the table does not list; None where it lists all."""
    kinds = Counter(each.kind for row in rows_of(analysis.report, all_layers=False) for each in row.folded)
    if not kinds:
        return None
    count = sum(kinds.values())
    listed = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    what = "1 layer" if count == 1 else f"{count} layers"
    return f"{what} ({listed}) {'is' if count == 1 else 'are'} folded into the row above; --all lists them."


def _title(analysis: Analysis, width: int, *, numbered: bool) -> str:
    """Return which network, which input, which sizes: one line where they fit."""
    report = analysis.report
    parts = [shortened(report.network, width), f"input {', '.join(shape(each.shape) for each in report.inputs)}"]
    if numbered and analysis.values:
        parts.append("numbers at " + ", ".join(f"{name} = {value}" for name, value in analysis.values.items()))
    line = "   ".join(parts)
    return line if len(line) <= width else "\n  ".join(wrapped(part, 2, width) for part in parts)


def _table(report: NetworkReport, rows: list[Row], width: int) -> str:
    cells = [_cells(row) for row in rows]
    totals = report.totals
    cells.append(["total", "", shape(totals.output_shape), grouped(totals.params), grouped(totals.macs), "", ""])
    notes = _fit(cells, width)
    header, *body, total = ruled([HEADERS, *cells], ALIGNMENT)
    rule = "─" * max(map(len, (header, *body, total)))
    lines = [header, rule, *body, rule, total]
    noted = [f"[{number}] {wrapped(text, len(str(number)) + 3, width)}" for number, text in notes]
    return "\n".join([*lines, *noted])


def ruled(cells: Sequence[Sequence[str]], alignment: Sequence[str]) -> list[str]:
    """Return the lines of aligned columns; spaces that a cell begins with are kept."""
    kept = [[_INDENT * (len(cell) - len(cell.lstrip(" "))) + cell.lstrip(" ") for cell in row] for row in cells]
    table = tabulate(kept, tablefmt=_FORMAT, disable_numparse=True, colalign=alignment)
    return [line.replace(_INDENT, " ").rstrip() for line in table.split("\n")]


def _cells(row: Row) -> list[str]:
    layer = row.layer
    return [
        inert(layer.name),
        row.kind,
        shape(layer.output_shape),
        grouped(layer.params) if layer.params != 0 else NOTHING,
        grouped(layer.macs) if layer.macs != 0 else NOTHING,
        sees(layer.receptive_field),
        jump(layer.receptive_field),
    ]


def _fit(cells: list[list[str]], width: int) -> list[tuple[int, str]]:
    """Move formulas that are too wide into notes, then cut names, until the table fits."""
    formulas = {cell for row in cells for cell in row[2:] if _is_formula(cell)}

    def total(moved: set[str]) -> int:
        widths = (
            max(len(HEADERS[at]), *(_noted_length(row[at], moved) for row in cells)) for at in range(len(HEADERS))
        )
        return sum(widths) + len(HEADERS) - 1

    moved: set[str] = set()
    lengths = sorted({len(cell) for cell in formulas if len(cell) > SHORTEST_NOTED}, reverse=True)
    low, high = 0, len(lengths)  # how many of the lengths, longest first, go into notes
    while low < high and total(moved) > width:
        middle = (low + high) // 2
        trial = {cell for cell in formulas if len(cell) >= lengths[middle]}
        if total(trial) > width:
            low = middle + 1
        else:
            high = middle
    if total(moved) > width and lengths:
        moved = {cell for cell in formulas if len(cell) >= lengths[min(low, len(lengths) - 1)]}
    notes: dict[str, int] = {}
    for row in cells:
        row[2:] = [f"[{notes.setdefault(cell, len(notes) + 1)}]" if cell in moved else cell for cell in row[2:]]
    _cut_names(cells, total(set()) - width, width)
    return [(number, text) for text, number in notes.items()]


def _noted_length(cell: str, moved: set[str]) -> int:
    return NOTE_WIDTH if cell in moved else len(cell)


def _is_formula(cell: str) -> bool:
    return any(letter.isalpha() for letter in cell) and cell != "all"


def _cut_names(cells: list[list[str]], over: int, width: int) -> None:
    """Shorten kinds, then names, of a table that is *over* its width."""
    if over <= 0:
        return
    before = max(len(row[1]) for row in cells)
    for row in cells:
        row[1] = row[1].split(" + ")[0]
    over -= before - max(len(row[1]) for row in cells)
    for column, least in ((0, NARROW_NAME), (1, NARROW_KIND), (0, NARROW_KIND)):
        longest = max(len(row[column]) for row in cells)
        most = max(least, longest - max(0, over), width // 8)
        if most < longest:
            for row in cells:
                row[column] = shortened(row[column], most)
            over -= longest - most


def _peak(report: NetworkReport, width: int) -> str:
    totals = report.totals
    if totals.peak_activations is None:
        return "peak activations: no short formula; sizes give the number"
    text = f"peak activations {grouped(totals.peak_activations)}"
    if totals.peak_layer is not None:
        layer = report.layer(totals.peak_layer)
        alive = layer.activations + _elements(report, layer.inputs)
        what = "its input and its output" if alive == totals.peak_activations else "and what later layers need"
        text += f" ({shortened(layer.name, NARROW_PEAK)} running: {what})"
    return wrapped(text, 2, width)


def _elements(report: NetworkReport, names: tuple[str, ...]) -> Value:
    """Return the number of elements of the outputs or inputs with these names."""
    shapes = {each.name: each.shape for each in report.inputs}
    shapes |= {each.name: each.output_shape for each in report.layers}
    return sum((product_of(shapes[name]) for name in names), start=0)


def _formulas(report: NetworkReport, width: int) -> str:
    """Return the totals in symbols, with the condition under which they hold."""
    totals = report.totals
    if not report.symbols:
        return ""
    lines = [wrapped(f"{_validity(report)}:", 0, width)]
    rows = list(_formula_rows(report))
    label_width = max(len(label) for label, _ in rows) + 3
    for label, text in rows:
        indent = label_width + 2
        lines.append(f"  {label:<{label_width}}{wrapped(text, indent, width)}")
    field = totals.receptive_field
    if field.first is not None and field.last is not None:
        lines.append(
            wrapped(
                f"  output i of {shortened(totals.receptive_field_layer, NARROW_PEAK)} reads {_reads(field)}", 4, width
            )
        )
    return "\n".join(lines)


def _validity(report: NetworkReport) -> str:
    conditions = report.totals.valid_when
    return "For every " + ", ".join(
        map(condition, conditions) if conditions else (each.name for each in report.symbols)
    )


def _formula_rows(report: NetworkReport) -> Iterator[tuple[str, str]]:
    totals = report.totals
    layer = report.layer(totals.receptive_field_layer)
    sizes = layer.output_shape[1:]
    for name, size in _distinct_axes(report, sizes):
        yield f"{shortened(layer.name, NARROW_NAME)} {name}", write(size)
    if isinstance(totals.output_shape[0], Formula) or (
        len(totals.output_shape) > 1 and layer.output_shape != totals.output_shape
    ):
        yield "output", shape(totals.output_shape)
    yield "params", write(totals.params)
    yield "MACs", write(totals.macs)
    if any(isinstance(each, Formula) for each in totals.receptive_field.size):
        yield "sees", agreed(totals.receptive_field.size)


def _distinct_axes(report: NetworkReport, sizes: tuple[Value, ...]) -> Iterator[tuple[str, Value]]:
    """Yield the axes with their sizes; an axis that differs in its symbol only is left out."""
    names = axis_names(len(sizes))
    origins = report.inputs[0].shape[1:]
    shown: list[Value] = []
    for name, size, origin in zip(names, sizes, origins, strict=False):
        renamed = bind(size, {str(origin): symbol("x")}) if isinstance(origin, Formula) else size
        if renamed not in shown:
            shown.append(renamed)
            yield name, size


def _reads(field: Field) -> str:
    pairs = dict.fromkeys(
        f"{write(first)} … {write(last)}" for first, last in zip(field.first or (), field.last or (), strict=True)
    )
    bound = "" if field.exact else "at most "
    periods = dict.fromkeys(write(each) for each in field.period or ())
    again = f" (period {' × '.join(periods)})" if set(periods) - {"1"} else ""
    return f"{bound}{', '.join(pairs)}{again}"


def _chosen(columns: tuple[Quantity, ...], report: NetworkReport, rows: list[Row], width: int) -> list[str]:
    """Return the lines of a table of the columns that were asked for."""
    cells = [[column.text for column in columns]]
    cells += [[_chosen_cell(column, row) for column in columns] for row in rows]
    total = _chosen_total(columns, report)
    cells += [total] if any(total) else []
    texts = [column.steps[0] in TEXTS for column in columns]
    notes = _chosen_notes(cells, texts, width)
    _chosen_cut(cells, texts, width)
    header, *body = ruled(cells, ["left" if text else "right" for text in texts])
    rule = "─" * max(map(len, (header, *body)))
    if any(total):
        body[-1:] = [rule, body[-1]]
    return [header, rule, *body, *notes]


def _chosen_cell(column: Quantity, row: Row) -> str:
    return row.kind if column.steps == ("kind",) else _chosen_text(cell(column, row.layer))


def _chosen_text(text: str) -> str:
    return f"{int(text):,}" if text.isdigit() else inert(text).replace(" x ", " × ")


def _chosen_total(columns: tuple[Quantity, ...], report: NetworkReport) -> list[str]:
    """Return the sums, behind the word total where a column has none; nothing where no column has one."""
    summed = [column.steps[0] in SUMMABLE for column in columns]
    total = [
        _chosen_text(cell(each, report.totals)) if sum_ else "" for each, sum_ in zip(columns, summed, strict=True)
    ]
    if any(summed) and not all(summed):
        total[summed.index(False)] = "total"
    return total


def _chosen_notes(cells: list[list[str]], texts: list[bool], width: int) -> list[str]:
    """Move formulas, the longest first, below the table until it fits; return the lines below."""
    held = {cell for row in cells[1:] for cell, text in zip(row, texts, strict=True) if not text}
    lengths = sorted({len(cell) for cell in held if len(cell) > SHORTEST_NOTED and _is_formula(cell)}, reverse=True)

    def noted(count: int, notes: dict[str, str]) -> list[list[str]]:
        least = lengths[count - 1] if count else sys.maxsize
        return [
            [cell if text else _chosen_mark(cell, least, notes) for cell, text in zip(row, texts, strict=True)]
            for row in cells[1:]
        ]

    def fits(count: int) -> bool:
        return _chosen_width([cells[0], *noted(count, {})]) <= width

    count = min(bisect_left(range(len(lengths) + 1), x=True, key=fits), len(lengths))
    notes: dict[str, str] = {}
    cells[1:] = noted(count, notes)
    return [f"{mark} {wrapped(formula, len(mark) + 1, width)}" for formula, mark in notes.items()]


def _chosen_mark(cell: str, least: int, notes: dict[str, str]) -> str:
    if len(cell) < least or not _is_formula(cell):
        return cell
    return notes.setdefault(cell, f"[{len(notes) + 1}]")


def _chosen_width(cells: list[list[str]]) -> int:
    return sum(max(map(len, column)) + 1 for column in zip(*cells, strict=True)) - 1


def _chosen_cut(cells: list[list[str]], texts: list[bool], width: int) -> None:
    """Cut headers and texts, never numbers, as far as the table needs it."""
    columns = list(zip(*cells, strict=True))
    cuttable = [max(map(len, each if text else each[:1])) for each, text in zip(columns, texts, strict=True)]
    fixed = [0 if text else max(map(len, each[1:]), default=0) for each, text in zip(columns, texts, strict=True)]

    def fits(most: int) -> bool:
        sizes = [max(least, min(longest, most)) for least, longest in zip(fixed, cuttable, strict=True)]
        return sum(sizes) + len(sizes) - 1 <= width

    most = next(filter(fits, range(max(cuttable), NARROWEST, -1)), NARROWEST)
    cells[0] = [shortened(header, max(most, least)) for header, least in zip(cells[0], fixed, strict=True)]
    for row in cells[1:]:
        row[:] = [shortened(cell, most) if text else cell for cell, text in zip(row, texts, strict=True)]
