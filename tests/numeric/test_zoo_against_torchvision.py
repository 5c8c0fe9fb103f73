"""Networks of the zoo and torchvision's own, with the same weights: the same outputs and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from convmath.api import load
from convmath.numeric.execute import run
from convmath.symbolic.compose import derive

if TYPE_CHECKING:
    import torch

pytestmark = pytest.mark.peers("torchvision")

# Each with the input's sizes, small and uneven ones where the network allows, and what its constructor takes.
MODELS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "alexnet": ((64, 71), {}),
    "vgg11_bn": ((33, 32), {}),
    "resnet18": ((65, 64), {}),
    "resnet34": ((65, 64), {}),
    "resnet50": ((65, 64), {}),
    "resnet101": ((33, 64), {}),
    "resnet152": ((33, 64), {}),
    "resnext50_32x4d": ((65, 64), {}),
    "wide_resnet50_2": ((65, 64), {}),
    "densenet121": ((65, 64), {}),
    "mobilenet_v2": ((65, 64), {}),
    "mobilenet_v3_large": ((65, 64), {}),
    "efficientnet_b0": ((65, 64), {}),
    "mnasnet1_0": ((65, 64), {}),
    "squeezenet1_0": ((66, 71), {}),
    "squeezenet1_1": ((66, 71), {}),
    "shufflenet_v2_x1_0": ((65, 64), {}),
    "googlenet": ((67, 64), {"aux_logits": False, "init_weights": False}),
    "inception_v3": ((80, 75), {"init_weights": False}),
    "regnet_y_400mf": ((65, 64), {}),
    "regnet_x_800mf": ((65, 64), {}),
    "convnext_tiny": ((67, 64), {}),
    "r3d_18": ((5, 17, 16), {}),
    "deeplabv3_resnet50": ((65, 79), {"weights_backbone": None, "aux_loss": True}),
}
MAIN_OUTPUT = {"inception_v3": "fc"}
"""What a network returns, and what its MACs are published for, when it is not trained."""
UNUSED = {"inception_v3": "AuxLogits."}


def model_of(name: str) -> torch.nn.Module:
    """Return torchvision's network with drawn parameters."""
    from torch_weights import drawn
    from torchvision_import import models

    return drawn(models.get_model(name, weights=None, **MODELS[name][1]))


def agrees(name: str, model: torch.nn.Module, sizes: tuple[int, ...], unused: str | None = None) -> None:
    """Require that a network of the zoo computes what a module does; a mapping of outputs by their names."""
    import torch
    from torch_weights import assert_same, weights_of

    network = load(f"zoo:{name}")
    if name in MAIN_OUTPUT:
        network = network.up_to(MAIN_OUTPUT[name])
    axes = [str(size) for size in network.inputs[0].sizes]
    bound = network.bind({**(network.defaults or {}), **dict(zip(axes, sizes, strict=True))})
    x = np.random.default_rng(1).uniform(-1, 1, (3, *sizes))

    made = run(bound, x, weights_of(bound, model, unused))
    expected = model(torch.from_numpy(x)[None])

    if isinstance(made, dict):
        assert made.keys() == expected.keys()
        for key, array in made.items():
            assert_same(array, expected[key])
    else:
        assert_same(made, expected)


@pytest.mark.parametrize("name", MODELS)
def test_a_network_of_the_zoo_computes_what_torchvision_computes(name: str) -> None:
    agrees(name, model_of(name), MODELS[name][0], UNUSED.get(name))


@pytest.mark.parametrize("name", ["resnet50_v1", "resnet101_v1"])
def test_resnets_of_2015_stride_in_the_first_convolution_of_a_block(name: str) -> None:
    model = model_of(name.removesuffix("_v1"))
    for block in model.modules():
        if type(block).__name__ == "Bottleneck":
            block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride

    agrees(name, model, (65, 64))


@pytest.mark.parametrize("name", MODELS)
def test_a_network_of_the_zoo_has_the_figures_of_torchvisions_weights(name: str) -> None:
    from torchvision_import import models

    network = load(f"zoo:{name}", numbers=True)
    published = next(iter(models.get_model_weights(name))).meta
    counted = network.up_to(MAIN_OUTPUT[name]) if name in MAIN_OUTPUT else network

    assert derive(network).totals.params == published["num_params"]
    assert round(int(derive(counted).totals.macs) / 1e9, 3) == published["_ops"]
