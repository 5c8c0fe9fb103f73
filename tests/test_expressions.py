"""The expression grammar: what it reads, what it refuses, and that nothing in it is ever run."""

from __future__ import annotations

import ast
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import NAMES, Point, Tree, number_of, points, trees, written

from convmath.errors import ExpressionError, LimitError
from convmath.formula import Value, symbol
from convmath.spec.expressions import FUNCTIONS, RESERVED, is_name, parse_condition, parse_expression

VALUES = {"a": 7, "b": -3, "c": 2, "H": 32, "in_channels": 64}


def value_of(text: str) -> Value:
    return parse_expression(text).evaluate(VALUES.__getitem__)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("000", None),
        ("a", 7),
        ("  a +  1 ", 8),
        ("\ta", 7),
        ("a + b*c", 1),
        ("(a + b)*c", 8),
        ("a - b - c", 8),
        ("a/c", Fraction(7, 2)),
        ("a/c*2", 7),
        ("1/2 + 1/2", 1),
        ("a//c", 3),
        ("b//c", -2),
        ("a//b", -3),
        ("a % b", -2),
        ("b % a", 4),
        ("-a", -7),
        ("+a", 7),
        ("--a", 7),
        ("- -a", 7),
        ("-2**2", -4),
        ("(-2)**2", 4),
        ("2**-1", Fraction(1, 2)),
        ("2**3**2", 512),
        ("-a//c", -4),
        ("-a % c", 1),
        ("min(a, b, c)", -3),
        ("max(a)", 7),
        ("max(a, b, c)", 7),
        ("gcd(12, 18)", 6),
        ("gcd(-12, 18)", 6),
        ("gcd(0, 0)", 0),
        ("ceil(a/c)", 4),
        ("ceil(b/c)", -1),
        ("floor(a/c)", 3),
        ("floor(b/c)", -2),
        ("in_channels//4", 16),
        ("999999999999999999", 10**18 - 1),
        ("2**4095", 2**4095),
        ("1**999999999999999999", 1),
        ("(-1)**999999999999999999", -1),
        ("0**5", 0),
        ("H/4*H/8", 32),
    ],
)
def test_values(text: str, value: Value | None) -> None:
    if value is None:
        with pytest.raises(ExpressionError):
            value_of(text)
        return

    found = value_of(text)

    assert found == value
    assert isinstance(found, int) == isinstance(value, int)


@given(trees, points)
def test_texts_have_the_values_of_plain_arithmetic(tree: Tree, point: Point) -> None:
    expected = number_of(tree, point)

    try:
        found = parse_expression(written(tree)).evaluate(point.__getitem__)
    except ExpressionError as error:
        assert error.code in ("expr-too-large", "expr-too-deep", "expr-too-long")  # noqa: PT017
    else:
        assert found == expected


@given(trees)
def test_the_names_of_an_expression_are_its_symbols(tree: Tree) -> None:
    text = written(tree)

    names = parse_expression(text).names

    assert names == {
        name for name in NAMES if name in {each.id for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Name)}
    }


HOSTILE = [
    ("", "empty-expression", 1),
    ("   ", "empty-expression", 1),
    ("()", "bad-expression", 1),
    ("H,", "bad-expression", 1),
    ("H W", "bad-expression", 3),
    ("__import__('os').system('id')", "bad-character", 12),
    ("__import__(os)", "unknown-function", 1),
    ("eval(H)", "unknown-function", 1),
    ("H + exec(W)", "unknown-function", 5),
    ("  H + exec(W)", "unknown-function", 7),
    ("open(H)", "unknown-function", 1),
    ("lambda: 1", "bad-character", 7),
    ("H if W else 1", "bad-expression", 1),
    ("[1]", "bad-character", 1),
    ("{1}", "bad-character", 1),
    ("'a'", "bad-character", 1),
    ('"a"', "bad-character", 1),
    ("H.real", "bad-character", 2),
    ("H[0]", "bad-character", 2),
    ("f'{H}'", "bad-character", 2),
    ("max()", "bad-call", 1),
    ("1 + max()", "bad-call", 5),
    ("max(*H)", "bad-expression", 5),
    ("max(H, key=W)", "bad-character", 11),
    ("max(H for H in W)", "bad-expression", 4),
    ("max((H, W))", "bad-expression", 5),
    ("gcd(1)", "bad-call", 1),
    ("gcd(1, 2, 3)", "bad-call", 1),
    ("floor(1, 2)", "bad-call", 1),
    ("min(H)(3)", "bad-expression", 1),
    ("5(3)", "bad-expression", 1),
    ("in_channels()", "unknown-function", 1),
    ("sum(H)", "unknown-function", 1),
    ("1_000", "bad-number", 1),
    ("H*0x10", "bad-number", 3),
    ("0b1", "bad-number", 1),
    ("0o7", "bad-number", 1),
    ("007", "bad-number", 1),
    ("1.5", "bad-number", 1),
    ("1e3", "bad-number", 1),
    ("5e6", "bad-number", 1),
    ("1e999", "bad-number", 1),
    ("5j", "bad-number", 1),
    ("1if H else 2", "bad-number", 1),
    ("0in W", "bad-number", 1),
    ("²", "bad-character", 1),
    ("H²", "bad-character", 2),
    ("٣", "bad-character", 1),
    ("1٣", "bad-character", 2),
    ("Η", "bad-character", 1),
    ("𝐇", "bad-character", 1),
    ("\u202eH", "bad-character", 1),
    ("\ufeffH", "bad-character", 1),
    ("H\x00", "bad-character", 2),
    ("H\n+ 1", "bad-character", 2),
    ("H\x0c+ 1", "bad-character", 2),
    ("H#c", "bad-character", 2),
    ("H := 1", "bad-character", 3),
    ("x=1", "bad-character", 2),
    ("H@W", "bad-character", 2),
    ("~H", "bad-character", 1),
    ("H^W", "bad-character", 2),
    ("H|W", "bad-character", 2),
    ("H<<2", "bad-expression", 1),
    ("H < W", "bad-expression", 1),
    ("1 + (H < W)", "bad-expression", 6),
    ("not H", "bad-expression", 1),
    ("H and W", "bad-expression", 1),
    ("yield H", "bad-expression", 1),
    ("await H", "bad-expression", 1),
    ("import os", "bad-expression", 1),
    ("True", "bad-expression", 1),
    ("None", "bad-expression", 1),
    ("H + True", "bad-expression", 5),
    ("H)", "bad-expression", 2),
    ("H) + (W", "bad-expression", 2),
    ("(H", "unclosed", 1),
    ("H +", "bad-expression", 1),
    ("H***W", "bad-expression", 4),
    ("  H***W", "bad-expression", 6),
    ("min", "bad-name", 1),
    ("H + floor", "bad-name", 5),
    ("max(gcd)", "bad-name", 5),
]


