"""What an analysis and a verification found."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from convmath.formula import Formula, Value, bind


@dataclass(frozen=True, slots=True)
class Operations:
    """What is counted beside MACs: additions, comparisons, element-wise operations."""

    additions: Value = 0
    comparisons: Value = 0
    elementwise: Value = 0

    def __add__(self, other: Operations) -> Operations:
        return Operations(
            self.additions + other.additions,
            self.comparisons + other.comparisons,
            self.elementwise + other.elementwise,
        )

    def flops(self, macs: Value) -> Value:
        """Return 2*MACs + additions + comparisons + element-wise operations."""
        return 2 * macs + self.additions + self.comparisons + self.elementwise


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How paths to one output differ along an axis: in their jumps, or in where their fields are centred.

    ``apart`` is how far the centres of output 0 lie apart, in input pixels.
    """

    jumps: tuple[Value, ...]
    apart: Value


@dataclass(frozen=True, slots=True)
class Field:
    """A receptive field, in input pixels, one entry per spatial axis of the input.

    Output i reads inputs ``first`` … ``last``, formulas in ``i`` that hold where no window
    meets padding; ``start`` is ``first`` at 0 and ``jump`` the distance between the fields
    of neighbours, on average. Behind an enlarging layer neighbours differ, and ``period``
    of them repeat: ``size`` is the largest among these. Where outputs have no positions (a
    vector) these are None, and where ``whole`` is true the field is all that reaches the map.
    ``size`` is None where it has no closed form; where ``exact`` is false, size, first and
    last are bounds. ``period`` is None behind a pooling to a fixed size, too: there ``size``
    is the largest of all.
    Over several paths it is the hull of all; ``disagreement`` tells where they do not
    agree, and ``jump`` is None where paths differ in it. ``local`` is the field without
    gates and statistics, along the paths that avoid layers which read everything.
    """

    size: tuple[Value | None, ...]
    jump: tuple[Value, ...] | None = None
    start: tuple[Value, ...] | None = None
    first: tuple[Value, ...] | None = None
    last: tuple[Value, ...] | None = None
    whole: bool = False
    exact: bool = True
    period: tuple[Value, ...] | None = None
    disagreement: tuple[Disagreement | None, ...] | None = None
    local: Field | None = None


RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True, repr=False)
class Condition:
    """A comparison, part of when a formula holds: ``left relation right``, or ``left % modulus relation right``."""

    left: Value
    relation: str
    right: Value
    modulus: Value | None = None

    def __str__(self) -> str:
        left = str(self.left)
        if self.modulus is not None:
            bare = left.isidentifier() or left.isdigit()
            divisor = str(self.modulus)
            divisor = divisor if divisor.isidentifier() or divisor.isdigit() else f"({divisor})"
            left = f"{left if bare else f'({left})'} % {divisor}"
        return f"{left} {self.relation} {self.right}"

    __repr__ = __str__

    def holds(self) -> bool | None:
        """Tell whether it holds, or None where symbols decide.

        Raises ``ZeroDivisionError`` for a modulus of zero.
        """
        if self.modulus is None and self.relation in ("==", ">=", "<=") and self.left == self.right:
            return True
        left = self.left if self.modulus is None else self.left % self.modulus
        if isinstance(left, Formula) or isinstance(self.right, Formula):
            return None
        return RELATIONS[self.relation](left, self.right)

    def bind(self, values: Mapping[str, Value]) -> Condition:
        """Return the condition with symbols replaced."""
        return Condition(
            bind(self.left, values),
            self.relation,
            bind(self.right, values),
            None if self.modulus is None else bind(self.modulus, values),
        )


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer, or a named group of layers, with all its quantities."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    output_shape: tuple[Value, ...]
    params: Value
    buffers: Value
    macs: Value
    operations: Operations
    activations: Value
    receptive_field: Field
    repeat: tuple[tuple[int, int], ...] = ()
    minor: bool = False
    """Whether it keeps every element in its place, so that tables fold it into the layer above."""
    fields: Mapping[str, Field] = field(default_factory=dict, hash=False)
    """The field in each input that is read, where the network has several; ``receptive_field`` is the first of them."""
    shares: str | None = None
    """The layer whose parameters it uses, where these are not its own."""

    @property
    def flops(self) -> Value:
        """2*MACs + additions + comparisons + element-wise operations."""
        return self.operations.flops(self.macs)


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole network."""

    output_shape: tuple[Value, ...]
    params: Value
    buffers: Value
    macs: Value
    operations: Operations
    activations: Value
    peak_activations: Value | None
    """None where it is the largest of too many formulas to state; it is known at numbers."""
    peak_layer: str | None
    receptive_field: Field
    receptive_field_layer: str
    valid_when: tuple[Condition, ...]
    outputs: Mapping[str, tuple[Value, ...]] = field(default_factory=dict, hash=False)
    """The shapes of all outputs by their names, where the network names more than one."""
    fields: Mapping[str, Field] = field(default_factory=dict, hash=False)
    """The field of that layer in each input, where the network has several."""

    @property
    def flops(self) -> Value:
        """2*MACs + additions + comparisons + element-wise operations."""
        return self.operations.flops(self.macs)


@dataclass(frozen=True, slots=True)
class SymbolReport:
    """A symbol and its range."""

    name: str
    minimum: int
    maximum: int | None
    default: int | None


@dataclass(frozen=True, slots=True)
class InputReport:
    """An input and its shape."""

    name: str
    shape: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Residues:
    """A set of integers: ``intervals`` that repeat with the modulus, or with modulus 0 these alone."""

    modulus: int
    intervals: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class JoinReport:
    """Two sizes that a layer needs to be equal, along one of its axes, and the values of ``symbol`` that make them so.

    ``solution`` is None where the equation is not solved; it stands among the conditions.
    """

    layer: str
    axis: int
    left: Value
    right: Value
    symbol: str | None = None
    solution: Residues | None = None


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """Everything that an analysis found; ``groups`` are the named blocks and repeats."""

    network: str
    symbols: tuple[SymbolReport, ...]
    inputs: tuple[InputReport, ...]
    layers: tuple[LayerReport, ...]
    groups: tuple[LayerReport, ...]
    totals: Totals
    joins: tuple[JoinReport, ...] = ()

    @property
    def uncounted(self) -> tuple[str, ...]:
        """The opaque layers that declare no MACs, which the total is without."""
        return tuple(each.name for each in self.layers if each.kind == "opaque" and each.macs == 0)

    def layer(self, name: str) -> LayerReport:
        """Return the layer or group *name*; Raises ``KeyError`` where there is none."""
        for each in (*self.layers, *self.groups):
            if each.name == name:
                return each
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Where a formula and a measurement differ: the values of the symbols, or the layer that was drawn."""

    symbols: Mapping[str, Any]
    derived: str
    measured: str


@dataclass(frozen=True, slots=True)
class Check:
    """One formula, held against measurements; ``layer`` is None for the whole network."""

    layer: str | None
    quantity: str
    formula: str
    cases: int
    mismatches: int
    measured_by: str
    counterexample: Counterexample | None = None

    @property
    def confirmed(self) -> bool:
        """Whether it agreed wherever it was measured, and was measured at all."""
        return self.cases > 0 and self.mismatches == 0


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of a network or of a kind of layer."""

    network: str
    checks: tuple[Check, ...]
    sampled: str
    """Which values the symbols took, for the first line."""
    notes: tuple[str, ...] = ()

    @property
    def confirmed(self) -> bool:
        """Whether every check agreed."""
        return all(each.confirmed for each in self.checks)


@dataclass(frozen=True, slots=True)
class Analysis:
    """A report in symbols and, where every symbol has a default or a value, the same at these numbers."""

    report: NetworkReport
    values: Mapping[str, int]
    at: NetworkReport | None
