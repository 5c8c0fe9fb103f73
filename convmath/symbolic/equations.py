"""Where two words have the same value: solved exactly, by walking the steps of the coarser one.

A word is constant on steps, and the inputs that give one value on the other side form an
interval, found by the adjoint. With equal slopes both repeat, so that one period decides;
with different ones all solutions lie where the lines around the words cross.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import lcm

from convmath.algebra import Word
from convmath.symbolic.paths import concrete
from convmath.symbolic.sizes import EVERY, MOST_INTERVALS, NONE, Interval, Sizes, periodic


def solve(left: Word, right: Word) -> Sizes | None:
    """Return all integers where the words are equal; None where that takes too many steps or symbols decide."""
    if not concrete(left) or not concrete(right):
        return None
    if left.constant or right.constant:
        return _against_constant(left, right)
    if left.slope == right.slope:
        return _same_slope(left, right)
    return _crossing(left, right)


def _against_constant(left: Word, right: Word) -> Sizes:
    if left.constant and right.constant:
        return EVERY if left(0) == right(0) else NONE
    word, value = (left, right(0)) if right.constant else (right, left(0))
    low, high = _number(word.least_input(value)), _number(word.least_input(value + 1)) - 1
    return Sizes(((low, high),)) if low <= high else NONE


def _same_slope(left: Word, right: Word) -> Sizes | None:
    period = lcm(_number(left.period), _number(right.period))
    coarse, fine = sorted((left, right), key=density)
    if density(coarse) * period > MOST_INTERVALS:
        return None
    return periodic(_equal(coarse, fine, 0, period - 1), period)


def _crossing(left: Word, right: Word) -> Sizes | None:
    (slope, low, high), (other, least, most) = _lines(left), _lines(right)
    ends = ((least - high) / (slope - other), (most - low) / (slope - other))
    first, last = -int(-min(ends) // 1), int(max(ends) // 1)
    coarse, fine = sorted((left, right), key=density)
    if density(coarse) * max(0, last - first + 1) > MOST_INTERVALS:
        return None
    found = periodic(_equal(coarse, fine, first, last), 0)
    return NONE if found is None or found.empty else found


def _equal(coarse: Word, fine: Word, first: int, last: int) -> Iterator[Interval]:
    """Yield the intervals between *first* and *last* where both are equal."""
    at = first
    while at <= last:
        value = coarse(at)
        end = _number(coarse.least_input(value + 1)) - 1
        low = max(at, _number(fine.least_input(value)))
        high = min(end, last, _number(fine.least_input(value + 1)) - 1)
        if low <= high:
            yield low, high
        at = end + 1


def density(word: Word) -> Fraction:
    """Return how many values the word takes per integer, at most: no more than any part of it lets through."""
    slope = least = Fraction(1)
    for each in word.maps:
        slope *= Fraction(_number(each.up), _number(each.down))
        least = min(least, slope)
    return least


def _lines(word: Word) -> tuple[Fraction, Fraction, Fraction]:
    """Return a slope and two offsets: the word lies between the two lines."""
    slope, low, high = Fraction(1), Fraction(0), Fraction(0)
    for each in word.maps:
        up, shift, down = _number(each.up), _number(each.shift), _number(each.down)
        slope = slope * up / down
        low, high = (up * low + shift - (down - 1)) / down, (up * high + shift) / down
    return slope, low, high


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value} is no integer")
    return value
