"""Networks side by side: ratios and thresholds against what is measured, and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import network

import convmath as cm
from convmath.api.results import Report
from convmath.cli.main import run
from convmath.errors import UsageError
from convmath.formula import Formula, Value, bind, floor_of, power_of, symbol
from convmath.numeric.measure import measure_costs
from convmath.planning.compare import compare
from convmath.report import Comparison
from convmath.spec.graph import Network
from convmath.symbolic.quotient import quotient

CONV = {"out_channels": "K", "kernel_size": ["p", "q"], "bias": False}
LAYER = network(["C", "H", "W"], [{"conv": CONV}])
SEPARABLE = cm.variant(LAYER, "conv", "separable_conv")
NET = """\
convmath: 1
name: net
input: [C, H]
layers:
  - conv: {out_channels: K, kernel_size: 3, bias: false}
  - residual: [conv: {out_channels: K, kernel_size: 1}]
"""


def compared(*networks: Network) -> Comparison:
    return compare([each.name for each in networks], [Report(each).analysis for each in networks])


BOTH = compared(LAYER, SEPARABLE)
SIZES = st.fixed_dictionaries(
    {"C": st.integers(1, 5), "K": st.integers(1, 5), "p": st.integers(1, 3), "q": st.integers(1, 3),
     "H": st.integers(3, 8), "W": st.integers(3, 8)}
)  # fmt: skip


def measured(net: Network, quantity: str, values: dict[str, int]) -> int:
    costs = measure_costs(net.bind(values))
    return costs.peak_activations if quantity == "peak_activations" else costs.total(quantity)


# ratios


@settings(max_examples=40)
@given(values=SIZES)
def test_ratios_are_the_measured_ones(values: dict[str, int]) -> None:
    for row in BOTH.rows:
        first, second = (measured(net, row.quantity, values) for net in (LAYER, SEPARABLE))

        assert bind(row.ratios[0], values) == 1
        if row.ratios[1] is not None:
            assert bind(row.ratios[1], values) == Fraction(second, first), row.quantity


@settings(max_examples=15)
@given(n=st.integers(1, 4), c=st.integers(1, 4), size=st.integers(1, 5))
def test_ratios_in_the_depth_are_the_measured_ones(n: int, c: int, size: int) -> None:
    body = {"conv": {"out_channels": "c", "kernel_size": 3, "padding": 1}}
    plain = network(["c", "H"], [{"repeat": {"times": "n", "layers": [body]}}])
    around = network(["c", "H"], [{"repeat": {"times": "n", "layers": [{"residual": [body, body]}]}}])
    values = {"n": n, "c": c, "H": size}

    for row in compared(plain, around).rows:
        if row.ratios[1] is not None:
            pair = [measured(net, row.quantity, values) for net in (around, plain)]
            assert bind(row.ratios[1], values) == Fraction(*pair), row.quantity


def test_what_both_have_is_cancelled() -> None:
    ratios = {row.quantity: str(row.ratios[1]) for row in BOTH.rows}

    assert ratios["params"] == ratios["macs"] == ratios["flops"] == "1/K + 1/(p*q)"
    assert ratios["activations"] == "C/K + 1"


def test_without_a_first_count_there_is_no_ratio() -> None:
    found = compared(network([3, "H"], ["relu"]), network([3, "H"], [{"pointwise_conv": 3}]))

    [params] = [row for row in found.rows if row.quantity == "params"]
    assert params.ratios == (None, None)
    assert "macs" in {row.quantity for row in found.rows}
    assert "buffers" not in {row.quantity for row in found.rows}


ATOMS = [symbol("a"), symbol("b"), floor_of(symbol("H") / 2), power_of(2, symbol("n"))]
POLYNOMIALS = st.lists(st.tuples(st.integers(-4, 4), st.lists(st.sampled_from(ATOMS), max_size=2)), max_size=3)


def polynomial(terms: list[tuple[int, list[Formula]]]) -> Value:
    total: Value = 0
    for coefficient, atoms in terms:
        part: Value = coefficient
        for each in atoms:
            part = part * each
        total = total + part
    return total


@settings(max_examples=150)
@given(POLYNOMIALS, POLYNOMIALS, POLYNOMIALS, st.lists(st.integers(1, 9), min_size=4, max_size=4))
def test_a_cancelled_quotient_is_the_quotient(top: Any, bottom: Any, common: Any, numbers: list[int]) -> None:
    above, below, factor = map(polynomial, (top, bottom, common))
    values = dict(zip("abHn", numbers, strict=True))
    assume(bind(below * factor, values) != 0)

    found = quotient(above * factor, below * factor)

    assert bind(found, values) == Fraction(bind(above, values)) / Fraction(bind(below, values))


def test_a_quotient_by_zero_is_refused() -> None:
    with pytest.raises(ZeroDivisionError):
        quotient(symbol("a"), 0)


# from where on


@settings(max_examples=60)
@given(values=SIZES)
def test_thresholds_part_what_is_measured(values: dict[str, int]) -> None:
    for each in BOTH.overtaking:
        slope = bind(each.slope, values)
        if slope == 0:
            continue
        less, more = (measured((LAYER, SEPARABLE)[at], each.quantity, values) for at in (each.less, each.more))

        assert slope > 0
        assert (less < more) == (values[each.symbol] > bind(each.threshold, values)), each


@pytest.mark.parametrize(("taps", "last"), [(2, 2), (3, 1)])
def test_one_side_and_the_other_of_a_threshold(taps: int, last: int) -> None:
    [found] = [each for each in BOTH.overtaking if (each.quantity, each.symbol) == ("params", "K")]
    values = {"C": 4, "H": 5, "W": 5, "p": taps, "q": 1 if taps == 2 else taps}
    threshold = bind(found.threshold, values)

    assert (found.less, str(found.threshold), str(found.slope)) == (1, "p*q/(p*q - 1)", "p*q - 1")
    assert last <= threshold < last + 1
    for width in (last, last + 1):
        counts = [measured(net, "params", {**values, "K": width}) for net in (LAYER, SEPARABLE)]
        assert (counts[1] < counts[0]) == (width > last)


# variants


def test_a_variant_replaces_layers_wherever_they_stand() -> None:
    conv: dict[str, Any] = {"conv": {"out_channels": 4, "kernel_size": 3, "padding": 1, "dilation": 1}}
    inside = [
        conv,
        {"repeat": {"times": 2, "layers": [conv]}},
        {"residual": [conv]},
        {"residual": {"layers": [conv], "shortcut": [conv]}},
        {"parallel": {"merge": "add", "branches": [[conv], [conv]]}},
        "block",
    ]
    net = network([4, 8, 8], inside, blocks={"block": {"layers": [conv]}})

    found = cm.variant(net, "conv", "locally_connected")

    kinds = [node.kind for node in found.nodes]
    assert found.name == "network with locally_connected"
    assert "conv" not in kinds
    assert kinds.count("locally_connected") == sum(node.kind == "conv" for node in net.nodes) == 9


def test_fields_that_the_new_kind_lacks_fall_away_and_names_stay() -> None:
    layers = [{"max_pool": {"name": "p", "kernel_size": 2, "ceil_mode": True, "dilation": 1}}, {"max_pool": 2}, "relu"]
    net = network([4, 9, 9], [*layers, {"tanh": {"from": "p"}}])

    found = cm.variant(net, "max_pool", "avg_pool")

    assert [node.name for node in found.nodes] == ["p", "avg_pool1", "relu1", "tanh1"]
    assert Report(found).analysis.report.totals.output_shape == (4, 5, 5)


def test_aliases_name_kinds() -> None:
    net = network([4], [{"linear": 3}, {"fully_connected": {"out_features": 2}}])

    found = cm.variant(net, "linear", "dense")

    assert [node.kind for node in found.nodes] == ["dense", "dense"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("cnv", "conv", "there is no kind 'cnv'"), ("conv", "cnv", "there is no kind 'cnv'"), ("dense", "conv", "to rep")],
)
def test_unknown_kinds_are_wrong_usage(old: str, new: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cm.variant(LAYER, old, new)


def test_what_was_not_read_from_a_spec_has_variants_too() -> None:
    built = cm.stack(cm.Relu(), input=(3, 8))

    assert cm.variant(built, "relu", "tanh").nodes[0].kind == "tanh"
    assert cm.variant(replace(built, document=None), "relu", "tanh").nodes[0].kind == "tanh"


def test_one_network_is_no_comparison() -> None:
    with pytest.raises(UsageError, match="two or more"):
        cm.compare(LAYER)


# the command


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(NET, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "html", "json"])
def test_every_format_names_both_and_has_the_ratio(net: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", net, "--replace", "conv=separable_conv", "--format", form]) == 0

    out = capsys.readouterr().out
    assert "separable" in out
    assert "nan" not in out.lower()


def test_json_says_all(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["compare", net, "zoo:lenet5", "--format", "json", "--set", "K=4", "--set", "W=32", "--set", "H=32"]) == 0
    )

    found = json.loads(capsys.readouterr().out)
    assert found["networks"] == ["net", "LeNet-5"]
    quantities = {each["quantity"]: each for each in found["quantities"]}
    assert quantities["params"]["formulas"] == ["12*C + 20", 61706]
    assert quantities["params"]["ratios"][1] == "61706/(12*C + 20)"
    assert quantities["params"]["numbers"] == [None, 61706]
    assert {"quantity", "less", "more", "symbol", "above", "while_positive"} == found["overtaking"][0].keys()
    assert len(found["valid_when"]) == 2


def test_networks_of_one_name_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "zoo:lenet5", "zoo:lenet5", "--numbers", "--format", "json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["networks"] == ["LeNet-5 (1)", "LeNet-5 (2)"]
    assert all(each["number_ratios"] == [1, 1] for each in found["quantities"])
    assert found["overtaking"] == []


def test_a_setting_reaches_the_specs_that_have_the_name(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--set", "C=2", "--set", "K=4", "--set", "H=32", "--set", "W=32"]

    assert run(["compare", net, "zoo:lenet5", *arguments, "--format", "json"]) == 0

    params = json.loads(capsys.readouterr().out)["quantities"][0]
    assert params["formulas"] == [44, 61706]


def test_each_network_is_shown_at_its_own_defaults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specs = []
    for name, default in (("small", 8), ("large", 16)):
        path = tmp_path / f"{name}.yaml"
        text = f"convmath: 1\nname: {name}\ninput: [3, H]\nsymbols: {{H: {{default: {default}}}}}\nlayers: [relu]\n"
        path.write_text(text, encoding="utf-8")
        specs.append(str(path))

    assert run(["compare", *specs]) == run(["compare", specs[0], specs[0]]) == 0

    out = capsys.readouterr().out
    assert "numbers of small at H = 8; those of large at H = 16" in out
    assert "numbers at H = 8" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'SPEC...'"),
        (["NET"], "name two or more SPECs"),
        (["--replace", "conv=dense"], "Missing argument 'SPEC...'"),
        (["NET", "--replace", "conv"], "write OLD=NEW"),
        (["NET", "--replace", "=conv"], "write OLD=NEW"),
        (["NET", "--replace", "conv="], "write OLD=NEW"),
        (["NET", "--replace", "cnv=conv"], "there is no kind 'cnv'"),
        (["NET", "--replace", "dense=conv"], "no layer of kind 'dense'"),
        (["NET", "NET", "--set", "Q=3"], "no spec has a symbol or value 'Q'"),
        (["NET", "NET", "--format", "csv"], "csv"),
    ],
)
def test_wrong_usage(net: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", *(net if each == "NET" else each for each in arguments)]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err


def test_a_variant_that_cannot_be_is_told_as_a_fault_of_the_spec(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", net, "--replace", "conv=max_pool", "--set", "H=2"]) == 3
    assert "error[" in capsys.readouterr().err
