"""How the formulas of a layer come about, step by step, as one would derive them on a blackboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count

from convmath.algebra import FloorMap, Word
from convmath.formula import Formula, Value, floor_plus, sum_of, symbol
from convmath.formula.layout import arrange
from convmath.formula.nodes import Name, Node, Number_, Product, Sum, substitute
from convmath.formula.notation import read
from convmath.report import Chain, Derivation, Law, LayerReport, NetworkReport, Step
from convmath.spec.graph import Network, arriving_channels
from convmath.spec.graph import Node as Place
from convmath.spec.layer import Layer, Merge, Windowed
from convmath.symbolic.compose import derive, follow
from convmath.symbolic.facts import Facts, Shape
from convmath.symbolic.general import instance
from convmath.symbolic.trace import POSITION, Trace
from convmath.symbolic.window import told

LAWS = {
    "nest": Law(read("floor((floor(x/a) + c)/b)"), read("floor((x + a*c)/(a*b))"), "for integers a, b ≥ 1 and c"),
    "shift": Law(read("floor(x/a) + c"), read("floor((x + a*c)/a)"), "for integers a ≥ 1 and c"),
}
FIRST = "!"
"""Stands for the size while terms are put in order, so that it comes before every symbol: ``x + 2*p``."""
VARIABLES = ("x", "y", "z", "t")


@dataclass(frozen=True, slots=True)
class _Stop:
    """One layer on the way: what is known before it, of it, and after it."""

    place: Place
    layer: Layer
    before: Trace
    facts: Facts
    after: Trace
    report: LayerReport


def derivations(network: Network, layer: str) -> tuple[Derivation, ...]:
    """Return how the size and the receptive field of *layer* come about.

    The way leads from the network's input over the first input of every layer. A vector
    has no size along an axis: there the last layer before it that has one is told of.

    Raises ``UsageError`` where there is no such layer.
    """
    part = network.up_to(layer)
    way = _way(part, list(_stops(part)))
    axes = _axes(way)
    image = _to_last_image(way)
    last = layer if len(image) == len(way) else image[-1].place.name
    variable = _variable({each.name for each in network.symbols})
    sizes = [_size(last, image, axis, variable) for axis in axes]
    fields = [found for axis in axes if (found := _field(layer, way, axis)) is not None]
    return (*sizes, *fields)


def counts(network: Network) -> tuple[Derivation, ...]:
    """Return how the parameters and the MACs of a network add up, layer by layer."""
    stops = list(_stops(network))
    found = (_count(network.nodes[-1].name, stops, each) for each in ("params", "macs"))
    return tuple(each for each in found if each is not None)


def _stops(network: Network) -> Iterator[_Stop]:
    traces, facts = follow(network)
    report: NetworkReport = derive(network)
    first = len(network.inputs)
    channels = {arriving_channels(at): trace.shape.channels for at, trace in enumerate(traces)}
    for at, place in enumerate(network.nodes):
        layer = place.resolved(channels)
        yield _Stop(place, layer, traces[place.inputs[0]], facts[at], traces[first + at], report.layers[at])


def _way(network: Network, stops: list[_Stop]) -> list[_Stop]:
    """Return the stops from the input to the last layer; where a merge joins outputs, over the one that sees most."""
    first, at, found = len(network.inputs), len(stops) - 1, []
    while at >= 0:
        found.append(stops[at])
        arriving = stops[at].place.inputs if isinstance(stops[at].layer, Merge) else stops[at].place.inputs[:1]
        at = max(arriving, key=lambda each: _seen(stops, each - first)) - first
    return found[::-1]


def _seen(stops: list[_Stop], at: int) -> int:
    """Return how much an output sees, as far as that is a number: what a way through a join is chosen by."""
    sizes = next(iter(stops[at].after.fields().values())).size if at >= 0 else ()
    return max((each for each in sizes if isinstance(each, int)), default=0)


def _variable(taken: set[str]) -> str:
    """Return a name for the size that arrives at a layer; no symbol of the network has it."""
    return next(each for each in chain(VARIABLES, (f"x_{at}" for at in count(1))) if each not in taken)


def _to_last_image(way: list[_Stop]) -> list[_Stop]:
    """Return the way up to the last layer that puts out an image; all of it where even the input is a vector."""
    images = [at for at, each in enumerate(way) if each.after.shape.sizes]
    if not images or images[-1] == len(way) - 1:
        return way
    return way[: 1 + max((at for at in images if not way[at].facts.minor), default=images[-1])]


def _axes(way: list[_Stop]) -> list[int]:
    """Return the axes that differ in more than the name of their size."""
    seen: list[object] = []
    found = []
    for axis in range(len(way[0].before.shape.sizes)):
        maps = [each.facts.maps[axis] if each.facts.maps else None for each in way]
        origin = way[0].before.shape.sizes[axis]
        signature = (maps, None if isinstance(origin, Formula) else origin)
        if signature not in seen:
            seen.append(signature)
            found.append(axis)
    return found


class _Laws:
    """The laws that a derivation has used so far, numbered as they come."""

    def __init__(self) -> None:
        self.used: list[str] = []

    def cite(self, name: str) -> int:
        if name not in self.used:
            self.used.append(name)
        return self.used.index(name) + 1

    @property
    def listed(self) -> tuple[Law, ...]:
        return tuple(LAWS[name] for name in self.used)


def _size(layer: str, way: list[_Stop], axis: int, variable: str) -> Derivation:
    """Derive the size along one axis: what each layer does to a size, and what has come about so far."""
    size = way[0].before.shape.sizes[axis]
    given = arrange(size)
    laws = _Laws()
    steps: list[Step] = []
    for stop in way:
        if not stop.facts.maps or (stop.facts.minor and stop.facts.maps[axis] == FloorMap()):
            continue
        does = _does(stop, axis, variable, laws)
        new = stop.after.shape.sizes[axis]
        so_far = _so_far(does, variable, size, new, stop.facts.maps[axis], laws)
        step = Step((stop.place.name,), (does, so_far))
        steps[-1:] = _joined(steps[-1], step) if steps else [step]
        size = new
    columns = (f"does to a size {variable}", "size so far")
    return Derivation(f"output_shape[{axis + 1}]", layer, given, variable, columns, tuple(steps), size, laws.listed)


def _joined(before: Step, step: Step) -> list[Step]:
    """Return two steps, or one where both keep the size: what is told of it is left out where it differs."""
    (did, done), (does, _) = before.cells, step.cells
    if did.forms[-1] != does.forms[-1] or not isinstance(does.forms[-1], Name):
        return [before, step]
    told_alike = did if did == does else Chain((does.forms[-1],))
    return [Step((*before.layers, *step.layers), (told_alike, done))]


def _does(stop: _Stop, axis: int, variable: str, laws: _Laws) -> Chain:
    """Return what a layer does to a size, as it is told and as one floor."""
    step = stop.facts.maps[axis]
    simple = substitute(arrange(step(symbol(FIRST))), {FIRST: Name(variable)})
    layer = stop.layer
    if not isinstance(layer, Windowed) or getattr(layer, "ceil_mode", False):
        return Chain((simple,))
    forms = _distinct(told(layer.windows[axis], Name(variable)), simple)
    return Chain(forms, (laws.cite("shift"),) if len(forms) > 1 and step.down != 1 else ())


def _so_far(does: Chain, variable: str, before: Value, after: Value, step: FloorMap, laws: _Laws) -> Chain:
    """Return the size so far put into what the layer does, then as one formula."""
    inserted = substitute(does.forms[-1], {variable: arrange(before)})
    forms = _distinct(inserted, arrange(after))
    parts = floor_plus(before)
    if len(forms) == 1 or parts is None or step.up != 1:
        return Chain(forms)
    return Chain(forms, (laws.cite("nest" if step.down != 1 else "shift"),))


def _distinct(*nodes: Node) -> tuple[Node, ...]:
    return tuple(dict.fromkeys(nodes))


def _field(layer: str, way: list[_Stop], axis: int) -> Derivation | None:
    """Derive the receptive field: each window adds its reach times the jump so far.

    None where the layer sees everything, or another way through the network sees more.
    Where a layer on the way enlarges, the field is followed from the output back.
    """
    if way[-1].after.whole or not way[-1].after.shape.sizes or any(each.facts.maps[axis].up == 0 for each in way):
        return None
    if any(each.facts.first[axis].down != 1 or each.facts.last[axis].down != 1 for each in way):
        return _followed(layer, way, axis)
    sees: Value = 1
    jump: Value = 1
    start: Value = 0
    steps: list[Step] = []
    for stop in way:
        first, last = stop.facts.first[axis], stop.facts.last[axis]
        if first == last == FloorMap():
            continue
        extent = last.shift - first.shift + 1
        cells = (
            Chain((arrange(extent),)),
            Chain((arrange(first.up),)),
            _step(sees, extent - 1, jump),
            Chain(_distinct(_times(jump, first.up), arrange(jump * first.up))),
            _step(start, first.shift, jump),
        )
        sees, jump, start = sees + (extent - 1) * jump, jump * first.up, start + first.shift * jump
        if sees != next(iter(stop.after.fields().values())).size[axis]:
            return None  # another way sees more
        steps.append(Step((stop.place.name,), cells))
    if sees != way[-1].report.receptive_field.size[axis]:
        return None  # another path sees more
    columns = ("spans", "stride", "sees", "jump", "starts at")
    quantity = f"receptive_field.size[{axis}]"
    return Derivation(quantity, layer, Number_(1), "", columns, tuple(steps), sees) if steps else None


def _followed(layer: str, way: list[_Stop], axis: int) -> Derivation | None:
    """Derive the first and the last pixel that output i reads, from the last layer back to the input."""
    near, far = Word(), Word()
    names = {
        name for stop in way for size in stop.before.shape.sizes if isinstance(size, Formula) for name in size.names
    }
    variable = _variable(names)
    steps: list[Step] = []
    for stop in reversed(way):
        first, last = stop.facts.first[axis], stop.facts.last[axis]
        if first == last == FloorMap():
            continue
        near, far = near.then(first), far.then(last)
        at = symbol(variable)
        values = (first(at), last(at), near(POSITION), far(POSITION))
        steps.append(Step((stop.place.name,), tuple(Chain((arrange(each),)) for each in values)))
    field = next(iter(way[-1].after.fields().values()))
    if (
        field.first is None
        or field.last is None
        or (near(POSITION), far(POSITION)) != (field.first[axis], field.last[axis])
    ):
        return None  # another way sees more
    columns = (f"{variable} reads from", "to", "so far i reads from", "up to")
    quantity = f"receptive_field.first[{axis}]"
    return Derivation(quantity, layer, Number_(0), variable, columns, tuple(steps), near(POSITION)) if steps else None


def _step(before: Value, more: Value, jump: Value) -> Chain:
    """Return ``before + more*jump`` as it is put together, and its value."""
    after = arrange(before + more * jump)
    if more == 0:
        return Chain((after,))
    negative = not isinstance(more, Formula) and more < 0
    added = _times(-more if negative else more, jump)
    terms: tuple[tuple[int, Node], ...] = ((-1 if negative else 1, added),)
    if before != 0:
        held = arrange(before)
        terms = (*(held.terms if isinstance(held, Sum) else ((1, held),)), *terms)
    put = terms[0][1] if terms[0][0] > 0 and len(terms) == 1 else Sum(terms)
    return Chain(_distinct(put, after))


def _times(left: Value, right: Value) -> Node:
    """Return a product as it is put together; a factor of one is left out."""
    factors = [arrange(each) for each in (left, right) if each != 1]
    return Product(tuple(factors)) if len(factors) == 2 else factors[0] if factors else Number_(1)


def _count(layer: str, stops: list[_Stop], quantity: str) -> Derivation | None:
    """Derive a count that is a sum over layers; None where no layer has any."""
    steps = []
    values = []
    for stop in stops:
        value = getattr(stop.report, quantity)
        if value == 0:
            continue
        before = Shape(stop.before.shape.channels, stop.before.shape.sizes)
        put = instance(stop.layer, before, stop.report, quantity)
        forms = (arrange(value),) if put is None else _distinct(put, arrange(value))
        steps.append(Step((stop.place.name,), (Chain(forms),)))
        values.append(value)
    if not steps:
        return None
    title = {"params": "parameters", "macs": "MACs"}[quantity]
    return Derivation(quantity, layer, Number_(0), "", (title,), tuple(steps), sum_of(values))
