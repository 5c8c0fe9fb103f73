"""Deformable convolutions whose offsets other layers make: ONNX's own tests, its evaluator, what they read, errors."""

from __future__ import annotations

from typing import Any

import networks
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric_cases import image

from convmath.api import load_bytes, to_spec
from convmath.errors import SpecError
from convmath.numeric.execute import run
from convmath.numeric.measure import measure_costs
from convmath.spec.deformable import DeformableConv
from convmath.spec.graph import Input, Network, Node
from convmath.spec.parse import parse
from convmath.spec.replace import replaced
from convmath.symbolic import compose
from convmath.symbolic.compose import derive
from convmath.symbolic.pixels import outputs_that_read, pixels_of
from convmath.verification.confront import verify

NODES = (
    "test_basic_deform_conv_with_padding",
    "test_basic_deform_conv_without_padding",
    "test_deform_conv_with_mask_bias",
    "test_deform_conv_with_multiple_offset_groups",
)


def by_hand(arrays: dict[str, np.ndarray], attributes: dict[str, Any]) -> Network:
    """Return the network of one DeformConv, as somebody who reads ONNX would make it, for arrays with a batch of 1."""
    kernel, rank = arrays["W"].shape[2:], arrays["X"].ndim - 2
    pads = attributes.get("pads", [0] * 2 * rank)
    layer = DeformableConv(
        out_channels=arrays["W"].shape[0],
        kernel_size=kernel,
        stride=tuple(attributes.get("strides", [1] * rank)),
        padding=tuple(zip(pads[:rank], pads[rank:], strict=True)),
        dilation=tuple(attributes.get("dilations", [1] * rank)),
        groups=attributes.get("group", 1),
        bias="B" in arrays,
        offsets="given",
        modulated="mask" in arrays,
        offset_groups=attributes.get("offset_group", 1),
        max_offset=1,
    )
    maps = [name for name in ("X", "offset", "mask") if name in arrays]
    inputs = tuple(Input(name, arrays[name].shape[1:]) for name in maps)
    return Network("onnx", inputs, (), (Node("d", layer, tuple(range(len(maps))), "deformable_conv"),))


def ours(arrays: dict[str, np.ndarray], attributes: dict[str, Any]) -> np.ndarray:
    net = by_hand(arrays, attributes)
    given_inputs = {each.name: arrays[each.name][0] for each in net.inputs}
    weights = {"weight": arrays["W"]} | ({"bias": arrays["B"]} if "B" in arrays else {})
    found = run(net, given_inputs, {"d": weights})
    assert isinstance(found, np.ndarray)
    assert derive(net).totals.output_shape == found.shape
    return found


def onnx_cases() -> dict[str, Any]:
    from onnx_node_cases import collected

    return {case.name: case for case in collected("DeformConv")}


@pytest.mark.peers
def test_every_node_test_of_onnx_is_here() -> None:
    assert set(onnx_cases()) == set(NODES)


@pytest.mark.peers
@pytest.mark.parametrize("name", NODES)
def test_the_node_tests_of_onnx(name: str) -> None:
    case = onnx_cases()[name]
    [(inputs, [expected])] = case.data_sets
    node = case.model.graph.node[0]
    places = [at for at, each in enumerate(node.input) if each]
    arrays = dict(zip((("X", "W", "offset", "B", "mask")[at] for at in places), inputs, strict=True))
    attributes = {each.name: list(each.ints) or each.i for each in node.attribute}

    np.testing.assert_allclose(ours(arrays, attributes), expected[0], rtol=1e-5, atol=1e-5)


