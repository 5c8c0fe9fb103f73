"""Closed forms, how they come about, and the formula sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convmath.formula import Value
from convmath.formula.nodes import Node
from convmath.report.analysis import Analysis, Condition, NetworkReport


@dataclass(frozen=True, slots=True)
class Law:
    """An identity of floors that a derivation uses, proved in the documentation."""

    left: Node
    right: Node
    condition: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Equal forms of one value, each got from the one before; ``laws`` number the laws that were used."""

    forms: tuple[Node, ...]
    laws: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a derivation: layers that do the same, and a chain for each column."""

    layers: tuple[str, ...]
    cells: tuple[Chain, ...]


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a formula comes about, step by step; ``laws`` are numbered from 1.

    ``given`` is what one starts from, ``variable`` what a layer's own column is written in.
    """

    quantity: str
    layer: str
    given: Node
    variable: str
    columns: tuple[str, ...]
    steps: tuple[Step, ...]
    result: Value
    laws: tuple[Law, ...] = ()


@dataclass(frozen=True, slots=True)
class Formulas:
    """The closed forms of a network, or of one of its layers, with their derivations where they were asked for."""

    analysis: Analysis
    layer: str | None
    """The layer that is asked about; the analysis then ends with it."""
    derivations: tuple[Derivation, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """The general formulas of a kind of layer, in its hyper-parameters.

    ``outputs`` are the sizes of the output by their names, ``H'`` and ``W'``; in
    ``report`` every quantity is in full, and ``short`` has those that are shorter with
    the output's sizes. ``notes`` says how much less a count is with another choice of a field.
    """

    kind: str
    summary: str
    fields: tuple[tuple[str, str], ...]
    defaults: tuple[tuple[str, str], ...]
    aliases: tuple[str, ...]
    equation: tuple[Node, Node]
    remark: str
    constants: tuple[tuple[str, str], ...]
    source: str
    elsewhere: tuple[tuple[str, str], ...]
    report: NetworkReport
    outputs: tuple[tuple[str, Value], ...]
    short: Mapping[str, Value]
    notes: Mapping[str, tuple[Value, str]]


@dataclass(frozen=True, slots=True)
class Scale:
    """Layers that map the same image to the same image, side by side, with the ratio of each to the first."""

    input: tuple[Value, ...]
    output: tuple[Value, ...]
    rows: tuple[ScaleRow, ...]
    valid_when: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class ScaleRow:
    """One layer of a scale: how far its weights are shared, its counts, and the ratios of its weights."""

    kind: str
    sharing: str
    weights: Value
    biases: Value
    macs: Value
    ratio: Value
    """Its weights over those of the layer that shares least."""
