"""Pictures: well-formed, inert whatever names say, and showing what was executed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cli import call, written

import convmath as cm
from convmath.api.drawing import WHAT
from convmath.cli.draw import PICTURES
from convmath.numeric.cone import cone
from convmath.numeric.execute import steps
from convmath.numeric.measure import measure_reads
from convmath.numeric.pictured import weight_matrix
from convmath.render.drawings.weights import colour

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
A = [[[0, 50, 0, 29], [0, 80, 31, 2], [33, 90, 0, 75], [0, 9, 0, 95]]]
SVG = "{http://www.w3.org/2000/svg}"
TAGS = {"svg", "title", "desc", "style", "rect", "path", "text", "g"}
ATTRIBUTES = {
    "aria-label", "class", "d", "fill", "font-size", "height", "role", "rx", "style", "text-anchor", "viewBox", "width",
    "x", "y",
}  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "]]><!--",
    "&#x3c;a href='x'>",
    "</text></svg>",
    "url(javascript:x)",
)


def example(name: str) -> Any:
    return cm.load(EXAMPLES / f"{name}.yaml")


def parsed(svg: str) -> ET.Element:
    """Return the root of a picture, after a look for anything that could act."""
    root = ET.fromstring(svg)  # noqa: S314
    assert svg.isascii()
    for each in root.iter():
        assert each.tag.removeprefix(SVG) in TAGS
        assert set(each.keys()) <= ATTRIBUTES
        for name, held in each.items():
            assert not name.lower().startswith("on")
            if name != "aria-label":
                assert re.fullmatch(r"[\w .,:%()#-]*", held), held
    for style in root.iter(f"{SVG}style"):
        assert not re.search(r"url|import|expression|javascript", style.text or "")
    return root


def words(root: ET.Element, kind: str | None = None) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text") if kind is None or kind in (each.get("class") or "")]


def boxes(root: ET.Element, kind: str) -> list[ET.Element]:
    return [each for each in root.iter(f"{SVG}rect") if each.get("class") == kind]


PLAIN = {
    "arithmetic": {"inputs": A},
    "weights": {"inputs": A},
    "receptive-field": {},
    "network": {},
}


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_can_act(what: str, name: str) -> None:
    net = cm.stack(cm.Conv(1, 3, name=name), cm.MaxPool(2, name=f"{name}2"), input=(1, 4, 4), name=name)

    root = parsed(cm.draw(net, what, **PLAIN[what]).to_svg())

    assert name in "".join(root.itertext())


@pytest.mark.parametrize("what", WHAT)
def test_every_picture_says_what_it_is(what: str) -> None:
    root = parsed(cm.draw(example("L01-worked"), what).to_svg())

    assert [each.tag for each in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert all(each.text for each in list(root)[:2])
    assert root.get("role") == "img"
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    assert (float(root.get("width") or 0), float(root.get("height") or 0)) == (width, height)


@pytest.mark.parametrize("what", WHAT)
def test_everything_stands_inside_the_picture(what: str) -> None:
    root = parsed(cm.draw(example("L01-worked"), what).to_svg())

    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    for each in root.iter(f"{SVG}rect"):
        x, y = float(each.get("x") or 0), float(each.get("y") or 0)
        assert 0 <= x <= x + float(each.get("width") or 0) <= width
        assert 0 <= y <= y + float(each.get("height") or 0) <= height


# The sliding window.


def test_a_window_shows_the_numbers_that_were_executed() -> None:
    root = parsed(cm.draw(example("L01-worked"), "arithmetic", inputs=A, at=(0, 1)).to_svg())

    numbers = Counter(each.replace("−", "-") for each in words(root))
    for each in (number for row in A[0] for number in row):
        assert numbers[str(each)] > 0
    for each in (29, -192, -35, -22):
        assert numbers[str(each)] > 0
    assert len(boxes(root, "hot")) == 9
    assert len(boxes(root, "cool")) == 9 + 1
    assert "Y[0,0,1] = (50 × -1)" in " ".join(words(root, "mono"))
    assert " ".join(words(root, "mono")).endswith("= -192")


def test_padding_is_marked_apart() -> None:
    net = cm.stack(cm.Conv(1, 3, padding=1), input=(1, 4, 4))

    root = parsed(cm.draw(net, "arithmetic", at=(0, 0)).to_svg())

    assert len(boxes(root, "hot")) == 4
    assert len(boxes(root, "hotpad")) == 5
    assert len(boxes(root, "pad")) == 6 * 6 - 4 * 4


@pytest.mark.parametrize(
    ("layer", "shape", "at", "read"),
    [
        (cm.Conv(1, 3, dilation=2), (1, 7, 7), (1, 1), 9),
        (cm.Conv(4, 3, groups=2), (4, 5, 5), (2, 0, 0), 18),
        (cm.MaxPool(2), (1, 6, 6), (1, 2), 4),
        (cm.AvgPool(3, stride=1), (1, 6), (1,), 3),
        (cm.LocallyConnected(1, 2), (1, 5, 4), (0, 1), 4),
        (cm.AdaptiveAvgPool(2), (1, 6, 6), (1, 1), 9),
        (cm.Dense(2), (5,), (1,), 5),
        (cm.ConvTranspose(1, 3, stride=2), (1, 3, 3), (2, 2), 4),
        (cm.ConvTranspose(1, 3, stride=2), (1, 3, 3), (1, 1), 1),
    ],
)
def test_as_many_cells_are_marked_as_are_read(layer: Any, shape: Any, at: Any, read: int) -> None:
    root = parsed(cm.draw(cm.stack(layer, input=shape), "arithmetic", at=at).to_svg())

    assert len(boxes(root, "hot")) == read


def test_an_animation_has_a_step_for_every_element_of_a_channel() -> None:
    root = parsed(cm.draw(example("L01-worked"), "arithmetic", inputs=A, animate=True).to_svg())

    groups = [each for each in root.iter(f"{SVG}g") if each.get("class") == "step"]
    assert [each.get("style") for each in groups] == [f"animation-delay:{t}s" for t in ("0", "0.8", "1.6", "2.4")]
    style = "".join(each.text or "" for each in root.iter(f"{SVG}style"))
    assert "prefers-reduced-motion" in style
    assert "prefers-color-scheme: dark" in style
    sums = [" ".join(words(each, "mono")) for each in groups]
    assert [each.rpartition("= ")[2] for each in sums] == ["29", "-192", "-35", "-22"]


def test_without_numbers_no_cell_holds_one() -> None:
    root = parsed(cm.draw(cm.stack(cm.Conv(1, 3), input=(1, 5, 5)), "arithmetic").to_svg())

    assert not [each for each in words(root) if re.fullmatch(r"[−\d.e]+", each)]


# The matrix of a layer.


def matrix(net: Any) -> Any:
    *_, step = steps(net, np.zeros([int(size) for size in net.inputs[0].shape], np.int64))
    return weight_matrix(step, net.name, known=False)


def test_l27_three_matrices_side_by_side() -> None:
    dense, banded, shared = (matrix(example(f"L27-{name}")) for name in ("dense", "banded", "shared"))

    assert {(each.rows, each.columns) for each in (dense, banded, shared)} == {(6, 8)}
    assert [len(each.entries) for each in (dense, banded, shared)] == [48, 18, 18]
    assert [each.weights for each in (dense, banded, shared)] == [48, 18, 3]
    assert all(0 <= each.column - each.row <= 2 for each in (*banded.entries, *shared.entries))
    assert all(each.weight == each.column - each.row for each in shared.entries)


@pytest.mark.parametrize("name", ["dense", "banded", "shared"])
def test_l27_one_colour_for_each_weight(name: str) -> None:
    net = example(f"L27-{name}")
    found = matrix(net)

    fills = Counter(each.get("fill") for each in boxes(parsed(cm.draw(net, "weights").to_svg()), "tint"))

    assert len(fills) == found.weights
    assert fills == Counter(colour(each.weight, found.weights) for each in found.entries)


@pytest.mark.parametrize(
    "layer",
    [
        cm.Conv(2, 3, stride=2, padding=1, groups=2),
        cm.Conv(2, 2, dilation=2),
        cm.Conv(1, 3, padding=1, padding_mode="reflect"),
        cm.LocallyConnected(3, 2),
        cm.DepthwiseConv(3, shared=True, padding=1),
    ],
)
def test_a_layer_multiplies_by_its_matrix(layer: Any) -> None:
    net = cm.stack(layer, input=(2, 5, 4))
    x = np.random.default_rng(0).integers(-9, 10, (2, 5, 4))
    given = {net.nodes[0].name: {"bias": 0}}
    *_, step = steps(net, x)
    bias = step.weights.parameters["bias"].read()
    del given

    found = weight_matrix(step, "", known=True)
    dense = np.zeros((found.rows, found.columns))
    for each in found.entries:
        dense[each.row, each.column] += each.number

    per_output = np.broadcast_to(
        bias.reshape(-1, *[1] * (step.output.numbers.ndim - bias.ndim), *bias.shape[1:]), step.output.shape
    )
    np.testing.assert_allclose(dense @ x.reshape(-1) + per_output.reshape(-1), step.output.numbers.reshape(-1))


# The receptive field.


@pytest.mark.parametrize("axis", [0, 1])
def test_a_cone_reads_what_the_network_was_measured_to_read(axis: int) -> None:
    net = cm.stack(
        cm.Conv(1, 3, dilation=3), cm.Relu(), cm.MaxPool(2, ceil_mode=True), cm.Conv(1, [1, 3], padding=[0, 1]),
        input=(1, 17, 14),
    )  # fmt: skip
    masks = measure_reads(net, axis)[-1].masks

    for position, mask in enumerate(masks):
        found = cone(net, axis, None, position)
        assert sum(1 << each for each in found.rows[0].read) == mask


def test_holes_are_shown_and_counted() -> None:
    net = cm.stack(cm.Conv(1, 3, dilation=4), input=(1, 32, 32))

    root = parsed(cm.draw(net, "receptive-field", at=(11,)).to_svg())

    assert "Output 11 reads input 11 … 19: 9 pixels, 6 of them holes." in words(root)
    assert len(boxes(root, "hot")) == 1 + 3


def test_layers_that_keep_every_place_have_no_row() -> None:
    net = cm.stack(cm.Conv(1, 3), cm.BatchNorm(), cm.Relu(), cm.MaxPool(2), cm.Flatten(), cm.Dense(2), input=(1, 9, 9))

    assert [row.kind for row in cone(net, 0, None, None).rows] == ["input", "conv", "max_pool"]


def test_a_cone_follows_every_branch() -> None:
    branches = [
        [{"conv": {"name": "near", "out_channels": 1, "kernel_size": 3, "padding": 1}}],
        [{"conv": {"name": "far", "out_channels": 1, "kernel_size": 3, "padding": 4, "dilation": 4}}],
    ]
    net = cm.stack({"parallel": {"name": "join", "merge": "add", "branches": branches}}, input=(1, 32, 32))

    found = cone(net, 0, None, 16)

    assert found.rows[0].read == (12, 15, 16, 17, 20)
    assert {row.name for row in found.rows} >= {"near", "far"} or len(found.rows) == 4
    parsed(cm.draw(net, "receptive-field").to_svg())
    parsed(cm.draw(net, "network").to_svg())


# The network.


def test_every_layer_stands_in_a_box() -> None:
    net = cm.load("zoo:lenet5")

    folded, everything = (words(parsed(cm.draw(net, "network", everything=every).to_svg())) for every in (False, True))

    assert "conv + tanh" in folded
    assert all(node.name in everything for node in net.nodes)
    assert "6 × 28 × 28" in folded


# The command.


def test_the_command_offers_every_picture() -> None:
    assert tuple(WHAT) == PICTURES


def test_a_picture_goes_to_standard_output_or_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "x.svg"

    status, printed, _ = call(capsys, "draw", "zoo:lenet5", "--what", "network")
    assert call(capsys, "draw", "zoo:lenet5", "--what", "network", "-o", str(out)) == (0, "", "")

    assert status == 0
    assert out.read_text(encoding="utf-8") == printed
    parsed(printed)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "Missing option"),
        (["--what", "art"], 2, "arithmetic"),
        (["--what", "network", "--layer", "c1"], 2, "--layer goes with"),
        (["--what", "weights", "--animate"], 2, "--animate goes with --what arithmetic"),
        (["--what", "arithmetic", "--layer", "c9"], 2, "there is no layer 'c9'"),
        (["--what", "arithmetic", "--at", "99,99"], 2, "is no element of 'c1'"),
        (["--what", "arithmetic", "--input", "nosuch.csv"], 2, "does not exist"),
        (["--what", "arithmetic", "--animate"], 5, "at most 400 move"),
        (["--what", "arithmetic", "--set", "H=99", "--set", "W=99"], 5, "more than 4,096 elements"),
        (["--what", "weights"], 5, "at most 128 × 128 are drawn"),
        (["--what", "weights", "--layer", "s2"], 5, "at most 128 × 128 are drawn"),
        (["--what", "receptive-field", "--layer", "f6"], 2, "'f6' has no axis 0"),
        (["--what", "receptive-field", "--axis", "2"], 2, "there is no axis 2"),
        (["--what", "receptive-field", "--at", "1,2"], 2, "write one position"),
        (["--what", "receptive-field", "--at", "77"], 2, "position 77 does not exist"),
        (["--what", "receptive-field", "--set", "H=9999"], 5, "more than 4,096 positions"),
        (["--what", "network", "--set", "H=3"], 3, "the window does not fit"),
    ],
)
def test_statuses(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str) -> None:
    found, out, err = call(capsys, "draw", "zoo:lenet5", *arguments)

    assert (found, out) == (status, "")
    assert message in err


def test_a_layer_without_weights_has_no_matrix(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec = written(tmp_path, "convmath: 1\ninput: [1, 4, 4]\nlayers: [max_pool: {name: p, kernel_size: 2}]")

    status, _, err = call(capsys, "draw", spec, "--what", "weights", "--layer", "p")

    assert status == 2
    assert "'p' (max_pool) multiplies by no weights" in err


def test_a_symbol_without_a_value_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec = written(tmp_path, "convmath: 1\ninput: [1, H, 4]\nlayers: [relu, max_pool: 2]")

    status, _, err = call(capsys, "draw", spec, "--what", "arithmetic")

    assert status == 3
    assert "no value for H" in err
    assert "--set H=224" in err