@st.composite
def deformed(draw: st.DrawFn) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Draw arrays and attributes of a DeformConv on two axes, offsets beyond the image included.

    An axis of one element is left out: there ONNX's evaluator divides by the size less one, which is 0.
    """
    kernel = [draw(st.integers(1, 3)) for _ in range(2)]
    stride = [draw(st.integers(1, 3)) for _ in range(2)]
    dilation = [draw(st.integers(1, 2)) for _ in range(2)]
    pads = [draw(st.integers(0, 2)) for _ in range(4)]
    least = [d * (k - 1) + 1 - a - b for d, k, a, b in zip(dilation, kernel, pads[:2], pads[2:], strict=True)]
    sizes = [max(2, each) + draw(st.integers(0, 3)) for each in least]
    groups, parts = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    channels, kernels = groups * parts * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    seed, reach = draw(st.integers(0, 99)), draw(st.sampled_from([0.4, 1.0, 6.0]))
    arrays = {"X": image([1, channels, *sizes], seed), "W": image([kernels, channels // groups, *kernel], seed + 1)}
    window = {"kernel_size": kernel, "stride": stride, "dilation": dilation}
    window["padding"] = [list(pair) for pair in zip(pads[:2], pads[2:], strict=True)]
    conv = networks.network([channels, *sizes], [{"conv": {"out_channels": 1, **window}}])
    out = measure_costs(conv).layers[0].output_shape[1:]
    taps = parts * kernel[0] * kernel[1]
    arrays["offset"] = reach * image([1, 2 * taps, *out], seed + 2)
    if draw(st.booleans()):
        arrays["B"] = image([kernels], seed + 3)
    if draw(st.booleans()):
        arrays["mask"] = image([1, taps, *out], seed + 4)
    attributes = {"kernel_shape": kernel, "strides": stride, "dilations": dilation, "pads": pads}
    return arrays, attributes | {"group": groups, "offset_group": parts}


@pytest.mark.peers
@given(deformed())
@settings(max_examples=60)
def test_values_are_those_of_the_reference_evaluator(case: tuple[dict[str, np.ndarray], dict[str, Any]]) -> None:
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    arrays, attributes = case
    names = [name if name in arrays else "" for name in ("X", "W", "offset", "B", "mask")]
    node = helper.make_node("DeformConv", names, ["Y"], **attributes)
    infos = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, each.shape) for name, each in arrays.items()]
    graph = helper.make_graph([node], "d", infos, [helper.make_tensor_value_info("Y", TensorProto.DOUBLE, None)])
    theirs = ReferenceEvaluator(helper.make_model(graph)).run(None, arrays)[0][0]

    np.testing.assert_allclose(ours(arrays, attributes), theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("parts", [1, 2])
def test_predicted_offsets_are_those_that_a_convolution_gives(rank: int, parts: int) -> None:
    """On any number of axes, where neither ONNX's evaluator nor torchvision goes."""
    kernel, shape = [2, 3, 2][:rank], [4, 5, 6, 4][: rank + 1]
    taps = parts * int(np.prod(kernel))
    window = {"kernel_size": kernel, "stride": 2, "padding": 1}
    fields = {"name": "d", "out_channels": 3, **window, "modulated": True, "offset_groups": parts, "max_offset": 3}
    predicted = networks.network(shape, [{"deformable_conv": {**fields, "offsets": "predicted"}}])
    made = [
        {"conv": {"name": "made", "out_channels": (rank + 1) * taps, **window}},
        {"slice_channels": {"name": "offsets", "channels": [0, rank * taps]}},
        {"slice_channels": {"name": "raw", "from": "made", "channels": [rank * taps, (rank + 1) * taps]}},
        {"sigmoid": {"name": "mask"}},
    ]
    taken = {"deformable_conv": {**fields, "offsets": "given", "from": ["input", "offsets", "mask"]}}
    own = {"weight": image([3, 4, *kernel], 1), "bias": image([3], 2)}
    conv = {"weight": image([(rank + 1) * taps, 4, *kernel], 3), "bias": image([(rank + 1) * taps], 4)}
    x = image(shape)

    alone = run(predicted, x, {"d": own | {f"offset_{name}": each for name, each in conv.items()}})
    together = run(networks.network(shape, [*made, taken]), x, {"d": own, "made": conv})

    np.testing.assert_allclose(together, alone, rtol=1e-12)
    for quantity in ("params", "macs"):
        both = networks.analyzed(shape, [*made, taken]).totals
        assert getattr(both, quantity) == getattr(derive(predicted).totals, quantity)


WINDOW = {"kernel_size": 3, "padding": 1}
TAKEN = {"out_channels": 2, **WINDOW, "offsets": "given", "max_offset": 1}


def conv(name: str, channels: Any, **fields: Any) -> dict[str, Any]:
    return {"conv": {"name": name, "out_channels": channels, **WINDOW, **fields}}


def graph(*before: Any, **more: Any) -> list[Any]:
    """Return layers that make offsets out of a convolution of the image, and take them."""
    first = {"conv": {"name": "x", "out_channels": 2, "kernel_size": 3}}
    return [first, *before, {"deformable_conv": {"name": "d", **TAKEN, "from": ["x", "o"], **more}}]


