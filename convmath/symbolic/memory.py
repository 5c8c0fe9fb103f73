"""How many elements are alive while a network runs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from convmath.errors import LimitError
from convmath.formula import Formula, Value, max_of, surely_nonnegative
from convmath.spec.graph import Network

MOST_CANDIDATES = 12


class Moment(NamedTuple):
    """What is alive while one layer runs."""

    node: int
    alive: Value


def moments(network: Network, elements: list[Value], views: list[bool]) -> list[Moment]:
    """Return the elements alive while each layer runs: its inputs, its output, what later layers need.

    *elements* holds the outputs of all producers, the network's inputs first; a view is
    the memory of its input under another name, and takes none of its own.
    """
    first = len(network.inputs)
    root = list(range(first))
    last_use = [-1] * len(elements)
    for at, node in enumerate(network.nodes):
        root.append(root[node.inputs[0]] if views[at] else first + at)
        for producer in (*node.inputs, first + at):
            last_use[root[producer]] = at
    for output in network.outputs:
        last_use[root[first + output]] = len(network.nodes)
    ends: dict[int, list[int]] = {}
    for producer in set(root):
        ends.setdefault(last_use[producer], []).append(producer)
    alive: Value = sum((elements[at] for at in range(first)), start=0)
    found: list[Moment] = []
    for at in range(len(network.nodes)):
        if not views[at]:
            alive = alive + elements[first + at]
        found.append(Moment(at, alive))
        for producer in ends.get(at, ()):
            alive = alive - elements[producer]
    return found


def peak(found: list[Moment], preferred: set[int], bounds: Mapping[str, Value]) -> tuple[Value | None, int | None]:
    """Return the largest number alive, and the layer that runs then; *preferred* layers win ties.

    With symbols, a candidate is dropped when another is never smaller within the
    *bounds*; what cannot be decided stays, as a ``max``, and names no layer. None where
    too many candidates stay for a formula that anyone could read.
    """
    first: dict[Value, int] = {}
    for moment in sorted(found, key=lambda each: each.node not in preferred):
        first.setdefault(moment.alive, moment.node)
    ranked = sorted(first, key=lambda value: _sample(value, bounds), reverse=True)
    kept: list[Value] = []
    for value in ranked:
        if any(_never_below(other, value, bounds) for other in kept):
            continue
        kept = [other for other in kept if not _never_below(value, other, bounds)]
        kept.append(value)
        if len(kept) > MOST_CANDIDATES:
            return None, None
    if len(kept) == 1:
        return kept[0], first[kept[0]]
    try:
        return max_of(*kept), None
    except LimitError:
        return None, None


def _sample(value: Value, bounds: Mapping[str, Value]) -> int | Fraction:
    """Return the value where every symbol is at its least: a first guess at what is large."""
    if not isinstance(value, Formula):
        return value
    sampled = value.bind({name: bounds.get(name, 1) for name in value.names})
    return 0 if isinstance(sampled, Formula) else sampled


def _never_below(larger: Value, smaller: Value, bounds: Mapping[str, Value]) -> bool:
    if not isinstance(larger, Formula) and not isinstance(smaller, Formula):
        return larger >= smaller
    return surely_nonnegative(larger - smaller, bounds)
