"""One node of an ONNX graph on its way to a layer: its attributes, what arrives, and the table of operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from struct import pack
from typing import TYPE_CHECKING, Any, TypeAlias

from convmath.importers.names import shown
from convmath.importers.onnx.numbers import Numbers, integers, stored
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Constant, Tensor, Unsupported
from convmath.spec.fields import SAME, Pad

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto


@dataclass(frozen=True, slots=True)
class Call:
    """A node: ``arriving`` are maps, constants or sizes, None where an input is left out."""

    sketch: Sketch
    name: str
    operator: str
    attributes: dict[str, Any]
    arriving: list[Any]
    opset: int
    outputs: int

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.attributes.get(name, default)

    def given(self, at: int) -> Any:
        """Return what arrives at an input; None where it is left out."""
        return self.arriving[at] if at < len(self.arriving) else None

    @property
    def x(self) -> Tensor:
        """The map that arrives first."""
        return self.map(0)

    def map(self, at: int) -> Tensor:
        """Return the map that arrives at an input; Raises ``Unsupported`` for anything else."""
        found = self.given(at)
        if not isinstance(found, Tensor):
            raise Unsupported(f"its input {at} is no map of the network, but {_what(found)}")
        return found

    def weight(self, at: int) -> Constant:
        """Return the weight that arrives at an input; Raises ``Unsupported`` for one that the model computes."""
        found = self.given(at)
        if isinstance(found, Constant):
            return found
        if isinstance(found, Numbers):
            exact = [each for each in found.values if isinstance(each, int | Fraction)]
            held = [float(each) for each in exact if -MOST_SINGLE < each < MOST_SINGLE]
            if len(held) == len(found.values):
                return stored(held, found.shape)
        if isinstance(found, Tensor):
            raise Unsupported(f"its input {at} is computed from the network's input; only weights of the model fit")
        raise Unsupported(f"its input {at} is {_what(found)}; a weight of the model is needed")

    def maybe(self, at: int) -> Constant | None:
        """Return the weight that arrives at an input, None where it is left out, or is made up as zeros."""
        found = self.given(at)
        zeros = isinstance(found, Numbers) and not any(found.values)
        zeros = zeros or (isinstance(found, Constant) and found.made == 0)
        return None if found is None or zeros else self.weight(at)

    def integers(self, name: str, at: int | None = None) -> tuple[int, ...] | None:
        """Return numbers that are an attribute, or in later versions an input; None where they are left out."""
        if name in self.attributes:
            held = self.attributes[name]
            return tuple(held) if isinstance(held, list) else (held,)
        return None if at is None or self.given(at) is None else integers(self.given(at))

    def per_axis(self, name: str, rank: int, default: int = 1) -> tuple[int, ...]:
        """Return an attribute of one number for each axis of space."""
        found = tuple(self.get(name) or (default,) * rank)
        if not rank or len(found) != rank:
            raise Unsupported(f"{name} has {len(found)} numbers for {rank} axes of space")
        return found

    def padding(self, rank: int, lower: Callable[[int], Pad]) -> tuple[Pad, ...]:
        """Return the padding of each axis of space; *lower* tells that of SAME_LOWER."""
        word = self.get("auto_pad", "NOTSET")
        if word == "VALID":
            return ((0, 0),) * rank
        if word == "SAME_UPPER":
            return (SAME,) * rank
        if word == "SAME_LOWER":
            return tuple(map(lower, range(rank)))
        if word not in ("NOTSET", ""):
            raise Unsupported(f"auto_pad {word} is unknown")
        pads = self.get("pads") or [0] * 2 * rank
        if len(pads) != 2 * rank or min(pads, default=0) < 0:
            raise Unsupported(f"pads {pads} are not two numbers from 0 on for each of {rank} axes")
        return tuple((pads[at], pads[rank + at]) for at in range(rank))


def _what(held: Any) -> str:
    return "missing" if held is None else "a constant" if isinstance(held, Constant) else "a list of sizes"


UNKNOWN = "the operator is unknown"
"""Why a node is refused, or how the reason begins."""
MOST_SINGLE = 3.4e38
"""Single precision holds little more."""
Operator: TypeAlias = Callable[[Call], Any]
OPERATORS: dict[str, Operator] = {}
"""How each operator of ONNX is read: its outputs, or the only one."""


def operator(*names: str) -> Callable[[Operator], Operator]:
    """Enter a function into the table of operators."""

    def enter(function: Operator) -> Operator:
        for name in names:
            if name in OPERATORS:
                raise TypeError(f"the operator {name} stands there twice")
            OPERATORS[name] = function
        return function

    return enter


def attributes(node: NodeProto, constant: Callable[[TensorProto], Constant]) -> dict[str, Any]:
    """Return a node's attributes as plain data; tensors as constants, graphs not at all."""
    found: dict[str, Any] = {}
    for each in node.attribute:
        match each.type:
            case each.FLOAT:
                found[each.name] = written(each.f)
            case each.INT:
                found[each.name] = each.i
            case each.STRING:
                found[each.name] = each.s.decode("utf-8", "replace")
            case each.FLOATS:
                found[each.name] = list(map(written, each.floats))
            case each.INTS:
                found[each.name] = list(each.ints)
            case each.STRINGS:
                found[each.name] = [text.decode("utf-8", "replace") for text in each.strings]
            case each.TENSOR:
                found[each.name] = constant(each.t)
            case _:
                pass
    return found


def written(number: float) -> float:
    """Return the number of fewest digits that single precision holds as *number*: 1e-5, not 9.99999974e-06."""
    for digits in range(1, 9):
        short = float(f"{number:.{digits}g}")
        if isfinite(short) and abs(short) < MOST_SINGLE and pack("f", short) == pack("f", number):
            return short
    return number


def check(node: NodeProto, opset: int) -> None:
    """Refuse a node whose attributes or inputs are not those that its operator has in this version.

    So what reads the operator may take their types for granted.
    """
    from onnx import defs

    try:
        schema = defs.get_schema(node.op_type, opset, "")
    except defs.SchemaError:
        raise Unsupported(f"version {opset} of ONNX's operators has none of this name") from None
    for each in node.attribute:
        known = schema.attributes.get(each.name)
        if known is None:
            raise Unsupported(f"it has no attribute '{shown(each.name)}' in version {opset} of ONNX's operators")
        if each.type != known.type.value:  # type: ignore[attr-defined]
            raise Unsupported(f"its attribute '{each.name}' is of another type than the operator's")
    missing = [name for name, known in schema.attributes.items() if known.required]
    missing = [name for name in missing if all(each.name != name for each in node.attribute)]
    if missing:
        raise Unsupported(f"its attribute '{missing[0]}' is missing")
    if not schema.min_input <= len(node.input) <= schema.max_input:
        raise Unsupported(f"it has {len(node.input)} inputs, but takes {schema.min_input} to {schema.max_input}")
