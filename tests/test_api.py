"""The Python interface: what people import, call and get back."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest
import sympy
from networks import network

import convmath as cm


def lenet() -> cm.Network:
    return cm.load("zoo:lenet5")


def test_a_stack_of_constructors_is_the_same_network_as_a_file() -> None:
    built = cm.stack(
        cm.Conv(6, 5, name="c1"), cm.Tanh(), cm.AvgPool(2, name="s2"),
        cm.Conv(16, 5, name="c3"), cm.Tanh(), cm.AvgPool(2, name="s4"),
        cm.Conv(120, 5, name="c5"), cm.Tanh(), cm.Flatten(),
        cm.Dense(84, name="f6"), cm.Tanh(), cm.Dense(10, name="output"),
        input=(1, "H", "W"), symbols={"H": {"default": 32}, "W": {"default": 32}},
    )  # fmt: skip

    assert cm.analyze(built).to_json().replace("network", "") == cm.analyze(lenet()).to_json().replace(
        "LeNet-5", ""
    ).replace("network", "")


def test_constructors_have_signatures_and_refuse_nonsense() -> None:
    assert list(inspect.signature(cm.Conv).parameters)[:3] == ["out_channels", "kernel_size", "stride"]
    assert cm.Conv(6, 5, stride=(2, 1)) == {"conv": {"out_channels": 6, "kernel_size": 5, "stride": (2, 1)}}
    with pytest.raises(TypeError, match="takes at most"):
        cm.Dense(1, True, 3)
    with pytest.raises(TypeError, match="'out_channels' twice"):
        cm.Conv(6, 5, out_channels=3)
    with pytest.raises(cm.SpecError, match="did you mean 'stride'"):
        cm.stack(cm.Conv(6, 5, strid=2), input=(1, 8, 8))


def test_totals_are_integers_or_sympy_expressions() -> None:
    report = cm.analyze(lenet())
    height, width = sympy.symbols("H W", integer=True, positive=True)

    shape = report["c3"].output_shape

    assert shape[0] == 16
    assert shape[1] == sympy.floor((height - 12) / 2)
    assert report.totals.macs.free_symbols == {height, width}
    assert report.totals.macs.subs({height: 32, width: 32}) == 416_520
    assert report.at(H=32, W=32).totals.macs == 416_520
    assert isinstance(report.at(H=32, W=32).totals.params, int)


def test_sympy_expressions_are_evaluated_to_the_last_digit() -> None:
    report = cm.analyze(cm.load("zoo:alexnet"))

    flops = report.totals.flops

    values = dict(zip(sorted(flops.free_symbols, key=str), (100, 163), strict=True))
    assert flops.subs(values) == report.at(H=100, W=163).totals.flops


def test_groups_are_summed() -> None:
    net = cm.stack(
        {"repeat": {"name": "stage", "times": 3, "layers": [cm.Conv(4, 3, padding=1), "relu"]}},
        cm.SeparableConv(8, 3, name="sep"),
        input=(4, 16, 16),
    )

    report = cm.analyze(net)

    assert report["stage"].params == 3 * report["stage.0.conv1"].params
    assert report["sep"].macs == report["sep.depthwise"].macs + report["sep.pointwise"].macs
    assert report["sep"].output_shape == (8, 14, 14)
    with pytest.raises(KeyError):
        report["nosuch"]


def test_quantities_by_path() -> None:
    report = cm.analyze(lenet())

    assert report.quantity("receptive_field.size[0]") == 32
    assert report.quantity('layers["c3"].params') == 2416
    assert str(report.quantity("valid_when")) == "(H >= 32, W >= 32)"
    with pytest.raises(cm.UsageError, match="did you mean 'c3'"):
        report.quantity('layers["c33"].params')


def test_values_of_unknown_symbols_are_refused() -> None:
    with pytest.raises(cm.UsageError, match="no symbol 'X'; it has H, W"):
        cm.analyze(lenet(), X=3)
    with pytest.raises(cm.UsageError, match="no integer"):
        cm.analyze(lenet(), H=3.5)
    with pytest.raises(cm.SpecError, match="does not fit"):
        cm.analyze(lenet(), H=31)


def test_a_report_renders_itself() -> None:
    report = cm.analyze(lenet())

    assert json.loads(report.to_json())["network"] == "LeNet-5"
    assert report.to_csv().startswith("name,kind")
    assert str(report) == report.to_table()
    assert repr(report).startswith("<Report of LeNet-5")


def test_run_executes_with_given_weights() -> None:
    net = cm.stack(cm.Conv(1, 2, bias=False, name="c"), input=(1, 3, 3))
    image = np.arange(9).reshape(1, 3, 3)

    out = cm.run(net, image, {"c": {"weight": [[[[1, 0], [0, -1]]]]}})

    assert out.tolist() == [[[-4, -4], [-4, -4]]]
    assert out.dtype == np.int64


def test_verify_confirms() -> None:
    outcome = cm.verify(lenet(), 4)

    outcome.raise_if_refuted()
    assert outcome.confirmed
    assert repr(outcome).startswith("<confirmed: LeNet-5")
    assert cm.verify_kind("max_pool", 40).confirmed


def test_errors_carry_exit_statuses_and_problems() -> None:
    with pytest.raises(cm.SpecError) as caught:
        cm.stack("rely", cm.Conv(3), input=(1, 8, 8))

    assert [problem.code for problem in caught.value.problems] == ["unknown-kind", "missing-field"]
    assert caught.value.exit_status == 3
    assert issubclass(cm.LimitError, cm.SpecError)
    assert cm.LimitError.exit_status == 5


def test_an_input_of_another_shape_is_refused_before_any_layer_runs() -> None:
    image = cm.stack(cm.Conv(4, 3), cm.MaxPool(2), cm.MaxPool(2), input=(3, "H", "W"))
    with pytest.raises(cm.SpecError, match="must have the shape 3 × H × W, but the one given has 32 × 48 × 3"):
        cm.run(image, np.zeros((32, 48, 3)))

    both = network(None, [{"add": {"from": ["left", "right"]}}], inputs={"left": [1, "L"], "right": [1, "L"]})
    with pytest.raises(cm.SpecError, match="'right' must have the shape 1 × L, but the one given has 1 × 5"):
        cm.run(both, {"left": np.zeros((1, 4)), "right": np.zeros((1, 5))})
    with pytest.raises(cm.UsageError, match="inputs are given for left; the network has left, right"):
        cm.run(both, {"left": np.zeros((1, 4))})
