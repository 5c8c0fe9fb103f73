"""Receptive fields: formulas for first, last and size against what arrays of spans have read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

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
MOST_TRIED = 256
"""How many lengths of a strip are tried until joins allow one."""
BY_SPANS = "every pixel traced"
BY_STRIP = "every pixel traced, on a longer strip"


class Along(NamedTuple):
    """The axis of an input of the network that is traced."""

    axis: int
    source: int = 0

    def key(self, network: Network, part: str) -> str:
        """Return the path of a part of a field: by input where the network has several."""
        name = f'["{network.inputs[self.source].name}"]' if len(network.inputs) > 1 else ""
        return f"receptive_field{name}.{part}[{self.axis}]"


def confront_fields(network: Network, report: NetworkReport, values: Mapping[str, int], tally: Tally) -> None:
    """Trace every axis, and hold each layer's first, last and size against it.

    The formulas hold for outputs whose window meets no padding at any level. Where a
    layer has none at this size, the input is enlarged along the one axis until it has.
    """
    bound = network.bind(values)
    for source, given in enumerate(bound.inputs):
        for axis in range(len(given.sizes)):
            place = Along(axis, source)
            spans = measure_fields(bound, axis, source)
            pending = _layers(network, report, values, place, spans, tally, BY_SPANS)
            length = int(given.sizes[axis])  # type: ignore[arg-type]
            if length <= SHORT:
                _exact_sets(bound, place, spans, values, tally)
            while pending and length < LONGEST:
                length, pending = _on_longer(network, report, values, place, 2 * length + 64, pending, tally)


def _on_longer(
    network: Network,
    report: NetworkReport,
    values: Mapping[str, int],
    place: Along,
    length: int,
    pending: set[int],
    tally: Tally,
) -> tuple[int, set[int]]:
    """Trace a strip of the first legal length; return it, and the layers still without a clean output."""
    for longer in range(length, length + MOST_TRIED):
        try:
            return longer, _on_strip(network, report, values, place, longer, pending, tally)
        except SpecError:  # joins may need another length
            continue
    return LONGEST, set()  # a longer strip may break a condition that ties the axes together


def _exact_sets(bound: Network, place: Along, spans: tuple[Spans, ...], values: Mapping[str, int], tally: Tally) -> None:
    """Hold the spans against the exact sets of pixels that each output reads, which see holes as well."""
    for node, span, exact in zip(bound.nodes, spans, measure_reads(bound, *place), strict=True):
        ends = [((mask & -mask).bit_length() - 1, mask.bit_length() - 1) for mask in exact.masks if mask]
        read = [(int(low), int(high)) for low, high in zip(span.first, span.last, strict=True) if high >= 0]
        wrong = next((pair for pair in zip(read, ends, strict=False) if pair[0] != pair[1]), (len(read), len(ends)))
        key = (node.name, place.key(bound, "reads"))
        tally.note(key, "from the first to the last pixel read", *wrong, at=values, by="sets of all pixels read")


def _on_strip(
    network: Network,
    report: NetworkReport,
    values: Mapping[str, int],
    place: Along,
    length: int,
    pending: set[int],
    tally: Tally,
) -> set[int]:
    """Trace the axis of an input enlarged to *length*; return the layers still without a clean output."""
    origin = network.inputs[place.source].sizes[place.axis]
    name = str(origin)
    if isinstance(origin, Formula) and name in values:
        longer = {**values, name: length}
        traced = measure_fields(network.bind(longer), *place)
        return _layers(network, report, longer, place, traced, tally, BY_STRIP, pending)
    inputs = tuple(
        replace(each, shape=tuple(length if size == origin and at else size for at, size in enumerate(each.shape)))
        if len(network.inputs) > 1 or not isinstance(origin, int)
        else replace(each, shape=tuple(length if at == place.axis + 1 else size for at, size in enumerate(each.shape)))
        for each in network.inputs
    )
    strip = replace(network, inputs=inputs).bind(values)
    return _layers(strip, derive(strip), {}, place, measure_fields(strip, *place), tally, BY_STRIP, pending)


def _layers(
    network: Network,
    report: NetworkReport,
    values: Mapping[str, int],
    place: Along,
    traced: tuple[Spans, ...],
    tally: Tally,
    measured_by: str,
    only: set[int] | None = None,
) -> set[int]:
    """Check the layers; return those that had no output free of padding."""
    pending: set[int] = set()
    axis, given = place.axis, network.inputs[place.source]
    size = int(bind(given.sizes[axis], values))  # type: ignore[arg-type]
    for at, (layer, seen) in enumerate(zip(report.layers, traced, strict=True)):
        field = layer.fields.get(given.name) if layer.fields else layer.receptive_field
        if field is None or (only is not None and at not in only):
            continue
        key = (layer.name, place.key(network, "size"))
        if field.whole:
            if field.size:
                low, high = int(seen.first.min()), int(seen.last.max())
                span = max(0, high - low + 1)
                claimed = bind(field.size[axis] or 0, values)
                agrees = not field.exact and isinstance(claimed, int) and span <= claimed
                tally.note(key, field.size[axis], claimed, claimed if agrees else span, at=values, by=measured_by)
            continue
        if field.first is None or field.last is None or field.first[axis] is None or field.last[axis] is None:
            continue
        clean = np.flatnonzero(seen.clean & (seen.first < size))
        if not len(clean):
            pending.add(at)
            continue
        for name, formula, measured in (
            ("first", field.first[axis], seen.first),
            ("last", field.last[axis], seen.last),
        ):
            derived, found = _compared(bind(formula, values), clean, measured)
            named = (layer.name, place.key(network, name))
            tally.note(named, formula, derived, found, at=values, by=measured_by)
        _jump_and_start(network, layer, field, place, clean, seen.first, values, tally, measured_by)
        widest = int((seen.last[clean] - seen.first[clean] + 1).max())
        stated = field.size[axis]
        if stated is not None:
            claimed = bind(stated, values)
            reached = len(clean) == len(seen.clean) or _affine(bind(field.first[axis], values)) is not None
            agrees = widest == claimed if reached and field.exact else isinstance(claimed, int) and widest <= claimed
            tally.note(key, stated, claimed, claimed if agrees else widest, at=values, by=measured_by)
    return pending


def _jump_and_start(
    network: Network,
    layer: LayerReport,
    field: Field,
    place: Along,
    clean: NDArray[np.int64],
    first: NDArray[np.int64],
    values: Mapping[str, int],
    tally: Tally,
    measured_by: str,
) -> None:
    """Hold jump and start against two neighbouring outputs, where neighbours lie equally far apart."""
    axis = place.axis
    neighbours = np.flatnonzero(np.diff(clean) == 1)
    if field.jump is None or field.start is None or field.first is None or not len(neighbours):
        return
    if field.jump[axis] is None or _affine(bind(field.first[axis], values)) is None:  # type: ignore[arg-type]
        return
    at = int(clean[neighbours[0]])
    jump = int(first[at + 1] - first[at])
    start = int(first[at]) - jump * at
    for name, formula, measured in (("jump", field.jump[axis], jump), ("start", field.start[axis], start)):
        key = (layer.name, place.key(network, name))
        tally.note(key, formula, bind(formula, values), measured, at=values, by=measured_by)  # type: ignore[arg-type]


def _compared(formula: Value, clean: NDArray[np.int64], measured: NDArray[np.int64]) -> tuple[object, object]:
    """Return derived and measured index at the first position where they differ, or at the last one."""
    line = _affine(formula)
    if line is not None:
        slope, offset = line
        derived = slope * clean + offset
        wrong = np.flatnonzero(derived != measured[clean])
        at = int(wrong[0]) if len(wrong) else -1
        return int(derived[at]), int(measured[clean[at]])
    step = max(1, len(clean) // MOST_POSITIONS)
    for position in clean[::step].tolist():
        value = bind(formula, {"i": position})
        if value != int(measured[position]):
            return value, int(measured[position])
    return value, int(measured[position])


def _affine(formula: Value) -> tuple[int, int] | None:
    """Return (a, b) where the formula is a*i + b with integers, else None."""
    offset = bind(formula, {"i": 0})
    slope = bind(formula, {"i": 1}) - offset
    if not isinstance(slope, int) or not isinstance(offset, int):
        return None
    from convmath.formula import symbol

    return (slope, offset) if formula == slope * symbol("i") + offset else None
