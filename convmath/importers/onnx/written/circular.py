"""Circular padding as the end of an axis before the axis, and its beginning behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convmath.importers import moves
from convmath.importers.onnx.written.graph import Graph, Match, arriving_map, given
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Tensor

if TYPE_CHECKING:
    from onnx import NodeProto

FIRST_OF_SPACE = 2
"""Before it stand the batch and the channels, of which a join is no padding."""


@dataclass(frozen=True, slots=True)
class Circular:
    """A padding of one axis."""

    x: str
    axis: int
    before: int
    after: int

    def read(self, sketch: Sketch, name: str, values: Mapping[str, Any]) -> Tensor:
        """Add the layer."""
        x = arriving_map(values, self.x)
        pads = [(0, 0)] * len(x.dims)
        pads[x.at(self.axis)] = (self.before, self.after)
        return moves.pad(sketch, name, x, pads, "circular")


def circular(graph: Graph, node: NodeProto) -> Match | None:
    """Return the padding that joins a map with slices of it, as PyTorch's classic exporter writes it."""
    axis = given(node, "axis", "i", 0)
    if axis < FIRST_OF_SPACE:
        return None
    for at, x in enumerate(node.input[:2]):
        before = [_at_end(_slice(graph, name, x, axis)) for name in node.input[:at]]
        after = [_at_beginning(_slice(graph, name, x, axis)) for name in node.input[at + 1 :]]
        inside = {name for name in node.input if name != x}
        if inside and len(after) < 2 and all((*before, *after)) and graph.closed(inside, node):
            return Match(Circular(x, axis, sum(before), sum(after)), node.output[0], inside)
    return None


def _slice(graph: Graph, name: str, x: str, axis: int) -> tuple[int, int]:
    """Return where a slice of a map starts and stops along an axis; nothing of it where it is no such slice."""
    node = graph.made(name, "Slice")
    if node is None or node.input[0] != x:
        return (0, 0)
    held = [graph.constant(each) for each in node.input[1:]]
    start, stop, *others = (each.scalar if each else None for each in held)
    if start is None or stop is None or others not in ([axis], [axis, 1]):
        return (0, 0)
    return int(start), int(stop)


def _at_end(found: tuple[int, int]) -> int:
    """Return how many elements a slice takes from the end of an axis."""
    start, stop = found
    return -start if start < 0 and stop >= moves.FAR else 0


def _at_beginning(found: tuple[int, int]) -> int:
    """Return how many elements a slice takes from the beginning of an axis."""
    start, stop = found
    return stop if start == 0 and 0 < stop < moves.FAR else 0
