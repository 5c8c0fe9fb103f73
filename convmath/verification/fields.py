"""Receptive fields: formulas for first, last and size against what arrays of spans have read."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convmath.errors import SpecError
from convmath.formula import Formula, Value, bind
from convmath.numeric.measure import Field as Spans
from convmath.numeric.measure import measure_fields, measure_reads
from convmath.report import Field, NetworkReport
from convmath.spec.graph import Input, Network
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


class Measured(NamedTuple):
    """What the outputs of one layer have read, and what is stated of it; ``clean`` are those that met no padding."""

    layer: str
    path: str
    field: Field
    axis: int
    clean: NDArray[np.int64]
    seen: Spans

    def key(self, part: str) -> tuple[str, str]:
        """Return under which name a part of the field is entered."""
        return self.layer, self.path.replace("%", part)


def confront_fields(network: Network, report: NetworkReport, values: Mapping[str, int], tally: Tally) -> None:
    """Trace every axis, and hold each layer's first, last and size against it.

    The formulas hold for outputs whose window meets no padding at any level. Where a
    layer has none at this size, the input is enlarged along the one axis until it has.
    """
    bound = network.bind(values)
    for source, given in enumerate(bound.inputs):
        for axis in range(len(given.sizes)):
            place = Along(axis, source)
            spans = measure_fields(bound, *place)
            ends = _aligned(bound, report, spans)
            pending = _layers(network, report, values, place, ends, tally, BY_SPANS)
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


def _exact_sets(
    bound: Network, place: Along, spans: tuple[Spans, ...], values: Mapping[str, int], tally: Tally
) -> None:
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
        enlarged = network.bind(longer)
        traced = _aligned(enlarged, report, measure_fields(enlarged, *place))
        return _layers(network, report, longer, place, traced, tally, BY_STRIP, pending)
    strip = replace(network, inputs=_lengthened(network, place, length)).bind(values)
    found = derive(strip)
    if len(found.layers) != len(report.layers):  # a repeat that was unrolled: its layers are other ones
        return set()
    return _layers(strip, found, {}, place, measure_fields(strip, *place), tally, BY_STRIP, pending)


def _aligned(bound: Network, report: NetworkReport, spans: tuple[Spans, ...]) -> tuple[Spans, ...]:
    """Return what was traced of each layer that is reported: of a repeat that was unrolled, its last one."""
    if len(report.layers) == len(spans):
        return spans
    last = {layer.name: layer.kind for layer in report.layers}
    found: dict[str, Spans] = {}
    for node, span in zip(bound.nodes, spans, strict=True):
        parts = node.name.split(".")
        names = (".".join(parts[:count]) for count in range(1, len(parts)))
        found[next((name for name in names if last.get(name) == "repeat"), node.name)] = span
    return tuple(found[layer.name] for layer in report.layers)


def _lengthened(network: Network, place: Along, length: int) -> tuple[Input, ...]:
    """Return the inputs with one axis enlarged; that of another input is too, where both were equally long."""
    origin, at = network.inputs[place.source].sizes[place.axis], place.axis + 1
    return tuple(
        replace(each, shape=(*each.shape[:at], length, *each.shape[at + 1 :]))
        if len(each.shape) > at and each.shape[at] == origin
        else each
        for each in network.inputs
    )


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
        if field.first is None or field.last is None:
            continue
        clean = np.flatnonzero(seen.clean & (seen.first < size))
        if not len(clean):
            pending.add(at)
            continue
        measured = Measured(layer.name, place.key(network, "%"), field, axis, clean, seen)
        _ends(measured, values, tally, measured_by)
        _size(measured, values, tally, measured_by)
    return pending


def _ends(measured: Measured, values: Mapping[str, int], tally: Tally, measured_by: str) -> None:
    """Hold first and last, jump and start against what outputs that met no padding have read."""
    field, seen = measured.field, measured.seen
    for name, held, read, beyond in (
        ("first", field.first, seen.first, operator.lt),
        ("last", field.last, seen.last, operator.gt),
    ):
        formula: Any = held[measured.axis]  # type: ignore[index]  # who calls has looked
        derived, found = _compared(bind(formula, values), measured.clean, read, None if field.exact else beyond)
        tally.note(measured.key(name), formula, derived, found, at=values, by=measured_by)
    if field.exact:
        _jump_and_start(measured, values, tally, measured_by)


def _size(measured: Measured, values: Mapping[str, int], tally: Tally, measured_by: str) -> None:
    """Hold the size against the widest span; it must be reached where a whole period met no padding."""
    field, axis, clean, seen = measured.field, measured.axis, measured.clean, measured.seen
    stated = field.size[axis]
    if stated is None:
        return
    widest = int((seen.last[clean] - seen.first[clean] + 1).max())
    claimed: Any = bind(stated, values)
    agrees = widest == claimed if _reached(field, axis, clean, seen, values) else widest <= claimed
    tally.note(measured.key("size"), stated, claimed, claimed if agrees else widest, at=values, by=measured_by)


def _reached(field: Field, axis: int, clean: NDArray[np.int64], seen: Spans, values: Mapping[str, int]) -> bool:
    """Tell whether the largest field is among those that were traced."""
    if not field.exact:
        return False
    if field.period is None:
        return len(clean) == len(seen.clean) or _affine(bind(field.first[axis], values)) is not None  # type: ignore[index]
    period: Any = bind(field.period[axis], values)
    runs = np.split(clean, np.flatnonzero(np.diff(clean) != 1) + 1)
    return bool(max(map(len, runs)) >= period)


def _jump_and_start(measured: Measured, values: Mapping[str, int], tally: Tally, measured_by: str) -> None:
    """Hold jump and start against two neighbouring outputs, where neighbours lie equally far apart."""
    field, axis, clean, first = measured.field, measured.axis, measured.clean, measured.seen.first
    neighbours = np.flatnonzero(np.diff(clean) == 1)
    if field.jump is None or field.start is None or field.first is None or not len(neighbours):
        return
    if _affine(bind(field.first[axis], values)) is None:
        return
    at = int(clean[neighbours[0]])
    jump = int(first[at + 1] - first[at])
    start = int(first[at]) - jump * at
    for name, formula, found in (("jump", field.jump[axis], jump), ("start", field.start[axis], start)):
        held: Any = formula
        tally.note(measured.key(name), held, bind(held, values), found, at=values, by=measured_by)


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
