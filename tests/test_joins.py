"""Equations at joins: solved exactly, against brute force over sizes."""

from __future__ import annotations

import pytest
from graphs import CHANNELS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import analyzed, network
from strategies import floor_maps

from convmath.algebra import FloorMap, Word, compose
from convmath.errors import SpecError
from convmath.formula import bind, symbol
from convmath.numeric.measure import measure_costs
from convmath.report import Condition
from convmath.symbolic.equations import solve
from convmath.symbolic.sizes import EVERY, Sizes

words = st.lists(floor_maps, max_size=4).map(compose)
REACH = 400


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Word, Word]:
    """Draw two words, often of one slope: the same maps in another order, with other shifts."""
    first = draw(words)
    if draw(st.booleans()):
        return first, draw(words)
    maps = draw(st.permutations(first.maps))
    shifted = [FloorMap(each.up, each.shift + draw(st.integers(-4, 4)), each.down) for each in maps]
    return first, compose(shifted)


@given(pairs())
@settings(max_examples=600)
def test_solutions_are_where_the_words_are_equal(pair: tuple[Word, Word]) -> None:
    left, right = pair

    solved = solve(left, right)

    assert solved is not None
    assert [at for at in range(-REACH, REACH) if at in solved] == [
        at for at in range(-REACH, REACH) if left(at) == right(at)
    ]


@given(pairs(), pairs())
@settings(max_examples=300)
def test_what_two_sets_have_in_common(one: tuple[Word, Word], other: tuple[Word, Word]) -> None:
    first, second = solve(*one), solve(*other)
    assert first is not None
    assert second is not None

    both = first.meet(second)

    assert both is not None
    assert all((at in both) == (at in first and at in second) for at in range(-REACH, REACH))


@given(pairs(), st.integers(-60, 60))
@settings(max_examples=300)
def test_members_and_conditions_say_the_same(pair: tuple[Word, Word], low: int) -> None:
    solved = solve(*pair)
    assert solved is not None
    assume(not solved.empty)
    members = [at for at in range(low, REACH) if at in solved]

    if members:
        assert solved.least(low) == members[0]
        assert solved.greatest(members[-1]) == members[-1]
    conditions = list(solved.conditions(symbol("H")))
    assume(len(conditions) < 40)
    for at in range(60):
        assert all(each.bind({"H": at}).holds() for each in conditions) == (at in solved), conditions


def test_a_modulus_is_no_larger_than_it_must_be() -> None:
    pooled = compose([FloorMap(1, 0, 6), FloorMap(6, 0, 1)])

    assert solve(pooled, Word()) == Sizes(((0, 0),), 6)
    assert solve(compose([FloorMap(1, 0, 4)]), compose([FloorMap(1, 0, 4)])) == EVERY


def test_a_run_across_the_end_of_a_period_is_one_condition() -> None:
    across = Sizes(((0, 3), (12, 15)), 16)

    assert [str(each) for each in across.conditions(symbol("H"))] == ["(H - 12) % 16 <= 7"]


def test_a_large_modulus_costs_no_more_than_a_small_one() -> None:
    huge = 2**200

    assert solve(compose([FloorMap(1, 0, huge), FloorMap(huge, 0, 1)]), Word()) == Sizes(((0, 0),), huge)


def test_different_slopes_have_finitely_many_solutions_with_gaps() -> None:
    left, right = compose([FloorMap(1, 0, 4), FloorMap(4, 0, 1)]), Word((FloorMap(2, -20, 1),))

    assert solve(left, right) == Sizes(((18, 18), (20, 20)))


def test_what_takes_too_long_is_left_unsolved() -> None:
    prime, other = 10**9 + 7, 10**9 + 9
    left = compose([FloorMap(1, 0, prime), FloorMap(prime, 0, 1)])
    right = compose([FloorMap(1, 5, other), FloorMap(other, 0, 1)])

    assert solve(left, right) is None


