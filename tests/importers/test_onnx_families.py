"""torchvision's families as both exporters of PyTorch write them: the outputs are those of ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import convmath as cm

pytestmark = [pytest.mark.peers("torchvision"), pytest.mark.full, pytest.mark.onnx]

NAMES = [
    "alexnet",
    "vgg",
    "resnet",
    "resnext",
    "wide_resnet",
    "densenet",
    "googlenet",
    "inception_v3",
    "squeezenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "mnasnet",
    "efficientnet",
    "efficientnet_v2",
    "regnet_x",
    "regnet_y",
    "shufflenet",
    "convnext",
    "fcn",
    "deeplabv3",
    "lraspp",
    "r3d",
    "mc3",
    "r2plus1d",
    "s3d",
]
TOLERANCE = 1e-4
"""Of the largest output, in single precision on both sides."""


def test_every_family_is_here() -> None:
    from small_families import FAMILIES

    assert list(FAMILIES) == NAMES


@pytest.mark.parametrize("dynamo", [False, True], ids=["traced", "exported"])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_onnx_runtime(name: str, *, dynamo: bool, tmp_path: Path) -> None:
    from small_families import FAMILIES, export, module_of

    family, module = FAMILIES[name], module_of(name)
    found = [
        export(module, sizes, tmp_path / f"{at}.onnx", dynamo=dynamo, fixed=family.fixed)
        for at, sizes in enumerate(family.sizes[: 2 if family.fixed else 1])
    ]

    for sizes, path in zip(family.sizes, found * (2 if len(found) == 1 else 1), strict=True):
        assert_same(path, sizes)
    params = sum(each.numel() for each in module.parameters())
    assert cm.analyze(cm.from_onnx(found[0])).totals.params == params


def assert_same(path: Path, sizes: tuple[int, ...]) -> None:
    import onnxruntime

    x = np.random.default_rng(0).standard_normal((3, *sizes)).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = [each[0] for each in session.run(None, {"x": x[None]})]
    found = cm.run(cm.from_onnx(path), x)

    outputs = list(found.values()) if isinstance(found, dict) else [found]
    for mine, theirs in zip(outputs, wanted, strict=True):
        assert mine.shape == theirs.shape
        assert np.abs(mine - theirs).max() <= TOLERANCE * np.abs(theirs).max()
