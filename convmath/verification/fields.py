"""Receptive fields: formulas for first, last and size against what arrays of spans have read."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmath.errors import SpecError
from convmath.formula import Formula, Value, bind
from convmath.numeric.measure import Field as Spans
from convmath.numeric.measure import measure_fields, measure_reads
from convmath.report import Field, LayerReport, NetworkReport
from convmath.spec.graph import Network
from convmath.symbolic.compose import derive
from convmath.verification.tally import Tally

LONGEST = 1 << 17
"""The longest strip that an input is enlarged to."""
MOST_POSITIONS = 64
SHORT = 64
"""Up to this size of an axis the exact sets of pixels are traced, too."""
BY_SPANS = "every pixel traced"
BY_STRIP = "every pixel traced, on a longer strip"


def confront_fields(network: Network, report: NetworkReport, values: Mapping[str, int], tally: Tally) -> None:
    """Trace every axis, and hold each layer's first, last and size against it.

    The formulas hold for outputs whose window meets no padding at any level. Where a
    layer has none at this size, the input is enlarged along the one axis until it has.
    """
    bound = network.bind(values)
    for axis in range(len(bound.inputs[0].sizes)):
        spans = measure_fields(bound, axis)
        pending = _layers(network, report, values, axis, spans, tally, BY_SPANS)
        length = int(bound.inputs[0].sizes[axis])  # type: ignore[arg-type]
        if length <= SHORT:
            _exact_sets(bound, axis, spans, values, tally)
        while pending and length < LONGEST:
            length = 2 * length + 64
            try:
                pending = _on_strip(network, report, values, axis, length, pending, tally)
            except SpecError:
                break  # a longer strip may break a condition that ties the axes together


def _exact_sets(bound: Network, axis: int, spans: tuple[Spans, ...], values: Mapping[str, int], tally: Tally) -> None:
    """Hold the spans against the exact sets of pixels that each output reads, which see holes as well."""
    for node, span, exact in zip(bound.nodes, spans, measure_reads(bound, axis), strict=True):
        ends = [((mask & -mask).bit_length() - 1, mask.bit_length() - 1) for mask in exact.masks if mask]
        read = [(int(low), int(high)) for low, high in zip(span.first, span.last, strict=True) if high >= 0]
        wrong = next((pair for pair in zip(read, ends, strict=False) if pair[0] != pair[1]), (len(read), len(ends)))
        key = (node.name, f"receptive_field.reads[{axis}]")
        tally.note(key, "from the first to the last pixel read", *wrong, at=values, by="sets of all pixels read")


def _on_strip(
    network: Network,
    report: NetworkReport,
    values: Mapping[str, int],
    axis: int,
    length: int,
    pending: set[int],
    tally: Tally,
) -> set[int]:
    """Trace the axis of an input enlarged to *length*; return the layers still without a clean output."""
    origin = network.inputs[0].sizes[axis]
    name = str(origin)
    if isinstance(origin, Formula) and name in values:
        longer = {**values, name: length}
        return _layers(
            network, report, longer, axis, measure_fields(network.bind(longer), axis), tally, BY_STRIP, pending
        )
    source = network.inputs[0]
    shape = tuple(length if at == axis + 1 else size for at, size in enumerate(source.shape))
    strip = replace(network, inputs=(replace(source, shape=shape), *network.inputs[1:])).bind(values)
    return _layers(strip, derive(strip), {}, axis, measure_fields(strip, axis), tally, BY_STRIP, pending)


def _layers(
    network: Network,
    report: NetworkReport,
    values: Mapping[str, int],
    axis: int,
    traced: tuple[Spans, ...],
    tally: Tally,
    measured_by: str,
    only: set[int] | None = None,
) -> set[int]:
    """Check the layers; return those that had no output free of padding."""
    pending: set[int] = set()
    size = int(bind(network.inputs[0].sizes[axis], values))  # type: ignore[arg-type]
    for at, (layer, seen) in enumerate(zip(report.layers, traced, strict=True)):
        field = layer.receptive_field
        if only is not None and at not in only:
            continue
        key = (layer.name, f"receptive_field.size[{axis}]")
        if field.whole:
            if field.size:
                low, high = int(seen.first.min()), int(seen.last.max())
                span = max(0, high - low + 1)
                claimed = bind(field.size[axis] or 0, values)
                agrees = not field.exact and isinstance(claimed, int) and span <= claimed
                tally.note(key, field.size[axis], claimed, claimed if agrees else span, at=values, by=measured_by)
            continue
        if field.first is None or field.last is None:
            continue
        clean = np.flatnonzero(seen.clean & (seen.first < size))
        if not len(clean):
            pending.add(at)
            continue
        _ends(layer, axis, clean, seen, values, tally, measured_by)
        _size(layer, axis, clean, seen, values, tally, measured_by)
    return pending


def _ends(
    layer: LayerReport,
    axis: int,
    clean: NDArray[np.int64],
    seen: Spans,
    values: Mapping[str, int],
    tally: Tally,
    measured_by: str,
) -> None:
    """Hold first and last, jump and start against what outputs that met no padding have read."""
    field = layer.receptive_field
    for name, held, measured, beyond in (
        ("first", field.first, seen.first, operator.lt),
        ("last", field.last, seen.last, operator.gt),
    ):
        formula = held[axis]  # type: ignore[index]  # who calls has looked
        derived, found = _compared(bind(formula, values), clean, measured, None if field.exact else beyond)
        key = (layer.name, f"receptive_field.{name}[{axis}]")
        tally.note(key, formula, derived, found, at=values, by=measured_by)
    if field.exact:
        _jump_and_start(layer, axis, clean, seen.first, values, tally, measured_by)


def _size(
    layer: LayerReport,
    axis: int,
    clean: NDArray[np.int64],
    seen: Spans,
    values: Mapping[str, int],
    tally: Tally,
    measured_by: str,
) -> None:
    """Hold the size against the widest span; it must be reached where a whole period met no padding."""
    field = layer.receptive_field
    stated = field.size[axis]
    if stated is None:
        return
    widest = int((seen.last[clean] - seen.first[clean] + 1).max())
    claimed: Any = bind(stated, values)
    agrees = widest == claimed if _reached(field, axis, clean, seen, values) else widest <= claimed
    key = (layer.name, f"receptive_field.size[{axis}]")
    tally.note(key, stated, claimed, claimed if agrees else widest, at=values, by=measured_by)


def _reached(field: Field, axis: int, clean: NDArray[np.int64], seen: Spans, values: Mapping[str, int]) -> bool:
    """Tell whether the largest field is among those that were traced."""
    if not field.exact:
        return False
    if field.period is None:
        return len(clean) == len(seen.clean) or _affine(bind(field.first[axis], values)) is not None  # type: ignore[index]
    period: Any = bind(field.period[axis], values)
    runs = np.split(clean, np.flatnonzero(np.diff(clean) != 1) + 1)
    return bool(max(map(len, runs)) >= period)


def _jump_and_start(
    layer: LayerReport,
    axis: int,
    clean: NDArray[np.int64],
    first: NDArray[np.int64],
    values: Mapping[str, int],
    tally: Tally,
    measured_by: str,
) -> None:
    """Hold jump and start against two neighbouring outputs, where neighbours lie equally far apart."""
    field = layer.receptive_field
    neighbours = np.flatnonzero(np.diff(clean) == 1)
    if field.jump is None or field.start is None or field.first is None or not len(neighbours):
        return
    if _affine(bind(field.first[axis], values)) is None:
        return
    at = int(clean[neighbours[0]])
    jump = int(first[at + 1] - first[at])
    start = int(first[at]) - jump * at
    for name, formula, measured in (("jump", field.jump[axis], jump), ("start", field.start[axis], start)):
        key = (layer.name, f"receptive_field.{name}[{axis}]")
        tally.note(key, formula, bind(formula, values), measured, at=values, by=measured_by)


def _compared(
    formula: Value,
    clean: NDArray[np.int64],
    measured: NDArray[np.int64],
    beyond: Callable[[Any, Any], bool] | None,
) -> tuple[object, object]:
    """Return derived and measured index at the first position where they differ, or at the last one.

    Of a bound only what lies *beyond* it differs.
    """
    wrong: Callable[[Any, Any], Any] = operator.ne
    if beyond is not None:
        wrong = lambda derived, found: beyond(found, derived)  # noqa: E731
    line = _affine(formula)
    if line is not None:
        slope, offset = line
        indices = clean
        derived = [slope * at + offset for at in clean.tolist()]
    else:
        indices = clean[:: max(1, len(clean) // MOST_POSITIONS)]
        derived = [bind(formula, {"i": at}) for at in indices.tolist()]
    pairs = list(zip(derived, measured[indices].tolist(), strict=True))
    differing = [pair for pair in pairs if wrong(*pair)]
    if differing:
        return differing[0]
    return pairs[-1][0], pairs[-1][0]


def _affine(formula: Value) -> tuple[int, int] | None:
    """Return (a, b) where the formula is a*i + b with integers, else None."""
    offset = bind(formula, {"i": 0})
    slope = bind(formula, {"i": 1}) - offset
    if not isinstance(slope, int) or not isinstance(offset, int):
        return None
    from convmath.formula import symbol

    return (slope, offset) if formula == slope * symbol("i") + offset else None
