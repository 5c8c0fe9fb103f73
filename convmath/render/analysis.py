"""An analysis as a page, for documents: one row per layer, totals, and the formulas below."""

from __future__ import annotations

from collections.abc import Iterator

from convmath.formula import Formula, Value
from convmath.quantity import Quantity
from convmath.render.cells import NOTHING, uncounted
from convmath.render.columns import SUMMABLE, TEXTS, held_at, text_of
from convmath.render.formulas import page as formulas_page
from convmath.render.page import (
    Block,
    Cell,
    Content,
    Given,
    Grid,
    Heading,
    Inline,
    Line,
    Page,
    Words,
    conditions,
    figure,
    settings,
    shape,
    symbols,
)
from convmath.render.table import Row, rows_of
from convmath.report import Analysis, Field, Formulas, LayerReport, NetworkReport, Totals

HEAD = ("layer", "kind", "output", "params", "MACs", "sees", "jump")
RIGHT = (False, False, True, True, True, True, True)


def page(
    analysis: Analysis, *, all_layers: bool = False, formulas: bool = False, columns: tuple[Quantity, ...] = ()
) -> Page:
    """Return the page: numbers at the defaults where there are any, else formulas."""
    numbered = analysis.at is not None and not formulas
    shown = analysis.at if analysis.at is not None and numbered else analysis.report
    rows = rows_of(shown, all_layers=all_layers)
    grid = _chosen(columns, shown, rows) if columns else _table(shown, rows)
    blocks: list[Block] = [grid]
    if not columns:
        blocks += _below(analysis, shown)
    return Page(
        (Given(analysis.report.network, typed=False),), tuple(_subtitle(analysis, numbered=numbered)), tuple(blocks)
    )


def _subtitle(analysis: Analysis, *, numbered: bool) -> Iterator[Inline]:
    for at, each in enumerate(analysis.report.inputs):
        yield Words(", " if at else "input ")
        yield from shape(each.shape)
    if numbered and analysis.values:
        yield Words("; numbers at ")
        yield from settings(analysis.values)


def _below(analysis: Analysis, shown: NetworkReport) -> Iterator[Block]:
    """Yield the totals in symbols, or what else there is to say of numbers."""
    if not analysis.report.symbols:
        peak = shown.totals.peak_activations
        if peak is not None:
            named = (Words(" while "), Given(shown.totals.peak_layer)) if shown.totals.peak_layer else ()
            yield Line((Words("Peak activations: "), figure(peak), *named))
        if shown.uncounted:
            yield Line((Words("MACs without "), Given(uncounted(shown), typed=False)))
        return
    found = analysis.report.totals.valid_when
    when = conditions(found) if found else symbols(each.name for each in analysis.report.symbols)
    yield Heading((Words("For every "), *when))
    yield formulas_page(Formulas(analysis, None)).blocks[0]


def _table(report: NetworkReport, rows: list[Row]) -> Grid:
    totals = report.totals
    foot: tuple[Cell, ...] = (
        ((Words("total"),),),
        ((),),
        (shape(totals.output_shape),),
        ((figure(totals.params),),),
        ((figure(totals.macs),),),
        ((),),
        ((),),
    )
    return Grid(HEAD, tuple(map(_row, rows)), RIGHT, foot)


def _row(row: Row) -> tuple[Cell, ...]:
    layer = row.layer
    contents: tuple[Content, ...] = (
        (Given(layer.name),),
        (Words(row.kind),),
        shape(layer.output_shape),
        (_count(layer.params),),
        (_count(layer.macs),),
        _sees(layer.receptive_field),
        shape(_agreed(layer.receptive_field.jump)),
    )
    return tuple((content,) for content in contents)


def _count(value: Value) -> Inline:
    return Words(NOTHING) if value == 0 else figure(value)


def _sees(field: Field) -> Content:
    if field.whole or None in field.size:
        return (Words("all" if field.whole else "?"),)
    return shape(_agreed(field.size))  # type: ignore[arg-type]


def _agreed(sizes: tuple[Value, ...] | None) -> tuple[Value, ...]:
    """Return one entry where all agree."""
    found = sizes or ()
    return found[:1] if len(set(found)) == 1 else found


def _chosen(columns: tuple[Quantity, ...], report: NetworkReport, rows: list[Row]) -> Grid:
    """Return a table of the columns that were asked for; sums stand below."""
    texts = [column.steps[0] in TEXTS for column in columns]
    body = tuple(tuple((_held(column, row.layer),) for column in columns) for row in rows)
    sums = [column.steps[0] in SUMMABLE for column in columns]
    total: list[Content] = [
        _held(each, report.totals) if sum_ else () for each, sum_ in zip(columns, sums, strict=True)
    ]
    if any(sums) and not all(sums):
        total[sums.index(False)] = (Words("total"),)
    foot: tuple[Cell, ...] = tuple((each,) for each in total) if any(sums) else ()
    return Grid(tuple(column.text for column in columns), body, tuple(not text for text in texts), foot)


def _held(column: Quantity, record: LayerReport | Totals) -> Content:
    """Return what stands at a path, as it is written on a page."""
    held = held_at(column, record)
    if isinstance(held, tuple) and held and all(isinstance(each, int | Formula) for each in held):
        return shape(held)
    if isinstance(held, int | Formula) and not isinstance(held, bool):
        return (figure(held),)
    text = text_of(held)
    return (Given(text, typed=column.steps[0] in TEXTS),)
