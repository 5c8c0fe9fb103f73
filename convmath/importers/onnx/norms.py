"""Layers that exporters write out: normalisations, for which ONNX has an operator from version 17 on, and softplus."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convmath.importers import layers
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Constant, Tensor, Unsupported
from convmath.spec.activation import Softplus

if TYPE_CHECKING:
    from onnx import NodeProto

ARRIVING = {
    "Sub": 2,
    "Pow": 2,
    "Mul": 2,
    "ReduceMean": 1,
    "Add": 2,
    "Sqrt": 1,
    "Div": 2,
    "Greater": 2,
    "Softplus": 1,
    "Where": 3,
}
"""How many inputs each node of a normalisation has at least."""
LATE = 20
"""From here on single precision tells no softplus from its input."""
Lookup = Callable[[str], Constant | None]
"""Gives the constant of a name; None where the name is none."""


@dataclass(frozen=True, slots=True)
class Written:
    """A normalisation ``(x - mean) / sqrt(variance + eps)``; its factors and biases where each element has its own."""

    x: str
    axes: tuple[int, ...]
    eps: float
    weight: str = ""
    bias: str = ""

    def read(self, sketch: Sketch, name: str, values: Mapping[str, Any]) -> Tensor:
        """Add the layer."""
        x = values[self.x]
        if not isinstance(x, Tensor):
            raise Unsupported("it normalises no map of the network")
        weight, bias = (values[each] if each else None for each in (self.weight, self.bias))
        if weight is not None and weight.shape != x.dims[-len(weight.shape) :]:
            raise Unsupported(f"numbers of {list(weight.shape)} meet a map of {x}")
        return layers.layer_norm(sketch, name, x, self.axes, weight, bias, self.eps)


@dataclass(frozen=True, slots=True)
class Straightened:
    """A softplus that gives way to its input where both are the same number."""

    x: str

    def read(self, sketch: Sketch, name: str, values: Mapping[str, Any]) -> Tensor:
        """Add the layer."""
        x = values[self.x]
        if not isinstance(x, Tensor):
            raise Unsupported("it works on no map of the network")
        return sketch.layer(name, Softplus(beta=1.0), x)


def written_out(
    nodes: Sequence[NodeProto], outputs: Collection[str], constant: Lookup
) -> tuple[list[NodeProto], dict[str, Written | Straightened]]:
    """Return the nodes without those inside of a normalisation, and each by the name of what it puts out."""
    graph = _Graph(nodes, outputs, constant)
    found: dict[str, Written | Straightened] = {}
    gone: set[str] = set()
    for node in nodes:
        match = graph.normalised(node) if node.op_type == "Div" and len(node.input) == ARRIVING["Div"] else None
        if match is not None:
            written, end, inside = match
            found[end] = written
            gone |= inside
        straight = (
            graph.straightened(node) if node.op_type == "Where" and len(node.input) == ARRIVING["Where"] else None
        )
        if straight is not None:
            found[node.output[0]] = straight
            gone |= {node.input[0], node.input[2]}
    return [node for node in nodes if node.output[0] not in gone], found


class _Graph:
    def __init__(self, nodes: Sequence[NodeProto], outputs: Collection[str], constant: Lookup) -> None:
        self.makers = {name: node for node in nodes for name in node.output if name}
        self.users: dict[str, list[NodeProto | None]] = {name: [None] for name in outputs}
        self.constant = constant
        for node in nodes:
            for name in node.input:
                self.users.setdefault(name, []).append(node)

    def normalised(self, node: NodeProto) -> tuple[Written, str, set[str]] | None:
        """Return the normalisation that ends in a division, its output, and what only it uses."""
        centred, deviation = node.input
        root = self.made(deviation, "Sqrt")
        total = root and self.made(root.input[0], "Add")
        pair = total and self._with_constant(total)
        if not (root and total and pair):
            return None
        variance, eps = self.made(pair[0], "ReduceMean"), pair[1].scalar
        square = variance and (self.made(variance.input[0], "Pow") or self.made(variance.input[0], "Mul"))
        if not variance or not square or eps is None or not self._squares(square):
            return None
        inside = {deviation, root.input[0], pair[0], variance.input[0]}
        axes, sources = self._axes(variance), set()
        for name in {centred, square.input[0]}:
            difference = self.made(name, "Sub")
            mean = difference and self.made(difference.input[1], "ReduceMean")
            if not difference or not mean or mean.input[0] != difference.input[0] or self._axes(mean) != axes:
                return None
            sources.add(difference.input[0])
            inside |= {name, difference.input[1]}
        if len(sources) != 1 or axes is None or not self._closed(inside, node):
            return None
        return self._with_elements(Written(sources.pop(), axes, eps), node, inside)

    def straightened(self, node: NodeProto) -> Straightened | None:
        """Return the softplus that ``Where(x > 20, x, softplus(x))`` is, in single precision."""
        condition, x, soft = node.input
        beyond, plus = self.made(condition, "Greater"), self.made(soft, "Softplus")
        if not beyond or not plus or {x} != {beyond.input[0], plus.input[0]}:
            return None
        held = self.constant(beyond.input[1])
        if held is None or held.scalar is None or held.scalar < LATE or not self._closed({condition, soft}, node):
            return None
        return Straightened(x)

    def made(self, name: str, kind: str) -> NodeProto | None:
        """Return the node that makes a name, if it is of this kind."""
        node = self.makers.get(name)
        return node if node is not None and node.op_type == kind and len(node.input) >= ARRIVING[kind] else None

    def _with_constant(self, node: NodeProto) -> tuple[str, Constant] | None:
        """Return what arrives at a node of two inputs, and the constant beside it."""
        for name, other in (node.input, node.input[::-1]):
            held = self.constant(other)
            if held is not None:
                return name, held
        return None

    def _squares(self, node: NodeProto) -> bool:
        if node.op_type == "Mul":
            return bool(node.input[0] == node.input[1])
        exponent = self.constant(node.input[1])
        return exponent is not None and exponent.scalar == 2

    def _axes(self, node: NodeProto) -> tuple[int, ...] | None:
        """Return the axes of a mean that keeps them; None where they are not known."""
        given = {each.name: each for each in node.attribute}
        if "keepdims" in given and not given["keepdims"].i:
            return None
        if "axes" in given:
            return tuple(given["axes"].ints)
        held = self.constant(node.input[1]) if len(node.input) > 1 else None
        return None if held is None or held.values is None else tuple(map(int, held.values))

    def _closed(self, inside: set[str], end: NodeProto) -> bool:
        """Tell whether nothing else uses what stands inside."""
        return all(
            user is not None and (user is end or user.output[0] in inside)
            for name in inside
            for user in self.users[name]
        )

    def _with_elements(self, written: Written, node: NodeProto, inside: set[str]) -> tuple[Written, str, set[str]]:
        """Take in factors and biases of which each element has its own; those of channels are layers by themselves."""
        plain = written, node.output[0], inside
        parts = list(self._then(node, ("Mul", "Add")))
        if len(parts) != 2 or any(sum(size > 1 for size in held.shape) < 2 for _, _, held in parts):
            return plain
        (factor, weight, one), (end, bias, two) = parts
        if one.shape != two.shape or len(one.shape) != len(written.axes):
            return plain
        more = Written(written.x, written.axes, written.eps, weight, bias)
        return more, end.output[0], inside | {node.output[0], factor.output[0]}

    def _then(self, node: NodeProto, kinds: tuple[str, ...]) -> Iterator[tuple[NodeProto, str, Constant]]:
        """Yield the nodes of these kinds behind a node, each with its constant and the constant's name."""
        for kind in kinds:
            users = self.users.get(node.output[0], [])
            behind = users[0] if len(users) == 1 else None
            if behind is None or behind.op_type != kind:
                return
            other = next((name for name in behind.input if name != node.output[0]), "")
            held = self.constant(other)
            if held is None:
                return
            yield behind, other, held
            node = behind
