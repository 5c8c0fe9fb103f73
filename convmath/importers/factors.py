"""Factors that a model holds as floating-point numbers: what was meant by them."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, frexp
from struct import pack, unpack

DIGITS = {"f": 24, "d": 53}
"""The binary digits of numbers in single and in double precision, by the letters that ``struct`` has for them."""


def meant(number: float, precision: str) -> int | Fraction:
    """Return the simplest fraction that is rounded to the same number in a precision as a finite number is.

    What is written as 0.7 or computed as 7/10 is not the number that a computer holds, but
    among the fractions that it would hold as that number it has the least denominator.
    """
    if number.is_integer():
        return int(number)
    [held] = unpack(precision, pack(precision, abs(number)))
    if held.is_integer():
        return int(held) if number > 0 else -int(held)
    fraction, exponent = frexp(held)
    above = Fraction(2) ** (exponent - DIGITS[precision] - 1)
    below = above / 2 if fraction == 0.5 else above
    found = _simplest(Fraction(held) - below, Fraction(held) + above)
    return found if number > 0 else -found


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """Return the fraction of the least denominator between two numbers above zero, by their continued fractions."""
    whole = ceil(low)
    if whole <= high:
        return Fraction(whole)
    below = whole - 1
    return below + 1 / _simplest(1 / (high - below), 1 / (low - below))
