"""Confirms solutions by execution: at both ends of an answer, and just outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from convmath.errors import CheckFailed, SpecError
from convmath.formula import Formula, Value, bind
from convmath.numeric.measure import measure_costs
from convmath.report import Solution
from convmath.spec.graph import Network, inside
from convmath.symbolic.sizes import Sizes

FURTHER = 64
"""How many members further on an answer without end is tried."""


MOST_TRIED = 32
"""So many sizes are tried for one that runs, where conditions were only stated."""
ROOMY = 64
"""What a size is taken to be that the question is not about."""


class Trial(NamedTuple):
    """An answer, and what the executor must see: the wanted output at a layer, or a network that runs."""

    solution: Solution
    layer: str
    wanted: tuple[Value, ...] | None


def confirm(network: Network, trials: Sequence[Trial]) -> tuple[str, ...]:
    """Execute at the ends of every answer and just outside; Return what was seen, as text.

    Raises ``CheckFailed`` where the executor disagrees.
    """
    base = _base(network, trials)
    if base is not None and any(trial.solution.unsolved for trial in trials):
        base = _running(network, base, [trial for trial in trials if trial.solution.unsolved])
    return () if base is None else tuple(_confirmed(network, base, each) for each in trials)


def _running(network: Network, base: dict[str, int], unsolved: Sequence[Trial]) -> dict[str, int] | None:
    """Return *base* with values at which the network runs for symbols that were not solved for; None for none near."""
    for further in range(MOST_TRIED):
        found = base | {each.solution.symbol: base[each.solution.symbol] + further for each in unsolved}
        if observe(network, found, unsolved[0].layer) is not None:
            return found
    return None


def _base(network: Network, trials: Sequence[Trial]) -> dict[str, int] | None:
    """Return a valid value of every symbol: the least that solves, or the default, or the least there is."""
    sizes = {str(size) for each in network.inputs for size in each.sizes if isinstance(size, Formula)}
    found = {
        each.name: each.default or max(each.minimum, ROOMY if each.name in sizes else 1) for each in network.symbols
    }
    for trial in trials:
        if trial.solution.minimum is None:
            return None
        found[trial.solution.symbol] = trial.solution.minimum
    return found


def _confirmed(network: Network, base: Mapping[str, int], trial: Trial) -> str:
    solution = trial.solution
    seen: list[str] = []
    if solution.unsolved:
        return ""
    for value, solved in _points(network, solution):
        output = observe(network, {**base, solution.symbol: value}, trial.layer)
        answers = output is not None and _as_wanted(trial, output, {**base, solution.symbol: value})
        if answers != solved:
            stated = "valid" if solved else "invalid"
            raise CheckFailed(f"{solution.symbol} = {value}: solved as {stated}, but execution {_told(output)}")
        shown = "is refused" if output is None else _shown(output, solution.axis)
        seen.append(f"{value} {shown}")
    return f"{solution.symbol}: {', '.join(seen)}"


def _points(network: Network, solution: Solution) -> Iterator[tuple[int, bool]]:
    """Yield the ends of an answer and the values next to them, with whether each is part of it."""
    sizes = Sizes(solution.residues.intervals, solution.residues.modulus)
    least, greatest = solution.minimum, solution.maximum
    if least is None:
        return
    info = next(each for each in network.symbols if each.name == solution.symbol)
    last = greatest if greatest is not None else next(iter(sizes.members(least + FURTHER)), least)
    points = {least: True, last: True}
    before, previous = least - 1, sizes.greatest(least - 1)
    for outside in (before, previous, least + 1, last + 1):
        if outside is None or outside < info.minimum or (info.maximum is not None and outside > info.maximum):
            continue
        inside = outside in sizes and outside >= least and (greatest is None or outside <= greatest)
        points.setdefault(outside, inside)
    yield from sorted(points.items())


def observe(network: Network, values: Mapping[str, int], layer: str) -> tuple[int, ...] | None:
    """Return the spatial sizes of a layer's output as the executor makes it; None where it refuses the network."""
    try:
        costs = measure_costs(network.bind(values))
    except SpecError:
        return None
    made = [each for each in costs.layers if each.name == layer or inside(each.name, layer)]
    return made[-1].output_shape[1:]  # the last pass of a repeat, the last layer of a block


def _as_wanted(trial: Trial, output: tuple[int, ...], values: Mapping[str, int]) -> bool:
    if trial.wanted is None:
        return True
    wanted = tuple(bind(each, values) for each in trial.wanted)
    at = trial.solution.axis
    return output == wanted if at is None or at >= len(output) else bool(output[at] == wanted[at])


def _shown(output: tuple[int, ...], axis: int | None) -> str:
    if not output:
        return "runs"
    found = (output[axis],) if axis is not None and axis < len(output) else tuple(dict.fromkeys(output))
    return f"gives {' × '.join(map(str, found))}"


def _told(output: tuple[int, ...] | None) -> str:
    return "refuses it" if output is None else f"gives {' × '.join(map(str, output))}"
