"""Proofs that a claimed formula equals the derived one at all admissible integers.

Methods are tried in a fixed order, and the first that decides is named. Each covers all
integers that are admissible, never a sample; what none decides is left open.
"""

from __future__ import annotations

from collections.abc import Callable

from convmath.errors import ConvmathError
from convmath.verification.proof.canonical import by_canonical_form
from convmath.verification.proof.grid import by_grid
from convmath.verification.proof.induction import by_induction
from convmath.verification.proof.period import by_period
from convmath.verification.proof.question import Answer, Question
from convmath.verification.proof.solver import by_solver

METHODS: dict[str, Callable[[Question], Answer | None]] = {
    "period": by_period,
    "grid": by_grid,
    "canonical": by_canonical_form,
    "z3": by_solver,
    "induction": by_induction,
}


def prove(question: Question) -> tuple[str, Answer] | None:
    """Return the name of the method that decides and its answer; None where none does."""
    for name, method in METHODS.items():
        try:
            answer = method(question)
        except (ConvmathError, ZeroDivisionError, RecursionError):
            continue  # a formula too large for a method, or without a value somewhere, is not decided by it
        if answer is not None:
            return name, answer
    return None
