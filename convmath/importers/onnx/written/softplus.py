"""A softplus with a factor of its own, or one that gives way to its input where both are the same number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convmath.importers.onnx.written.graph import Graph, Match, arriving_map
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Tensor
from convmath.spec.activation import Softplus

if TYPE_CHECKING:
    from onnx import NodeProto

LATE = 20
"""From here on single precision tells no softplus from its input."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """``softplus(beta*x) / beta``."""

    x: str
    beta: float

    def read(self, sketch: Sketch, name: str, values: Mapping[str, Any]) -> Tensor:
        """Add the layer."""
        return sketch.layer(name, Softplus(beta=self.beta), arriving_map(values, self.x))


def scaled(graph: Graph, node: NodeProto) -> Match | None:
    """Return the softplus that ends in a division by its factor."""
    beta = graph.number(node.input[1])
    soft = graph.made(node.input[0], "Softplus")
    product = soft and graph.made_with(soft.input[0], "Mul")
    if not soft or not product or beta != product[1] or not product[1] > 0:
        return None
    inside = {node.input[0], soft.input[0]}
    return Match(Scaled(*product), node.output[0], inside) if graph.closed(inside, node) else None


def straightened(graph: Graph, node: NodeProto) -> Match | None:
    """Return the softplus that ``Where(beta*x > 20, x, softplus(beta*x)/beta)`` is, in single precision."""
    condition, x, other = node.input
    beyond = graph.made(condition, "Greater")
    bound = graph.number(beyond.input[1]) if beyond else None
    if not beyond or bound is None or bound < LATE:
        return None
    quotient = graph.made_with(other, "Div")
    soft = graph.made(quotient[0] if quotient else other, "Softplus")
    product = soft and graph.made_with(soft.input[0], "Mul")
    if not soft or soft.input[0] != beyond.input[0]:
        return None
    inside, beta = {condition, other}, 1.0
    if quotient:
        if not product or product[0] != x or product[1] != quotient[1] or not product[1] > 0:
            return None
        inside |= {quotient[0], soft.input[0]}
        beta = product[1]
    elif soft.input[0] != x:
        return None
    return Match(Scaled(x, beta), node.output[0], inside) if graph.closed(inside, node) else None
