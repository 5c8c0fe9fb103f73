"""JSON, schema 1: integers are numbers, formulas strings that the expression grammar reads back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from convmath.formula import Formula, Value
from convmath.formula.text import digits, write, write_node
from convmath.report import (
    Analysis,
    Comparison,
    Derivation,
    Disagreement,
    Field,
    Formulas,
    LayerReport,
    NetworkReport,
    Operations,
    Scale,
    Sheet,
    Totals,
)

SCHEMA = 1


def render(analysis: Analysis) -> str:
    """Return the analysis as JSON."""
    report = analysis.report
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "network": report.network,
        "symbols": [
            {"name": each.name, "min": each.minimum, "max": each.maximum, "default": each.default}
            for each in report.symbols
        ],
        "inputs": [{"name": each.name, "shape": _values(each.shape)} for each in report.inputs],
        **_network(report),
    }
    if analysis.at is not None:
        data["at"] = {"symbols": dict(analysis.values), **_network(analysis.at)}
    return json.dumps(data, indent=2, ensure_ascii=True)


def _network(report: NetworkReport) -> dict[str, Any]:
    return {"layers": [_layer(each) for each in report.layers], "totals": _totals(report.totals)}


def value(held: Value | None) -> Any:
    """Return an integer as a number, a formula or a fraction as text."""
    if isinstance(held, Formula | Fraction):
        return write(held)
    if held is not None:
        digits(held)
    return held


def _values(held: tuple[Value | None, ...] | None) -> list[Any] | None:
    return None if held is None else [value(each) for each in held]


def _field(field: Field) -> dict[str, Any]:
    return {
        "size": _values(field.size),
        "jump": _values(field.jump),
        "start": _values(field.start),
        "first": _values(field.first),
        "last": _values(field.last),
        "whole": field.whole,
        **({} if field.exact else {"exact": False}),
        **(
            {} if field.disagreement is None else {"disagreement": [_disagreement(each) for each in field.disagreement]}
        ),
        **({} if field.local is None else {"without_gates": _field(field.local)}),
        **({} if set(field.period or ()) <= {1} else {"period": _values(field.period)}),
    }


def _fields(field: Field, by_input: Mapping[str, Field]) -> dict[str, Any]:
    """Return a field, or with several inputs one for each that is read."""
    return {name: _field(each) for name, each in by_input.items()} if by_input else _field(field)


def _disagreement(each: Disagreement | None) -> dict[str, Any] | None:
    return None if each is None else {"jumps": _values(each.jumps), "apart": value(each.apart)}


def _operations(operations: Operations) -> dict[str, Any]:
    return {
        "additions": value(operations.additions),
        "comparisons": value(operations.comparisons),
        "elementwise": value(operations.elementwise),
    }


def _layer(layer: LayerReport) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "inputs": list(layer.inputs),
        "output_shape": _values(layer.output_shape),
        "params": value(layer.params),
        "buffers": value(layer.buffers),
        "macs": value(layer.macs),
        "flops": value(layer.flops),
        "operations": _operations(layer.operations),
        "activations": value(layer.activations),
        "receptive_field": _fields(layer.receptive_field, layer.fields),
        **({} if layer.shares is None else {"shares": layer.shares}),
        "repeat": [{"index": index, "times": times} for index, times in layer.repeat],
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "output_shape": {name: _values(each) for name, each in totals.outputs.items()} or _values(totals.output_shape),
        "params": value(totals.params),
        "buffers": value(totals.buffers),
        "macs": value(totals.macs),
        "flops": value(totals.flops),
        "operations": _operations(totals.operations),
        "activations": value(totals.activations),
        "peak_activations": value(totals.peak_activations),
        "receptive_field": _fields(totals.receptive_field, totals.fields),
        "receptive_field_layer": totals.receptive_field_layer,
        "valid_when": [str(each) for each in totals.valid_when],
    }


COUNTS = ("params", "buffers", "macs", "flops", "activations")
TOTALS = (*COUNTS, "peak_activations")


def render_formulas(formulas: Formulas) -> str:
    """Return the closed forms of a network, or of one layer; behind them the derivations that were asked for."""
    report = formulas.analysis.report
    record = report.totals if formulas.layer is None else report.layer(formulas.layer)
    held: dict[str, Value | None] = {f"output_shape[{at}]": size for at, size in enumerate(record.output_shape)}
    held |= {name: getattr(record, name) for name in (COUNTS if formulas.layer else TOTALS)}
    for part in ("size", "jump", "start", "first", "last"):
        entries = getattr(record.receptive_field, part) or ()
        held |= {f"receptive_field.{part}[{axis}]": entry for axis, entry in enumerate(entries)}
    valid = [str(each) for each in report.totals.valid_when]
    found = [
        {"quantity": name, "formula": value(each), "valid_when": valid, "steps": []} for name, each in held.items()
    ]
    data = {
        "schema": SCHEMA,
        "network": report.network,
        "layer": formulas.layer,
        "quantities": [*found, *(_derivation(each, formulas, valid) for each in formulas.derivations)],
    }
    return json.dumps(data, indent=2, ensure_ascii=True)


def _derivation(derivation: Derivation, formulas: Formulas, valid: list[str]) -> dict[str, Any]:
    """Return a derivation as a quantity of its layer, or of the whole network for a sum."""
    path = derivation.quantity
    if derivation.quantity not in ("params", "macs") and derivation.layer != formulas.layer:
        path = f'layers["{derivation.layer}"].{path}'
    steps = [
        {
            "layers": list(step.layers),
            **{
                column: {"forms": [write_node(form) for form in cell.forms], "laws": list(cell.laws)}
                for column, cell in zip(derivation.columns, step.cells, strict=True)
            },
        }
        for step in derivation.steps
    ]
    laws = [f"{write_node(law.left)} = {write_node(law.right)} {law.condition}" for law in derivation.laws]
    formula = value(derivation.result)
    return {"quantity": path, "formula": formula, "valid_when": valid, "steps": steps, "laws": laws}


def render_sheet(sheet: Sheet) -> str:
    """Return the general formulas of a kind."""
    return json.dumps(_sheet(sheet), indent=2, ensure_ascii=True)


def render_sheets(sheets: Sequence[Sheet]) -> str:
    """Return the general formulas of many kinds."""
    return json.dumps({"schema": SCHEMA, "kinds": list(map(_sheet, sheets))}, indent=2, ensure_ascii=True)


def _sheet(sheet: Sheet) -> dict[str, Any]:
    totals = sheet.report.totals
    left, right = sheet.equation
    valid = [str(each) for each in totals.valid_when]
    held: dict[str, Value | None] = {f"output_shape[{at}]": size for at, size in enumerate(totals.output_shape)}
    held |= {name: getattr(totals, name) for name in COUNTS}
    return {
        "schema": SCHEMA,
        "kind": sheet.kind,
        "fields": dict(sheet.fields),
        "defaults": dict(sheet.defaults),
        "equation": f"{write_node(left)} = {write_node(right)}",
        "constants": dict(sheet.constants),
        "source": sheet.source,
        "elsewhere": {who: name for who, name in sheet.elsewhere if name},
        "input": _values(sheet.report.inputs[0].shape),
        "quantities": [{"quantity": name, "formula": value(each), "valid_when": valid} for name, each in held.items()],
        "operations": _operations(totals.operations),
        "receptive_field": _field(sheet.report.layers[-1].receptive_field),
    }


def render_scale(scale: Scale) -> str:
    """Return the layers of a scale with the ratios of their weights."""
    rows = [
        {
            "kind": row.kind,
            "sharing": row.sharing,
            "weights": value(row.weights),
            "biases": value(row.biases),
            "macs": value(row.macs),
            "ratio": value(row.ratio),
        }
        for row in scale.rows
    ]
    return json.dumps(
        {"schema": SCHEMA, "input": _values(scale.input), "output": _values(scale.output), "layers": rows}, indent=2
    )


def render_comparison(comparison: Comparison) -> str:
    """Return the totals of several networks, their ratios to the first, and where one has less."""
    data = {
        "schema": SCHEMA,
        "networks": list(comparison.names),
        "quantities": [
            {
                "quantity": row.quantity,
                "formulas": _values(row.values),
                "ratios": _values(row.ratios),
                "numbers": _values(row.numbers),
                "number_ratios": _values(row.number_ratios),
            }
            for row in comparison.rows
        ],
        "valid_when": [[str(each) for each in analysis.report.totals.valid_when] for analysis in comparison.analyses],
        "overtaking": [
            {
                "quantity": each.quantity,
                "less": comparison.names[each.less],
                "more": comparison.names[each.more],
                "symbol": each.symbol,
                "above": value(each.threshold),
                "while_positive": value(each.slope),
            }
            for each in comparison.overtaking
        ],
    }
    return json.dumps(data, indent=2, ensure_ascii=True)
