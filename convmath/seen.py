"""The records of what an execution was seen to do, element by element: sums, windows, matrices, cones.

Engines fill them from what kernels really read; renderers write and draw them. ``report``
has the records of formulas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Number: TypeAlias = int | float
Index: TypeAlias = tuple[int, ...]

INPUT = "X"
"""What the array that arrives at a layer is called; several are X1, X2 …"""


@dataclass(frozen=True, slots=True)
class Read:
    """One number that was read: from which array, from where, and what it was.

    ``index`` is None for what is no element: padding, or a zero put between elements.
    ``place`` is where an element of an input was met, in the input's own coordinates,
    which padding continues on both sides.
    """

    array: str
    index: Index | None
    number: Number
    place: Index = ()


Term: TypeAlias = tuple[Read, ...]
"""The factors of a product; often a single one."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a layer's output, and what it was made of.

    ``how`` is ``sum``, ``mean`` (the sum over ``count``), ``max``, or the name of a
    function of what was read.
    """

    index: Index
    how: str
    terms: tuple[Term, ...]
    number: Number
    count: int | None = None


@dataclass(frozen=True, slots=True)
class WorkedLayer:
    """Some or all elements of a layer's output, each as it was computed."""

    name: str
    kind: str
    input_shapes: tuple[Index, ...]
    output_shape: Index
    elements: tuple[Element, ...]
    left_out: int
    """How many elements of the output are not among them."""


@dataclass(frozen=True, slots=True)
class WorkedRun:
    """A network that was run on numbers, with the layers that are written out."""

    network: str
    input_shapes: tuple[Index, ...]
    layers: tuple[WorkedLayer, ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """What every element of one channel of a layer's output reads, for a picture.

    ``inputs`` and ``outputs`` hold the elements of whole arrays in order; ``numbers`` and
    ``weights`` tell whether they and the weights are somebody's own, so that they are shown.
    """

    network: str
    layer: WorkedLayer
    inputs: tuple[tuple[Number, ...], ...]
    outputs: tuple[Number, ...]
    chosen: Index
    """The element that a still picture shows."""
    numbers: bool
    weights: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a layer's matrix: the weight that takes an input to an output."""

    row: int
    column: int
    weight: int
    number: Number


@dataclass(frozen=True, slots=True)
class WeightMatrix:
    """A layer as the matrix by which it multiplies: entries that are missing are zero by construction.

    ``weight`` of an entry numbers the weights in their order: equal numbers are the same
    weight, shared.
    """

    network: str
    name: str
    kind: str
    rows: int
    columns: int
    entries: tuple[Entry, ...]
    weights: int
    known: bool
    """Whether the numbers of the weights are somebody's own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One map of a cone, along one axis: its size, and which of its positions lead to the chosen output."""

    name: str
    kind: str
    size: int
    read: tuple[int, ...]
    padded: bool
    """Whether one of these positions meets padding."""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """What the chosen positions of a map read of another row: a pair for each position."""

    row: int
    reads: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Cone:
    """Everything that one output position reads along one axis: rows from the input to the layer asked for."""

    network: str
    axis: int
    position: int
    rows: tuple[Row, ...]
