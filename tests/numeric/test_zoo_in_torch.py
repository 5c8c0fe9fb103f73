"""Networks of the zoo that torchvision does not have, and the same in PyTorch, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

from convmath.api import load
from convmath.numeric.execute import run
from convmath.spec.graph import Network

pytestmark = pytest.mark.peers


def image(network: Network) -> np.ndarray:
    """Return numbers of the shape of the network's input."""
    shape = [int(size) for size in network.inputs[0].shape]  # type: ignore[arg-type]
    return np.random.default_rng(1).uniform(-1, 1, shape)


@pytest.mark.parametrize("sizes", [(71, 66), (64, 97)])
def test_xception(sizes: tuple[int, int]) -> None:
    import torch
    from torch_networks import xception
    from torch_weights import assert_same, drawn, weights_of

    network = load("zoo:xception", {"H": sizes[0], "W": sizes[1], "middle": 2}, numbers=True)
    model, x = drawn(xception(2)), image(network)

    assert_same(run(network, x, weights_of(network, model)), model(torch.from_numpy(x)[None]))


@pytest.mark.parametrize(("levels", "kernel"), [(4, 5), (6, 2)])
def test_tcn(levels: int, kernel: int) -> None:
    import torch
    from torch_networks import tcn
    from torch_weights import assert_same, drawn, weights_of

    network = load("zoo:tcn", {"levels": levels, "kernel": kernel, "hidden": 12, "T": 70}, numbers=True)
    model, x = drawn(tcn(levels, 12, kernel)), image(network)

    assert_same(run(network, x, weights_of(network, model)), model(torch.from_numpy(x)[None]))


@pytest.mark.parametrize("sizes", [(64, 96), (57, 63)])
def test_yolo(sizes: tuple[int, int]) -> None:
    import torch
    from torch_networks import YoloV3
    from torch_weights import assert_same, drawn, weights_of

    network = load("zoo:yolov3", {"H": sizes[0], "W": sizes[1], "classes": 2}, numbers=True)
    model, x = drawn(YoloV3(2)), image(network)

    made = run(network, x, weights_of(network, model))

    assert isinstance(made, dict)
    for mine, expected in zip(made.values(), model(torch.from_numpy(x)[None]), strict=True):
        assert_same(mine, expected)


@pytest.mark.parametrize("sizes", [(64, 65), (97, 66)])
def test_resnet_of_tfslim(sizes: tuple[int, int]) -> None:
    import torch
    from torch_networks import tfslim_resnet
    from torch_weights import assert_same, drawn, weights_of

    network = load("zoo:tfslim_resnet_v1_50", {"H": sizes[0], "W": sizes[1], "width": 8}, numbers=True)
    model, x = drawn(tfslim_resnet((3, 4, 6, 3), 8)), image(network)

    assert_same(run(network, x, weights_of(network, model)), model(torch.from_numpy(x)[None]))


@pytest.mark.parametrize(("name", "settings"), [("unet", {"H": 188, "W": 204}), ("unet_same", {"H": 32, "W": 48})])
def test_unet(name: str, settings: dict[str, int | str]) -> None:
    import torch
    from torch_networks import UNet
    from torch_weights import assert_same, drawn, weights_of

    padded = name == "unet_same"
    width = 4 if padded else 64
    network = load(f"zoo:{name}", settings | ({"width": width} if padded else {}), numbers=True)
    model, x = drawn(UNet(width, padded=padded)), image(network)

    assert_same(run(network, x, weights_of(network, model)), model(torch.from_numpy(x)[None]))


@pytest.mark.parametrize(("stacks", "depth"), [(2, 4), (1, 6)])
def test_wavenet(stacks: int, depth: int) -> None:
    import torch
    from torch_networks import WaveNet
    from torch_weights import assert_same, drawn, weights_of

    settings = {"stacks": stacks, "depth": depth, "residual": 3, "skip": 5, "L": 80}
    network = load("zoo:wavenet", settings, numbers=True)
    model, x = drawn(WaveNet(stacks, depth, 3, 5)), image(network)

    assert_same(run(network, x, weights_of(network, model)), model(torch.from_numpy(x)[None]))
