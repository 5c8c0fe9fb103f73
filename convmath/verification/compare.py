"""Shapes, parameters, operations and activations: what a report states against what was counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convmath.errors import SpecError
from convmath.formula import Value, bind
from convmath.numeric.measure import LayerCosts, NetworkCosts, measure_costs
from convmath.report import LayerReport, NetworkReport, Totals
from convmath.spec.graph import Network, inside
from convmath.verification.tally import Tally

RUNS, REFUSED = "runs", "refused"
COUNTED = ("params", "buffers", "macs", "additions", "comparisons", "elementwise", "flops", "activations")
BY_ARRAY = "the weights that were read, by array"
BY = {
    "output_shape": "the shapes of the arrays",
    "params": "the weights that were read, one by one",
    "buffers": "the buffers that were read",
    "macs": "every product counted",
    "flops": "every operation counted",
    "activations": "the arrays that were made",
    "peak_activations": "the arrays alive at once",
    "valid_when": "runs at the bound, is refused just outside",
}


def compare(report: NetworkReport, costs: NetworkCosts, values: Mapping[str, Any], tally: Tally) -> None:
    """Hold what is counted, of every layer, of every named group and in total, against the executor's counts."""
    for layer in report.layers:
        within = made_by(layer, costs.layers)
        seen = within[-1]
        for axis, size in enumerate(layer.output_shape):
            found = seen.output_shape[axis] if axis < len(seen.output_shape) else None
            key = (layer.name, f"output_shape[{axis}]")
            tally.note(key, size, bind(size, values), found, at=values, by=BY["output_shape"])
        _counts(layer.name, layer, within, values, tally)
    for group in report.groups:
        parts = [seen for seen in costs.layers if inside(seen.name, group.name)]
        _counts(group.name, group, parts, values, tally)
    _counts(None, report.totals, list(costs.layers), values, tally)
    peak = report.totals.peak_activations
    if peak is not None:
        stated, by = bind(peak, values), BY["peak_activations"]
        tally.note((None, "peak_activations"), peak, stated, costs.peak_activations, at=values, by=by)


def made_by(layer: LayerReport, seen: Sequence[LayerCosts]) -> list[LayerCosts]:
    """Return what was executed of a layer: itself, or all passes of a repeat that was unrolled."""
    if layer.kind != "repeat":
        return [each for each in seen if each.name == layer.name]
    return [each for each in seen if inside(each.name, layer.name)]


def _counts(
    name: str | None, stated: LayerReport | Totals, seen: list[LayerCosts], values: Mapping[str, Any], tally: Tally
) -> None:
    """Hold the counts of one layer, or the sums of several, against what was stated."""
    for quantity, formula in _formulas(stated):
        counted = sum(getattr(each, quantity) for each in seen)
        by = BY.get(quantity, BY["flops"])
        if quantity == "params" and not all(each.by_identity for each in seen):
            by = BY_ARRAY
        path = quantity if quantity in BY else f"operations.{quantity}"
        tally.note((name, path), formula, bind(formula, values), counted, at=values, by=by)


def _formulas(stated: LayerReport | Totals) -> Iterator[tuple[str, Value]]:
    for quantity in COUNTED:
        yield quantity, getattr(stated if quantity in BY else stated.operations, quantity)


def outcome_of(bound: Network) -> str:
    """Return whether the executor runs a network, refuses it, or fails."""
    try:
        measure_costs(bound)
    except SpecError:
        return REFUSED
    except Exception as error:  # noqa: BLE001  (a kernel that breaks refutes the rule, it does not end the program)
        return failure(error)
    return RUNS


def failure(error: Exception) -> str:
    """Return an unexpected error of a kernel as what was measured."""
    return f"fails ({type(error).__name__}: {str(error)[:80]})"
