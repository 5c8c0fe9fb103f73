"""From where on a condition holds: the least depth or width, held against counting up."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import convmath as cm
from convmath.cli.main import group
from convmath.errors import CheckFailed, UsageError
from convmath.numeric.measure import measure_costs
from convmath.spec.document import Document
from convmath.spec.graph import Network
from convmath.spec.parse import parse

DILATED = {"conv": {"out_channels": 4, "kernel_size": "k", "dilation": "2**j", "padding": "causal"}}


def tcn(**values: int) -> Network:
    data = {
        "convmath": 1,
        "name": "TCN",
        "input": [4, "T"],
        "layers": [{"repeat": {"name": "stack", "times": "n", "index": "j", "layers": [DILATED]}}],
    }
    return parse(Document("tcn", "", data), values)


def sees(kernel: int, depth: int) -> int:
    """Return how far a stack looks back, layer by layer."""
    return 1 + sum((kernel - 1) * 2**at for at in range(depth))


@settings(max_examples=20)
@given(st.integers(2, 5), st.integers(2, 300))
def test_the_least_depth_for_a_history_is_what_counting_up_finds(kernel: int, wanted: int) -> None:
    found = cm.least_where(tcn(k=kernel), f"receptive_field >= {wanted}")

    assert found.least == next(depth for depth in range(1, 20) if sees(kernel, depth) >= wanted)
    assert found.proved
    assert found.executed


def test_a_condition_that_only_grows_is_solved_far_out() -> None:
    found = cm.least_where(tcn(k=2), "params >= 10**9")

    assert found.least == -(-(10**9) // 36)
    assert found.executed == ()  # so many layers are not executed


def test_the_answer_is_confirmed_where_it_was_executed() -> None:
    found = cm.least_where(tcn(k=3), "params >= 200")

    counts = [measure_costs(tcn(k=3).bind({"T": 1, "n": at})).total("params") for at in found.executed]

    assert [count >= 200 for count in counts] == [False, True]


def test_a_condition_that_comes_and_goes_is_tried_one_by_one() -> None:
    found = cm.least_where(tcn(k=2), "receptive_field >= 100 and params < 500")

    assert (found.least, found.proved) == (7, False)


def test_a_condition_that_never_holds_is_said_to() -> None:
    assert cm.least_where(tcn(k=2), "params < 1").least is None


@pytest.mark.parametrize("condition", ["receptive_field >= T", "params > 3 + n*T", "2 > 1", "parms > 2", "params"])
def test_what_is_no_question_about_one_symbol_is_wrong_usage(condition: str) -> None:
    with pytest.raises(UsageError):
        cm.least_where(tcn(k=2), condition)


def test_an_execution_that_disagrees_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convmath.verification.threshold.Tally.refuted", lambda self: {"planted"})

    with pytest.raises(CheckFailed, match="disagrees"):
        cm.least_where(tcn(k=2), "receptive_field >= 9")


def test_the_command_line_answers_as_text_and_json(tmp_path) -> None:
    spec = tmp_path / "tcn.yaml"
    spec.write_text(
        "convmath: 1\ninput: [4, T]\nlayers:\n"
        "  - repeat: {times: n, layers: [{conv: {out_channels: 4, kernel_size: 3}}]}\n"
    )

    text = CliRunner().invoke(group, ["solve", str(spec), "--where", "receptive_field >= 20"])
    data = CliRunner().invoke(group, ["solve", str(spec), "--where", "receptive_field >= 20", "--format", "json"])

    assert "holds exactly from n = 10 on" in text.output
    assert json.loads(data.output)["least"] == 10


def test_a_size_of_the_input_is_no_depth() -> None:
    with pytest.raises(UsageError, match="size of the input"):
        cm.least_where(cm.load("zoo:lenet5", {"W": 32}), "macs >= 1000")


def test_a_depth_that_the_sizes_forbid_is_no_answer() -> None:
    data = {"convmath": 1, "input": [1, 9], "layers": [{"repeat": {"times": "n", "layers": [{"max_pool": 2}]}}]}

    assert cm.least_where(parse(Document("x", "", data)), "receptive_field >= 16").least is None
    assert cm.least_where(parse(Document("x", "", data)), "receptive_field >= 8").least == 3
