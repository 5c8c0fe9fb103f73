"""The rule of a repeat whose number of passes is a symbol: powers of floor maps, and closed sums.

One pass is derived in symbols for what arrives and for the index. Sizes and fields of n
passes are powers of its maps, channels follow from one pass to the next, and counts are
sums over the index. The first pass stands apart, since its channels come from outside;
formulas hold for n >= 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, NoReturn

from convmath.algebra import IDENTITY, FloorMap, Word
from convmath.errors import Problem, SpecError
from convmath.formula import Formula, Value, bind, power_of, ratio, sum_of, sum_over, symbol
from convmath.formula.division import divide
from convmath.report import Condition, Operations
from convmath.spec.graph import Node, SymbolInfo
from convmath.spec.layer import Layer
from convmath.spec.passes import Passes
from convmath.symbolic.facts import Facts, Requirement, Shape, rule

if TYPE_CHECKING:
    from convmath.symbolic.compose import Walk

CHANNELS = "channels@pass"
EARLIER = "earlier@pass"
COUNTS = ("params", "buffers", "macs")


@rule(Passes)
def passes(layer: Passes, shape: Shape) -> Facts:
    """Derive n passes from one.

    Raises ``SpecError`` where a size, a field or the channels have no closed form in n.
    """
    return Depth(layer, shape).facts()


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass, in symbols for the channels and sizes that arrive, and for the index."""

    channels: Value
    maps: tuple[FloorMap, ...]
    first: tuple[FloorMap, ...]
    last: tuple[FloorMap, ...]
    counts: Mapping[str, Value]
    operations: Operations
    activations: Value
    conditions: tuple[Condition, ...]
    borders: bool
    hull: bool
    uneven: bool


