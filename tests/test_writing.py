"""Networks as files: what is written reads as the same network, and reads well."""

from __future__ import annotations

import json
import time
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphs import graphs
from hostile import NAMES, active, printable
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import network
from specs import specs
from stacks import stacks
from writing import assert_same, assert_same_graph, read_again

from convmath.api import load, to_spec
from convmath.cli.main import run
from convmath.errors import SpecError, UsageError
from convmath.formula import symbol
from convmath.limits import Limits
from convmath.spec.conv import Conv
from convmath.spec.document import Document
from convmath.spec.files import read_bytes
from convmath.spec.graph import Input, Network, Node, SymbolInfo
from convmath.spec.kinds import VOCABULARY
from convmath.spec.layer import Merge
from convmath.spec.norm import BatchNorm
from convmath.spec.parse import parse
from convmath.spec.reshape import Identity
from convmath.symbolic.compose import derive
from convmath.zoo.catalogue import names


def layers_of(net: Network) -> list[Any]:
    """Return the layers of the written file as plain data."""
    found: list[Any] = json.loads(to_spec(net, "json"))["layers"]
    return found


def written(input: list[Any] | None, layers: list[Any], **keys: Any) -> list[Any]:
    """Return layers as they are written, after they were read, and hold what they say against what was said."""
    net = network(input, layers, **keys)
    assert_same(net, read_again(net))
    return layers_of(net)


@pytest.mark.parametrize("name", names())
def test_the_zoo_reads_as_it_was(name: str) -> None:
    net = load(f"zoo:{name}")

    assert_same(net, read_again(net))
    assert read_again(net).symbols == net.symbols
    for form in ("toml", "json"):
        assert_same_graph(net, read_again(net, form))


@settings(max_examples=30)
@given(graphs())
def test_branches_read_as_they_were(layers: list[Any]) -> None:
    net = network([2, "L"], layers)

    assert_same(net, read_again(net))


@settings(max_examples=40)
@given(st.integers(1, 3).flatmap(lambda rank: st.tuples(st.just(rank), stacks(rank))))
def test_stacks_read_as_they_were(drawn: tuple[int, Any]) -> None:
    rank, cases = drawn
    net = network([2, *["H", "W", "D"][:rank]], [case.entry for case in cases])

    assert_same(net, read_again(net))


@settings(max_examples=60)
@given(specs())
def test_whatever_a_file_can_say_reads_as_it_was(spec: dict[str, Any]) -> None:
    net = parse(Document("<test>", "", spec))
    try:
        back = read_again(net)
    except SpecError as error:
        if error.problems[0].code != "unwritable":  # else the channels were asked for, and cannot be derived
            with pytest.raises(SpecError):
                derive(net)
        return

    assert_same_graph(net, back)


@st.composite
def wirings(draw: st.DrawFn) -> list[Node]:
    """Draw layers that take any outputs above them, as importers find them, under names of any kind."""
    nodes: list[Node] = []
    for at in range(draw(st.integers(1, 24))):
        merge = draw(st.sampled_from(["add", "concat", "multiply", None, None, None]))
        near = st.integers(max(0, at - 2), at)
        if merge:
            inputs = tuple(draw(st.lists(st.one_of(near, st.integers(0, at)), min_size=1, max_size=3)))
            layer = VOCABULARY[merge]()
        else:
            inputs = (draw(st.one_of(near, near, st.integers(0, at))),)
            layer = draw(st.sampled_from([BatchNorm(affine=True, eps=1e-5), Identity(), VOCABULARY["relu"]()]))
        part = draw(st.sampled_from(["a", "b", "layer1.0", "layer1.1", "add1", "relu2", "x.y"]))
        alike = [k for k, node in enumerate(nodes) if type(node.layer) is type(layer) and node.share is None]
        share = draw(st.sampled_from(alike)) if isinstance(layer, BatchNorm) and alike and draw(st.booleans()) else None
        nodes.append(
            Node(f"{part}.{at}" if draw(st.booleans()) else f"{part}_{at}", layer, inputs, layer.kind, share=share)
        )
    return nodes