@pytest.mark.parametrize(("text", "code", "column"), HOSTILE, ids=[repr(text) for text, _, _ in HOSTILE])
def test_hostile_texts_are_refused_with_a_column(text: str, code: str, column: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)

    assert (caught.value.code, caught.value.column) == (code, column)
    assert caught.value.exit_status == 3


LIMITS = [
    ("1" * 19, "number-too-long", 1),
    ("H + " + "1" * 19, "number-too-long", 5),
    ("1" * 400, "number-too-long", 1),
    ("a" * 65, "bad-name", 1),
    ("H" + " " * 500, "expr-too-long", 1),
    ("1+" * 249 + "11+1", "expr-too-long", 1),
    ("1+" * 100 + "1", "expr-too-deep", 201),
    ("-" * 199 + "1", "expr-too-deep", 52),
    ("-" * 400 + "1", "expr-too-deep", 201),
    ("(" * 51 + "H" + ")" * 51, "expr-too-deep", 51),
    ("(" * 3000 + "H" + ")" * 3000, "expr-too-long", 1),
]


@pytest.mark.parametrize(("text", "code", "column"), LIMITS, ids=[text[:20] for text, _, _ in LIMITS])
def test_texts_over_a_limit_are_refused(text: str, code: str, column: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)

    assert (caught.value.code, caught.value.column) == (code, column)


@pytest.mark.parametrize(
    "text",
    ["1" * 18, "a" * 64, "H" + " " * 499, "(" * 50 + "H" + ")" * 50, "-" * 50 + "1", "+".join("H" * 50)],
    ids=["digits", "name", "characters", "brackets", "signs", "terms"],
)
def test_texts_at_a_limit_are_read(text: str) -> None:
    parse_expression(text).evaluate(symbol)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "10**5000",
        "2**4096",
        "2**-9999",
        "((((9**8)**8)**8)**8)**8",
        "9**99999999999999999",
        "H**65",
        "H**-65",
        "2**H**9999",
        "(2**4000)*(2**4000)",
        "H*2**4000*2**4000",
    ],
)
def test_powers_too_large_to_be_meant_are_refused_before_they_are_computed(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text).evaluate(symbol)

    assert caught.value.code == "expr-too-large"


@pytest.mark.parametrize("text", ["H**H", "H**W", "(-2)**H", "0**H", "2**(H/2)", "2**(1/2)"])
def test_powers_that_have_no_exact_value_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text).evaluate(symbol)

    assert caught.value.code == "bad-power"


@pytest.mark.parametrize(
    ("text", "column"), [("1/0", 1), ("H//0", 1), ("H % 0", 1), ("1 + H//(2 - 2)", 5), ("0**-1", 1), ("  7/(H - H)", 3)]
)
def test_divisions_by_zero_are_refused_with_a_column(text: str, column: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text).evaluate(symbol)

    assert (caught.value.code, caught.value.column) == ("division-by-zero", column)


def test_unclosed_brackets_speak_of_braces() -> None:
    with pytest.raises(ExpressionError, match="lacks 2 closing brackets") as caught:
        parse_expression("max(1, (c//4")

    assert caught.value.help == "inside { } a comma ends a plain value: quote the whole expression"


@pytest.mark.parametrize("name", ["H", "_", "a1", "in_channels_2", "match", "summed", "a" * 64])
def test_names(name: str) -> None:
    assert is_name(name)
    assert parse_expression(name).evaluate(symbol) == symbol(name)


