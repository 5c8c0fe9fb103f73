"""The confrontation of rules and executor: it confirms what is right, and cannot be fooled by what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import network

from convmath.algebra import FloorMap
from convmath.api import load, verify, verify_kind
from convmath.cli.main import run
from convmath.errors import CheckFailed, LimitError, UsageError
from convmath.formula import product_of
from convmath.limits import Limits
from convmath.numeric import execute
from convmath.numeric.kernels import kernel
from convmath.numeric.measure import measure_costs
from convmath.report import Operations
from convmath.spec.activation import Prelu
from convmath.spec.conv import Conv
from convmath.spec.deformable import DeformableConv
from convmath.spec.dense import Dense
from convmath.spec.kinds import VOCABULARY, core_kinds
from convmath.spec.layer import Merge
from convmath.spec.local import LocallyConnected
from convmath.spec.norm import BatchNorm, GroupNorm
from convmath.spec.passes import Passes
from convmath.spec.pool import AdaptiveAvgPool, AvgPool, MaxPool
from convmath.spec.reshape import Padding
from convmath.spec.transpose import ConvTranspose
from convmath.spec.upsample import Upsample
from convmath.symbolic import compose, facts
from convmath.symbolic.compose import derive
from convmath.verification.compare import compare
from convmath.verification.kinds import STRATEGIES, draw_entry, draw_place
from convmath.verification.samples import draw, legal
from convmath.verification.tally import Tally
from convmath.zoo.catalogue import names

SAMPLES = 120


MERGES = [kind for kind, cls in VOCABULARY.items() if issubclass(cls, Merge)]


def test_every_core_kind_has_a_rule_a_kernel_and_a_strategy() -> None:
    core = set(core_kinds())

    assert set(facts.rule) == {*core, Passes}  # a repeat of symbolic depth is unrolled before it is executed
    assert set(kernel) == core
    assert set(STRATEGIES) == set(VOCABULARY)
    assert execute.KERNEL_MODULES
    assert compose.derive


@pytest.mark.parametrize("kind", VOCABULARY)
def test_every_kind_is_confirmed(kind: str) -> None:
    outcome = verify_kind(kind, SAMPLES, seed=1)

    assert outcome.confirmed, outcome.to_table()


@given(
    st.lists(
        st.sampled_from([kind for kind in VOCABULARY if kind not in ("dense", "flatten", "reshape", *MERGES)]),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 10**6),
)
def test_stacks_of_random_layers_agree(kinds: list[str], seed: int) -> None:
    random = Random(seed)
    place = replace(draw_place(random, "conv"), channels=4)
    entries: list[Any] = []
    for kind in kinds:
        entry = draw_entry(random, kind, place)
        if kind != "channel_shuffle":
            entry[kind].pop("groups", None)
        if kind == "prelu":
            entry[kind] = {}
        if "from" in entry[kind]:  # the maps that a layer takes beside what arrives are not in the stack
            entry[kind] = {word: held for word, held in entry[kind].items() if word not in ("from", "offsets")}
        entries.append(entry)
    stacked = network([4, *place.sizes], [*entries, "flatten", {"dense": 2}])
    try:
        report = derive(stacked)
    except Exception as refused:  # noqa: BLE001
        with pytest.raises(type(refused)):
            measure_costs(stacked)
        return

    tally = Tally()
    compare(report, measure_costs(stacked), {}, tally)

    assert tally.refuted() == set()


def test_blocks_and_repeats_are_confirmed() -> None:
    data = {
        "symbols": {"H": {"default": 20}, "w": {"default": 4}},
        "blocks": {
            "unit": {
                "params": ["channels", {"stride": 1}],
                "let": {"half": "in_channels//2"},
                "layers": [
                    {"pointwise_conv": "half"},
                    {"conv": {"out_channels": "channels", "kernel_size": 3, "stride": "stride", "padding": "same"}},
                    "batch_norm",
                    "relu",
                ],
            }
        },
    }
    layers = [
        {"conv": {"out_channels": "2*w", "kernel_size": 3}},
        {"repeat": {"times": 3, "index": "j", "layers": [{"unit": "2*w*2**j"}]}},
        {"unit": {"channels": 6, "stride": 2}},
        "global_avg_pool",
        "flatten",
        {"dense": 5},
    ]

    outcome = verify(network([3, "H", "H"], layers, **data), 16)

    assert outcome.confirmed, outcome.to_table()


def test_hyper_parameters_may_all_be_symbols() -> None:
    """Kernel, stride, padding, dilation, groups and channels of a small network, on hundreds of values."""
    conv = {"out_channels": "K", "kernel_size": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g"}
    layers = [{"conv": conv}, "relu", {"max_pool": {"kernel_size": "q", "ceil_mode": True}}, "flatten", {"dense": "n"}]
    symbols = {"p": {"min": 0}}

    outcome = verify(network(["C", "H", "W"], layers, symbols=symbols), 300, seed=3)

    assert outcome.confirmed, outcome.to_table()
    assert {check.cases for check in outcome.checks if check.quantity == "macs"} == {300}


def test_samples_start_with_the_defaults_then_the_least_sizes() -> None:
    lenet = load("zoo:lenet5")
    report = derive(lenet)

    cases = draw(lenet, report, 24, 0)

    assert cases[0] == {"H": 32, "W": 32}
    assert cases[1] == {"H": 33, "W": 33}
    assert len({tuple(case.values()) for case in cases}) == 24
    assert {case["H"] % 2 for case in cases} == {0, 1}
    assert all(legal(lenet, report, case) for case in cases)


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "mobilenet_v1", "tfslim_mobilenet_v1"])
def test_networks_of_the_zoo_are_confirmed(name: str) -> None:
    outcome = verify(load(f"zoo:{name}"), 6)

    assert outcome.confirmed, outcome.to_table()


@pytest.mark.full
@pytest.mark.parametrize("name", names())
def test_every_network_of_the_zoo_is_confirmed_at_full_size(name: str) -> None:
    """The defaults, the least sizes, one more of all and of each symbol, and a random case; some 15 minutes in all."""
    outcome = verify(load(f"zoo:{name}"), 8)

    assert outcome.confirmed, outcome.to_table()


# Wrong rules, planted on purpose: each must be refuted.

Fault = Callable[[facts.Facts, Any, facts.Shape], facts.Facts]


def shifted(maps: tuple, **changes: Any) -> tuple:
    return tuple(replace(each, **{key: getattr(each, key) + by for key, by in changes.items()}) for each in maps)


def without(found: facts.Facts, code: str) -> tuple[facts.Requirement, ...]:
    return tuple(each for each in found.requirements if each.code != code)


RULES: dict[str, tuple[type, str, Fault]] = {
    "a window too many": (
        Conv,
        "conv",
        lambda f, _, s: replace(
            f, maps=shifted(f.maps, shift=1), out=s.through(shifted(f.maps, shift=1), f.out.channels)
        ),
    ),
    "the bias is forgotten": (Conv, "conv", lambda f, layer, _: replace(f, params=f.params - layer.bias)),
    "groups are forgotten in MACs": (Conv, "conv", lambda f, layer, _: replace(f, macs=f.macs * layer.groups)),
    "padding is forgotten in the field": (
        Conv,
        "conv",
        lambda f, layer, _: replace(f, first=tuple(replace(m, shift=0) for m in f.first)),
    ),
    "dilation is forgotten in the field": (
        Conv,
        "conv",
        lambda f, layer, _: replace(
            f,
            last=tuple(
                replace(last, shift=first.shift + k - 1)
                for first, last, k in zip(f.first, f.last, layer.kernel_size, strict=True)
            ),
        ),
    ),
    "groups need not divide": (
        Conv,
        "conv",
        lambda f, *_: replace(f, requirements=without(f, "not-divisible")),
    ),
    "a mirror may be as wide as the image": (Conv, "conv", lambda f, *_: replace(f, least=())),
    "weights are shared after all": (
        LocallyConnected,
        "locally_connected",
        lambda f, layer, _: replace(f, params=layer.out_channels),
    ),
    "a dense layer has no bias": (Dense, "dense", lambda f, layer, _: replace(f, params=f.macs)),
    "a window of nine compares nine times": (
        MaxPool,
        "max_pool",
        lambda f, _, s: replace(f, operations=Operations(comparisons=f.operations.comparisons + f.out.elements)),
    ),
    "padding is never too large": (MaxPool, "max_pool", lambda f, *_: replace(f, requirements=())),
    "ceil mode is ignored": (
        AvgPool,
        "avg_pool",
        lambda f, layer, s: replace(
            f, out=facts.Shape(f.out.channels, tuple(x - layer.ceil_mode for x in f.out.sizes))
        ),
    ),
    "adaptive windows never overlap": (
        AdaptiveAvgPool,
        "adaptive_avg_pool",
        lambda f, _, s: replace(
            f, operations=Operations(additions=s.elements - f.out.elements, elementwise=f.out.elements)
        ),
    ),
    "MACs of a transposed convolution on outputs": (
        ConvTranspose,
        "conv_transpose",
        lambda f, layer, s: replace(f, macs=f.macs // product_of(s.sizes) * product_of(f.out.sizes)),
    ),
    "a transposed convolution has no phase": (
        ConvTranspose,
        "conv_transpose",
        lambda f, *_: replace(f, first=tuple(FloorMap(1, each.shift + 1, each.down) for each in f.first)),
    ),
    "output padding is forgotten": (
        ConvTranspose,
        "conv_transpose",
        lambda f, layer, s: replace(
            f,
            out=facts.Shape(
                f.out.channels, tuple(x - o for x, o in zip(f.out.sizes, layer.output_padding, strict=True))
            ),
        ),
    ),
    "bilinear reads as nearest": (
        Upsample,
        "upsample",
        lambda f, layer, s: replace(f, last=f.first),
    ),
    "offsets do not widen a field": (
        DeformableConv,
        "deformable_conv",
        lambda f, layer, s: replace(
            f, last=tuple(FloorMap(each.up, each.shift - layer.max_offset, 1) for each in f.last)
        ),
    ),
    "sampling costs nothing": (
        DeformableConv,
        "deformable_conv",
        lambda f, layer, s: replace(f, operations=Operations(additions=f.out.elements * layer.bias)),
    ),
    "a group norm sees its own position": (GroupNorm, "group_norm", lambda f, *_: replace(f, whole=False)),
    "buffers are parameters": (BatchNorm, "batch_norm", lambda f, *_: replace(f, params=f.params + f.buffers)),
    "padding after is forgotten": (
        Padding,
        "pad",
        lambda f, layer, s: replace(
            f, out=facts.Shape(f.out.channels, tuple(x + a for x, (a, _) in zip(s.sizes, layer.amount, strict=True)))
        ),
    ),
}


@pytest.mark.parametrize("fault", RULES)
def test_a_wrong_rule_is_refuted(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer_type, kind, change = RULES[fault]
    right = facts.rule[layer_type]
    monkeypatch.setitem(facts.rule._rules, layer_type, lambda layer, *s: change(right(layer, *s), layer, s[0]))

    outcome = verify_kind(kind, SAMPLES)

    assert not outcome.confirmed
    assert any(check.counterexample is not None for check in outcome.checks)
    with pytest.raises(CheckFailed, match="measured"):
        outcome.raise_if_refuted()


# Wrong kernels, planted on purpose.


def forgets_dilation(layer: Any) -> Any:
    return replace(layer, dilation=(1,) * len(layer.dilation))


def forgets_padding(layer: Any) -> Any:
    return replace(layer, padding=((0, 0),) * len(layer.padding))


def forgets_stride(layer: Any) -> Any:
    return replace(layer, stride=(1,) * len(layer.stride))


KERNELS: dict[str, tuple[type, str, Callable[[Any], Any]]] = {
    "conv forgets dilation": (Conv, "conv", forgets_dilation),
    "conv forgets padding": (Conv, "conv", forgets_padding),
    "conv forgets its bias": (Conv, "conv", lambda layer: replace(layer, bias=False)),
    "depthwise kernels are shared": (Conv, "depthwise_conv", lambda layer: replace(layer, shared=True)),
    "local forgets stride": (LocallyConnected, "locally_connected", forgets_stride),
    "pooling forgets ceil mode": (MaxPool, "max_pool", lambda layer: replace(layer, ceil_mode=False)),
    "averaging forgets stride": (AvgPool, "avg_pool", forgets_stride),
    "a dense layer is too narrow": (Dense, "dense", lambda layer: replace(layer, out_features=layer.out_features + 1)),
    "a transposed convolution forgets its crop": (ConvTranspose, "conv_transpose", forgets_padding),
    "a transposed convolution forgets dilation": (ConvTranspose, "conv_transpose", forgets_dilation),
    "up-sampling forgets to blend": (Upsample, "upsample", lambda layer: replace(layer, mode="nearest")),
    "a deformable convolution stays in place": (
        DeformableConv,
        "deformable_conv",
        lambda layer: replace(layer, max_offset=0),
    ),
    "predicted offsets are learned": (
        DeformableConv,
        "deformable_conv",
        lambda layer: replace(layer, offsets="learned"),
    ),
    "a norm learns nothing": (BatchNorm, "batch_norm", lambda layer: replace(layer, affine=False)),
}


@pytest.mark.parametrize("fault", KERNELS)
def test_a_wrong_kernel_is_refuted(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer_type, kind, change = KERNELS[fault]
    right = kernel[layer_type]
    monkeypatch.setitem(
        kernel._rules, layer_type, lambda layer, weights, *arrays: right(change(layer), weights, *arrays)
    )

    assert not verify_kind(kind, SAMPLES).confirmed


def test_slopes_of_prelu_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    right = facts.rule[Prelu]
    monkeypatch.setitem(facts.rule._rules, Prelu, lambda layer, shape: replace(right(layer, shape), requirements=()))

    assert not verify_kind("prelu", SAMPLES).confirmed


def test_comparisons_are_no_additions(monkeypatch: pytest.MonkeyPatch) -> None:
    right = facts.rule[MaxPool]

    def wrong(layer: MaxPool, shape: facts.Shape) -> facts.Facts:
        found = right(layer, shape)
        return replace(found, operations=Operations(additions=found.operations.comparisons))

    monkeypatch.setitem(facts.rule._rules, MaxPool, wrong)

    assert not verify_kind("max_pool", SAMPLES).confirmed


def test_a_wrong_least_size_is_a_disagreement_and_no_invalid_network(monkeypatch: pytest.MonkeyPatch) -> None:
    right = FloorMap.least_input
    monkeypatch.setattr(FloorMap, "least_input", lambda self, size: right(self, size) - 2)

    outcome = verify(load("zoo:lenet5"), 6)

    assert not outcome.confirmed
    assert any(check.counterexample and "refused" in check.counterexample.measured for check in outcome.checks)


def test_a_kernel_that_breaks_is_a_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("of all things")

    monkeypatch.setitem(kernel._rules, Conv, broken)

    for outcome in (verify(load("zoo:lenet5"), 3), verify_kind("conv", 20)):
        assert not outcome.confirmed
        assert "fails (ValueError: of all things)" in " ".join(outcome.to_table().split())


def test_jump_start_and_sums_of_groups_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [
        {
            "repeat": {
                "name": "stage",
                "times": 2,
                "layers": [{"conv": {"out_channels": 2, "kernel_size": 3, "stride": 2}}],
            }
        }
    ]
    right = compose.derive

    def wrong(net: Any, progress: Any = None) -> Any:
        found = right(net, progress)
        last = found.layers[-1]
        field = replace(last.receptive_field, jump=tuple(each + 1 for each in last.receptive_field.jump))
        layer = replace(last, receptive_field=field)
        group = replace(found.groups[0], params=found.groups[0].params + 1)
        return replace(found, layers=(*found.layers[:-1], layer), groups=(group,))

    monkeypatch.setattr("convmath.verification.confront.derive", wrong)

    outcome = verify(network([1, "L"], layers), 6)

    assert {(check.layer, check.quantity) for check in outcome.checks if not check.confirmed} == {
        ("stage", "params"),
        ("stage.1.conv1", "receptive_field.jump[0]"),
    }


def wrong_macs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the mistake of the mock-up: MACs counted on the input's size."""
    right = facts.rule[Conv]

    def wrong(layer: Conv, shape: facts.Shape) -> facts.Facts:
        found = right(layer, shape)
        return replace(found, macs=9 * layer.out_channels * shape.elements)

    monkeypatch.setitem(facts.rule._rules, Conv, wrong)


