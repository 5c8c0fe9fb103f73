"""The records that leave a trial of claims: what was claimed, derived and measured, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convmath.formula import Value

PROVED, CONFIRMED, REFUTED = "proved", "confirmed", "refuted"


@dataclass(frozen=True, slots=True)
class Refutation:
    """Integers at which a claim is wrong, with what it says there, what is derived and what was measured.

    ``claimed`` is None where the claim has no value, as after a division by zero, and
    ``measured`` where it could not be measured. ``least`` tells that no admissible integers
    before these, by their sum and then in order, refute it.
    """

    symbols: Mapping[str, int]
    claimed: Value | None
    derived: Value
    measured: Value | None
    least: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one claim; ``layers`` are the kinds in the network, ``rank`` its number of axes.

    ``cases`` counts the integers at which it was computed and compared, ``measured`` those
    of them at which the network was also executed.
    """

    id: str
    source: str
    layers: str
    rank: int
    quantity: str
    relation: str
    formula: str
    where: tuple[str, ...]
    derived: Value
    verdict: str
    method: str | None
    expect: str
    cases: int
    measured: int
    counterexample: Refutation | None = None

    @property
    def expected(self) -> bool:
        """Whether the file allows the verdict; what is proved is also confirmed."""
        if self.expect == "not refuted":
            return self.verdict != REFUTED
        return self.verdict == self.expect or (self.expect == CONFIRMED and self.verdict == PROVED)


@dataclass(frozen=True, slots=True)
class Trial:
    """All claims of a file with their verdicts; ``notes`` says what was missing for more proofs."""

    name: str
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()

    @property
    def expected(self) -> bool:
        """Whether every verdict is one that the file allows."""
        return all(each.expected for each in self.verdicts)
