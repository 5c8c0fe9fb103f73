"""Graphs of ONNX to networks: node by node, each by the entry of its operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convmath.errors import UnsupportedError, UsageError, inert
from convmath.importers.moves import transpose
from convmath.importers.onnx import enlarging, layers, moves
from convmath.importers.onnx.attention import products_of_maps
from convmath.importers.onnx.call import OPERATORS, UNKNOWN, Call, attributes, check, written
from convmath.importers.onnx.file import DOMAINS, OnnxFile
from convmath.importers.onnx.numbers import listed
from convmath.importers.onnx.opaque import opaque
from convmath.importers.onnx.tensors import REAL, type_name
from convmath.importers.onnx.written import written_out
from convmath.importers.onnx.written.graph import read_by
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import ATTENTION, Constant, Tensor, Unsupported
from convmath.limits import DEFAULT, Limits
from convmath.spec.graph import Input, Network, SymbolInfo, inside

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

SPOKEN = (layers, moves, enlarging)
"""Where the operators are read; importing them fills the table."""
MOVING = ("Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Pad", "MaxPool")
"""What keeps the elements as they are, of whatever type."""
FIXED = ("Constant", "Cast", "CastLike", "Identity", "Reshape")
"""What makes a constant, or makes one of a constant with the same numbers."""
MOST_STEPS = 4
"""An exporter gives a constant another type or shape so many times at most."""
STEERING = 1024
"""Constants of so many elements may steer a graph, as shapes and bounds do; larger ones are weights."""


def network_of(
    model: OnnxFile, *, output: str | None = None, allow_opaque: bool = False, limits: Limits = DEFAULT
) -> Network:
    """Return the network that a graph describes, with the weights of the file.

    With *output*, the name of a node, of what it puts out, or of a part of the model, only
    what that needs is read; for a part everything must be readable.

    Raises ``UsageError`` where there is no such output, ``UnsupportedError`` with all
    operators that are unknown, or used in a way that no network of convmath can say, and
    where they stand. With *allow_opaque* an operator
    that is unknown becomes an ``opaque`` layer, if the file tells the shape of what it
    puts out.
    """
    if output is None or (ends := _ends(model, output)):
        return _Reading(model, limits, model.outputs if output is None else ends, allow_opaque=allow_opaque).network()
    try:  # a part, or a layer that got another name
        return _Reading(model, limits, model.outputs, allow_opaque=allow_opaque).network().up_to(output)
    except UnsupportedError:
        if any(inside(node.name, output) for node in model.nodes):
            raise
        near = get_close_matches(output, [node.name for node in model.nodes], 1)
        hint = f"; did you mean '{inert(near[0])}'?" if near else ""
        raise UsageError(f"there is no layer '{inert(output)}'{hint}") from None


class _Reading:
    """The values of a graph by their names, while its nodes are read one after the other."""

    def __init__(self, model: OnnxFile, limits: Limits, ends: tuple[str, ...], *, allow_opaque: bool) -> None:
        self.model, self.ends, self.allow_opaque = model, ends, allow_opaque
        self.nodes, self.used = _needed(model, ends)
        self.fixed = {node.output[0]: node for node in self.nodes if node.op_type in FIXED}
        self.users = _users(self.nodes)
        self.turned = _channels_last(model, self.users)
        given = {name: each for name, each in model.inputs.items() if name in self.used}
        inputs = tuple(_turned(each) if name in self.turned else each for name, each in given.items() if each.shape)
        self.sketch = Sketch(Path(model.file).name, inputs, limits, stored_once=True, batch=model.batch)
        self.values: dict[str, Any] = {name: self._constant(held) for name, held in model.initializers.items()}
        for name in given.keys() - {name for name, each in given.items() if each.shape}:
            self.sketch.refuse("input", name, "it is a single number, or one for each sample; a map has channels")
        for at, name in enumerate(name for name, each in given.items() if each.shape):
            self.values[name] = self._input(at, name)
            self._check_type(name)
        self.nodes, self.written = written_out(self.nodes, ends, cache(self._known))

    def _known(self, name: str, steps: int = MOST_STEPS) -> Constant | None:
        """Return a constant that stands in the model, in whatever type and shape an exporter gives it."""
        held, flat = self.values.get(name), False
        for left in reversed(range(steps)):
            if (node := self.fixed.get(name)) is None:
                break
            given = self._attributes(node)
            if node.op_type == "Constant":
                held = listed(given)
                break
            if not self._is_kept(node, given, left):
                return None
            flat = flat or node.op_type == "Reshape"
            name = node.input[0]
            held = self.values.get(name)
        if not isinstance(held, Constant):
            return None
        return held.reshaped((held.size,)) if flat else held

    def _is_kept(self, node: NodeProto, given: Mapping[str, Any], steps: int) -> bool:
        """Tell whether a node puts out all numbers of a constant as they are, in a list where it has another shape."""
        if not node.input:
            return False
        first, *others = node.input
        match node.op_type:
            case "Reshape":
                flat = self._known(others[0], steps) if others and self.fixed.get(first) else None
                return flat is not None and flat.values == (-1,)
            case "Cast":
                return given.get("to") in REAL
            case "CastLike":
                return bool(others) and others[0] not in self.fixed and others[0] not in self.model.initializers
        return True

    def _input(self, at: int, name: str) -> Tensor:
        plain = self.sketch.source(at)
        last = len(plain.dims) - 1
        return transpose(plain, (0, *range(2, last + 1), 1)) if name in self.turned else plain

    def _check_type(self, name: str) -> None:
        """Refuse an input of integers or text, unless the model makes real numbers of it first."""
        [kind] = {each.type.tensor_type.elem_type for each in self.model.graph.input if each.name == name}
        if kind not in (*REAL, 0) and any(node.op_type != "Cast" for node in _first_users(name, self.users, MOVING)):
            why = f"it holds elements of type {type_name(kind)}, and no Cast makes real numbers of them"
            self.sketch.refuse("input", name, f"{why}; convmath has no layers of integers, as quantised models have")

    def _constant(self, held: TensorProto, key: str = "") -> Constant:
        tensors, shape = self.model.tensors, tuple(held.dims)
        size = 1
        for each in shape:
            size *= each
        small = size <= STEERING and not held.HasField("segment") and tensors.readable(held)
        values = tensors.numbers(held) if small else None
        if values is not None and held.data_type == held.FLOAT:
            values = tuple(map(written, values))
        return Constant(key or held.name, shape, lambda: tensors.array(held), values)

    def _attributes(self, node: NodeProto) -> dict[str, Any]:
        """Return a node's attributes; the names of tensors among them need not be their own."""
        return attributes(node, lambda held: self._constant(held, next(filter(None, node.output), "")))

    def network(self) -> Network:
        for at, node in enumerate(self.nodes):
            self._read(at, node)
        outputs = [self.values.get(name) for name in self.ends]
        if self.sketch.refused:
            self._name_attention()
        else:
            for name, each in zip(self.ends, outputs, strict=True):
                if not isinstance(each, Tensor):
                    self.sketch.refuse("output", name, "the model puts out numbers that depend on no input")
        sizes = {name: SymbolInfo(name) for each in self.sketch.inputs for size in each.shape for name in _names(size)}
        ends = [each for each in outputs if isinstance(each, Tensor)]
        self.sketch.advice = self._advice()
        about: dict[str, Any] = {"source": f"ONNX, operators of version {self.model.opset}"}
        if labels := {name: text for name, text in self.model.labels.items() if text}:
            about["sizes"] = labels
        network = self.sketch.network(ends, tuple(sizes.values()), about)
        made = list(dict.fromkeys(each.producer for each in ends))
        if len(made) != len(network.outputs):
            return network
        names = {producer: network.nodes[at].name for producer, at in zip(made, network.outputs, strict=True)}
        return replace(network, aliases=dict(zip(self.ends, (names[each.producer] for each in ends), strict=True)))

    def _advice(self) -> str:
        """Return what helps where something is refused."""
        reasons, found = [each.why for each in self.sketch.refused], []
        if self.model.batch > 1 and any("batch" in why for why in reasons):
            found.append(
                f"export the model for a batch of 1, or of any size: this file is for one of {self.model.batch}"
            )
        if self.sketch.drafts:
            found.append("analyze, convert and verify --output NAME read what one node needs")
        if not self.allow_opaque and UNKNOWN in reasons:
            found.append("--allow-opaque lets unknown operators stand")
        return "; ".join(found)

    def _name_attention(self) -> None:
        """Say first where a model that is refused has attention: its pieces say little."""
        found = {_place(node): node.op_type for node in products_of_maps(self.nodes, self.model.inputs)}
        others = [each for each in self.sketch.refused if each.where not in found]
        self.sketch.refused.clear()
        for where, operator in found.items():
            self.sketch.refuse(operator, where, ATTENTION)
        self.sketch.refused += others

    def _read(self, at: int, node: NodeProto) -> None:
        arriving = [self.values.get(name) if name else None for name in node.input]
        needed = read_by(node)
        operator = node.op_type if node.domain in DOMAINS else f"{node.domain}.{node.op_type}"
        where = _place(node) or f"node {at}"
        name = node.name or next((each for each in node.output if each and not each.isdigit()), "")
        lost = any(each is None and given for each, given in zip(arriving, needed, strict=False))
        written, known = self.written.get(node.output[0]), OPERATORS.get(operator)
        if written is not None:
            arriving, lost = [], self.values.get(written.x) is None
        if lost and (known is not None or written is not None):
            return  # what it needs was refused already
        try:
            if known is not None:
                check(node, self.model.opset)
            held = self._attributes(node)
            call = Call(self.sketch, name, operator, held, arriving, self.model.opset, len(node.output))
            if written is not None:
                found = written.read(self.sketch, name, self.values)
            else:
                found = known(call) if known is not None else self._unknown(call, node, lost=lost)
        except Unsupported as refusal:
            self.sketch.refuse(operator, where, str(refusal))
            return
        made = found if isinstance(found, list) else [found]
        self.values.update(zip(node.output, made, strict=False))
        more = [name for name in node.output[len(made) :] if name in self.used]
        if more:
            self.sketch.refuse(operator, where, f"of its outputs only the first is read, but '{more[0]}' is used")

    def _unknown(self, call: Call, node: NodeProto, *, lost: bool) -> Tensor:
        if lost or not self.allow_opaque:
            raise Unsupported(UNKNOWN)
        return opaque(call, self.model, node)


