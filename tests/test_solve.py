"""The inverse questions: which sizes, strides, paddings and kernels."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import network
from stacks import Case, stacks

import convmath as cm
from convmath.api import load
from convmath.cli.main import run
from convmath.errors import CheckFailed, SpecError, UsageError
from convmath.numeric.measure import measure_costs
from convmath.planning import evidence
from convmath.planning.solve import solve
from convmath.planning.unknowns import direction
from convmath.report import Solution
from convmath.symbolic.compose import derive

MOCK_UP = """\
U-Net (2015, unpadded)   input 1 × H × W

axis valid sizes              output  the first ones
────────────────────────────────────────────────────────
H    H ≡ 12 (mod 16), H ≥ 188 H - 184 188, 204, 220, 236
W    W ≡ 12 (mod 16), W ≥ 188 W - 184 188, 204, 220, 236

Why: each join needs equal heights.
  dec4.join floor((H - 124)/8) = 2*floor((H - 124)/16) H ≡ 12…19 (mod 16)
  dec3.join floor((H - 156)/4) = 2*floor((H - 156)/8)  H ≡ 4…7 (mod 8)
  dec2.join floor((H - 172)/2) = 2*floor((H - 172)/4)  H ≡ 0…1 (mod 4)
  dec1.join H - 180 = 2*floor((H - 180)/2)             H ≡ 0 (mod 2)
  all together: H ≡ 12 (mod 16)
  and dec1.double.conv2 is not empty only from H = 188 on.
