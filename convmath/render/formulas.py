"""The closed forms of a network as a page, with their derivations."""

from __future__ import annotations

from collections.abc import Iterator

from convmath.formula import Formula, Value
from convmath.formula.layout import arrange
from convmath.formula.nodes import Node
from convmath.render.cells import axis_names, grouped, uncounted
from convmath.render.page import (
    Block,
    Cell,
    Content,
    Fact,
    Facts,
    Given,
    Grid,
    Heading,
    Line,
    Math,
    Page,
    Words,
    conditions,
    figure,
    math,
    settings,
    shape,
)
from convmath.report import Chain, Derivation, Field, Formulas, LayerReport, NetworkReport, Totals

COUNTS = (
    ("params", "parameters"),
    ("buffers", "buffers"),
    ("macs", "MACs"),
    ("flops", "FLOPs"),
    ("activations", "activations"),
)


def page(formulas: Formulas) -> Page:
    """Return the page: every closed form with its numbers, then the derivations."""
    report = formulas.analysis.report
    facts = Facts(tuple(_facts(formulas)))
    blocks: list[Block] = [facts]
    for each in formulas.derivations:
        blocks += _derivation(each, report)
    title: Content = (Given(report.network, typed=False),)
    if formulas.layer is not None:
        title = (Given(formulas.layer), Words(" in "), *title)
    return Page(title, subtitle(report), tuple(blocks))


def subtitle(report: NetworkReport) -> Content:
    """Return the input, and when the formulas hold."""
    found: list[Content] = [(Words("input "), *shape(each.shape)) for each in report.inputs]
    content = tuple(part for each in found for part in (*each, Words("   ")))[:-1]
    if report.totals.valid_when:
        return (*content, Words("   valid for "), *conditions(report.totals.valid_when))
    return content


def _facts(formulas: Formulas) -> Iterator[Fact]:
    report, at = formulas.analysis.report, formulas.analysis.at
    record = _record(formulas, report)
    numbers = None if at is None or at is report else _record(formulas, at)
    yield Fact((Words("output shape"),), shape(record.output_shape))
    field_layer = report.layer(report.totals.receptive_field_layer)
    if formulas.layer is None and field_layer.output_shape != record.output_shape:
        yield Fact((Words("of "), Given(field_layer.name)), shape(field_layer.output_shape), minor=True)
    for name, label in COUNTS:
        value = getattr(record, name)
        if value != 0 or name in ("params", "macs"):
            yield Fact((Words(label),), (math(value),))
            yield from _numbers(formulas, value, None if numbers is None else getattr(numbers, name))
        if name == "macs" and isinstance(record, Totals) and report.uncounted:
            yield Fact((Words("without"),), (Given(uncounted(report), typed=False),), minor=True)
    if isinstance(record, Totals):
        yield from _peak(formulas, record, numbers)
    yield from _field(formulas, record)


def _record(formulas: Formulas, report: NetworkReport) -> LayerReport | Totals:
    return report.totals if formulas.layer is None else report.layer(formulas.layer)


def _numbers(formulas: Formulas, value: Value | None, number: Value | None) -> Iterator[Fact]:
    """Yield the number at the defaults below a formula."""
    if isinstance(value, Formula) and number is not None:
        yield Fact(settings(formulas.analysis.values), (Words(grouped(number)),), minor=True)


def _peak(formulas: Formulas, totals: Totals, numbers: LayerReport | Totals | None) -> Iterator[Fact]:
    if totals.peak_activations is None:
        yield Fact((Words("peak activations"),), (Words("no short formula; sizes give the number"),))
    else:
        yield Fact((Words("peak activations"),), (math(totals.peak_activations),))
        if totals.peak_layer is not None:
            yield Fact((Words("reached while"),), (Given(totals.peak_layer), Words(" runs")), minor=True)
    number = numbers.peak_activations if isinstance(numbers, Totals) else None
    yield from _numbers(formulas, totals.peak_activations, number)


def _field(formulas: Formulas, record: LayerReport | Totals) -> Iterator[Fact]:
    field = record.receptive_field
    if not field.size:
        return
    named = (
        ()
        if formulas.layer
        else (Words("of "), Given(formulas.analysis.report.totals.receptive_field_layer), Words(": "))
    )
    yield Fact((Words("receptive field"),), (*named, *_sees(field)))
    if field.first is not None and field.last is not None:
        pairs = dict.fromkeys(zip(field.first, field.last, strict=True))
        for first, last in pairs:
            reads = Math((arrange(first), "…", arrange(last)))
            yield Fact((Words("output i reads" if field.exact else "output i reads at most"),), (reads,), minor=True)


def _sees(field: Field) -> Content:
    sizes = tuple(Words("?") if each is None else figure(each) for each in field.size)
    content: list[Words | Math | Given] = []
    for each in sizes:
        content += [*([Words(" × ")] if content else []), each]  # type: ignore[list-item]
    bound = "" if field.exact else "at most "
    if field.whole:
        return (Words(f"everything that reaches it, {bound}"), *content, Words(" pixels"))
    unit = Words(" pixels")
    if field.jump is None:
        return (*content, unit)
    jumps = field.jump[:1] if len(set(field.jump)) == 1 else field.jump
    return (*content, Words(" pixels, one every "), *shape(jumps))


def _derivation(derivation: Derivation, report: NetworkReport) -> Iterator[Block]:
    yield Heading(_title(derivation, report))
    columns = ("layer", *derivation.columns)
    rows = tuple((_names(step.layers), *(_chain(cell) for cell in step.cells)) for step in derivation.steps)
    foot: tuple[Cell, ...] = ()
    if derivation.quantity in ("params", "macs"):
        foot = (((Words("total"),),), ((math(derivation.result),),))
    yield Grid(columns, rows, (False,) * len(columns), foot)
    for number, law in enumerate(derivation.laws, 1):
        yield Line((Words(f"[{number}] "), Math((law.left, "=", law.right)), Words(f" {law.condition}")))
    if derivation.quantity.startswith("output_shape") and report.totals.valid_when:
        held = conditions(report.totals.valid_when)
        yield Line((Words("This holds while every window fits: "), *held, Words(".")))


def _title(derivation: Derivation, report: NetworkReport) -> Content:
    rank = len(report.inputs[0].shape) - 1
    quantity, layer = derivation.quantity, Given(derivation.layer)
    if quantity == "params":
        return (Words("Parameters, layer by layer"),)
    if quantity == "macs":
        return (Words("MACs, layer by layer"),)
    axis = int(quantity.partition("[")[2][:-1])
    if quantity.startswith("output_shape"):
        name = axis_names(rank)[axis - 1]
        return (
            Words(f"{name.capitalize()} of "),
            layer,
            Words(f", from an input of {name} "),
            Math((derivation.given,)),
        )
    return (Words("Receptive field of "), layer, Words(f", along the {axis_names(rank)[axis]}"))


def _names(layers: tuple[str, ...]) -> Cell:
    content: list[Words | Given] = []
    for name in layers:
        content += [*([Words(", ")] if content else []), Given(name)]
    return (tuple(content),)


def _chain(chain: Chain) -> Cell:
    """Return equal forms, one per line; the laws stand behind the last."""
    lines: list[Content] = []
    for at, form in enumerate(chain.forms):
        parts: tuple[Node | str, ...] = ("=", form) if at else (form,)
        lines.append((Math(parts),))
    marks = "".join(f" [{number}]" for number in chain.laws)
    if marks:
        lines[-1] = (*lines[-1], Words(f"  {marks.strip()}"))
    return tuple(lines)
