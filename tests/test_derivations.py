"""Derivations: every line of every chain has one value, and it is the one that the executor measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import network
from reading import value_of
from stacks import Case, stacks

from convmath.api import formulas, load
from convmath.errors import SpecError
from convmath.formula import bind, symbol
from convmath.formula.nodes import Name, Number_, Product
from convmath.formula.text import write_node
from convmath.numeric.measure import Field, measure_costs, measure_fields
from convmath.report import Chain, Derivation
from convmath.spec.graph import Network
from convmath.symbolic import derivation as module
from convmath.symbolic.compose import derive
from convmath.symbolic.derivation import LAWS, counts, derivations
from convmath.verification.samples import draw, legal, spatial
from convmath.zoo.catalogue import names

LIGHT = ("lenet5", "alexnet", "vgg16", "mobilenet_v1", "unet", "resnet18", "autoencoder", "espcn")


def told(chain: Chain, at: Mapping[str, Any]) -> int:
    """Return the one value of all forms of a chain."""
    found = [value_of(form, at) for form in chain.forms]
    assert len(set(found)) == 1, f"{chain.forms} are {found} at {at}"
    return int(found[0])


def check_sizes(found: Derivation, bound: Network, at: Mapping[str, int]) -> None:
    """Hold each size so far against the shapes of the executor's arrays."""
    axis = int(found.quantity.partition("[")[2][:-1])
    measured = {each.name: each.output_shape for each in measure_costs(bound).layers}
    size = value_of(found.given, at)
    assert size == bound.inputs[0].shape[axis]
    for step in found.steps:
        does, so_far = step.cells
        assert told(does, {**at, found.variable: size}) == told(so_far, at)
        size = told(so_far, at)
        assert {measured[name][axis] for name in step.layers} == {size}, step.layers
    assert bind(found.result, at) == size == measured[found.layer][axis]


def check_field(found: Derivation, bound: Network, at: Mapping[str, int]) -> int:
    """Hold each field so far against what clean outputs were seen to read; return how many outputs were."""
    axis = int(found.quantity.partition("[")[2][:-1])
    traced = dict(zip(bound.names(), measure_fields(bound, axis), strict=False))
    compared, sees = 0, 1
    for step in found.steps:
        extent, stride, *rest = step.cells
        assert told(extent, at) >= 1
        assert told(stride, at) >= 1
        sees, jump, start = (told(each, at) for each in rest)
        for layer in step.layers:
            compared += _seen(traced[layer], sees, jump, start)
    assert bind(found.result, at) == sees
    return compared


def check_followed(found: Derivation, bound: Network, at: Mapping[str, int]) -> int:
    """Hold the pixels that were followed back to the input against what clean outputs were seen to read."""
    axis = int(found.quantity.partition("[")[2][:-1])
    field = measure_fields(bound, axis)[-1]
    *_, first, last = found.steps[-1].cells
    clean = [output for output, held in enumerate(field.clean) if held]
    for output in clean:
        reads = tuple(value_of(each.forms[-1], {**at, "i": output}) for each in (first, last))
        assert reads == (field.first[output], field.last[output])
    return len(clean)


def _seen(field: Field, sees: int, jump: int, start: int) -> int:
    clean = [at for at, held in enumerate(field.clean) if held]
    for at in clean:
        assert (field.first[at], field.last[at]) == (start + at * jump, start + at * jump + sees - 1)
    return len(clean)


def check_count(found: Derivation, bound: Network, at: Mapping[str, int]) -> None:
    """Hold each addend against what one layer was seen to hold or to multiply, and the sum against the total."""
    costs = measure_costs(bound)
    measured = {each.name: getattr(each, found.quantity) for each in costs.layers}
    addends = {step.layers: told(step.cells[0], at) for step in found.steps}
    assert addends == {(name,): number for name, number in measured.items() if number}
    assert bind(found.result, at) == sum(addends.values()) == costs.total(found.quantity)


def check(given_: Network, at: Mapping[str, int], layer: str | None = None) -> int:
    """Hold every derivation against the executor at *at*; return how many outputs had a field to compare."""
    last = layer or derive(given_).totals.receptive_field_layer
    part = given_.up_to(last)
    bound, whole = part.bind(at), given_.bind(at)
    compared = 0
    for found in derivations(given_, last):
        if found.quantity.startswith("output_shape"):
            check_sizes(found, bound, at)
        elif found.quantity.startswith("receptive_field.first"):
            compared += check_followed(found, bound, at)
        else:
            compared += check_field(found, bound, at)
    for found in counts(given_):
        check_count(found, whole, at)
    return compared