class Depth:
    """A repeat of a symbolic number of passes at the shape that arrives."""

    def __init__(self, layer: Passes, shape: Shape) -> None:
        self.layer, self.shape = layer, shape
        self.times, self.index = layer.times, layer.index
        self.sizes = [f"size{at}@pass" for at in range(len(shape.sizes))]
        self.one = self._derive()

    def facts(self) -> Facts:
        """Return the facts of all passes together."""
        maps = tuple(self._power(each, self.times, forward=True) for each in self.one.maps)
        operations = [self.summed(getattr(self.one.operations, each.name)) for each in fields(Operations)]
        return Facts(
            out=self.shape.through(maps, self._channels_at(self.times)),
            maps=maps,
            first=tuple(self._power(each, self.times, forward=False) for each in self.one.first),
            last=tuple(self._power(each, self.times, forward=False) for each in self.one.last),
            params=self.summed(self.one.counts["params"]),
            buffers=self.summed(self.one.counts["buffers"]),
            macs=self.summed(self.one.counts["macs"]),
            operations=Operations(*operations),
            made=self.summed(self.one.activations),
            borders=self.one.borders,
            hull=self.one.hull,
            uneven=self.one.uneven,
            needs=self._needs(),
            requirements=tuple(self._requirements()),
        )

    def inside(self) -> Iterator[tuple[Node, Layer, tuple[Shape, ...]]]:
        """Yield the layers of one pass, in symbols, with the shapes that reach them."""
        walk, _ = self._walk()
        for node in walk.network.nodes:
            yield node, node.resolved(walk.channels), tuple(walk.traces[each].shape for each in node.inputs)

    def summed(self, count: Value) -> Value:
        """Return a count of one pass, summed over all: the first on its own, then from 1 to n - 1."""
        at = symbol(self.index)
        first, later = self._at(count, 0), self._at(count, at)
        if bind(later, {self.index: 0}) == first:
            return sum_over(later, self.index, 0, self.times - 1)
        return first + sum_over(later, self.index, 1, self.times - 1)

    def _walk(self) -> tuple[Walk, tuple[Condition, ...]]:
        """Follow one pass; return what it found, and when it is valid."""
        from convmath.symbolic.compose import Walk  # which registers this rule

        network = self.layer.one(symbol(CHANNELS), tuple(map(symbol, self.sizes)))
        free = tuple(SymbolInfo(each) for each in (CHANNELS, *self.sizes))
        walk = Walk(replace(network, symbols=free), searching=True)
        walk.traces = [replace(each, uneven=True) for each in walk.traces]  # as after an earlier pass
        return walk, walk.conditions()

    def _derive(self) -> _Pass:
        walk, conditions = self._walk()
        trace, steps = walk.traces[self.layer.out], walk.facts
        if trace.whole:
            self._refuse("a layer in it sees everything at once")
        axes = next(iter(trace.views.values())).axes
        if any(len(axis.first) != 1 or len(axis.last) != 1 for axis in axes):
            self._refuse("its paths read different pixels, and no one reads the least for every pass")
        operations = sum((each.operations for each in steps), start=Operations())
        return _Pass(
            channels=trace.shape.channels,
            maps=tuple(self._single(word) for word in trace.sizes),
            first=tuple(self._single(axis.first[0]) for axis in axes),
            last=tuple(self._single(axis.last[0]) for axis in axes),
            counts={name: sum_of(getattr(each, name) for each in steps) for name in COUNTS},
            operations=operations,
            activations=sum_of(each.activations for each in steps),
            conditions=conditions,
            borders=all(each.borders for each in steps),
            hull=all(each.hull for each in steps),
            uneven=trace.uneven,
        )

    def _single(self, word: Word | None) -> FloorMap:
        if word is None or len(word.maps) > 1:
            self._refuse("a pass is no single floor map of the size, so its powers have no closed form")
        return word.maps[0] if word.maps else IDENTITY

    def _refuse(self, why: str) -> NoReturn:
        names = sorted(self.times.names) if isinstance(self.times, Formula) else ["n"]
        message = f"the depth {self.times} cannot stay a symbol: {why}"
        raise SpecError(Problem("symbolic-depth", message, f"give it a value: --set {names[0]}=3"))

    def _power(self, one: FloorMap, times: Value, *, forward: bool) -> FloorMap:
        """Return what *times* passes do; forward the first pass is applied first, backward the last.

        ``x -> floor((x + c_j)/s)`` for j = 0, 1, … makes ``floor((x + sum(c_j*s**j))/s**n)``, and backward
        ``u*(... ) + c_0`` outermost makes ``u**n*x + sum(c_j*u**j)``.
        """
        varies = [each for each in (one.up, one.shift, one.down) if self._varies(each)]
        numbers = isinstance(one.up, int) and isinstance(one.down, int)
        if not varies and numbers and one.up != 0 and (one.up == 1 or one.down == 1):
            return one.repeat(times)
        base = one.down if forward else one.up
        steady = one.up if forward else one.down
        if steady != 1 or self._varies(base) or not isinstance(base, int):
            self._refuse("a stride is a symbol or differs from pass to pass, or its powers are no floor maps")
        shift = self._until(one.shift * power_of(base, symbol(self.index)), times)
        power = power_of(base, times)
        return FloorMap(1, shift, power) if forward else FloorMap(power, shift, 1)

    def _varies(self, held: Value) -> bool:
        return self._mentions(held, self.index)

    def _until(self, term: Value, times: Value) -> Value:
        """Return the sum of a term over the passes before *times*, which may be the index itself."""
        return sum_over(bind(term, {self.index: symbol(EARLIER)}), EARLIER, 0, times - 1)

    def _channels_at(self, at: Value) -> Value:
        """Return the channels that arrive at pass *at*, counted from 0, and at pass n the channels that leave.

        For passes that do not keep what arrives, from the first one on.
        """
        out = self.one.channels
        if not self._mentions(out, CHANNELS):
            return bind(out, {self.index: at - 1})
        slope, rest = divide(out, symbol(CHANNELS))
        if self._mentions(slope, CHANNELS, self.index) or self._mentions(rest, CHANNELS):
            self._refuse(f"the channels {out} after a pass are not linear in those that arrive")
        if slope == 1:
            return self.shape.channels + self._until(rest, at)
        if not isinstance(slope, int) or self._varies(rest):
            self._refuse(f"the channels {out} after a pass have no closed power")
        grown = power_of(slope, at)
        return grown * self.shape.channels + rest * ratio(grown - 1, slope - 1)

    def _sizes_at(self, at: Value) -> dict[str, Value]:
        """Return the sizes that arrive at a pass."""
        if at == 0:
            return dict(zip(self.sizes, self.shape.sizes, strict=True))
        powers = (self._power(each, at, forward=True) for each in self.one.maps)
        return {name: power(size) for name, power, size in zip(self.sizes, powers, self.shape.sizes, strict=True)}

    def _needs(self) -> tuple[tuple[Value, ...], ...]:
        """Return the sizes that the first and the last pass need; all between follow, sizes being monotone."""
        found: list[list[Value]] = [[] for _ in self.sizes]
        for each in self.one.conditions:
            axis = self._axis(each)
            if axis is not None:
                last = self._power(self.one.maps[axis], self.times - 1, forward=True)
                found[axis] += [self._at(each.right, 0), last.least_input(self._at(each.right, self.times - 1))]
        return tuple(map(tuple, found))

    def _axis(self, condition: Condition) -> int | None:
        """Return the axis whose arriving size a condition bounds from below; None for other conditions."""
        name = str(condition.left)
        simple = condition.modulus is None and condition.relation == ">=" and name in self.sizes
        return self.sizes.index(name) if simple and not self._mentions(condition.right, *self.sizes) else None

    def _at(self, held: Value, at: Value) -> Value:
        """Return a value as it is in one pass."""
        return bind(bind(held, {CHANNELS: self._arriving(at), **self._sizes_at(at)}), {self.index: at})

    def _arriving(self, at: Value) -> Value:
        return self.shape.channels if at == 0 else self._channels_at(at)

    def _requirements(self) -> Iterator[Requirement]:
        """Yield the other conditions: of the first pass, which must be those of every later one that may fail."""
        for each in self.one.conditions:
            if self._axis(each) is not None:
                continue
            first, later = (self._condition_at(each, at) for at in (0, symbol(self.index)))
            if later.holds() is not True and later != first:
                self._refuse(f"{first} in the first pass and {later} in pass {self.index} are two conditions")
            if first.holds() is not True:
                yield Requirement(first, "does-not-fit", f"a pass of {self.layer.name} needs {first}")

    def _condition_at(self, condition: Condition, at: Value) -> Condition:
        """Return a condition as it is in one pass."""
        modulus = None if condition.modulus is None else self._at(condition.modulus, at)
        return Condition(self._at(condition.left, at), condition.relation, self._at(condition.right, at), modulus)

    def _mentions(self, held: Value, *names: str) -> bool:
        return isinstance(held, Formula) and not held.names.isdisjoint(names)
