"""Exactly which pixels an output reads, and which outputs read a pixel, at numbers.

Sets of positions are bit masks, one per axis: bit n stands for position n. They are
walked through the graph layer by layer and cut to every map, so that dilated windows
leave their holes and borders count as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convmath.errors import UsageError, inert
from convmath.report import AxisPixels, Pixels, Seen
from convmath.spec.graph import Network
from convmath.spec.layer import Merge
from convmath.symbolic.compose import follow
from convmath.symbolic.facts import Facts

Masks = tuple[int, ...]
MOST_POSITIONS = 1 << 16
"""The longest axis that is walked."""


def pixels_of(network: Network, layer: str, position: Sequence[int]) -> Pixels:
    """Return the pixels of every input that one output of *layer* reads; of a vector, those of all its elements.

    Raises ``UsageError`` for a layer or a position that does not exist.
    """
    walked = _Walked(network)
    at = walked.producer(layer)
    masks = walked.one(at, position, layer)
    pending: dict[int, Masks] = {at: masks}
    found: dict[int, Masks] = {}
    exact = True
    for producer in range(at, -1, -1):
        if producer not in pending:
            continue
        here = pending.pop(producer)
        if producer < walked.first:
            found[producer] = here
            continue
        node, facts = network.nodes[producer - walked.first], walked.facts[producer - walked.first]
        exact = exact and facts.hull
        for which, each in enumerate(node.inputs):
            before = walked.back(each, facts.toward(which), here, repeats=isinstance(node.layer, Merge))
            pending[each] = _union(pending[each], before) if each in pending else before
    inputs = tuple((network.inputs[source].name, tuple(map(_axis, masks))) for source, masks in sorted(found.items()))
    return Pixels(layer, tuple(position), inputs, exact)


def outputs_that_read(network: Network, pixel: Sequence[int], source: int = 0) -> tuple[Seen, ...]:
    """Return for every layer which of its outputs read a pixel of an input.

    Raises ``UsageError`` for a pixel outside the input.
    """
    walked = _Walked(network)
    held: dict[int, Masks] = {source: walked.one(source, pixel, network.inputs[source].name)}
    found: list[Seen] = []
    for at, node in enumerate(network.nodes):
        facts, sizes = walked.facts[at], walked.sizes(walked.first + at)
        masks: Masks | None = None
        for which, producer in enumerate(node.inputs):
            if producer in held:
                repeats, seen = isinstance(node.layer, Merge), facts.toward(which)
                ahead = walked.ahead(producer, seen, held[producer], sizes, repeats=repeats)
                masks = ahead if masks is None else _union(masks, ahead)
        if masks is not None and all(masks):
            held[walked.first + at] = masks
            found.append(Seen(node.name, tuple(map(_axis, masks)), facts.hull))
    return tuple(found)


def middle(network: Network, layer: str) -> tuple[int, ...]:
    """Return the position in the middle of a layer's output."""
    walked = _Walked(network)
    return tuple(size // 2 for size in walked.sizes(walked.producer(layer)))


class _Walked:
    """A network at numbers, with the facts of its layers."""

    def __init__(self, network: Network) -> None:
        if network.symbols:
            names = ", ".join(each.name for each in network.symbols)
            raise UsageError(f"pixels are counted at numbers; give a value to {names}")
        self.network = network
        self.first = len(network.inputs)
        self.traces, self.facts = follow(network)

    def sizes(self, producer: int) -> tuple[int, ...]:
        sizes = tuple(int(size) for size in self.traces[producer].shape.sizes)  # type: ignore[arg-type]
        if any(size > MOST_POSITIONS for size in sizes):
            raise UsageError(f"an axis of {max(sizes)} is longer than {MOST_POSITIONS}, which can be walked")
        return sizes

    def producer(self, layer: str) -> int:
        ends = {group.name: group.stop - 1 for group in self.network.groups}
        ends |= {node.name: at for at, node in enumerate(self.network.nodes)}
        if layer not in ends:
            raise UsageError(f"there is no layer '{inert(layer)}'")
        return self.first + ends[layer]

    def one(self, producer: int, position: Sequence[int], name: str) -> Masks:
        sizes = self.sizes(producer)
        if len(position) != len(sizes) or not all(0 <= at < size for at, size in zip(position, sizes, strict=False)):
            shown, there = ",".join(map(str, position)), " × ".join(map(str, sizes)) or "no axes"
            raise UsageError(f"{inert(name)} has no position {shown}; it has {there}, counted from 0")
        return tuple(1 << at for at in position)

    def back(self, producer: int, facts: Facts, masks: Masks, *, repeats: bool) -> Masks:
        """Return what of a producer's output is read by a layer for the positions in *masks* of its own.

        A layer that *repeats* operands of size 1 reads their one position everywhere.
        """
        sizes = self.sizes(producer)
        if len(masks) != len(sizes) or not facts.maps or facts.anew or facts.whole:
            return tuple((1 << size) - 1 for size in sizes)
        return tuple(
            1 if repeats and size == 1 else _joined(_reads(facts, axis, at, size) for at in _bits(mask))
            for axis, (mask, size) in enumerate(zip(masks, sizes, strict=True))
        )

    def ahead(self, producer: int, facts: Facts, masks: Masks, out: tuple[int, ...], *, repeats: bool) -> Masks:
        """Return which of a layer's positions read anything in *masks* of a producer's output."""
        sizes = self.sizes(producer)
        if len(out) != len(sizes) or not facts.maps or facts.anew or facts.whole:
            return tuple((1 << size) - 1 for size in out)
        return tuple(
            _joined(
                1 << at for at in range(out[axis]) if (repeats and size == 1) or _reads(facts, axis, at, size) & mask
            )
            for axis, (mask, size) in enumerate(zip(masks, sizes, strict=True))
        )


def _reads(facts: Facts, axis: int, position: int, size: int) -> int:
    """Return what one output reads along an axis: every tap between its first and last one, cut to the map."""
    first, last = int(facts.first[axis](position)), int(facts.last[axis](position))  # type: ignore[arg-type]
    step = int(facts.spacing[axis]) if facts.spacing else 1  # type: ignore[arg-type]
    if last < first:
        return 0
    taps = ((1 << step * ((last - first) // step + 1)) - 1) // ((1 << step) - 1)
    shifted = taps << first if first >= 0 else taps >> -first
    return shifted & ((1 << size) - 1)


def _joined(masks: Iterator[int]) -> int:
    found = 0
    for each in masks:
        found |= each
    return found


def _union(one: Masks, other: Masks) -> Masks:
    return tuple(a | b for a, b in zip(one, other, strict=True))


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _axis(mask: int) -> AxisPixels:
    """Return a set as its runs of neighbours."""
    runs: list[tuple[int, int]] = []
    at = 0
    while mask >> at:
        at += ((mask >> at) & -(mask >> at)).bit_length() - 1
        rest = ~(mask >> at)
        length = (rest & -rest).bit_length() - 1
        runs.append((at, at + length - 1))
        at += length
    return AxisPixels(tuple(runs))
