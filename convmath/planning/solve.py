"""Which sizes of the input a network accepts, and which give a wanted output: solved, then confirmed by execution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from convmath.algebra import FloorMap, Word
from convmath.errors import UsageError, inert
from convmath.formula import Formula, Value, bind, symbol
from convmath.planning.evidence import Trial, confirm
from convmath.planning.unknowns import solve_unknowns
from convmath.report import InputReport, NetworkReport, Residues, Solution, Solved
from convmath.spec.graph import AXES, Input, Network, SymbolInfo
from convmath.symbolic.compose import Walk, derive
from convmath.symbolic.constraints import Side, over_symbol
from convmath.symbolic.equations import solve as solve_words
from convmath.symbolic.sizes import EVERY, Sizes
from convmath.symbolic.trace import Trace

SAME = "same"
MOST_DIGITS = 18
EXAMPLES = 4
MOST_VALUES = 1000
MOST_RESIDUES = 1000


def solve(network: Network, output: Sequence[int] | int | str | None = None, layer: str | None = None) -> Solved:
    """Return the valid values of every size symbol of the input; with *output* those that give it at *layer*.

    *output* is one size for all axes, one per axis, either as text: ``7x7``, or ``same``:
    as large as the input.
    A size that is a number becomes a symbol, unless the network has other symbols: then
    it is these that are asked for.

    Raises ``UsageError`` for a layer that does not exist or has no spatial size, and for
    an output with another number of axes.
    """
    part = network if layer is None else network.up_to(layer)
    name = part.nodes[part.outputs[-1]].name
    if output is not None and _asks_for_layers(network, part):
        return solve_unknowns(network, part, name, _wanted(part, output))
    return _sizes(_freed(network), _freed(part), name, output)


def _asks_for_layers(network: Network, part: Network) -> bool:
    """Tell whether the size of the output depends on symbols of the layers, such as strides."""
    sizes = derive(part).totals.output_shape[1:]
    names: frozenset[str] = frozenset().union(*(each.names for each in sizes if isinstance(each, Formula)))
    return bool(names - set(_spatial(network)))


def _spatial(network: Network) -> list[str]:
    """Return the symbols in the sizes of the inputs, in order."""
    sizes = (size for each in network.inputs for size in each.sizes)
    return list(dict.fromkeys(name for size in sizes if isinstance(size, Formula) for name in sorted(size.names)))


def _freed(network: Network) -> Network:
    """Return the network with a symbol for every size that is a number, named after its axis."""
    taken = {each.name for each in network.symbols}
    added: dict[str, SymbolInfo] = {}
    inputs: list[Input] = []
    for source in network.inputs:
        names = AXES.get(len(source.sizes)) or tuple(f"size{at}" for at in range(len(source.sizes)))
        shape = list(source.shape)
        for at, (name, size) in enumerate(zip(names, source.sizes, strict=True), 1):
            if isinstance(size, int) and name not in taken:
                known = added.setdefault(name, SymbolInfo(name, default=size))
                shape[at] = symbol(name) if known.default == size else size
        inputs.append(replace(source, shape=tuple(shape)))
    return replace(network, inputs=tuple(inputs), symbols=(*network.symbols, *added.values()))


def _wanted(part: Network, output: Sequence[int] | int | str) -> tuple[int, ...] | str:
    rank = len(derive(part).totals.output_shape) - 1
    if output == SAME:
        return SAME
    sizes = _read(output) if isinstance(output, str) else output
    wanted = (sizes,) * rank if isinstance(sizes, int) else tuple(map(int, sizes))
    if len(wanted) == 1:
        wanted *= max(rank, 1)
    if len(wanted) != rank:
        shown = "x".join(map(str, wanted))
        raise UsageError(
            f"the output {shown} has {len(wanted)} sizes, but the layer has {rank} spatial axes; name one with --layer"
        )
    return wanted


def _read(text: str) -> tuple[int, ...]:
    """Read sizes as they are written: ``7x7``."""
    parts = [part.strip() for part in text.replace("×", "x").split("x")]
    if not all(part.isascii() and part.isdigit() and len(part) <= MOST_DIGITS for part in parts):
        raise UsageError(f"the output {inert(text)} is no size: write sizes as in 7x7, or '{SAME}'")
    return tuple(map(int, parts))


def _sizes(network: Network, part: Network, name: str, output: Sequence[int] | int | str | None) -> Solved:
    walk, target = Walk(network), Walk(part)
    walk.conditions()
    target.conditions()
    report = derive(network)
    trace = target.traces[len(part.inputs) + part.outputs[-1]]
    wanted = None if output is None else _wanted(part, output)
    solutions = tuple(_solutions(network, report, walk, trace, name, wanted))
    targets = trace.origin if isinstance(wanted, str) else wanted
    evidence = confirm(network, [Trial(each, name, targets) for each in solutions])
    return Solved(
        network=network.name,
        inputs=tuple(InputReport(each.name, each.shape) for each in network.inputs),
        layer=name,
        wanted=wanted,
        solutions=solutions,
        joins=tuple(walk.constraints.joins),
        evidence=evidence,
        notes=tuple(_notes(network, solutions)),
    )


def _solutions(
    network: Network, report: NetworkReport, walk: Walk, trace: Trace, name: str, wanted: tuple[int, ...] | str | None
) -> Iterator[Solution]:
    for size in _spatial(network):
        axes = [
            axis for axis, origin in enumerate(trace.origin) if isinstance(origin, Formula) and size in origin.names
        ]
        output = _output(report, name, axes)
        sets, unsolved = list(walk.constraints.sizes(size)), []
        low, high = walk.constraints.lowest(size), _highest(network, size)
        if wanted is not None:
            for axis in axes if trace.shape.sizes else []:
                found = _giving(trace, axis, wanted)
                if found is None:
                    unsolved.append(
                        f"{trace.shape.sizes[axis]} == {wanted if isinstance(wanted, str) else wanted[axis]}"
                    )
                else:
                    sets.append(found)
        unsolved += _conditions(report, size)
        joins = (each for each in report.joins if each.solution is None and size in _names(each.left, each.right))
        unsolved += [f"{each.left} == {each.right}" for each in joins]
        first = axes[0] if axes else None
        needing = walk.constraints.needing(size)
        solution = _solution(size, first, sets, (low, high), output, unsolved)
        narrowed = solution.minimum is not None and _first(sets, _lowest(network, size)) != solution.minimum
        yield replace(solution, least_layer=needing if wanted is None and narrowed else "")


def _lowest(network: Network, size: str) -> int:
    return next((each.minimum for each in network.symbols if each.name == size), 1)


def _first(sets: list[Sizes], low: int) -> int | None:
    """Return the least member of the first set from *low* on: the least size but for the windows."""
    return sets[0].least(low) if sets else low


def _conditions(report: NetworkReport, symbol: str) -> Iterator[str]:
    """Yield the conditions that tie a size to other symbols, and those that no class or bound says."""
    for each in report.totals.valid_when:
        names = _names(each.left, each.right, each.modulus or 0)
        tied = len(names) > 1 or str(each.left) != symbol
        said = each.modulus is not None and any(join.symbol == symbol for join in report.joins)
        if symbol in names and tied and not said and each.relation != "==":
            yield str(each)


def _names(*values: Value) -> frozenset[str]:
    return frozenset().union(*(each.names for each in values if isinstance(each, Formula)))


def _highest(network: Network, symbol: str) -> int | None:
    return next(each.maximum for each in network.symbols if each.name == symbol)


def _output(report: NetworkReport, name: str, axes: list[int]) -> Value | None:
    shape = report.layer(name).output_shape[1:]
    return shape[axes[0]] if axes and axes[0] < len(shape) else None


def _giving(trace: Trace, axis: int, wanted: tuple[int, ...] | str) -> Sizes | None:
    """Return which values give a wanted size along an axis; None where the size is no word of a symbol."""
    _, word = over_symbol(Side(trace.origin[axis], trace.sizes[axis], trace.shape.sizes[axis]))
    if isinstance(wanted, str):
        _, other = over_symbol(Side(trace.origin[axis], Word(), trace.origin[axis]))
    else:
        other = Word((FloorMap(0, wanted[axis], 1),))
    return None if word is None or other is None else solve_words(word, other)


def _solution(
    symbol: str,
    axis: int | None,
    sets: list[Sizes],
    bounds: tuple[int, int | None],
    output: Value | None,
    unsolved: list[str],
) -> Solution:
    low, high = bounds
    least: int | None
    found: Sizes | None = EVERY
    for each in sets:
        found = found.meet(each) if found is not None else None
    if found is None:
        unsolved.append(f"{symbol} in several classes at once, which are too many to unite")
        found = sets[0]
    if not found.modulus or high is not None:
        found = found.between(low, high)
    least = found.least(low)
    greatest = None if found.modulus else (found.intervals[-1][1] if found.intervals else None)
    values = None
    if not found.modulus and len(found.intervals) > 1:
        values = tuple(islice(found.members(low), MOST_VALUES))
    first = tuple(islice(found.members(low), EXAMPLES)) if least is not None else ()
    # what was not solved may rule out any of them
    examples = () if unsolved else tuple((each, _at(output, symbol, each)) for each in first)
    stated = Residues(found.modulus, found.intervals[:MOST_RESIDUES])
    return Solution(symbol, axis, least, greatest, stated, values, output, examples, tuple(unsolved))


def _at(output: Value | None, symbol: str, value: int) -> int | None:
    found = None if output is None else bind(output, {symbol: value})
    return found if isinstance(found, int) else None


def _notes(network: Network, solutions: tuple[Solution, ...]) -> Iterator[str]:
    """Yield what is known of the default, and the sizes next to a round one that is not valid."""
    for known in network.symbols:
        solution = next((each for each in solutions if each.symbol == known.name), None)
        if solution is None or known.default is None or solution.output is None or solution.residues.modulus < 2:
            continue
        sizes = Sizes(solution.residues.intervals, solution.residues.modulus)
        lines = [_gives(solution, known.default)] if known.default in sizes else []
        told = [known.default, solution.output and _at(solution.output, known.name, known.default)]
        where = "Published" if told in network.about.get("sizes", ()) else "Default"
        published = f"{where}: {lines[0]}." if lines else ""
        round_one = 1 << known.default.bit_length() - 1
        around = [sizes.greatest(round_one), sizes.least(round_one)]
        near = [each for each in around if each is not None and each >= (solution.minimum or 1)]
        if round_one not in sizes and near:
            published += f" Nearest to {round_one}: {', '.join(_gives(solution, each) for each in near)}."
        if published:
            yield published.strip()
        return


def _gives(solution: Solution, value: int) -> str:
    return f"{value} gives {_at(solution.output, solution.symbol, value)}"
