"""When formulas hold: collects conditions, drops what is implied, refuses what cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from math import gcd, lcm
from typing import NamedTuple

from convmath.algebra import FloorMap, Word
from convmath.errors import Problem, SpecError
from convmath.formula import (
    Formula,
    Value,
    affine,
    cleared,
    is_integral,
    max_of,
    nonnegative_over_a_period,
    single_floor,
    surely_nonnegative,
    symbol,
)
from convmath.report import Condition, JoinReport, Residues
from convmath.spec.fields import check_number
from convmath.spec.graph import Network, Node
from convmath.spec.layer import Layer
from convmath.symbolic.equations import solve
from convmath.symbolic.facts import Requirement
from convmath.symbolic.sizes import EVERY, Sizes

MOST_COMPARED = 8
"""With how many others a bound is compared."""


MOST_CONDITIONS = 8
"""Classes that take more comparisons are stated as the equations that they solve."""
MOST_TRIED = 100_000
"""How many members of one class are tried against others that could not be united with it."""


class Constraints:
    """The conditions of one network, collected layer by layer."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.minima: dict[str, Value] = {each.name: each.minimum for each in network.symbols}
        self._needs: dict[Value, dict[Value, None]] = {}
        self._others: dict[Condition, None] = {}
        self._classes: dict[str, list[Sizes]] = {}
        self._solved: dict[tuple[Word, Word], Sizes | None] = {}
        self.joins: list[JoinReport] = []
        self.asked_by: dict[Value, str] = {}

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
                self._others.setdefault(self._divided(Condition(whole, "==", 0, divisor)))
            self._at_least(held, minimum)

    def require(self, node: Node, requirements: Iterable[Requirement]) -> None:
        """Take what a rule requires; Raises ``SpecError`` for what does not hold."""
        for each in requirements:
            holds = each.condition.holds()
            if holds is False:
                raise self.network.refuse(node, each.code, each.message, each.help)
            if holds is None:
                self._add(each.condition)

    def size(self, origin: Value, word: Word | None, size: Value, least: Value, layer: str = "") -> None:
        """Require that *size*, which *word* makes of the input size *origin*, is at least *least*.

        Without a word the condition stays as it is: nothing is solved for.
        """
        if word is None or word.constant or not isinstance(origin, Formula):
            self._at_least(size, least)
            return
        need = word.least_input(least)
        self._needs.setdefault(origin, {}).setdefault(need)
        self.asked_by.setdefault(need, layer)

    def join(self, node: Node, axis: int, left: Side, right: Side) -> bool:
        """Require that two sizes are equal; Return whether any size of the input makes them so.

        What cannot be solved stays as the equation that it is.
        """
        name, one, other = _over_one_symbol(left, right)
        solved = None if one is None or other is None else self._solve(one, other)
        stated = None if solved is None else Residues(solved.modulus, solved.intervals)
        self.joins.append(JoinReport(node.name, axis, left.size, right.size, name, stated))
        if solved is None or name is None:
            self._others.setdefault(Condition(left.size, "==", right.size))
            return True
        self._narrow(name, solved)
        return self._least_member(name, 1) is not None

    def _solve(self, left: Word, right: Word) -> Sizes | None:
        """Return where two words are equal; in a deep network the same ones meet again and again."""
        if (left, right) not in self._solved:
            self._solved[left, right] = solve(left, right)
        return self._solved[left, right]

    def _narrow(self, name: str, solved: Sizes) -> None:
        kept: list[Sizes] = []
        for each in self._classes.get(name, []):
            both = each.meet(solved)
            if both is None:
                kept.append(each)
            else:
                solved = both
        self._classes[name] = [*kept, solved]

    def sizes(self, name: str) -> list[Sizes]:
        """Return the sets of which every one must hold a symbol; mostly there is one, which may be every integer."""
        return self._classes.get(name, [EVERY])

    def progression(self, name: str) -> tuple[int, int, int] | None:
        """Return modulus, residue and least member where joins leave one residue of a symbol; else None."""
        found = self.sizes(name)
        residue = found[0].residue
        if len(found) != 1 or residue is None or found[0].modulus == 1:
            return None
        least = self._least_member(name, self.lowest(name))
        return None if least is None else (found[0].modulus, residue, least)

    def lowest(self, name: str) -> int:
        """Return the least value of a symbol that windows and ranges leave, whatever joins say."""
        low = [each.minimum for each in self.network.symbols if each.name == name] or [1]
        solved = (_solved(origin, need) for origin, needs in self._needs.items() for need in needs)
        low += [right for left, right in solved if str(left) == name and isinstance(right, int)]
        return max(low)

    def needing(self, name: str) -> str:
        """Return the layer that asks for the least value of a symbol; empty where its range does."""
        low = self.lowest(name)
        for origin, needs in self._needs.items():
            for need in needs:
                left, right = _solved(origin, need)
                if str(left) == name and right == low:
                    return self.asked_by.get(need, "")
        return ""

    def nearest(self, name: str, number: int) -> list[int]:
        """Return the members of the one set next to a number on both sides, as far as there are any."""
        low, first = self.lowest(name), self.sizes(name)[0]
        below, above = first.greatest(number), first.least(max(low, number))
        found = [each for each in (below, above) if each is not None and each >= low]
        return [each for each in dict.fromkeys(found) if all(each in other for other in self.sizes(name))]

    def _least_member(self, name: str, low: int) -> int | None:
        first, *others = self.sizes(name)
        for each in islice(first.members(low), MOST_TRIED if others else 1):
            if all(each in other for other in others):
                return each
        return None

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
        found = self._needed([*self._classed(found), *self._others])
        for condition in found:
            self._check_maximum(condition)
        return tuple(found)

    def _needed(self, found: list[Condition]) -> list[Condition]:
        """Return conditions without those that a greater least value of a symbol implies.

        So do differences of floors that are never negative, as in crops and pads to the size of a skip.
        """
        least = dict(self.minima)
        for condition in found:
            name, right = str(condition.left), condition.right
            if name in least and condition.relation == ">=" and condition.modulus is None and isinstance(right, int):
                least[name] = max_of(least[name], right)
        return [each for each in dict.fromkeys(found) if not _implied(each, least)]

    def _classed(self, found: list[Condition]) -> list[Condition]:
        """Return lower bounds with the classes of joins put in: first the class, then its least member."""
        if not self._classes:
            return found
        kept: list[Condition] = []
        for name in self._classes:
            kept.extend(self._class_of(name))
        return [
            *kept,
            *(each for each in found if str(each.left) not in self._classes or not isinstance(each.right, int)),
        ]

    def _class_of(self, name: str) -> list[Condition]:
        minimum = self.minima.get(name, 1)
        implied = minimum if isinstance(minimum, int) else 1
        low = self.lowest(name)
        least = self._least_member(name, low)
        if least is None:
            equations = " and ".join(f"{each.left} = {each.right}" for each in self.joins)
            message = f"no size {name} from {low} on meets {equations}"
            raise SpecError(Problem("impossible", message, "crop or pad one of the branches that are joined"))
        sets = [each if each.modulus else Sizes(tuple(each.pieces(low, None))) for each in self.sizes(name)]
        stated = [each for one in sets for each in islice(one.conditions(symbol(name)), MOST_CONDITIONS + 1)]
        if len(stated) > MOST_CONDITIONS:
            stated = [Condition(each.left, "==", each.right) for each in self.joins if name in _names(each)]
        if least != self._least_member(name, implied) and all(each.modulus for each in sets):
            stated.append(Condition(symbol(name), ">=", least))
        return stated

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
            if condition.relation == ">=":
                condition = _alone(condition, difference)
            if condition.relation == "<=" and surely_nonnegative(-difference, self.minima):
                return
        if condition.holds() is False:
            message = f"{condition} is needed, which never holds"
            raise SpecError(Problem("impossible", message, "a size would be too small whatever the symbols are"))
        self._others.setdefault(self._divided(condition))

    def _divided(self, condition: Condition) -> Condition:
        """Return that a multiple of a symbol is divisible as a condition on the symbol; it takes in earlier ones."""
        line = affine(condition.left)
        modulus = condition.modulus
        if line is None or line[1] != 0 or condition.right != 0 or condition.relation != "==":
            return condition
        if not isinstance(modulus, int) or not isinstance(line[0], int):
            return condition
        [name] = condition.left.names if isinstance(condition.left, Formula) else [""]
        left, modulus = symbol(name), modulus // gcd(modulus, line[0])
        for each in list(self._others):
            if each.left == left and each.relation == "==" and each.right == 0 and isinstance(each.modulus, int):
                modulus = lcm(modulus, each.modulus)
                del self._others[each]
        return Condition(left, "==", 0, modulus)


