"""Verifications: what was confirmed, how it was measured, and the smallest counterexample where it was not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from convmath.errors import inert
from convmath.formula import Value
from convmath.render.cells import axis_names, shape, shortened, wrapped
from convmath.render.table import ruled
from convmath.report import Check, Verification

SCHEMA = 1
TITLES = {
    "equation": "equation",
    "output_shape": "output shape",
    "params": "parameters",
    "buffers": "buffers",
    "macs": "MACs",
    "operations": "",
    "flops": "FLOPs",
    "activations": "activations",
    "peak_activations": "peak activations",
    "receptive_field": "receptive field",
    "valid_when": "valid when",
}
ALIGNMENT = ("left", "left", "right", "left")
MOST_LINES = 8


def to_json(verification: Verification) -> str:
    """Return the checks as JSON."""
    return json.dumps(_verification(verification), indent=2, ensure_ascii=True)


def all_to_json(found: Sequence[Verification]) -> str:
    """Return several verifications as one JSON document."""
    verdict = "confirmed" if all(each.confirmed for each in found) else "refuted"
    data = {"schema": SCHEMA, "verdict": verdict, "verifications": list(map(_verification, found))}
    return json.dumps(data, indent=2, ensure_ascii=True)


def _verification(verification: Verification) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "network": verification.network,
        "verdict": "confirmed" if verification.confirmed else "refuted",
        "checks": [_check(each) for each in verification.checks],
    }


def _check(check: Check) -> dict[str, Any]:
    found = check.counterexample
    return {
        "layer": check.layer,
        "quantity": check.quantity,
        "formula": check.formula,
        "verdict": "confirmed" if check.confirmed else "refuted",
        "cases": check.cases,
        "mismatches": check.mismatches,
        "measured_by": check.measured_by,
        "counterexample": None
        if found is None
        else {"symbols": dict(found.symbols), "derived": found.derived, "measured": found.measured},
    }


def to_table(
    verification: Verification, shapes: Sequence[tuple[Value, ...]], *, width: int = 80, all_layers: bool = False
) -> str:
    """Return one line per quantity of the whole network, and per layer where it is wrong or all are wanted."""
    rows: list[tuple[str, str, str, str]] = []
    for title, checks in _groups(verification.checks):
        rows.extend(_rows(title, checks, all_layers=all_layers))
    header = ("quantity", "formula", "cases", "verdict")
    room = max(24, width - max((len(row[0]) for row in rows), default=0) - len("  cases not measured"))
    first, *body = ruled([header, *(line for row in rows for line in _lines(row, room))], ALIGNMENT)
    rule = "─" * min(width, max(map(len, (first, *body))))
    title = wrapped(_title(verification, shapes), 2, width)
    parts = [title, "", first, rule, *body, rule, wrapped(_verdict(verification), 0, width)]
    parts.append(wrapped(_measured(verification), 0, width))
    parts.extend(_counterexamples(verification, width))
    return "\n".join(parts)


def _lines(row: tuple[str, str, str, str], room: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row with its formula broken into as many lines as it needs, or cut where it needs too many."""
    label, formula, cases, verdict = row
    first, *others = wrapped(inert(formula), 0, room).split("\n")
    if len(others) >= MOST_LINES or max(map(len, (first, *others))) > room:
        first, others = shortened(formula, room), []
    yield label, first, cases, verdict
    yield from (("", other, "", "") for other in others)


def _title(verification: Verification, shapes: Sequence[tuple[Value, ...]]) -> str:
    inputs = f"   input {', '.join(map(shape, shapes))}" if shapes else ""
    return f"{inert(verification.network)}{inputs}   {verification.sampled}"


def _groups(checks: Sequence[Check]) -> Iterator[tuple[str, list[Check]]]:
    """Yield the checks by quantity, in the order in which people ask for them."""
    for stem, title in TITLES.items():
        found = [each for each in checks if _stem(each.quantity) == stem]
        if found and not (stem in ("buffers", "operations") and all(each.formula == "0" for each in found)):
            yield title, found


def _stem(quantity: str) -> str:
    return quantity.partition(" ")[0].partition("[")[0].partition(".")[0]


def _rows(title: str, checks: list[Check], *, all_layers: bool) -> Iterator[tuple[str, str, str, str]]:
    """Yield the lines of one quantity: the network's own, then layers."""
    whole = [each for each in checks if each.layer is None]
    layers = [each for each in checks if each.layer is not None]
    shown = [each for each in layers if all_layers or not each.confirmed]
    for each in whole:
        detail = each.quantity.partition(".")[2]
        yield f"{title} {detail}".strip(), each.formula, str(each.cases), _mark(each)
    if not whole and layers:
        worst = min(layers, key=lambda each: each.confirmed)
        verdict = _mark(worst)
        yield title, f"{len(layers)} formulas of layers", str(sum(each.cases for each in layers)), verdict
    for each in shown:
        yield f"  {_label(each, checks)}", each.formula, str(each.cases), _mark(each)
    hidden = len(layers) - len(shown)
    if hidden and whole:
        yield "", f"({hidden} more in layers; --all lists them)", "", ""


def _label(check: Check, checks: Sequence[Check]) -> str:
    """Return the layer, and the axis or the part of the field."""
    stem, _, rest = check.quantity.partition("[")
    parts = [shortened(check.layer or "", 12)]
    if "." in stem:
        parts.append(stem.partition(".")[2])
    if rest:
        axes = {each.quantity for each in checks if each.layer == check.layer and each.quantity.startswith(stem + "[")}
        index = int(rest[:-1])
        names = axis_names(len(axes)) if "." in stem else ("channels", *axis_names(len(axes) - 1))
        parts.append(names[index] if index < len(names) else f"axis {index}")
    return " ".join(parts)


def _mark(check: Check) -> str:
    return "✓" if check.confirmed else "✗" if check.mismatches else "not measured"


def _verdict(verification: Verification) -> str:
    checks = verification.checks
    wrong = sum(not each.confirmed for each in checks)
    cases = sum(each.cases for each in checks)
    verdict = "confirmed" if verification.confirmed else "refuted"
    return f"{verdict}: {len(checks)} formulas, {cases:,} measurements, {wrong} disagree"


def _measured(verification: Verification) -> str:
    ways = dict.fromkeys(each.measured_by for each in verification.checks)
    return "measured by: " + "; ".join([*ways, *verification.notes])


def _counterexamples(verification: Verification, width: int) -> Iterator[str]:
    for each in verification.checks:
        found = each.counterexample
        if found is None:
            continue
        place = f"{inert(each.layer)}: " if each.layer else ""
        values = ", ".join(f"{name} = {value}" for name, value in found.symbols.items()) or "its own numbers"
        text = (
            f"✗ {place}{each.quantity} = {each.formula} at {values}: formula {found.derived}, measured {found.measured}"
        )
        yield wrapped(inert(text), 2, width)
