"""Floor maps and words of them: what a layer does to a size, and how a stack of layers does.

On one axis every layer acts on a size as ``x -> floor((up*x + shift)/down)``, and a
receptive field runs the same algebra backwards. The coefficients are integers or
formulas; the code uses ``+ - * //`` only and cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd

from convmath.formula import Value, max_of, power_of, product_of, ratio


@dataclass(frozen=True, slots=True)
class FloorMap:
    """The map ``x -> floor((up*x + shift)/down)`` on one axis; up is zero or more, down one or more.

    Convolution and pooling have ``up == 1``, their transposes ``down == 1``, a pooling
    to a fixed size ``up == 0``. Laws, each a test in ``tests/test_algebra.py``:

        identity       IDENTITY.then(f) == f == f.then(IDENTITY)
        associativity  f.then(g).then(h) == f.then(g.then(h))     where all merge
        action         f.then(g)(x) == g(f(x))
        power          f.repeat(n) == f.then(f)...                 n times
        reduction      f.reduced()(x) == f(x)
        adjunction     f(x) >= y  iff  x >= f.least_input(y)       up >= 1
        monotonicity   x <= y  implies  f(x) <= f(y)
        shift          f(x + down) == f(x) + up
    """

    up: Value = 1
    shift: Value = 0
    down: Value = 1

    def __call__(self, size: Value) -> Value:
        whole = self.up * size + self.shift
        return whole if self.down == 1 else whole // self.down

    def merges(self, after: FloorMap) -> bool:
        """Tell whether this map followed by *after* is one floor map again."""
        return after.up in (0, 1) or self.down == 1

    def then(self, after: FloorMap) -> FloorMap:
        """Return this map followed by *after*.

        Raises ``NotOneMapError`` where the composite is no floor map: ``2*floor(x/2)``
        has slope 1 and is no ``x + c``.
        """
        if after.up == 0:
            return after
        if after.up == 1:
            return FloorMap(self.up, self.shift + self.down * after.shift, self.down * after.down)
        if self.down == 1:
            return FloorMap(self.up * after.up, after.up * self.shift + after.shift, after.down)
        raise NotOneMapError(self, after)

    def repeat(self, times: Value) -> FloorMap:
        """Return the *times*-th power, in closed form also for a symbol.

        Raises ``NotOneMapError`` where the powers are no floor maps.
        """
        if self.up == 0 and isinstance(times, int):
            return self if times else IDENTITY
        if self.up == 1:
            return FloorMap(1, self.shift * _geometric(self.down, times), power_of(self.down, times))
        if self.down == 1:
            if self.up == 0:
                raise NotOneMapError(self, self)
            return FloorMap(power_of(self.up, times), self.shift * _geometric(self.up, times), 1)
        raise NotOneMapError(self, self)

    def reduced(self) -> FloorMap:
        """Return the same map with the common divisor of up and down cancelled."""
        if isinstance(self.up, int) and isinstance(self.down, int):
            common = gcd(self.up, self.down)
            if common > 1:
                return FloorMap(self.up // common, self.shift // common, self.down // common)
        return self

    def least_input(self, size: Value) -> Value:
        """Return the least integer whose image reaches *size*: the adjoint of the map.

        Raises ``ValueError`` for a constant map, which reaches what it reaches whatever the input.
        """
        if self.up == 0:
            raise ValueError(f"the constant map to {self.shift // self.down} has no least input")
        return (self.down * size - self.shift + self.up - 1) // self.up


IDENTITY = FloorMap()


class NotOneMapError(ArithmeticError):
    """The composite of two floor maps is no floor map."""

    def __init__(self, first: FloorMap, after: FloorMap) -> None:
        super().__init__(f"{first} followed by {after} is no floor map")


def _geometric(base: Value, times: Value) -> Value:
    """Return ``1 + base + ... + base**(times - 1)``."""
    if base == 1:
        return times
    return ratio(power_of(base, times) - 1, base - 1)


@dataclass(frozen=True, slots=True)
class Word:
    """Floor maps applied one after the other, merged wherever two are one.

    A stack of convolutions and poolings is a word of one map; an encoder followed by a
    decoder takes two. The letters are not unique, ``(3,0,2),(2,1,3)`` is the identity:
    words are equal when their values are, over one period.
    """

    maps: tuple[FloorMap, ...] = ()

    def __call__(self, size: Value) -> Value:
        for each in self.maps:
            size = each(size)
        return size

    def then(self, after: FloorMap) -> Word:
        """Return this word followed by one more map."""
        after = after.reduced()
        if not self.maps:
            return Word((after,))
        *before, last = self.maps
        if last.merges(after):
            return Word(tuple(before)).then(last.then(after))
        return Word((*self.maps, after))

    def after(self, first: FloorMap) -> Word:
        """Return the map *first* followed by this word: how a field grows backwards."""
        first = first.reduced()
        if not self.maps:
            return Word((first,))
        head, *others = self.maps
        if first.merges(head):
            return Word(tuple(others)).after(first.then(head))
        return Word((first, *self.maps))

    @property
    def slope(self) -> Value:
        """How much the value grows per unit of input, on average: the product of up/down."""
        return product_of(ratio(each.up, each.down) for each in self.maps)

    @property
    def period(self) -> Value:
        """The shift law: ``f(x + period) == f(x) + period*slope``."""
        return product_of(each.down for each in self.maps)

    @property
    def constant(self) -> bool:
        """Whether the value does not depend on the input."""
        return any(each.up == 0 for each in self.maps)

    def least_input(self, size: Value) -> Value:
        """Return the least integer whose image reaches *size*.

        Raises ``ValueError`` for a constant word.
        """
        for each in reversed(self.maps):
            size = each.least_input(size)
        return size

    def inputs_for(self, size: Value) -> tuple[Value, Value]:
        """Return the first and last integer with the image *size*; the first is past the last where none has it."""
        return self.least_input(size), self.least_input(size + 1) - 1


def compose(maps: Iterable[FloorMap]) -> Word:
    """Return the word of a stack, first layer first."""
    word = Word()
    for each in maps:
        word = word.then(each)
    return word


def least_valid_input(maps: Iterable[FloorMap]) -> Value:
    """Return the least input for which every size along the stack is at least 1.

    It is the largest of the least inputs of all prefixes, since every map is monotone;
    constant maps ask for nothing.
    """
    needs: list[Value] = [1]
    word = Word()
    for each in maps:
        word = word.then(each)
        if not word.constant:
            needs.append(word.least_input(1))
    return max_of(*needs)