@settings(max_examples=150)
@given(wirings(), st.data())
def test_any_wiring_reads_as_it_was(nodes: list[Node], data: st.DataObject) -> None:
    returned = tuple(data.draw(st.lists(st.integers(0, len(nodes) - 1), max_size=2, unique=True)))
    net = Network("net", (Input("input", (3, symbol("H"))),), (SymbolInfo("H"),), tuple(nodes), returned=returned)

    assert_same_graph(net, read_again(net))


@st.composite
def repeated(draw: st.DrawFn) -> list[Node]:
    """Draw the same few layers again and again, one of them perhaps changed, under names that count up or not."""
    one = draw(wirings())
    times, start = draw(st.integers(2, 5)), draw(st.integers(0, 2))
    nodes: list[Node] = []
    for k in range(times):
        moved = len(nodes)
        for node in one:
            inputs = tuple(each + moved for each in node.inputs)
            share = None if node.share is None else node.share + moved
            nodes.append(replace(node, name=f"s.{start + k}.{node.name}", inputs=inputs, share=share))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(nodes) - 1))
        inputs = tuple(draw(st.integers(0, at)) for _ in nodes[at].inputs)
        nodes[at] = replace(nodes[at], inputs=inputs)
    return nodes


@settings(max_examples=100)
@given(repeated())
def test_repeats_read_as_they_were(nodes: list[Node]) -> None:
    net = Network("net", (Input("input", (3, symbol("H"))),), (SymbolInfo("H"),), tuple(nodes))

    assert_same_graph(net, read_again(net))


@pytest.mark.parametrize("form", ["yaml", "toml", "json"])
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("3/2", 1.5),
        (0.7, 0.7),
        ("1/1024", "1/1024"),
        ("5/3", "5/3"),
        (["3/2", "7/3"], [1.5, "7/3"]),
        ([2, 0.25], [2, 0.25]),
        (["4/2", "1/3"], [2, "1/3"]),
    ],
)
def test_broken_factors_read_as_they_were(given: Any, shown: Any, form: str) -> None:
    net = network([2, "H", "W"], [{"upsample": {"scale_factor": given, "mode": "bilinear"}}])

    assert layers_of(net) == [{"upsample": {"scale_factor": shown, "mode": "bilinear"}}]
    assert_same(net, read_again(net, form))


def test_a_line_says_no_more_than_it_must() -> None:
    layers = [
        {"conv": {"out_channels": 8, "kernel_size": [3, 3], "padding": [[1, 1], [1, 1]], "stride": [1, 1]}},
        {"conv": {"out_channels": 8, "kernel_size": [3, 5], "padding": [[0, 1], 2], "dilation": 2}},
        {"conv": {"out_channels": 4, "kernel_size": 1, "bias": False}},
        {"conv": {"out_channels": "2*in_channels", "kernel_size": 3, "groups": "in_channels", "padding": "same"}},
        {"conv": {"out_channels": 8, "kernel_size": 2, "groups": 8, "padding": "causal"}},
        {"max_pool": {"kernel_size": 2, "stride": 2}},
        {"adaptive_avg_pool": [1, 1]},
        {"reshape": [8]},
        {"dense": {"out_features": "max(n, 3)", "bias": True}},
    ]

    assert written([3, "H", "W"], layers) == [
        {"conv": {"out_channels": 8, "kernel_size": 3, "padding": 1}},
        {"conv": {"out_channels": 8, "kernel_size": [3, 5], "padding": [[0, 1], 2], "dilation": 2}},
        {"pointwise_conv": {"out_channels": 4, "bias": False}},
        {"depthwise_conv": {"kernel_size": 3, "multiplier": 2, "padding": "same"}},
        {"depthwise_conv": {"kernel_size": 2, "padding": "causal"}},
        {"max_pool": 2},
        "global_avg_pool",
        {"reshape": [8]},
        {"dense": "max(n, 3)"},
    ]