def cases(given_: Network, wanted: int = 4) -> list[dict[str, int]]:
    return draw(given_, derive(given_), wanted, seed=5)


def large(given_: Network) -> dict[str, int]:
    """Return the defaults with sizes at which some outputs meet no padding; joins may ask for certain ones."""
    report, sizes = derive(given_), spatial(given_)
    trials = ({**given_.defaults, **dict.fromkeys(sizes, size)} for size in range(611, 700))
    return next(values for values in trials if legal(given_, report, values))


@pytest.mark.parametrize(
    "name", [each if each in LIGHT else pytest.param(each, marks=pytest.mark.full) for each in names()]
)
def test_derivations_of_the_zoo_say_what_is_measured(name: str) -> None:
    net = load(f"zoo:{name}")
    found = [each.quantity for each in derivations(net, derive(net).totals.receptive_field_layer)]

    compared = [check(net, at) for at in [*cases(net, 2), large(net)]]

    sliding = any(each.startswith("receptive_field.size") for each in found)
    assert any(compared) or not sliding  # a field that is followed back may be larger than these sizes


@pytest.mark.parametrize("name", ["lenet5", "alexnet"])
def test_derivations_of_every_layer_say_what_is_measured(name: str) -> None:
    net = load(f"zoo:{name}")
    at = cases(net, 4)[-1]

    for layer in net.names():
        check(net, at, layer)


def test_a_size_is_derived_for_the_last_layer_that_has_one() -> None:
    """A dense layer has no height: the way ends where the image does."""
    sizes = [each for each in derivations(load("zoo:lenet5"), "f6") if each.quantity.startswith("output_shape")]

    assert [each.layer for each in sizes] == ["c5"]


@settings(max_examples=40)
@given(st.integers(1, 3).flatmap(stacks), st.integers(0, 30))
def test_derivations_of_random_stacks_say_what_is_measured(stack: list[Case], more: int) -> None:
    rank = len(stack[0].axes)
    net = network([2, *"DHW"[3 - rank :]], [case.entry for case in stack])
    try:
        at = cases(net, 3)[-1]
    except SpecError:
        assume(False)

    check(net, at)
    check(net, {name: number + more for name, number in at.items()})


@settings(max_examples=30)
@given(stacks(2), st.integers(8, 40), st.integers(8, 40))
def test_derivations_of_numbers_say_what_is_measured(stack: list[Case], height: int, width: int) -> None:
    net = network([2, height, width], [case.entry for case in stack])
    try:
        derive(net)
    except SpecError:
        assume(False)

    check(net, {})


SYMBOLIC = {
    "a window all in symbols": (
        ["C", "H", "W"],
        [
            {"conv": {"out_channels": "K", "kernel_size": "k", "stride": "s", "padding": "p", "dilation": "d"}},
            {"max_pool": {"kernel_size": "q", "stride": "t"}},
            {"conv": {"out_channels": "M", "kernel_size": ["k", 3], "bias": False}},
        ],
    ),
    "sizes called x and y": ([3, "x", "y"], [{"conv": {"out_channels": 2, "kernel_size": 3, "stride": 2}}, "relu"]),
    "sizes called x, y, z": (["t", "x", "y", "z"], [{"avg_pool": 2}, {"conv": {"out_channels": 1, "kernel_size": 2}}]),
    "a stride called x": ([1, "H", "W"], [{"max_pool": {"kernel_size": 3, "stride": "x"}}, {"max_pool": "y"}]),
    "all names are taken": ([1, "x", "y"], [{"max_pool": {"kernel_size": "z", "stride": "t"}}, {"max_pool": "x_1"}]),
    "a stride called a": (["a", "b", "c"], [{"max_pool": {"kernel_size": 3, "stride": "s"}}] * 2),
    "one axis": ([1, "L"], [{"conv": {"out_channels": 2, "kernel_size": "k", "stride": 3}}, {"max_pool": 2}]),
    "three axes": ([1, "D", "H", "W"], [{"conv": {"out_channels": 2, "kernel_size": [1, 2, 3]}}, {"avg_pool": 2}]),
    "same": ([1, "H", "W"], [{"conv": {"out_channels": 2, "kernel_size": 5, "stride": 2, "padding": "same"}}] * 3),
    "ceil": ([1, "H", "W"], [{"max_pool": {"kernel_size": 3, "stride": 2, "ceil_mode": True}}] * 3),
    "groups": (
        ["2*g", "H", "W"],
        [{"conv": {"out_channels": "4*g", "kernel_size": 3, "groups": "g"}}, {"depthwise_conv": 3}],
    ),
    "to a fixed size": ([1, "H", "W"], [{"conv": {"out_channels": 2, "kernel_size": 3}}, {"adaptive_avg_pool": 2}]),
    "to one number": ([3, "H", "W"], [{"conv": {"out_channels": "n", "kernel_size": 3}}, "global_avg_pool"]),
    "a vector": (["n"], [{"dense": "m"}, "relu", {"dense": {"out_features": 3, "bias": False}}]),
    "norms": (
        [4, "H", "W"],
        ["batch_norm", {"prelu": {"num_parameters": 4}}, {"locally_connected": {"out_channels": 3, "kernel_size": 2}}],
    ),
    "repeats": (
        [3, "H", "W"],
        [{"repeat": {"times": 3, "layers": [{"conv": {"out_channels": "w", "kernel_size": 3, "stride": 2}}]}}],
    ),
    "strange names": (
        [1, "H", "W"],
        [
            {"conv": {"name": "a|b $x$", "out_channels": 2, "kernel_size": 3}},
            {"max_pool": {"name": "x", "kernel_size": 2}},
        ],
    ),
}


