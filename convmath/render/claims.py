"""Trials of claims: a line for each, and what was claimed, derived and measured where one is refuted."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from convmath.errors import inert
from convmath.formula import Formula, Value
from convmath.formula.text import write
from convmath.render.cells import axis_names, shortened, wrapped
from convmath.render.table import ruled
from convmath.report import CONFIRMED, PROVED, REFUTED, Refutation, Trial, Verdict

SCHEMA = 1
RELATIONS = {">=": "≥", "<=": "≤", "!=": "≠"}
SIGNS = {PROVED: "✓", CONFIRMED: "~", REFUTED: "✗"}
TITLES = {
    "params": "parameters",
    "macs": "MACs",
    "flops": "FLOPs",
    "peak_activations": "peak",
    "output_shape[0]": "output channels",
    "receptive_field": "receptive field",
}
_LAYER = re.compile(r"""layers\[["'](.+)["']\]\.(.+)""")
_AXIS = re.compile(r"(output_shape|receptive_field\.(size|jump|start|first|last))\[(\d+)\]")
ALIGNMENT = ("left", "left", "left", "left")
LONGEST_ID = 16
LONGEST_QUANTITY = 26
NARROWEST = 18


def to_json(trial: Trial) -> str:
    """Return all verdicts as JSON."""
    data = {"schema": SCHEMA, "claims": [_claim(each) for each in trial.verdicts], "notes": list(trial.notes)}
    return json.dumps(data, indent=2, ensure_ascii=True)


def _claim(each: Verdict) -> dict[str, Any]:
    return {
        "id": each.id,
        "source": each.source,
        "quantity": each.quantity,
        "relation": each.relation,
        "formula": each.formula,
        "where": list(each.where),
        "derived": _number(each.derived),
        "verdict": each.verdict,
        "method": each.method,
        "expect": each.expect,
        "expected": each.expected,
        "cases": each.cases,
        "measured_cases": each.measured,
        "counterexample": None if each.counterexample is None else _counterexample(each.counterexample),
    }


def _counterexample(found: Refutation) -> dict[str, Any]:
    return {
        "symbols": dict(found.symbols),
        "claimed": _number(found.claimed),
        "derived": _number(found.derived),
        "measured": _number(found.measured),
        "least": found.least,
    }


def _number(value: Value | None) -> int | str | None:
    """Return an integer as a number, a fraction or a formula as text."""
    return str(value) if isinstance(value, Formula | Fraction) else value


def to_table(trial: Trial, *, width: int = 80) -> str:
    """Return one line per claim, the refuted ones explained below."""
    header = ("id", "quantity", "claimed", "verdict")
    rows = [
        (shortened(each.id, LONGEST_ID), shortened(_title(each), LONGEST_QUANTITY), _claimed(each), _verdict(each))
        for each in trial.verdicts
    ]
    taken = sum(max(len(row[at]) for row in (header, *rows)) for at in (0, 1, 3))
    room = max(NARROWEST, width - taken - len(header) + 1)
    first, *body = ruled([header, *(line for row in rows for line in _lines(row, room))], ALIGNMENT)
    rule = "─" * min(width, max(map(len, (first, *body))))
    parts = [wrapped(_summary(trial), 2, width), "", first, rule, *body]
    for each in trial.verdicts:
        if each.counterexample is not None:
            parts += ["", *_refuted(each, each.counterexample, width)]
    unexpected = [each for each in trial.verdicts if not each.expected]
    parts += ["", *(wrapped(_surprise(each), 2, width) for each in unexpected)] if unexpected else []
    parts += ["", *(wrapped(note, 2, width) for note in trial.notes)] if trial.notes else []
    return "\n".join(parts)


def _summary(trial: Trial) -> str:
    counts = Counter(each.verdict for each in trial.verdicts)
    found = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (PROVED, CONFIRMED, REFUTED) if counts[verdict])
    total = len(trial.verdicts)
    return f"{inert(trial.name)}: {total} claim{'s' * (total != 1)}, {found}"


def _claimed(each: Verdict) -> str:
    """Return the claim: a formula, with its sign where that is not equality."""
    return each.formula if each.relation == "==" else f"{RELATIONS.get(each.relation, each.relation)} {each.formula}"


def _title(each: Verdict) -> str:
    """Return the quantity as people say it: ``output height``, ``field, width``."""
    layer = _LAYER.fullmatch(each.quantity)
    quantity = layer[2] if layer else each.quantity
    where = f", {layer[1]}" if layer else ""
    axis = _AXIS.fullmatch(quantity)
    if axis is None or quantity in TITLES:
        return f"{TITLES.get(quantity, quantity)}{where}"
    names, at = axis_names(each.rank), int(axis[3]) - (axis[1] == "output_shape")
    if at >= len(names):
        return f"{quantity}{where}"
    return f"output {names[at]}{where}" if axis[2] is None else f"field {axis[2]}, {names[at]}{where}"


def _verdict(each: Verdict) -> str:
    text = f"{SIGNS[each.verdict]} {each.verdict}"
    if each.method is not None:
        return f"{text} ({each.method})"
    return f"{text} on {each.cases} cases" if each.verdict == CONFIRMED else text


def _lines(row: tuple[str, str, str, str], room: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row with its formula broken into as many lines as it needs."""
    name, title, formula, verdict = row
    first, *others = wrapped(inert(formula), 0, room, least=NARROWEST).split("\n")
    yield name, title, first, verdict
    yield from (("", "", other, "") for other in others)


def _refuted(each: Verdict, found: Refutation, width: int) -> Iterator[str]:
    source = f", {inert(each.source)}" if each.source else ""
    yield wrapped(f"{inert(each.id)}{source}: {_title(each)} of {inert(each.layers)}", 2, width)
    conditions = f"   where {', '.join(each.where)}" if each.where else ""
    yield _labelled("claimed", f"{inert(_claimed(each))}{inert(conditions)}", width)
    yield _labelled("derived", write(each.derived, textbook=True), width)
    at = ", ".join(f"{name} = {value}" for name, value in found.symbols.items()) or "its own numbers"
    sign = "" if each.relation == "==" else f"{RELATIONS.get(each.relation, each.relation)} "
    claimed = "no value" if found.claimed is None else f"{sign}{write(found.claimed)}"
    measured = "not measured" if found.measured is None else f"measured {write(found.measured)}"
    text = f"{at}: claimed {claimed}, derived {write(found.derived)}, {measured}"
    yield _labelled("smallest" if found.least else "for one", text, width)


def _labelled(label: str, text: str, width: int) -> str:
    return f"  {label:<11}{wrapped(text, 13, width)}"


def _surprise(each: Verdict) -> str:
    expected = f"expected {each.expect}" if each.expect != "not refuted" else "not expected"
    return f"✗ {inert(each.id)} is {each.verdict}: {expected}"
