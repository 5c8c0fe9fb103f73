"""Two bounds as a maximum and a minimum with numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convmath.importers import layers
from convmath.importers.onnx.numbers import Numbers, computed, exact
from convmath.importers.onnx.written.graph import Graph, Match, arriving_map
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Tensor

if TYPE_CHECKING:
    from onnx import NodeProto


@dataclass(frozen=True, slots=True)
class Clamped:
    """``min(max(x, low), high)``."""

    x: str
    low: float
    high: float

    def read(self, sketch: Sketch, name: str, values: Mapping[str, Any]) -> Tensor | Numbers:
        """Add the layer, or bound sizes."""
        x = values[self.x]
        if isinstance(x, Numbers):
            low, high = (Numbers((exact(each),), single=True) for each in (self.low, self.high))
            return computed("Min", computed("Max", x, low), high)
        return layers.clip(sketch, name, arriving_map(values, self.x), self.low, self.high)


def clamped(graph: Graph, node: NodeProto) -> Match | None:
    """Return the bounds of which the second one ends here, in either order."""
    outer = graph.made_with(node.output[0], node.op_type)
    inner = outer and graph.made_with(outer[0], "Max" if node.op_type == "Min" else "Min")
    if not outer or not inner:
        return None
    low, high = (inner[1], outer[1]) if node.op_type == "Min" else (outer[1], inner[1])
    inside = {outer[0]}
    if low >= high or not graph.closed(inside, node):
        return None
    return Match(Clamped(inner[0], low, high), node.output[0], inside)
