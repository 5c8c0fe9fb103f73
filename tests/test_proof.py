"""Proofs of claims: what is proved is true at every integer tried, and false claims are never proved."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath.errors import ConvmathError
from convmath.formula import bind, cleared, symbol
from convmath.report import Condition
from convmath.spec.expressions import Expression, parse_condition, parse_expression
from convmath.spec.graph import SymbolInfo
from convmath.verification.proof import METHODS, prove
from convmath.verification.proof.canonical import canonical_form
from convmath.verification.proof.evaluation import function_of
from convmath.verification.proof.polynomial import pieces_of
from convmath.verification.proof.question import TRUE as PROVED
from convmath.verification.proof.question import Question, obligations_of, well_defined
from convmath.verification.proof.region import Region

# Questions, written as text on both sides.


def condition(text: str) -> list[Condition]:
    found = []
    for each in parse_condition(text):
        tree, right = each.left.tree, each.right.evaluate(symbol)
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mod):
            left, modulus = (Expression("", side).evaluate(symbol) for side in (tree.left, tree.right))
            found.append(Condition(left, each.relation, right, modulus))
        else:
            found.append(Condition(each.left.evaluate(symbol), each.relation, right))
    return found


def question(claimed: str, derived: str, *where: str, least: dict[str, int] | None = None) -> Question:
    left, right = parse_expression(claimed), parse_expression(derived)
    sides = [side for text in where for each in parse_condition(text) for side in (each.left, each.right)]
    names = sorted(left.names.union(right.names, *(side.names for side in sides)))
    symbols = tuple(SymbolInfo(name, (least or {}).get(name, 1)) for name in names)
    conditions = tuple(each for text in where for each in condition(text))
    return Question(
        says=without_errors(left),
        claimed=left.evaluate(symbol),
        derived=right.evaluate(symbol),
        needs=obligations_of(left, symbol),
        region=Region(symbols, conditions),
    )


def without_errors(expression: Expression) -> Callable[..., object]:
    def says(at: dict[str, int]) -> object:
        try:
            return expression.evaluate(at.__getitem__)
        except ConvmathError as error:
            raise ZeroDivisionError from error

    return says


def refuted_somewhere(asked: Question, most: int = 9) -> bool:
    names = [each.name for each in asked.region.symbols]
    points = product(*(range(each.minimum, each.minimum + most) for each in asked.region.symbols))
    return any(asked.refuted_by(dict(zip(names, point, strict=True))) for point in points)


# True claims, each with the methods that decide it.

TRUE = [
    ("period", "ceil(H/4)", "(H + 3)//4"),
    ("period", "H - H//2", "(H + 1)//2"),
    ("period", "floor(floor(floor(H/2)/2)/2)", "H//8"),
    ("period", "((H - 11)//4 + 1 - 3)//2 + 1", "(H - 11)//8", "H >= 63"),
    ("period", "2*floor(H/2)", "H", "H % 2 == 0"),
    ("period", "H//2", "(H - 1)//2", "H % 2 == 1"),
    ("grid", "(M*p*q + 1)*K", "K + K*M*p*q"),
    ("grid", "(n**2 + 1)*m**2", "m*m + (n*m)**2"),
    ("grid", "floor(H/2)*floor(W/2)", "((H + 2)//2 - 1)*((W - 2)//2 + 1)"),
    ("grid", "H*W//2", "H*floor(W/2)", "W % 2 == 0"),
    ("canonical", "ceil((H - h + 1)/s)", "(H - h)//s + 1", "h <= H"),
    ("canonical", "ceil((H - h)/s + 1)", "(H - h)//s + 1", "(H - h) % s == 0", "h <= H"),
    ("canonical", "(H - h)/s + 1", "(H - h)//s + 1", "(H - h) % s == 0", "h <= H"),
    ("canonical", "floor((H + 2*p - h)/s) + 1", "(H + 2*p - h + s)//s", "h <= H + 2*p"),
    ("canonical", "ceil(ceil(H/s)/t)", "ceil(H/(s*t))"),
    ("canonical", "max(floor(H/s), floor(W/s))", "max(H, W)//s"),
    ("canonical", "min(H, W) + max(H, W)", "H + W"),
    ("period", "max(H - h, 0)", "H - h", "h <= H"),
    ("canonical", "floor(floor(H/2**n)/2)", "H//2**(n + 1)"),
    ("canonical", "C/g*K", "C*K/g", "C % g == 0"),
    ("canonical", "floor(h/(h + H))", "0"),
    ("induction", "floor((4**n - 1)/3)", "(4**n - 1)/3"),
    ("induction", "floor((9**n - 1)/8)", "(9**n - 1)/8"),
    ("canonical", "sum(2**j*K, j, 0, n - 1)", "(2**n - 1)*K"),
    ("induction", "sum(floor(L/2**(j + 1)), j, 0, n - 1)", "sum(floor(L/2**j), j, 1, n)"),
    ("induction", "sum(ceil(L/2**j), j, 0, n - 1)", "n + sum(floor((L - 1)/2**i), i, 0, n - 1)"),
]
BY_SOLVER = [
    ("H//s", "(H - 1)//s", "H % s != 0"),
    ("ceil(H/s)", "H//s + min(1, H % s)"),
    ("floor(H/s)*floor(W/t)", "((H - 1)//s)*((W - 1)//t)", "H % s != 0", "W % t != 0"),
    ("H - s*floor(H/s)", "0", "H % s == 0"),
]


@pytest.mark.parametrize("claim", TRUE, ids=lambda claim: f"{claim[1]} = {claim[2]}")
def test_true_claims_are_proved_and_the_method_is_named(claim: tuple[str, ...]) -> None:
    method, claimed, derived, *where = claim

    assert prove(question(claimed, derived, *where)) == (method, PROVED)
    assert not refuted_somewhere(question(claimed, derived, *where), 5)


@pytest.mark.solver
@pytest.mark.parametrize("claim", BY_SOLVER, ids=lambda claim: f"{claim[0]} = {claim[1]}")
def test_z3_decides_what_the_other_methods_leave_open(claim: tuple[str, ...]) -> None:
    asked = question(*claim)

    assert METHODS["z3"](asked) == PROVED
    assert not refuted_somewhere(asked, 5)


@pytest.mark.solver
@pytest.mark.parametrize("claim", [claim for claim in TRUE if "**n" not in claim[1]], ids=lambda claim: claim[1])
def test_z3_agrees_with_the_other_methods(claim: tuple[str, ...]) -> None:
    assert METHODS["z3"](question(*claim[1:])) in (PROVED, None)


# False claims: no method may prove any.

FALSE = [
    ("ceil((H - h)/s + 1)", "(H - h)//s + 1", "h <= H"),
    ("floor(H/4)", "ceil(H/4)"),
    ("(H - 31)//32", "((H - 11)//4 - 9)//8"),
    ("(M*p*q + 1)*K", "M*p*q*K + 1"),
    ("(s - k)//k", "(k - s)//s"),
    ("2*floor(H/2)", "H"),
    ("floor(H/2)*floor(W/2)", "floor(H*W/4)"),
    ("max(H, W)", "H + W - 1"),
    ("H*s/s + 1//H", "H"),
    ("floor((4**n - 1)/5)", "(4**n - 1)/5"),
    ("2**n", "n + 1"),
    ("H % 64", "H"),
    ("min(H, 30)", "H"),
    ("gcd(H, W)", "min(H, W)"),
]


@pytest.mark.parametrize("claim", FALSE, ids=lambda claim: f"{claim[0]} = {claim[1]}")
@pytest.mark.parametrize("method", METHODS)
def test_no_method_proves_what_is_false(method: str, claim: tuple[str, ...]) -> None:
    asked = question(*claim)

    try:
        answer = METHODS[method](asked)
    except (ConvmathError, ZeroDivisionError):
        answer = None

    assert answer != PROVED
    assert answer is None or asked.refuted_by(answer.counterexample or {})


UNDEFINED = [
    ("H*s/s", "H", {"s": 0}),
    ("(H - 500)*H/(H - 500)", "H", {}),
    ("floor((H*p)/(2*p))", "H//2", {"p": 0}),
    ("H + 0*(H//p)", "H", {"p": 0}),
    ("(H - W)**-1*(H - W)", "1", {}),
    ("H % p - H + p*(H//p)", "0", {"p": 0}),
    ("sum(j, j, 5, n)", "(n*n + n)/2 - 10", {}),
    ("sum((j - 3)*H/(j - 3), j, 1, n)", "n*H", {}),
]


@pytest.mark.parametrize(("claimed", "derived", "least"), UNDEFINED)
def test_what_may_have_no_value_is_not_proved_even_where_that_cancels(
    claimed: str, derived: str, least: dict[str, int]
) -> None:
    assert prove(question(claimed, derived, least=least)) is None


# Random expressions: every step that a proof rests on, held against arithmetic.

SYMBOLS = ("H", "h", "s")
CONDITIONS = ("h <= H", "s <= h", "H >= 3", "(H - h) % s == 0", "H % 2 == 0", "h < H + s", "s == 2", "H - h >= s")
FORMS = (
    "({0} + {1})", "({0} - {1})", "({0} - {1})", "{0}*{1}", "floor({0}/{2})", "ceil({0}/{2})", "(({0} - {1})//{2})",
    "max({0}, {1})", "min({0}, {1})", "({0} % {2})", "ceil(({0} + {1})/{2} + 1)",
)  # fmt: skip


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from([*SYMBOLS, *SYMBOLS, "1", "2", "3", "2**s"]))
    inner = expressions(depth - 1)
    left, right = draw(inner), draw(inner)
    below = draw(st.sampled_from(["2", "3", "4", "s", "s", "(h + 1)", "(2*s)", "(s*h)", "2**s"]))
    form = draw(st.sampled_from(FORMS))
    return form.format(left, right, below)


def values_of(text: str) -> Expression | None:
    try:
        parse_expression(text).evaluate(symbol)
    except ConvmathError:
        return None
    return parse_expression(text)


@settings(max_examples=200)
@given(expressions(), st.lists(st.sampled_from(CONDITIONS), max_size=2, unique=True), st.integers(0, 10**6))
def test_canonical_form(text: str, where: list[str], seed: int) -> None:
    expression = values_of(text)
    if expression is None:
        return
    region = Region(tuple(map(SymbolInfo, SYMBOLS)), tuple(each for one in where for each in condition(one)))
    random = Random(seed)

    for known in region.parametrizations():
        asked = Question(lambda at: 0, expression.evaluate(symbol), 0, obligations_of(expression, symbol), region)
        if not well_defined(asked, known):
            continue
        try:
            bound = bind(asked.claimed, known)
            top, bottom = cleared(bound)
            canonical = canonical_form(top)
        except ConvmathError:
            continue
        written = {name: function_of(held) for name, held in known.items()}
        form, below, plain = function_of(canonical), function_of(bottom), function_of(asked.claimed)
        for _ in range(25):
            parameters = {name: random.randrange(random.choice((3, 9, 40))) for name in SYMBOLS}
            at = {name: find(parameters) for name, find in written.items()}
            if max(map(abs, at.values())) > 60:
                continue
            assert form(parameters) == plain(at) * below(parameters), (text, known, at)
            if min(at.values()) >= 0:  # parameters may lead below zero, where the text is simplified otherwise
                assert plain(at) == expression.evaluate(at.__getitem__), (text, at)


@settings(max_examples=100)
@given(expressions(), expressions(), st.lists(st.sampled_from(CONDITIONS), max_size=2, unique=True))
def test_what_is_proved_holds_wherever_it_is_tried(left: str, right: str, where: list[str]) -> None:
    if values_of(left) is None or values_of(right) is None:
        return
    for claimed, derived in ((left, right), (left, f"{left} + {right} - {right}"), (left, f"{left} + 1")):
        if values_of(derived) is None or values_of(claimed) is None:
            continue
        asked = question(claimed, derived, *where)

        found = prove(asked)

        if found is not None and found[1].proved:
            assert not refuted_somewhere(asked, 7), (claimed, derived, where, found[0])
        elif found is not None:
            assert asked.refuted_by(found[1].counterexample or {})


@settings(max_examples=100)
@given(
    expressions(2),
    expressions(2),
    st.sampled_from(("<", "<=", ">", ">=")),
    st.lists(st.sampled_from(CONDITIONS), max_size=2, unique=True),
)
def test_inequalities_that_are_proved_hold_wherever_they_are_tried(
    left: str, right: str, relation: str, where: list[str]
) -> None:
    if values_of(left) is None or values_of(right) is None:
        return
    asked = replace(question(left, right, *where), relation=relation)

    found = METHODS["canonical"](asked)

    if found is not None:
        assert found.proved
        assert not refuted_somewhere(asked, 7), (left, right, relation, where)


@given(st.lists(st.sampled_from(CONDITIONS), max_size=3, unique=True), st.tuples(*[st.integers(1, 9)] * 3))
def test_parameters_reach_every_admissible_integer(where: list[str], point: tuple[int, ...]) -> None:
    region = Region(tuple(map(SymbolInfo, SYMBOLS)), tuple(each for one in where for each in condition(one)))
    at = dict(zip(SYMBOLS, point, strict=True))
    if not region.admits(at):
        return

    for known in region.parametrizations():
        names = [each.name for each in region.seen_from(known).symbols]
        written = {name: function_of(held) for name, held in known.items()}
        wanted = [dict(zip(names, each, strict=True)) for each in product(range(20), repeat=len(names))]
        assert any(all(find(each) == at[name] for name, find in written.items()) for each in wanted)


@given(expressions(2), st.tuples(*[st.integers(1, 12)] * 3))
def test_formulas_evaluate_as_they_are_written(text: str, point: tuple[int, ...]) -> None:
    expression = values_of(text)
    at = dict(zip(SYMBOLS, point, strict=True))
    if expression is not None:
        assert function_of(expression.evaluate(symbol))(at) == expression.evaluate(at.__getitem__)


@pytest.mark.parametrize(
    ("text", "modulus", "degree"),
    [("H", 1, 1), ("H//4", 4, 1), ("(H//2 + 2*H)//3", 6, 1), ("(H//2)*(H//3)", 6, 2), ("H*H//2", 2, 2)],
)
def test_a_formula_is_a_polynomial_on_each_class(text: str, modulus: int, degree: int) -> None:
    value = parse_expression(text).evaluate(symbol)
    function = function_of(value)

    found = pieces_of(value)

    assert found is not None
    assert (found.moduli, found.degrees) == ({"H": modulus}, {"H": degree})
    for residue in range(modulus):
        values = [function({"H": modulus * step + residue}) for step in range(degree + 5)]
        for _ in range(degree + 1):
            values = [after - before for before, after in pairwise(values)]
        assert set(values) == {0}


@pytest.mark.parametrize("text", ["H//s", "max(H, 2)", "H/(s + 1)", "2**H", "1/H"])
def test_other_formulas_are_no_such_polynomials(text: str) -> None:
    assert pieces_of(parse_expression(text).evaluate(symbol)) is None