@pytest.mark.parametrize("case", SYMBOLIC)
def test_derivations_in_symbols_say_what_is_measured(case: str) -> None:
    shape, layers = SYMBOLIC[case]
    net = network(shape, layers)

    for at in cases(net, 12):
        check(net, at)


def test_the_variable_is_no_symbol_of_the_network() -> None:
    for case in ("sizes called x and y", "sizes called x, y, z", "a stride called x", "all names are taken"):
        net = network(*SYMBOLIC[case])
        *_, last = net.names()
        for found in derivations(net, last):
            assert found.variable not in {each.name for each in net.symbols}


@given(st.integers(-40, 90), st.integers(1, 7), st.integers(1, 7), st.integers(-9, 9))
def test_the_laws_hold(x: int, a: int, b: int, c: int) -> None:
    at = {"x": x, "a": a, "b": b, "c": c}

    for law in LAWS.values():
        assert value_of(law.left, at) == value_of(law.right, at)


def test_every_law_that_is_cited_is_listed() -> None:
    for name in names():
        net = load(f"zoo:{name}")
        for found in derivations(net, derive(net).totals.receptive_field_layer):
            cited = {number for step in found.steps for cell in step.cells for number in cell.laws}
            assert cited == set(range(1, len(found.laws) + 1))


# Wrong derivations, planted on purpose: each must be noticed.


FAULTS = {
    "what a window does": ("told", lambda _, size: Product((Number_(2), size))),
    "what a window adds to the field": ("_step", lambda before, more, _: Chain((module.arrange(before + more),))),
    "how the jump grows": ("_times", lambda *_: Number_(1)),
    "what is put in": ("substitute", lambda *_: Name("H")),
    "a count put together": ("instance", lambda *_: Number_(7)),
    "a sum": ("sum_of", lambda _: symbol("H")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_chain_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, wrong = FAULTS[fault]
    net = load("zoo:lenet5")
    monkeypatch.setattr(module, name, wrong)

    with pytest.raises(AssertionError):
        check(net, {"H": 41, "W": 38})


def test_the_steps_of_alexnet_stand_as_on_a_blackboard() -> None:
    text = formulas(load("zoo:alexnet"), "pool2", steps=True).to_text()

    assert "conv1  floor((x + 2*2 - 11)/4) + 1  floor((H - 3)/4)" in text
    assert "= floor((x - 3)/4)  [1]" in text
    assert "= floor((H - 15)/16)  [2]" in text
    assert "[2] floor((floor(x/a) + c)/b) = floor((x + a*c)/(a*b)) for integers a, b ≥ 1 and" in text
    assert "64*(3*11*11 + 1)" in text


def test_a_size_stands_before_the_symbols_of_its_layer() -> None:
    """So nothing is said to be equal that differs in the order of its terms only."""
    net = network(["C", "H", "W"], [{"conv": {"out_channels": 2, "kernel_size": "k", "stride": "s", "padding": "p"}}])

    [does, _] = derivations(net, "conv1")[0].steps[0].cells

    assert [write_node(form) for form in does.forms] == ["floor((x + 2*p - k)/s) + 1"]
