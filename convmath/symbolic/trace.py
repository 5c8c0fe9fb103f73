"""What is known of a layer's output: its shape, how sizes came about, and what each position reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import lcm

from convmath.algebra import FloorMap, Word
from convmath.formula import Formula, Value, gcd_of, max_of, symbol
from convmath.report import Field
from convmath.spec.graph import Input
from convmath.symbolic.facts import Facts, Shape

POSITION = symbol("i")
MOST_POSITIONS = 4096
MOST_SYMBOLIC_POSITIONS = 64


@dataclass(frozen=True, slots=True)
class Trace:
    """One output on its way from the input.

    ``sizes`` are the words from the input's sizes to the last image's, None where a
    hyper-parameter depends on the input size itself; ``first`` and ``last`` run from a
    position of the last image back to the input. A vector keeps those of the image it
    was made of. ``fixed`` tells of a pooling to a fixed size on the way.
    """

    shape: Shape
    origin: tuple[Value, ...]
    image: tuple[Value, ...]
    sizes: tuple[Word | None, ...]
    first: tuple[Word, ...]
    last: tuple[Word, ...]
    whole: Field | None = None
    fixed: bool = False
    exact: bool = True

    @classmethod
    def of_input(cls, source: Input) -> Trace:
        """Return the trace of an input: every map is the identity."""
        words = tuple(Word() for _ in source.sizes)
        return cls(Shape(source.channels, source.sizes), source.sizes, source.sizes, words, words, words)

    def step(self, facts: Facts, whole: Field | None) -> Trace:
        """Return the trace of a layer with these facts; *whole* is its field where it reads every position."""
        if facts.anew:
            words = tuple(Word() for _ in facts.out.sizes)
            return Trace(facts.out, facts.out.sizes, facts.out.sizes, words, words, words, whole, exact=False)
        if not self.shape.sizes or not facts.maps:
            return replace(self, shape=facts.out, whole=whole)
        return Trace(
            shape=facts.out,
            origin=self.origin,
            image=facts.out.sizes,
            sizes=tuple(map(_then, self.sizes, facts.maps, self.origin)),
            first=tuple(word.after(f) for word, f in zip(self.first, facts.first, strict=True)),
            last=tuple(word.after(f) for word, f in zip(self.last, facts.last, strict=True)),
            whole=whole,
            fixed=self.fixed or (not facts.declared and any(f.up == 0 for f in facts.maps)),
            exact=self.exact and facts.hull,
        )

    def field(self) -> Field:
        """Return the receptive field."""
        if self.whole is not None:
            return self.whole
        pairs = tuple(zip(self.first, self.last, self.image, strict=True))
        size = tuple(span(first, last, image if self.fixed else None) for first, last, image in pairs)
        if not self.shape.sizes:
            return Field(size=size, whole=not self.origin, exact=self.exact)
        return Field(
            size=size,
            jump=tuple(word.slope for word in self.first),
            start=tuple(word(0) for word in self.first),
            first=tuple(word(POSITION) for word in self.first),
            last=tuple(word(POSITION) for word in self.last),
            exact=self.exact,
            period=None if self.fixed else tuple(map(period, self.first, self.last)),
        )


def _then(word: Word | None, after: FloorMap, origin: Value) -> Word | None:
    """Return the word one map longer; None where the map's coefficients depend on the input size."""
    if word is None:
        return None
    if isinstance(origin, Formula):
        for coefficient in (after.up, after.shift, after.down):
            if isinstance(coefficient, Formula) and coefficient.names & origin.names:
                return None
    return word.then(after)


def span(first: Word, last: Word, positions: Value | None) -> Value | None:
    """Return the most pixels from first(i) to last(i), over all i; None where no closed form is known.

    Maps of one slope differ by the same everywhere, or, over a divisor m, by
    floor((r + difference)/m) with r the largest remainder that occurs. Behind a pooling
    to a fixed size there are so many *positions*, few enough to ask each; otherwise one
    period is asked.
    """
    near, far = first.maps[0] if first.maps else FloorMap(), last.maps[0] if last.maps else FloorMap()
    near_end, far_end = (first.maps[1:] or (FloorMap(),))[0], (last.maps[1:] or (FloorMap(),))[0]
    alike = near.up == far.up and near.down == far.down and near_end.up == far_end.up
    short = max(len(first.maps), len(last.maps)) <= 2 and near_end.down == far_end.down == 1
    if alike and short and (positions is None or _whole_period(near.down, positions)):
        return near_end.up * _widest(near, far) + far_end.shift - near_end.shift + 1
    if positions is None:
        positions = period(first, last)
    if isinstance(positions, int):
        sizes = [last(at) - first(at) + 1 for at in range(min(positions, MOST_POSITIONS))]
        numbers = all(isinstance(each, int) for each in sizes)
        if sizes and (positions <= MOST_SYMBOLIC_POSITIONS or (numbers and positions <= MOST_POSITIONS)):
            return max_of(*sizes)
    return None


def period(first: Word, last: Word) -> Value:
    """Return how many neighbouring outputs it takes until their fields repeat, further on."""
    near, far = first.period, last.period
    if near == far:
        return near
    if isinstance(near, int) and isinstance(far, int):
        return lcm(near, far)
    return near * far


def _whole_period(down: Value, positions: Value) -> bool:
    """Tell whether the positions run through all remainders of a division by *down*."""
    if isinstance(down, int) and isinstance(positions, int):
        return positions >= down
    return down in (1, positions)


def _widest(near: FloorMap, far: FloorMap) -> Value:
    """Return the largest far(i) - near(i) of two maps of one slope."""
    difference = far.shift - near.shift
    if near.down == 1 or difference == 0:
        return difference
    common = gcd_of(near.up, near.down)
    largest = near.down - common + near.shift % common
    return (largest + difference) // near.down
