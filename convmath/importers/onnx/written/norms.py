"""Normalisations as they are written out, for want of an operator or of its use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convmath.formula import Value
from convmath.importers import layers, moves
from convmath.importers.onnx.numbers import numbers
from convmath.importers.onnx.written.graph import Graph, Match, arriving_map, given, is_bare
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import BATCH_SIZE, Constant, Tensor, Unsupported
from convmath.spec.norm import LocalResponseNorm

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto


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
        weight, bias = (values.get(each) if each else None for each in (self.weight, self.bias))
        if self.weight and not (isinstance(weight, Constant) and isinstance(bias, Constant)):
            raise Unsupported("its factors and biases are not in the model")
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
    return _axes_of(graph, node) if given(node, "keepdims", "i", 1) else None


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
    names the padding before the windows, ``back`` the shape that the means get at last, or
    is empty where that axis is taken out again.
    """

    x: str
    layer: LocalResponseNorm
    shape: str
    pads: str
    back: str

    def read(self, sketch: Sketch, name: str, values: Mapping[str, Any]) -> Tensor:
        """Add the layer."""
        x = layers.image(arriving_map(values, self.x))

        def shape(held: str) -> tuple[Value, ...]:
            return moves.resolved(x, sketch.batched(numbers(values.get(held)).values))

        parted = shape(self.shape) if self.shape else (BATCH_SIZE, 1, *x.dims[1:])
        pads = numbers(values.get(self.pads)).values
        size, rest = self.layer.size, (0,) * (len(parted) - 3)
        wanted = (0, 0, size // 2, *rest, 0, 0, (size - 1) // 2, *rest)
        back = shape(self.back) if self.back else (parted[0], *parted[2:])
        if parted[:3] != (BATCH_SIZE, 1, x.shape.channels) or tuple(pads) != wanted or back != x.dims:
            raise Unsupported(f"it takes means over {size} of something else than the channels of {x}")
        return sketch.layer(name, self.layer, x)


def local_response(graph: Graph, node: NodeProto) -> Match | None:
    """Return the normalisation by neighbouring channels that ends in a division, as PyTorch has it."""
    x, divisor = node.input
    power = graph.made_with(divisor, "Pow")
    total = power and graph.made_with(power[0], "Add")
    scaled = total and graph.made_with(total[0], "Mul")
    found = scaled and _pool_behind(graph, scaled[0])
    padded = found and graph.made(found[0].input[0], "Pad")
    viewed = padded and graph.made(padded.input[0], "Reshape", "Unsqueeze")
    if not (power and total and scaled and found and padded and viewed):
        return None
    pool, back = found
    kernel, strides = (given(pool, name, "ints", ()) for name in ("kernel_shape", "strides"))
    inside = graph.between(viewed.input[0], node)
    slides = is_bare(pool) and {*kernel[1:]} == {1} and {*strides} <= {1}
    if not inside or not slides or graph.squared(viewed.input[0]) != x or not _is_zero(graph, padded):
        return None
    if viewed.op_type == "Unsqueeze" and _axes_of(graph, viewed) != (1,):
        return None
    layer = LocalResponseNorm(size=kernel[0], alpha=scaled[1], beta=power[1], k=total[1])
    shape = viewed.input[1] if viewed.op_type == "Reshape" else ""
    return Match(LocalResponse(x, layer, shape, padded.input[1], back), node.output[0], inside)


def _is_zero(graph: Graph, pad: NodeProto) -> bool:
    """Tell whether a padding puts zeros around a map."""
    value = pad.input[2] if len(pad.input) > 2 else ""
    axes = pad.input[3] if len(pad.input) > 3 else ""
    plain = given(pad, "mode", "s", b"constant") == b"constant" and not axes
    return plain and (not value or graph.number(value) == 0)


def _axes_of(graph: Graph, node: NodeProto) -> tuple[int, ...] | None:
    """Return the axes that are put in or taken out; None where they are not known."""
    if axes := given(node, "axes", "ints", ()):
        return tuple(axes)
    held = graph.constant(node.input[1]) if len(node.input) > 1 else None
    return None if held is None or held.values is None else tuple(map(int, held.values))


def _pool_behind(graph: Graph, name: str) -> tuple[NodeProto, str] | None:
    """Return the pooling by means whose output, with its elements in order, has this name.

    Beside it stands the name of the last shape that they get; empty where only the axis of
    the one channel is taken out.
    """
    last = graph.made(name, "Reshape")
    taken = _without_axis(graph, last.input[0] if last else name)
    if taken is None or not (last or taken[1] == (1,)):
        return None
    pool = graph.made(taken[0], "AveragePool")
    return pool and (pool, last.input[1] if last else "")


def _without_axis(graph: Graph, name: str) -> tuple[str, tuple[int, ...] | None] | None:
    """Return what axes of one element are taken out of, and which; exporters may ask first whether there are any."""
    node = graph.makers.get(name)
    if node is None or node.op_type != "If":
        node = graph.made(name, "Squeeze")
        return node and (node.input[0], _axes_of(graph, node))
    names, axes = set(), None
    for branch in (each.g for each in node.attribute):
        working = [each for each in branch.node if each.op_type != "Constant"]
        if len(working) != 1 or working[0].op_type not in ("Squeeze", "Identity") or not working[0].input:
            return None
        if [each.name for each in branch.output] != list(working[0].output):
            return None
        names.add(working[0].input[0])
        if working[0].op_type == "Squeeze":
            axes = _axes_of(graph, working[0]) or _axes_inside(branch)
    return (names.pop(), axes) if len(names) == 1 else None


def _axes_inside(branch: GraphProto) -> tuple[int, ...] | None:
    """Return the only number that stands in a branch."""
    held = [each.t for node in branch.node for each in node.attribute if each.name == "value"]
    if len(held) != 1 or held[0].data_type != held[0].INT64 or list(held[0].dims) != [1]:
        return None
    return tuple(held[0].int64_data) or (int.from_bytes(held[0].raw_data, "little", signed=True),)