def test_weights_in_a_file_stay_there() -> None:
    layers = [
        {"conv": {"out_channels": 1, "kernel_size": 3, "weight": "sobel_x", "bias_value": [0.5]}},
        {"conv": {"out_channels": 1, "kernel_size": 1, "weight": [[[["1/3"]]]], "bias": False}},
        {"depthwise_conv": {"kernel_size": 3, "shared": True, "weight": "box"}},
    ]

    found = written([1, 9, 9], layers)

    assert found[0] == layers[0]
    assert found[1] == {"conv": {"out_channels": 1, "kernel_size": 1, "bias": False, "weight": [[[[1 / 3]]]]}}
    assert found[2] == layers[2]


def test_resnet_18_is_short() -> None:
    text = to_spec(replace(load("zoo:resnet18"), about={}))

    assert len(text.splitlines()) <= 82
    assert (
        """\
  - repeat:
      name: layer1
      times: 2
      layers:
        - residual:
            - conv: {out_channels: width, kernel_size: 3, padding: 1}
            - batch_norm
            - relu
            - conv: {out_channels: width, kernel_size: 3, padding: 1}
            - batch_norm
        - relu
  - residual:
      name: layer2.0
"""
        in text
    )
    assert "      shortcut: [pointwise_conv: {out_channels: 2*width, stride: 2}, batch_norm]\n" in text
    assert "defaults: {conv: {bias: false}}\n" in text


def test_squeeze_and_excitation_is_one_line() -> None:
    text = to_spec(load("zoo:mobilenet_v3_large"))

    assert text.count("  - squeeze_excitation: ") == 4 + 4 - 2
    assert "squeeze_excitation: {gate: hard_sigmoid}" in text


def test_a_skip_to_a_decoder_is_a_name() -> None:
    assert "concat: {name: dec4.join, from: [enc4.relu2, dec4.upconv]}" in to_spec(load("zoo:unet_same"))


def blocks(first: int, stem: int, separator: str = ".") -> Network:
    """Return residual blocks ``layer1.FIRST`` and so on, as PyTorch names what is in them, behind a stem."""
    conv = Conv(
        out_channels=8, kernel_size=(3, 3), stride=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1), groups=1,
        bias=False, padding_mode="zeros", weight=None, bias_value=None,
    )  # fmt: skip
    relu, norm, add = VOCABULARY["relu"](), BatchNorm(affine=True, eps=1e-5), VOCABULARY["add"]()
    nodes = [Node(f"stem{k}", conv, (k,), "conv") for k in range(stem)]
    for k in range(3):
        at = len(nodes)
        head = f"layer1{separator}{first + k}{separator}"
        parts = [("conv1", conv), ("bn1", norm), ("relu", relu), ("conv2", conv), ("bn2", norm)]
        nodes += [Node(head + word, layer, (at + j,), layer.kind) for j, (word, layer) in enumerate(parts)]
        nodes.append(Node(f"add_{k}", add, (at + 5, at), "add"))
        nodes.append(Node(f"{head}relu_1", relu, (at + 6,), "relu"))
    return Network("net", (Input("input", (8, 32, 32)),), (), tuple(nodes))


def test_names_of_modules_survive_a_repeat() -> None:
    net = blocks(0, 1)
    back = read_again(net)
    kept = [node.name for node in net.nodes if "conv" in node.name or "bn" in node.name]

    assert_same(net, back)
    assert [node.name for node in back.nodes if "conv" in node.name or "bn" in node.name] == kept
    assert layers_of(net)[1] == {
        "repeat": {
            "name": "layer1",
            "times": 3,
            "layers": [
                {
                    "residual": [
                        {"conv": {"out_channels": 8, "kernel_size": 3, "padding": 1}},
                        {"batch_norm": {"name": "bn1"}},
                        "relu",
                        {"conv": {"out_channels": 8, "kernel_size": 3, "padding": 1}},
                        {"batch_norm": {"name": "bn2"}},
                    ]
                },
                "relu",
            ],
        }
    }


