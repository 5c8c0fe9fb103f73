"""Writes out what a layer computed, element by element, from what its kernel really read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from convmath.errors import LimitError, Problem
from convmath.numeric.array import Operand, Plane, Shape
from convmath.numeric.execute import Step
from convmath.numeric.kernels import kernel
from convmath.numeric.terms import NOTHING, SAMPLE, ZERO, Made, Recorder, Terms
from convmath.numeric.values import Values, lowest
from convmath.numeric.weights import Weights
from convmath.seen import INPUT, Element, Index, Number, Read, Term, WorkedLayer

SUM, MEAN, MAX = "sum", "mean", "max"
MOST_TERMS = 100_000
"""An element that was made of more numbers is not written out."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What an element was made of: terms under a sum, a maximum, a mean or a function."""

    how: str
    terms: tuple[Term, ...]
    count: int | None = None


class Sampled(Values):
    """Numbers that note what is sampled between them."""

    def __init__(self, numbers: Plane, found: list[Plane]) -> None:
        super().__init__(numbers)
        self.found = found

    def displaced(self, places: Sequence[Plane], offsets: Sequence[Operand], reach: int) -> Self:
        samples = super().displaced(places, offsets, reach)
        self.found.append(samples.numbers)
        return samples


class Watched:
    """A layer that has run on values, run once more to see what each element of its output was made of."""

    def __init__(self, step: Step[Values]) -> None:
        self.step = step
        self.recorder = Recorder()
        self.recorder.sampled = self._sampled
        names = input_names(len(step.inputs))
        shapes = [each.shape for each in step.inputs]
        arrays = [Terms.of(self.recorder, *pair) for pair in zip(names, shapes, strict=True)]
        held = {**step.weights.parameters, **step.weights.buffers}
        self.own = {*held}
        self.numbers: dict[str, Plane] = {name: each.read() for name, each in held.items()}
        self.numbers |= dict(zip(names, (each.numbers for each in step.inputs), strict=True))
        output = kernel[type(step.layer)](step.layer, Weights(self.recorder.parameter), *arrays)
        self.output: Terms = output

    def _sampled(self) -> Shape:
        """Run the kernel on numbers once more, and keep what it sampled between elements."""
        found: list[Plane] = []
        arrays = [Sampled(each.numbers, found) for each in self.step.inputs]
        kernel[type(self.step.layer)](self.step.layer, self.step.weights, *arrays)
        [self.numbers[SAMPLE]] = found
        return found[0].shape

    def element(self, index: Index) -> Element:
        """Return one element of the output."""
        places = tuple(int(plane[index]) for plane in self.output.planes[1:])
        parts = self._parts(int(self.output.planes[0][index]), places)
        return Element(index, parts.how, parts.terms, _number(self.step.output.numbers[index]), parts.count)

    def _parts(self, identity: int, place: Index = ()) -> Parts:
        if identity in (ZERO, NOTHING):
            return Parts(SUM, ((self._nothing(identity, place),),))
        made, at = self.recorder.find(identity)
        match made.operation:
            case "products":
                return self._products(made, at)
            case "plus":
                return self._plus(made, at)
            case "max" | "sum":
                return self._together(made, at)
            case "over":
                return self._mean(made, at)
            case "function":
                return self._function([made], [at])
            case name:
                index = tuple(map(int, np.unravel_index(at, made.shape)))
                read = Read(name, index, _number(self.numbers[name][index]), place or index)
                return Parts(SUM, ((read,),))

    def _nothing(self, identity: int, place: Index) -> Read:
        number = 0 if identity == ZERO else _number(lowest(self.step.inputs[0].numbers))
        return Read(input_names(len(self.step.inputs))[0], None, number, place)

    def _operands(self, made: Made, at: int) -> Iterator[list[tuple[int, Index]]]:
        """Yield for each operand the identities and places of what went into an element."""
        lines = iter(made.at(at))
        for planes in made.operands:
            identities, *places = (next(lines) for _ in planes)
            if len(identities) > MOST_TERMS:
                message = f"an element of '{self.step.node.name}' is made of {len(identities):,} numbers"
                raise LimitError(Problem("too-long", f"{message}; at most {MOST_TERMS:,} are written out"))
            yield [(int(each), tuple(map(int, place))) for each, *place in zip(identities, *places, strict=True)]

    def _products(self, made: Made, at: int) -> Parts:
        left, right = self._operands(made, at)
        terms: list[Term] = []
        for number, weight in zip(left, right, strict=True):
            parts = [self._parts(*number), self._parts(*weight)]
            if any(each.how != SUM or len(each.terms) != 1 for each in parts):
                return self._function([made], [at])
            terms.append(tuple(read for each in parts for read in each.terms[0]))
        return Parts(SUM, tuple(terms))

    def _plus(self, made: Made, at: int) -> Parts:
        parts = [self._parts(*each) for [each] in self._operands(made, at)]
        if any(each.how != SUM for each in parts):
            return self._function([made], [at])
        # A zero that is no element adds nothing to what was laid down beside it.
        return Parts(SUM, tuple(term for each in parts for term in each.terms if len(term) > 1 or term[0].index))

    def _together(self, made: Made, at: int) -> Parts:
        [operand] = self._operands(made, at)
        parts = [self._parts(*each) for each in operand]
        how = SUM if made.operation == "sum" else MAX
        single = all(len(each.terms) == 1 for each in parts)
        if any(each.how != SUM for each in parts) or (how == MAX and not single):
            return self._function([made], [at])
        return Parts(how, tuple(term for each in parts for term in each.terms))

    def _mean(self, made: Made, at: int) -> Parts:
        [[operand]] = self._operands(made, at)
        parts = self._parts(*operand)
        if parts.how != SUM or made.counts is None:
            return self._function([made], [at])
        return Parts(MEAN, parts.terms, int(made.counts.reshape(-1)[at]))

    def _function(self, pending: list[Made], places: list[int]) -> Parts:
        """Return a function of all that was read, each element once and in order."""
        found: dict[tuple[str, Index | None, Index], Read] = {}
        stack = list(zip(pending, places, strict=True))
        while stack:
            made, at = stack.pop()
            for operand in self._operands(made, at):
                inner: list[tuple[Made, int]] = []
                for identity, place in operand:
                    source = self.recorder.find(identity) if identity > NOTHING else None
                    if source is not None and source[0].operands:
                        inner.append(source)
                    else:
                        [(read,)] = self._parts(identity, place).terms
                        found.setdefault((read.array, read.index, read.place), read)
                stack.extend(reversed(inner))
        # What arrives comes before the layer's own numbers.
        reads = sorted(found.values(), key=lambda each: each.array in self.own)
        return Parts(self.step.node.kind, tuple((read,) for read in reads))


def input_names(count: int) -> list[str]:
    """Return what the arrays that arrive at a layer are called."""
    return [INPUT] if count == 1 else [f"{INPUT}{at}" for at in range(1, count + 1)]


def work(step: Step[Values], wanted: Sequence[Index]) -> WorkedLayer:
    """Return some elements of a layer's output as they were computed."""
    watched = Watched(step)
    return WorkedLayer(
        name=step.node.name,
        kind=step.node.kind,
        input_shapes=tuple(each.shape for each in step.inputs),
        output_shape=step.output.shape,
        elements=tuple(watched.element(index) for index in wanted),
        left_out=step.output.size - len(wanted),
    )


def first_indices(shape: Shape, most: int) -> list[Index]:
    """Return the first indices of an array, in order."""
    size = int(np.prod(shape, dtype=object))
    return [tuple(map(int, np.unravel_index(at, shape))) for at in range(min(size, most))]


def _number(raw: Any) -> Number:
    """Return a NumPy number as one of Python's."""
    found: Number = raw.item() if isinstance(raw, np.generic) else raw
    return found
