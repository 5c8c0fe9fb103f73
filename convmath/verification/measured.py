"""One quantity of a network, measured: what the executor is seen to do at the path of a quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from convmath.errors import ConvmathError
from convmath.formula import Value
from convmath.formula.terms import whole
from convmath.numeric.measure import Field, LayerCosts, NetworkCosts, measure_costs, measure_fields
from convmath.quantity import Quantity
from convmath.report import LayerReport, NetworkReport, Totals
from convmath.spec.graph import Network
from convmath.spec.parse import POSITION

COUNTS = ("params", "buffers", "macs", "flops", "activations")
OPERATIONS = ("additions", "comparisons", "elementwise")
LONGEST = 1 << 12
"""The longest strip that an input is enlarged to, until an output meets no padding."""


def measure(network: Network, report: NetworkReport, quantity: Quantity, values: Mapping[str, int]) -> Value | None:
    """Return what is measured of a network at numbers; None for what is not measured.

    *report* is that of the network in symbols; from it come names only, no formula.
    """
    steps = quantity.steps[1:] if quantity.steps[0] == "totals" else quantity.steps
    try:
        bound = network.bind({each.name: values[each.name] for each in network.symbols})
        if steps[0] == "layers" and len(steps) > 2:
            return _part(bound, report, report.layer(str(steps[1])), steps[2:], values)
        return _part(bound, report, report.totals, steps, values)
    except (ConvmathError, KeyError, IndexError):
        return None


def _part(
    bound: Network,
    report: NetworkReport,
    stated: LayerReport | Totals,
    steps: tuple[str | int, ...],
    values: Mapping[str, int],
) -> Value | None:
    name = stated.name if isinstance(stated, LayerReport) else None
    quantity = steps[0]
    if quantity == "receptive_field":
        field_of = stated.receptive_field_layer if isinstance(stated, Totals) else stated.name
        return _field(bound, _last_of(report, field_of), steps[1:], values.get(POSITION))
    costs = measure_costs(bound)
    seen = _seen(costs, name)
    if quantity == "output_shape":
        shape = seen[-1].output_shape
        return shape[int(steps[1])] if len(steps) > 1 else _agreed(shape)
    if quantity == "peak_activations":
        return costs.peak_activations
    if quantity == "operations" and len(steps) > 1 and steps[1] in OPERATIONS:
        quantity = steps[1]
    elif quantity not in COUNTS:
        return None
    return sum(int(getattr(each, str(quantity))) for each in seen)


def _seen(costs: NetworkCosts, name: str | None) -> list[LayerCosts]:
    """Return the costs of a layer, of the layers of a group, or of all."""
    alone = [each for each in costs.layers if each.name == name]
    return alone or [each for each in costs.layers if name is None or each.name.startswith(f"{name}.")]


def _last_of(report: NetworkReport, name: str) -> int:
    """Return the layer, or the last one of a group."""
    found = [at for at, each in enumerate(report.layers) if each.name == name or each.name.startswith(f"{name}.")]
    return found[-1]


def _agreed(values: tuple[int, ...]) -> int | None:
    return values[0] if len(set(values)) == 1 else None


def _field(bound: Network, layer: int, steps: tuple[str | int, ...], position: int | None) -> Value | None:
    """Return a part of the receptive field of a layer: its size unless another part is named."""
    part = str(steps[0]) if steps and isinstance(steps[0], str) else "size"
    axes = [step for step in steps if isinstance(step, int)]
    rank = len(bound.inputs[0].sizes)
    found = [_on_axis(bound, layer, axis, part, position) for axis in axes or range(rank)]
    if not found or None in found or len(set(found)) > 1:
        return None
    return found[0]


def _on_axis(bound: Network, layer: int, axis: int, part: str, position: int | None) -> Value | None:
    """Measure at outputs whose window meets no padding, on a longer input where there is none."""
    source = bound.inputs[0]
    length = int(source.sizes[axis])  # type: ignore[arg-type]
    while True:
        found = _read(measure_fields(bound, axis)[layer], part, position)
        length = 2 * length + 16
        if found is not None or length > LONGEST:
            return found
        shape = tuple(length if at == axis + 1 else size for at, size in enumerate(source.shape))
        bound = replace(bound, inputs=(replace(source, shape=shape), *bound.inputs[1:]))


def _read(field: Field, part: str, position: int | None) -> Value | None:
    clean = np.flatnonzero(field.clean)
    if position is not None and part in ("first", "last"):
        if position not in clean:
            return None
        return int(getattr(field, part)[position])
    if part == "size" and len(clean):
        return int((field.last[clean] - field.first[clean] + 1).max())
    neighbours = np.flatnonzero(np.diff(clean) == 1)
    if part in ("jump", "start") and len(neighbours):
        at = int(clean[neighbours[0]])
        jump = int(field.first[at + 1] - field.first[at])
        return whole(jump) if part == "jump" else int(field.first[at]) - jump * at
    return None
