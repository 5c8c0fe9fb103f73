"""What other counters print, explained: sums that close, in symbols as at numbers, and the command."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from networks import network

import convmath as cm
from convmath.api.results import Report
from convmath.cli.main import run
from convmath.counters.tables import COUNTERS
from convmath.counters.writings import MEANINGS, POSSIBLE, WRITINGS
from convmath.errors import UnsupportedError, UsageError
from convmath.formula import bind, symbol
from convmath.report import Reconciliation
from convmath.spec.graph import Network
from convmath.spec.kinds import core_kinds

NETWORKS = ("lenet5", "resnet18", "unet_same", "dcgan_generator", "convnext_tiny")
RESNET50 = {
    "torchvision": 4_089_184_256,
    "torchinfo": 4_089_238_376,
    "fvcore": 4_111_512_576,
    "ptflops": 4_132_436_968,
}
"""Read off the counters."""
UP = network([3, 2, 2], [{"conv_transpose": {"out_channels": 1, "kernel_size": 2, "stride": 2}}])


REPORTS = {name: cache(lambda name=name: Report(cm.load(f"zoo:{name}"))) for name in (*NETWORKS, "resnet50")}
"""Analyses that several tests need, made when the first does."""


def reconciled(net: Network, counter: str, **written: str) -> Reconciliation:
    return Report(net).reconcile(counter, written).reconciliation


# numbers


@pytest.mark.parametrize("counter", RESNET50)
def test_what_counters_print_of_resnet50(counter: str) -> None:
    found = REPORTS["resnet50"]().reconcile(counter).reconciliation

    assert found.at is not None
    assert found.at.total == RESNET50[counter]
    assert found.at.macs == RESNET50["torchvision"]


def test_what_fvcore_adds_to_resnet50() -> None:
    found = REPORTS["resnet50"]().reconcile("fvcore").reconciliation.at

    assert found is not None
    assert [(each.kind, each.amount, len(each.layers)) for each in found.differences] == [
        ("batch_norm", 22_227_968, 53),
        ("adaptive_avg_pool", 100_352, 1),
    ]


def test_torchinfo_multiplies_a_transposed_convolution_with_its_output() -> None:
    found = reconciled(UP, "torchinfo").counted

    assert (found.total, found.macs) == (208, 48)
    [wrong, bias] = found.differences
    assert (wrong.amount, wrong.counted, wrong.right) == (144, 192, 48)
    assert (bias.amount, bias.fault) == (16, None)


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_sum_is_the_same_in_symbols_and_at_numbers(name: str, counter: str) -> None:
    found = REPORTS[name]().reconcile(counter).reconciliation

    assert found.at is not None
    for counted in (found.counted, found.at):
        assert counted.total == sum((each.amount for each in counted.differences), start=counted.macs)
    assert bind(found.counted.total, found.values) == found.at.total


@pytest.mark.parametrize("counter", COUNTERS)
def test_formulas_hold_at_other_sizes(counter: str) -> None:
    net = cm.load("zoo:resnet18")
    values = {"H": 97, "W": 130, "width": 8, "classes": 10}

    in_symbols = reconciled(net, counter).counted

    at_numbers = reconciled(net.bind(values), counter).counted
    assert bind(in_symbols.total, values) == at_numbers.total
    assert [bind(each.amount, values) for each in in_symbols.differences] == [
        each.amount for each in at_numbers.differences
    ]


@pytest.mark.parametrize("counter", COUNTERS)
def test_passes_of_a_symbolic_number_are_summed(counter: str) -> None:
    block = [
        {"conv": {"out_channels": "8*2**i", "kernel_size": 3, "padding": 1}},
        "batch_norm",
        "relu",
        {"avg_pool": 2},
    ]
    net = network(["C", "H", "H"], [{"repeat": {"times": "n", "index": "i", "layers": block}}])

    in_symbols = reconciled(net, counter).counted

    for values in ({"n": 1, "C": 3, "H": 8}, {"n": 3, "C": 5, "H": 24}):
        assert bind(in_symbols.total, values) == reconciled(net.bind(values), counter).counted.total


@pytest.mark.parametrize("counter", COUNTERS)
def test_shared_parameters_are_counted_alike_in_a_symbolic_number_of_passes(counter: str) -> None:
    block = [{"batch_norm": {"name": "a"}}, "relu", {"batch_norm": {"share": "a"}}]
    net = network([4, 3, 3], [{"repeat": {"times": "n", "layers": block}}])

    assert (
        bind(reconciled(net, counter).counted.total, {"n": 3}) == reconciled(net.bind({"n": 3}), counter).counted.total
    )


@pytest.mark.parametrize("outputs", [["head"], ["other"]])
def test_layers_that_no_output_depends_on_are_left_out_of_passes_of_a_symbolic_number(outputs: list[str]) -> None:
    conv = {"out_channels": 8, "kernel_size": 1}
    block = [{"conv": {"name": "kept", **conv}}, {"conv": {"name": "lost", **conv}}, {"relu": {"from": "kept"}}]
    layers = [
        {"conv": {"name": "stem", **conv}},
        {"repeat": {"name": "body", "times": "n", "index": "i", "layers": block}},
        {"conv": {"name": "head", **conv}},
        {"conv": {"name": "other", **conv, "from": "stem"}},
    ]
    net = network([8, "H"], layers, outputs=outputs)

    in_symbols = reconciled(net, "fvcore").counted

    one, n = 64 * symbol("H"), symbol("n")
    assert in_symbols.total == (one * (n + 2) if outputs == ["head"] else 2 * one)
    for values in ({"n": 1, "H": 8}, {"n": 3, "H": 5}):
        assert bind(in_symbols.total, values) == reconciled(net.bind(values), "fvcore").counted.total


def test_formulas_hold_where_joins_ask_for_a_class_of_sizes() -> None:
    net = cm.load("zoo:unet_same")
    values = {**(net.defaults or {}), "H": 48, "W": 80}

    in_symbols, at_numbers = (reconciled(each, "torchinfo").counted for each in (net, net.bind(values)))

    assert bind(in_symbols.total, values) == at_numbers.total


@pytest.mark.parametrize("counter", COUNTERS)
def test_numbers_too_large_for_a_float_stay_exact(counter: str) -> None:
    net = network(["C", "H"], ["batch_norm", {"conv": {"out_channels": 2, "kernel_size": 1, "bias": False}}])

    found = reconciled(net.bind({"C": 1, "H": 10**400}), counter).counted

    assert found.total == found.macs + sum(each.amount for each in found.differences)
    assert found.macs == 2 * 10**400
    assert found.printed is None


def test_python_users_get_integers_and_expressions() -> None:
    numbers = cm.analyze(UP).reconcile("torchinfo")
    symbols = cm.analyze(network(["C", "H"], ["batch_norm"])).reconcile("fvcore")

    assert (numbers.total, numbers.macs, numbers.differences[0].amount) == (208, 48, 144)
    assert str(symbols.total) == "2*C*H"
    assert symbols.at is None


# how it is written


def test_what_is_said_of_a_layer_goes_before_its_group_and_its_kind() -> None:
    net = network(
        [1, 4],
        [
            {"relu": {"name": "a"}},
            {"residual": {"name": "g", "layers": [{"relu": {"name": "b"}}, {"relu": {"name": "c"}}]}},
        ],
    )
    group = next(group.name for group in net.groups)
    kinds = {"relu": "tensor", group: "functional"}

    relu = [each.name for each in net.nodes if each.kind == "relu"]
    assert reconciled(net, "ptflops").counted.total == 3 * 8
    assert reconciled(net, "ptflops", relu="tensor").counted.total == 0
    assert reconciled(net, "ptflops", **kinds).counted.total == 2 * 4
    assert reconciled(net, "ptflops", **kinds, **{relu[1]: "module"}).counted.total == 8 + 4


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"relo": "functional"}, "no kind, layer or group 'relo'; did you mean 'relu'"),
        ({"relu": "operator"}, "'relu' is not written 'operator'; there is functional, module, tensor"),
        ({"conv": "linear"}, "conv1 cannot be written 'linear': only a convolution with kernel 1"),
        ({"conv": "same"}, "conv1 cannot be written 'same': PyTorch's padding='same' takes no stride"),
    ],
)
def test_a_writing_that_cannot_be_is_refused(written: dict[str, str], message: str) -> None:
    net = network([1, 9], [{"conv": {"out_channels": 1, "kernel_size": 3, "stride": 2}}, "relu"])

    with pytest.raises(UsageError, match=message):
        Report(net).reconcile("ptflops", written)


def test_tables_name_kinds_and_writings_that_exist() -> None:
    kinds = {cls.kind for cls in core_kinds()}

    assert set(WRITINGS) <= kinds
    assert {how for ways in WRITINGS.values() for how in ways} == set(MEANINGS)
    assert set(POSSIBLE) <= set(MEANINGS)
    for counter in COUNTERS.values():
        for key in counter.table:
            kind, _, how = key.partition(":")
            assert kind in kinds, key
            assert not how or how in WRITINGS[kind][1:], key


# what nobody knows


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ({"locally_connected": {"name": "x", "out_channels": 2, "kernel_size": 3}}, "PyTorch has no such module"),
        (
            {"opaque": {"name": "x", "output_shape": [1, 9], "params": 1, "macs": 2, "receptive_field": "all"}},
            "nobody knows",
        ),
        ({"depthwise_conv": {"name": "x", "kernel_size": 3, "shared": True}}, "share their kernels"),
        ({"deformable_conv": {"name": "x", "out_channels": 1, "kernel_size": 3, "max_offset": 1}}, "images only"),
    ],
)
@pytest.mark.parametrize("counter", ["fvcore", "torchinfo", "ptflops", "ptflops-aten"])
def test_a_layer_whose_number_nobody_knows_is_refused(layer: Any, reason: str, counter: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"no number of {counter} to explain\n  x: .*{reason}"):
        reconciled(network([1, 9], [layer]), counter)


def test_an_unknown_convention_is_refused() -> None:
    with pytest.raises(UsageError, match="no convention 'fvcor'; did you mean 'fvcore'"):
        reconciled(UP, "fvcor")


# the command


def test_the_command_shows_a_sum(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "zoo:resnet50", "--convention", "fvcore"]) == 0

    shown = capsys.readouterr()
    assert shown.err == ""
    for number in ("4,089,184,256", "+22,227,968", "+100,352", "4,111,512,576"):
        assert number in shown.out
    assert "Assumed: adaptive_avg_pool" in " ".join(shown.out.split())


@pytest.mark.parametrize("counter", ["torchinfo", "ptflops"])
@pytest.mark.parametrize("name", ["lenet5", "dcgan_generator", "unet_same"])
@pytest.mark.parametrize("more", [[], ["--all"], ["--formulas"], ["--ascii"]], ids="".join)
def test_nothing_is_wider_than_80_columns(
    capsys: pytest.CaptureFixture[str], name: str, counter: str, more: list[str]
) -> None:
    assert run(["analyze", f"zoo:{name}", "--convention", counter, *more]) == 0

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_what_is_wrong_is_told_with_the_right_number(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec = tmp_path / "up.yaml"
    spec.write_text(
        "convmath: 1\ninput: [3, 2, 2]\nlayers:\n  - conv_transpose: {out_channels: 1, kernel_size: 2, stride: 2}\n"
    )

    assert run(["analyze", str(spec), "--convention", "torchinfo"]) == 0

    assert "It counts 192 for conv_transpose, right is 48." in " ".join(capsys.readouterr().out.split())


def test_json_holds_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["analyze", "zoo:alexnet", "--convention", "ptflops", "--written", "relu=functional", "--format", "json"])
        == 0
    )

    data = json.loads(capsys.readouterr().out)
    assert data["convention"]["name"] == "ptflops"
    assert {"kind": "relu", "written": "functional", "layers": 7} in data["assumed"]
    at = data["at"]
    assert at["macs"] + sum(each["amount"] for each in at["differences"]) == at["total"]
    assert {each["kind"]: len(each["layers"]) for each in at["differences"]}["relu"] == 7
    assert isinstance(data["total"], str)


def test_a_kind_that_is_written_in_two_ways_is_told_with_both(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--convention", "torchinfo", "--written", "pointwise_conv=linear"]

    assert run(["analyze", "zoo:convnext_tiny", *arguments]) == 0

    shown = " ".join(capsys.readouterr().out.split())
    assert "36 conv as torch.nn.Linear over channels that stand last; 22 conv as a module of torch.nn" in shown


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_pages_hold_the_sum(capsys: pytest.CaptureFixture[str], form: str) -> None:
    assert run(["analyze", "zoo:lenet5", "--convention", "torchinfo", "--format", form]) == 0

    assert "torchinfo prints" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--convention", "fvcor"], 2, "fvcore"),
        (["--convention", "fvcore", "--format", "csv"], 2, "--convention goes with"),
        (["--convention", "fvcore", "--columns", "name"], 2, "--convention goes with"),
        (["--written", "relu=functional"], 2, "--written goes with --convention"),
        (["--convention", "fvcore", "--written", "tanh"], 2, "write WHAT=HOW"),
        (["--convention", "fvcore", *["--written", "tanh=functional"] * 2], 2, "--written tanh is given twice"),
        (["--convention", "fvcore", "--written", "tanh=how"], 2, "there is functional, module, tensor"),
        (["--convention", "fvcore", "--assert", "params < 5"], 1, "assertion failed"),
    ],
)
def test_exit_statuses(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str) -> None:
    assert run(["analyze", "zoo:lenet5", *arguments]) == status

    assert message in capsys.readouterr().err


def test_what_cannot_be_known_has_a_status_of_its_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec = tmp_path / "local.yaml"
    spec.write_text("convmath: 1\ninput: [1, 9]\nlayers:\n  - locally_connected: {out_channels: 2, kernel_size: 3}\n")

    assert run(["analyze", str(spec), "--convention", "fvcore"]) == 4
    assert "locally_connected1: PyTorch has no such module" in capsys.readouterr().err
    assert run(["analyze", str(spec), "--convention", "torchvision"]) == 0