def test_names_of_modules_survive_another_kind() -> None:
    net = replace(network([4, 8, 8], [{"pointwise_conv": {"name": "conv1", "out_channels": 4}}]), document=None)

    assert layers_of(net) == [{"pointwise_conv": {"name": "conv1", "out_channels": 4}}]


def test_operators_that_are_counted_need_no_names() -> None:
    names = ["Conv_0", "node_relu", "node_conv2d_12", "Relu_13"]
    kinds = [{"conv": {"out_channels": 4, "kernel_size": 1}}, "relu"] * 2
    net = replace(network([4, 8, 8], kinds), document=None)
    nodes = tuple(replace(node, name=name) for node, name in zip(net.nodes, names, strict=True))

    assert layers_of(replace(net, nodes=nodes)) == [{"pointwise_conv": 4}, "relu"] * 2


def test_structure_deeper_than_people_nest_it() -> None:
    entries: list[Any] = ["relu"]
    for _ in range(14):
        entries = [{"residual": ["batch_norm", *entries]}, "tanh"]
    net = network([2, "L"], entries)

    assert_same(net, read_again(net))


@pytest.mark.parametrize("before", [[], ["tanh"]])
def test_passes_that_hold_passes_are_all_counted(before: list[Any]) -> None:
    conv = {"conv": {"out_channels": 4, "kernel_size": 3, "padding": 1}}
    one = [*[conv] * 6, "relu", {"max_pool": 2}, "batch_norm"]

    found = written([4, 32, 32], [*before, *one * 4])

    assert [each["repeat"]["times"] for each in found if "repeat" in each] == [4]


def test_a_repeat_that_begins_later_says_of_which_copies() -> None:
    back = read_again(blocks(2, 0))

    assert back.nodes[0].name == "layer1.2-4.0.conv1"
    assert read_again(blocks(1, 0, "/")).nodes[0].name == "layer1/1-3.0.conv1"


def test_structure_that_is_referred_to_gets_a_name() -> None:
    layers = [
        {"residual": {"name": "first", "layers": ["relu", "batch_norm"]}},
        "relu",
        {"parallel": {"merge": "concat", "branches": [["tanh"], ["relu"]]}},
        {"batch_norm": {"name": "wide"}},
        {"pointwise_conv": {"name": "other", "from": "first", "out_channels": 4}},
    ]

    found = written([2, "H", "W"], layers, outputs=["wide", "other"])

    [[name, entry]] = found[0].items()
    assert name == "residual"
    assert found[4] == {"pointwise_conv": {"name": "other", "from": entry["name"], "out_channels": 4}}


def test_several_inputs_and_shared_parameters() -> None:
    tower = {"layers": [{"conv": {"out_channels": 4, "kernel_size": 3}}, "batch_norm", "relu", "global_avg_pool"]}
    layers = [
        {"tower": {"name": "a", "from": "left"}},
        {"tower": {"name": "b", "from": "right side", "share": "a"}},
        {"concat": {"name": "both", "from": ["a", "b"]}},
        "flatten",
        {"dense": 1},
    ]
    inputs = {"left": [3, "H", "W"], "right side": [3, "H", "W"]}
    net = network(None, layers, inputs=inputs, blocks={"tower": tower})
    back = read_again(net)

    assert derive(net).totals.params == derive(back).totals.params == 4 * 28 + 8 + 9
    assert back.inputs == net.inputs
    assert back.nodes[4].share == 0


def test_an_input_keeps_its_name() -> None:
    net = replace(network([3, 8, 8], ["relu"]), inputs=(Input("pixel values", (3, 8, 8)),))

    assert "inputs: {pixel values: [3, 8, 8]}\n" in to_spec(net)
    assert read_again(net).inputs == net.inputs


