"""One notation for a quantity everywhere: its path in the analysis, ``layers["c3"].macs``."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from convmath.errors import UsageError, inert
from convmath.formula import Formula, Value
from convmath.report import Field, NetworkReport

QUANTITIES = (
    "output_shape",
    "params",
    "buffers",
    "macs",
    "flops",
    "operations",
    "activations",
    "peak_activations",
    "receptive_field",
    "layers",
)
PATTERN = re.compile(
    rf"\b(?:{'|'.join(QUANTITIES)})\b"
    r"""(?:\.[A-Za-z_]+|\[\d{1,3}\]|\["[^"\n]{1,400}"\]|\['[^'\n]{1,400}'\])*"""
)
_STEP = re.compile(r"""\.?([A-Za-z_]+)|\[(\d+)\]|\["([^"]+)"\]|\['([^']+)'\]""")


class NoEntryError(UsageError):
    """The record has a list at the path, but it is shorter, or there is none."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A path, parsed; ``of`` follows it into a record."""

    text: str
    steps: tuple[str | int, ...]

    def of(self, record: Any) -> Any:
        """Return what stands at the path.

        Raises ``UsageError`` where the record has no such part, with what it has, and
        ``NoEntryError`` where another record of the kind may have it.
        """
        held = record
        for at, step in enumerate(self.steps):
            held = self._into(held, step, layer=at == 1 and self.steps[0] == "layers")
        return held

    def number_of(self, record: Any) -> Value:
        """Return the one number at the path; a receptive field counts as its size where all axes agree.

        Raises ``UsageError`` where there is none.
        """
        held = self.of(record)
        if isinstance(held, Field):
            held = held.size
        if isinstance(held, tuple) and held and all(each == held[0] for each in held):
            held = held[0]
        if not isinstance(held, int | Fraction | Formula) or isinstance(held, bool):
            parts = _parts(held)
            part = f"{self.text}.{parts[0]}" if parts else f"{self.text}[0]"
            hint = f"; name a part of it, as in {part}" if parts or isinstance(held, tuple) else ""
            raise UsageError(f"'{inert(self.text)}' is no single number here{hint}")
        value: Value = held
        return value

    def _into(self, held: Any, step: str | int, *, layer: bool) -> Any:
        where = f"'{inert(self.text)}'"
        if layer:
            if isinstance(held, dict) and step in held:
                return held[step]
            near = get_close_matches(str(step), list(held), 1)
            hint = f"; did you mean '{inert(near[0])}'?" if near else ""
            raise UsageError(f"{where}: there is no layer '{inert(str(step))}'{hint}")
        if isinstance(step, int):
            return self._entry(held, step)
        known = _parts(held)
        if step not in known:
            there = f"there are {', '.join(known)}" if known else f"there {_entries(held)}"
            raise UsageError(f"{where}: '{inert(step)}' is no quantity here; {there}")
        if step == "layers" and isinstance(held, NetworkReport):
            return {each.name: each for each in (*held.groups, *held.layers)}
        return getattr(held, step)

    def _entry(self, held: Any, index: int) -> Any:
        if isinstance(held, tuple) and index < len(held):
            return held[index]
        error = NoEntryError if held is None or isinstance(held, tuple) else UsageError
        raise error(f"'{inert(self.text)}': there is no entry [{index}]; there {_entries(held)}")


def _entries(held: Any) -> str:
    if not held and (held is None or isinstance(held, tuple)):
        return "are none"
    if not isinstance(held, tuple):
        return "is one value only"
    return "is the entry [0]" if len(held) == 1 else f"are the entries [0] to [{len(held) - 1}]"


def _parts(held: Any) -> list[str]:
    names = [each.name for each in fields(held)] if is_dataclass(held) and not isinstance(held, Formula) else []
    return [*names, "flops"] if hasattr(held, "flops") and "flops" not in names and is_dataclass(held) else names


def parse_quantity(text: str) -> Quantity:
    """Read a path such as ``receptive_field.size[0]``; Raises ``UsageError`` for what is none."""
    text = text.strip()
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (at == 0 and match[1] is None) or (at and match[1] and text[at] != "."):
            raise UsageError(f"'{inert(text)}' is no quantity; write a path such as params or receptive_field.size[0]")
        word, index, *quoted = match.groups()
        steps.append(int(index) if index else word or next(each for each in quoted if each))
        at = match.end()
    if not steps:
        raise UsageError("a quantity is missing")
    return Quantity(text, tuple(steps))


def of_network(quantity: Quantity, report: NetworkReport) -> Value:
    """Return a number of the whole network: a path that does not begin with ``layers`` is a total."""
    if quantity.steps[0] in ("layers", "totals"):
        return quantity.number_of(report)
    return quantity.number_of(report.totals)