def test_a_refuted_network_shows_the_smallest_counterexample(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    wrong_macs(monkeypatch)
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "convmath: 1\ninput: [C, H, W]\nlayers: [conv: {out_channels: K, kernel_size: 3}]\n", encoding="utf-8"
    )

    status = run(["verify", str(spec)])

    out = capsys.readouterr().out
    assert status == 1
    assert "✗ macs = 9*C*H*K*W at C = 1, H = 3, W = 3, K = 1: formula 81, measured 9" in " ".join(out.split())
    assert "refuted:" in out


def test_a_confirmed_network_says_how_it_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    status = run(["verify", "zoo:lenet5", "--samples", "5"])

    out = capsys.readouterr().out
    assert status == 0
    assert out.splitlines()[0].startswith("LeNet-5   input 1 × H × W   5 cases")
    assert "0 disagree" in out
    assert "measured by: the shapes of the arrays" in out
    assert "61,706 weights read at H = 32, W = 32" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80


def test_json_of_a_verification(capsys: pytest.CaptureFixture[str]) -> None:
    status = run(["verify", "zoo:lenet5", "--samples", "3", "--format", "json"])

    data = json.loads(capsys.readouterr().out)
    assert (status, data["schema"], data["network"], data["verdict"]) == (0, 1, "LeNet-5", "confirmed")
    keys = ["layer", "quantity", "formula", "verdict", "cases", "mismatches", "measured_by", "counterexample"]
    assert all(list(check) == keys for check in data["checks"])
    assert {check["verdict"] for check in data["checks"]} == {"confirmed"}