def test_symbols_and_what_is_said_about_them() -> None:
    symbols = {"n": {"min": 2, "max": 9}, "H": {"default": 32}, "p": {"min": 0, "default": 1}}
    net = network(
        ["n", "H", "W"], [{"conv": {"out_channels": "2*n", "kernel_size": 3, "padding": "p"}}], symbols=symbols
    )
    back = read_again(
        replace(net, about={"paper": "A: B # C", "figures": [{"params": 1.5e-7, "of": None}, "yes", "0x1"]})
    )

    assert back.symbols == net.symbols
    assert back.about == {"paper": "A: B # C", "figures": [{"params": 1.5e-7, "of": None}, "yes", "0x1"]}


def test_a_depth_that_is_a_symbol_stays_one() -> None:
    body = [
        {"residual": [{"conv": {"out_channels": "in_channels", "kernel_size": 3, "padding": 1}}, "batch_norm"]},
        {"conv": {"out_channels": "8*2**j", "kernel_size": 3, "padding": 1, "bias": False}},
        {"max_pool": 2},
    ]

    found = written([4, "H", "W"], [{"repeat": {"name": "stage", "times": "n + 1", "index": "j", "layers": body}}])

    assert found == [{"repeat": {"name": "stage", "times": "n + 1", "index": "j", "layers": body}}]


def test_channels_of_a_block_are_worked_out() -> None:
    unit = {"let": {"inner": "in_channels//2"}, "layers": [{"pointwise_conv": "inner"}, {"pointwise_conv": "2*inner"}]}
    flat = {"let": {"wide": "in_channels"}, "layers": [{"dense": 5}, {"dense": "wide"}]}

    found = written([6, 4, 4], ["unit", "flatten", "flat"], blocks={"unit": unit, "flat": flat})

    assert found[1] == {"pointwise_conv": 6}
    assert found[4] == {"dense": 96}


def test_channels_that_nothing_can_name_are_refused() -> None:
    unit = {"let": {"wide": "in_channels"}, "layers": [{"pointwise_conv": 5}, {"pointwise_conv": "wide"}]}
    net = network([6, 4, 4], [{"repeat": {"times": "n", "layers": ["unit"]}}], blocks={"unit": unit})

    with pytest.raises(SpecError, match="depends on the channels of producer repeat1/0, which cannot be named there"):
        to_spec(net)


@pytest.mark.parametrize(
    "before", [{"pixel_shuffle": 2}, "glu", {"slice_channels": [2, 6]}, {"pixel_unshuffle": 2}, "gelu"]
)
def test_a_kernel_for_each_channel_is_found_behind_any_layer(before: Any) -> None:
    depthwise = {"depthwise_conv": {"kernel_size": 3, "multiplier": 2, "padding": 1}}

    assert written([8, "H", "W"], [{"pointwise_conv": 16}, before, depthwise])[-1] == depthwise


@pytest.mark.parametrize(
    "layers",
    [
        [{"conv": {"out_channels": 9, "kernel_size": 7}}, {"depthwise_conv": 3}],
        [
            {
                "repeat": {
                    "times": "n",
                    "layers": [{"max_pool": 3}, {"conv": {"out_channels": 8, "kernel_size": 3}}, "glu"],
                }
            }
        ],
        [{"max_pool": 9}, {"repeat": {"times": "n", "layers": [{"conv": {"out_channels": 8, "kernel_size": 3}}]}}],
    ],
)
def test_what_does_not_fit_is_written_all_the_same(layers: list[Any]) -> None:
    net = network([4, 5, 5], layers)
    with pytest.raises(SpecError):
        derive(net)

    assert_same_graph(net, read_again(net))


