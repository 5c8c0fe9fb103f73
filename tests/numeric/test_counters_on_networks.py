"""Networks of the zoo and torchvision's own: the counters' numbers, to the last digit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from convmath.api import analyze, load
from convmath.counters.tables import COUNTERS
from convmath.spec.graph import Network

pytestmark = pytest.mark.peers("torchvision")


@dataclass(frozen=True)
class Case:
    """A network at small sizes, what its constructor takes, and what torchvision does not write in the usual way."""

    sizes: tuple[int, ...] = (65, 72)
    written: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    output: str | None = None


QUICK = {
    "resnet18": Case(),
    "squeezenet1_1": Case(),
    "mobilenet_v2": Case(written={"global_avg_pool": "functional"}),
    "shufflenet_v2_x1_0": Case(written={"global_avg_pool": "mean"}),
}
LONG = {
    "alexnet": Case(),
    "vgg16_bn": Case(),
    "resnet50": Case(),
    "densenet121": Case(written={"relu2": "functional", "global_avg_pool": "functional"}),
    "googlenet": Case(written={"relu": "functional"}, options={"aux_logits": False, "init_weights": False}),
    "inception_v3": Case(
        sizes=(80, 75),
        written={
            "relu": "functional",
            "avg_pool": "functional",
            "Mixed_6a.max_pool1": "functional",
            "Mixed_7a.max_pool1": "functional",
        },
        options={"init_weights": False},
        output="fc",
    ),
    "mobilenet_v3_large": Case(),
    "efficientnet_b0": Case(),
    "mnasnet1_0": Case(written={"global_avg_pool": "mean"}),
    "convnext_tiny": Case(
        written={
            "pointwise_conv": "linear",
            **dict.fromkeys(("layer_norm1", "layer_norm2", "down1", "down2", "down3"), "functional"),
        }
    ),
    "r3d_18": Case(sizes=(5, 33, 40), written={"conv": "subclass", "stem": "module", "pointwise_conv": "module"}),
    "deeplabv3_resnet50": Case(
        sizes=(32, 24),
        written={"upsample": "functional"},
        options={"weights_backbone": None, "aux_loss": True},
    ),
}
CASES = QUICK | LONG
MEASURED = [name for name in COUNTERS if name != "torchvision"]


def network_of(name: str) -> Network:
    network = load(f"zoo:{name}")
    output = CASES[name].output
    return network if output is None else network.up_to(output)


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.full) for name in LONG)])
def test_a_counter_prints_of_a_network_what_convmath_says(name: str) -> None:
    from torch_counters import counted
    from torchvision_import import models

    case, network = CASES[name], network_of(name)
    axes = [str(size) for size in network.inputs[0].sizes]
    report = analyze(network, **dict(zip(axes, case.sizes, strict=True)))
    model = models.get_model(name, weights=None, **case.options)

    said = {counter: report.reconcile(counter, case.written).at.total for counter in MEASURED}

    assert said == {counter: counted(counter, model, (3, *case.sizes)) for counter in MEASURED}


@pytest.mark.parametrize("name", CASES)
def test_torchvision_publishes_what_convmath_says(name: str) -> None:
    from torchvision_import import models

    published = next(iter(models.get_model_weights(name))).meta
    whole, counted = load(f"zoo:{name}"), network_of(name)

    assert analyze(counted).reconcile("torchvision").at.printed == f"{published['_ops']} billion"
    assert analyze(whole).reconcile("torchvision").at.params == published["num_params"]


@pytest.mark.parametrize("side", [32, 70, 224])
def test_a_counter_rounds_as_convmath_says(side: int) -> None:
    from torch_counters import complexity, summary
    from torchvision_import import models

    report = analyze(load("zoo:squeezenet1_1"), H=side, W=side)
    model = models.get_model("squeezenet1_1", weights=None)

    assert report.reconcile("ptflops").at.printed == complexity(model, (3, side, side), as_strings=True)[0]
    shown = re.search(r"Total mult-adds \((.*)\): (\S+)", str(summary(model, (3, side, side))))
    assert shown is not None
    assert report.reconcile("torchinfo").at.printed == f"{shown[2]} ({shown[1].replace('Units.MEGABYTES', 'M')})"


def test_an_output_restricts_what_is_explained() -> None:
    network = load("zoo:inception_v3", numbers=True)

    with_head, without = (analyze(each).reconcile("torchinfo").total for each in (network, network.up_to("fc")))

    assert with_head > without
