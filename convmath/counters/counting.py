"""What a table of a counter is made of: measures of a layer, and entries that say what is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from convmath.formula import Value, product_of
from convmath.report import Operations
from convmath.spec.layer import Layer


@dataclass(frozen=True, slots=True)
class Site:
    """A layer at its place: what arrives, what leaves, and what convmath counts of it."""

    layer: Any
    arriving: tuple[tuple[Value, ...], ...]
    leaving: tuple[Value, ...]
    params: Value
    macs: Value
    operations: Operations

    @property
    def rank(self) -> int:
        """The number of spatial axes that arrive."""
        return len(self.arriving[0]) - 1

    @property
    def positions(self) -> Value:
        """The positions of the output."""
        return product_of(self.leaving[1:])


Measure: TypeAlias = Callable[[Site], Value]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that a counter counts of a layer, beside its MACs, or ``instead`` of them.

    Where the counter is wrong, ``fault`` says why and ``right`` what the number should be.
    """

    says: str
    counts: Measure
    when: Callable[[Site], bool] | None = None
    instead: bool = False
    fault: str | None = None
    right: Measure | None = None


Entries: TypeAlias = tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter: its version, what one reads there, and its table.

    The table's keys are kinds of layers, or ``kind:writing`` for those written in another
    way than the first of their ``WRITINGS``; what stands in no key is counted as in
    convmath. ``unknown`` tells why nobody can tell the number of a layer; None where there is one.
    ``unused`` is what is counted of a layer that no output depends on, where that is another number.
    """

    name: str
    version: str
    call: str
    prints: Callable[[int], str]
    table: Mapping[str, Entries] = field(default_factory=dict)
    unknown: Callable[[Layer], str | None] = lambda layer: None  # noqa: ARG005
    unused: Entries | None = None

    def entries(self, kind: str, writing: str) -> Entries:
        """Return what is counted of a layer of a core kind, written in some way."""
        return self.table.get(f"{kind}:{writing}", self.table.get(kind, ()))

    def depends(self, kind: str) -> bool:
        """Tell whether the number of a kind depends on how it is written."""
        return any(key.startswith(f"{kind}:") for key in self.table)


def read(times: int) -> Measure:
    """Measure so many per element that arrives."""
    return lambda site: times * product_of(site.arriving[0])


def made(times: int) -> Measure:
    """Measure so many per element that leaves."""
    return lambda site: times * product_of(site.leaving)


def biases(site: Site) -> Value:
    """Measure one addition per output of a layer with a bias."""
    return product_of(site.leaving) if site.layer.bias else 0


def params(site: Site) -> Value:
    """Measure each parameter once."""
    return site.params


def nothing(site: Site) -> Value:  # noqa: ARG001
    """Measure nothing: what is left out."""
    return 0


def macs(site: Site) -> Value:
    """Measure what convmath counts."""
    return site.macs


def affine(site: Site) -> bool:
    """Tell whether a norm has scale and shift."""
    return bool(site.layer.affine)


def plain(site: Site) -> bool:
    """Tell whether a norm has neither scale nor shift."""
    return not site.layer.affine


def on_images(site: Site) -> bool:
    """Tell whether there are two spatial axes."""
    return site.rank == 2
