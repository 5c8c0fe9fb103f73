"""What the form alone shows about a sign, every symbol being zero or more."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm, prod
from typing import TYPE_CHECKING

from convmath.formula.terms import Formula, Number, Value, ratio, sum_of, symbol, terms_of

if TYPE_CHECKING:
    from convmath.formula.atoms import Atom


def nonnegative(value: Value) -> bool:
    """Tell whether the form shows that the value is never negative; False means unknown."""
    if not isinstance(value, Formula):
        return value >= 0
    return all(
        coefficient >= 0 and all(exponent % 2 == 0 or _nonnegative_atom(atom) for atom, exponent in monomial)
        for monomial, coefficient in value.terms.items()
    )


def surely_nonnegative(value: Value, least: Mapping[str, Value] | None = None) -> bool:
    """Tell whether the value is never negative while no symbol is below its least value.

    Besides what the form shows, each floor is held between its bounds for integers,
    ``(a - b + 1)/b <= floor(a/b) <= a/b``. False means unknown.
    """
    least = least or {}
    lowest = _lowest(value, least)
    if lowest is not None:
        return lowest >= 0
    if _expanded(value) > MOST_EXPANDED:
        return False
    value = at_least(value, least)
    for _ in range(MOST_ROUNDS):
        if nonnegative(value):
            return True
        relaxed = _relaxed(value)
        if relaxed is None:
            return False
        value = relaxed
    return False


def nonnegative_over_a_period(value: Value, least: Mapping[str, Value]) -> bool | None:
    """Decide whether a sum of floors of one symbol is never negative from its least value on.

    Such a value grows by a constant from one period to the next, the least common
    multiple of the divisors; one period decides. None where the value is of another form
    or the period is long.
    """
    if not isinstance(value, Formula):
        return value >= 0
    period = _period(value)
    if period is None or period > LONGEST_PERIOD or len(value.names) != 1:
        return None
    [name] = value.names
    low = least.get(name, 0)
    if not isinstance(low, int):
        return None
    ahead = [_at(value, name, low + step) for step in range(2 * period)]
    grows = all(later >= sooner for sooner, later in zip(ahead, ahead[period:], strict=False))
    return grows and all(each >= 0 for each in ahead[:period])


def _at(value: Formula, name: str, number: int) -> Number:
    found = value.bind({name: number})
    if isinstance(found, Formula):
        raise TypeError(f"{value} has more symbols than {name}")
    return found


def _period(value: Value) -> int | None:
    """Return after how many steps of its symbol a value grows by a constant; None where that is not known."""
    found = _growth(value)
    return None if found is None else found[0]


def _growth(value: Value) -> tuple[int, Fraction] | None:
    """Return the period of a value, and how much it grows by step on average.

    Known of sums of multiples of a symbol, of floors over numbers, and of extremes: where
    all arguments grow alike, so does the largest of them.
    """
    period, slope = 1, Fraction(0)
    for monomial, coefficient in value.terms.items() if isinstance(value, Formula) else ():
        if not monomial:
            continue
        [(atom, exponent), *others] = monomial
        found = None if others or exponent != 1 else _growth_of_atom(atom)
        if found is None:
            return None
        period = lcm(period, found[0])
        slope += coefficient * found[1]
    return period, slope


def _growth_of_atom(atom: Atom) -> tuple[int, Fraction] | None:
    from convmath.formula import atoms

    if isinstance(atom, atoms.Symbol):
        return 1, Fraction(1)
    if isinstance(atom, atoms.Floor):
        top, bottom = atom.arguments
        inner = _growth(top)
        return None if inner is None or not isinstance(bottom, int) else (inner[0] * bottom, inner[1] / bottom)
    if isinstance(atom, atoms.Max | atoms.Min):
        parts = [_growth(each) for each in atom.arguments]
        known = [each for each in parts if each is not None]
        if len(known) == len(parts) and len({slope for _, slope in known}) == 1:
            return lcm(*(period for period, _ in known)), known[0][1]
    return None


def _expanded(value: Value) -> int:
    """Return about how many terms the value has with a sum in place of each symbol, inside of floors, too."""
    if not isinstance(value, Formula):
        return 1
    return sum(prod(_factor_terms(atom) + abs(exponent) for atom, exponent in monomial) for monomial in value.terms)


def _factor_terms(atom: Atom) -> int:
    from convmath.formula import atoms

    return max(map(_expanded, atom.arguments)) if isinstance(atom, atoms.Compound) else 1


MOST_EXPANDED = 300
"""A difference that would become longer is left undecided, which is sound."""
MOST_ROUNDS = 8
LONGEST_PERIOD = 1024


def _lowest(value: Value, least: Mapping[str, Value]) -> Number | None:
    """Return the least value where all terms but the constant only grow with the symbols; None otherwise."""
    if not isinstance(value, Formula):
        return value
    for monomial, coefficient in value.terms.items():
        if monomial and (coefficient < 0 or not all(exponent > 0 and _grows(atom) for atom, exponent in monomial)):
            return None
    lowest = value.bind({name: least.get(name, 0) for name in value.names})
    return None if isinstance(lowest, Formula) else lowest


def _grows(atom: Atom) -> bool:
    """Tell whether an atom is never negative and never falls when a symbol grows."""
    from convmath.formula import atoms

    match atom:
        case atoms.Floor():
            top, bottom = atom.arguments
            return isinstance(bottom, int) and bottom > 0 and _rises(top)
        case atoms.Max() | atoms.Min():
            return all(map(_rises, atom.arguments))
        case atoms.Power():
            base, exponent = atom.arguments
            return isinstance(base, int) and base >= 1 and _rises(exponent)
        case _:
            return isinstance(atom, atoms.Symbol)


def _rises(value: Value) -> bool:
    """Tell whether a value is a sum of terms that are never negative and never fall when a symbol grows."""
    return all(
        coefficient >= 0 and all(exponent > 0 and _grows(atom) for atom, exponent in monomial)
        for monomial, coefficient in terms_of(value).items()
    )


def _relaxed(value: Value) -> Value | None:
    """Return a lower bound of *value* with fewer floors; None where there is none to replace."""
    if not isinstance(value, Formula):
        return None
    changed = False
    parts: list[Value] = []
    for monomial, coefficient in value.terms.items():
        part: Value = coefficient
        for atom, exponent in monomial:
            alone = len(monomial) == 1 and exponent == 1
            steady = alone or all(
                power % 2 == 0 or _nonnegative_atom(other) for other, power in monomial if other != atom
            )
            bound = _bound(atom, coefficient, alone=alone) if exponent > 0 and steady else None
            changed = changed or bound is not None
            part = part * (atom.formula if bound is None else bound) ** exponent
        parts.append(part)
    return sum_of(parts) if changed else None


def _bound(atom: Atom, coefficient: Number, *, alone: bool) -> Value | None:
    """Return what a floor may be replaced with so that the term does not grow."""
    from convmath.formula import atoms

    if not isinstance(atom, atoms.Floor) or not isinstance(atom.arguments[1], int):
        return None
    top, bottom = atom.arguments
    if coefficient < 0:
        return ratio(top, bottom) if alone or nonnegative(top) else None
    return ratio(top - (bottom - 1), bottom) if alone else None


def _nonnegative_atom(atom: object) -> bool:
    from convmath.formula import atoms

    match atom:
        case atoms.Floor() | atoms.Min() | atoms.Inverse():
            return all(nonnegative(argument) for argument in atom.arguments)
        case atoms.Max():
            return any(nonnegative(argument) for argument in atom.arguments)
        case _:
            return True


def positive(value: Value) -> bool:
    """Tell whether the value is a number above zero, or a divisor that no symbol makes negative.

    A divisor that can be zero is an error at that value, wherever it stands.
    """
    return nonnegative(value) and value != 0


def at_least(value: Value, least: Mapping[str, Value]) -> Value:
    """Return *value* with each symbol written as its least value plus the symbol.

    What is nonnegative afterwards is nonnegative wherever the symbols are not below.
    """
    if not isinstance(value, Formula):
        return value
    return value.bind({name: low + symbol(name) for name, low in least.items() if name in value.names})
