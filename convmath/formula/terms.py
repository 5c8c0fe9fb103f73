"""The data type: a sum of terms, each a rational coefficient times powers of atoms.

An atom is a symbol, a floor, an extreme and the like (``atoms``); to the arithmetic
here it is an opaque unknown. A formula without unknowns never exists: every operation
returns a plain ``int`` (or a ``Fraction``, where exact division left one) instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING, TypeAlias, Union

from convmath.errors import LimitError, Problem

if TYPE_CHECKING:
    from convmath.formula.atoms import Atom

Number: TypeAlias = int | Fraction
Value: TypeAlias = Union[int, Fraction, "Formula"]
Monomial: TypeAlias = "tuple[tuple[Atom, int], ...]"

ONE: Monomial = ()
MOST_TERMS = 4_000
MOST_PRODUCTS = 100_000


def too_large(what: str) -> LimitError:
    """Return the error for a formula that nobody could read and that would take long to compute."""
    return LimitError(Problem("too-large", f"{what} is too large", "bind some symbols to numbers with --set"))


MOST_BITS = 4096
"""No number that anybody means has more binary digits; powers beyond are refused before they are computed."""


class Formula:
    """An exact expression in at least one unknown; immutable and hashable.

    ``terms`` maps each monomial, a sorted tuple of (atom, exponent), to its
    coefficient. ``+ - * // % /`` and ``**`` with a whole exponent are defined with
    numbers and with one another; ``/`` is exact.
    """

    __slots__ = ("_hash", "_names", "terms")

    terms: dict[Monomial, Number]

    def __init__(self, terms: dict[Monomial, Number]) -> None:
        self.terms = terms
        self._hash: int | None = None
        self._names: frozenset[str] | None = None

    def __add__(self, other: Value) -> Value:
        if other == 0:
            return self
        terms = self.terms.copy()
        for monomial, coefficient in terms_of(other).items():
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return value(terms)

    __radd__ = __add__

    def __neg__(self) -> Value:
        return Formula({monomial: -coefficient for monomial, coefficient in self.terms.items()})

    def __sub__(self, other: Value) -> Value:
        return self + (-other)

    def __rsub__(self, other: Value) -> Value:
        return -self + other

    def __mul__(self, other: Value) -> Value:
        if not isinstance(other, Formula):
            if other == 1:
                return self
            return value({monomial: coefficient * other for monomial, coefficient in self.terms.items()})
        if len(self.terms) * len(other.terms) > MOST_PRODUCTS:
            raise too_large(f"a product of {len(self.terms)} by {len(other.terms)} terms")
        terms: dict[Monomial, Number] = {}
        for left, a in self.terms.items():
            for right, b in other.terms.items():
                monomial = join(left, right)
                terms[monomial] = terms.get(monomial, 0) + a * b
        return value(terms)

    __rmul__ = __mul__

    def __truediv__(self, other: Value) -> Value:
        return ratio(self, other)

    def __rtruediv__(self, other: Value) -> Value:
        return ratio(other, self)

    def __floordiv__(self, other: Value) -> Value:
        from convmath.formula.atoms import floor_of

        return floor_of(self, other)

    def __rfloordiv__(self, other: Value) -> Value:
        from convmath.formula.atoms import floor_of

        return floor_of(other, self)

    def __mod__(self, other: Value) -> Value:
        return self - other * (self // other)

    def __rmod__(self, other: Value) -> Value:
        return other - self * (other // self)

    def __pow__(self, exponent: int) -> Value:
        if exponent < 0:
            return ratio(1, self**-exponent)
        result: Value = 1
        square: Value = self
        while exponent:
            if exponent & 1:
                result = result * square
            exponent >>= 1
            if exponent:
                square = square * square
        return result

    def __eq__(self, other: object) -> bool:
        """Compare the canonical forms; equal forms are equal values, the converse needs a proof."""
        return isinstance(other, Formula) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __repr__(self) -> str:
        return f"Formula({self})"

    def __str__(self) -> str:
        from convmath.formula.text import write

        return write(self)

    @property
    def names(self) -> frozenset[str]:
        """The names of all symbols inside."""
        if self._names is None:
            self._names = frozenset().union(*(atom.names for monomial in self.terms for atom, _ in monomial))
        return self._names

    def bind(self, values: Mapping[str, Value]) -> Value:
        """Return the value with symbols replaced by *values*; symbols not named there stay."""
        if self.names.isdisjoint(values):
            return self
        known: dict[Atom, Value] = {}
        result: list[Value] = []
        for monomial, coefficient in self.terms.items():
            term: Value = coefficient
            for atom, exponent in monomial:
                if atom not in known:
                    known[atom] = atom.bind(values)
                term = term * raise_to(known[atom], exponent)
            result.append(term)
        return sum_of(result)


def bind(value: Value, values: Mapping[str, Value]) -> Value:
    """Return a value with symbols replaced; a number stays as it is."""
    return value.bind(values) if isinstance(value, Formula) else value


def terms_of(value: Value) -> dict[Monomial, Number]:
    """Return the terms of a value, a number counting as a multiple of the empty monomial."""
    if isinstance(value, Formula):
        return value.terms
    return {ONE: value} if value else {}


def value(terms: dict[Monomial, Number]) -> Value:
    """Return the value of *terms*, which this call may change: zeros go, constants become numbers."""
    if 0 in terms.values():
        for monomial in [monomial for monomial, coefficient in terms.items() if not coefficient]:
            del terms[monomial]
    if Fraction in set(map(type, terms.values())):
        terms = {monomial: whole(coefficient) for monomial, coefficient in terms.items()}
    if len(terms) > MOST_TERMS:
        raise too_large(f"a formula of {len(terms)} terms")
    if len(terms) > 1 or (terms and ONE not in terms):
        return Formula(terms)
    return whole(terms.get(ONE, 0))


def whole(number: Number) -> Number:
    """Return an integral fraction as the integer that it is."""
    return number.numerator if number.denominator == 1 else number


@lru_cache(maxsize=1 << 16)
def join(left: Monomial, right: Monomial) -> Monomial:
    """Return the product of two monomials."""
    if not left:
        return right
    if not right:
        return left
    powers = dict(left)
    for atom, exponent in right:
        powers[atom] = powers.get(atom, 0) + exponent
    return tuple(sorted((item for item in powers.items() if item[1]), key=lambda item: item[0].key))


def sum_of(values: Iterable[Value]) -> Value:
    """Return the sum of many values, in time linear in their terms."""
    terms: dict[Monomial, Number] = {}
    for addend in values:
        for monomial, coefficient in terms_of(addend).items():
            terms[monomial] = terms.get(monomial, 0) + coefficient
    return value(terms)


def product_of(values: Iterable[Value]) -> Value:
    """Return the product of values; 1 for none."""
    found = list(values)
    result = found[0] if found else 1
    for factor in found[1:]:
        result = result * factor
    return result if isinstance(result, Formula) else whole(result)


def raise_to(base: Value, exponent: int) -> Value:
    """Return ``base ** exponent`` exactly, for a whole exponent of either sign."""
    if not isinstance(base, Formula):
        bits = max(abs(base.numerator), base.denominator).bit_length()
        if (bits - 1) * abs(exponent) > MOST_BITS:
            message = f"a power with an exponent of {exponent} has more than {MOST_BITS} bits"
            raise LimitError(Problem("too-large", message, "use smaller sizes"))
    if exponent < 0:
        return ratio(1, base**-exponent)
    power = base**exponent
    return power if isinstance(power, Formula) else whole(power)


def ratio(dividend: Value, divisor: Value) -> Value:
    """Return the exact quotient, never a float.

    Raises ``ZeroDivisionError`` where the divisor is zero.
    """
    if not isinstance(divisor, Formula):
        if divisor == 1:
            return dividend
        if isinstance(dividend, Formula):
            return dividend * Fraction(1, divisor)
        return whole(Fraction(dividend) / Fraction(divisor))
    from convmath.formula.atoms import Inverse
    from convmath.formula.division import divide

    if len(divisor.terms) == 1 and not any(
        isinstance(atom, Inverse) for monomial in divisor.terms for atom, _ in monomial
    ):
        [(monomial, coefficient)] = divisor.terms.items()
        inverse = Formula({tuple((atom, -exponent) for atom, exponent in monomial): whole(1 / Fraction(coefficient))})
        return inverse * dividend
    top, bottom = cleared(divisor)
    if bottom != 1:
        return ratio(dividend * bottom, top)
    if isinstance(dividend, Formula):
        quotient, rest = divide(dividend, divisor)
        if rest == 0:
            return quotient
    return dividend * Inverse(divisor).formula


def is_integral(value: Value) -> bool:
    """Tell whether the form alone shows an integer for all integer symbols."""
    if not isinstance(value, Formula):
        return value.denominator == 1
    return all(
        coefficient.denominator == 1 and all(exponent > 0 and atom.integral for atom, exponent in monomial)
        for monomial, coefficient in value.terms.items()
    )


def cleared(value: Value) -> tuple[Value, Value]:
    """Return ``(top, bottom)`` with ``value = top/bottom``, both integers for all integer symbols."""
    if not isinstance(value, Formula):
        return value.numerator, value.denominator
    powers: dict[Atom, int] = {}
    for monomial in value.terms:
        for atom, exponent in monomial:
            below = -exponent if atom.integral else exponent
            powers[atom] = max(powers.get(atom, 0), below)
    numbers = lcm(*(coefficient.denominator for coefficient in value.terms.values()))
    bottom = numbers * product_of(raise_to(atom.denominator, exponent) for atom, exponent in powers.items() if exponent)
    if bottom == 1:
        return value, 1
    tops: list[Value] = []
    for monomial, coefficient in value.terms.items():
        given = dict(monomial)
        factors = (
            raise_to(atom.formula, given.get(atom, 0) + exponent)
            if atom.integral
            else raise_to(atom.denominator, exponent - given.get(atom, 0))
            for atom, exponent in (dict.fromkeys(given, 0) | powers).items()
        )
        tops.append(coefficient * numbers * product_of(factors))
    return sum_of(tops), bottom


def symbol(name: str) -> Formula:
    """Return the symbol *name* as a formula."""
    from convmath.formula.atoms import Symbol

    return Symbol(name).formula
