"""A network as boxes and arrows, from the input downwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convmath.formula.text import write_shape
from convmath.render.cells import grouped
from convmath.render.drawings.svg import MARGIN, Sheet
from convmath.report import LayerReport, NetworkReport

WIDE, HIGH = 270, 46
ON_A_LINE = 36
GAP, STEP = 24, 70
HEAD = 66


@dataclass(frozen=True, slots=True)
class Box:
    """A layer, with those that are folded into it, at its place."""

    names: tuple[str, ...]
    words: str
    shape: str
    params: str
    sources: tuple[str, ...]
    depth: int


def draw(report: NetworkReport, *, every: bool = False) -> str:
    """Return the network as SVG; activations, norms and dropout stand in the box above, unless *every* is shown."""
    boxes = list(_boxes(report, every=every).values())
    sheet = Sheet()
    rows: dict[int, list[Box]] = {}
    for box in boxes:
        rows.setdefault(box.depth, []).append(box)
    widest = max(map(len, rows.values()))
    middle = MARGIN + (widest * (WIDE + GAP) - GAP) / 2
    sheet.text(MARGIN, 28, report.network, "strong", size=15, most=40)
    sheet.text(MARGIN, 47, _about(report), "faint", size=12, most=80)
    places: dict[str, tuple[float, float]] = {}
    for depth, row in rows.items():
        left = middle - (len(row) * (WIDE + GAP) - GAP) / 2
        for at, box in enumerate(row):
            places[box.names[-1]] = (left + at * (WIDE + GAP), HEAD + depth * STEP)
    for box in boxes:
        for source in box.sources:
            _arrow(sheet, places[source], places[box.names[-1]], crowded=widest == 1)
    for box in boxes:
        _box(sheet, box, *places[box.names[-1]])
    listed = "; ".join(f"{box.names[0]}, {box.words}, {box.shape}" for box in boxes)
    return sheet.document(report.network, f"{_about(report)} {listed}.")


def _about(report: NetworkReport) -> str:
    inputs = ", ".join(write_shape(each.shape) for each in report.inputs)
    params = report.totals.params
    return f"Input {inputs}; {len(report.layers)} layers; {grouped(params)} parameters."


def _boxes(report: NetworkReport, *, every: bool) -> Mapping[str, Box]:
    """Return the boxes by the name of the last layer in each."""
    found: dict[str, Box] = {}
    stands: dict[str, str] = {}
    for each in report.inputs:
        found[each.name] = Box((each.name,), "input", write_shape(each.shape), "", (), 0)
        stands[each.name] = each.name
    readers: dict[str, int] = {}
    for layer in report.layers:
        for source in layer.inputs:
            readers[source] = readers.get(source, 0) + 1
    for layer in report.layers:
        above = stands[layer.inputs[0]]
        if (
            not every
            and layer.minor
            and len(layer.inputs) == 1
            and found[above].sources
            and readers[layer.inputs[0]] == 1
        ):
            box = found.pop(above)
            box = Box(
                (*box.names, layer.name), f"{box.words} + {layer.kind}", box.shape, box.params, box.sources, box.depth
            )
            stands.update(dict.fromkeys(box.names, layer.name))
        else:
            box = _made(layer, tuple(stands[source] for source in layer.inputs), found)
            stands[layer.name] = layer.name
        found[layer.name] = box
    return found


def _made(layer: LayerReport, sources: tuple[str, ...], found: Mapping[str, Box]) -> Box:
    depth = 1 + max(found[source].depth for source in sources)
    params = f"{grouped(layer.params)} parameters" if layer.params != 0 else ""
    return Box((layer.name,), layer.kind, write_shape(layer.output_shape), params, sources, depth)


def _box(sheet: Sheet, box: Box, x: float, y: float) -> None:
    sheet.rect(x, y, WIDE, HIGH, "cool" if box.params else "cell", round=6)
    kind = "on" if box.params else ""
    sheet.text(x + 10, y + 18, box.names[0], f"strong {kind}".strip(), size=12, most=17)
    sheet.text(x + WIDE - 10, y + 18, box.words, kind, size=11, anchor="end", most=18)
    # A formula may need the whole line; then the parameters are left to the analysis.
    alone = len(box.shape) + len(box.params) > ON_A_LINE
    sheet.text(x + 10, y + 35, box.shape, kind, size=11, most=ON_A_LINE)
    if not alone:
        sheet.text(x + WIDE - 10, y + 35, box.params, kind, size=11, anchor="end")


def _arrow(sheet: Sheet, start: tuple[float, float], end: tuple[float, float], *, crowded: bool) -> None:
    """Draw an arrow from the foot of a box to the head of another; past other boxes it goes round them."""
    (x, y), (to_x, to_y) = start, end
    if to_y - y > STEP * 1.5 and (crowded or x == to_x):
        side = max(x, to_x) + WIDE
        sheet.curve((side, y + HIGH / 2), side + 34, (side, to_y + HIGH / 2), "link")
        _tip(sheet, side, to_y + HIGH / 2, sideways=True)
        return
    sheet.line(((x + WIDE / 2, y + HIGH), (to_x + WIDE / 2, to_y - 5)), "link")
    _tip(sheet, to_x + WIDE / 2, to_y, sideways=False)


def _tip(sheet: Sheet, x: float, y: float, *, sideways: bool) -> None:
    points = ((x, y), (x + 7, y - 4), (x + 7, y + 4)) if sideways else ((x, y), (x - 4, y - 7), (x + 4, y - 7))
    sheet.line(points, "tip", closed=True)
