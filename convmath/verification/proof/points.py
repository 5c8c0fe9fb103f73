"""Both sides at finitely many points, the claim as it is written."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from convmath.formula import Formula, Value
from convmath.verification.proof.evaluation import function_of
from convmath.verification.proof.question import TRUE, Answer, Question

MOST_WORK = 500_000
"""Points times terms; what takes more is left to the other methods."""


def affordable(question: Question, points: int) -> bool:
    """Tell whether so many points can be computed in seconds."""
    return points * question.terms <= MOST_WORK


def compare_at(question: Question, known: Mapping[str, Value], sides: Mapping[str, range]) -> Answer | None:
    """Return whether both sides agree at all points of a box of parameters, or an admissible point where not.

    None where they differ at integers that are not admissible, which the parameters may
    reach. There the claim counts as the formula that it was simplified to, for symbols that
    are zero or more; where these are, also as it is written.
    """
    written = {name: function_of(held) for name, held in known.items()}
    idle = dict.fromkeys(frozenset().union(*(each.names for each in known.values() if isinstance(each, Formula))), 0)
    formula = function_of(question.claimed)
    for values in product(*sides.values()):
        parameters = idle | dict(zip(sides, values, strict=True))
        at = {name: int(find(parameters)) for name, find in written.items()}
        differs = formula(at) != question.derives(at)
        if differs or (min(at.values(), default=0) >= 0 and question.wrong_at(at)):
            return Answer(at) if question.refuted_by(at) else None
    return TRUE
