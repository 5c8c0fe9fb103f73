"""One size symbol, and concrete coefficients: one period decides, completely."""

from __future__ import annotations

from convmath.formula import bind
from convmath.verification.proof.points import affordable, compare_at
from convmath.verification.proof.polynomial import pieces_of
from convmath.verification.proof.question import Answer, Question, well_defined


def by_period(question: Question) -> Answer | None:
    """Decide for words: sums of multiples of one symbol and of floors of them over numbers.

    Both sides grow by a constant from one period P to the next, so their difference does
    too. It is zero everywhere if it is zero from the least value up to and including the
    value P further on: then that constant is zero as well.
    """
    if question.relation != "==":
        return None
    for known in question.region.parametrizations():
        pieces = pieces_of(bind(question.claimed, known), bind(question.derived, known))
        if pieces is None or len(pieces.moduli) > 1 or pieces.total > 1 or not well_defined(question, known):
            continue
        sides = {name: range(period + 1) for name, period in pieces.moduli.items()}
        points = max(map(len, sides.values()), default=1)
        answer = compare_at(question, known, sides) if affordable(question, points) else None
        if answer is not None:
            return answer
    return None
