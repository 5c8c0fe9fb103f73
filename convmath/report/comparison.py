"""Networks side by side."""

from __future__ import annotations

from dataclasses import dataclass

from convmath.formula import Value
from convmath.report.analysis import Analysis


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One quantity of several networks, with the ratio of each to the first; None where there is no formula."""

    quantity: str
    values: tuple[Value | None, ...]
    ratios: tuple[Value | None, ...]
    numbers: tuple[Value | None, ...]
    number_ratios: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class Overtaking:
    """Network ``less`` has less of a quantity than ``more`` exactly where ``slope*symbol > rest``.

    ``slope`` is never negative, and ``threshold`` is ``rest/slope``.
    """

    quantity: str
    less: int
    more: int
    symbol: str
    slope: Value
    threshold: Value


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several networks side by side."""

    names: tuple[str, ...]
    analyses: tuple[Analysis, ...]
    rows: tuple[ComparisonRow, ...]
    overtaking: tuple[Overtaking, ...]
