"""What a layer sees that reads every position of its input: global pooling, a dense layer behind flatten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convmath.formula import Value, max_of, min_of, nonnegative_over_a_period, surely_nonnegative
from convmath.report import Field
from convmath.symbolic.facts import Facts
from convmath.symbolic.trace import Trace


def whole_field(traces: Sequence[Trace], facts: Sequence[Facts], bounds: Mapping[str, Value]) -> Field:
    """Return the field of all positions of the last trace, the path's input first.

    Walked back layer by layer and cut to each map on the way: a kernel of 3 with stride 2
    never reads row 5 of 6, and what a layer does not read, its window's overhang does not
    bring back. Composed maps would forget the cuts. With dilated windows over padding,
    windows that lie in padding altogether, or gaps of a transposed convolution, the size
    is an upper bound.
    """
    path = [at for at, trace in enumerate(traces) if trace.shape.sizes]
    if not path:
        return Field(size=(), whole=True)
    last = path[-1]
    lows: list[list[Value]] = [[0] for _ in traces[last].shape.sizes]
    highs: list[list[Value]] = [[size - 1] for size in traces[last].shape.sizes]
    for at in range(last, 0, -1):
        before, step = traces[at - 1].shape.sizes, facts[at - 1]
        lows = [_largest([0, *map(near, low)], bounds) for low, near in zip(lows, step.first, strict=True)]
        highs = [
            _largest([size - 1, *map(far, high)], bounds, sign=-1)
            for high, far, size in zip(highs, step.last, before, strict=True)
        ]
    exact = all(step.borders and step.hull for step in facts[:last])
    size = tuple(min_of(*high) - max_of(*low) + 1 for low, high in zip(lows, highs, strict=True))
    if not exact:
        size = tuple(max_of(each, 0) for each in size)  # windows in padding alone may read nothing at all
    return Field(size=size, whole=True, exact=exact)


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
    return surely_nonnegative(value, bounds) or nonnegative_over_a_period(value, bounds) is True
