"""Networks with branches: what is derived of them, against execution, tracing and known networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graphs import CHANNELS, Entry, graphs
from hypothesis import assume, given, settings
from networks import analyzed, network

import convmath as cm
from convmath.api import load, load_bytes
from convmath.errors import SpecError
from convmath.numeric.execute import run, run_layers
from convmath.numeric.measure import measure_costs, measure_fields, measure_reads
from convmath.report import Disagreement
from convmath.symbolic.compose import derive
from convmath.verification.compare import compare
from convmath.verification.confront import verify
from convmath.verification.fields import confront_fields
from convmath.verification.tally import Tally

SIZE = 72


@given(graphs())
@settings(max_examples=250)
def test_graphs_agree_with_execution_and_tracing(layers: list[Entry]) -> None:
    drawn = network([CHANNELS, SIZE], layers)
    try:
        report = derive(drawn)
    except SpecError:
        with pytest.raises(SpecError):
            measure_costs(drawn)
        return

    tally = Tally()
    compare(report, measure_costs(drawn), {}, tally)
    confront_fields(drawn, report, {}, tally)

    assert tally.refuted() == set(), tally.checks()


@given(graphs())
@settings(max_examples=100)
def test_where_paths_disagree_no_single_window_fits(layers: list[Entry]) -> None:
    """Neighbours of one jump and one centre are told apart from the others by tracing each branch alone."""
    try:
        report = analyzed([CHANNELS, SIZE], layers)
    except SpecError:
        assume(False)
    field = report.layers[-1].receptive_field

    if field.jump is None:
        assert field.disagreement is not None
        assert len(field.disagreement[0].jumps) > 1  # type: ignore[union-attr]


def test_a_shift_between_paths_is_told_in_pixels() -> None:
    left = {"conv": {"out_channels": 1, "kernel_size": 3, "padding": [[2, 0]]}}
    right = {"conv": {"out_channels": 1, "kernel_size": 3, "padding": [[0, 2]]}}

    shifted = analyzed([1, 20], [{"parallel": {"merge": "add", "branches": [[left], [right]]}}])
    aligned = analyzed([1, 20], [{"parallel": {"merge": "add", "branches": [[left, right], []]}}])

    assert shifted.layers[-1].receptive_field.disagreement == (Disagreement((1,), 2),)
    assert aligned.layers[-1].receptive_field.disagreement is None


def test_paths_of_different_jumps_are_told_and_not_refused() -> None:
    pooled: list[Any] = [{"max_pool": 2}, {"crop": {"amount": [[0, 2]]}}]
    cut: list[Any] = [{"crop": {"amount": [[0, 10]]}}]

    field = analyzed([1, 16], [{"parallel": {"merge": "add", "branches": [pooled, cut]}}]).layers[-1].receptive_field

    assert field.jump is None
    assert field.disagreement[0].jumps == (1, 2)  # type: ignore[index, union-attr]


def test_a_shared_layer_is_counted_once_and_runs_with_the_same_weights() -> None:
    layers = [
        {"conv": {"name": "first", "out_channels": 1, "kernel_size": 3, "from": "a"}},
        {"conv": {"name": "second", "out_channels": 1, "kernel_size": 3, "from": "b", "share": "first"}},
        {"concat": ["first", "second"]},
    ]
    siamese = network(None, layers, inputs={"a": [1, 8], "b": [1, 8]})
    x = np.arange(8.0)[None]

    both = run(siamese, {"a": x, "b": x})

    assert derive(siamese).totals.params == measure_costs(siamese).total("params") == 4
    assert np.array_equal(both[:1], both[1:])  # type: ignore[index]


def test_blocks_share_layer_by_layer() -> None:
    text = b"""
convmath: 1
inputs: {left: [3, 16, 16], right: [3, 16, 16]}
blocks: {tower: {layers: [conv: {out_channels: 4, kernel_size: 3}, batch_norm, dense_part: {}]},
         dense_part: {layers: [pointwise_conv: 2]}}
layers:
  - tower: {name: a, from: left}
  - tower: {name: b, from: right, share: a}
  - concat: [a, b]