def test_an_execution_beyond_the_limits_is_refused_with_what_would_fit() -> None:
    vgg = network(
        [3, "H", "W"],
        [{"conv": {"out_channels": 64, "kernel_size": 3}}],
        symbols={"H": {"default": 4096}, "W": {"default": 4096}},
    )

    with pytest.raises(LimitError, match="--max-memory raises the limit; H = 1024, W = 1024 would fit"):
        verify(vgg, limits=Limits(memory=1 << 31))
    with pytest.raises(LimitError, match="--max-macs raises the limit"):
        verify(vgg, limits=Limits(memory=1 << 40, macs=10**6))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["verify"], 2, "name a SPEC, or a kind"),
        (["verify", "zoo:lenet5", "--kind", "conv"], 2, "name a SPEC, or a kind"),
        (["verify", "--kind", "konv"], 2, "there is no kind 'konv'"),
        (["verify", "zoo:lenet5", "--set", "H=8"], 3, "does not fit"),
        (["verify", "zoo:vgg16", "--max-memory", "100MiB"], 5, "--max-memory raises the limit"),
        (["verify", "zoo:vgg16", "--max-memory", "much"], 2, "no number of bytes"),
    ],
)
def test_exit_statuses(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str) -> None:
    assert run(arguments) == status
    assert message in capsys.readouterr().err


def test_an_unknown_kind_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="the kinds are"):
        verify_kind("konv")


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_the_same_seed_draws_the_same_cases(seed: int) -> None:
    lenet = load("zoo:lenet5")
    report = derive(lenet)

    assert draw(lenet, report, 8, seed) == draw(lenet, report, 8, seed)
