"""Faults that users met: each once, as it was reported."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from networks import analyzed

from convmath.cli.main import run
from convmath.errors import LimitError, SpecError


def conv(**fields: Any) -> dict[str, Any]:
    return {"conv": {"out_channels": 8, "kernel_size": 3, **fields}}


@pytest.mark.parametrize(
    ("shape", "layers"),
    [
        ([3, 224, 224], [conv(stride="s"), conv(stride="s")]),
        ([3, 224, 224], [{"max_pool": "k"}, conv(kernel_size="k")]),
        ([3, 16, 16], [{"max_pool": {"kernel_size": "k", "dilation": "k"}}]),
    ],
)
def test_a_symbol_that_divides_a_fixed_size_is_no_division_by_zero(shape: list[int], layers: list[Any]) -> None:
    report = analyzed(shape, layers)

    assert report.totals.valid_when


def test_a_condition_that_never_holds_is_an_error() -> None:
    with pytest.raises(SpecError, match="which never holds"):
        analyzed([1, "H"], [{"max_pool": {"kernel_size": 1, "stride": "H"}}, conv(kernel_size=2)])


def test_one_slope_is_legal_beside_one_per_channel() -> None:
    [condition] = analyzed([3, 8, 8], [{"prelu": {"num_parameters": "n"}}]).totals.valid_when

    assert [n for n in range(1, 9) if condition.bind({"n": n}).holds()] == [1, 3]


@pytest.mark.parametrize(
    "let",
    [
        {**{f"a{at}": f"floor(a{at + 1}/3)+floor(a{at + 1}/2)" for at in range(30)}, "a30": "H"},
        {**{f"a{at}": f"max(a{at + 1}+x, a{at + 1}*y)" for at in range(20)}, "a20": "x"},
    ],
)
def test_a_formula_that_doubles_with_every_line_is_refused(let: dict[str, str]) -> None:
    with pytest.raises(LimitError, match="too large"):
        analyzed([3], [{"dense": "a0"}], let=let)


def test_a_deep_symbolic_stack_states_no_peak_it_cannot_write() -> None:
    totals = analyzed([3, "H", "W"], [conv(stride=2, padding=1)] * 40).totals

    assert totals.peak_activations is None
    assert str(totals.output_shape[1]).count("floor") == 1


@pytest.mark.parametrize("budget", ["layers < 3", "operations < 5", 'layers["c1"].kind == 1'])
def test_a_budget_on_no_number_is_wrong_usage(budget: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "zoo:lenet5", "--assert", budget]) == 2
    assert "is no single number here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("analyze - <&-", "standard input is closed"),
        ("zoo >&-", "standard output is closed"),
        ("zoo > /dev/full", "No space left on device"),
    ],
)
def test_closed_and_full_streams_are_told(call: str, message: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m convmath {call}"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert message in done.stderr
    assert "internal error" not in done.stderr
