"""From a network to its report: walks the graph once, in order, rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from convmath.errors import ExpressionError, LimitError, SpecError
from convmath.formula import Formula, Value, ratio, sum_of, symbol
from convmath.report import Condition, InputReport, LayerReport, NetworkReport, Operations, SymbolReport, Totals
from convmath.spec.graph import Group, Input, Network, Node, SymbolInfo, arriving_channels
from convmath.spec.layer import Layer, Merge, Windowed
from convmath.symbolic import (  # noqa: F401  (register the rules)
    activation,
    conv,
    deformable,
    dense,
    local,
    merge,
    norm,
    opaque,
    passes,
    pool,
    reshape,
    shuffle,
    transpose,
    upsample,
)
from convmath.symbolic.constraints import Constraints
from convmath.symbolic.facts import Facts, Shape, apply
from convmath.symbolic.join import accompanied, join, unlike
from convmath.symbolic.memory import moments, peak
from convmath.symbolic.trace import Trace
from convmath.symbolic.whole import Whole, whole_views
from convmath.symbolic.window import misfit

STRIDE = 100
"""How many layers pass between two calls of a progress function."""


def derive(network: Network, progress: Callable[[int], None] | None = None) -> NetworkReport:
    """Return every quantity of *network*, per layer and in total.

    *progress* is told now and then how many layers were done since it was last called.

    Sizes and counts are integers, or formulas in the network's symbols.

    Raises ``SpecError`` naming the layer where a window does not fit, groups do not
    divide, or a dense layer meets an image.
    """
    walk = Walk(network)
    report = walk.report(progress)
    return simplified(network, report, walk.constraints) or report


def simplified(network: Network, report: NetworkReport, constraints: Constraints) -> NetworkReport | None:
    """Return the report with the formulas that hold under the classes of its joins; None where joins leave it as it is.

    Where all valid sizes are ``m*t + r``, the network is derived once more in t, so that
    ``2*floor(H/2)`` becomes 2*t, and then H again.
    """
    inside: dict[str, Value] = {}
    back: dict[str, Value] = {}
    free: list[SymbolInfo] = []
    for info in network.symbols:
        found = constraints.progression(info.name)
        if found is not None:
            modulus, residue, least = found
            inside[info.name] = modulus * symbol(f"{info.name}@") + residue
            back[f"{info.name}@"] = ratio(symbol(info.name) - residue, modulus)
            free.append(SymbolInfo(f"{info.name}@", (least - residue) // modulus))
    if not inside:
        return None
    bound = network.bind(inside)
    once_more = Walk(replace(bound, symbols=(*bound.symbols, *free))).report(None)
    try:
        found_again: NetworkReport = rebound(once_more, back)
    except ExpressionError:
        return None
    totals = replace(found_again.totals, valid_when=report.totals.valid_when)
    return replace(found_again, symbols=report.symbols, inputs=report.inputs, joins=report.joins, totals=totals)


def rebound(held: Any, values: Mapping[str, Value]) -> Any:
    """Return a record with the symbols of all formulas inside replaced."""
    if isinstance(held, Formula):
        return held.bind(values)
    if isinstance(held, tuple):
        return tuple(rebound(each, values) for each in held)
    if isinstance(held, dict):
        return {key: rebound(each, values) for key, each in held.items()}
    if is_dataclass(held) and not isinstance(held, type):
        return replace(held, **{each.name: rebound(getattr(held, each.name), values) for each in fields(held)})
    return held


def follow(network: Network) -> tuple[list[Trace], list[Facts]]:
    """Return the trace of every producer, the network's inputs first, and the facts of every node."""
    walk = Walk(network)
    walk.conditions()
    return walk.traces, walk.facts