OFFSETS = conv("o", 18)
BESIDE = {"conv": {**OFFSETS["conv"], "from": "x"}}
MASKED = {"modulated": True, "from": ["x", "o", "m"]}
GRAPHS: dict[str, list[Any]] = {
    "offsets of the same window": graph(OFFSETS),
    "offsets of a window that sees more": graph(conv("o", 18, kernel_size=9, padding=4)),
    "offsets of a window that looks aside": graph(conv("o", 18, kernel_size=7, padding=[[0, 6], [6, 0]])),
    "offsets of two layers": graph(conv("first", 4, dilation=2, padding=2), "relu", OFFSETS),
    "a mask that sees more": graph(
        conv("f", 9, kernel_size=7, padding=3), {"sigmoid": {"name": "m"}}, BESIDE, **MASKED
    ),
    "a stride, dilation and offset groups": graph(
        conv("o", 36, stride=2, dilation=2, padding=4),
        stride=2,
        dilation=2,
        padding=4,
        offset_groups=2,
        groups=2,
        max_offset=3,
    ),
    "a way down and up again": graph(
        {"max_pool": {"kernel_size": 2}}, conv("low", 18), {"upsample": {"name": "o", "scale_factor": 2}}
    ),
    "offsets that see everything": graph({"squeeze_excitation": {"name": "gate", "squeeze_channels": 1}}, OFFSETS),
    "an image that sees everything": [
        OFFSETS,
        {"squeeze_excitation": {"name": "x", "squeeze_channels": 1, "from": "input"}},
        {"deformable_conv": {"name": "d", **TAKEN, "from": ["x", "o"]}},
    ],
    "two in a row, and what pools all of it": [
        *graph(OFFSETS),
        {"conv": {**conv("p", 18)["conv"], "from": "d"}},
        {"deformable_conv": {**TAKEN, "stride": 1, "from": ["d", "p"]}},
        "global_avg_pool",
        "flatten",
        {"dense": 3},
    ],
    "an image that is its own offsets": [conv("x", 18), {"deformable_conv": {**TAKEN, "from": ["x", "x"]}}],
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_with_given_offsets_are_confirmed(name: str) -> None:
    net = networks.network([3, "H", "W"], GRAPHS[name], symbols={"H": {"default": 14}, "W": {"default": 17}})

    outcome = verify(net, 6)

    assert outcome.confirmed, outcome.to_table()


def line(reach: int) -> list[Any]:
    """Return layers on one axis: offsets of a kernel of 9 on an image of a kernel of 3."""
    return graph({"conv": {"name": "o", "out_channels": 3, "kernel_size": 9, "padding": 4}}, max_offset=reach)


@pytest.mark.parametrize(("reach", "size"), [(0, 11), (3, 11), (4, 13)])
def test_fields_unite_the_window_and_what_the_offsets_see(reach: int, size: int) -> None:
    """Offsets see 9 + 2 pixels, the moved window 3 + 2 and the offset on both sides."""
    field = networks.analyzed([3, 40], line(reach)).totals.receptive_field

    assert field.size == (size,)
    assert field.exact


def test_a_field_that_forgets_the_offsets_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "accompanied", lambda walk, node, out, others: out)

    net = networks.network([3, 20, 20], GRAPHS["offsets of a window that sees more"])

    assert not verify(net, 2).confirmed


def test_a_mask_that_is_not_applied_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.numeric import deformable

    right = deformable._given
    monkeypatch.setattr(deformable, "_given", lambda *args: (right(*args)[0], None))

    assert not verify(networks.network([3, 20, 20], GRAPHS["a mask that sees more"]), 2).confirmed


def test_sizes_that_must_be_equal_are_solved() -> None:
    """Behind a way down and up again, offsets fit even sizes of the image only."""
    report = networks.analyzed([3, "H", "W"], GRAPHS["a way down and up again"])

    assert {"H % 2 == 0", "W % 2 == 0"} <= {str(each) for each in report.totals.valid_when}
    assert [each.layer for each in report.joins] == ["d", "d"]


def test_pixels_of_both_maps_are_read() -> None:
    net = networks.network([1, 21], line(0))

    [(_, [seen])] = pixels_of(net, "d", [9]).inputs
    readers = {each.layer: each.axes for each in outputs_that_read(net, [0])}

    assert seen.runs == ((5, 15),)
    assert readers["d"][0].runs[-1][1] == 4


def test_the_channels_of_a_map_may_be_symbols() -> None:
    like = {"kernel_size": "p", "padding": "p//2"}
    report = networks.analyzed([3, "H", "W"], graph(conv("o", "2*p**2", padding=1), **like))
    plain = networks.analyzed([2, "H", "W"], [{"conv": {"out_channels": 2, **like}}])

    assert report.layers[-1].params == plain.totals.params


