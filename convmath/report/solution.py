"""The records of ``solve``: which values of a symbol make a network valid, or give an output."""

from __future__ import annotations

from dataclasses import dataclass

from convmath.formula import Value
from convmath.report.analysis import InputReport, JoinReport, Residues


@dataclass(frozen=True, slots=True)
class Solution:
    """The values of one symbol that make a network valid, or give the output that was asked for.

    They are the members of ``residues`` from ``minimum`` to ``maximum``, which is None
    where there is no end; ``values`` lists a finite set with gaps. ``output`` is the size
    of the output in the symbol, ``examples`` hold pairs of both. What could not be solved
    is in ``unsolved``, as the equation that remains; nothing is known then beyond it.
    """

    symbol: str
    axis: int | None
    minimum: int | None
    maximum: int | None
    residues: Residues
    values: tuple[int, ...] | None
    output: Value | None
    examples: tuple[tuple[int, int | None], ...]
    unsolved: tuple[str, ...] = ()
    least_layer: str = ""
    """The layer that is empty below the least value."""


@dataclass(frozen=True, slots=True)
class Solved:
    """The answer of ``solve``; ``wanted`` is the output that was asked for, ``evidence`` how it was confirmed."""

    network: str
    inputs: tuple[InputReport, ...]
    layer: str
    wanted: tuple[int, ...] | str | None
    solutions: tuple[Solution, ...]
    joins: tuple[JoinReport, ...]
    evidence: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which value of a symbol on a condition holds.

    ``least`` is None where it holds nowhere that was looked. ``proved`` tells that what
    is compared only grows, so that the condition holds from there on; otherwise ``least``
    is the first of the values that were tried one by one. ``sides`` holds both sides at
    the answer and one below, ``executed`` the values at which the network was executed.
    """

    network: str
    condition: str
    symbol: str
    least: int | None
    proved: bool
    sides: tuple[tuple[int, Value, str, Value], ...]
    executed: tuple[int, ...]