def _place(node: NodeProto) -> str:
    return node.name or next(filter(None, node.output), "")


def _names(size: Any) -> frozenset[str]:
    return getattr(size, "names", frozenset())


def _ends(model: OnnxFile, output: str) -> tuple[str, ...]:
    """Return what the node of this name puts out, or what has this name itself; nothing where there is neither."""
    for node in model.nodes:
        if output in node.output:
            return (output,)
        if output == node.name:
            return tuple(node.output[:1])
    return ()


def _needed(model: OnnxFile, ends: tuple[str, ...]) -> tuple[list[NodeProto], set[str]]:
    """Return the nodes that *ends* need, and the names of everything that they read."""
    wanted = set(ends)
    found: list[NodeProto] = []
    for node in reversed(model.nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            found.append(node)
    return found[::-1], wanted


def _users(nodes: list[NodeProto]) -> dict[str, list[NodeProto]]:
    """Return which nodes read each name."""
    users: dict[str, list[NodeProto]] = {}
    for node in nodes:
        for name in node.input:
            users.setdefault(name, []).append(node)
    return users


def _channels_last(model: OnnxFile, users: Mapping[str, list[NodeProto]]) -> set[str]:
    """Return the inputs that hold channels last: all that happens to them first is to bring those to the front."""
    found = set()
    for name, each in model.inputs.items():
        rank = len(each.shape) + 1
        front = [0, rank - 1, *range(1, rank - 1)]
        first = _first_users(name, users, ("Cast", "Identity"))
        turned = [list(at.ints) for node in first if node.op_type == "Transpose" for at in node.attribute]
        if rank > 2 and turned and len(turned) == len(first) and all(order == front for order in turned):
            found.add(name)
    return found


def _first_users(name: str, users: Mapping[str, list[NodeProto]], passed: tuple[str, ...]) -> list[NodeProto]:
    """Return what first does more to a map than *passed* do: Keras casts it to the type that it has, several times."""
    found: list[NodeProto] = []
    todo, seen = [name], {name}
    while todo:
        for node in users.get(todo.pop(), ()):
            if node.op_type not in passed:
                found.append(node)
            elif node.output[0] not in seen:
                seen.add(node.output[0])
                todo.append(node.output[0])
    return found


def _turned(each: Input) -> Input:
    """Return an input with its channels, which stand last, at the front."""
    return Input(each.name, (each.shape[-1], *each.shape[:-1]))
