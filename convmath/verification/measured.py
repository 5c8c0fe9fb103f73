"""One quantity of a network, measured: what the executor is seen to do at the path of a quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from convmath.errors import ConvmathError
from convmath.formula import Value, bind
from convmath.numeric.measure import Field, LayerCosts, NetworkCosts, measure_costs, measure_fields
from convmath.quantity import Quantity
from convmath.report import Field as Stated
from convmath.report import LayerReport, NetworkReport, Totals
from convmath.spec.graph import Network, inside
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
            return _part(bound, report.layer(str(steps[1])), steps[2:], values)
        return _part(bound, report.totals, steps, values)
    except (ConvmathError, KeyError, IndexError):
        return None


def _part(
    bound: Network,
    stated: LayerReport | Totals,
    steps: tuple[str | int, ...],
    values: Mapping[str, int],
) -> Value | None:
    name = stated.name if isinstance(stated, LayerReport) else None
    quantity = steps[0]
    if quantity == "receptive_field":
        layer = _last_of(bound, stated.receptive_field_layer if isinstance(stated, Totals) else stated.name)
        return _field(bound, layer, stated.receptive_field, steps[1:], values)
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
    return alone or [each for each in costs.layers if name is None or inside(each.name, name)]


def _last_of(bound: Network, name: str) -> int:
    """Return the layer, or the last one of a group or of a repeat."""
    names = [node.name for node in bound.nodes]
    return [at for at, each in enumerate(names) if each == name or inside(each, name)][-1]


def _agreed(values: tuple[int, ...]) -> int | None:
    return values[0] if len(set(values)) == 1 else None


def _field(
    bound: Network, layer: int, stated: Stated, steps: tuple[str | int, ...], values: Mapping[str, int]
) -> Value | None:
    """Return a part of the receptive field of a layer: its size unless another part is named."""
    part = str(steps[0]) if steps and isinstance(steps[0], str) else "size"
    axes = [step for step in steps if isinstance(step, int)]
    found = []
    for axis in axes or range(len(bound.inputs[0].sizes)):
        periods = stated.period or stated.size
        wanted = 1 if stated.period is None else bind(periods[axis] or 1, values)
        look = _Look(part, values.get(POSITION), int(wanted) if isinstance(wanted, int) else 1, whole=stated.whole)
        found.append(_on_axis(bound, layer, axis, look))
    return found[0] if found and len(set(found)) == 1 else None


@dataclass(frozen=True, slots=True)
class _Look:
    """What to read off a field: a part, at one position for the ends of a window, over so many neighbours for sizes."""

    part: str
    position: int | None
    wanted: int
    whole: bool

    def at(self, field: Field) -> Value | None:
        """Return what is seen, at outputs whose window meets no padding; None where there are too few of them."""
        if self.whole:
            return max(0, int(field.last.max()) - int(field.first.min()) + 1) if self.part == "size" else None
        clean = np.flatnonzero(field.clean)
        if self.position is not None and self.part in ("first", "last"):
            return int(getattr(field, self.part)[self.position]) if self.position in clean else None
        if self.part == "size" and len(clean) >= self.wanted:
            return int((field.last[clean] - field.first[clean] + 1).max())
        neighbours = np.flatnonzero(np.diff(clean) == 1)
        if self.part in ("jump", "start") and len(neighbours) and self.wanted == 1:
            at = int(clean[neighbours[0]])
            jump = int(field.first[at + 1] - field.first[at])
            return jump if self.part == "jump" else int(field.first[at]) - jump * at
        return None


def _on_axis(bound: Network, layer: int, axis: int, look: _Look) -> Value | None:
    """Measure on an axis of the first input, on a longer one where too few outputs meet no padding."""
    source = bound.inputs[0]
    length = int(source.sizes[axis])  # type: ignore[arg-type]
    while True:
        found = look.at(measure_fields(bound, axis)[layer])
        length = 2 * length + 16
        if found is not None or length > LONGEST or look.whole:
            return found
        shape = tuple(length if at == axis + 1 else size for at, size in enumerate(source.shape))
        bound = replace(bound, inputs=(replace(source, shape=shape), *bound.inputs[1:]))
