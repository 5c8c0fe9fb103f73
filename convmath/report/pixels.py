"""The records of single positions: which pixels an output reads, and which outputs read a pixel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AxisPixels:
    """Positions along one axis, as runs of neighbours; between runs are holes."""

    runs: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """How many positions there are."""
        return sum(last - first + 1 for first, last in self.runs)

    @property
    def span(self) -> int:
        """How many positions the hull has."""
        return self.runs[-1][1] - self.runs[0][0] + 1 if self.runs else 0


@dataclass(frozen=True, slots=True)
class Pixels:
    """What one output of a layer reads of each input, axis by axis; a bound where not ``exact``."""

    layer: str
    position: tuple[int, ...]
    inputs: tuple[tuple[str, tuple[AxisPixels, ...]], ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """The outputs of a layer that read a pixel, axis by axis; no axes for a vector, which reads it as a whole."""

    layer: str
    axes: tuple[AxisPixels, ...]
    exact: bool