def _implied(condition: Condition, least: Mapping[str, Value]) -> bool:
    """Tell whether the least values of symbols imply a lower bound; one that is such a value stays."""
    if condition.relation != ">=" or condition.modulus is not None:
        return False
    name = str(condition.left)
    if name in least:
        return isinstance(condition.right, int) and least[name] != condition.right
    return nonnegative_over_a_period(condition.left - condition.right, least) is True


def _alone(condition: Condition, difference: Value) -> Condition:
    """Return ``left >= right`` with a symbol alone on the left, where the difference is a line of one."""
    top, bottom = cleared(difference)
    line = affine(top)
    if line is None or line[0] <= 0 or not isinstance(bottom, int):
        return condition
    left, right = _solved(top, 0)
    return Condition(left, ">=", right)


class Side(NamedTuple):
    """One side of a join: a size, and the word that makes it of the input size *origin*."""

    origin: Value
    word: Word | None
    size: Value


def _over_one_symbol(left: Side, right: Side) -> tuple[str | None, Word | None, Word | None]:
    """Return the symbol that both sizes are words of, and these words; a number is a constant word of any."""
    (name, one), (other_name, other) = (over_symbol(each) for each in (left, right))
    if name is not None and other_name is not None and name != other_name:
        return None, None, None
    return name or other_name, one, other


def over_symbol(side: Side) -> tuple[str | None, Word | None]:
    """Return the symbol that a size is a word of, and the word; None where it is none."""
    if not isinstance(side.size, Formula):
        return None, Word((FloorMap(0, side.size, 1),))
    if side.word is None or not isinstance(side.origin, Formula) or len(side.origin.names) != 1:
        return None, None
    [name] = side.origin.names
    line = affine(side.origin)
    if line is not None and line[0] > 0:
        return name, side.word.after(FloorMap(line[0], line[1], 1))
    inner = single_floor(side.origin)
    line = affine(inner[0]) if inner is not None else None
    if inner is None or line is None or line[0] <= 0:
        return None, None
    _, divisor, constant = inner
    return name, side.word.after(FloorMap(1, constant, 1)).after(FloorMap(line[0], line[1], divisor))


def _names(join: JoinReport) -> frozenset[str]:
    return frozenset().union(*(each.names for each in (join.left, join.right) if isinstance(each, Formula)))


def _solved(origin: Value, need: Value) -> tuple[Value, Value]:
    """Return ``origin >= need`` with a symbol alone on the left, where origin is a*symbol + b with numbers."""
    if isinstance(origin, Formula) and len(origin.names) == 1 and isinstance(need, int):
        name = symbol(next(iter(origin.names)))
        line = affine(origin)
        if line is not None and line[0] > 0:
            return name, -((line[1] - need) // line[0])
    return origin, need
