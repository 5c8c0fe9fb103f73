"""Every kind of layer, in every way it may be written: the counters themselves, and what convmath says they print."""

from __future__ import annotations

import pytest
from networks import network

from convmath.api import Report
from convmath.counters.tables import COUNTERS
from convmath.counters.writings import writings
from convmath.spec.kinds import core_kinds

pytestmark = pytest.mark.peers("torchvision")

TIMES = 6
APART = {"deformable_conv"}
"""Tested with an operator of the test's own."""
KINDS = [cls.kind for cls in core_kinds() if cls.meaning.torch and cls.kind not in APART]
WAYS = [(kind, how) for kind in KINDS for how in writings(kind)]
MEASURED = [name for name in COUNTERS if name != "torchvision"]


@pytest.mark.parametrize("counter", MEASURED)
@pytest.mark.parametrize(("kind", "how"), WAYS, ids=lambda part: part)
def test_a_counter_prints_what_convmath_says(counter: str, kind: str, how: str) -> None:
    from counter_cases import cases
    from torch_counters import counted, parameters

    for case in cases(kind, how, TIMES):
        report = Report(network(list(case.shape), case.layers))

        found = report.reconcile(counter, case.written)

        shown = f"{case.layers} at {case.shape}"
        assert found.total == counted(counter, case.module, case.shape), shown
        assert found.params == parameters(counter, case.module, case.shape), shown


@pytest.mark.parametrize("counter", MEASURED)
@pytest.mark.parametrize("how", writings("layer_norm"))
def test_norms_of_single_positions(counter: str, how: str) -> None:
    from random import Random

    from counter_cases import over_channels
    from torch_counters import counted

    for seed in range(TIMES):
        case = over_channels(Random(seed), how)
        found = Report(network(list(case.shape), case.layers)).reconcile(counter, case.written)

        assert found.total == counted(counter, case.module, case.shape)


def test_every_kind_has_cases() -> None:
    from counter_cases import known_kinds

    assert known_kinds() == set(KINDS)


def test_a_padding_of_zeros_beside_a_window_is_what_convmath_takes_it_for() -> None:
    """The counters see no difference between a padding of its own and one inside, but in what arrives at a pooling."""
    from torch import nn
    from torch_counters import counted

    apart = network([2, 7, 7], [{"pad": 1}, {"max_pool": 3}])
    inside = network([2, 7, 7], [{"max_pool": {"kernel_size": 3, "padding": 1}}])

    assert Report(apart).reconcile("ptflops").total == 2 * 2 * 9 * 9
    assert Report(inside).reconcile("ptflops").total == 2 * 2 * 7 * 7
    assert counted("ptflops", nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(3)), (2, 7, 7)) == 2 * 2 * 9 * 9


@pytest.mark.parametrize("counter", MEASURED)
def test_a_module_that_runs_twice_is_counted_twice(counter: str) -> None:
    from torch import Tensor, nn
    from torch_counters import counted, parameters

    conv = {"out_channels": 2, "kernel_size": 3, "padding": 1}
    layers = [{"conv": {"name": "a", **conv}}, "relu", {"conv": {"share": "a", **conv}}]
    shared = nn.Conv2d(2, 2, 3, padding=1)

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.relu = shared, nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(self.relu(self.conv(x)))

    model = Twice()

    said = Report(network([2, 6, 7], layers)).reconcile(counter)

    assert said.total == counted(counter, model, (2, 6, 7))
    assert said.params == parameters(counter, model, (2, 6, 7))


@pytest.mark.parametrize("counter", MEASURED)
@pytest.mark.parametrize("returned", [["b"], ["b", "norm"], ["gate"]], ids="-".join)
def test_layers_that_no_output_depends_on(counter: str, returned: list[str]) -> None:
    from torch import Tensor, nn
    from torch_counters import counted, parameters

    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3)
            self.c, self.norm = nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5)
            self.pool, self.relu = nn.AdaptiveAvgPool2d(1), nn.ReLU(inplace=True)

        def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
            made = {"a": self.a(x)}
            made["b"], made["c"] = self.b(made["a"]), self.c(made["a"])
            made["norm"] = self.norm(made["c"])
            made["gate"] = self.relu(self.pool(made["norm"]))
            return {name: made[name] for name in returned}

    convs = {"a": (4, "input"), "b": (2, "a"), "c": (5, "a")}
    layers: list[object] = [
        {"conv": {"name": name, "out_channels": out, "kernel_size": 3, "from": arriving}}
        for name, (out, arriving) in convs.items()
    ]
    layers += [{"batch_norm": {"name": "norm"}}, "global_avg_pool", {"relu": {"name": "gate"}}]

    found = Report(network([3, 9, 8], layers, outputs=returned)).reconcile(counter)

    assert found.total == counted(counter, Heads(), (3, 9, 8))
    assert found.params == parameters(counter, Heads(), (3, 9, 8))


@pytest.fixture(scope="module")
def deform_operator() -> object:
    """Declare torchvision's operator, with the shape of its result and no values: its own needs a build for torch."""
    import torch
    import torch_counters  # noqa: F401  (declares the library)
    from torchvision.ops import deform_conv

    if not hasattr(torch.ops.torchvision, "deform_conv2d"):
        pairs = ", ".join(f"int {what}_{axis}" for what in ("stride", "pad", "dilation") for axis in "hw")
        library = torch.library.Library("torchvision", "FRAGMENT")
        library.define(
            "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, "
            f"{pairs}, int groups, int offset_groups, bool use_mask) -> Tensor"
        )
        library.impl(
            "deform_conv2d",
            lambda x, weight, offset, *_: x.new_zeros(len(x), len(weight), *offset.shape[2:]),
            "CompositeExplicitAutograd",
        )
    else:
        library = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deform_conv, "_assert_has_ops", lambda: None)
        yield library


@pytest.mark.parametrize("counter", MEASURED)
@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize("offsets", ["learned", "predicted"])
def test_deformable_convolutions(deform_operator: object, counter: str, offsets: str, modulated: bool) -> None:  # noqa: ARG001, FBT001
    import torch
    from torch import Tensor, nn
    from torch_counters import counted
    from torchvision.ops import DeformConv2d

    class Deformed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.numbers = 2 * 2 * 9, (2 * 9 if modulated else 0)
            self.offsets = nn.Conv2d(4, sum(self.numbers), 3, padding=1)
            self.deform = DeformConv2d(4, 6, 3, padding=1, groups=2)

        def forward(self, x: Tensor) -> Tensor:
            still = torch.zeros(1, sum(self.numbers), *x.shape[2:])
            found = self.offsets(x) if offsets == "predicted" else still
            offset, mask = found[:, : self.numbers[0]], found[:, self.numbers[0] :]
            return self.deform(x, offset, torch.sigmoid(mask) if modulated else None)

    fields = {"out_channels": 6, "kernel_size": 3, "padding": 1, "groups": 2, "offset_groups": 2}
    layer = {"deformable_conv": {**fields, "offsets": offsets, "modulated": modulated, "max_offset": 1}}

    said = Report(network([4, 8, 7], [layer])).reconcile(counter)

    assert said.total == counted(counter, Deformed(), (4, 8, 7))


def test_the_counters_are_those_whose_numbers_are_said() -> None:
    from importlib.metadata import version

    assert {name: each.version for name, each in COUNTERS.items()} == {
        name: version(name.removesuffix("-aten")) for name in COUNTERS
    }
