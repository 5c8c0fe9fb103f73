"""Factors that a model holds as floating-point numbers: what was meant by them."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, frexp

SINGLE, DOUBLE = 24, 53
"""The binary digits of a number in single and in double precision."""


def meant(number: float, digits: int) -> int | Fraction:
    """Return the simplest fraction that is rounded to a finite number of so many binary digits.

    What is written as 0.7 or computed as 7/10 is not the number that a computer holds, but
    among the fractions that it would hold as that number it has the least denominator.
    """
    if number.is_integer():
        return int(number)
    if number < 0:
        return -meant(-number, digits)
    fraction, exponent = frexp(number)
    above = Fraction(2) ** (exponent - digits - 1)
    below = above / 2 if fraction == 0.5 else above
    found = _simplest(Fraction(number) - below, Fraction(number) + above)
    return found.numerator if found.denominator == 1 else found


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """Return the fraction of the least denominator between two numbers above zero, by their continued fractions."""
    whole = ceil(low)
    if whole <= high:
        return Fraction(whole)
    below = whole - 1
    return below + 1 / _simplest(1 / (high - below), 1 / (low - below))
