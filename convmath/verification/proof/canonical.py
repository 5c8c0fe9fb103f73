"""Symbolic divisors: both sides in one canonical form, extremes taken apart case by case.

Formulas simplify themselves by laws of the integers (``formula.atoms``): a ceiling is a
floor, integer parts leave a floor, common factors cancel, nested floors are one. The laws
assume that symbols are never negative and divisors above zero, which holds in the
parameters of a region.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

from convmath.formula import (
    Formula,
    Value,
    bind,
    cleared,
    floor_of,
    max_of,
    min_of,
    nonnegative,
    product_of,
    surely_nonnegative,
)
from convmath.formula.atoms import Atom, Compound, Floor, Max, Min
from convmath.formula.terms import raise_to, terms_of
from convmath.report import Condition
from convmath.verification.proof.question import TRUE, Answer, Question, atoms_of, replaced, well_defined

MOST_CASES = 3
"""How deep extremes are taken apart, one inside the other."""
MOST_ROUNDS = 20
NEAR = (0, -1, 1, -2)
"""Floors of small fractions are known from bounds."""


def by_canonical_form(question: Question, cases: int = MOST_CASES) -> Answer | None:
    """Return that both sides are equal where their canonical forms are, or that their difference has a sign.

    That forms differ decides nothing.
    """
    for known in question.region.parametrizations():
        if not well_defined(question, known):
            continue
        claimed, derived = bind(question.claimed, known), bind(question.derived, known)
        margin = _margin(claimed, derived, question.relation)
        if margin is None:
            continue
        margin = canonical_form(margin)
        if margin == 0 or (question.relation != "==" and _never_negative(margin)):
            return TRUE
        extreme = _extreme(margin)
        if cases and extreme is not None and _by_cases(question, known, margin, extreme, cases):
            return TRUE
    return None


def _margin(claimed: Value, derived: Value, relation: str) -> Value | None:
    """Return what is to be zero or, for an inequality, zero or more; None for what is decided in no form."""
    if relation in (">", ">="):
        claimed, derived = derived, claimed
    top, bottom = cleared(claimed - derived)
    if relation == "==":
        return top
    if relation == "!=" or not surely_nonnegative(bottom - 1):
        return None
    return top - 1 if relation in ("<", ">") else top


def _never_negative(margin: Value) -> bool:
    """Tell whether a value is never negative: as it stands, or with what is subtracted as large as it can be.

    ``floor(a/b)`` is at most a, for a of zero or more and b of one or more.
    """
    if surely_nonnegative(margin):
        return True
    least: Value = 0
    for monomial, coefficient in terms_of(margin).items():
        factors = [
            raise_to(atom.arguments[0] if coefficient < 0 and _shrinks(atom) else atom.formula, exponent)
            for atom, exponent in monomial
        ]
        steady = coefficient > 0 or all(nonnegative(each) for each in factors)
        term = product_of(factors) if steady else Formula({monomial: 1})
        least = least + coefficient * term
    return surely_nonnegative(least)


def _shrinks(atom: Atom) -> TypeGuard[Floor]:
    """Tell whether an atom is a floor that is no larger than what it divides."""
    if not isinstance(atom, Floor):
        return False
    return nonnegative(atom.arguments[0]) and surely_nonnegative(atom.arguments[1] - 1)


def canonical_form(value: Value) -> Value:
    """Return the same value in a form that more values share, for symbols that are zero or more.

    ``floor((max(a, b) + c)/d)`` is the larger of two floors, since a floor over a positive
    divisor never falls; and ``floor(a/b)`` is n where ``n*b <= a <= n*b + b - 1``.
    """
    for _ in range(MOST_ROUNDS):
        steps = ((atom, _simpler(atom)) for atom in dict.fromkeys(atoms_of(value)) if isinstance(atom, Floor))
        found = next(((atom, held) for atom, held in steps if held is not None), None)
        if found is None:
            break
        value = replaced(value, *found)
    return value


def _simpler(floor: Floor) -> Value | None:
    top, bottom = floor.arguments
    if not surely_nonnegative(bottom - 1):
        return None
    for number in NEAR:
        rest = top - number * bottom
        if surely_nonnegative(rest) and surely_nonnegative(bottom - 1 - rest):
            return number
    for monomial, coefficient in terms_of(top).items():
        atom: Atom | None = monomial[0][0] if len(monomial) == 1 and monomial[0][1] == 1 else None
        if isinstance(atom, Max | Min):
            others = top - coefficient * atom.formula
            floors = [floor_of(coefficient * each + others, bottom) for each in atom.arguments]
            return max_of(*floors) if (coefficient > 0) is isinstance(atom, Max) else min_of(*floors)
    return None


def _extreme(value: Value) -> Compound | None:
    """Return an innermost maximum or minimum."""
    found = [atom for atom in atoms_of(value) if isinstance(atom, Max | Min)]
    return found[-1] if found else None


def _by_cases(question: Question, known: dict[str, Value], margin: Value, extreme: Compound, cases: int) -> bool:
    """Tell whether the margin is as it should be whichever argument is the extreme one."""
    sign = 1 if isinstance(extreme, Max) else -1
    for chosen in extreme.arguments:
        others = [each for each in extreme.arguments if each != chosen]
        conditions = [Condition(sign * (chosen - each), ">=", 0) for each in others]
        if any(surely_nonnegative(-sign * (chosen - each) - 1) for each in others):
            continue
        case = replace(
            question,
            claimed=replaced(margin, extreme, chosen),
            derived=0,
            relation="==" if question.relation == "==" else "<=",
            needs=question.needs.bind(known),
            region=question.region.seen_from(known, *conditions),
        )
        if by_canonical_form(case, cases - 1) is None:
            return False
    return True
