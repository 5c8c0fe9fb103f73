"""What another counter prints for a network, and the way there from convmath's MACs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convmath.formula import Value
from convmath.report.analysis import NetworkReport


@dataclass(frozen=True, slots=True)
class Difference:
    """What a counter counts beside, or instead of, the MACs of layers of one kind; ``amount`` is negative for less.

    Where the counter is wrong, ``fault`` says why, ``counted`` what it counts there, and
    ``right`` what the number should be.
    """

    kind: str
    says: str
    layers: tuple[str, ...]
    amount: Value
    fault: str | None = None
    counted: Value | None = None
    right: Value | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter's total as a sum: ``macs`` and the amounts of all differences."""

    macs: Value
    differences: tuple[Difference, ...]
    total: Value
    params: Value
    printed: str | None = None
    """The total as the counter rounds it; None for a formula."""


@dataclass(frozen=True, slots=True)
class Writing:
    """How so many layers of a kind are taken to be written, and what the word for it means."""

    kind: str
    how: str
    meaning: str
    layers: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A counter's number explained, in symbols and, where all have a default or a value, ``at`` these numbers.

    ``assumed`` holds the kinds whose number depends on how they are written.
    """

    convention: str
    version: str
    call: str
    report: NetworkReport
    values: Mapping[str, int]
    counted: Counted
    at: Counted | None
    assumed: tuple[Writing, ...] = ()