class Walk:
    """One pass over a network, node by node."""

    def __init__(self, network: Network, *, searching: bool = False) -> None:
        self.network = network
        self.searching = searching
        self.constraints = Constraints(network)
        self.traces = [Trace.of_input(each, at) for at, each in enumerate(network.inputs)]
        self.channels = {arriving_channels(at): trace.shape.channels for at, trace in enumerate(self.traces)}
        self.facts: list[Facts] = []
        self.known: dict[tuple[Layer, tuple[Shape, ...]], Facts] = {}

    def report(self, progress: Callable[[int], None] | None) -> NetworkReport:
        for at, node in enumerate(self.network.nodes, 1):
            self._step(node)
            if progress is not None and at % STRIDE == 0:
                progress(STRIDE)
        layers = tuple(self._layer(at, node) for at, node in enumerate(self.network.nodes))
        network = self.network
        return NetworkReport(
            network=network.name,
            symbols=tuple(SymbolReport(s.name, s.minimum, s.maximum, s.default) for s in network.symbols),
            inputs=tuple(InputReport(each.name, each.shape) for each in network.inputs),
            layers=layers,
            groups=tuple(_group(group, layers) for group in network.groups),
            totals=self._totals(layers),
            joins=tuple(self.constraints.joins),
        )

    def conditions(self) -> tuple[Condition, ...]:
        """Return when every window fits, without the rest of the report."""
        for node in self.network.nodes:
            self._step(node)
        return self.constraints.conditions()

    def _step(self, node: Node) -> None:
        layer = node.resolved(self.channels)
        self.constraints.fields(node, layer)
        parts = [self.traces[each] for each in node.inputs]
        before = parts[0]
        try:
            facts = self._apply(layer, *(each.shape for each in parts))
        except LimitError:
            raise
        except SpecError as error:
            [problem] = error.problems
            raise self.network.refuse(node, problem.code, problem.message, problem.help) from None
        self.constraints.require(node, facts.requirements)
        self._least(node, before, facts)
        facts = self._shared(node, layer, parts, facts)
        if before.uneven and facts.picks:
            facts = replace(facts, hull=False)  # those that stay, or come to a position, may see less than all of them
        if isinstance(layer, Merge):
            after = join(self, node, parts, facts)
        else:
            after = before.step(facts, self._whole(node, facts) if facts.whole else None)
        self._fits(node, layer, before, after)
        if len(parts) > 1 and not isinstance(layer, Merge):
            after = accompanied(self, node, after, parts[1:])
        self.channels[arriving_channels(len(self.traces))] = after.shape.channels
        self.traces.append(after)
        self.facts.append(facts)

    def _apply(self, layer: Layer, *shapes: Shape) -> Facts:
        """Return the facts of a layer; in a deep stack the same layer meets the same shape again and again."""
        key = (layer, shapes)
        if key not in self.known:
            self.known[key] = apply(layer, *shapes)
        return self.known[key]

    def _whole(self, node: Node, facts: Facts) -> dict[int, Whole]:
        found = self.whole(node.inputs[0])
        return found if facts.hull else {at: replace(each, exact=False) for at, each in found.items()}

    def whole(self, producer: int) -> dict[int, Whole]:
        """Return what all positions of an output see together, of each input of the network."""
        return whole_views(self.network, producer, self.traces, self.facts, self.constraints.bounds())

    def _shared(self, node: Node, layer: Layer, parts: list[Trace], facts: Facts) -> Facts:
        """Return the facts of a layer without the parameters that it shares: they are counted at their owner."""
        if node.share is None:
            return facts
        owner = self.network.nodes[node.share]
        arrived = self.traces[owner.inputs[0]].shape
        wrong = unlike(layer, owner.resolved(self.channels))
        needed = facts.params != 0 or facts.buffers != 0
        if needed and not wrong and parts[0].shape.channels != arrived.channels:
            wrong = f"{parts[0].shape.channels} and {arrived.channels} channels arrive"
        if needed and wrong:
            message = f"it cannot share the parameters of {owner.name}: {wrong}"
            raise self.network.refuse(node, "bad-share", message, "shared layers have the same weights, shape by shape")
        return replace(facts, params=0, buffers=0)

    def _least(self, node: Node, before: Trace, facts: Facts) -> None:
        """Require the input sizes that the layer asks for, as a mirroring padding does."""
        asked = [*enumerate(facts.least), *((at, need) for at, needs in enumerate(facts.needs) for need in needs)]
        for at, least in asked:
            size = before.shape.sizes[at]
            if isinstance(size, Formula) or isinstance(least, Formula):
                self.constraints.size(before.origin[at], before.sizes[at], size, least, node.name)
            elif size < least:
                message = f"padding needs {least} or more elements on axis {at}, but {size} arrive"
                raise self.network.refuse(node, "bad-padding", message, self.way_out(at))

    def _fits(self, node: Node, layer: Layer, before: Trace, after: Trace) -> None:
        """Require that every axis of the output has at least one element."""
        for at, size in enumerate(after.shape.sizes):
            if isinstance(size, Formula):
                self.constraints.size(after.origin[at], after.sizes[at], size, 1, node.name)
            elif size < 1:
                why = f"axis {at} would have size {size}"
                if isinstance(layer, Windowed):
                    why = f"axis {at}: {misfit(layer.windows[at], before.shape.sizes[at])}"
                message = f"the window does not fit; {why}; {before.shape} arrives"
                raise self.network.refuse(node, "does-not-fit", message, self.way_out(at))

    def way_out(self, axis: int) -> str:
        """Return which sizes of the network's input all layers accept."""
        source = self.network.inputs[0]
        if self.searching:
            return ""
        if axis >= len(source.sizes):
            return "change the window, its stride or its padding"
        name, given = f"size@{axis}", source.sizes[axis]
        inputs = self.network.inputs
        for at, size in enumerate(source.sizes):  # all axes at once: another one may be too small as well
            inputs = tuple(_with_size(each, at, size, symbol(f"size@{at}")) for each in inputs)
        free = Walk(replace(self.network, inputs=inputs), searching=True)
        try:
            free.conditions()
        except SpecError:
            return f"no other size of the input helps on axis {axis}: change the window, its stride or its padding"
        least = free.constraints.lowest(name)
        if not free.constraints.sizes(name)[0].every:
            around = free.constraints.nearest(name, given) if isinstance(given, int) else []
            return f"on axis {axis} inputs of {' or '.join(map(str, around))} fit" if around else "use another input"
        return f"the network needs an input of {least} or more on axis {axis}" if least > 1 else "use a larger input"

    def _layer(self, at: int, node: Node) -> LayerReport:
        facts, trace = self.facts[at], self.traces[len(self.network.inputs) + at]
        shape = trace.shape
        fields = {self.network.inputs[at].name: each for at, each in trace.fields().items()}
        return LayerReport(
            name=node.name,
            kind=node.kind,
            inputs=tuple(self._producer(each) for each in node.inputs),
            output_shape=(shape.channels, *shape.sizes),
            params=facts.params,
            buffers=facts.buffers,
            macs=facts.macs,
            operations=facts.operations,
            activations=facts.activations,
            receptive_field=next(iter(fields.values())),
            repeat=node.repeat,
            minor=facts.minor,
            fields=fields if len(self.network.inputs) > 1 else {},
            shares=None if node.share is None else self.network.nodes[node.share].name,
        )

    def _producer(self, index: int) -> str:
        inputs = self.network.inputs
        return inputs[index].name if index < len(inputs) else self.network.nodes[index - len(inputs)].name

    def _totals(self, layers: tuple[LayerReport, ...]) -> Totals:
        conditions = self.constraints.conditions()
        alive, at = self._peak(layers)
        field = self._field_layer()
        outputs = self.network.outputs
        return Totals(
            output_shape=layers[self.network.outputs[-1]].output_shape,
            **_sums(layers),
            peak_activations=alive,
            peak_layer=None if at is None else layers[at].name,
            receptive_field=layers[field].receptive_field,
            receptive_field_layer=layers[field].name,
            valid_when=conditions,
            outputs={layers[at].name: layers[at].output_shape for at in outputs} if len(outputs) > 1 else {},
            fields=layers[field].fields,
        )

    def _peak(self, layers: tuple[LayerReport, ...]) -> tuple[Value | None, int | None]:
        if any(facts.made is not None for facts in self.facts):
            return None, None  # what is alive inside of a repeat is known once it is unrolled
        elements = [trace.shape.elements for trace in self.traces]
        found = moments(self.network, elements, [facts.view for facts in self.facts])
        computing = {at for at, each in enumerate(layers) if each.macs != 0}
        return peak(found, computing, self.constraints.bounds())

    def _field_layer(self) -> int:
        """Return the last layer whose field is one formula for all positions; else the last one."""
        traces = self.traces[len(self.network.inputs) :]
        for at in range(len(traces) - 1, -1, -1):
            trace = traces[at]
            if trace.shape.sizes and not trace.whole and not trace.fixed:
                return self._shown(at)
        return len(traces) - 1

    def _shown(self, at: int) -> int:
        """Return the layer that made this field: activations and norms that only keep it are passed over."""
        while self.facts[at].minor and at > 0 and self.network.nodes[at].inputs == (len(self.network.inputs) + at - 1,):
            at -= 1
        return at


