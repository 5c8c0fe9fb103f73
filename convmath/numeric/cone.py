"""The cone of one output position: which positions of every map before it lead there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from convmath.errors import LimitError, Problem, UsageError, inert
from convmath.numeric.array import Shape
from convmath.numeric.counts import Counter, Counts
from convmath.numeric.execute import Step, check_bound, input_shape, walk
from convmath.numeric.kernels import kernel
from convmath.numeric.traces import Reads
from convmath.numeric.weights import Weights, identified, shapeless
from convmath.seen import Cone, Link, Row
from convmath.spec.graph import Network

MOST_POSITIONS = 4_096
"""Maps with more positions along the axis are not drawn."""


@dataclass(frozen=True, slots=True)
class Local:
    """What a layer's positions read of the maps that arrive, along one axis; ``None`` where it has no such axis."""

    name: str
    kind: str
    size: int
    inputs: tuple[int, ...]
    masks: tuple[tuple[int, ...], ...]
    padded: tuple[bool, ...]

    @property
    def passes_on(self) -> bool:
        """Whether every position reads only the same position of the one map that arrives."""
        return len(self.masks) == 1 and all(mask == 1 << at for at, mask in enumerate(self.masks[0]))


def cone(network: Network, axis: int, layer: str | None, position: int | None) -> Cone:
    """Return the cone of one position of a layer; of the last layer that has the axis, and its middle, unless given.

    Raises ``UsageError`` for a layer, an axis or a position that there is not.
    """
    check_bound(network)
    sizes = [input_shape(each) for each in network.inputs]
    for shape in sizes:
        if not 0 <= axis < len(shape) - 1:
            raise UsageError(f"there is no axis {axis}: an input has {len(shape) - 1} spatial axes, counted from 0")
    found = _inputs(network, sizes, axis) | _locals(network, sizes, axis)
    names = {each.name: producer for producer, each in found.items()}
    if layer is not None and layer not in names:
        raise UsageError(f"'{inert(layer)}' has no axis {axis}: every element of a vector reads the whole input")
    target = names[layer] if layer is not None else max(found)
    size = found[target].size
    at = (size - 1) // 2 if position is None else position
    if not 0 <= at < size:
        raise UsageError(f"position {at} does not exist: '{inert(found[target].name)}' has {size}, counted from 0")
    return Cone(network.name, axis, at, _rows(found, target, at))


def _inputs(network: Network, sizes: list[Shape], axis: int) -> dict[int, Local]:
    every = zip(network.inputs, sizes, strict=True)
    return {at: Local(each.name, "input", shape[axis + 1], (), (), ()) for at, (each, shape) in enumerate(every)}


def _locals(network: Network, sizes: list[Shape], axis: int) -> dict[int, Local]:
    """Return every layer that has the axis, and whose inputs all have it, by its producer."""
    found: dict[int, Local] = {}
    first, rank = len(sizes), len(sizes[0])
    known = set(range(first))
    counts = [Counts(shape, Counter()) for shape in sizes]
    for at, step in enumerate(walk(network, counts, lambda _: Weights(identified)), first):
        if len(step.output.shape) == rank and known.issuperset(step.node.inputs):
            if max(step.output.shape[axis + 1], *(each.shape[axis + 1] for each in step.inputs)) > MOST_POSITIONS:
                message = f"a map of '{step.node.name}' has more than {MOST_POSITIONS:,} positions"
                raise LimitError(Problem("too-large", message, "draw it at smaller sizes, as in --set H=64"))
            found[at] = _local(step, axis)
            known.add(at)
    return found


def _local(step: Step[Counts], axis: int) -> Local:
    shapes = [each.shape for each in step.inputs]
    masks, padded = [], [False] * step.output.shape[axis + 1]
    for followed in range(len(shapes)):
        source = Reads.of(shapes[followed], axis)
        arrays = [source if at == followed else source.unread(shape) for at, shape in enumerate(shapes)]
        line, met = kernel[type(step.layer)](step.layer, Weights(shapeless), *arrays).line()
        masks.append(tuple(map(int, line.tolist())))
        padded = [a or bool(b) for a, b in zip(padded, met.tolist(), strict=True)]
    node = step.node
    return Local(node.name, node.kind, step.output.shape[axis + 1], node.inputs, tuple(masks), tuple(padded))


def _rows(found: dict[int, Local], target: int, position: int) -> tuple[Row, ...]:
    """Return the maps of the cone in order; layers that only pass on each position stand for what they pass on."""
    stands = {producer: producer for producer in found}
    for producer, each in found.items():
        if each.passes_on and producer != target:
            stands[producer] = stands[each.inputs[0]]
    needed: dict[int, set[int]] = {target: {position}}
    for producer in sorted(found, reverse=True):
        each = found[producer]
        for source, masks in zip(each.inputs, each.masks, strict=True):
            reads = {bit for at in needed.get(producer, ()) for bit in _bits(masks[at])}
            if reads:
                needed.setdefault(stands[source], set()).update(reads)
    kept = sorted(producer for producer in needed if stands[producer] == producer)
    places = {producer: at for at, producer in enumerate(kept)}
    return tuple(_row(found[each], sorted(needed[each]), stands, places) for each in kept)


def _row(each: Local, read: list[int], stands: dict[int, int], places: dict[int, int]) -> Row:
    links = tuple(
        Link(places[stands[source]], tuple((at, tuple(_bits(masks[at]))) for at in read))
        for source, masks in zip(each.inputs, each.masks, strict=True)
        if any(masks[at] for at in read)
    )
    met = any(each.padded[at] for at in read) if each.padded else False
    return Row(each.name, each.kind, each.size, tuple(read), met, links)


def _bits(mask: int) -> Iterator[int]:
    """Yield the places of the bits that are set."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1
