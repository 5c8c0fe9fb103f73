"""Exact formulas: sparse polynomials over symbols and floors, with their text form.

``terms`` holds the data type and its arithmetic, ``atoms`` what stands inside a term,
``text`` prints. Every integer is an exact Python integer; no float ever enters.
"""

from convmath.formula.atoms import ceil_of, floor_of, gcd_of, max_of, min_of, power_of
from convmath.formula.parts import affine, exchanged, floor_plus, single_floor
from convmath.formula.signs import at_least, nonnegative, nonnegative_over_a_period, surely_nonnegative
from convmath.formula.sums import sum_over
from convmath.formula.terms import Formula, Value, bind, cleared, is_integral, product_of, ratio, sum_of, symbol

__all__ = [
    "Formula",
    "Value",
    "affine",
    "at_least",
    "bind",
    "ceil_of",
    "cleared",
    "exchanged",
    "floor_of",
    "floor_plus",
    "gcd_of",
    "is_integral",
    "max_of",
    "min_of",
    "nonnegative",
    "nonnegative_over_a_period",
    "power_of",
    "product_of",
    "ratio",
    "single_floor",
    "sum_of",
    "sum_over",
    "surely_nonnegative",
    "symbol",
]
