"""What a layer sees that reads every position of its input: global pooling, a dense layer behind flatten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from convmath.formula import Formula, Value, max_of, min_of, nonnegative_over_a_period, surely_nonnegative
from convmath.report import Field
from convmath.spec.graph import Network
from convmath.symbolic.facts import Facts

if TYPE_CHECKING:
    from convmath.symbolic.trace import Trace

Ends = tuple[list[list[Value]], list[list[Value]]]
"""Per axis, candidates for the least index that is read, of which the largest counts, and for the greatest."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The pixels that all positions of a map see together, per axis; an upper bound where not ``exact``."""

    low: tuple[Value, ...]
    high: tuple[Value, ...]
    exact: bool = True

    def field(self) -> Field:
        """Return it as a receptive field."""
        size = tuple(high - low + 1 for low, high in zip(self.low, self.high, strict=True))
        if not self.exact:
            size = tuple(max_of(each, 0) for each in size)  # windows in padding alone may read nothing at all
        return Field(size=size, whole=True, exact=self.exact)


def joined_whole(parts: Sequence[Whole]) -> Whole:
    """Return what several maps see together; between them pixels may be left out, which a hull ignores."""
    parts = list(dict.fromkeys(parts))
    if len(parts) == 1:
        return parts[0]
    low = tuple(min_of(*axis) for axis in zip(*(each.low for each in parts), strict=True))
    high = tuple(max_of(*axis) for axis in zip(*(each.high for each in parts), strict=True))
    return Whole(low, high, all(each.exact for each in parts))


def whole_views(
    network: Network, producer: int, traces: Sequence[Trace], facts: Sequence[Facts], bounds: Mapping[str, Value]
) -> dict[int, Whole]:
    """Return what all positions of a producer's output see together, of each input of the network.

    Walked back layer by layer and cut to each map on the way: a kernel of 3 with stride 2
    never reads row 5 of 6, and what a layer does not read, its window's overhang does not
    bring back. Composed maps would forget the cuts. With dilated windows over padding,
    windows that lie in padding altogether, or gaps of a transposed convolution, the size
    is an upper bound.
    """
    first = len(network.inputs)
    pending: dict[int, Ends] = {producer: _everything(traces[producer])}
    found: dict[int, list[Whole]] = {}
    exact = True
    for at in range(producer, -1, -1):
        if at not in pending:
            continue
        lows, highs = pending.pop(at)
        views = traces[at].views
        for source, view in views.items():
            if view.whole is not None:
                found.setdefault(source, []).append(view.whole)
        if all(view.whole is not None for view in views.values()):
            continue
        if at < first:
            low, high = (tuple(max_of(*each) for each in lows), tuple(min_of(*each) for each in highs))
            found.setdefault(at, []).append(Whole(low, high, exact))
            continue
        step, node = facts[at - first], network.nodes[at - first]
        exact = exact and step.borders and step.hull
        for which, each in enumerate(node.inputs):
            ends = _before(traces[each], step.toward(which), (lows, highs), bounds)
            pending[each] = _both(pending[each], ends, bounds) if each in pending else ends
    return {at: joined_whole(parts) for at, parts in found.items()}


def _everything(trace: Trace) -> Ends:
    return [[0] for _ in trace.shape.sizes], [[size - 1] for size in trace.shape.sizes]


def _before(trace: Trace, step: Facts, ends: Ends, bounds: Mapping[str, Value]) -> Ends:
    """Return what a layer that needs *ends* of its output needs of an input with this trace."""
    lows, highs = ends
    if not trace.shape.sizes or not step.maps or len(lows) != len(step.first):
        return _everything(trace)
    return (
        [_largest([0, *map(near, low)], bounds) for low, near in zip(lows, step.first, strict=True)],
        [
            _largest([size - 1, *map(far, high)], bounds, sign=-1)
            for high, far, size in zip(highs, step.last, trace.shape.sizes, strict=True)
        ],
    )


def _both(one: Ends, other: Ends, bounds: Mapping[str, Value]) -> Ends:
    """Return what two consumers of a map need together."""
    lows = [_outer(a, b, bounds, 1) for a, b in zip(one[0], other[0], strict=True)]
    highs = [_outer(a, b, bounds, -1) for a, b in zip(one[1], other[1], strict=True)]
    return lows, highs


def _outer(one: list[Value], other: list[Value], bounds: Mapping[str, Value], sign: int) -> list[Value]:
    """Return the lesser of two least indices, or with *sign* -1 the greater of two greatest ones."""
    if one == other:
        return one
    inner, outer = (max_of, min_of) if sign > 0 else (min_of, max_of)
    left, right = inner(*one), inner(*other)
    if _never_negative(sign * (right - left), bounds):
        return [left]
    if _never_negative(sign * (left - right), bounds):
        return [right]
    return [outer(left, right)]


def _largest(values: list[Value], bounds: Mapping[str, Value], sign: int = 1) -> list[Value]:
    """Return the values that may be the largest, or with *sign* -1 the smallest, within the bounds.

    All maps are monotone, so that a layer may be applied to each candidate on its own.
    """
    kept: list[Value] = []
    for each in dict.fromkeys(values):
        if any(_never_negative(sign * (other - each), bounds) for other in kept):
            continue
        kept = [other for other in kept if not _never_negative(sign * (each - other), bounds)]
        kept.append(each)
    return kept


def _never_negative(value: Value, bounds: Mapping[str, Value]) -> bool:
    return value >= 0 if not isinstance(value, Formula) else _decided(value, tuple(bounds.items()))


@lru_cache(maxsize=4096)
def _decided(value: Formula, bounds: tuple[tuple[str, Value], ...]) -> bool:
    """Tell whether a formula is never negative; the same differences come again with every block of a network."""
    least = dict(bounds)
    return surely_nonnegative(value, least) or nonnegative_over_a_period(value, least) is True
