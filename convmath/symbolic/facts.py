"""What a rule says about a layer: all its facts at one input shape, and what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from convmath.algebra import IDENTITY, FloorMap
from convmath.formula import Value, product_of
from convmath.registry import Registry
from convmath.report import Condition, Operations
from convmath.spec.layer import Layer


@dataclass(frozen=True, slots=True)
class Shape:
    """Channels (or features of a vector) and spatial sizes."""

    channels: Value
    sizes: tuple[Value, ...] = ()

    def __str__(self) -> str:
        return " × ".join(str(each) for each in (self.channels, *self.sizes))

    @property
    def elements(self) -> Value:
        """How many numbers a sample has."""
        return self.channels * product_of(self.sizes)

    def through(self, maps: tuple[FloorMap, ...], channels: Value) -> Shape:
        """Return the shape with *channels* channels and every size mapped."""
        return Shape(channels, tuple(each(size) for each, size in zip(maps, self.sizes, strict=True)))


@dataclass(frozen=True, slots=True)
class Requirement:
    """A condition that must hold, and what to say where it does not."""

    condition: Condition
    code: str
    message: str
    help: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All facts of a layer at one input shape.

    ``maps`` take an input size to the output's, per axis, and ``out`` is the output;
    ``first`` and ``last`` take an output position to the least and greatest input position
    that it reads. ``least`` is the least input size that the layer accepts, beside an
    output of at least 1. ``borders`` tells that what a window reads at the image's border
    is simply cut: there is no gap of a dilation, and no window in padding alone. Where
    ``hull`` is false, ``first`` and ``last`` only bound what is read. A layer that ``mixes``
    reads every channel for each of its own; channels of an ``uneven`` one may see different
    pixels, whatever arrives. One that ``picks`` keeps some of the channels only, or shows each
    at some positions. Where positions begin
    ``anew``, they have nothing to do with those that arrive. What a user ``declared`` was
    not derived. Between ``first`` and ``last`` every element is read, or those ``spacing``
    apart. A ``view`` takes no memory of its own; what is ``minor`` keeps every element
    in its place, and tables fold it into the layer above.
    """

    out: Shape
    maps: tuple[FloorMap, ...]
    first: tuple[FloorMap, ...]
    last: tuple[FloorMap, ...]
    params: Value = 0
    buffers: Value = 0
    macs: Value = 0
    operations: Operations = Operations()
    view: bool = False
    minor: bool = False
    whole: bool = False
    borders: bool = True
    hull: bool = True
    mixes: bool = False
    uneven: bool = False
    picks: bool = False
    anew: bool = False
    declared: bool = False
    spacing: tuple[Value, ...] = ()
    made: Value | None = None
    """The elements of all outputs inside, for what stands for several layers; None where that is the output."""
    least: tuple[Value, ...] = ()
    needs: tuple[tuple[Value, ...], ...] = ()
    """More least sizes per axis, for what stands for several layers."""
    requirements: tuple[Requirement, ...] = ()

    def toward(self, which: int) -> Facts:
        """Return the facts as one of several maps sees them: all but the first are read where the output stands."""
        if which == 0:
            return self
        own = (IDENTITY,) * len(self.first)
        return replace(self, first=own, last=own, spacing=())

    @property
    def activations(self) -> Value:
        """How many elements are made: none by a view."""
        if self.made is not None:
            return self.made
        return 0 if self.view else self.out.elements


RuleFunction: TypeAlias = Callable[..., Facts]
"""A function of the layer and the shapes that arrive: one, or several at a merge."""

rule: Registry[RuleFunction] = Registry("symbolic rule")


def pointwise(shape: Shape, **facts: Any) -> Facts:
    """Return the facts of a layer that keeps the shape and reads one element for each."""
    same = (IDENTITY,) * len(shape.sizes)
    return Facts(out=shape, maps=same, first=same, last=same, minor=True, **facts)


def divides(divisor: Value, number: Value, message: str, help: str) -> Requirement:
    """Require that *divisor* divides *number*."""
    return Requirement(Condition(number, "==", 0, divisor), "not-divisible", message, help)


def apply(layer: Layer, *shapes: Shape) -> Facts:
    """Return the facts of *layer* at the shapes that arrive by its rule.

    Raises ``LookupError`` where the layer has none.
    """
    return rule[type(layer)](layer, *shapes)