def _with_size(source: Input, axis: int, given: Value, size: Value) -> Input:
    """Return an input with another size along an axis, if it has the given one there."""
    at = axis + 1
    if len(source.shape) <= at or source.shape[at] != given:
        return source
    return replace(source, shape=(*source.shape[:at], size, *source.shape[at + 1 :]))


def _sums(layers: tuple[LayerReport, ...]) -> dict[str, Any]:
    return {
        "params": sum_of(each.params for each in layers),
        "buffers": sum_of(each.buffers for each in layers),
        "macs": sum_of(each.macs for each in layers),
        "operations": Operations(
            sum_of(each.operations.additions for each in layers),
            sum_of(each.operations.comparisons for each in layers),
            sum_of(each.operations.elementwise for each in layers),
        ),
        "activations": sum_of(each.activations for each in layers),
    }


def _group(group: Group, layers: tuple[LayerReport, ...]) -> LayerReport:
    """Return a named block or repeat as one layer: sums, and the output of its last layer."""
    parts = layers[group.start : group.stop]
    last = parts[-1]
    return LayerReport(
        name=group.name,
        kind="group",
        inputs=parts[0].inputs,
        output_shape=last.output_shape,
        **_sums(parts),
        receptive_field=last.receptive_field,
        repeat=last.repeat,
    )
