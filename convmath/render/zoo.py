"""The tables of the zoo: the networks, and what was published about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convmath.errors import inert
from convmath.render.cells import grouped, sees
from convmath.render.table import ruled
from convmath.report import Totals


@dataclass(frozen=True, slots=True)
class Entry:
    """One network of the zoo with its totals at its defaults."""

    name: str
    family: str
    year: str
    totals: Totals


def render_list(entries: Sequence[Entry]) -> str:
    """Return one line per network, family by family, the oldest first.

    ``sees`` is the field of the last layer before one that sees everything.
    """
    header = ("name", "family", "year", "params", "MACs", "sees *")
    founded = {each.family: min(other.year for other in entries if other.family == each.family) for each in entries}
    cells = [
        (
            each.name,
            inert(each.family),
            inert(each.year),
            grouped(each.totals.params),
            grouped(each.totals.macs),
            "≤ " * (not each.totals.receptive_field.exact) + sees(each.totals.receptive_field),
        )
        for each in sorted(entries, key=lambda each: (founded[each.family], each.family, each.year, each.name))
    ]
    table = _under_rule(header, cells, ("left", "left", "left", "right", "right", "right"))
    note = "* pixels along an axis, before the first layer that sees the whole input"
    return f"{table}\n{note}\n{len(entries)} networks; 'convmath zoo NAME' prints one, and zoo:NAME stands for its file"


def render_check(rows: Sequence[tuple[str, str, str, Any, Any, bool]]) -> str:
    """Return one line per published figure, by network: what, at which input, published, derived, the verdict."""
    cells: list[tuple[str, str, str, str, str]] = []
    for at, (network, what, where, published, derived, agrees) in enumerate(rows):
        if at == 0 or network != rows[at - 1][0]:
            cells.append((inert(network), "", "", "", ""))
        mark = "✓" if agrees else "✗"
        cells.append((f"  {inert(what)}", inert(where), _figure(published), _figure(derived), mark))
    table = _under_rule(("figure", "at", "published", "derived", ""), cells, ("left", "left", "right", "right", "left"))
    agreeing = sum(row[-1] for row in rows)
    summary = f"{agreeing} of {len(rows)} published figures agree"
    return f"{table}\n* size, jump and padding of the receptive field\n{summary}"


def _figure(held: Any) -> str:
    if isinstance(held, list | tuple):
        return " ".join("–" if each is None else _figure(each) for each in held)
    return str(held) if isinstance(held, str) else grouped(held)


def _under_rule(header: Sequence[str], cells: Sequence[Sequence[str]], alignment: Sequence[str]) -> str:
    first, *body = ruled([header, *cells], alignment)
    return "\n".join([first, "─" * max(map(len, (first, *body))), *body])
