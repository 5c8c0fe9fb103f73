"""Networks of the zoo and torchvision's own, with the same weights: the same outputs and figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convmath.api import load
from convmath.numeric.execute import run
from convmath.symbolic.compose import derive

pytestmark = pytest.mark.peers("torchvision")

# Each with the input's sizes, small ones where the network allows, and what its constructor takes.
MODELS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "alexnet": ((64, 71), {}),
    "vgg11_bn": ((33, 32), {}),
    "mobilenet_v2": ((65, 64), {}),
    "mobilenet_v3_large": ((65, 64), {}),
    "efficientnet_b0": ((65, 64), {}),
    "mnasnet1_0": ((65, 64), {}),
    "squeezenet1_0": ((66, 71), {}),
    "squeezenet1_1": ((66, 71), {}),
    "googlenet": ((67, 64), {"aux_logits": False, "init_weights": False}),
    "inception_v3": ((80, 75), {"init_weights": False}),
    "regnet_y_400mf": ((65, 64), {}),
    "regnet_x_800mf": ((65, 64), {}),
    "r3d_18": ((5, 17, 16), {}),
}
OUTPUTS = {"inception_v3": "fc"}
"""What a network returns when it is not trained."""
UNUSED = {"inception_v3": "AuxLogits."}


@pytest.mark.parametrize("name", MODELS)
def test_a_network_of_the_zoo_computes_what_torchvision_computes(name: str) -> None:
    import torch
    from torch_weights import assert_same, drawn, weights_of
    from torchvision_import import models

    sizes, options = MODELS[name]
    model = drawn(models.get_model(name, weights=None, **options))
    network = load(f"zoo:{name}")
    if name in OUTPUTS:
        network = network.up_to(OUTPUTS[name])
    axes = [str(size) for size in network.inputs[0].sizes]
    bound = network.bind({**(network.defaults or {}), **dict(zip(axes, sizes, strict=True))})
    x = np.random.default_rng(1).uniform(-1, 1, (3, *sizes))

    made = run(bound, x, weights_of(bound, model, UNUSED.get(name)))

    assert isinstance(made, np.ndarray)
    assert_same(made, model(torch.from_numpy(x)[None]))


@pytest.mark.parametrize("name", MODELS)
def test_a_network_of_the_zoo_has_torchvisions_parameters_and_figures(name: str) -> None:
    from torchvision_import import models

    network = load(f"zoo:{name}", numbers=True)
    totals = derive(network).totals
    model = models.get_model(name, weights=None, **MODELS[name][1])
    published = next(iter(models.get_model_weights(name)))
    counted = network.up_to(OUTPUTS[name]) if name in OUTPUTS else network

    assert totals.params == sum(each.numel() for each in model.parameters())
    assert totals.params == published.meta["num_params"]
    assert round(int(derive(counted).totals.macs) / 1e9, 3) == published.meta["_ops"]
