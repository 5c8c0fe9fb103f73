"""What stands inside a term: symbols, floors, extremes, common divisors, powers.

The functions at the end are the ways to make one; each simplifies first, by laws that
hold for all integers, and returns a plain number where nothing unknown is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import gcd, lcm

from convmath.errors import ExpressionError
from convmath.formula.division import content, divide
from convmath.formula.signs import nonnegative, positive
from convmath.formula.terms import (
    ONE,
    Formula,
    Monomial,
    Value,
    bind,
    cleared,
    is_integral,
    product_of,
    raise_to,
    ratio,
    too_large,
    value,
)

MOST_LETTERS = 20_000
"""How long the form of a floor or an extreme may be; formulas that people can use are far below."""


class Atom:
    """An unknown: two atoms are equal when their keys are."""

    __slots__ = ("key", "names")

    integral = True
    key: str
    names: frozenset[str]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def bind(self, values: Mapping[str, Value]) -> Value:
        """Return the value with symbols replaced."""
        raise NotImplementedError

    @property
    def formula(self) -> Formula:
        """The formula that is just this atom."""
        return Formula({((self, 1),): 1})

    @property
    def denominator(self) -> Value:
        """What to multiply with to make the atom an integer."""
        return self.formula


def _key(value: Value) -> str:
    if not isinstance(value, Formula):
        return str(value)
    terms = (
        "*".join([str(coefficient), *(f"{atom.key}^{exponent}" for atom, exponent in monomial)])
        for monomial, coefficient in value.terms.items()
    )
    return "+".join(sorted(terms))


def _names(values: Iterable[Value]) -> frozenset[str]:
    return frozenset().union(*(each.names for each in values if isinstance(each, Formula)))


class Symbol(Atom):
    """A named integer, zero or more."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = self.key = name
        self.names = frozenset((name,))

    def bind(self, values: Mapping[str, Value]) -> Value:
        return values.get(self.name, self.formula)


class Compound(Atom):
    """A function of values, named by its class."""

    __slots__ = ("arguments",)

    function = ""

    def __init__(self, *arguments: Value) -> None:
        self.arguments = arguments
        self.key = f"{self.function}({','.join(map(_key, arguments))})"
        if len(self.key) > MOST_LETTERS:
            raise too_large(f"a formula with a {self.function} of {len(self.key)} letters")
        self.names = _names(arguments)

    def bind(self, values: Mapping[str, Value]) -> Value:
        return self.make(*(bind(argument, values) for argument in self.arguments))

    def make(self, *arguments: Value) -> Value:
        """Return the function of other arguments, simplified."""
        raise NotImplementedError


class Floor(Compound):
    """The floor of a quotient: ``floor(arguments[0] / arguments[1])``."""

    __slots__ = ()
    function = "floor"

    def make(self, *arguments: Value) -> Value:
        return floor_of(*arguments)


class Max(Compound):
    """The largest of the arguments."""

    __slots__ = ()
    function = "max"

    def make(self, *arguments: Value) -> Value:
        return max_of(*arguments)


class Min(Compound):
    """The smallest of the arguments."""

    __slots__ = ()
    function = "min"

    def make(self, *arguments: Value) -> Value:
        return min_of(*arguments)


class Gcd(Compound):
    """The greatest common divisor of two arguments."""

    __slots__ = ()
    function = "gcd"

    def make(self, *arguments: Value) -> Value:
        return gcd_of(*arguments)


class Power(Compound):
    """A number to the power of a product of symbols: ``arguments[0] ** arguments[1]``."""

    __slots__ = ()
    function = "power"

    def make(self, *arguments: Value) -> Value:
        return power_of(*arguments)


class Inverse(Compound):
    """One over a sum: the only atom that is no integer."""

    __slots__ = ()
    function = "inverse"
    integral = False

    def make(self, *arguments: Value) -> Value:
        return ratio(1, arguments[0])

    @property
    def denominator(self) -> Value:
        return self.arguments[0]


