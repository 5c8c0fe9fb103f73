"""The graph as it looks to those who search it for layers that an exporter wrote out in several nodes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from convmath.importers.onnx.numbers import Numbers
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Constant, Tensor, Unsupported

if TYPE_CHECKING:
    from onnx import NodeProto

INPUTS = {
    **dict.fromkeys(("Sqrt", "Softplus", "Sign", "Abs", "Relu", "AveragePool"), range(1, 2)),
    **dict.fromkeys(("Squeeze", "Unsqueeze", "ReduceMean"), range(1, 3)),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Greater", "Reshape"), range(2, 3)),
    "Concat": range(2, 4),
    "Pad": range(2, 5),
    "Where": range(3, 4),
    "Slice": range(4, 6),
}
"""How many inputs each node of a layer that is written out may have."""
MOST_INSIDE = 64
"""No layer is written out in more nodes."""
Lookup = Callable[[str], Constant | None]
"""Gives the constant of a name; None where the name is none."""


class Written(Protocol):
    """A layer that is written out, with the name of what arrives at it."""

    @property
    def x(self) -> str:
        """The name of what arrives."""

    def read(self, sketch: Sketch, name: str, values: Mapping[str, Any]) -> Tensor | Numbers:
        """Add the layer, by what the names in the graph stand for; raises ``Unsupported``."""


@dataclass(frozen=True, slots=True)
class Match:
    """A layer, the name of what it puts out, and the names of what only it uses."""

    layer: Written
    output: str
    inside: set[str]


class Graph:
    """Who makes a name, and who uses it."""

    def __init__(self, nodes: Sequence[NodeProto], outputs: Collection[str], constant: Lookup) -> None:
        self.makers = {name: node for node in nodes for name in node.output if name}
        self.users: dict[str, list[NodeProto | None]] = {name: [None] for name in outputs}
        self.constant = constant
        for node in nodes:
            for name in read_by(node):
                self.users.setdefault(name, []).append(node)

    def made(self, name: str, *kinds: str) -> NodeProto | None:
        """Return the node that makes a name, if it is of one of these kinds."""
        node = self.makers.get(name)
        return node if node is not None and node.op_type in kinds and is_whole(node) else None

    def made_with(self, name: str, kind: str) -> tuple[str, float] | None:
        """Return what arrives at the node of this kind that makes a name, and the number beside it."""
        node = self.made(name, kind)
        pairs = (
            ()
            if node is None
            else (node.input, node.input[::-1])
            if kind in ("Mul", "Add", "Max", "Min")
            else (node.input,)
        )
        for first, other in pairs:
            number = self.number(other)
            if number is not None:
                return first, number
        return None

    def number(self, name: str) -> float | None:
        """Return the single number of a name, which gives no map more axes; None where it is none."""
        held = self.constant(name)
        return held.scalar if held is not None and len(held.shape) < 2 else None

    def squared(self, name: str) -> str | None:
        """Return what is squared to make a name."""
        node = self.made(name, "Mul")
        if node is not None and node.input[0] == node.input[1]:
            return str(node.input[0])
        power = self.made_with(name, "Pow")
        return power[0] if power and power[1] == 2 else None

    def closed(self, inside: set[str], end: NodeProto) -> bool:
        """Tell whether nothing else uses what stands inside."""
        return all(
            user is not None and (user is end or user.output[0] in inside)
            for name in inside
            for user in self.users[name]
        )

    def between(self, start: str, end: NodeProto) -> set[str] | None:
        """Return the names of all that comes from *start* before *end*; None where some of it goes elsewhere."""
        inside, todo = {start}, [start]
        while todo:
            for user in self.users.get(todo.pop(), ()):
                if user is None or len(inside) > MOST_INSIDE:
                    return None
                new = {each for each in user.output if each and user is not end} - inside
                inside |= new
                todo += new
        return inside

    def then(self, node: NodeProto, kinds: tuple[str, ...]) -> Iterator[tuple[NodeProto, str, Constant]]:
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


def read_by(node: NodeProto) -> list[str]:
    """Return the names whose numbers a node reads; it may take no more than the type of another one."""
    return list(node.input[:1] if node.op_type == "CastLike" else node.input)


def is_whole(node: NodeProto) -> bool:
    """Tell whether a node has as many inputs as its kind may have."""
    return len(node.input) in INPUTS[node.op_type]


def given(node: NodeProto, name: str, part: str, default: Any) -> Any:
    """Return what an attribute holds in the part for its type: ``i``, ``ints`` or ``s``."""
    return next((getattr(each, part) for each in node.attribute if each.name == name), default)


def is_bare(pool: NodeProto) -> bool:
    """Tell whether the windows of a pooling have no gaps, and no padding."""
    return (
        {*given(pool, "dilations", "ints", ())} <= {1}
        and not any(given(pool, "pads", "ints", ()))
        and not given(pool, "auto_pad", "s", b"").startswith(b"SAME")
    )


def arriving_map(values: Mapping[str, Any], name: str) -> Tensor:
    """Return the map that arrives at a layer that is written out."""
    x = values[name]
    if not isinstance(x, Tensor):
        raise Unsupported("it works on no map of the network")
    return x
