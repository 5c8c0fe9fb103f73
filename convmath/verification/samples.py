"""Which values the symbols of a network take: defaults, least legal sizes, both parities, then random ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from random import Random

from convmath.errors import SpecError
from convmath.formula import Formula, Value, bind
from convmath.report import Condition, NetworkReport
from convmath.spec.graph import Network

Values = dict[str, int]
MOST_TRIES = 4000
SMALL = 4
"""Hyper-parameters are drawn among this many values from their least one on."""
SPREAD = 24
"""Sizes are drawn among this many values from their least one on."""


def draw(network: Network, report: NetworkReport, wanted: int, seed: int) -> list[Values]:
    """Return at most *wanted* different assignments of all symbols that meet every condition.

    The defaults come first, then the least legal sizes, one more on every axis, and one
    more on each alone; the rest is drawn from *seed*.
    """
    if not network.symbols:
        return [{}]
    found: dict[tuple[int, ...], Values] = {}
    for values in _candidates(network, report, Random(seed)):
        key = tuple(values.values())
        if key not in found and legal(network, report, values):
            found[key] = values
        if len(found) >= wanted:
            break
    return list(found.values())


def _candidates(network: Network, report: NetworkReport, random: Random) -> Iterator[Values]:
    names = [each.name for each in network.symbols]
    if network.defaults is not None:
        yield dict(network.defaults)
    lowest = {each.name: each.minimum for each in network.symbols}
    base = settled(network, report, lowest)
    yield base
    yield settled(network, report, {name: value + 1 for name, value in base.items()})
    for name in names:
        yield settled(network, report, base | {name: base[name] + 1})
    sizes = spatial(network)
    for _ in range(MOST_TRIES):
        spreads = {each.name: _spread(random, size=each.name in sizes) for each in network.symbols}
        drawn = {each.name: each.minimum + random.randrange(spreads[each.name]) for each in network.symbols}
        if network.defaults is not None and random.random() < 0.5:
            drawn |= {name: value for name, value in network.defaults.items() if name not in sizes}
        settled_values = settled(network, report, drawn)
        yield settled_values
        further = {name: value + random.randrange(SPREAD) for name, value in settled_values.items() if name in sizes}
        yield settled(network, report, settled_values | further)


def _spread(random: Random, *, size: bool) -> int:
    """Return among how many values a symbol is drawn: few for hyper-parameters, at times many for any."""
    if size:
        return SPREAD if random.random() < 0.7 else SMALL
    return SPREAD if random.random() < 0.15 else SMALL


def spatial(network: Network) -> frozenset[str]:
    """Return the symbols that stand for sizes of the input; the length of a vector is one."""
    sizes = (size for source in network.inputs for size in (source.sizes or source.shape))
    return frozenset().union(*(size.names for size in sizes if isinstance(size, Formula)))


def settled(network: Network, report: NetworkReport, values: Values) -> Values:
    """Return values raised, one condition after the other, until the simple conditions hold."""
    highest = {each.name: each.maximum for each in network.symbols}
    raised = dict(values)
    for _ in range(3):
        for condition in report.totals.valid_when:
            _step_into(condition, raised)
            name = str(condition.left)
            right, modulus = bind(condition.right, raised), bind(condition.modulus or 0, raised)
            if name not in raised or not isinstance(right, int) or not isinstance(modulus, int):
                continue
            if condition.relation == ">=":
                raised[name] = max(raised[name], right)
            elif condition.relation == "<=":
                raised[name] = min(raised[name], right)
            elif condition.relation == "==" and modulus > 0 and right == 0:
                raised[name] = -(-raised[name] // modulus) * modulus
            elif condition.relation == "==" and condition.modulus is None:
                raised[name] = right
    return {name: min(value, highest[name] or value) for name, value in raised.items()}


def _step_into(condition: Condition, raised: Values) -> None:
    """Raise the one symbol of a residue class, such as ``(H - 12) % 16 == 0``, to its next member."""
    names = condition.left.names & raised.keys() if isinstance(condition.left, Formula) else ()
    if len(names) != 1 or not isinstance(condition.modulus, int) or condition.modulus > MOST_TRIES:
        return
    [name] = names
    for step in range(condition.modulus):
        if condition.bind({**raised, name: raised[name] + step}).holds():
            raised[name] += step
            return


def legal(network: Network, report: NetworkReport, values: Mapping[str, int]) -> bool:
    """Tell whether the values are in range and meet every condition of the report."""
    for each in network.symbols:
        if values[each.name] < each.minimum or (each.maximum is not None and values[each.name] > each.maximum):
            return False
    try:
        return all(condition.bind(values).holds() for condition in report.totals.valid_when)
    except (ZeroDivisionError, SpecError):
        return False


def too_small(network: Network, report: NetworkReport, values: Values) -> Iterator[tuple[Condition, Values]]:
    """Yield, for every lower bound of a symbol, values just at that bound less one; they must be refused."""
    minima = {each.name: each.minimum for each in network.symbols}
    for condition in report.totals.valid_when:
        name = str(condition.left)
        if name not in values or condition.relation != ">=":
            continue
        bound: Value = bind(condition.right, values)
        if isinstance(bound, int) and bound - 1 >= minima[name]:
            yield condition, {**values, name: bound - 1}


def shells(network: Network, around: Mapping[str, int]) -> Iterator[Values]:
    """Yield assignments by the sum of the symbols, from the least on: where the smallest counterexample is sought.

    Symbols beyond the first four keep the values of *around*.
    """
    free = list(network.symbols)[:4]
    minima = [each.minimum for each in free]
    for total in count():
        for shares in _shares(total, len(free)):
            drawn = {each.name: low + share for each, low, share in zip(free, minima, shares, strict=True)}
            yield {**around, **drawn}


def _shares(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _shares(total - first, parts - 1):
            yield (first, *rest)