def test_joins_whose_terms_do_not_commute_keep_their_order() -> None:
    layers = ["relu", {"batch_norm": {"name": "a"}}, {"tanh": {"name": "b", "from": "input"}}]
    for kind in (cls.kind for cls in VOCABULARY.values() if issubclass(cls, Merge)):
        net = network([2, "L"], [*layers, {kind: {"from": ["b", "a"]}}])

        assert_same(net, read_again(net))


def test_hostile_names_are_quoted() -> None:
    layers = [{"pointwise_conv": {"name": name, "out_channels": at + 1}} for at, name in enumerate(NAMES)]
    net = network([1, "H", "W"], layers, name="# no: comment")
    back = read_again(net)

    assert [node.name for node in back.nodes] == [*NAMES]
    assert back.name == "# no: comment"
    for form in ("toml", "json"):
        assert [node.name for node in read_again(net, form).nodes] == [*NAMES]


@settings(max_examples=100)
@given(
    st.lists(st.one_of(printable, active), min_size=1, max_size=4, unique=True),
    st.sampled_from(["yaml", "toml", "json"]),
)
def test_any_name_reads_as_it_was(given_names: list[str], form: str) -> None:
    net = Network(
        given_names[0],
        (Input("input", (2, 9)),),
        (),
        tuple(Node(name, BatchNorm(affine=True, eps=1e-5), (at,), "batch_norm") for at, name in enumerate(given_names)),
        returned=(0,),
    )
    back = read_again(net, form)

    assert back.name == given_names[0]
    assert {node.name for node in back.nodes} <= {*given_names} | {f"{each}_2" for each in given_names} | {
        f"batch_norm{at}" for at in range(1, 9)
    } | {f"batch_norm_{at}" for at in range(2, 9)}
    assert_same_graph(net, back)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "\u202e", ""])
def test_names_that_cannot_be_printed_are_refused(name: str) -> None:
    net = replace(network([3], ["relu"]), name="net")
    node = replace(net.nodes[0], name=name)

    with pytest.raises(SpecError, match="no printable text"):
        to_spec(replace(net, nodes=(node,)))


def test_ten_thousand_layers_take_seconds() -> None:
    begin = time.perf_counter()
    net = blocks(0, 10_000)
    text = to_spec(net)
    chain = [Node(f"relu_{k}", VOCABULARY["relu"](), (k,), "relu") for k in range(5_000)]
    adds = [Node(f"add_{k}", VOCABULARY["add"](), (5_000 + k, 4_999 - k), "add") for k in range(4_999)]
    skips = to_spec(Network("net", (Input("input", (8, 32)),), (), (*chain, *adds)))

    assert time.perf_counter() - begin < 20
    assert "times: 10000" in text
    limits = Limits(spec_bytes=1 << 24, nodes=10**6)
    assert len(parse(read_bytes(skips.encode(), "skips.yaml", ".yaml", limits), limits=limits).nodes) == 9_999


def test_the_command_writes_what_the_ending_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", "zoo:lenet5", "--set", "H=28"]) == 0
    assert "input: [1, 28, W]\n" in capsys.readouterr().out
    for ending in ("yaml", "yml", "toml", "json"):
        assert run(["convert", "zoo:lenet5", "-o", str(tmp_path / f"net.{ending}")]) == 0
        assert_same(load("zoo:lenet5"), load(tmp_path / f"net.{ending}"))
    assert tomllib.loads((tmp_path / "net.toml").read_text(encoding="utf-8"))["name"] == "LeNet-5"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zoo:lenet5", "-o", "net.txt"], "the ending says no form of a spec; write .yaml, .yml, .toml, .json"),
        (["nowhere.yaml"], "nowhere.yaml does not exist"),
        (["zoo:lenet5", "-o", "nowhere/net.yaml"], "cannot be written"),
    ],
)
def test_wrong_usage(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run(["convert", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_another_form_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no form 'xml' of a spec; there are yaml, yml, toml, json"):
        to_spec(load("zoo:lenet5"), "xml")
