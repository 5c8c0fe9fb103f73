"""Normalisations as they are written out, for want of an operator or of its use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convmath.importers import layers
from convmath.importers.onnx.numbers import numbers
from convmath.importers.onnx.written.graph import Graph, Match, arriving_map, given, is_bare, is_whole
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Tensor, Unsupported
from convmath.spec.norm import LocalResponseNorm

if TYPE_CHECKING:
    from onnx import NodeProto

MOVING = ("Reshape", "Squeeze", "Unsqueeze")
MOST_MOVES = 4


@dataclass(frozen=True, slots=True)
class Centred:
    """A normalisation ``(x - mean) / sqrt(variance + eps)``; its factors and biases where each element has its own."""

    x: str
    axes: tuple[int, ...]
    eps: float
    weight: str = ""
    bias: str = ""

    def read(self, sketch: Sketch, name: str, values: Mapping[str, Any]) -> Tensor:
        """Add the layer."""
        x = arriving_map(values, self.x)
        weight, bias = (values[each] if each else None for each in (self.weight, self.bias))
        if weight is not None and weight.shape != x.dims[-len(weight.shape) :]:
            raise Unsupported(f"numbers of {list(weight.shape)} meet a map of {x}")
        return layers.layer_norm(sketch, name, x, self.axes, weight, bias, self.eps)


def centred(graph: Graph, node: NodeProto) -> Match | None:
    """Return the normalisation by mean and variance that ends in a division."""
    difference, deviation = node.input
    root = graph.made(deviation, "Sqrt")
    pair = root and graph.made_with(root.input[0], "Add")
    variance = pair and graph.made(pair[0], "ReduceMean")
    square = variance and graph.squared(variance.input[0])
    if not (root and pair and variance and square):
        return None
    inside = {deviation, root.input[0], pair[0], variance.input[0]}
    axes, sources = _axes(graph, variance), set()
    for name in {difference, square}:
        less = graph.made(name, "Sub")
        mean = less and graph.made(less.input[1], "ReduceMean")
        if not less or not mean or mean.input[0] != less.input[0] or _axes(graph, mean) != axes:
            return None
        sources.add(less.input[0])
        inside |= {name, less.input[1]}
    if len(sources) != 1 or axes is None or not graph.closed(inside, node):
        return None
    return _with_elements(graph, Centred(sources.pop(), axes, pair[1]), node, inside)


def _axes(graph: Graph, node: NodeProto) -> tuple[int, ...] | None:
    """Return the axes of a mean that keeps them; None where they are not known."""
    if not given(node, "keepdims", "i", 1):
        return None
    if axes := given(node, "axes", "ints", ()):
        return tuple(axes)
    held = graph.constant(node.input[1]) if len(node.input) > 1 else None
    return None if held is None or held.values is None else tuple(map(int, held.values))


def _with_elements(graph: Graph, norm: Centred, node: NodeProto, inside: set[str]) -> Match:
    """Take in factors and biases of which each element has its own; those of channels are layers by themselves."""
    plain = Match(norm, node.output[0], inside)
    parts = list(graph.then(node, ("Mul", "Add")))
    if len(parts) != 2 or any(sum(size > 1 for size in held.shape) < 2 for _, _, held in parts):
        return plain
    (factor, weight, one), (end, bias, two) = parts
    if one.shape != two.shape or len(one.shape) != len(norm.axes):
        return plain
    more = Centred(norm.x, norm.axes, norm.eps, weight, bias)
    return Match(more, end.output[0], inside | {node.output[0], factor.output[0]})


@dataclass(frozen=True, slots=True)
class LocalResponse:
    """A normalisation by neighbouring channels: a mean over windows of channels, made an axis of space for it.

    ``shape`` names the shape that does that, or is empty where an axis is put in; ``pads``
    names the padding before the windows.
    """

    x: str
    layer: LocalResponseNorm
    shape: str
    pads: str

    def read(self, sketch: Sketch, name: str, values: Mapping[str, Any]) -> Tensor:
        """Add the layer."""
        x = layers.image(arriving_map(values, self.x))
        shape = numbers(values.get(self.shape)).values if self.shape else (0, 1, x.shape.channels)
        pads = numbers(values.get(self.pads)).values
        rank, size = len(pads) // 2, self.layer.size
        before = (0, 0, size // 2, *(0,) * (rank - 3))
        after = (0, 0, (size - 1) // 2, *(0,) * (rank - 3))
        if shape[1:3] != (1, x.shape.channels) or tuple(pads) != (*before, *after):
            raise Unsupported(f"it takes means over {size} of something else than channels, or pads them by {pads}")
        return sketch.layer(name, self.layer, x)


def local_response(graph: Graph, node: NodeProto) -> Match | None:
    """Return the normalisation by neighbouring channels that ends in a division, as PyTorch has it."""
    x, divisor = node.input
    power = graph.made_with(divisor, "Pow")
    total = power and graph.made_with(power[0], "Add")
    scaled = total and graph.made_with(total[0], "Mul")
    pool = scaled and _pool_behind(graph, scaled[0])
    padded = pool and graph.made(pool.input[0], "Pad")
    viewed = padded and graph.made(padded.input[0], "Reshape", "Unsqueeze")
    if not (power and total and scaled and pool and padded and viewed):
        return None
    kernel, strides = (given(pool, name, "ints", ()) for name in ("kernel_shape", "strides"))
    inside = graph.between(viewed.input[0], node)
    slides = is_bare(pool) and {*kernel[1:]} == {1} and {*strides} <= {1}
    if not inside or not slides or graph.squared(viewed.input[0]) != x:
        return None
    if given(padded, "mode", "s", b"constant") != b"constant":
        return None
    layer = LocalResponseNorm(size=kernel[0], alpha=scaled[1], beta=power[1], k=total[1])
    shape = viewed.input[1] if viewed.op_type == "Reshape" else ""
    return Match(LocalResponse(x, layer, shape, padded.input[1]), node.output[0], inside)


def _pool_behind(graph: Graph, name: str) -> NodeProto | None:
    """Return the pooling by means whose output, with its axes as they were, has this name."""
    for _ in range(MOST_MOVES):
        node = graph.makers.get(name)
        if node is not None and node.op_type in MOVING and is_whole(node):
            name = node.input[0]
        elif node is not None and node.op_type == "If":
            name = _chosen(node)
    return graph.made(name, "AveragePool")


def _chosen(node: NodeProto) -> str:
    """Return the name that both branches of a choice take, to move it or to leave it as it is."""
    ends = [each.g.node[-1] for each in node.attribute if each.g.node]
    names = {end.input[0] for end in ends if end.op_type in (*MOVING, "Identity") and end.input}
    return names.pop() if len(names) == 1 else ""
