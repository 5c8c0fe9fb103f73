"""Sets of integers: residue classes, as intervals that come again and again, or finitely many intervals."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import lcm

from convmath.formula import Value, max_of
from convmath.report import Condition

Interval = tuple[int, int]
MOST_INTERVALS = 10**6
"""How many steps and intervals the work on one equation may take."""
MOST_PRIME = 10_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Integers: those in ``intervals``, which with a ``modulus`` above 0 repeat with it in both directions.

    Intervals are sorted, apart from one another, and with a modulus inside [0, modulus).
    """

    intervals: tuple[Interval, ...]
    modulus: int = 0

    def __contains__(self, number: int) -> bool:
        at = number % self.modulus if self.modulus else number
        return any(low <= at <= high for low, high in self.around(at))

    def around(self, number: int) -> tuple[Interval, ...]:
        """Return the interval that may hold *number* of the list, or none."""
        at = bisect_left(self.intervals, (number + 1,))
        return self.intervals[max(0, at - 1) : at]

    @property
    def empty(self) -> bool:
        """Whether no integer is in it."""
        return not self.intervals

    @property
    def every(self) -> bool:
        """Whether every integer is in it."""
        return self.modulus > 0 and self.intervals == ((0, self.modulus - 1),)

    @property
    def residue(self) -> int | None:
        """The only residue; None where there are several, or no modulus."""
        if self.modulus and len(self.intervals) == 1 and self.intervals[0][0] == self.intervals[0][1]:
            return self.intervals[0][0]
        return None

    def pieces(self, low: int, high: int | None) -> Iterator[Interval]:
        """Yield the intervals between *low* and *high*, in order; without end where *high* is None."""
        base = low - low % self.modulus if self.modulus else 0
        while self.intervals and (not self.modulus or high is None or base <= high):
            for first, last in self.intervals:
                begin, end = max(low, base + first), base + last
                end = end if high is None else min(end, high)
                if begin <= end:
                    yield begin, end
            if not self.modulus:
                return
            base += self.modulus

    def least(self, low: int) -> int | None:
        """Return the least member from *low* on."""
        return next((first for first, _ in self.pieces(low, None)), None)

    def greatest(self, high: int) -> int | None:
        """Return the greatest member up to *high*."""
        mirrored = Sizes(
            tuple(
                (self.modulus - 1 - b, self.modulus - 1 - a) if self.modulus else (-b, -a)
                for a, b in self.intervals[::-1]
            ),
            self.modulus,
        )
        shift = self.modulus - 1 if self.modulus else 0
        found = mirrored.least(shift - high)
        return None if found is None else shift - found

    def members(self, low: int, high: int | None = None) -> Iterator[int]:
        """Yield the members from *low* on, in order."""
        for first, last in self.pieces(low, high):
            yield from range(first, last + 1)

    def meet(self, other: Sizes) -> Sizes | None:
        """Return the members of both; None where that would take too long."""
        if self.every or other.empty:
            return other
        if other.every or self.empty:
            return self
        if not self.modulus or not other.modulus:
            finite, rest = (self, other) if not self.modulus else (other, self)
            return _collected((piece for low, high in finite.intervals for piece in rest.pieces(low, high)), 0)
        modulus = lcm(self.modulus, other.modulus)
        one, two = sorted((self, other), key=lambda each: modulus // each.modulus * len(each.intervals))
        if modulus // one.modulus * len(one.intervals) > MOST_INTERVALS:
            return None
        lifted = (piece for low, high in one.pieces(0, modulus - 1) for piece in two.pieces(low, high))
        return _collected(lifted, modulus)

    def between(self, low: int, high: int | None) -> Sizes:
        """Return the members from *low* on, up to *high*, which is None only for a finite set."""
        return Sizes(tuple(islice(self.pieces(low, high), MOST_INTERVALS)))

    def gaps(self) -> Iterator[Interval]:
        """Yield what lies between the intervals; with a modulus the last gap reaches into the next period."""
        for (_, last), (first, _) in zip(self.intervals, self.intervals[1:], strict=False):
            yield last + 1, first - 1
        first, last = self.intervals[-1][1] + 1, self.intervals[0][0] + self.modulus - 1
        if self.modulus and first <= last:
            yield first, last

    def conditions(self, name: Value) -> Iterator[Condition]:
        """Yield comparisons that together hold, among integers from 0 on, for the members only."""
        if self.every:
            return
        if not self.modulus:
            yield Condition(name, ">=", self.intervals[0][0])
            yield Condition(name, "<=", self.intervals[-1][1])
        for first, last in self.gaps():
            if not self.modulus:
                apart = max_of(first - 1 - name, name - last - 1)
                yield Condition(name, "!=", first) if first == last else Condition(apart, ">=", 0)
                continue
            after, most = (last + 1) % self.modulus, self.modulus - 1 - (last - first + 1)
            yield Condition(name - after, "==" if most == 0 else "<=", most, self.modulus)


EVERY = Sizes(((0, 0),), 1)
NONE = Sizes(())


def periodic(intervals: Iterable[Interval], modulus: int) -> Sizes | None:
    """Return the intervals repeated with the least modulus; None where they are too many."""
    return _collected(intervals, modulus)


def _collected(intervals: Iterable[Interval], modulus: int) -> Sizes | None:
    joined: list[Interval] = []
    for first, last in islice(intervals, MOST_INTERVALS + 1):
        if joined and first == joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    if len(joined) > MOST_INTERVALS:
        return None
    found = Sizes(tuple(joined), modulus)
    return shrunk(found) if modulus and joined else Sizes(tuple(joined))


def shrunk(sizes: Sizes) -> Sizes:
    """Return the same set with the least modulus, found prime by prime."""
    if sizes.every:
        return EVERY
    for prime in _primes(sizes.modulus):
        while sizes.modulus % prime == 0:
            smaller = _divided(sizes, prime)
            if smaller is None:
                break
            sizes = smaller
    return sizes


def _divided(sizes: Sizes, prime: int) -> Sizes | None:
    """Return the set with its modulus divided, where it repeats that often."""
    modulus = sizes.modulus // prime
    part = Sizes(tuple(_cut(sizes.intervals, modulus)), modulus)
    if part.empty or prime * _measure(part.intervals) != _measure(sizes.intervals):
        return None
    if part.every:
        return EVERY if sizes.every else None
    if prime * len(part.intervals) > 2 * MOST_INTERVALS:
        return None
    joined: list[Interval] = []
    for first, last in part.pieces(0, sizes.modulus - 1):
        if joined and first == joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return part if tuple(joined) == sizes.intervals else None


def _cut(intervals: tuple[Interval, ...], end: int) -> Iterator[Interval]:
    for first, last in intervals:
        if first < end:
            yield first, min(last, end - 1)


def _measure(intervals: tuple[Interval, ...]) -> int:
    return sum(last - first + 1 for first, last in intervals)


def _primes(number: int) -> list[int]:
    """Return the prime factors up to a limit; what is left beyond it is not divided."""
    found: list[int] = []
    at = 2
    while at <= MOST_PRIME and at * at <= number:
        if number % at == 0:
            found.append(at)
            while number % at == 0:
                number //= at
        at += 1
    return [*found, number] if 1 < number <= MOST_PRIME**2 else found
