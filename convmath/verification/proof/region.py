"""The admissible integers of a claim, and ways to write them in parameters that are zero or more.

The canonical form knows one thing about a symbol: that it is never negative. So each
symbol is written as its least value plus a parameter, a condition ``h <= H`` becomes
``H = h + H``, with the second H a parameter of that name, and ``H % s == 0`` becomes
``H = s*H``. What is not solved is forgotten, which only adds integers: what holds for all
values of the parameters holds for all admissible integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from convmath.errors import ConvmathError
from convmath.formula import Formula, Value, bind, cleared, single_floor, surely_nonnegative, symbol
from convmath.formula.atoms import Symbol
from convmath.report import RELATIONS, Condition
from convmath.spec.graph import SymbolInfo
from convmath.verification.proof.evaluation import Point, function_of

Parameters = dict[str, Value]
Solution = tuple[str, Value]


@dataclass(frozen=True)
class Region:
    """The integers that meet the ranges of the symbols and all conditions."""

    symbols: tuple[SymbolInfo, ...]
    conditions: tuple[Condition, ...]

    def admits(self, at: Point) -> bool:
        """Tell whether integers are admissible; a condition that divides by zero does not hold."""
        for each in self.symbols:
            if at[each.name] < each.minimum or (each.maximum is not None and at[each.name] > each.maximum):
                return False
        try:
            return all(holds(at) for holds in self._tests)
        except (ZeroDivisionError, ConvmathError):
            return False

    @cached_property
    def _tests(self) -> list[_Test]:
        return [_Test(each) for each in self.conditions]

    def narrowed(self) -> Region:
        """Return the same region with what conditions say about single symbols as their ranges."""
        lowest = {each.name: each.minimum for each in self.symbols}
        highest = {each.name: each.maximum for each in self.symbols}
        for each in self.conditions:
            name, bound = str(each.left), each.right
            if name not in lowest or not isinstance(bound, int) or each.modulus is not None:
                continue
            if each.relation in (">=", "=="):
                lowest[name] = max(lowest[name], bound)
            if each.relation in ("<=", "=="):
                known = highest[name]
                highest[name] = bound if known is None else min(bound, known)
        symbols = tuple(replace(each, minimum=lowest[each.name], maximum=highest[each.name]) for each in self.symbols)
        return replace(self, symbols=symbols)

    def parametrizations(self) -> Iterator[Parameters]:
        """Yield ways to write the symbols in parameters, each of which reaches all admissible integers.

        The first keeps every parameter's sign known; the others also solve conditions
        whose other side has an unknown sign, for the larger or for the smaller side.
        """
        seen: list[Parameters] = []
        for signs in ((), (1, -1), (-1, 1)):
            found = self._parameters(signs)
            if found not in seen:
                seen.append(found)
                yield found

    def _parameters(self, signs: tuple[int, ...]) -> Parameters:
        symbols = self.narrowed().symbols
        known: Parameters = {
            each.name: each.minimum if each.minimum == each.maximum else each.minimum + symbol(each.name)
            for each in symbols
        }
        highest = [Condition(symbol(each.name), "<=", each.maximum) for each in symbols if each.maximum is not None]
        pending = [*self.conditions, *highest]
        while pending:
            solved = next(((each, step) for each in pending if (step := _solution(each.bind(known), signs))), None)
            if solved is None:
                break
            condition, (name, value) = solved
            pending.remove(condition)
            known = {each: bind(held, {name: value}) for each, held in known.items()}
        return known

    def seen_from(self, known: Mapping[str, Value], *more: Condition) -> Region:
        """Return the region of the parameters: all integers, zero or more, that lead to admissible ones."""
        names = sorted(frozenset().union(*(each.names for each in known.values() if isinstance(each, Formula))))
        conditions = tuple(each.bind(known) for each in self.conditions)
        return Region(tuple(SymbolInfo(name, 0) for name in names), (*more, *conditions))


class _Test:
    """A condition at integers."""

    def __init__(self, condition: Condition) -> None:
        self.left, self.right = function_of(condition.left), function_of(condition.right)
        self.relation = RELATIONS[condition.relation]
        self.modulus = None if condition.modulus is None else function_of(condition.modulus)

    def __call__(self, at: Point) -> bool:
        left = self.left(at)
        if self.modulus is not None:
            left = left % self.modulus(at)
        return self.relation(left, self.right(at))


def _solution(condition: Condition, signs: tuple[int, ...]) -> Solution | None:
    """Return a parameter and what it is to be replaced by, so that the condition holds; None where none is found."""
    if condition.modulus is not None:
        return _multiple(condition)
    surplus = _surplus(condition)
    if surplus is None:
        return None
    if condition.relation == "==":
        return next(((name, -sign * rest) for name, sign, rest in _lone(surplus)), None)
    if surely_nonnegative(surplus):
        return None
    found = list(_lone(surplus))
    clean = ((name, symbol(name) - rest) for name, sign, rest in found if sign > 0 and surely_nonnegative(-rest))
    solved = next(clean, None)
    for wanted in signs:
        if solved is None:
            solved = next(((name, sign * (symbol(name) - rest)) for name, sign, rest in found if sign == wanted), None)
    return solved


def _surplus(condition: Condition) -> Value | None:
    """Return what is zero or more, or just zero, exactly where the condition holds; None where nothing is known."""
    left, right = condition.left, condition.right
    if condition.relation == "!=":
        return None
    if condition.relation in ("<", "<="):
        left, right = right, left
    top, bottom = cleared(left - right)
    if not surely_nonnegative(bottom - 1):
        return None
    if condition.relation in ("<", ">"):
        top = top - 1
    inner = single_floor(top) if condition.relation != "==" else None
    if inner is not None and surely_nonnegative(inner[1] - 1):
        return inner[0] + inner[1] * inner[2]
    return top


def _multiple(condition: Condition) -> Solution | None:
    """Solve ``a % b == c``, where a is never negative: ``a = b*t + c``."""
    left, remainder, modulus = condition.left, condition.right, condition.modulus or 1
    small = remainder == 0 or (isinstance(remainder, int) and surely_nonnegative(modulus - 1 - remainder))
    known = small and surely_nonnegative(remainder) and surely_nonnegative(modulus - 1) and surely_nonnegative(left)
    if condition.relation != "==" or not known:
        return None
    least = 1 if remainder == 0 and surely_nonnegative(left - 1) else 0
    for name, sign, rest in _lone(left):
        if not isinstance(modulus, Formula) or name not in modulus.names:
            return name, sign * (modulus * (symbol(name) + least) + remainder - rest)
    return None


def _lone(value: Value) -> Iterator[tuple[str, int, Value]]:
    """Yield symbols that occur once, as plus or minus themselves: name, sign, and the rest of the value."""
    if not isinstance(value, Formula):
        return
    for monomial, coefficient in value.terms.items():
        if len(monomial) == 1 and isinstance(monomial[0][0], Symbol) and monomial[0][1] == 1 and abs(coefficient) == 1:
            name, sign = monomial[0][0].name, 1 if coefficient > 0 else -1
            rest = value - sign * symbol(name)
            if not isinstance(rest, Formula) or name not in rest.names:
                yield name, sign, rest
