"""Polynomials in symbols and in floors with constant divisors: finitely many points decide."""

from __future__ import annotations

from math import prod

from convmath.formula import bind
from convmath.verification.proof.points import affordable, compare_at
from convmath.verification.proof.polynomial import pieces_of
from convmath.verification.proof.question import Answer, Question, well_defined


def by_grid(question: Question) -> Answer | None:
    """Decide on M*(D + 1) consecutive values of each parameter.

    On each residue class modulo M the difference of both sides is a polynomial of degree D
    or less in the parameter, so D + 1 zeros make it zero on the class. One parameter after
    the other, the zeros on the grid become zeros everywhere. Every point is computed from
    the claim as it is written.
    """
    if question.relation != "==":
        return None
    for known in question.region.parametrizations():
        pieces = pieces_of(bind(question.claimed, known), bind(question.derived, known))
        if pieces is None or not well_defined(question, known):
            continue
        sides = {name: range(modulus * (pieces.degrees[name] + 1)) for name, modulus in pieces.moduli.items()}
        answer = compare_at(question, known, sides) if affordable(question, prod(map(len, sides.values()))) else None
        if answer is not None:
            return answer
    return None
