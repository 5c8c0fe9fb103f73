"""What a proof is asked, and what it answers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from convmath.formula import Formula, Value, bind, surely_nonnegative, symbol
from convmath.formula.atoms import Atom, Compound, Floor, Inverse, Power, SumOver
from convmath.formula.terms import Number, raise_to, terms_of
from convmath.report import RELATIONS
from convmath.spec.expressions import Expression, Lookup
from convmath.verification.proof.evaluation import Function, Point, function_of
from convmath.verification.proof.region import Region


@dataclass(frozen=True, slots=True)
class Obligations:
    """What a text needs to have a value, and the value of its simplified form.

    No divisor may be zero, even where it cancels; and a sum must have no bound more than
    one below its other, for its closed form goes on below, and the sum is zero there.
    """

    divisors: tuple[Value, ...] = ()
    counts: tuple[Value, ...] = ()

    def bind(self, values: Mapping[str, Value]) -> Obligations:
        """Return the same in other symbols."""
        divisors, counts = ([bind(each, values) for each in held] for held in (self.divisors, self.counts))
        return Obligations(tuple(divisors), tuple(counts))


@dataclass(frozen=True)
class Question:
    """Whether what is derived equals what is claimed, wherever the region admits the integers.

    ``says`` is the claim as it is written, evaluated term by term; ``claimed`` is the same
    as a formula, and ``needs`` is what the text must meet to have its value.
    """

    says: Callable[[Point], Number]
    claimed: Value
    derived: Value
    needs: Obligations
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

    The laws of formulas assume both. Inside a sum, the index must be zero or more, and no
    symbol of the claim.
    """
    below = list(question.needs.divisors)
    never_negative: list[Value] = list(question.needs.counts)
    names = {each.name for each in question.region.symbols}
    for atom in (*_every_atom(question.claimed), *_every_atom(question.derived)):
        if isinstance(atom, SumOver):
            if str(atom.arguments[1]) in names:
                return False
            never_negative += [atom.arguments[2], atom.arguments[3] - atom.arguments[2] + 1]
        elif isinstance(atom, Floor):
            below.append(atom.arguments[1])
        elif isinstance(atom, Inverse):
            below.append(atom.arguments[0])
        elif isinstance(atom, Power):
            never_negative.append(atom.arguments[1])
    for each in (question.claimed, question.derived):
        below.extend(_inverted(each))
    if not all(surely_nonnegative(bind(each, known)) for each in never_negative):
        return False
    bound = [_with_powers_from_one(bind(each, known)) for each in below]
    return all(surely_nonnegative(each - 1) or surely_nonnegative(-each - 1) for each in bound)


def _with_powers_from_one(value: Value) -> Value:
    """Return the value with each power, which is at least 1, written as 1 plus what it has more."""
    for at, power in enumerate(dict.fromkeys(atom for atom in atoms_of(value) if isinstance(atom, Power))):
        value = replaced(value, power, 1 + symbol(f"power@{at}"))
    return value


def atoms_of(value: Value) -> Iterator[Atom]:
    """Yield every atom of a value, those inside of others included, except of sums: there the index counts."""
    for monomial in value.terms if isinstance(value, Formula) else ():
        for atom, _ in monomial:
            yield atom
            for argument in atom.arguments if isinstance(atom, Compound) and not isinstance(atom, SumOver) else ():
                yield from atoms_of(argument)


def _every_atom(value: Value) -> Iterator[Atom]:
    """Yield every atom of a value, those inside of sums included."""
    for atom in atoms_of(value):
        yield atom
        for argument in atom.arguments if isinstance(atom, SumOver) else ():
            yield from _every_atom(argument)


def _inverted(value: Value) -> Iterator[Value]:
    """Yield what stands with a negative exponent, at any depth."""
    for monomial in value.terms if isinstance(value, Formula) else ():
        for atom, exponent in monomial:
            if exponent < 0:
                yield atom.formula
            for argument in atom.arguments if isinstance(atom, Compound) else ():
                yield from _inverted(argument)


def obligations_of(expression: Expression, lookup: Lookup) -> Obligations:
    """Return what an expression needs; the index of a sum counts as its least value and something more."""
    divisors: list[Value] = []
    counts: list[Value] = []

    def visit(tree: ast.AST, names: Lookup) -> None:
        match tree:
            case ast.Call(func=ast.Name(id="sum"), args=[term, ast.Name(id=index), low, high]):
                first, last = (Expression(expression.text, each).evaluate(names) for each in (low, high))
                counts.append(last - first + 1)
                within = first + symbol(f"{index}@sum")
                visit(term, lambda name: within if name == index else names(name))
                visit(low, names)
                visit(high, names)
                return
            case ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Mod(), right=divisor):
                divisors.append(Expression(expression.text, divisor).evaluate(names))
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                power = Expression(expression.text, exponent).evaluate(names)
                if not isinstance(power, Formula) and power < 0:
                    divisors.append(Expression(expression.text, base).evaluate(names))
        for child in ast.iter_child_nodes(tree):
            visit(child, names)

    visit(expression.tree, lookup)
    return Obligations(tuple(dict.fromkeys(divisors)), tuple(dict.fromkeys(counts)))


def replaced(value: Value, atom: Atom, by: Value) -> Value:
    """Return the value with an atom replaced at every depth, sums left as they are."""
    if not isinstance(value, Formula):
        return value
    total: Value = 0
    for monomial, coefficient in value.terms.items():
        term: Value = coefficient
        for each, exponent in monomial:
            if each == atom:
                held = by
            elif isinstance(each, Compound) and not isinstance(each, SumOver):
                held = each.make(*(replaced(argument, atom, by) for argument in each.arguments))
            else:
                held = each.formula
            term = term * raise_to(held, exponent)
        total = total + term
    return total