@pytest.mark.parametrize(
    "name", [*FUNCTIONS, "in_channels", "sum", "if", "True", "lambda", "", "1a", "a b", "a.b", "é", "a" * 65]
)
def test_what_is_no_name(name: str) -> None:
    assert not is_name(name)


def test_the_reserved_words_are_pythons_and_the_grammars_own() -> None:
    assert {"min", "max", "gcd", "ceil", "floor", "sum", "in_channels", "and", "or", "not", "None", "class"} <= RESERVED


Sides = list[tuple[Value, str, Value]]


def sides_of(text: str) -> Sides:
    return [(each.left.evaluate(symbol), each.relation, each.right.evaluate(symbol)) for each in parse_condition(text)]


H, W = symbol("H"), symbol("W")


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("H >= 32", [(H, ">=", 32)]),
        ("  H >= 32", [(H, ">=", 32)]),
        ("H % 32 == 0", [(H % 32, "==", 0)]),
        ("H != W", [(H, "!=", W)]),
        ("1 <= H < W", [(1, "<=", H), (H, "<", W)]),
        ("H > 1 and W <= 2*H", [(H, ">", 1), (W, "<=", 2 * H)]),
        ("H > 1 and W > 1 and 3 > 2", [(H, ">", 1), (W, ">", 1), (3, ">", 2)]),
        ("(H > 1) and (W > 1)", [(H, ">", 1), (W, ">", 1)]),
        ("H <= 5e6", [(H, "<=", 5_000_000)]),
        ("H <= 5E+6", [(H, "<=", 5_000_000)]),
        ("5e6*H <= 1.5e3*10 + 2e3", [(5_000_000 * H, "<=", 17_000)]),
        ("W < 1e3*10 + 2e3", [(W, "<", 12_000)]),
        ("H <= 0.1", [(H, "<=", Fraction(1, 10))]),
        ("H <= 25e-1", [(H, "<=", Fraction(5, 2))]),
        ("H <= 9007199254740993.0", [(H, "<=", 9007199254740993)]),
        ("H <= 1e17 + 1", [(H, "<=", 10**17 + 1)]),
    ],
)
def test_conditions(text: str, sides: Sides) -> None:
    assert sides_of(text) == sides


@given(st.integers(0, 10**12), st.integers(0, 9), st.integers(0, 9))
def test_decimals_are_exact(digits: int, fraction: int, exponent: int) -> None:
    text = f"{digits}.{fraction}e{exponent}"

    [(_, _, right)] = sides_of(f"1 + 2 < {text}")

    assert right == Fraction(digits * 10 + fraction, 10) * 10**exponent


def test_comparisons_are_written_as_they_were() -> None:
    assert [str(each) for each in parse_condition(" H>=32 and 1 <= W < 5e6")] == ["H >= 32", "1 <= W", "W < 5e6"]


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("", "empty-expression", 1),
        ("H", "not-a-condition", 1),
        ("H > 1 and W", "not-a-condition", 11),
        ("H > 1 or W > 1", "not-a-condition", 1),
        ("not H > 1", "not-a-condition", 1),
        ("H in W", "not-a-condition", 1),
        ("H is W", "not-a-condition", 1),
        ("H = 1", "bad-character", 3),
        ("H => 1", "bad-character", 3),
        ("H <> 1", "bad-expression", 3),
        ("H >", "bad-expression", 1),
        ("H == 1_0", "bad-number", 6),
        ("H == 0x10", "bad-number", 6),
        ("H <= 1e9999", "bad-number", 6),
        ("H <= 1.2.3", "bad-number", 6),
        ("H <= 1e", "bad-number", 6),
        ("H <= 12345678901234567890", "number-too-long", 6),
        ("H <= True", "bad-expression", 6),
        ("f(H) < 1", "unknown-function", 1),
        ("1 < f(H)", "unknown-function", 5),
    ],
)
def test_what_is_no_condition_is_refused(text: str, code: str, column: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_condition(text)

    assert (caught.value.code, caught.value.column) == (code, column)


def test_a_huge_decimal_is_refused_when_it_is_used() -> None:
    [comparison] = parse_condition("H <= 1e999*1e999")

    with pytest.raises(ExpressionError, match="4096 bits"):
        comparison.right.evaluate(symbol)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse_expression, parse_condition):
        try:
            read(text)
        except ExpressionError as error:
            assert 1 <= error.column <= max(1, len(text))  # noqa: PT017


alphabet = st.sampled_from(
    ["H", "1", "0", "max", "gcd", "(", ")", ",", "+", "-", "*", "**", "/", "//", "%", " ", "and", "<", "1e5"]
)


@given(st.lists(alphabet, max_size=14).map("".join))
def test_any_text_of_tokens_is_evaluated_or_refused(text: str) -> None:
    try:
        parse_expression(text).evaluate(symbol)
        [each.left.evaluate(symbol) for each in parse_condition(text)]
    except ExpressionError as error:
        assert 1 <= error.column <= max(1, len(text))  # noqa: PT017
    except LimitError as error:
        assert error.problems[0].code == "too-large"  # noqa: PT017
