"""The laws of floor maps and words, on random maps with negative shifts and on negative inputs too."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import reduce

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from strategies import floor_maps, rising_maps, transposes, windows

from convmath.algebra import IDENTITY, FloorMap, NotOneMapError, Word, compose, least_valid_input
from convmath.formula import Value, bind, symbol

x, y = symbol("x"), symbol("y")
inputs = st.integers(-40, 60)
RANGE = range(-30, 90)

any_maps = st.lists(floor_maps, max_size=5)
rising_stacks = st.lists(st.one_of(rising_maps, windows, transposes), max_size=5)


def through(maps: Iterable[FloorMap], size: int) -> int:
    """Return what a stack makes of a size, one floor after the other, in plain integers."""
    for each in maps:
        size = (each.up * size + each.shift) // each.down
    return size


def composed(maps: Iterable[FloorMap]) -> FloorMap:
    return reduce(FloorMap.then, maps, IDENTITY)


def unknown(held: FloorMap) -> tuple[FloorMap, dict[str, int]]:
    """Return a map with symbols for its coefficients, and what they stand for."""
    return FloorMap(symbol("u"), symbol("c"), symbol("s")), {"u": held.up, "c": held.shift, "s": held.down}


def bound(held: FloorMap, values: dict[str, int]) -> FloorMap:
    return FloorMap(*(bind(each, values) for each in (held.up, held.shift, held.down)))


@given(floor_maps, inputs)
def test_call(f: FloorMap, size: int) -> None:
    assert f(size) == through([f], size)


@given(floor_maps)
def test_identity(f: FloorMap) -> None:
    assert IDENTITY.then(f) == f == f.then(IDENTITY)


@given(st.lists(st.one_of(floor_maps, windows, transposes), min_size=3, max_size=3))
def test_associativity(maps: list[FloorMap]) -> None:
    f, g, h = maps
    assume(f.merges(g) and g.merges(h) and f.then(g).merges(h) and f.merges(g.then(h)))

    left, right = f.then(g).then(h), f.then(g.then(h))

    assert left == right or left.up == right.up == 0
    assert [left(size) for size in RANGE] == [right(size) for size in RANGE]


@given(st.one_of(floor_maps, transposes), st.one_of(floor_maps, windows), inputs)
def test_action(f: FloorMap, g: FloorMap, size: int) -> None:
    assume(f.merges(g))

    assert f.then(g)(size) == g(f(size)) == through([f, g], size)


@given(floor_maps, floor_maps)
def test_then_refuses_exactly_what_does_not_merge(f: FloorMap, g: FloorMap) -> None:
    if f.merges(g):
        f.then(g)
    else:
        with pytest.raises(NotOneMapError, match="is no floor map"):
            f.then(g)


def test_twice_the_half_is_no_floor_map() -> None:
    half, double = FloorMap(1, 0, 2), FloorMap(2, 0, 1)

    assert not half.merges(double)
    with pytest.raises(NotOneMapError):
        half.then(double)
    candidates = [FloorMap(1, shift, 1) for shift in range(-3, 4)]
    assert all(any(f(size) != 2 * (size // 2) for size in RANGE) for f in candidates)


constants = st.builds(FloorMap, st.just(0), st.integers(-9, 12), st.integers(1, 5))
squarable = st.one_of(windows, transposes, constants)


@given(squarable, st.integers(0, 5))
@example(FloorMap(0, 5, 2), 3)
def test_power(f: FloorMap, times: int) -> None:
    power = f.repeat(times)

    assert power == composed([f] * times)
    assert [power(size) for size in RANGE] == [through([f] * times, size) for size in RANGE]


@given(st.one_of(windows, transposes), st.integers(0, 6), inputs)
def test_power_with_a_symbol(f: FloorMap, times: int, size: int) -> None:
    power = f.repeat(symbol("n"))

    assert bind(power(x), {"n": times, "x": size % 50}) == through([f] * times, size % 50)
    assert bound(power, {"n": times}) == f.repeat(times)


@given(rising_maps.filter(lambda f: f.up > 1 < f.down))
def test_powers_that_are_no_floor_maps_are_refused(f: FloorMap) -> None:
    with pytest.raises(NotOneMapError):
        f.repeat(2)


@pytest.mark.parametrize("f", [FloorMap(0, 5, 1), FloorMap(0, 5, 2), FloorMap(2, 1, 2), FloorMap(3, 0, 2)])
def test_powers_that_have_no_closed_form_are_refused_for_a_symbol(f: FloorMap) -> None:
    with pytest.raises(NotOneMapError):
        f.repeat(symbol("n"))


@given(floor_maps, inputs)
def test_reduction(f: FloorMap, size: int) -> None:
    reduced = f.reduced()

    assert reduced(size) == f(size)
    assert reduced.down <= f.down
    assert reduced.up == 0 or Fraction(reduced.up, reduced.down) == Fraction(f.up, f.down)
    assert reduced.reduced() == reduced


@given(rising_maps, inputs, inputs)
def test_adjunction(f: FloorMap, size: int, wanted: int) -> None:
    assert (f(size) >= wanted) == (size >= f.least_input(wanted))


@given(constants)
def test_a_constant_map_has_no_least_input(f: FloorMap) -> None:
    with pytest.raises(ValueError, match=f"the constant map to {f(0)} has no least input"):
        f.least_input(1)


@given(floor_maps, inputs, inputs)
def test_monotonicity(f: FloorMap, first: int, second: int) -> None:
    low, high = sorted((first, second))

    assert f(low) <= f(high)


@given(floor_maps, inputs)
def test_shift(f: FloorMap, size: int) -> None:
    assert f(size + f.down) == f(size) + f.up


@given(rising_maps, st.integers(0, 40), st.integers(0, 20))
def test_symbolic_coefficients_have_the_values_of_integers(f: FloorMap, size: int, wanted: int) -> None:
    assume(f.shift >= 0)
    letters, values = unknown(f)

    assert bind(letters(size), values) == f(size)
    assert bind(letters(x), values | {"x": size}) == f(size)
    assert bind(letters.least_input(y), values | {"y": wanted}) == f.least_input(wanted)


@given(windows, windows, st.integers(0, 5), st.integers(0, 40))
def test_symbolic_windows_compose_and_repeat_as_integers_do(f: FloorMap, g: FloorMap, times: int, size: int) -> None:
    assume(f.shift >= 0 and f.down > 1)
    letters = FloorMap(1, symbol("c"), symbol("s"))
    values = {"c": f.shift, "s": f.down}

    assert bound(letters.then(g), values) == f.then(g)
    assert bind(letters.then(g)(x), values | {"x": size}) == through([f, g], size)
    assert bound(letters.repeat(times), values) == f.repeat(times)


def values_of(word: Word) -> list[Value]:
    return [word(size) for size in RANGE]


@given(any_maps, inputs)
def test_a_word_has_the_values_of_its_stack(maps: list[FloorMap], size: int) -> None:
    assert compose(maps)(size) == through(maps, size)


@given(any_maps, inputs)
def test_a_word_put_together_backwards_has_the_same_values(maps: list[FloorMap], size: int) -> None:
    word = Word()
    for each in reversed(maps):
        word = word.after(each)

    assert word(size) == through(maps, size)


@given(any_maps)
@example([FloorMap(1, 0, 2), FloorMap(2, 0, 1), FloorMap(1, 0, 2)])
def test_words_are_merged_wherever_two_maps_are_one(maps: list[FloorMap]) -> None:
    backwards = Word()
    for each in reversed(maps):
        backwards = backwards.after(each)

    for word in (compose(maps), backwards):
        assert not any(first.merges(after) for first, after in zip(word.maps, word.maps[1:], strict=False))
        assert all(each == each.reduced() for each in word.maps)


@given(st.lists(windows, min_size=1, max_size=6))
def test_a_stack_of_windows_is_one_map(maps: list[FloorMap]) -> None:
    word = compose(maps)

    assert word.maps == (composed(maps),)


@given(
    st.lists(windows, min_size=1, max_size=3), st.lists(transposes.filter(lambda f: f.up > 1), min_size=1, max_size=3)
)
def test_an_encoder_and_a_decoder_are_two_maps(encoder: list[FloorMap], decoder: list[FloorMap]) -> None:
    assume(composed(encoder).down > 1)

    assert compose(encoder + decoder).maps == (composed(encoder), composed(decoder))


def test_the_empty_word_is_the_identity() -> None:
    assert values_of(Word()) == list(RANGE)
    assert Word().slope == 1
    assert Word().period == 1


def test_words_are_not_unique() -> None:
    word = compose([FloorMap(3, 0, 2), FloorMap(2, 1, 3)])

    assert len(word.maps) == 2
    assert values_of(word) == values_of(Word())


@given(any_maps, inputs)
def test_slope_and_period_obey_the_shift_law(maps: list[FloorMap], size: int) -> None:
    word = compose(maps)

    assert word(size + word.period) == word(size) + word.period * word.slope


@given(any_maps)
def test_the_slope_is_the_product_of_the_slopes(maps: list[FloorMap]) -> None:
    expected = Fraction(1)
    for each in maps:
        expected *= Fraction(each.up, each.down)

    slope = compose(maps).slope

    assert slope == expected
    assert isinstance(slope, int) == (expected.denominator == 1)


@given(any_maps)
def test_constant_words_ignore_the_input(maps: list[FloorMap]) -> None:
    word = compose(maps)

    assert word.constant == any(each.up == 0 for each in maps)
    assert not word.constant or len(set(values_of(word))) == 1


@given(rising_stacks, inputs, inputs)
def test_words_have_adjoints(maps: list[FloorMap], size: int, wanted: int) -> None:
    word = compose(maps)

    assert (through(maps, size) >= wanted) == (size >= word.least_input(wanted))


@given(rising_stacks, st.integers(-10, 30))
def test_inputs_for_a_size(maps: list[FloorMap], wanted: int) -> None:
    first, last = compose(maps).inputs_for(wanted)

    candidates = range(first - 5, max(first, last) + 6)
    assert [size for size in candidates if through(maps, size) == wanted] == list(range(first, last + 1))


def test_inputs_for_a_size_that_none_has() -> None:
    first, last = compose([FloorMap(2, 0, 1)]).inputs_for(3)

    assert first > last


def window_map(kernel: int, stride: int, pad: int, ceil_mode: bool) -> FloorMap:  # noqa: FBT001
    """Return the size of a pooling as the table of the mathematics has it, the clipped window of ceil mode included."""
    if ceil_mode:
        return FloorMap(1, min(2 * pad - kernel + 2 * stride - 1, pad + stride - 1), stride)
    return FloorMap(1, 2 * pad - kernel + stride, stride)


layers = st.builds(window_map, st.integers(1, 5), st.integers(1, 4), st.integers(0, 6), st.booleans())
decoders = st.builds(FloorMap, st.integers(1, 3), st.integers(-4, 3), st.just(1))


@given(st.lists(st.one_of(layers, layers, decoders), max_size=5))
@example([FloorMap(1, -4, 1), FloorMap(1, 4, 1)])
@example([window_map(2, 2, 0, ceil_mode=False), window_map(1, 1, 2, ceil_mode=False)])
def test_the_least_valid_input_is_where_all_sizes_become_positive(maps: list[FloorMap]) -> None:
    def valid(size: int) -> bool:
        return size >= 1 and all(through(maps[:length], size) >= 1 for length in range(1, len(maps) + 1))

    least = least_valid_input(maps)

    assert valid(least)
    assert not any(valid(size) for size in range(least))


@given(st.lists(layers, max_size=3), constants.filter(lambda f: f.shift >= f.down), st.lists(layers, max_size=2))
def test_maps_after_a_constant_one_ask_nothing_of_the_input(
    before: list[FloorMap], constant: FloorMap, after: list[FloorMap]
) -> None:
    assert least_valid_input([*before, constant, *after]) == least_valid_input(before)


def test_the_least_valid_input_of_symbolic_windows() -> None:
    least = least_valid_input([FloorMap(1, 1 - symbol("k"), 1), FloorMap(1, 0, 2)])

    assert [bind(least, {"k": kernel}) for kernel in (1, 3, 5)] == [2, 4, 6]
