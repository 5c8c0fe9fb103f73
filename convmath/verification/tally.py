"""Keeps, formula by formula, how often it was measured and where it disagreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convmath.report import Check, Counterexample

Key = tuple[str | None, str]


@dataclass(slots=True)
class Entry:
    """One formula's record."""

    formula: str
    measured_by: str
    cases: int = 0
    mismatches: int = 0
    counterexample: Counterexample | None = None
    weight: int = 0


class Tally:
    """The record of all formulas, by layer and quantity."""

    def __init__(self) -> None:
        self.entries: dict[Key, Entry] = {}

    def note(
        self,
        key: Key,
        formula: object,
        derived: Any,
        measured: Any,
        *,
        at: Mapping[str, Any],
        by: str,
    ) -> None:
        """Hold a derived value against a measured one, at the symbols' values *at*."""
        entry = self.entries.get(key)
        if entry is None:  # writing a formula costs more than comparing it
            entry = self.entries[key] = Entry(str(formula), by)
        entry.cases += 1
        if derived == measured:
            return
        entry.mismatches += 1
        weight = _weight(list(at.values()))
        if entry.counterexample is None or weight < entry.weight:
            entry.counterexample = Counterexample(dict(at), _shown(derived), _shown(measured))
            entry.weight = weight

    def cases(self, key: Key) -> int:
        """Return how often a formula was measured so far."""
        entry = self.entries.get(key)
        return entry.cases if entry is not None else 0

    def refuted(self) -> set[Key]:
        """Return the formulas that disagreed somewhere."""
        return {key for key, entry in self.entries.items() if entry.mismatches}

    def sharpen(self, other: Tally) -> None:
        """Take smaller counterexamples from *other*."""
        for key, entry in self.entries.items():
            found = other.entries.get(key)
            if found is None or found.counterexample is None or entry.counterexample is None:
                continue
            if found.weight < entry.weight:
                entry.counterexample, entry.weight = found.counterexample, found.weight

    def checks(self) -> tuple[Check, ...]:
        """Return all records."""
        return tuple(
            Check(
                layer, quantity, entry.formula, entry.cases, entry.mismatches, entry.measured_by, entry.counterexample
            )
            for (layer, quantity), entry in self.entries.items()
        )


def _weight(held: Any) -> int:
    """Return the sum of all numbers inside: the smallest counterexample has the least."""
    if isinstance(held, list | tuple):
        return sum(map(_weight, held))
    if isinstance(held, str):
        return sum(int(part) for part in held.split(" × ") if part.isdigit())
    return int(held) if isinstance(held, int) else 0


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " × ".join(map(str, value))
    return str(value)
