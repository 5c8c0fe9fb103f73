"""Puts claims on trial: proved for all admissible integers, confirmed on many, or refuted by the smallest."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from convmath.errors import ConvmathError, LimitError, Problem, SpecError, UsageError
from convmath.formula import Value, bind
from convmath.formula.terms import Number
from convmath.quantity import of_network
from convmath.report import CONFIRMED, PROVED, REFUTED, Condition, NetworkReport, Refutation, Trial, Verdict
from convmath.spec.claims import Claim, Claims
from convmath.spec.expressions import Comparison, Expression
from convmath.symbolic.compose import derive
from convmath.verification.measured import measure
from convmath.verification.proof import prove
from convmath.verification.proof.evaluation import Point, function_of
from convmath.verification.proof.points import MOST_WORK
from convmath.verification.proof.question import Question, obligations_of
from convmath.verification.proof.region import Region
from convmath.verification.proof.solver import installed
from convmath.verification.search import LEAST_ORDERED, MOST_ORDERED, MOST_RANDOM, MOST_TRIED, Search, Values

MEASURED = 12
"""So many cases of every claim are also executed."""
MOST_LAYERS = 6000
"""Layers that are executed for a claim: of deep networks fewer cases are."""
AMONG = 240
"""Half of the cases to be executed are the least ones; the others are spread over so many."""
MORE = 10
"""How much longer the smallest counterexample is sought when another one is known."""
NO_SOLVER = "z3 is not installed; with the extra 'proof' (z3-solver) more may be proved"


@dataclass(frozen=True, slots=True)
class Case:
    """A claim with what is derived for it."""

    claim: Claim
    report: NetworkReport
    question: Question
    exact: bool
    """Whether the derived form is the value itself, and not only a bound."""


def try_claims(claims: Claims, progress: Callable[[int], None] | None = None) -> Trial:
    """Return the verdict on every claim.

    Raises ``SpecError`` with the faults of all claims, where a network is invalid or a
    quantity has no formula, before any is tried.
    """
    cases: list[Case] = []
    problems: list[Problem] = []
    for claim in claims.claims:
        try:
            cases.append(_case(claim))
        except LimitError:
            raise
        except SpecError as error:
            problems.extend(error.problems)
    if problems:
        raise SpecError(*problems)
    verdicts = []
    for case in cases:
        verdicts.append(_judge(case))
        if progress is not None:
            progress(1)
    open_ = any(each.verdict == CONFIRMED for each in verdicts)
    return Trial(claims.name, tuple(verdicts), (NO_SOLVER,) if open_ and not installed() else ())


def _case(claim: Claim) -> Case:
    report = derive(claim.network)
    try:
        derived = of_network(claim.quantity, report)
    except UsageError as error:
        raise claim.refuse("bad-quantity", str(error), "quantity") from None
    where = [_condition(each, claim) for each in claim.where]
    question = Question(
        says=_says(claim),
        claimed=claim.formula.evaluate(claim.lookup),
        derived=derived,
        needs=obligations_of(claim.formula, claim.lookup),
        region=Region(claim.symbols, (*report.totals.valid_when, *where)),
        relation=claim.relation,
    )
    steps = claim.quantity.steps
    stated = report.layer(str(steps[1])) if steps[0] == "layers" else report.totals
    return Case(claim, report, question, stated.receptive_field.exact or "receptive_field" not in steps)


def _says(claim: Claim) -> Callable[[Point], Number]:
    """Return the claim as it is written, as a function of integers: nothing is simplified first."""
    names = {name: function_of(claim.names[name]) for name in claim.formula.names}

    def says(at: Point) -> Number:
        try:
            found = claim.formula.evaluate(lambda name: names[name](at))
        except ConvmathError as error:
            if getattr(error, "code", "") == "division-by-zero":
                raise ZeroDivisionError(str(error)) from None
            raise
        return found  # type: ignore[return-value]

    return says


def _condition(comparison: Comparison, claim: Claim) -> Condition:
    """Return a comparison of a file as a condition; ``a % b == c`` keeps its modulus."""
    left, right = comparison.left, comparison.right.evaluate(claim.lookup)
    tree = left.tree
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mod):
        whole, modulus = (Expression(left.text, side).evaluate(claim.lookup) for side in (tree.left, tree.right))
        return Condition(whole, comparison.relation, right, modulus)
    return Condition(left.evaluate(claim.lookup), comparison.relation, right)


def _judge(case: Case) -> Verdict:
    """Search for a counterexample, measure, and prove; in this order, since most wrong claims fail soon."""
    claim, question = case.claim, case.question
    mentioned = tuple(claim.names[name] for name in claim.formula.names)
    search = Search(question.region, (question.claimed, question.derived, *mentioned))
    tried: list[Values] = []
    found, least = _first_wrong(case, search, tried)
    if not tried:
        message = "no integers were found that meet all conditions"
        raise claim.refuse("impossible", message, "where" if claim.where else "layers")
    wanted = max(1, min(MEASURED, MOST_LAYERS // len(claim.network.nodes))) if found is None else 0
    chosen = [*tried[: wanted // 2], *tried[wanted // 2 : AMONG : max(1, AMONG // MEASURED)]][:wanted]
    measured = [(values, seen) for values in chosen if (seen := _measured(case, values)) is not None]
    if found is None and case.exact:
        found, least = next((values for values, seen in measured if seen != question.derives(values)), None), False
    method = None
    if found is None:
        proof = prove(question)
        method = proof[0] if proof is not None and proof[1].proved else None
        if proof is not None and not proof[1].proved:
            found, least = _smaller(search, question, dict(proof[1].counterexample or {}))
    refutation = None if found is None else _refutation(case, found, least=least)
    return Verdict(
        id=claim.id,
        source=claim.source,
        layers=", ".join(dict.fromkeys(node.kind for node in claim.network.nodes)),
        rank=len(claim.network.inputs[0].sizes),
        quantity=claim.quantity.text,
        relation=claim.relation,
        formula=claim.formula.text,
        where=tuple(map(str, claim.where)),
        derived=question.derived,
        verdict=REFUTED if refutation is not None else PROVED if method is not None else CONFIRMED,
        method=method,
        expect=claim.expect,
        cases=len(tried),
        measured=len(measured),
        counterexample=refutation,
    )


def _first_wrong(case: Case, search: Search, tried: list[Values]) -> tuple[Values | None, bool]:
    """Return a counterexample, if there is one among the cases, and whether none is smaller; collect the cases."""
    question = case.question
    affordable = max(LEAST_ORDERED, min(MOST_ORDERED, MOST_WORK // question.terms))
    for values in islice(_computable(search.ordered(), question), affordable):
        tried.append(values)
        if question.wrong_at(values):
            return values, True
    for values in islice(_computable(search.drawn(), question), min(affordable, MOST_RANDOM)):
        tried.append(values)
        if question.wrong_at(values):
            return _smaller(search, question, values)
    return None, True


def _computable(cases: Iterator[Values], question: Question) -> Iterator[Values]:
    """Leave out cases at which a number would be too large to be computed."""
    for values in cases:
        try:
            question.wrong_at(values)
        except ConvmathError:
            continue
        yield values


def _smaller(search: Search, question: Question, found: Values) -> tuple[Values, bool]:
    """Return the smallest counterexample, if a longer search finds it, or one near to it; and whether it is."""
    for values in _computable(search.ordered(MORE * MOST_TRIED), question):
        if question.wrong_at(values):
            return values, True
        if sum(values.values()) > sum(found.values()):
            break
    return search.nearest(found, question.wrong_at), False


def _refutation(case: Case, values: Values, *, least: bool) -> Refutation:
    question = case.question
    return Refutation(
        symbols=values,
        claimed=question.claim_at(values),
        derived=bind(question.derived, values),
        measured=_measured(case, values),
        least=least,
    )


def _measured(case: Case, values: Values) -> Value | None:
    return measure(case.claim.network, case.report, case.claim.quantity, values)