class SumOver(Compound):
    """A sum that has no closed form: ``arguments`` are the term, its bounds, and the index as a symbol."""

    __slots__ = ()
    function = "sum"

    @classmethod
    def of(cls, term: Value, index: str, low: Value, high: Value) -> Formula:
        """Return the sum as a formula."""
        made = cls(term, Symbol(index).formula, low, high)
        made.names = (made.names - {index}) | _names((low, high))
        return made.formula

    def bind(self, values: Mapping[str, Value]) -> Value:
        """Return the sum with symbols replaced; its own index is none of them."""
        from convmath.formula.sums import sum_over

        term, index, low, high = self.arguments
        [name] = index.names  # type: ignore[union-attr]
        inner = {each: held for each, held in values.items() if each != name}
        return sum_over(bind(term, inner), name, bind(low, inner), bind(high, inner))


def floor_of(dividend: Value, divisor: Value = 1) -> Value:
    """Return ``floor(dividend / divisor)``.

    Laws, all for integers: common factors cancel; integer parts leave the floor;
    and for integers ``b, d >= 1`` ``floor(-a/b) = -floor((a + b - 1)/b)`` and
    ``floor((floor(a/b) + c)/d) = floor((a + b*c)/(b*d))``.

    Raises ``ZeroDivisionError`` where the divisor is zero.
    """
    if isinstance(dividend, int) and isinstance(divisor, int):
        return dividend // divisor
    (top, over), (bottom, under) = cleared(dividend), cleared(divisor)
    top, bottom = top * under, bottom * over
    if not isinstance(top, Formula) and not isinstance(bottom, Formula):
        return int(top) // int(bottom)
    if _leads_negative(bottom):
        top, bottom = -top, -bottom
    top, bottom = _reduce(top, bottom)
    out, rest = divide(top, bottom)
    if rest == 0:
        return out
    if not isinstance(rest, Formula) and not isinstance(bottom, Formula):
        return out + int(rest) // int(bottom)
    merged = _unnested(rest, bottom)
    if merged is not None:
        return out + merged
    if isinstance(rest, Formula) and _leads_negative(rest) and positive(bottom):
        return out - floor_of(bottom - 1 - rest, bottom)
    return out + Floor(rest, bottom).formula


def _leads_negative(value: Value) -> bool:
    """Tell the sign of the unknown that comes first by name: ``H`` before ``d*k``, so that sizes count as positive.

    Of products that begin alike the longest decides: ``d*k`` before ``d``.
    """
    if not isinstance(value, Formula):
        return value < 0
    first = min(filter(None, value.terms), key=_rank)
    return value.terms[first] < 0


def _rank(monomial: Monomial) -> tuple[str, int, list[str]]:
    return monomial[0][0].key, -len(monomial), [atom.key for atom, _ in monomial]


def _reduce(top: Value, bottom: Value) -> tuple[Value, Value]:
    """Cancel what divides everything; over a number, all but the constant is enough."""
    number, monomial = content((top, bottom))
    common = value({monomial: number})
    if common != 1:
        top, bottom = ratio(top, common), ratio(bottom, common)
    if isinstance(top, Formula) and isinstance(bottom, int) and bottom > 1:
        unknown = value({m: c for m, c in top.terms.items() if m != ONE})
        number = gcd(content((unknown,))[0], bottom)
        if number > 1:
            constant = int(top.terms.get(ONE, 0)) // number
            return ratio(unknown, number) + constant, bottom // number
    return top, bottom


def _unnested(rest: Value, bottom: Value) -> Value | None:
    """Return ``floor(rest/bottom)`` with an inner floor merged into the outer one, where that is legal."""
    if isinstance(rest, Formula) and positive(bottom):
        inner = [
            monomial[0][0]
            for monomial, coefficient in rest.terms.items()
            if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1 and isinstance(monomial[0][0], Floor)
        ]
        if len(inner) == 1 and positive(inner[0].arguments[1]):
            a, b = inner[0].arguments
            return floor_of(a + (rest - inner[0].formula) * b, b * bottom)
    return None