def test_an_unsolved_equation_stays_a_condition() -> None:
    layers = [{"residual": [{"conv": {"out_channels": 1, "kernel_size": "k", "padding": 1}}]}]

    report = analyzed([1, "H"], layers)

    assert Condition(symbol("H") - symbol("k") + 3, "==", symbol("H")) in report.totals.valid_when


@st.composite
def encoders(draw: st.DrawFn) -> list[dict]:
    """Draw an encoder and decoder with joins that are sometimes cut to fit."""
    depth = draw(st.integers(1, 3))
    layers: list[dict] = []
    for level in range(depth):
        layers.append(
            {
                "conv": {
                    "name": f"enc{level}",
                    "out_channels": CHANNELS,
                    "kernel_size": draw(st.integers(1, 3)),
                    "padding": draw(st.integers(0, 1)),
                }
            }
        )
        layers.append({"max_pool": {"kernel_size": 2, "stride": draw(st.sampled_from([2, 2, 3]))}})
    for level in reversed(range(depth)):
        layers.append(
            {
                "conv_transpose": {
                    "name": f"up{level}",
                    "out_channels": CHANNELS,
                    "kernel_size": draw(st.integers(2, 3)),
                    "stride": draw(st.sampled_from([2, 2, 3])),
                    "padding": draw(st.integers(0, 1)),
                }
            }
        )
        layers.append(
            {
                "crop": {
                    "name": f"cut{level}",
                    "from": f"enc{level}",
                    "amount": [[draw(st.integers(0, 2)), draw(st.integers(0, 2))]],
                }
            }
        )
        layers.append({"add": [f"cut{level}", f"up{level}"]})
    return layers  # fmt: skip


def runs(layers: list[dict], size: int) -> bool:
    try:
        measure_costs(network([CHANNELS, size], layers))
    except SpecError:
        return False
    return True


@given(encoders())
@settings(max_examples=200)
def test_valid_sizes_are_those_that_run(layers: list[dict]) -> None:
    running = [size for size in range(1, 90) if runs(layers, size)]
    try:
        conditions = analyzed([CHANNELS, "H"], layers).totals.valid_when
    except SpecError:
        assert running == []
        return

    assert [size for size in range(1, 90) if all(each.bind({"H": size}).holds() for each in conditions)] == running


@given(encoders())
@settings(max_examples=100)
def test_formulas_under_a_class_are_the_sizes_that_run(layers: list[dict]) -> None:
    try:
        report = analyzed([CHANNELS, "H"], layers)
    except SpecError:
        assume(False)
    for size in [size for size in range(1, 90) if runs(layers, size)][:4]:
        costs = measure_costs(network([CHANNELS, size], layers))
        shapes = [tuple(bind(each, {"H": size}) for each in layer.output_shape) for layer in report.layers]
        assert shapes == [each.output_shape for each in costs.layers]
        peak = report.totals.peak_activations
        assert peak is None or bind(peak, {"H": size}) == costs.peak_activations


def test_an_impossible_join_shows_both_formulas() -> None:
    layers = [{"parallel": {"merge": "add", "branches": [[{"max_pool": 2}, {"upsample": 2}], [{"pad": [[0, 3]]}]]}}]

    with pytest.raises(SpecError, match=r"the sizes 2\*floor\(H/2\) and H \+ 3 on axis 0 are never equal"):
        analyzed([1, "H"], layers)


def test_numbers_that_do_not_join_name_the_ones_that_do() -> None:
    layers = [{"residual": [{"max_pool": 4}, {"upsample": 4}]}]

    with pytest.raises(SpecError, match="on axis 0 inputs of 28 or 32 fit"):
        analyzed([1, 30], layers)


def test_a_condition_that_always_holds_is_not_stated() -> None:
    conv = {"conv": {"out_channels": 8, "kernel_size": 3}}
    layers = [conv, {"avg_pool": ["H - 2", 1]}, {"reshape": [8, "W - 2"]}, {"pointwise_conv": 5}]

    found = analyzed([3, "H", "W"], layers).totals.valid_when

    assert sorted(map(str, found)) == ["H >= 3", "W >= 3"]
