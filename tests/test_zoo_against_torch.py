"""Networks of the zoo that enlarge images, against PyTorch: parameters, sizes, values, and what one output reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import convmath as cm
from convmath.formula import bind
from convmath.symbolic.compose import derive

pytestmark = pytest.mark.peers


def dcgan() -> Any:
    from torch import nn

    layers: list[Any] = []
    before = 100
    for out, stride, padding in ((512, 1, 0), (256, 2, 1), (128, 2, 1), (64, 2, 1)):
        layers += [nn.ConvTranspose2d(before, out, 4, stride, padding, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
        before = out
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())


def patchgan() -> Any:
    from torch import nn

    layers: list[Any] = [nn.Conv2d(6, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
    for before, out, stride in ((64, 128, 2), (128, 256, 2), (256, 512, 1)):
        layers += [nn.Conv2d(before, out, 4, stride, 1, bias=False), nn.BatchNorm2d(out), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(512, 1, 4, 1, 1))


def espcn() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 64, 5, padding=2), nn.Tanh(), nn.Conv2d(64, 32, 3, padding=1), nn.Tanh(),
        nn.Conv2d(32, 9, 3, padding=1), nn.PixelShuffle(3),
    )  # fmt: skip


def fsrcnn() -> Any:
    from torch import nn

    mapping: list[Any] = []
    for _ in range(4):
        mapping += [nn.Conv2d(12, 12, 3, padding=1), nn.PReLU(12)]
    return nn.Sequential(
        nn.Conv2d(1, 56, 5, padding=2), nn.PReLU(56), nn.Conv2d(56, 12, 1), nn.PReLU(12), *mapping,
        nn.Conv2d(12, 56, 1), nn.PReLU(56), nn.ConvTranspose2d(56, 1, 9, 3, 4, output_padding=2),
    )  # fmt: skip


def autoencoder() -> Any:
    from torch import nn

    layers: list[Any] = []
    for before, out in ((1, 16), (16, 8), (8, 8)):
        layers += [nn.Conv2d(before, out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
    for before, out, padding in ((8, 8, 1), (8, 8, 1), (8, 16, 0)):
        layers += [nn.Conv2d(before, out, 3, padding=padding), nn.ReLU(), nn.Upsample(scale_factor=2)]
    return nn.Sequential(*layers, nn.Conv2d(16, 1, 3, padding=1), nn.Sigmoid())


NETWORKS = {
    "dcgan_generator": (dcgan, {"H": 2, "W": 1}),
    "patchgan": (patchgan, {"H": 96, "W": 80}),
    "espcn": (espcn, {"H": 12, "W": 13}),
    "fsrcnn": (fsrcnn, {"H": 9, "W": 11}),
    "autoencoder": (autoencoder, {"H": 28, "W": 21}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_sizes_and_values(name: str) -> None:
    import torch

    make, sizes = NETWORKS[name]
    torch.manual_seed(0)
    theirs = make().double().eval()
    net = cm.load(f"zoo:{name}")
    net = net.bind({**(net.defaults or {}), **sizes})
    layers = [node.name for node in net.nodes if hasattr(node.layer, "bias") or node.kind in ("batch_norm", "prelu")]
    learned = [each for each in theirs if list(each.parameters())]
    weights = {
        ours: {key: each.numpy() for key, each in module.state_dict().items() if key != "num_batches_tracked"}
        for ours, module in zip(layers, learned, strict=True)
    }
    x = np.random.default_rng(0).standard_normal([int(each) for each in net.inputs[0].shape])

    ours = cm.run(net, x, weights)

    totals = cm.analyze(net).totals
    expected = theirs(torch.from_numpy(x)[None]).detach().numpy()[0]
    assert totals.params == sum(each.numel() for each in theirs.parameters())
    assert totals.output_shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["patchgan", "espcn", "fsrcnn", "autoencoder"])
def test_an_output_depends_on_exactly_the_pixels_of_its_field(name: str) -> None:
    """PyTorch's gradients, with all weights positive so that nothing cancels; pooling takes means here."""
    import torch
    from torch import nn

    module = NETWORKS[name][0]().double().eval()
    for at, each in enumerate(module):
        if isinstance(each, nn.MaxPool2d):
            module[at] = nn.AvgPool2d(2, ceil_mode=True)
        elif not list(each.parameters()) and not isinstance(each, nn.Upsample | nn.PixelShuffle):
            module[at] = nn.Identity()
    with torch.no_grad():
        for each in module.parameters():
            each.fill_(0.01)
    size = 160 if name == "patchgan" else 64
    net = cm.load(f"zoo:{name}")
    net = net.bind({**(net.defaults or {}), "H": size, "W": size})
    field = derive(net).totals.receptive_field
    x = torch.ones([1, int(net.inputs[0].shape[0]), size, size], dtype=torch.float64, requires_grad=True)
    output = module(x)
    middle = output.shape[2] // 2

    for at in range(middle, middle + int(field.period[0])):  # type: ignore[index]
        [gradient] = torch.autograd.grad(output[0, 0, at, middle], x, retain_graph=True)
        rows = gradient[0].abs().sum((0, 2)).nonzero().flatten().tolist()

        assert (rows[0], rows[-1]) == tuple(bind(each[0], {"i": at}) for each in (field.first, field.last))
