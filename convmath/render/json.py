"""JSON, schema 1: integers are numbers, formulas strings that the expression grammar reads back."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from convmath.formula import Formula, Value
from convmath.formula.text import digits, write
from convmath.report import Analysis, Field, LayerReport, NetworkReport, Operations, Totals

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
        **({} if set(field.period or ()) <= {1} else {"period": _values(field.period)}),
    }


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
        "receptive_field": _field(layer.receptive_field),
        "repeat": [{"index": index, "times": times} for index, times in layer.repeat],
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "output_shape": _values(totals.output_shape),
        "params": value(totals.params),
        "buffers": value(totals.buffers),
        "macs": value(totals.macs),
        "flops": value(totals.flops),
        "operations": _operations(totals.operations),
        "activations": value(totals.activations),
        "peak_activations": value(totals.peak_activations),
        "receptive_field": _field(totals.receptive_field),
        "receptive_field_layer": totals.receptive_field_layer,
        "valid_when": [str(each) for each in totals.valid_when],
    }
