"""A layer as the line that a person would write: short fields, no defaults, shorthands where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from convmath.formula import Formula, Value, is_integral, ratio
from convmath.spec.activation import Activation, Prelu
from convmath.spec.conv import Conv, DepthwiseConv, PointwiseConv
from convmath.spec.fields import REQUIRED, SAME, Amount, FieldKind, PerAxis, Reach, Size, Sizes
from convmath.spec.given import GivenNumbers
from convmath.spec.kinds import field_kinds
from convmath.spec.layer import Layer, Merge, Tapped
from convmath.spec.merge import ACTIVATIONS, GATES, Multiply, SqueezeExcitation
from convmath.spec.pool import AdaptiveAvgPool, AdaptiveMaxPool
from convmath.spec.writing.source import Source, reserved_names


class Line(NamedTuple):
    """A kind with its fields, as plain data; names and places are not part of it."""

    word: str
    fields: dict[str, Any]


def line(source: Source, at: int) -> Line:
    """Return the layer of a node as a line."""
    node = source.nodes[at]
    layer, producer = node.layer, node.inputs[0] if node.inputs else 0
    if isinstance(layer, Conv):
        return _conv(layer, source, producer)
    if isinstance(layer, AdaptiveAvgPool | AdaptiveMaxPool) and set(layer.output_size) == {1}:
        return Line("global_avg_pool" if isinstance(layer, AdaptiveAvgPool) else "global_max_pool", {})
    return Line(layer.kind, _fields(layer, source, producer))


def squeeze(source: Source, first: int) -> Line | None:
    """Return the nodes of squeeze and excitation as one line, or None where they are something else."""
    nodes = source.nodes[first : first + len(SqueezeExcitation.PARTS)]
    match [node.layer for node in nodes]:
        case [AdaptiveAvgPool(), Conv() as down, act, Conv(), gate, Multiply()]:
            pass
        case _:
            return None
    if act.kind not in ACTIVATIONS or gate.kind not in GATES or any(node.share is not None for node in nodes):
        return None
    arriving, inside = nodes[0].inputs[0], source.first + first
    chained = all(nodes[at].inputs == (inside + at - 1,) for at in range(1, len(nodes) - 1))
    if not chained or sorted(nodes[-1].inputs) != sorted((arriving, inside + len(nodes) - 2)):
        return None
    made = SqueezeExcitation(squeeze_channels=down.out_channels, activation=act.kind, gate=gate.kind)
    parts = made.expand(source.channels(arriving), len(source.shapes[arriving]) - 1)
    if any(
        node.resolved(source.known) != part.bind(source.known) for node, (_, part) in zip(nodes, parts, strict=True)
    ):
        return None
    return Line(made.kind, _fields(made, source, inside))


def _conv(layer: Conv, source: Source, producer: int) -> Line:
    fields = _fields(layer, source, producer)
    multiplier = _multiplier(layer, source, producer)
    if multiplier is not None:
        del fields["out_channels"]
        fields.pop("groups", None)
        more = {"multiplier": source.text(multiplier, producer)} if multiplier != 1 else {}
        shared = {"shared": True} if layer.shared else {}
        return Line(DepthwiseConv.kind, {"kernel_size": fields.pop("kernel_size"), **more, **shared, **fields})
    if layer.is_pointwise and layer.weight is None and layer.bias_value is None:
        del fields["kernel_size"]
        return Line(PointwiseConv.kind, fields)
    return Line(layer.kind, fields)


def _multiplier(layer: Conv, source: Source, producer: int) -> Value | None:
    """Return how many kernels each channel has, or None where they read several channels."""
    if layer.groups == 1 and not layer.shared:
        return None
    groups = source.resolved(layer.groups)
    each = ratio(source.resolved(layer.out_channels), groups)
    if replace(layer, groups=groups).word(source.channels(producer)) != DepthwiseConv.kind or not is_integral(each):
        return None
    return None if isinstance(each, Formula) and reserved_names(each) else each


def _fields(layer: Layer, source: Source, producer: int) -> dict[str, Any]:
    """Return the fields that differ from their defaults, in order."""
    found = {}
    for name, kind in field_kinds(type(layer)).items():
        held = getattr(layer, name)
        if not _is_default(kind, held, layer, source, producer):
            found[name] = _plain(kind, held, layer, source, producer)
    return found


def _is_default(kind: FieldKind, held: Any, layer: Layer, source: Source, producer: int) -> bool:
    default = kind.default
    if default is REQUIRED:
        return False
    match kind:
        case PerAxis() if isinstance(default, str):
            return bool(held == getattr(layer, default))
        case PerAxis():
            return all(each == default for each in held)
        case Amount():
            return all(each == (default, default) for each in held)
        case Size() if isinstance(default, str):
            return bool(source.text(held, producer) == default)
    return bool(held == default)


def _plain(kind: FieldKind, held: Any, layer: Layer, source: Source, producer: int) -> Any:
    match kind:
        case Size():
            return source.text(held, producer)
        case Reach() if not held:
            return "all"
        case PerAxis() | Reach():
            return _one_or_list([source.text(each, producer) for each in held])
        case Sizes():
            return [source.text(each, producer) for each in held]
        case Amount():
            if "causal" in kind.words and isinstance(layer, Tapped) and _is_causal(layer):
                return "causal"
            return _one_or_list([_pad(each, source, producer) for each in held])
        case GivenNumbers():
            return _lists(held)
    return held


def _pad(pad: Any, source: Source, producer: int) -> Any:
    if pad == SAME:
        return SAME
    before, after = (source.text(each, producer) for each in pad)
    return before if before == after else [before, after]


def _is_causal(layer: Tapped) -> bool:
    """Tell whether all that windows reach across is padded before, and it is more than nothing."""
    reach = [window.extent - 1 for window in layer.windows]
    return any(each != 0 for each in reach) and list(layer.padding) == [(each, 0) for each in reach]


def _one_or_list(entries: Sequence[Any]) -> Any:
    """Return one value for all axes, where they agree; pairs always stand in a list."""
    if not isinstance(entries[0], list) and all(each == entries[0] for each in entries):
        return entries[0]
    return list(entries)


def _lists(numbers: Any) -> Any:
    return [_lists(each) for each in numbers] if isinstance(numbers, tuple) else numbers


def has_parameters(layer: Layer) -> bool:
    """Tell whether a layer may have parameters: joins and functions of one value have none, ``prelu`` aside."""
    return not isinstance(layer, Activation | Merge) or isinstance(layer, Prelu)
