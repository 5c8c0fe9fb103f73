"""Formulas against Python's own numbers: whatever is simplified, bound, printed or claimed must keep the value."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from functools import reduce

import pytest
import sympy
from hypothesis import assume, example, given, reject
from hypothesis import strategies as st
from strategies import (
    NAMES,
    Point,
    Tree,
    formula_of,
    integral_trees,
    number_of,
    points,
    small,
    trees,
    written,
)

from convmath.errors import ExpressionError, LimitError
from convmath.formula import (
    Formula,
    Value,
    at_least,
    bind,
    ceil_of,
    cleared,
    floor_of,
    gcd_of,
    is_integral,
    max_of,
    min_of,
    nonnegative,
    power_of,
    product_of,
    ratio,
    single_floor,
    sum_of,
    surely_nonnegative,
    symbol,
)
from convmath.formula.text import write
from convmath.spec.expressions import parse_expression
from convmath.symbolic.sympy_form import to_sympy

H, W, C, K, k, g, n, p, s = (symbol(name) for name in "HWCKkgnps")
EVERYWHERE = [dict(zip(NAMES, each, strict=True)) for each in itertools.product((0, 1, 2, 5, 8), repeat=len(NAMES))]
READING_LIMITS = {"expr-too-long", "expr-too-deep", "expr-too-large", "number-too-long"}


def read(text: str, lookup: Callable[[str], Value] = symbol) -> Value:
    """Return the value of a text; reject what is longer than the grammar takes."""
    try:
        return parse_expression(text).evaluate(lookup)
    except ExpressionError as error:
        if error.code not in READING_LIMITS:
            raise
        reject()


@given(trees, points)
@example(("floor", ("max", ("/", "H", 2), 1)), {"H": 3, "W": 0, "k": 0, "n": 0})
@example(("floor", ("/", "H", ("+", "k", 1))), {"H": 3, "W": 0, "k": 1, "n": 0})
@example(("floor", ("/", ("+", ("*", "H", "W"), 1), ("+", "H", "W"))), {"H": 3, "W": 4, "k": 0, "n": 0})
@example(("//", ("-", 0, "W"), ("-", "H", 5)), {"H": 3, "W": 3, "k": 0, "n": 0})
@example(("gcd", ("-", "H", 5), 0), {"H": 3, "W": 0, "k": 0, "n": 0})
@example(("//", ("//", "H", 2), ("-", "k", 5)), {"H": 1, "W": 0, "k": 4, "n": 0})
@example(("/", ("*", "H", "W"), ("+", ("/", 1, "H"), 1)), {"H": 3, "W": 2, "k": 0, "n": 0})
@example(("/", "H", ("/", 1, ("+", "k", 1))), {"H": 3, "W": 2, "k": 2, "n": 0})
def test_formulas_have_the_values_of_plain_numbers(tree: Tree, point: Point) -> None:
    expected = number_of(tree, point)

    assert bind(formula_of(tree), point) == expected


@given(trees)
def test_a_text_of_numbers_is_a_number_and_whole_ones_are_integers(tree: Tree) -> None:
    expected = number_of(tree, dict.fromkeys(NAMES, 3))

    found = read(written(tree), lambda _: 3)

    assert found == expected
    assert isinstance(found, int) == (expected.denominator == 1)


@given(trees, points, st.sets(st.sampled_from(NAMES)))
def test_partial_binding_then_full_binding_equals_full_binding(tree: Tree, point: Point, first: set[str]) -> None:
    number_of(tree, point)
    formula = formula_of(tree)

    try:
        partly = bind(formula, {name: point[name] for name in first})
    except LimitError:
        reject()

    assert bind(partly, point) == bind(formula, point)


@given(trees, integral_trees, points)
def test_binding_a_formula_composes(tree: Tree, inner: Tree, point: Point) -> None:
    there = number_of(inner, point)
    assume(0 <= there < 50)
    expected = number_of(tree, point | {"H": int(there)})
    formula, replacement = formula_of(tree), formula_of(inner)

    try:
        composed = bind(formula, {"H": replacement})
    except (ExpressionError, LimitError):
        reject()

    assert bind(composed, point) == expected


@given(trees, points)
def test_the_written_formula_is_read_back_with_the_same_values(tree: Tree, point: Point) -> None:
    expected = number_of(tree, point)
    formula = formula_of(tree)

    assert bind(read(write(formula)), point) == expected


@given(trees, points)
def test_the_textbook_form_is_read_back_with_the_same_values(tree: Tree, point: Point) -> None:
    expected = number_of(tree, point)
    formula = formula_of(tree)

    assert bind(read(write(formula, textbook=True)), point) == expected


def sums_of_floors() -> st.SearchStrategy[Tree]:
    """Return what sizes and costs look like: products of floors of shifted sizes, with weights."""
    size = st.tuples(st.just("//"), st.tuples(st.just("+"), st.sampled_from("HWk"), small), st.integers(1, 4))
    factor = st.one_of(size, st.sampled_from("HWkn"), st.tuples(st.just("+"), st.sampled_from("HW"), small))
    product = st.tuples(st.just("*"), factor, factor)
    term = st.one_of(st.tuples(st.just("*"), small, st.one_of(product, factor)), small)
    return st.lists(term, min_size=2, max_size=5).map(lambda terms: reduce(lambda a, b: ("+", a, b), terms))


@given(tree=sums_of_floors(), point=points, textbook=st.booleans())
def test_sums_of_products_of_floors_are_read_back_with_the_same_values(
    *, tree: Tree, point: Point, textbook: bool
) -> None:
    expected = number_of(tree, point)
    formula = formula_of(tree)

    assert bind(formula, point) == expected
    assert bind(read(write(formula, textbook=textbook)), point) == expected


@given(trees, points)
def test_sympy_forms_have_the_same_values(tree: Tree, point: Point) -> None:
    expected = number_of(tree, point)
    form = sympy.sympify(to_sympy(formula_of(tree), {}))

    bound = form.xreplace({each: sympy.Integer(point[each.name]) for each in form.free_symbols})
    bound = bound.replace(sympy.Function("gcd"), lambda a, b: sympy.Integer(math.gcd(int(a), int(b))))

    assert bound == sympy.Rational(expected.numerator, expected.denominator)


@given(integral_trees, points)
def test_sympy_symbols_are_positive_integers_from_1_on(tree: Tree, point: Point) -> None:
    point = {name: number + 1 for name, number in point.items()}
    expected = number_of(tree, point)

    form = sympy.sympify(to_sympy(formula_of(tree), dict.fromkeys(NAMES, 1)))

    assert all(each.is_positive and each.is_integer for each in form.free_symbols)
    bound = form.xreplace({each: sympy.Integer(point[each.name]) for each in form.free_symbols})
    bound = bound.replace(sympy.Function("gcd"), lambda a, b: sympy.Integer(math.gcd(int(a), int(b))))
    assert bound == expected


@given(integral_trees, integral_trees, points)
def test_floor_of_is_the_floor(top: Tree, bottom: Tree, point: Point) -> None:
    a, b = number_of(top, point), number_of(bottom, point)
    assume(b != 0)

    assert bind(floor_of(formula_of(top), formula_of(bottom)), point) == a // b


@given(integral_trees, integral_trees, points)
def test_ceil_of_is_the_ceiling(top: Tree, bottom: Tree, point: Point) -> None:
    a, b = number_of(top, point), number_of(bottom, point)
    assume(b != 0)

    assert bind(ceil_of(formula_of(top), formula_of(bottom)), point) == math.ceil(a / b)


@given(integral_trees, integral_trees, points)
def test_ratio_is_the_exact_quotient(top: Tree, bottom: Tree, point: Point) -> None:
    a, b = number_of(top, point), number_of(bottom, point)
    assume(b != 0)

    assert bind(ratio(formula_of(top), formula_of(bottom)), point) == a / b


@given(st.lists(trees, min_size=1, max_size=4), points)
def test_max_of_is_the_largest_and_min_of_the_smallest(several: list[Tree], point: Point) -> None:
    values = [number_of(each, point) for each in several]
    formulas = [formula_of(each) for each in several]

    try:
        largest, smallest = max_of(*formulas), min_of(*formulas)
    except (ExpressionError, LimitError):
        reject()

    assert bind(largest, point) == max(values)
    assert bind(smallest, point) == min(values)


@given(integral_trees, integral_trees, points)
def test_gcd_of_is_the_greatest_common_divisor(left: Tree, right: Tree, point: Point) -> None:
    expected = math.gcd(int(number_of(left, point)), int(number_of(right, point)))

    assert bind(gcd_of(formula_of(left), formula_of(right)), point) == expected


@given(st.integers(1, 36), integral_trees, points)
def test_power_of_is_the_power(base: int, exponent: Tree, point: Point) -> None:
    there = number_of(exponent, point)
    assume(abs(there) < 40)

    try:
        power = power_of(base, formula_of(exponent))
    except LimitError:
        reject()

    assert bind(power, point) == Fraction(base) ** int(there)


@given(integral_trees, st.integers(-3, 4), points)
def test_a_formula_to_a_whole_power_is_the_power(base: Tree, exponent: int, point: Point) -> None:
    there = number_of(base, point)
    assume(exponent >= 0 or there != 0)

    assert bind(power_of(formula_of(base), exponent), point) == there**exponent


@given(st.lists(trees, max_size=5), points)
def test_sums_and_products_of_many_values(several: list[Tree], point: Point) -> None:
    values = [number_of(each, point) for each in several]
    formulas = [formula_of(each) for each in several]

    assert bind(sum_of(formulas), point) == sum(values)
    assert bind(product_of(formulas), point) == math.prod(values)


@given(trees, points)
def test_what_is_shown_to_be_integral_is_an_integer(tree: Tree, point: Point) -> None:
    there = number_of(tree, point)

    if is_integral(formula_of(tree)):
        assert there.denominator == 1


@given(trees, points)
def test_the_denominator_makes_an_integer(tree: Tree, point: Point) -> None:
    there = number_of(tree, point)
    formula = formula_of(tree)

    top, bottom = cleared(formula)

    assert is_integral(top)
    assert is_integral(bottom)
    assert Fraction(bind(top, point)) / Fraction(bind(bottom, point)) == there


@given(trees, points)
def test_single_floor_gives_the_parts_of_the_value(tree: Tree, point: Point) -> None:
    there = number_of(tree, point)
    parts = single_floor(formula_of(tree))

    if parts is not None:
        a, b, c = (bind(each, point) for each in parts)
        assert b > 0
        assert a // b + c == there


@given(trees, points)
def test_equal_forms_are_equal_and_hash_alike(tree: Tree, point: Point) -> None:
    number_of(tree, point)

    once, again = formula_of(tree), formula_of(tree)

    assert once == again
    assert hash(once) == hash(again)


@given(integral_trees)
@example(("-", ("//", ("+", ("gcd", "H", 6), 1), 4), 1))
@example(("-", ("*", 2, ("//", "H", 2)), "H"))
@example(("-", ("*", "H", ("//", ("-", "W", "k"), 3)), ("*", 2, ("*", ("//", "H", 2), ("//", ("-", "W", "k"), 3)))))
def test_what_is_claimed_nonnegative_is_nowhere_negative(tree: Tree) -> None:
    formula = formula_of(tree)

    claimed = nonnegative(formula), surely_nonnegative(formula)

    if any(claimed):
        assert min(number_of(tree, point) for point in EVERYWHERE) >= 0


@given(sums_of_floors(), st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(0, 6))))
@example(("-", ("*", 2, ("//", ("+", "H", 3), 2)), "H"), {"H": 1, "W": 1, "k": 1, "n": 1})
def test_what_is_surely_nonnegative_is_nowhere_negative_from_the_least_values_on(tree: Tree, least: Point) -> None:
    formula = formula_of(tree)

    if surely_nonnegative(formula, least):
        there = (number_of(tree, {name: low + point[name] for name, low in least.items()}) for point in EVERYWHERE)
        assert min(there) >= 0


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("H", {}),
        ("H - 3", {"H": 3}),
        ("2*floor((H + 3)/2) - H", {}),
        ("H - 2*floor(H/2)", {}),
        ("H*W - 4*floor(H/2)*floor(W/2)", {}),
        ("floor((H + 6)/7) - 1", {"H": 1}),
        ("max(H, 5 - W)", {}),
        ("gcd(H - 7, W)", {}),
        ("2**n - 0", {}),
        ("W*2**n + min(H, 3)", {}),
    ],
)
def test_signs_that_must_be_seen(text: str, least: Point) -> None:
    assert surely_nonnegative(read(text), least)


def test_at_least_moves_the_origin() -> None:
    assert at_least(H * W, {"H": 3, "C": 1}) == (H + 3) * W


def test_at_least_leaves_numbers() -> None:
    assert at_least(4, {"H": 3}) == 4


SHAPES = [
    (floor_of(H - 31, 32), "floor((H - 31)/32)"),
    (floor_of(H - 5, 2) + 1, "floor((H - 3)/2)"),
    (38592 * H * W + 221184 * floor_of(H, 2) * floor_of(W, 2), "38592*H*W + 221184*floor(H/2)*floor(W/2)"),
    (150 * (H - 4) * (W - 4), "150*(H - 4)*(W - 4)"),
    (K * (C * k**2 / g + 1), "K*(C*k**2/g + 1)"),
    (150 * (H - 4) ** 2 + 840, "150*(H - 4)**2 + 840"),
    (K * (H // 2 - 6) ** 2, "K*floor((H - 12)/2)**2"),
    (H**2 + 2 * H, "H*(H + 2)"),
    (ratio(power_of(4, n) - 1, 3), "(4**n - 1)/3"),
    (H - 32 * floor_of(H + 31, 32) - 126, "H - 32*floor((H + 31)/32) - 126"),
    (ratio(1, H - W), "1/(H - W)"),
    (ratio(H, 2), "H/2"),
    (ratio(3 * H + 1, 2), "(3*H + 1)/2"),
    (ratio(1, H * W), "1/(H*W)"),
    (-H, "-H"),
    (3 - H, "-H + 3"),
    (2 * power_of(2, n), "2*2**n"),
    (power_of(8, n), "8**n"),
    (power_of(2, n * k), "2**(k*n)"),
    (max_of(H, W), "max(H, W)"),
    (max_of(ratio(H, 2), 1), "max(H, 2)/2"),
    (gcd_of(H, 6), "gcd(H, 6)"),
    (floor_of(H, k), "floor(H/k)"),
    (ceil_of(H, k), "floor((H - 1)/k) + 1"),
    (floor_of(H + 2 * p - k, s) + 1, "floor((H + 2*p - k)/s) + 1"),
    (H % 4, "H - 4*floor(H/4)"),
    (0, "0"),
    (-7, "-7"),
    (Fraction(-3, 4), "-3/4"),
]


@pytest.mark.parametrize(("value", "text"), SHAPES, ids=[text for _, text in SHAPES])
def test_shapes_that_matter_are_written_so(value: Value, text: str) -> None:
    assert write(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ceil_of(H, 32), "ceil(H/32)"),
        (ceil_of(H - 4, 2), "floor((H - 3)/2)"),
        (H - 32 * ceil_of(H, 32) - 126, "H - 32*ceil(H/32) - 126"),
        (floor_of(H, 2), "floor(H/2)"),
    ],
)
def test_textbooks_write_ceilings(value: Value, text: str) -> None:
    assert write(value, textbook=True) == text


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (floor_of(floor_of(H, 2), 3), floor_of(H, 6)),
        (floor_of(floor_of(H - 1, 2) + 1, 2), floor_of(H + 1, 4)),
        (floor_of(6 * H + 3, 4), H + floor_of(2 * H + 3, 4)),
        (floor_of(2 * H + 1, 2), H),
        (floor_of(-H, 2), -floor_of(H + 1, 2)),
        (floor_of(H * W, W), H),
        (power_of(4, n), power_of(2, n) ** 2),
        (power_of(2, n + 1), 2 * power_of(2, n)),
        (max_of(H, H + 1), H + 1),
        (max_of(H, 0), H),
        (min_of(H, H + 1, W + H), H),
        (ratio(H**2 - 1, H - 1), H + 1),
        (gcd_of(H, 1), 1),
        (gcd_of(H, 0), H),
    ],
    ids=str,
)
def test_simplifications_that_are_relied_on(value: Value, same: Value) -> None:
    assert value == same


@pytest.mark.parametrize("divisor", [0, H - H])
def test_divisions_by_zero_are_refused(divisor: Value) -> None:
    with pytest.raises(ZeroDivisionError):
        floor_of(H, divisor)
    with pytest.raises(ZeroDivisionError):
        ratio(H, divisor)


@pytest.mark.parametrize(
    ("base", "exponent", "code"),
    [
        (H, n, "bad-power"),
        (0, n, "bad-power"),
        (-2, n, "bad-power"),
        (2, H / 2, "bad-power"),
        (2, Fraction(1, 2), "bad-power"),
    ],
)
def test_powers_that_have_no_meaning_are_refused(base: Value, exponent: Value, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        power_of(base, exponent)

    assert caught.value.code == code


def test_the_common_divisor_of_fractions_is_refused() -> None:
    with pytest.raises(ExpressionError, match="gcd needs integers, not H/2 and 3"):
        gcd_of(ratio(H, 2), 3)


def test_extremes_over_a_divisor_of_unknown_sign_are_refused() -> None:
    with pytest.raises(ExpressionError, match="never negative"):
        max_of(ratio(W, H - 5), 1)


@pytest.mark.parametrize(
    "value", [power_of(2, n), power_of(H, 64) ** 64, power_of(2, n * 10**9), power_of(3, H) - 1], ids=str
)
def test_numbers_too_large_to_be_meant_are_refused_before_they_are_computed(value: Formula) -> None:
    with pytest.raises(LimitError, match="4096 bits"):
        value.bind({"n": 10**17, "H": 10**17})


def test_a_product_of_too_many_terms_is_refused() -> None:
    broad = (sum_of(symbol(f"x{at}") for at in range(30)) + 1) ** 2

    with pytest.raises(LimitError, match="terms is too large"):
        broad * broad


def test_a_number_too_large_to_print_is_refused() -> None:
    with pytest.raises(LimitError, match="too large to print"):
        write(1 << 5000)


@given(trees)
def test_written_trees_are_read_as_they_are_computed(tree: Tree) -> None:
    point = dict(zip(NAMES, (5, 3, 2, 1), strict=True))
    expected = number_of(tree, point)
    formula_of(tree)

    assert bind(read(written(tree)), point) == expected
