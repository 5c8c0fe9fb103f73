"""Where the smallest counterexample is sought: by the sum of all symbols, then in order; after that at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, islice
from random import Random

from convmath.formula import Formula, Value
from convmath.report import Condition
from convmath.spec.graph import SymbolInfo
from convmath.verification.proof.evaluation import function_of
from convmath.verification.proof.region import Region

Values = dict[str, int]
MOST_TRIED = 20_000
"""How many assignments are tried in order, admissible or not."""
LEAST_ORDERED, MOST_ORDERED = 50, 2_000
"""How many admissible assignments are tried in order: fewer where a formula is long."""
DRAWN = 4_000
"""How many assignments are drawn at random, admissible or not."""
MOST_RANDOM = 500
SPREADS = (3, 12, 100, 1000)


class Search:
    """The admissible integers of a claim, the least first.

    Symbols that no formula mentions, and no condition ties to one that is mentioned, keep
    the least values that are admissible: they change nothing but the sum.
    """

    def __init__(self, region: Region, formulas: tuple[Value, ...], *, seed: int = 0) -> None:
        region = region.narrowed()
        mentioned = frozenset().union(*map(_names, formulas))
        self.open = tied(mentioned, region.conditions)
        self.idle = _least(_part(region, frozenset(each.name for each in region.symbols) - self.open))
        self.region = region
        self.relevant = _part(region, self.open)
        self.seed = seed

    def ordered(self, most: int = MOST_TRIED) -> Iterator[Values]:
        """Yield admissible assignments by their sum, then in the order of the symbols; *most* are tried."""
        if self.idle is None:
            return
        for values in islice(_shells(self.relevant.symbols), most):
            if self.relevant.admits(values):
                yield self._complete(values)

    def drawn(self) -> Iterator[Values]:
        """Yield admissible assignments at random, small and large ones."""
        random = Random(self.seed)
        known = {name: function_of(held) for name, held in next(self.relevant.parametrizations()).items()}
        parameters = [each.name for each in self.relevant.seen_from(next(self.relevant.parametrizations())).symbols]
        for at in range(DRAWN if self.idle is not None else 0):
            spread = random.choice(SPREADS)
            if at % 2:  # through the parameters, for conditions that few integers meet
                drawn = {name: random.randrange(spread) for name in parameters}
                values = {name: int(find(drawn)) for name, find in known.items()}
            else:
                values = {each.name: _number(random, each, spread) for each in self.relevant.symbols}
            if self.relevant.admits(values):
                yield self._complete(values)

    def nearest(self, found: Values, wrong: Callable[[Values], bool]) -> Values:
        """Return a counterexample below *found*, lowered symbol by symbol as far as that goes."""
        best = dict(found)
        for symbol in self.region.symbols:
            step = best[symbol.name] - symbol.minimum
            while step:
                lower = best | {symbol.name: max(symbol.minimum, best[symbol.name] - step)}
                if lower != best and self.region.admits(lower) and wrong(lower):
                    best = lower
                else:
                    step //= 2
        return best

    def _complete(self, values: Values) -> Values:
        every = (self.idle or {}) | values
        return {each.name: every[each.name] for each in self.region.symbols}


def tied(names: frozenset[str], conditions: tuple[Condition, ...]) -> frozenset[str]:
    """Return the names, and all that conditions tie to them."""
    groups = [_names(each.left) | _names(each.right) | _names(each.modulus or 0) for each in conditions]
    while more := [group for group in groups if group & names and not group <= names]:
        names = names.union(*more)
    return names


def _part(region: Region, names: frozenset[str]) -> Region:
    symbols = tuple(each for each in region.symbols if each.name in names)
    kept = tuple(
        each
        for each in region.conditions
        if not (used := _names(each.left) | _names(each.right) | _names(each.modulus or 0)) or used <= names
    )
    return replace(region, symbols=symbols, conditions=kept)


def _least(region: Region) -> Values | None:
    """Return the least admissible assignment, symbols without a common condition apart; None where none is found."""
    found: Values = {}
    for each in region.symbols:
        if each.name in found:
            continue
        part = _part(region, tied(frozenset((each.name,)), region.conditions))
        first = next((values for values in islice(_shells(part.symbols), MOST_TRIED) if part.admits(values)), None)
        if first is None:
            return None
        found |= first
    return found


def _shells(symbols: tuple[SymbolInfo, ...]) -> Iterator[Values]:
    if not symbols:
        yield {}
        return
    rooms = [None if each.maximum is None else each.maximum - each.minimum for each in symbols]
    for total in count():
        if None not in rooms and total > sum(room or 0 for room in rooms):
            return
        for shares in _shares(total, rooms):
            yield {each.name: each.minimum + share for each, share in zip(symbols, shares, strict=True)}


def _shares(total: int, rooms: list[int | None]) -> Iterator[tuple[int, ...]]:
    """Yield all ways to share a total out, none more than its room, in lexicographic order."""
    first, *others = rooms
    if not others:
        if first is None or total <= first:
            yield (total,)
        return
    for share in range((total if first is None else min(total, first)) + 1):
        for rest in _shares(total - share, others):
            yield (share, *rest)


def _number(random: Random, symbol: SymbolInfo, spread: int) -> int:
    number = symbol.minimum + random.randrange(spread)
    return number if symbol.maximum is None else min(number, symbol.maximum)


def _names(value: Value) -> frozenset[str]:
    return value.names if isinstance(value, Formula) else frozenset()
