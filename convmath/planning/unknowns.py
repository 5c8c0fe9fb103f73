"""Which stride, padding or kernel gives a wanted output: the inverse question for one symbol of the layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from convmath.errors import SpecError, UsageError
from convmath.formula import Formula, Value, bind, ratio, symbol
from convmath.formula.terms import ONE, terms_of
from convmath.planning.evidence import Trial, confirm
from convmath.report import Condition, InputReport, NetworkReport, Residues, Solution, Solved
from convmath.spec.graph import Network
from convmath.symbolic.compose import derive

FAR = 1 << 40
"""Beyond this no stride or kernel is meant: an answer that reaches it has no end."""
MOST_TRIED = 4096
MOST_FILTERED = 4096
EXAMPLES = 4


def solve_unknowns(network: Network, part: Network, layer: str, wanted: tuple[int, ...] | str) -> Solved:
    """Return the values of the layers' symbols that give an output, whatever sizes of the input are symbols.

    One symbol has an interval, as long as the size only grows or only falls with it; of
    others all values up to a limit are tried, and that is said. With several symbols the
    equation is the answer.
    """
    report = derive(part)
    sizes = report.totals.output_shape[1:]
    targets = tuple(part.inputs[0].sizes) if isinstance(wanted, str) else wanted
    if len(targets) != len(sizes):
        raise UsageError(f"{layer} has {len(sizes)} spatial axes, but the input has {len(targets)}")
    pairs: list[tuple[Value, Value]] = list(dict.fromkeys(zip(sizes, targets, strict=True)))
    if any(isinstance(target, Formula) for _, target in pairs):
        pairs = list(dict.fromkeys((size - target, 0) for size, target in pairs))
    names = sorted(frozenset().union(*(size.names for size, _ in pairs if isinstance(size, Formula))))
    if len(names) == 1:
        solutions: tuple[Solution, ...] = (_one(part, report, names[0], pairs),)
        evidence = confirm(part, [Trial(each, layer, targets) for each in solutions])
    else:
        equations = tuple(dict.fromkeys(_equation(size, target, names) for size, target in pairs if size != target))
        every = Residues(1, ((0, 0),))
        shown = [", ".join(names)] if names else []
        solutions = tuple(Solution(name, None, None, None, every, None, None, (), equations) for name in shown)
        evidence = ()
    return Solved(
        network=network.name,
        inputs=tuple(InputReport(each.name, each.shape) for each in network.inputs),
        layer=layer,
        wanted=wanted,
        solutions=solutions,
        joins=report.joins,
        evidence=evidence,
    )


def _equation(size: Value, target: Value, names: Sequence[str]) -> str:
    """Return ``size == target``, solved for a symbol where it is linear: ``k == 2*p + 1``."""
    difference = size - target
    terms = terms_of(difference)
    for name in names:
        [monomial] = terms_of(symbol(name))
        factor = terms.get(monomial)
        alone = sum(name in atom.names for part in terms for atom, _ in part) == 1
        if factor is not None and alone and abs(factor) == 1:
            return f"{name} == {ratio(symbol(name) * factor - difference, factor)}"
    return f"{size} == {target}"


def _one(network: Network, report: NetworkReport, name: str, pairs: list[tuple[Value, Value]]) -> Solution:
    info = next(each for each in network.symbols if each.name == name)
    low, high = info.minimum, info.maximum if info.maximum is not None else FAR
    unsolved: list[str] = []
    for size, target in pairs:
        way = direction(size, name)
        if way is None:
            unsolved.append(f"{size} == {target} (beyond {MOST_TRIED}, up to which every {name} was tried)")
            high = min(high, low + MOST_TRIED)
        else:
            low, high = _interval(size, target, name, way, low, high)
    intervals = tuple(_legal(name, low, high, report.totals.valid_when, pairs))
    least = intervals[0][0] if intervals else None
    output = next((size for size, _ in pairs if isinstance(size, Formula)), None)
    some = [each for first, last in intervals for each in range(first, min(last, first + EXAMPLES) + 1)][:EXAMPLES]
    examples = tuple((each, _number(bind(output or 0, {name: each}))) for each in some)
    if intervals and intervals[-1][1] >= FAR:
        residues, greatest = Residues(1, ((0, 0),)), None
    else:
        residues, greatest = Residues(0, intervals), intervals[-1][1] if intervals else None
    values = tuple(each for first, last in intervals for each in range(first, last + 1)) if len(intervals) > 1 else None
    return Solution(name, None, least, greatest, residues, values, output, examples, tuple(unsolved))


def _legal(
    name: str, low: int, high: int, conditions: Sequence[Condition], pairs: list[tuple[Value, Value]]
) -> Iterator[tuple[int, int]]:
    """Yield the runs of values between two bounds that meet all conditions; a long interval is told by its ends."""

    def holds(value: int) -> bool:
        try:
            legal = all(each.bind({name: value}).holds() is not False for each in conditions)
            return legal and all(bind(size, {name: value}) == target for size, target in pairs)
        except (ZeroDivisionError, SpecError):
            return False

    if high - low >= MOST_FILTERED:
        if holds(low) and holds(high):
            yield low, high
        return
    begin = None
    for value in range(low, high + 2):
        if value <= high and holds(value):
            begin = value if begin is None else begin
        elif begin is not None:
            yield begin, value - 1
            begin = None


def _interval(size: Value, target: Value, name: str, way: int, low: int, high: int) -> tuple[int, int]:
    """Return the first and last value between *low* and *high* at which a monotone size is *target*."""

    def ahead(value: int) -> Value:
        return (bind(size, {name: value}) - target) * (way or 1)

    if way == 0:
        return (low, high) if ahead(low) == 0 else (1, 0)
    first = _first(lambda value: ahead(value) >= 0, low, high)  # type: ignore[operator]
    if ahead(first) != 0:
        return 1, 0
    if ahead(high) == 0:
        return first, high
    return first, _first(lambda value: ahead(value) > 0, first, high) - 1  # type: ignore[operator]


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the first value from *low* on for which a property holds that stays once it does; *high* where none."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def direction(value: Value, name: str) -> int | None:
    """Return 1 where a size never falls as a symbol grows, -1 where it never rises, 0 for neither; None if unknown."""
    found = 0
    for monomial, coefficient in terms_of(value).items():
        if monomial == ONE:
            continue
        moving = [(atom, exponent) for atom, exponent in monomial if name in atom.names]
        if not moving:
            continue
        if len(monomial) != 1 or moving[0][1] != 1:
            return None
        way = _direction_of(moving[0][0], name)
        if way is None:
            return None
        way *= 1 if coefficient > 0 else -1
        if found and way and found != way:
            return None
        found = found or way
    return found


def _direction_of(atom: object, name: str) -> int | None:
    from convmath.formula import atoms

    match atom:
        case atoms.Symbol():
            return 1
        case atoms.Floor():
            top, bottom = atom.arguments
            above, below = direction(top, name), direction(bottom, name)
            if below == 0:
                return above
            if above == 0 and isinstance(top, int | Fraction) and below is not None:
                return -below if top >= 0 else below
            return None
        case atoms.Max() | atoms.Min():
            ways = {direction(each, name) for each in atom.arguments} - {0}
            return None if None in ways or len(ways) > 1 else next(iter(ways), 0)
        case _:
            return None


def _number(value: Value) -> int | None:
    return value if isinstance(value, int) else None
