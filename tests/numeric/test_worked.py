"""Elements written out: what stands there is what was executed, whatever the layer."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric_cases import convolutions, network, windowed

from convmath.numeric.execute import Step, steps
from convmath.numeric.measure import measure_costs, measure_reads
from convmath.numeric.worked import Watched, first_indices, work
from convmath.render.worked import work_of
from convmath.seen import Element


def only(net: Any, x: Any, weights: Any = None) -> Step[Any]:
    *_, last = steps(net, x, weights)
    return last


def every(step: Step[Any]) -> tuple[Element, ...]:
    return work(step, first_indices(step.output.shape, step.output.size)).elements


def evaluated(element: Element) -> float:
    """Return what the text of an element comes to, its sign of equality aside; only digits and signs are in it."""
    left, right = work_of(element, whole=True).split(" = ")
    assert right == str(element.number)
    assert set(left) <= set("0123456789.e+-×/(), max")
    return float(eval(left.replace("×", "*"), {"__builtins__": {}, "max": lambda *held: max(held)}))  # noqa: S307


def integers(shape: list[int], seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(-9, 10, shape)


@settings(max_examples=40)
@given(convolutions(), st.sampled_from(["conv", "locally_connected"]))
def test_a_convolution_is_the_sums_that_are_written(case: Any, kind: str) -> None:
    net = network(case.shape, {kind: {"name": "c", "weight": None, **case.fields}})

    for element in every(only(net, integers(case.shape)))[:40]:
        assert isclose(evaluated(element), element.number, rel_tol=1e-9, abs_tol=1e-9)


@settings(max_examples=40)
@given(convolutions())
def test_integers_are_exactly_the_sums_that_are_written(case: Any) -> None:
    net = network(case.shape, {"conv": {**case.fields, "weight": -3, "bias_value": 5, "bias": True}})

    for element in every(only(net, integers(case.shape)))[:40]:
        products = (np.prod([read.number for read in term], dtype=object) for term in element.terms)
        assert sum(products) == element.number


@settings(max_examples=40)
@given(windowed(channels=2, pooling=True), st.booleans())
def test_pooling_is_what_is_written(case: Any, counted: bool) -> None:  # noqa: FBT001
    largest = network(case.shape, {"max_pool": case.fields})
    plain = {key: held for key, held in case.fields.items() if key != "dilation"}
    fits = all(
        size + sum(p) >= k for size, p, k in zip(case.shape[1:], plain["padding"], plain["kernel_size"], strict=True)
    )

    x = integers(case.shape)

    for element in every(only(largest, x))[:40]:
        inside = [term[0].number for term in element.terms if term[0].index is not None]
        assert not inside or evaluated(element) == max(inside) == element.number
    if fits:
        mean = network(case.shape, {"avg_pool": {**plain, "count_include_pad": counted}})
        for element in every(only(mean, x))[:40]:
            assert isclose(evaluated(element), element.number)


def test_adaptive_pooling_and_dense_layers() -> None:
    for layers in (
        [{"adaptive_avg_pool": 2}],
        [{"adaptive_max_pool": 3}],
        ["global_avg_pool"],
        ["flatten", {"dense": {"out_features": 3}}],
    ):
        for element in every(only(network([2, 5, 4], *layers), integers([2, 5, 4]))):
            assert isclose(evaluated(element), element.number)


@settings(max_examples=30)
@given(convolutions())
def test_what_is_written_is_what_was_read(case: Any) -> None:
    net = network(case.shape, {"conv": case.fields})
    step = only(net, integers(case.shape))
    rank = len(case.shape) - 1

    elements = every(step)

    for axis in range(rank):
        masks = measure_reads(net, axis)[-1].masks
        for element in elements:
            reads = [term[0].index for term in element.terms if term[0].array == "X" and term[0].index]
            seen = {index[axis + 1] for index in reads}
            # Another axis may lead into nothing but padding; then nothing at all is read.
            assert not seen or seen == {
                bit for bit in range(case.shape[axis + 1]) if masks[element.index[axis + 1]] >> bit & 1
            }


@settings(max_examples=30)
@given(convolutions())
def test_there_are_as_many_products_as_macs_and_as_many_weights_as_parameters(case: Any) -> None:
    net = network(case.shape, {"conv": case.fields})

    terms = [term for element in every(only(net, integers(case.shape))) for term in element.terms]

    costs = measure_costs(net).layers[0]
    products = [term for term in terms if len(term) == 2]
    assert len(products) == costs.macs
    assert len({(read.array, read.index) for term in terms for read in term if read.array != "X"}) == costs.params


def test_a_transposed_convolution_lists_the_products_that_meet() -> None:
    fields = {"out_channels": 1, "kernel_size": 3, "stride": 2, "weight": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}
    step = only(network([1, 2, 2], {"conv_transpose": fields}), [[[1, 10], [100, 1000]]])

    elements = every(step)

    assert step.output.shape == (1, 5, 5)
    assert max(len(element.terms) for element in elements) == 4 + 1
    middle = next(element for element in elements if element.index == (0, 2, 2))
    assert sorted(term[0].number for term in middle.terms if len(term) == 2) == [1, 10, 100, 1000]
    assert middle.number == 9 * 1 + 7 * 10 + 3 * 100 + 1 * 1000
    for element in elements:
        assert evaluated(element) == element.number


def test_a_deformable_convolution_sums_what_it_sampled() -> None:
    fields = {"out_channels": 2, "kernel_size": 3, "max_offset": 1}

    for element in every(only(network([1, 5, 5], {"deformable_conv": fields}), integers([1, 5, 5]))):
        assert isclose(evaluated(element), element.number, rel_tol=1e-9, abs_tol=1e-9)


def test_merges_add_what_arrives() -> None:
    net = network([1, 3], {"residual": [{"conv": {"out_channels": 1, "kernel_size": 1, "weight": 2}}]})

    assert [work_of(element) for element in every(only(net, [[1, 2, 3]]))] == ["2 + 1 = 3", "4 + 2 = 6", "6 + 3 = 9"]


def test_functions_name_all_that_they_read() -> None:
    net = network([3], "softmax")

    [first, *_] = every(only(net, [1, 2, 3]))

    assert first.how == "softmax"
    assert [term[0].number for term in first.terms] == [1, 2, 3]
    assert work_of(first).startswith("softmax(1, 2, 3) = 0.09")


def test_padding_continues_the_places_of_the_image() -> None:
    for mode in ("zeros", "reflect", "replicate", "circular"):
        net = network([1, 4], {"conv": {"out_channels": 1, "kernel_size": 3, "padding": 1, "padding_mode": mode}})
        elements = every(only(net, [[1, 2, 3, 4]]))

        places = [[term[0].place[1] for term in element.terms if term[0].array == "X"] for element in elements]

        assert places == [[-1, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]]


def leaves(step: Step[Any]) -> Iterator[float]:
    for element in every(step):
        yield from (read.number for term in element.terms for read in term if read.index is not None)


def test_nothing_is_made_up() -> None:
    step = only(network([1, 3], {"conv": {"out_channels": 1, "kernel_size": 2, "weight": [7, 8]}}), [[1, 2, 3]])

    assert set(leaves(step)) == {1, 2, 3, 7, 8, 0}


def test_a_wrong_kernel_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    step = only(network([1, 3], {"conv": {"out_channels": 1, "kernel_size": 2, "weight": [7, 8]}}), [[1, 2, 3]])
    monkeypatch.setattr(step.output, "planes", (step.output.planes[0] + 1,))

    element = Watched(step).element((0, 0))

    assert evaluated(element) != element.number
