"""The formula sheet as pages: one kind in its hyper-parameters, and weight sharing as a scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convmath.formula import Formula, Value
from convmath.formula.layout import arrange
from convmath.formula.nodes import Name
from convmath.render.page import (
    Block,
    Cell,
    Code,
    Content,
    Fact,
    Facts,
    Grid,
    Heading,
    Line,
    Math,
    Page,
    Words,
    conditions,
    figure,
    math,
    shape,
)
from convmath.report import Scale, ScaleRow, Sheet

COUNTS = (
    ("params", "parameters"),
    ("buffers", "buffers"),
    ("macs", "MACs"),
    ("additions", "additions"),
    ("comparisons", "comparisons"),
    ("elementwise", "element-wise operations"),
    ("activations", "activations"),
)


def page(sheet: Sheet) -> Page:
    """Return the general formulas of a kind."""
    return Page((Code(sheet.kind),), (Words(sheet.summary),), _blocks(sheet, f"convmath verify --kind {sheet.kind}"))


def whole_page(sheets: Sequence[Sheet]) -> Page:
    """Return the general formulas of many kinds, one below the other."""
    blocks: list[Block] = []
    for each in sheets:
        blocks += [Heading((Code(each.kind), Words(f": {each.summary}"))), Facts(tuple(_facts(each)))]
    blocks.append(_confirmed("convmath verify --all"))
    return Page((Words("The formula sheet"),), (Words(f"{len(sheets)} kinds of layers"),), tuple(blocks))


def _blocks(sheet: Sheet, command: str) -> tuple[Block, ...]:
    return (Facts(tuple(_facts(sheet))), _confirmed(command))


def _confirmed(command: str) -> Line:
    return Line((Words("Confirmed by execution: "), Code(command)))


def _facts(sheet: Sheet) -> Iterator[Fact]:
    yield from _definition(sheet)
    yield Fact((Words("output"),), _output(sheet))
    for name, size in sheet.outputs:
        yield Fact((Math((Name(name),)),), (math(size),), minor=True)
    for name, label in COUNTS:
        if sheet.short[name] != 0 or name in ("params", "macs"):
            yield Fact((Words(label),), (math(sheet.short[name]), *_note(sheet, name)))
    yield from _field(sheet)
    if sheet.report.totals.valid_when:
        yield Fact((Words("holds for"),), conditions(sheet.report.totals.valid_when))
    yield Fact((Words("source"),), (Words(sheet.source),))
    for who, name in sheet.elsewhere:
        if name:
            yield Fact((Words(f"in {who}"),), (Words(name),))
    if sheet.aliases:
        yield Fact((Words("also called"),), (Words(", ".join(sheet.aliases)),))


def _note(sheet: Sheet, name: str) -> Content:
    if name not in sheet.notes:
        return ()
    fewer, where = sheet.notes[name]
    return (Words("   ("), math(fewer), Words(f" {where})"))


def _definition(sheet: Sheet) -> Iterator[Fact]:
    """Yield the input, the fields with their symbols or defaults, and the defining equation."""
    yield Fact((Words("input"),), shape(sheet.report.inputs[0].shape))
    defaults = {name: Words(f"{default} unless given") for name, default in sheet.defaults}
    for name, letters in sheet.fields:
        default = (Words(", "), defaults.pop(name)) if name in defaults else ()
        yield Fact((Code(name),), (*_letters(letters), *default), minor=True)
    for name, words in defaults.items():
        yield Fact((Code(name),), (words,), minor=True)
    left, right = sheet.equation
    yield Fact((Words("defined by"),), (Math((left, "=", right)),))
    if sheet.constants:
        values = ", ".join(f"{name} = {value}" for name, value in sheet.constants)
        yield Fact((Words("with"),), (Words(values),), minor=True)
    if sheet.remark:
        yield Fact((Words("where"),), (Words(sheet.remark),), minor=True)


def _letters(text: str) -> Content:
    """Return the symbols of a field."""
    content: list[Words | Math] = []
    for letter in text.split(" × "):
        content += [*([Words(" × ")] if content else []), Math((Name(letter),))]
    return tuple(content)


def _output(sheet: Sheet) -> Content:
    """Return the output's shape, by the names of its sizes where they have names."""
    names = {size: Math((Name(name),)) for name, size in sheet.outputs}
    content: list[Words | Math] = []
    for size in sheet.report.totals.output_shape:
        content += [*([Words(" × ")] if content else []), names.get(size) or _value(size)]
    return tuple(content)


def _field(sheet: Sheet) -> Iterator[Fact]:
    field = sheet.report.layers[-1].receptive_field
    if not field.size or field.first is None or field.last is None or field.jump is None:
        yield Fact((Words("sees"),), (Words("all that arrives"),))
        return
    sizes = tuple(dict.fromkeys(field.size))
    sees: list[Words | Math] = []
    for size in sizes:
        sees += [*([Words(" × ")] if sees else []), Words("?") if size is None else _value(size)]
    unit = " pixel" if sizes == (1,) else " pixels"
    yield Fact((Words("sees"),), (*sees, Words(f"{unit}, one output every "), _value(field.jump[0])))
    reads = Math((arrange(field.first[0]), "…", arrange(field.last[0])))
    yield Fact((Words("output i reads" if field.exact else "output i reads at most"),), (reads,), minor=True)


def _value(value: Value) -> Words | Math:
    return math(value) if isinstance(value, Formula) else Words(str(value))


def scale_page(scale: Scale) -> Page:
    """Return the layers of a scale side by side, with the ratios of their weights."""
    head = ("layer", "weights are shared", "weights", "biases", "MACs", "weights / dense")
    rows = tuple(map(_row, scale.rows))
    title = (Words("Weight sharing as a scale: from "), *shape(scale.input), Words(" to "), *shape(scale.output))
    subtitle = (Words("kernels of p × q, stride s; valid for "), *conditions(scale.valid_when))
    return Page(title, subtitle, (Grid(head, rows, (False,) * len(head)),))


def _row(row: ScaleRow) -> tuple[Cell, ...]:
    figures: tuple[Cell, ...] = tuple(((figure(value),),) for value in (row.weights, row.biases, row.macs, row.ratio))
    return (((Code(row.kind),),), ((Words(row.sharing),),), *figures)
