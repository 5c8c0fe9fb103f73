"""Powers with a symbol in the exponent: from n to n + 1."""

from __future__ import annotations

from collections.abc import Iterator

from convmath.formula import Value, bind, cleared, ratio, symbol
from convmath.formula.atoms import Floor, Power, Symbol
from convmath.formula.terms import terms_of
from convmath.verification.proof.question import TRUE, Answer, Question, atoms_of, replaced, well_defined


def by_induction(question: Question) -> Answer | None:
    """Return that both sides are equal where that holds for the least n, and at n + 1 if it holds at n.

    The hypothesis, that the difference is zero, is solved for a floor that stands alone,
    and put into the difference at n + 1; canonical forms decide both steps.
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
    """Return the symbols that stand in an exponent."""
    powers = [atom.names for atom in atoms_of(value) if isinstance(atom, Power)]
    return frozenset().union(*powers)


def _steps(difference: Value, name: str) -> bool:
    after = bind(difference, {name: symbol(name) + 1})
    return any(replaced(after, floor, held) == 0 for floor, held in _hypotheses(difference))


def _hypotheses(difference: Value) -> Iterator[tuple[Floor, Value]]:
    """Yield each floor that stands alone in the difference, and what it is where the difference is zero."""
    for monomial, coefficient in terms_of(difference).items():
        if len(monomial) == 1 and isinstance(monomial[0][0], Floor) and monomial[0][1] == 1:
            floor = monomial[0][0]
            held = ratio(coefficient * floor.formula - difference, coefficient)
            others = [atom for atom in atoms_of(held) if not isinstance(atom, Symbol)]
            if floor not in others:
                yield floor, held
