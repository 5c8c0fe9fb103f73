"""Another counter's number as a page and as JSON: convmath's MACs, then line by line what makes the difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from convmath.formula import Formula
from convmath.render.cells import NOTHING, grouped
from convmath.render.json import SCHEMA, value
from convmath.render.page import (
    Block,
    Cell,
    Code,
    Content,
    Fact,
    Facts,
    Given,
    Grid,
    Heading,
    Inline,
    Line,
    Page,
    Words,
    conditions,
    figure,
    math,
    settings,
    shape,
    symbols,
)
from convmath.report import Counted, Difference, Reconciliation, Writing

MOST_NAMED = 3
OURS = "MACs, as convmath counts"


def page(found: Reconciliation, *, all_layers: bool = False, formulas: bool = False) -> Page:
    """Return the page: numbers at the defaults where there are any, then formulas; few or all names of layers."""
    shown = found.counted if found.at is None or formulas else found.at
    numbered = not isinstance(shown.total, Formula)
    blocks: list[Block] = []
    if numbered:
        blocks += [_sum(found, shown), Line(_printed(found, shown))]
    if shown.differences:
        blocks.append(Facts(tuple(_layers(each, all_layers=all_layers) for each in shown.differences)))
    blocks += [Line(each) for each in _faults(found, shown)]
    if found.assumed:
        blocks.append(Line(_assumed(found)))
    if found.report.symbols:
        valid = found.report.totals.valid_when
        when = conditions(valid) if valid else symbols(each.name for each in found.report.symbols)
        blocks += [Heading((Words("For every "), *when)), Facts(tuple(_formulas(found)))]
    title = (Given(found.report.network, typed=False),)
    return Page(title, tuple(_subtitle(found, numbered=numbered)), tuple(blocks))


def _subtitle(found: Reconciliation, *, numbered: bool) -> Iterator[Inline]:
    for at, each in enumerate(found.report.inputs):
        yield Words(", " if at else "input ")
        yield from shape(each.shape)
    yield Words(f"; as {found.convention} {found.version} counts")
    if numbered and found.values:
        yield Words(" at ")
        yield from settings(found.values)


def _sum(found: Reconciliation, shown: Counted) -> Grid:
    layers = sum(each.macs != 0 for each in found.report.layers)
    rows: list[tuple[Cell, ...]] = [_row((Words(OURS),), str(layers or NOTHING), grouped(shown.macs))]
    for each in shown.differences:
        sign = "+" if not isinstance(each.amount, Formula) and each.amount >= 0 else ""
        rows.append(_row(_label(each), str(len(each.layers)), f"{sign}{grouped(each.amount)}"))
    foot = _row((Words(f"{found.convention} prints"),), "", grouped(shown.total))
    return Grid(("counted", "layers", "MACs"), tuple(rows), (False, True, True), foot)


def _row(label: Content, layers: str, number: str) -> tuple[Cell, ...]:
    return (label,), ((Words(layers),),), ((Words(number),),)


def _label(each: Difference) -> Content:
    return Code(each.kind), Words(f": {each.says}")


def _printed(found: Reconciliation, shown: Counted) -> Content:
    printed = "" if shown.printed in (None, str(shown.total)) else f"Rounded it is {shown.printed}. "
    alike = "" if shown.differences else f"{found.convention} counts this network as convmath does. "
    parameters = f"Parameters are {grouped(shown.params)} in both."
    return Words(f"{alike}The number is that of "), Code(found.call), Words(f". {printed}{parameters}")


def _layers(each: Difference, *, all_layers: bool) -> Fact:
    """Return which layers make a difference."""
    names = each.layers
    if not all_layers and len(names) > MOST_NAMED + 1:
        names = (*names[: MOST_NAMED - 1], "", names[-1])
    content: list[Inline] = []
    for name in names:
        content += [*([Words(", ")] if content else []), Given(name) if name else Words("…")]
    return Fact((Code(each.kind),), tuple(content))


def _faults(found: Reconciliation, shown: Counted) -> Iterator[Content]:
    """Yield what the counter gets wrong, kinds with the same fault together, and the right numbers."""
    together: dict[str, list[Difference]] = {}
    for each in shown.differences:
        if each.fault is not None:
            together.setdefault(each.fault, []).append(each)
    for fault, wrong in together.items():
        content: list[Inline] = [Words(f"{found.convention} is wrong here: {fault}. It counts ")]
        for at, each in enumerate(wrong):
            content += [*([Words("; ")] if at else []), figure(each.counted or 0), Words(" for "), Code(each.kind)]
            content += [Words(", right is "), figure(each.right or 0)]
        yield (*content, Words("."))


def _assumed(found: Reconciliation) -> Content:
    content: list[Inline] = [Words("Its number depends on how layers are written. Assumed: ")]
    kinds = [each.kind for each in found.assumed]
    meanings: dict[str, list[Writing]] = {}
    for each in found.assumed:
        meanings.setdefault(each.meaning, []).append(each)
    for at, (meaning, writings) in enumerate(meanings.items()):
        content.append(Words("; " if at else ""))
        for place, each in enumerate(writings):
            some = [Words(f"{each.layers} ")] if kinds.count(each.kind) > 1 else []
            content += [*([Words(", ")] if place else []), *some, Code(each.kind)]
        content.append(Words(f" as {meaning}"))
    return (*content, Words(". "), Code("--written"), Words(" says otherwise."))


def _formulas(found: Reconciliation) -> Iterator[Fact]:
    yield Fact((Words("MACs"),), (math(found.counted.macs),))
    kinds = [each.kind for each in found.counted.differences]
    for each in found.counted.differences:
        label = (Code(each.kind),) if kinds.count(each.kind) == 1 else _label(each)
        yield Fact(label, (math(each.amount),))
    yield Fact((Words(f"{found.convention} prints"),), (math(found.counted.total),))


def to_json(found: Reconciliation) -> str:
    """Return the sum as JSON, schema 1: formulas, and under ``at`` numbers."""
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "network": found.report.network,
        "convention": {"name": found.convention, "version": found.version, "call": found.call},
        "assumed": [{"kind": each.kind, "written": each.how, "layers": each.layers} for each in found.assumed],
        **_counted(found.counted),
        "valid_when": [str(each) for each in found.report.totals.valid_when],
    }
    if found.at is not None:
        data["at"] = {"symbols": dict(found.values), **_counted(found.at)}
    return json.dumps(data, indent=2, ensure_ascii=True)


def _counted(counted: Counted) -> dict[str, Any]:
    return {
        "macs": value(counted.macs),
        "differences": [_difference(each) for each in counted.differences],
        "total": value(counted.total),
        "params": value(counted.params),
        **({} if counted.printed is None else {"printed": counted.printed}),
    }


def _difference(each: Difference) -> dict[str, Any]:
    fault = {"fault": each.fault, "counted": value(each.counted), "right": value(each.right)}
    return {
        "kind": each.kind,
        "says": each.says,
        "amount": value(each.amount),
        "layers": list(each.layers),
        **(fault if each.fault else {}),
    }