Published: 572 gives 388. Nearest to 512: 508 gives 324, 524 gives 340.
"""


def only(layers: list[Any], output: Any = None, input: list[Any] | None = None, **keys: Any) -> Solution:
    """Return the first answer for a network of plain layers on a line."""
    return solve(network(input or [1, "L"], layers, **keys), output).solutions[0]


def conv(**fields: Any) -> dict[str, Any]:
    return {"conv": {"out_channels": 1, **fields}}


def test_the_first_unet_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "zoo:unet"]) == 0

    assert capsys.readouterr().out.startswith(MOCK_UP)


def test_the_first_unet_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "zoo:unet", "--format", "json"]) == 0

    assert json.loads(capsys.readouterr().out)["symbols"]["H"] == {
        "min": 188,
        "max": None,
        "modulus": 16,
        "residues": [[12, 12]],
        "values": None,
        "output": "H - 184",
        "examples": [[188, 4], [204, 20], [220, 36], [236, 52]],
        "unsolved": [],
    }


def test_which_input_gives_388() -> None:
    answer = cm.solve(load("zoo:unet"), (388, 388))

    assert (answer["H"].minimum, answer["H"].maximum) == (572, 572)
    assert "H: 571 is refused, 572 gives 388, 573 is refused" in str(answer)


def test_which_inputs_of_vgg_give_seven_by_seven() -> None:
    found = solve(load("zoo:vgg16"), (7, 7), "pool5").solutions

    assert [(each.minimum, each.maximum) for each in found] == [(224, 255), (224, 255)]


@given(stacks(1, most=3), st.integers(1, 8))
@settings(max_examples=150)
def test_wanted_outputs_agree_with_running_every_size(layers: list[Case], wanted: int) -> None:
    entries = [case.entry for case in layers]

    def made(size: int) -> int | None:
        try:
            return measure_costs(network([1, size], entries)).layers[-1].output_shape[1]
        except SpecError:
            return None

    giving = [size for size in range(1, 80) if made(size) == wanted]
    assume(not giving or giving[-1] < 79)

    found = only(entries, wanted)

    assert found.minimum == (giving[0] if giving else None) or (found.minimum or 0) >= 79
    if giving:
        assert found.maximum == giving[-1]


@pytest.mark.parametrize(
    ("fields", "size", "output", "least", "most"),
    [
        ({"kernel_size": 5, "padding": 2, "stride": "s"}, 224, 7, 32, 37),
        ({"kernel_size": 5, "padding": 2, "stride": "s"}, 224, 1, 224, None),
        ({"kernel_size": "k", "stride": 2}, 32, 7, 19, 20),
        ({"kernel_size": 3, "dilation": "d"}, 32, 10, 11, 11),
        ({"kernel_size": 5, "padding": "p"}, 30, "same", 2, 2),
        ({"kernel_size": 4, "padding": "p"}, 30, "same", None, None),
        ({"kernel_size": "k"}, 9, 1, 9, 9),
        ({"kernel_size": "k", "padding": "(k - 1)//2"}, 9, 9, 1, None),
    ],
)
def test_one_unknown_of_a_layer(fields: dict[str, Any], size: int, output: Any, least: int, most: int) -> None:
    found = only([conv(**fields)], output, [1, size])

    assert found.minimum == least
    if not found.unsolved:
        assert found.maximum == most


def test_an_unknown_that_cannot_be_bounded_says_how_far_it_was_tried() -> None:
    found = only([conv(kernel_size="k", padding="(k - 1)//2")], 9, [1, 9])

    assert any("every k was tried" in each for each in found.unsolved)


def test_a_padding_that_keeps_every_size() -> None:
    found = only([conv(kernel_size=7, padding="p")], "same")

    assert (found.symbol, found.minimum, found.maximum) == ("p", 3, 3)


def test_two_unknowns_are_an_equation() -> None:
    assert only([conv(kernel_size="k", padding="p")], "same").unsolved == ("k == 2*p + 1",)


def test_a_condition_on_another_symbol_is_told() -> None:
    assert only([conv(kernel_size="k")]).unsolved == ("L >= k",)


def test_a_size_that_is_a_number_is_named_after_its_axis() -> None:
    assert [each.symbol for each in solve(network([3, 8, 8, 8], ["relu"])).solutions] == ["D", "H", "W"]


def test_a_finite_set_with_gaps() -> None:
    layers = [
        {"max_pool": {"name": "low", "kernel_size": 4}},
        {"upsample": {"name": "up", "scale_factor": 4}},
        {"upsample": {"name": "twice", "from": "input", "scale_factor": 2}},
        {"crop": {"name": "cut", "amount": [[20, 0]]}},
        {"add": ["up", "cut"]},
    ]

    found = only(layers)

    assert found.values == (18, 20)


def test_a_range_ends_the_answer() -> None:
    found = only([{"residual": [{"max_pool": 2}, {"upsample": 2}]}], symbols={"L": {"min": 3, "max": 9}})

    assert found.values == (4, 6, 8)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["zoo:unet", "--layer", "dec5"], 2, "there is no layer 'dec5'; did you mean 'dec4'?"),
        (["zoo:vgg16", "--output", "7"], 2, "0 spatial axes; name one with --layer"),
        (["zoo:unet", "--output", "7x7x7"], 2, "has 3 sizes"),
        (["zoo:unet", "--output", "big"], 2, "write sizes as in 7x7"),
        (["zoo:none"], 2, "the zoo has no 'none'"),
    ],
)
def test_wrong_usage(arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", *arguments]) == status
    assert message in capsys.readouterr().err


def test_a_size_may_be_text_in_python_too() -> None:
    net = load("zoo:unet")

    assert solve(net, "388x388").solutions == solve(net, (388, 388)).solutions
    for text in ("macs >= 1", "7by7", "", "7x", "1e3"):
        with pytest.raises(UsageError, match="write sizes as in 7x7, or 'same'"):
            solve(net, text)


def test_a_wrong_answer_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "observe", lambda *_: (3,))

    with pytest.raises(CheckFailed, match="solved as"):
        solve(network([1, "L"], [conv(kernel_size=3)]), 5)


def test_the_direction_of_a_size() -> None:
    size = derive(network([1, 50], [conv(kernel_size="k", padding="p", stride=2)])).totals.output_shape[1]

    assert (direction(size, "k"), direction(size, "p"), direction(size, "x")) == (-1, 1, 0)


def test_an_unknown_layer_in_python() -> None:
    with pytest.raises(UsageError, match="there is no layer"):
        cm.solve(load("zoo:lenet5"), layer="c9")


HALVES = """
convmath: 1
name: halves
input: [3, H, W]
layers:
  - crop: {name: top, amount: [[0, "H - floor(H/2)"], 0]}
  - crop: {name: bottom, from: input, amount: [["floor(H/2)", 0], 0]}
  - add: [top, bottom]
"""


def test_what_was_not_solved_does_not_contradict_the_rest() -> None:
    answer = cm.solve(cm.api.load_bytes(HALVES.encode(), "halves.yaml"))

    text = str(answer)
    assert "floor(H/2) == H - floor(H/2)" in text
    assert "W: 1 gives 1" in text
    assert [each["examples"] for each in json.loads(answer.to_json())["symbols"].values()] == [
        [], [[1, 1], [2, 2], [3, 3], [4, 4]],
    ]  # fmt: skip


def test_a_class_alone_is_not_the_fault_of_a_layer() -> None:
    spec = """
convmath: 1
input: [3, H, W]
layers:
  - conv: {name: a, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}
  - conv: {name: b, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}
  - upsample: {name: u, scale_factor: 2}
  - concat: [u, a]
"""
    assert "not empty" not in str(cm.solve(cm.api.load_bytes(spec.encode(), "s.yaml")))
    assert "dec1.double.conv2 is not empty only from" in str(cm.solve(cm.load("zoo:unet")))
