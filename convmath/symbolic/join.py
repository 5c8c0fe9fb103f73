"""Where branches meet: their sizes must be equal, and what each sees is united."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from convmath.formula import Formula, Value
from convmath.formula.text import write_shape
from convmath.spec.graph import Node
from convmath.spec.layer import Layer, field_kinds
from convmath.spec.merge import Concat, Multiply
from convmath.symbolic.constraints import Side
from convmath.symbolic.facts import Facts
from convmath.symbolic.trace import Trace
from convmath.symbolic.whole import Whole, joined_whole

if TYPE_CHECKING:
    from convmath.symbolic.compose import Walk

FREE = frozenset({"stride", "padding", "dilation", "padding_mode", "output_padding", "eps", "p"})
"""Fields that do not change which parameters a layer has."""


def join(walk: Walk, node: Node, parts: list[Trace], facts: Facts) -> Trace:
    """Return the trace of a layer that joins *parts*, and require that their sizes are equal."""
    for axis in range(len(facts.out.sizes)):
        wide = [each for each in parts if not (isinstance(node.layer, Multiply) and each.shape.sizes[axis] == 1)]
        for left, right in pairwise(wide):
            _equal(walk, node, axis, left, right)
    chosen = min(parts, key=lambda each: _length(each, facts))
    others = [each for each in parts if each is not chosen]
    return chosen.joined(others, facts.out, _whole(walk, node, parts), beside=isinstance(node.layer, Concat))


def accompanied(walk: Walk, node: Node, out: Trace, others: list[Trace]) -> Trace:
    """Return the trace of a layer that reads other maps at the position of its output, and require the output's sizes.

    *out* is the trace of the output as far as it comes from the first map. Where a map
    sees its input as a whole, what all positions see is a bound.
    """
    for name, each in zip(node.layer.takes[1:], others, strict=True):
        for axis, size in enumerate(out.shape.sizes):
            if not _may_be_equal(walk, node, axis, out, each):
                message = f"{_written(each)} arrives as {name}, but the output has the size {size} on axis {axis}"
                help_ = "make them by a convolution with the same kernel_size, stride, padding and dilation"
                raise walk.network.refuse(node, "bad-join", message, help_)
    parts = [out, *others]
    whole = {at: replace(each, exact=False) for at, each in _whole(walk, node, parts).items()}
    return out.joined(others, out.shape, whole, beside=False)


def _length(trace: Trace, facts: Facts) -> tuple[bool, bool, int]:
    """Rank what the joined sizes can be stated by: the words that make them, with the fewest maps."""
    words = [word for word in trace.sizes if word is not None]
    return (trace.shape.sizes != facts.out.sizes, len(words) < len(trace.sizes), sum(len(word.maps) for word in words))


def _equal(walk: Walk, node: Node, axis: int, left: Trace, right: Trace) -> None:
    if not _may_be_equal(walk, node, axis, left, right):
        one, other = left.shape.sizes[axis], right.shape.sizes[axis]
        never = "are never equal" if isinstance(one, Formula) or isinstance(other, Formula) else "differ"
        message = f"the sizes {one} and {other} on axis {axis} {never}; {_written(left)} and {_written(right)} arrive"
        help_ = walk.way_out(axis) if never == "differ" else "crop or pad one of the two"
        raise walk.network.refuse(node, "bad-join", message, help_)


def _may_be_equal(walk: Walk, node: Node, axis: int, left: Trace, right: Trace) -> bool:
    """Require that two sizes are equal; Return whether they ever are."""
    one, other = left.shape.sizes[axis], right.shape.sizes[axis]
    if isinstance(one, Formula) or isinstance(other, Formula):
        return one == other or walk.constraints.join(node, axis, _side(left, axis, one), _side(right, axis, other))
    return one == other


def _written(trace: Trace) -> str:
    return write_shape((trace.shape.channels, *trace.shape.sizes))


def _side(trace: Trace, axis: int, size: Value) -> Side:
    return Side(trace.origin[axis], trace.sizes[axis], size)


def _whole(walk: Walk, node: Node, parts: list[Trace]) -> dict[int, Whole]:
    """Return what the join sees where some of its maps see their inputs as a whole: then all positions of all maps."""
    if not any(each.whole for each in parts):
        return {}
    found: dict[int, list[Whole]] = {}
    for producer in dict.fromkeys(node.inputs):
        for source, whole in walk.whole(producer).items():
            found.setdefault(source, []).append(whole)
    return {source: joined_whole(wholes) for source, wholes in found.items()}


def unlike(layer: Layer, owner: Layer) -> str:
    """Return in which field that parameters depend on two layers of one kind differ; empty where in none."""
    for name in field_kinds(type(layer)):
        mine, theirs = getattr(layer, name), getattr(owner, name)
        if name not in FREE and mine != theirs:
            return f"{name} is {_shown(mine)} here and {_shown(theirs)} there"
    return ""


def _shown(held: object) -> str:
    return " × ".join(map(str, held)) if isinstance(held, tuple) else str(held)