@pytest.mark.parametrize(
    ("layers", "message", "help_"),
    [
        (graph(OFFSETS, **{"from": "x"}), "the image and the offsets, but 1 map arrives", "from: [IMAGE, OFFSETS]"),
        ([{"deformable_conv": TAKEN}], "the image and the offsets, but 1 map arrives", "from: [IMAGE, OFFSETS]"),
        (graph(OFFSETS, modulated=True), "the mask, but 2 maps arrive", "from: [IMAGE, OFFSETS, MASK]"),
        (graph(OFFSETS, **{"from": ["x", "o", "o"]}), "but 3 maps arrive", "from: [IMAGE, OFFSETS]"),
        (graph(OFFSETS, offsets="learned"), "'deformable_conv' takes the image, but 2 maps", "offsets: given"),
        (graph(OFFSETS, offsets="predicted"), "takes the image, but 2 maps arrive", "offsets: given"),
        ([{"conv": {**OFFSETS["conv"], "from": ["input", "input"]}}], "stands for 2 outputs", "join them first"),
        ([OFFSETS, "flatten", {"deformable_conv": {**TAKEN, "from": ["o", "flatten1"]}}], "cannot be joined", "images"),
    ],
)
def test_the_reader_refuses_other_maps(layers: list[Any], message: str, help_: str) -> None:
    with pytest.raises(SpecError) as refused:
        networks.network([3, 12, 12], layers)

    assert any(message in each.message and help_ in (each.help or "") for each in refused.value.problems)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (graph(conv("o", 17)), "17 × 10 × 10 arrives as offsets, but 18 channels are needed, 2 for every tap"),
        (graph(conv("o", 18, padding=0)), "18 × 8 × 8 arrives as offsets, but the output has the size 10 on axis 0"),
        (graph(conv("m", 8), BESIDE, **MASKED), "8 × 10 × 10 arrives as mask, but 9 channels are needed, one for"),
        (graph(OFFSETS, offset_groups=2), "36 channels are needed"),
        (graph(conv("o", 338), kernel_size=13), "the window does not fit"),
    ],
)
def test_maps_that_do_not_fit_are_refused_by_both_engines(layers: list[Any], message: str) -> None:
    net = networks.network([3, 12, 12], layers)

    with pytest.raises(SpecError, match=message):
        derive(net)
    with pytest.raises(SpecError):
        measure_costs(net)


def test_offsets_whose_sizes_never_fit_are_refused() -> None:
    net = networks.network([3, "H", "W"], graph(conv("o", 18, padding=0)))

    with pytest.raises(SpecError, match="arrives as offsets, but the output has the size H - 2 on axis 0"):
        derive(net)


@pytest.mark.parametrize("inputs", [(0,), (0, 1, 1)])
def test_a_node_with_other_maps_is_refused(inputs: tuple[int, ...]) -> None:
    net = networks.network([3, 8, 8], graph(OFFSETS))
    last = net.nodes[-1]
    wrong = Network(net.name, net.inputs, (), (*net.nodes[:-1], Node("d", last.layer, inputs, "deformable_conv")))

    for engine in (derive, measure_costs):
        with pytest.raises(SpecError, match="image, offsets"):
            engine(wrong)


def test_a_repeat_of_symbolic_depth_may_take_its_own_offsets() -> None:
    inside = [
        {"identity": {"name": "x"}},
        OFFSETS,
        {"deformable_conv": {**TAKEN, "out_channels": 3, "from": ["x", "o"]}},
    ]
    net = networks.network([3, "H", "W"], [{"repeat": {"times": "n", "layers": inside}}])

    assert str(derive(net).totals.receptive_field.size[0]) == "4*n + 1"
    assert verify(net, 6).confirmed


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_with_given_offsets_are_written_as_they_are_read(name: str) -> None:
    net = networks.network([3, "H", "W"], GRAPHS[name])

    again = load_bytes(to_spec(net, "json").encode(), "again.json")

    assert [(each.layer, each.inputs) for each in again.nodes] == [(each.layer, each.inputs) for each in net.nodes]


def test_a_convolution_in_its_place_takes_the_image() -> None:
    net = networks.network([3, "H", "W"], graph(OFFSETS))

    plain = parse(replaced(net.document, "deformable_conv", "conv"))

    assert plain.nodes[-1].inputs == net.nodes[-1].inputs[:1]
    assert derive(plain).totals.macs == derive(net).totals.macs
