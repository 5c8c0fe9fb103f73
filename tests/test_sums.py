"""Sums over an index: closed where they can be, exact where they cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import ExpressionError, LimitError
from convmath.formula import Formula, Value, bind, power_of, sum_over, symbol
from convmath.formula.latex import write_latex
from convmath.spec.expressions import parse_expression

AT, N, H = symbol("i"), symbol("n"), symbol("H")


@st.composite
def terms(draw: st.DrawFn) -> Value:
    total: Value = 0
    for _ in range(draw(st.integers(1, 3))):
        term: Value = draw(st.integers(-5, 5)) * AT ** draw(st.integers(0, 3)) * H ** draw(st.integers(0, 2))
        total = total + term * power_of(draw(st.integers(1, 4)), draw(st.integers(0, 2)) * AT)
    return total


def added_up(term: Value, low: int, high: int, size: int) -> Value:
    return sum((bind(term, {"i": at, "H": size}) for at in range(low, high + 1)), start=0)


@given(terms(), st.integers(0, 9), st.integers(1, 7))
def test_a_closed_sum_is_what_adding_up_gives(term: Value, times: int, size: int) -> None:
    closed = sum_over(term, "i", 0, N - 1)

    assert bind(closed, {"n": times, "H": size}) == added_up(term, 0, times - 1, size)
    assert "sum" not in str(closed)


@given(terms(), st.integers(0, 4), st.integers(0, 6))
def test_a_sum_may_begin_anywhere(term: Value, low: int, more: int) -> None:
    closed = sum_over(term, "i", symbol("m"), N)

    assert bind(closed, {"m": low, "n": low + more - 1, "H": 3}) == added_up(term, low, low + more - 1, 3)


@given(st.integers(0, 8), st.integers(1, 40))
def test_a_floor_of_the_index_stays_a_sum_and_is_exact(times: int, size: int) -> None:
    kept = sum_over(H // power_of(2, AT) + AT, "i", 0, N - 1)

    assert str(kept) == "sum(floor(H/2**i) + i, i, 0, n - 1)"
    assert bind(kept, {"n": times, "H": size}) == sum((size // 2**at) + at for at in range(times))


def test_a_sum_is_read_back() -> None:
    kept = sum_over(H // power_of(2, AT), "i", 0, N - 1)

    assert parse_expression(str(kept)).evaluate(symbol) == kept
    assert parse_expression(str(kept)).names == {"H", "n"}
    assert isinstance(kept, Formula)
    assert kept.names == {"H", "n"}


def test_the_index_of_a_sum_is_its_own() -> None:
    kept = sum_over(H // power_of(2, AT), "i", 0, N - 1)

    assert bind(kept, {"i": 7}) == kept


def test_a_sum_is_written_with_a_sigma() -> None:
    kept = sum_over(H // power_of(2, AT), "i", 0, N - 1)

    assert write_latex(kept) == r"\sum_{i = 0}^{n - 1} {\lfloor H / 2^{i} \rfloor}"


def test_sums_of_many_numbers_are_closed_or_refused() -> None:
    assert sum_over(AT, "i", 1, 10**9) == 10**9 * (10**9 + 1) // 2
    with pytest.raises(LimitError):
        sum_over(AT // 2, "i", 0, 10**9)
    with pytest.raises(LimitError):
        sum_over(power_of(2, AT), "i", 0, 10**9)


@pytest.mark.parametrize("text", ["sum(i, 3, 0, n)", "sum(i, i, 0)", "sum(i, floor, 0, n)", "sum(1)", "sum"])
def test_what_is_no_sum_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(text)
