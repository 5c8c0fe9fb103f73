"""When formulas hold: collects conditions, drops what is implied, refuses what cannot be."""

from __future__ import annotations

from collections.abc import Iterable

from convmath.algebra import Word
from convmath.errors import Problem, SpecError
from convmath.formula import (
    Formula,
    Value,
    affine,
    cleared,
    is_integral,
    single_floor,
    surely_nonnegative,
    symbol,
)
from convmath.report import Condition
from convmath.spec.fields import check_number
from convmath.spec.graph import Network, Node
from convmath.spec.layer import Layer
from convmath.symbolic.facts import Requirement

MOST_COMPARED = 8
"""With how many others a bound is compared."""


class Constraints:
    """The conditions of one network, collected layer by layer."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.minima: dict[str, Value] = {each.name: each.minimum for each in network.symbols}
        self._needs: dict[Value, dict[Value, None]] = {}
        self._others: dict[Condition, None] = {}

    def fields(self, node: Node, layer: Layer) -> None:
        """Require that every size and count of a layer is a whole number, not below its least value."""
        for name, held, minimum in layer.sizes():
            if not isinstance(held, Formula):
                wrong = check_number(held, minimum)
                if wrong:
                    raise self.network.refuse(node, "bad-size", f"{name} {wrong}")
                continue
            if not is_integral(held):
                whole, divisor = cleared(held)
                self._others.setdefault(Condition(whole, "==", 0, divisor))
            self._at_least(held, minimum)

    def require(self, node: Node, requirements: Iterable[Requirement]) -> None:
        """Take what a rule requires; Raises ``SpecError`` for what does not hold."""
        for each in requirements:
            holds = each.condition.holds()
            if holds is False:
                raise self.network.refuse(node, each.code, each.message, each.help)
            if holds is None:
                self._add(each.condition)

    def size(self, origin: Value, word: Word | None, size: Value, least: Value) -> None:
        """Require that *size*, which *word* makes of the input size *origin*, is at least *least*.

        Without a word the condition stays as it is: nothing is solved for.
        """
        if word is None or word.constant or not isinstance(origin, Formula):
            self._at_least(size, least)
            return
        self._needs.setdefault(origin, {}).setdefault(word.least_input(least))

    def bounds(self) -> dict[str, Value]:
        """Return the least value of every symbol, as far as the conditions so far give numbers."""
        found = {each.name: each.minimum for each in self.network.symbols}
        for condition in self.conditions():
            name, right = str(condition.left), condition.right
            if name in found and condition.relation == ">=" and isinstance(right, int):
                found[name] = max(right, found[name])
        return dict(found)

    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions that the symbols' ranges do not imply.

        Raises ``SpecError`` where a range forbids one.
        """
        solved: dict[Value, list[Value]] = {}
        for origin, needs in self._needs.items():
            for need in needs:
                left, right = _solved(origin, need)
                solved.setdefault(left, []).append(right)
        found: list[Condition] = []
        for left, rights in solved.items():
            open_ones = [right for right in rights if not surely_nonnegative(left - right, self.minima)]
            found.extend(Condition(left, ">=", right) for right in self._largest(open_ones))
        found.extend(self._others)
        for condition in found:
            self._check_maximum(condition)
        return tuple(found)

    def _check_maximum(self, condition: Condition) -> None:
        highest = {each.name: each.maximum for each in self.network.symbols}.get(str(condition.left))
        least = condition.right
        if condition.relation == ">=" and highest is not None and isinstance(least, int) and least > highest:
            message = f"{condition.left} is at most {highest}, but {condition} is needed"
            raise SpecError(Problem("out-of-range", message, "raise the symbol's max, or shrink the windows"))

    def _largest(self, values: list[Value]) -> list[Value]:
        """Return the values without those that another one never falls below."""
        numbers = [each for each in values if not isinstance(each, Formula)]
        rest = dict.fromkeys(each for each in values if isinstance(each, Formula))
        kept: list[Value] = [max(numbers)] if numbers else []
        for each in rest:
            recent = kept[-MOST_COMPARED:]  # neighbours in a stack are alike; what is missed is only listed twice over
            if any(surely_nonnegative(other - each, self.minima) for other in recent):
                continue
            larger = [other for other in recent if not surely_nonnegative(each - other, self.minima)]
            kept[-MOST_COMPARED:] = [*larger, each]
        return kept

    def _at_least(self, held: Value, least: Value) -> None:
        """Require ``held >= least``, solved for what stands in a single floor."""
        if not is_integral(held):
            held, divisor = cleared(held)
            least = least * divisor
        inner = single_floor(held)
        if inner is not None:
            top, bottom, constant = inner
            held, least = top, bottom * (least - constant)
        if not surely_nonnegative(held - least, self.minima):
            left, right = _solved(held, least)
            self._add(Condition(left, ">=", right))

    def _add(self, condition: Condition) -> None:
        if condition.relation == "<=" and not isinstance(condition.left, Formula):
            self._at_least(condition.right, condition.left)
            return
        difference = condition.left - condition.right
        if condition.modulus is None:
            if condition.relation == ">=" and surely_nonnegative(difference, self.minima):
                return
            if condition.relation == "<=" and surely_nonnegative(-difference, self.minima):
                return
        if condition.holds() is False:
            message = f"{condition} is needed, which never holds"
            raise SpecError(Problem("impossible", message, "a size would be too small whatever the symbols are"))
        self._others.setdefault(condition)


def _solved(origin: Value, need: Value) -> tuple[Value, Value]:
    """Return ``origin >= need`` with a symbol alone on the left, where origin is a*symbol + b with numbers."""
    if isinstance(origin, Formula) and len(origin.names) == 1 and isinstance(need, int):
        name = symbol(next(iter(origin.names)))
        line = affine(origin)
        if line is not None and line[0] > 0:
            return name, -((line[1] - need) // line[0])
    return origin, need
