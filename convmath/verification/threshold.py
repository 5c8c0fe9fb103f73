"""From where on a condition holds: how many layers it takes to see 1000 samples."""

from __future__ import annotations

from collections.abc import Mapping

from convmath.errors import CheckFailed, LimitError, UsageError, inert
from convmath.formula import Formula, Value, bind, surely_nonnegative, symbol
from convmath.numeric.measure import measure_costs
from convmath.report import RELATIONS, Analysis, Threshold
from convmath.spec.graph import Network
from convmath.symbolic.compose import derive
from convmath.verification.budgets import sides_of
from convmath.verification.compare import compare
from convmath.verification.fields import confront_fields
from convmath.verification.samples import settled, spatial
from convmath.verification.tally import Tally

MOST = 1 << 40
"""A condition that does not hold up to here is said not to hold."""
SCANNED = 4096
"""How many values are tried one by one where a side does not only grow."""
MOST_EXECUTED = 5_000
"""Networks of more layers are not executed to confirm an answer."""


def threshold(network: Network, analysis: Analysis, text: str) -> Threshold:
    """Return the least value of the one symbol that a condition depends on, from which on it holds.

    Symbols with a default take it; sizes of the input are of no matter to fields and
    parameters. The answer is confirmed by executing the network there and one below.

    Raises ``UsageError`` where the condition depends on no symbol or on several,
    ``CheckFailed`` where execution disagrees.
    """
    sides = sides_of(text, analysis.report, analysis, option="--where")
    names = sorted({name for left, _, right in sides for each in (left, right) for name in _names(each)})
    free = names if len(names) == 1 else [name for name in names if analysis.values.get(name) is None]
    fixed: dict[str, Value] = {
        each.name: each.default for each in network.symbols if each.default is not None and each.name not in free
    }
    if len(free) != 1:
        what = f"depends on {', '.join(free)}" if free else "depends on no symbol"
        raise UsageError(f"--where {inert(text)}: {what}; one symbol must be left open: give values with --set")
    [name] = free
    if name in spatial(network):
        raise UsageError(f"--where {inert(text)}: {name} is a size of the input; ask 'convmath solve' alone")
    bound = tuple((bind(left, fixed), relation, bind(right, fixed)) for left, relation, right in sides)
    info = next(each for each in network.symbols if each.name == name)
    least, proved = _least(bound, name, info.minimum, info.maximum)
    if least is not None and not _valid(analysis, {**fixed, name: least}):
        least = None  # the sizes that are given allow no such depth
    executed = () if least is None else _confirm(network, name, (least - 1, least), fixed, info.minimum)
    return Threshold(network.name, text, name, least, proved, _shown(bound, name, least, info.minimum), executed)


def _valid(analysis: Analysis, values: Mapping[str, Value]) -> bool:
    """Tell whether no condition of the network forbids the values; what other symbols decide is left open."""
    return all(each.bind(values).holds() is not False for each in analysis.report.totals.valid_when)


def _names(value: Value) -> frozenset[str]:
    return value.names if isinstance(value, Formula) else frozenset()


Sides = tuple[tuple[Value, str, Value], ...]


def _holds(sides: Sides, name: str, at: int) -> bool:
    return all(RELATIONS[relation](bind(left, {name: at}), bind(right, {name: at})) for left, relation, right in sides)


def _least(sides: Sides, name: str, low: int, high: int | None) -> tuple[int | None, bool]:
    """Return the least value for which all sides hold, and whether they hold from there on, by their growth."""
    if all(_grows(side, name, low) for side in sides):
        step, last = 1, low
        while not _holds(sides, name, last):
            if last >= (high or MOST):
                return None, True
            low, last, step = last + 1, min(last + step, high or MOST), 2 * step
        while low < last:
            middle = (low + last) // 2
            low, last = (low, middle) if _holds(sides, name, middle) else (middle + 1, last)
        return low, True
    end = min(low + SCANNED, high or low + SCANNED)
    return next((at for at in range(low, end + 1) if _holds(sides, name, at)), None), False


def _grows(side: tuple[Value, str, Value], name: str, low: int) -> bool:
    """Tell whether a comparison that holds goes on to hold when the symbol grows."""
    left, relation, right = side
    if relation not in (">", ">=", "<", "<="):
        return False
    margin = left - right if relation[0] == ">" else right - left
    return surely_nonnegative(bind(margin, {name: symbol(name) + 1}) - margin, {name: low})


def _shown(sides: Sides, name: str, least: int | None, low: int) -> tuple[tuple[int, Value, str, Value], ...]:
    """Return both sides at the answer and one below."""
    if least is None:
        return ()
    points = [at for at in (least - 1, least) if at >= low]
    return tuple(
        (at, bind(left, {name: at}), relation, bind(right, {name: at}))
        for at in points
        for left, relation, right in sides
    )


def _confirm(
    network: Network, name: str, points: tuple[int, ...], fixed: Mapping[str, Value], low: int
) -> tuple[int, ...]:
    """Execute the network at the points, and hold every formula against it; return where it was."""
    report = derive(network)
    done = []
    for at in points:
        values = {each.name: each.minimum for each in network.symbols}
        values |= {each: value for each, value in fixed.items() if isinstance(value, int)} | {name: at}
        if at < low or spatial(network) & {name}:
            continue
        values = settled(network, report, values) | {name: at}
        try:
            bound = network.bind(values)
        except LimitError:
            continue  # so many layers are not executed
        if len(bound.nodes) > MOST_EXECUTED:
            continue
        tally = Tally()
        compare(report, measure_costs(bound), values, tally)
        confront_fields(network, report, values, tally)
        if tally.refuted():
            raise CheckFailed(f"execution at {name} = {at} disagrees with the formulas; run 'convmath verify'")
        done.append(at)
    return tuple(done)
