"""The extra ``proof``: z3 searches for integers at which both sides differ, and may show that there are none."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from math import prod
from typing import Any

from convmath.formula import Value, cleared, symbol
from convmath.formula.atoms import Atom, Floor, Gcd, Max, Min, Power, Symbol
from convmath.formula.terms import terms_of
from convmath.report import RELATIONS, Condition
from convmath.verification.proof.evaluation import Point, function_of
from convmath.verification.proof.question import TRUE, Answer, Question, atoms_of, replaced, well_defined

EFFORT = 4_000_000
"""What z3 may spend on a claim, in its own units: the same on every machine, unlike seconds."""
ATOM_EFFORT = 400_000
"""What z3 may spend on a pair of floors."""
MOST_PAIRS = 64


def installed() -> bool:
    """Tell whether z3 is there."""
    return find_spec("z3") is not None


def by_solver(question: Question) -> Answer | None:
    """Return what z3 shows: that no admissible integers tell the sides apart, or integers that do.

    Products of floors are hard for it, and floors alone are not. So each floor of the claim
    is first held against each floor of the derived formula, and put in its place where the
    two always differ by a constant.
    """
    try:
        return _searched(question) if installed() else None
    except NoLawError:
        return None


def _searched(question: Question) -> Answer | None:
    known = next(question.region.parametrizations())
    if not well_defined(question, known):
        return None
    difference, below = cleared(question.derived - _alike(question))
    if difference == 0 and question.relation == "==":
        return TRUE
    search = _Search(question, EFFORT)
    sign = search.number(difference) * search.number(below)
    found = search.where(search.z3.Not(RELATIONS[question.relation](sign, 0)))
    if found is None:
        return None
    if not found:
        return TRUE
    return Answer(found) if question.refuted_by(found) else None


def _alike(question: Question) -> Value:
    """Return the claim with its floors written as those of the derived formula, where z3 shows that they are."""
    claimed = question.claimed
    theirs = [atom for atom in dict.fromkeys(atoms_of(question.derived)) if isinstance(atom, Floor)]
    ours = [atom for atom in dict.fromkeys(atoms_of(claimed)) if isinstance(atom, Floor) and atom not in theirs]
    sample = _admissible(question)
    pairs = [(mine, other) for mine in ours for other in theirs]
    for mine, other in pairs[:MOST_PAIRS] if sample else []:
        gap = mine.formula - other.formula
        constant = function_of(gap)(sample)
        search = _Search(question, ATOM_EFFORT)
        if search.where(search.number(gap) != constant) == {}:
            claimed = replaced(claimed, mine, other.formula + constant)
    return claimed


def _admissible(question: Question) -> Point:
    search = _Search(question, ATOM_EFFORT)
    return search.where(condition=True) or {}


class NoLawError(Exception):
    """A sum, or one over a sum, of which z3 is told nothing."""


class _Search:
    """Integers that are admissible, as z3 sees them: symbols, and an unknown for every atom with its law."""

    def __init__(self, question: Question, effort: int) -> None:
        import z3

        self.z3: Any = z3
        self.region = question.region
        self.context = z3.Context()
        self.solver: Any = z3.Solver(ctx=self.context)
        self.solver.set("rlimit", effort)
        self.solver.set("random_seed", 0)
        self.unknowns: dict[Atom, Any] = {}
        for each in question.region.symbols:
            held = self.number(symbol(each.name))
            self.solver.add(held >= each.minimum)
            if each.maximum is not None:
                self.solver.add(held <= each.maximum)
        for condition in question.region.conditions:
            self.solver.add(self._condition(condition))

    def where(self, condition: Any) -> dict[str, int] | None:
        """Return admissible integers with a condition, none at all where there are none; None where z3 gives up."""
        self.solver.add(condition)
        found = self.solver.check()
        if found == self.z3.unsat:
            return {}
        if found != self.z3.sat:
            return None
        model = self.solver.model()
        names = {each.name: self.number(symbol(each.name)) for each in self.region.symbols}
        return {name: model.evaluate(held, model_completion=True).as_long() for name, held in names.items()}

    def number(self, value: Value) -> Any:
        """Return a value with integer coefficients and no negative exponents, as an expression of z3."""
        total = self.z3.IntVal(0, self.context)
        for monomial, coefficient in terms_of(value).items():
            factors = [self._atom(atom) for atom, exponent in monomial for _ in range(int(exponent))]
            total = total + prod(factors, start=self.z3.IntVal(int(coefficient), self.context))
        return total

    def _condition(self, condition: Condition) -> Any:
        left = condition.left if condition.modulus is None else condition.left % condition.modulus
        top, bottom = cleared(left - condition.right)
        below = self.number(bottom)
        return self.z3.And(below != 0, RELATIONS[condition.relation](self.number(top) * below, 0))

    def _atom(self, atom: Atom) -> Any:
        """Return the unknown that stands for an atom, with its law added where it was not known yet."""
        if atom not in self.unknowns:
            parts = [self.number(each) for each in getattr(atom, "arguments", ()) if not isinstance(atom, Power)]
            held = self.z3.Int(f"x{len(self.unknowns)}", self.context)
            self.unknowns[atom] = held
            self.solver.add(*self._laws(atom, held, parts))
        return self.unknowns[atom]

    def _laws(self, atom: Atom, held: Any, parts: list[Any]) -> Iterator[Any]:
        match atom:
            case Symbol():
                pass
            case Floor():
                top, bottom = parts
                yield self.z3.Implies(bottom > 0, self.z3.And(bottom * held <= top, top < bottom * held + bottom))
                yield self.z3.Implies(bottom < 0, self.z3.And(bottom * held >= top, top > bottom * held + bottom))
            case Max() | Min():
                above = isinstance(atom, Max)
                yield self.z3.Or(*(held == each for each in parts))
                yield from (held >= each if above else held <= each for each in parts)
            case Power():
                yield held >= 1
            case Gcd():
                yield held >= 0
            case _:
                raise NoLawError
