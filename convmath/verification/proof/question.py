"""What a proof is asked, and what it answers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from convmath.formula import Formula, Value, bind, surely_nonnegative, symbol
from convmath.formula.atoms import Atom, Compound, Floor, Inverse, Power
from convmath.formula.terms import Number, raise_to, terms_of
from convmath.report import RELATIONS
from convmath.spec.expressions import Expression, Lookup
from convmath.verification.proof.evaluation import Function, Point, function_of
from convmath.verification.proof.region import Region


@dataclass(frozen=True)
class Question:
    """Whether what is derived equals what is claimed, wherever the region admits the integers.

    ``says`` is the claim as it is written, evaluated term by term; ``claimed`` is the same
    as a formula, and ``divisors`` is what the text divides by.
    """

    says: Callable[[Point], Number]
    claimed: Value
    derived: Value
    divisors: tuple[Value, ...]
    region: Region
    relation: str = "=="
    """How what is derived compares with what is claimed."""

    @property
    def terms(self) -> int:
        """How long both sides are together: what a point costs."""
        return len(terms_of(self.claimed)) + len(terms_of(self.derived))

    @cached_property
    def derives(self) -> Function:
        """What is derived, as a function of integers."""
        return function_of(self.derived)

    def claim_at(self, at: Point) -> Number | None:
        """Return what the claim says; None where it has no value."""
        try:
            return self.says(at)
        except ZeroDivisionError:
            return None

    def wrong_at(self, at: Point) -> bool:
        """Tell whether the claim is wrong, or has no value, at integers that are admissible."""
        claimed = self.claim_at(at)
        return claimed is None or not RELATIONS[self.relation](self.derives(at), claimed)

    def refuted_by(self, at: Point) -> bool:
        """Tell whether these integers are admissible, and the claim is wrong there."""
        return self.region.admits(at) and self.wrong_at(at)


@dataclass(frozen=True, slots=True)
class Answer:
    """True everywhere, or a point where the claim is wrong."""

    counterexample: Mapping[str, int] | None = None

    @property
    def proved(self) -> bool:
        """Whether the claim holds at all admissible integers."""
        return self.counterexample is None


TRUE = Answer()


def well_defined(question: Question, known: Mapping[str, Value]) -> bool:
    """Tell whether, in these parameters, nothing divides by zero and no power has a negative exponent.

    The laws of formulas assume both.
    """
    below = list(question.divisors)
    exponents: list[Value] = []
    for atom in (*atoms_of(question.claimed), *atoms_of(question.derived)):
        if isinstance(atom, Floor):
            below.append(atom.arguments[1])
        elif isinstance(atom, Inverse):
            below.append(atom.arguments[0])
        elif isinstance(atom, Power):
            exponents.append(atom.arguments[1])
    for each in (question.claimed, question.derived):
        below.extend(_inverted(each))
    if not all(surely_nonnegative(bind(each, known)) for each in exponents):
        return False
    bound = [_with_powers_from_one(bind(each, known)) for each in below]
    return all(surely_nonnegative(each - 1) or surely_nonnegative(-each - 1) for each in bound)


def _with_powers_from_one(value: Value) -> Value:
    """Return the value with each power, which is at least 1, written as 1 plus what it has more."""
    for at, power in enumerate(dict.fromkeys(atom for atom in atoms_of(value) if isinstance(atom, Power))):
        value = replaced(value, power, 1 + symbol(f"power@{at}"))
    return value


def atoms_of(value: Value) -> Iterator[Atom]:
    """Yield every atom of a value, those inside of others included."""
    for monomial in value.terms if isinstance(value, Formula) else ():
        for atom, _ in monomial:
            yield atom
            for argument in atom.arguments if isinstance(atom, Compound) else ():
                yield from atoms_of(argument)


def _inverted(value: Value) -> Iterator[Value]:
    """Yield what stands with a negative exponent, at any depth."""
    for monomial in value.terms if isinstance(value, Formula) else ():
        for atom, exponent in monomial:
            if exponent < 0:
                yield atom.formula
            for argument in atom.arguments if isinstance(atom, Compound) else ():
                yield from _inverted(argument)


def divisors_of(expression: Expression, lookup: Lookup) -> tuple[Value, ...]:
    """Return what the text divides by, wherever it does; what cancels later must not be zero either."""
    found: list[Value] = []
    for node in ast.walk(expression.tree):
        if not isinstance(node, ast.BinOp):
            continue
        if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            found.append(Expression(expression.text, node.right).evaluate(lookup))
        elif isinstance(node.op, ast.Pow):
            exponent = Expression(expression.text, node.right).evaluate(lookup)
            if not isinstance(exponent, Formula) and exponent < 0:
                found.append(Expression(expression.text, node.left).evaluate(lookup))
    return tuple(each for each in dict.fromkeys(found) if isinstance(each, Formula))


def replaced(value: Value, atom: Atom, by: Value) -> Value:
    """Return the value with an atom replaced at every depth."""
    if not isinstance(value, Formula):
        return value
    total: Value = 0
    for monomial, coefficient in value.terms.items():
        term: Value = coefficient
        for each, exponent in monomial:
            if each == atom:
                held = by
            elif isinstance(each, Compound):
                held = each.make(*(replaced(argument, atom, by) for argument in each.arguments))
            else:
                held = each.formula
            term = term * raise_to(held, exponent)
        total = total + term
    return total
