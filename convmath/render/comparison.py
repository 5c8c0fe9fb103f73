"""A comparison as a page: totals side by side, their ratios, and where one overtakes the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from convmath.formula import Formula, Value
from convmath.formula.layout import arrange
from convmath.formula.nodes import Name, Number_
from convmath.render.cells import NOTHING, agreed, grouped
from convmath.render.page import (
    Block,
    Cell,
    Content,
    Fact,
    Facts,
    Given,
    Grid,
    Heading,
    Inline,
    Math,
    Page,
    Words,
    conditions,
    math,
)
from convmath.report import Analysis, Comparison, ComparisonRow

MOST_RATIO = 200
MOST_THRESHOLD = 60
TITLES = {
    "params": "parameters",
    "buffers": "buffers",
    "macs": "MACs",
    "flops": "FLOPs",
    "activations": "activations",
    "peak_activations": "peak activations",
}


def page(comparison: Comparison) -> Page:
    """Return the page: numbers where all networks have them, then formulas."""
    blocks: list[Block] = []
    if all(each.at is not None for each in comparison.analyses):
        blocks.append(_numbers(comparison))
    if any(each.report.symbols for each in comparison.analyses):
        blocks += _formulas(comparison)
    overtaking = tuple(_overtaking(comparison))
    if overtaking:
        blocks += [Heading((Words("Where one has less than the first, or the first less than it"),)), Facts(overtaking)]
    title: list[Inline] = []
    for name in comparison.names:
        title += [*([Words(" against ")] if title else []), Given(name, typed=False)]
    return Page(tuple(title), tuple(_subtitle(comparison)), tuple(blocks))


def _subtitle(comparison: Comparison) -> Iterator[Inline]:
    """Yield the values of the symbols, for each network on its own where they differ."""
    values = {name: value for each in comparison.analyses for name, value in each.values.items()}
    if any(values[name] != value for each in comparison.analyses for name, value in each.values.items()):
        for at, (name, each) in enumerate(zip(comparison.names, comparison.analyses, strict=True)):
            yield Words("; those of " if at else "numbers of ")
            yield Given(name, typed=False)
            yield Words(f" at {_values(each.values)}")
    elif values:
        yield Words(f"numbers at {_values(values)}")


def _values(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items()) or "no symbols"


def _numbers(comparison: Comparison) -> Grid:
    """Return the numbers of all networks, and how many times those of the first each has."""
    head = ["", comparison.names[0]]
    for name in comparison.names[1:]:
        head += [name, "ratio"]
    rows: list[tuple[Cell, ...]] = []
    for row in comparison.rows:
        cells: list[Cell] = [((Words(TITLES[row.quantity]),),), ((_figure(row.numbers[0]),),)]
        for value, ratio in zip(row.numbers[1:], row.number_ratios[1:], strict=True):
            cells += [((_figure(value),),), ((Words(_decimal(ratio)),),)]
        rows.append(tuple(cells))
    rows.append(_fields(comparison))
    return Grid(tuple(head), tuple(rows), (False, *(True,) * (len(head) - 1)))


def _fields(comparison: Comparison) -> tuple[Cell, ...]:
    cells: list[Cell] = [((Words("receptive field"),),)]
    for at, each in enumerate(comparison.analyses):
        cells += [((Words(_sees(each)),),), *([((),)] if at else [])]
    return tuple(cells)


def _sees(analysis: Analysis) -> str:
    field = (analysis.at or analysis.report).totals.receptive_field
    return "all" if field.whole else agreed(field.size) if field.size else NOTHING


def _figure(value: Value | None) -> Inline:
    return Words("?" if value is None else grouped(value))


def _decimal(ratio: Value | None) -> str:
    """Return a ratio of numbers with three significant digits."""
    return NOTHING if ratio is None or isinstance(ratio, Formula) else f"{float(Fraction(ratio)):.3g}"


def _formulas(comparison: Comparison) -> Iterator[Block]:
    for at, (name, analysis) in enumerate(zip(comparison.names, comparison.analyses, strict=True)):
        yield Heading((Given(name, typed=False),))
        facts = [fact for row in comparison.rows for fact in _row(row, at)]
        if analysis.report.totals.valid_when:
            facts.append(Fact((Words("valid for"),), conditions(analysis.report.totals.valid_when)))
        yield Facts(tuple(facts))


def _row(row: ComparisonRow, at: int) -> Iterator[Fact]:
    value, ratio = row.values[at], row.ratios[at]
    yield Fact((Words(TITLES[row.quantity]),), (Words("no short formula") if value is None else math(value),))
    if at and ratio is not None and not _is_long(ratio, MOST_RATIO):
        yield Fact((Words("over those of the first"),), (math(ratio),), minor=True)


def _is_long(held: Value, most: int) -> bool:
    """Tell whether a formula is too long to say anything."""
    return isinstance(held, Formula) and len(str(held)) > most


def _overtaking(comparison: Comparison) -> Iterator[Fact]:
    """Yield where one has less, quantities that agree together; what nobody would read is left to JSON."""
    together: dict[tuple[int, str, Value, Value], list[str]] = {}
    for each in comparison.overtaking:
        if not _is_long(each.threshold, MOST_THRESHOLD):
            key = (each.less, each.symbol, each.threshold, each.slope)
            together.setdefault(key, []).append(TITLES[each.quantity])
    for (less, symbol, threshold, slope), titles in together.items():
        than: Content = (Math((Name(symbol), ">", arrange(threshold))),)
        if isinstance(slope, Formula):
            than = (*than, Words(" while "), Math((arrange(slope), ">", Number_(0))))
        named = Given(comparison.names[less], typed=False)
        yield Fact((named,), (Words(f"fewer {', '.join(titles)} for "), *than))
