"""Powers with a symbol in the exponent, and sums up to one: from n to n + 1."""

from __future__ import annotations

from collections.abc import Iterator

from convmath.formula import Formula, Value, bind, cleared, ratio, symbol
from convmath.formula.atoms import Atom, Floor, Power, SumOver
from convmath.formula.terms import terms_of
from convmath.verification.proof.question import TRUE, Answer, Question, atoms_of, replaced, well_defined


def by_induction(question: Question) -> Answer | None:
    """Return that both sides are equal where that holds for the least n, and at n + 1 if it holds at n.

    The hypothesis, that the difference is zero, is solved for a floor or a sum that stands
    alone, and put into the difference at n + 1, where each sum up to n + 1 is the sum up to
    n and its last term; canonical forms decide both steps.
    """
    if question.relation != "==":
        return None
    for known in question.region.parametrizations():
        if not well_defined(question, known):
            continue
        difference, _ = cleared(bind(question.claimed, known) - bind(question.derived, known))
        for name in sorted(_exponents(difference)):
            if bind(difference, {name: 0}) == 0 and _steps(difference, name):
                return TRUE
    return None


def _exponents(value: Value) -> frozenset[str]:
    """Return the symbols that stand in an exponent, or in the bound of a sum."""
    return frozenset().union(
        *(atom.names for atom in atoms_of(value) if isinstance(atom, Power)),
        *(atom.arguments[3].names for atom in _sums(value) if isinstance(atom.arguments[3], Formula)),
    )


def _sums(value: Value) -> list[SumOver]:
    return [atom for atom in atoms_of(value) if isinstance(atom, SumOver)]


def _steps(difference: Value, name: str) -> bool:
    after = bind(difference, {name: symbol(name) + 1})
    for each in _sums(difference):
        term, index, low, high = each.arguments
        fixed = not any(isinstance(part, Formula) and name in part.names for part in (term, low))
        if fixed and bind(high, {name: symbol(name) + 1}) - high == 1:
            longer = SumOver(term, index, low, high + 1)
            after = replaced(after, longer, each.formula + bind(term, {str(index): high + 1}))
    return any(replaced(after, atom, held) == 0 for atom, held in _hypotheses(difference))


def _hypotheses(difference: Value) -> Iterator[tuple[Atom, Value]]:
    """Yield each floor or sum that stands alone in the difference, and what it is where the difference is zero."""
    for monomial, coefficient in terms_of(difference).items():
        if len(monomial) == 1 and isinstance(monomial[0][0], Floor | SumOver) and monomial[0][1] == 1:
            alone = monomial[0][0]
            held = ratio(coefficient * alone.formula - difference, coefficient)
            if alone not in atoms_of(held):
                yield alone, held