def ceil_of(dividend: Value, divisor: Value = 1) -> Value:
    """Return ``ceil(dividend / divisor)``; Raises ``ZeroDivisionError`` where the divisor is zero."""
    return -floor_of(-dividend, divisor)


def _undominated(values: Iterable[Value]) -> list[Value]:
    """Return the values without those that another one is shown never to fall below."""
    kept: list[Value] = []
    for each in dict.fromkeys(values):
        if any(nonnegative(other - each) for other in kept):
            continue
        kept = [other for other in kept if not nonnegative(each - other)]
        kept.append(each)
    return kept


def max_of(*values: Value) -> Value:
    """Return the largest value; arguments that are never the largest are dropped."""
    kept = _undominated(values)
    if len(kept) == 1:
        return kept[0]
    whole, divisor = _common_divisor(kept)
    return ratio(max_of(*whole) if divisor != 1 else Max(*sorted(kept, key=_key)).formula, divisor)


def min_of(*values: Value) -> Value:
    """Return the smallest value; arguments that are never the smallest are dropped."""
    kept = [-each for each in _undominated([-each for each in values])]
    if len(kept) == 1:
        return kept[0]
    whole, divisor = _common_divisor(kept)
    return ratio(min_of(*whole) if divisor != 1 else Min(*sorted(kept, key=_key)).formula, divisor)


def _common_divisor(values: list[Value]) -> tuple[list[Value], Value]:
    """Return integers and a divisor above zero that make the *values*, so that an extreme is an integer.

    Raises ``ExpressionError`` where the sign of a divisor is unknown.
    """
    parts = [cleared(each) for each in values]
    divisors = list(dict.fromkeys(bottom for _, bottom in parts))
    if not all(positive(each) for each in divisors):
        shown = ", ".join(map(str, values))
        raise ExpressionError("unknown-sign", f"the extreme of {shown} needs divisors that are never negative")
    numbers = lcm(*(each for each in divisors if isinstance(each, int)))
    common = numbers * product_of(each for each in divisors if not isinstance(each, int))
    return [cleared(ratio(top * common, bottom))[0] for top, bottom in parts], common


def gcd_of(left: Value, right: Value) -> Value:
    """Return the greatest common divisor of two integers, zero or more."""
    if isinstance(left, int) and isinstance(right, int):
        return gcd(left, right)
    if not is_integral(left) or not is_integral(right):
        raise ExpressionError("not-an-integer", f"gcd needs integers, not {left} and {right}")
    if 1 in (left, right):
        return 1
    if left in (right, 0) or right == 0:
        either = left if left != 0 else right
        return either if nonnegative(either) else max_of(either, -either)
    return Gcd(*sorted((left, right), key=_key)).formula


def power_of(base: Value, exponent: Value) -> Value:
    """Return ``base ** exponent``; an unknown exponent needs a number of 2 or more as its base.

    The exponent is split at its sums, so that ``2**(n + 1)`` is ``2*2**n``.
    """
    if isinstance(exponent, int):
        return raise_to(base, exponent)
    if base == 1:
        return 1
    if isinstance(base, Formula) or not isinstance(exponent, Formula) or base.denominator != 1 or base < 1:
        raise ExpressionError("bad-power", f"({base})**({exponent}): an unknown exponent needs a whole number above it")
    if not is_integral(exponent):
        raise ExpressionError("bad-power", f"the exponent {exponent} may be no integer")
    root, fold = _root(int(base))
    factors = (
        raise_to(
            root if monomial == ONE else Power(root, value({monomial: 1})).formula,
            int(coefficient) * fold,
        )
        for monomial, coefficient in exponent.terms.items()
    )
    return product_of(factors)


def _root(number: int) -> tuple[int, int]:
    """Return ``(root, n)`` with ``root**n == number`` and n as large as possible."""
    for fold in range(number.bit_length(), 1, -1):
        guess = round(number ** (1 / fold)) if number.bit_length() < 1000 else 0
        if guess > 1 and guess**fold == number:
            return guess, fold
    return number, 1