"""
    siamese = load_bytes(text, "siamese")

    assert verify(siamese).confirmed
    assert derive(siamese).layer("b").params == derive(siamese).layer("b").buffers == 0
    assert derive(siamese).layer("b.conv1").shares == "a.conv1"


def test_layers_of_other_shapes_cannot_share() -> None:
    layers = [
        {"conv": {"name": "one", "out_channels": 2, "kernel_size": 3}},
        {"conv": {"name": "two", "out_channels": 2, "kernel_size": 3, "share": "one"}},
    ]
    drawn = network([1, 16], layers)

    with pytest.raises(SpecError, match="2 and 1 channels arrive"):
        derive(drawn)
    with pytest.raises(SpecError, match="must have the shape 2 × 2 × 3, but the one it shares has 2 × 1 × 3"):
        measure_costs(drawn)


def test_a_name_in_a_repeat_stands_for_all_its_copies() -> None:
    repeated = {"repeat": {"times": 3, "layers": [{"conv": {"name": "skips", "out_channels": 2, "kernel_size": 1}}]}}

    report = analyzed([2, 9], [repeated, {"concat": {"name": "all", "from": ["skips"]}}])

    assert report.layer("all").inputs == ("repeat1.0.skips", "repeat1.1.skips", "repeat1.2.skips")
    assert report.layer("all").output_shape == (6, 9)


def test_inside_a_repeat_a_name_is_that_of_the_same_pass() -> None:
    layers = [{"conv": {"name": "here", "out_channels": 2, "kernel_size": 1}}, "relu", {"add": ["here", "relu1"]}]

    report = analyzed([2, 9], [{"repeat": {"name": "r", "times": 2, "layers": layers}}])

    assert report.layer("r.1.add1").inputs == ("r.1.here", "r.1.relu1")


def test_a_block_sees_its_own_names_and_what_its_parameters_name() -> None:
    blocks = {
        "join": {"params": ["other"], "layers": [{"relu": {"name": "mine"}}, {"add": ["mine", "other"]}]},
        "peek": {"layers": [{"relu": {"name": "mine"}}, {"add": ["mine", "stem"]}]},
    }  # fmt: skip
    stem = {"conv": {"name": "stem", "out_channels": 1, "kernel_size": 1}}

    report = analyzed([1, 9], [stem, {"join": {"name": "j", "other": "stem"}}], blocks=blocks)

    assert report.layer("j.add1").inputs == ("j.mine", "stem")
    with pytest.raises(SpecError, match="no output above is called 'stem'"):
        network([1, 9], [stem, {"peek": {"name": "p"}}], blocks=blocks)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{"add": ["nowhere"]}], "no output above is called 'nowhere'"),
        ([{"relu": {"name": "here"}}, {"add": ["hare"]}], "did you mean 'here'"),
        ([{"relu": {"from": ["input", "input"]}}], "stands for 2 outputs, but one can arrive here"),
        (["add"], "'add' needs the names of what it joins"),
        ([{"subtract": ["input"]}], "'subtract' takes two outputs, but ['input'] stands for 1"),
        ([{"divide": ["input", "input", "input"]}], "stands for 3"),
        (["relu", {"max_pool": 2}, {"maximum": ["relu1", "max_pool1"]}], "the sizes 8 and 4 on axis 0 differ"),
        ([{"conv": {"out_channels": 3, "kernel_size": 1}}, {"minimum": ["conv1", "input"]}], "3 and 1 channels cannot"),
        ([{"parallel": {"branches": [[]]}}], "'parallel' needs 'merge'"),
        ([{"parallel": {"merge": "sum", "branches": [[]]}}], "'sum' is not one of concat, add, multiply"),
        ([{"parallel": {"merge": "add", "branches": []}}], "is no list of branches"),
        ([{"parallel": {"merge": "add", "branches": [["flatten"], []]}}], "a vector and an image of 2 axes"),
        ([{"residual": {"layer": []}}], "did you mean 'layers'"),
        ([{"residual": 3}], "3 is no list of layers"),
        ([{"relu": {"share": "input"}}], "has 0 layers, but 1 layer would share them"),
        ([{"tanh": {"name": "t"}}, {"relu": {"share": "t"}}], "t is a 'tanh', but relu1 is a 'relu'"),
        ([{"residual": [{"conv": {"out_channels": 3, "kernel_size": 1}}]}], "3 and 1 channels cannot be joined"),
        ([{"residual": [{"max_pool": 2}]}], "the sizes 4 and 8 on axis 0 differ"),
    ],
)  # fmt: skip
def test_faults_of_graphs_are_told(layers: list[Any], message: str) -> None:
    with pytest.raises(SpecError) as refused:
        analyzed([1, 8, 8], layers)

    assert message in str(refused.value)


def test_several_inputs_say_which_one_arrives() -> None:
    inputs = {"a": [1, 8], "b": [1, 8]}

    with pytest.raises(SpecError, match="nothing arrives here: the network has several inputs"):
        network(None, ["relu"], inputs=inputs)

    report = analyzed(None, [{"add": ["a", "b"]}, {"conv": {"out_channels": 1, "kernel_size": 3}}], inputs=inputs)
    assert {name: field.size for name, field in report.layers[-1].fields.items()} == {"a": (3,), "b": (3,)}


def test_outputs_are_named_and_returned() -> None:
    layers = [{"relu": {"name": "low"}}, {"max_pool": {"name": "high", "kernel_size": 2}}, "tanh"]
    two = network([1, 8], layers, outputs=["low", "high"])

    made = run(two, np.zeros((1, 8)))

    assert {name: array.shape for name, array in made.items()} == {"low": (1, 8), "high": (1, 4)}  # type: ignore[union-attr]
    assert derive(two).totals.outputs == {"low": (1, 8), "high": (1, 4)}
    assert verify(two).confirmed


def test_a_gate_sees_everything_and_the_rest_sees_what_it_saw() -> None:
    layers = [
        {"conv": {"out_channels": 4, "kernel_size": 3}},
        {"squeeze_excitation": {"name": "se", "squeeze_channels": 2}},
    ]

    field = analyzed([1, "H", "W"], layers).layer("se").receptive_field

    assert field.whole
    assert [str(each) for each in field.size] == ["H", "W"]
    assert field.local is not None
    assert field.local.size == (3, 3)


def test_a_squeezed_block_is_the_product_with_a_gate() -> None:
    squeezed = network([3, 5, 4], [{"squeeze_excitation": {"name": "se", "squeeze_channels": 2}}])
    x = np.random.default_rng(0).normal(size=(3, 5, 4))

    made = run_layers(squeezed, x)

    gate = made["se.gate"]
    assert gate.shape == (3, 1, 1)
    assert np.allclose(made["se.scale"], x * gate)


@pytest.mark.parametrize("name", ["unet", "unet_same", "resnet18", "wavenet"])
def test_networks_of_the_zoo_are_confirmed(name: str) -> None:
    small = {"unet": {}, "unet_same": {"width": 2}, "resnet18": {}, "wavenet": {"residual": 2, "skip": 2}}[name]

    outcome = verify(load(f"zoo:{name}").bind(small), 3)

    assert outcome.confirmed, [each for each in outcome.checks if not each.confirmed]


def test_the_first_unet_accepts_one_class_of_sizes() -> None:
    report = derive(load("zoo:unet"))

    assert [str(each) for each in report.totals.valid_when] == [
        "(H - 12) % 16 == 0", "H >= 188", "(W - 12) % 16 == 0", "W >= 188",
    ]  # fmt: skip
    assert [str(each) for each in report.totals.output_shape] == ["2", "H - 184", "W - 184"]
    assert derive(load("zoo:unet").bind({"H": 572, "W": 572})).totals.output_shape == (2, 388, 388)


def test_the_first_unet_reads_within_its_hull() -> None:
    unet = load("zoo:unet").bind({"H": 188, "W": 188})
    field = derive(load("zoo:unet")).layers[-1].receptive_field

    read = measure_fields(unet, 0)[-1]

    for at in range(4):
        assert field.first[0].bind({"i": at}) == read.first[at]  # type: ignore[index, union-attr]
        assert field.last[0].bind({"i": at}) == read.last[at]  # type: ignore[index, union-attr]


def test_under_its_class_a_formula_has_no_floor() -> None:
    pooled = [{"max_pool": 2}, {"upsample": 2}]
    report = analyzed([1, "H", 4], [{"residual": pooled}, {"max_pool": {"name": "half", "kernel_size": 2}}])

    assert [str(each) for each in report.totals.valid_when] == ["H % 2 == 0"]
    assert str(report.layers[0].output_shape[1]) == "H/2"
    assert (
        report.totals.activations == analyzed([1, "H", 4], [{"residual": pooled}, {"max_pool": 2}]).totals.activations
    )


def test_a_wavenet_reads_one_sample_more_than_its_dilations_add_up_to() -> None:
    net = load("zoo:wavenet", {"stacks": 1, "depth": 5, "residual": 1, "skip": 1})

    exact = measure_reads(net.bind({"L": 100}), 0)[-1]

    assert exact.masks[-1].bit_count() == 2**5 + 1
    assert derive(net).layers[-1].receptive_field.size == (33,)


def test_many_branches_and_long_chains_stay_quick() -> None:
    conv = {"conv": {"out_channels": 1, "kernel_size": 3, "padding": 1}}
    wide = [{"parallel": {"merge": "concat", "branches": [[conv] * at for at in range(60)]}}, {"pointwise_conv": 1}]
    deep = [{"repeat": {"times": 2000, "layers": [{"residual": [conv, "relu"]}]}}]

    assert analyzed([1, "H"], wide).layers[-1].receptive_field.size == (119,)
    assert analyzed([1, "H"], deep).layers[-1].receptive_field.size == (4001,)


def test_python_networks_have_branches_too() -> None:
    net = cm.stack({"residual": [cm.Conv(3, 3, padding=1)]}, cm.SqueezeExcitation(2), input=(3, "H", "W"))

    assert cm.verify(net, 4).confirmed


@pytest.mark.parametrize("between", [["relu"], [{"channel_shuffle": 2}, "relu"], [{"pointwise_conv": 2}]], ids=str)
def test_channels_that_see_less_than_all_make_the_field_a_bound(between: list[Entry]) -> None:
    branches = [[], [{"conv": {"out_channels": 1, "kernel_size": 3, "padding": 1}}]]
    sliced = network(
        [1, "H"], [{"parallel": {"merge": "concat", "branches": branches}}, *between, {"slice_channels": [0, 1]}]
    )

    field = derive(sliced).layers[-1].receptive_field

    assert (field.size, field.exact) == ((3,), {"pointwise_conv": 2} in between)
    assert verify(sliced, 4).confirmed


def test_channels_that_hold_one_pixel_of_a_block_make_the_field_behind_a_shuffle_a_bound() -> None:
    """What undoes itself reads one pixel, but only who follows each channel would know."""
    report = analyzed([1, "H", "W"], [{"pixel_unshuffle": 2}, {"pixel_shuffle": 2}])

    field = report.layers[-1].receptive_field

    assert (field.size, field.exact) == ((2, 2), False)
    assert verify(network([1, "H", "W"], [{"pixel_unshuffle": 2}, {"pixel_shuffle": 2}]), 6).confirmed


def test_a_pixel_of_each_block_is_read_by_what_mixes_the_channels() -> None:
    mixed = [{"pixel_unshuffle": 2}, {"conv": {"out_channels": 4, "kernel_size": 3}}, {"pixel_shuffle": 2}]

    report = analyzed([1, "H"], mixed)

    assert str(report.totals.output_shape[1]) == "2*floor(H/2) - 4"
    assert [str(each) for each in report.totals.valid_when] == ["H >= 6", "H % 2 == 0"]
    assert report.layers[-1].receptive_field.exact
    assert verify(network([1, "H"], mixed), 6).confirmed


def test_the_spatial_attention_of_cbam() -> None:
    """Woo et al. 2018: a 7 × 7 convolution of two channels, the mean and the maximum over all, makes a gate."""
    layers = [
        {"conv": {"name": "x", "out_channels": 8, "kernel_size": 3, "padding": 1}},
        {"channel_avg_pool": {"name": "mean"}},
        {"channel_max_pool": {"name": "largest", "from": "x"}},
        {"concat": ["mean", "largest"]},
        {"conv": {"out_channels": 1, "kernel_size": 7, "padding": 3, "bias": False}},
        {"sigmoid": {"name": "gate"}},
        {"multiply": ["x", "gate"]},
    ]

    report = analyzed([3, "H", "W"], layers)

    assert report.layers[4].params == 2 * 49
    assert report.totals.receptive_field.size == (9, 9)
    assert [str(each) for each in report.totals.output_shape] == ["8", "H", "W"]
    assert verify(network([3, "H", "W"], layers), 4).confirmed


def test_a_row_that_is_repeated_reads_that_row_whatever_the_size() -> None:
    spec = """
convmath: 1
input: [3, H, W]
layers:
  - crop: {name: inner, amount: [1, 0]}
  - crop: {name: row, from: input, amount: [[0, "H - 1"], 0]}
  - upsample: {name: all, size: ["H - 2", W]}
  - add: [inner, all]
"""
    net = load_bytes(spec.encode(), "rows.yaml")

    assert cm.analyze(net).totals.output_shape[1:] == cm.analyze(net)["inner"].output_shape[1:]
    assert cm.verify(net, samples=8).confirmed
