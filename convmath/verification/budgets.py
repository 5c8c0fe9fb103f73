"""Budgets: conditions on quantities, such as ``params < 5e6``, that a build can rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from convmath.errors import ExpressionError, UsageError, inert
from convmath.formula import Formula, Value, surely_nonnegative, symbol
from convmath.formula.text import write
from convmath.quantity import PATTERN, QUANTITIES, Quantity, of_network, parse_quantity
from convmath.report import RELATIONS, Analysis, NetworkReport
from convmath.spec.expressions import Comparison, parse_condition


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a budget holds, with the numbers of both sides of each comparison."""

    text: str
    holds: bool
    sides: tuple[tuple[Value, str, Value], ...]

    def __str__(self) -> str:
        numbers = ", ".join(f"{write(left)} {relation} {write(right)}" for left, relation, right in self.sides)
        return f"{inert(self.text)}: {numbers} {'holds' if self.holds else 'does not hold'}"


def check(text: str, analysis: Analysis) -> Outcome:
    """Decide a condition on the quantities of a network, at its numbers where it has them.

    Raises ``UsageError`` for what is no condition, names no quantity, or depends on
    symbols that have no value.
    """
    report = analysis.at or analysis.report
    sides = sides_of(text, report, analysis, option="--assert")
    return Outcome(text, all(_decide(text, side, report) for side in sides), sides)


def sides_of(
    text: str, report: NetworkReport, analysis: Analysis, *, option: str
) -> tuple[tuple[Value, str, Value], ...]:
    """Return both sides of every comparison of a condition on the quantities of a report.

    Raises ``UsageError`` for what is no condition or names no quantity.
    """
    quantities: dict[str, Quantity] = {}

    def hide(found: object) -> str:
        name = f"quantity_{len(quantities)}"
        quantities[name] = parse_quantity(str(found[0]))  # type: ignore[index]
        return name

    try:
        comparisons = parse_condition(PATTERN.sub(hide, text))
        return tuple(_sides(each, quantities, report, analysis) for each in comparisons)
    except ExpressionError as error:
        message = error.message
        for name, quantity in quantities.items():
            message = message.replace(name, quantity.text)
        raise UsageError(f"{option} {inert(text)}: {inert(message)}") from None


def _sides(
    comparison: Comparison, quantities: Mapping[str, Quantity], report: NetworkReport, analysis: Analysis
) -> tuple[Value, str, Value]:
    known = {each.name for each in analysis.report.symbols} | set(analysis.values)

    def lookup(name: str) -> Value:
        if name in quantities:
            return of_network(quantities[name], report)
        if name in known:
            return analysis.values.get(name, symbol(name)) if report is analysis.at else symbol(name)
        near = get_close_matches(name, [*QUANTITIES, *known], 1)
        hint = f"did you mean '{near[0]}'?" if near else f"the quantities are {', '.join(QUANTITIES)}"
        raise ExpressionError("unknown-name", f"'{name}' is no quantity and no symbol; {hint}")

    return comparison.left.evaluate(lookup), comparison.relation, comparison.right.evaluate(lookup)


def _decide(text: str, side: tuple[Value, str, Value], report: NetworkReport) -> bool:
    left, relation, right = side
    if not isinstance(left, Formula) and not isinstance(right, Formula):
        return RELATIONS[relation](left, right)
    bounds: dict[str, Value] = {each.name: each.minimum for each in report.symbols}
    for condition in report.totals.valid_when:
        if str(condition.left) in bounds and condition.relation == ">=" and isinstance(condition.right, int):
            bounds[str(condition.left)] = condition.right
    margin = {"<": right - left - 1, "<=": right - left, ">": left - right - 1, ">=": left - right}.get(relation)
    if margin is not None and surely_nonnegative(margin, bounds):
        return True
    if relation in ("<", "<=", ">", ">=") and margin is not None and surely_nonnegative(-margin - 1, bounds):
        return False
    free = sorted({name for each in (left, right) if isinstance(each, Formula) for name in each.names})
    raise UsageError(f"--assert {inert(text)}: depends on {', '.join(free)}; give values, as in --set {free[0]}=224")
