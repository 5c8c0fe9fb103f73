"""From where on a condition holds, as text and as JSON."""

from __future__ import annotations

import json

from convmath.errors import inert
from convmath.formula import Value
from convmath.formula.text import write
from convmath.render.cells import wrapped
from convmath.render.json import SCHEMA, value
from convmath.report import RELATIONS, Threshold


def to_text(found: Threshold, *, width: int = 80) -> str:
    """Return the answer in a few lines."""
    name = found.symbol
    if found.least is None:
        lines = [f"{found.condition} holds for no {name} for which the network is valid"]
        if not found.proved:
            lines.append("  among those that were tried one by one")
    else:
        how = "exactly from" if found.proved else "for the first time at"
        lines = [f"{found.condition} holds {how} {name} = {found.least}{' on' if found.proved else ''}"]
    lines += [_side(name, *each) for each in found.sides]
    if found.executed:
        lines.append(f"Confirmed by execution at {name} = {' and '.join(map(str, found.executed))}")
    return "\n".join(wrapped(inert(each), 2, width) for each in (found.network, "", *lines))


def _side(name: str, at: int, left: Value, relation: str, right: Value) -> str:
    verdict = "holds" if RELATIONS[relation](left, right) else "does not hold"
    return f"  {name} = {at}: {write(left)} {relation} {write(right)} {verdict}"


def to_json(found: Threshold) -> str:
    """Return the answer as JSON."""
    data = {
        "schema": SCHEMA,
        "network": found.network,
        "where": found.condition,
        "symbol": found.symbol,
        "least": found.least,
        "from_there_on": found.proved,
        "sides": [
            {"at": at, "left": value(left), "relation": relation, "right": value(right)}
            for at, left, relation, right in found.sides
        ],
        "executed": list(found.executed),
    }
    return json.dumps(data, indent=2, ensure_ascii=True)
