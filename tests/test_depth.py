"""Formulas in the depth of a network: derived from one pass, and confirmed by unrolling and executing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convmath as cm
from convmath.errors import SpecError
from convmath.formula import Value, bind
from convmath.numeric.measure import measure_costs
from convmath.spec.document import Document
from convmath.spec.graph import Network
from convmath.spec.parse import parse
from convmath.symbolic.compose import derive

CONV = {"out_channels": "K", "kernel_size": 3}
SAME = {"out_channels": "K", "kernel_size": 3, "padding": 1}
BODIES: dict[str, Any] = {
    "stacked": {"layers": [{"conv": CONV}, "relu"]},
    "dilated": {
        "index": "j",
        "layers": [{"conv": {"out_channels": 4, "kernel_size": 2, "dilation": "2**j", "padding": "2**j"}}],
    },
    "pyramid": {
        "index": "j",
        "layers": [
            {"conv": {"out_channels": "4*2**j", "kernel_size": 3, "stride": 2, "padding": 1, "bias": False}},
            "batch_norm",
        ],
    },
    "dense block": {"layers": [{"parallel": {"merge": "concat", "branches": [[], [{"conv": SAME}]]}}]},
    "residual": {"layers": [{"conv": SAME}, {"residual": [{"conv": SAME}, "batch_norm"]}, "relu"]},
    "doubling": {"layers": [{"pointwise_conv": "2*in_channels"}, {"max_pool": 2}]},
    "nested": {"layers": [{"repeat": {"times": "m", "layers": [{"conv": SAME}]}}, {"avg_pool": 2}]},
    "growing": {"index": "j", "layers": [{"conv": {"out_channels": "j + 1", "kernel_size": 1}}]},
}


def network(body: dict[str, Any], **values: int) -> Network:
    data = {
        "convmath": 1,
        "name": "deep",
        "input": ["C", "H", "W"],
        "layers": [{"repeat": {"name": "stage", "times": "n", **body}}],
    }
    return parse(Document("deep", "", data), values)


def plain(net: Network) -> list[tuple[Any, ...]]:
    return [(node.name, node.layer, node.inputs, node.kind, node.repeat) for node in net.nodes]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("times", [1, 2, 4])
def test_unrolling_later_makes_the_network_that_the_file_says(body: dict[str, Any], times: int) -> None:
    values = {"m": 2} if "m" in {each.name for each in network(body).symbols} else {}

    later = network(body, **values).bind({"n": times})

    assert plain(later) == plain(network(body, n=times, **values))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_formula_in_the_depth_is_confirmed(body: dict[str, Any]) -> None:
    cm.verify(network(body), 12, seed=1).raise_if_refuted()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@settings(max_examples=15)
@given(data=st.data())
def test_formulas_in_the_depth_are_what_is_measured(body: dict[str, Any], data: st.DataObject) -> None:
    net = network(body)
    totals = derive(net).totals
    small = {each.name: data.draw(st.integers(1, 4), label=each.name) for each in net.symbols}
    values = small | {"H": data.draw(st.integers(12, 24)), "W": data.draw(st.integers(12, 24))}
    if not all(condition.bind(values).holds() for condition in totals.valid_when):
        return

    costs = measure_costs(net.bind(values))

    assert bind(totals.params, values) == costs.total("params")
    assert bind(totals.macs, values) == costs.total("macs")
    assert bind(totals.activations, values) == costs.total("activations")
    assert tuple(bind(size, values) for size in totals.output_shape) == costs.layers[-1].output_shape


def field(body: dict[str, Any]) -> str:
    size: Value | None = derive(network(body)).totals.receptive_field.size[0]
    return str(size)


def test_n_stacked_convolutions_of_three_see_2n_plus_1() -> None:
    assert field(BODIES["stacked"]) == "2*n + 1"


def test_doubled_dilations_see_a_power_of_two() -> None:
    assert field(BODIES["dilated"]) == "2**n"


def test_m_stacks_of_doubled_dilations_see_m_times_as_much() -> None:
    inner = {"repeat": {"times": "n", **BODIES["dilated"]}}

    outer = network({"times": "m", "layers": [inner]})

    assert str(derive(outer).totals.receptive_field.size[0]) == "m*(2**n - 1) + 1"


def test_a_condition_of_the_first_pass_alone_is_stated() -> None:
    layers = [{"residual": [{"conv": {"out_channels": 64, "kernel_size": 3, "padding": 1}}]}]

    totals = derive(network({"layers": layers})).totals

    assert [str(each) for each in totals.valid_when] == ["64 == C"]


def test_a_condition_that_always_holds_is_not_stated() -> None:
    stage = {"times": "n", "layers": [{"residual": [{"conv": {**SAME, "out_channels": "C"}}]}]}

    assert derive(network(stage)).totals.valid_when == ()


def test_a_formula_holds_at_depths_that_nobody_unrolls() -> None:
    totals = derive(network(BODIES["stacked"])).totals

    assert bind(totals.params, {"n": 10**6, "C": 1, "K": 1}) == 10 * 10**6


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ([{"conv": {"out_channels": 1, "kernel_size": 3, "stride": "s"}}], "stride"),
        ([{"pointwise_conv": "in_channels**2"}], "linear"),
        (
            [{"upsample": 2}, {"max_pool": 3}, {"max_pool": {"kernel_size": 2, "stride": 1}}, {"upsample": 3}],
            "floor map",
        ),
        ([{"parallel": {"merge": "multiply", "branches": [[], ["global_avg_pool"]]}}], "everything"),
        (["flatten", {"dense": 3}], "axes"),
        ([{"conv": {"out_channels": "2*K", "kernel_size": 1, "groups": "g"}}], "two conditions"),
    ],
)
def test_what_has_no_closed_form_is_refused_with_a_way_out(layers: list[Any], why: str) -> None:
    with pytest.raises(SpecError, match=why) as refused:
        derive(network({"layers": layers}))

    assert "--set" in str(refused.value) or "flatten" in str(refused.value)


def test_a_depth_below_one_is_refused() -> None:
    with pytest.raises(SpecError, match="out-of-range"):
        network(BODIES["stacked"]).bind({"n": 0})


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_derivations_know_repeats_of_symbolic_depth(body: dict[str, Any]) -> None:
    assert "layer by layer" in cm.formulas(network(body), steps=True).to_text()


def test_resnet_is_one_formula_in_its_four_depths() -> None:
    family = cm.load("zoo:resnet50", {"n1": "a", "n2": "b", "n3": "c", "n4": "d"})
    totals = derive(family).totals
    sizes = {"H": 224, "W": 224, "width": 64, "classes": 1000}

    for name, depths in {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3), "resnet152": (3, 8, 36, 3)}.items():
        values = dict(zip("abcd", depths, strict=True)) | sizes
        own = derive(cm.load(f"zoo:{name}", numbers=True)).totals

        assert (bind(totals.params, values), bind(totals.macs, values)) == (own.params, own.macs)
