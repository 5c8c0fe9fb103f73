"""Networks, or variants of one, side by side: totals, their ratios in closed form, and where one overtakes another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convmath.formula import Formula, Value, surely_nonnegative, symbol
from convmath.formula.division import content
from convmath.formula.terms import ONE, terms_of, value
from convmath.report import Analysis, Comparison, ComparisonRow, Overtaking
from convmath.symbolic.quotient import quotient

QUANTITIES = ("params", "buffers", "macs", "flops", "activations", "peak_activations")


def compare(names: Sequence[str], analyses: Sequence[Analysis]) -> Comparison:
    """Return the totals of several networks with their ratios to the first, in symbols and at the defaults.

    Symbols of one name are taken for the same symbol.
    """
    rows = []
    for quantity in QUANTITIES:
        values = tuple(getattr(each.report.totals, quantity) for each in analyses)
        numbers = tuple(None if each.at is None else getattr(each.at.totals, quantity) for each in analyses)
        if any(each != 0 for each in values):
            rows.append(ComparisonRow(quantity, values, _ratios(values), numbers, _ratios(numbers)))
    least = _least(analyses)
    overtaking = tuple(found for row in rows for found in _overtaking(row, least))
    return Comparison(tuple(names), tuple(analyses), tuple(rows), overtaking)


def _ratios(values: Sequence[Value | None]) -> tuple[Value | None, ...]:
    first = values[0]
    if first is None or first == 0:
        return (None,) * len(values)
    return tuple(None if each is None else quotient(each, first) for each in values)


def _least(analyses: Sequence[Analysis]) -> dict[str, Value]:
    """Return the least value of every symbol for which all networks are valid, as far as it is a number."""
    least: dict[str, Value] = {}
    for each in analyses:
        for info in each.report.symbols:
            least[info.name] = max(info.minimum, _number(least.get(info.name, 0)))
        for condition in each.report.totals.valid_when:
            name = str(condition.left)
            if name in least and condition.relation == ">=" and isinstance(condition.right, int):
                least[name] = max(_number(least[name]), condition.right)
    return least


def _number(held: Value) -> int:
    return held if isinstance(held, int) else 0


def _overtaking(row: ComparisonRow, least: Mapping[str, Value]) -> Iterator[Overtaking]:
    """Yield for every symbol that the difference is linear in, from where on which network has less."""
    first = row.values[0]
    for at, other in enumerate(row.values[1:], 1):
        if first is None or other is None:
            continue
        difference = _primitive(first - other)
        if not isinstance(difference, Formula):
            continue
        for name in sorted(difference.names):
            line = _line(difference, name)
            if line is None:
                continue
            slope, rest = line
            if slope != 0 and surely_nonnegative(slope, least):
                yield Overtaking(row.quantity, at, 0, name, slope, quotient(-rest, slope))
            elif slope != 0 and surely_nonnegative(-slope, least):
                yield Overtaking(row.quantity, 0, at, name, -slope, quotient(rest, -slope))


def _primitive(difference: Value) -> Value:
    """Return a difference without the positive factors of all its terms: they do not change its sign."""
    if not isinstance(difference, Formula) or any(power < 0 for term in difference.terms for _, power in term):
        return difference
    if any(coefficient.denominator != 1 for coefficient in difference.terms.values()):
        return difference
    number, monomial = content((difference,))
    return quotient(difference, value({monomial: number}))


def _line(difference: Formula, name: str) -> tuple[Value, Value] | None:
    """Return ``(a, b)`` where the difference is ``a*symbol + b`` and the symbol stands nowhere else; else None."""
    [unknown] = symbol(name).terms
    [(atom, _)] = unknown
    slope: dict[object, object] = {}
    rest: dict[object, object] = {}
    for monomial, coefficient in terms_of(difference).items():
        powers = dict(monomial)
        power = powers.pop(atom, 0)
        if power not in (0, 1) or any(name in each.names for each in powers):
            return None
        (slope if power else rest)[tuple(powers.items()) or ONE] = coefficient
    return value(slope), value(rest)  # type: ignore[arg-type]
