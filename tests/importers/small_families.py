"""One network of each of torchvision's convolutional families, as narrow and shallow as its constructor allows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "numeric"))
from torch_weights import drawn
from torchvision_import import models

Sizes = tuple[int, ...]


class Family(NamedTuple):
    """How a network is made, and two sizes of images that it takes; ``fixed`` where no exporter leaves them open."""

    make: Callable[[], torch.nn.Module]
    sizes: tuple[Sizes, Sizes] = ((64, 96), (75, 65))
    fixed: bool = False


def alexnet() -> torch.nn.Module:
    found = models.alexnet(num_classes=10)
    found.classifier = narrow(256 * 6 * 6)
    return found


def vgg() -> torch.nn.Module:
    parts = models.vgg.make_layers([8, "M", 16, "M", 16, 24, "M", 32, 32, "M"], batch_norm=True)
    found = models.VGG(parts, num_classes=10, init_weights=False)
    found.classifier = narrow(32 * 7 * 7)
    return found


def narrow(features: int) -> torch.nn.Module:
    """Return a classifier as AlexNet's and VGG's, whose width no argument changes."""
    dense = torch.nn.Linear
    return torch.nn.Sequential(dense(features, 64), torch.nn.ReLU(), torch.nn.Dropout(), dense(64, 10))


def mobilenet(version: int) -> torch.nn.Module:
    if version == 2:
        return models.MobileNetV2(10, 0.5, inverted_residual_setting=[[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 1, 2]])
    blocks, _ = models.mobilenetv3._mobilenet_v3_conf("mobilenet_v3_small")
    return models.MobileNetV3(blocks[:5], 64, num_classes=10)


def efficient(kind: str) -> torch.nn.Module:
    first, second = models.efficientnet.FusedMBConvConfig, models.efficientnet.MBConvConfig
    plain = [second(1, 3, 1, 16, 8, 1), second(6, 3, 2, 8, 16, 2), second(6, 5, 2, 16, 24, 1)]
    fused = [first(1, 3, 1, 16, 8, 1), first(4, 3, 2, 8, 16, 2), second(4, 3, 2, 16, 24, 1)]
    setting = fused if kind == "v2" else plain
    return models.EfficientNet(setting, dropout=0.2, num_classes=10, last_channel=64)


def regnet(se_ratio: float | None) -> torch.nn.Module:
    params = models.regnet.BlockParams.from_init_params(6, 24, 24.0, 2.2, 8, se_ratio=se_ratio)
    return models.RegNet(params, num_classes=10)


def convnext() -> torch.nn.Module:
    config = models.convnext.CNBlockConfig
    return models.ConvNeXt([config(16, 32, 1), config(32, 48, 2), config(48, None, 1)], num_classes=10)


def resnet(block: str, **kwargs: int) -> torch.nn.Module:
    return models.ResNet(getattr(models.resnet, block), [1, 2, 1, 1], num_classes=10, **kwargs)


def dilated() -> torch.nn.Module:
    return models.ResNet(models.resnet.Bottleneck, [1, 1, 1, 2], replace_stride_with_dilation=[False, True, True])


def segmenting(kind: str) -> torch.nn.Module:
    parts = models.segmentation
    if kind == "fcn":
        found = parts.fcn._fcn_resnet(dilated(), 5, aux=True)
    elif kind == "deeplabv3":
        found = parts.deeplabv3._deeplabv3_resnet(dilated(), 5, aux=True)
    else:
        backbone = models.mobilenet_v3_small(dilated=True)
        found = parts.lraspp._lraspp_mobilenetv3(backbone, 5)
    return Several(found)


class Several(torch.nn.Module):
    """A module that returns a tuple where another one returns a dictionary."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.inner(x).values())


def video(*convs: str, stem: str = "BasicStem") -> torch.nn.Module:
    parts = models.video.resnet
    makers = [getattr(parts, name) for name in convs]
    return parts.VideoResNet(parts.BasicBlock, makers, [1, 1, 1, 1], getattr(parts, stem), num_classes=10)


CLIPS = ((8, 32, 48), (9, 40, 33))
WHOLE = ((224, 224), (224, 415))
FAMILIES: dict[str, Family] = {
    "alexnet": Family(alexnet, WHOLE, fixed=True),
    "vgg": Family(vgg, ((112, 112), (112, 224)), fixed=True),
    "resnet": Family(partial(resnet, "BasicBlock")),
    "resnext": Family(partial(resnet, "Bottleneck", groups=4, width_per_group=8)),
    "wide_resnet": Family(partial(resnet, "Bottleneck", width_per_group=80)),
    "densenet": Family(partial(models.DenseNet, 8, (2, 3, 2), 16, num_classes=10)),
    "googlenet": Family(partial(models.googlenet, num_classes=10, init_weights=False, aux_logits=False)),
    "inception_v3": Family(
        partial(models.inception_v3, num_classes=10, init_weights=False, aux_logits=False), ((75, 96), (107, 83))
    ),
    "squeezenet": Family(partial(models.squeezenet1_0, num_classes=10)),
    "mobilenet_v2": Family(partial(mobilenet, 2)),
    "mobilenet_v3": Family(partial(mobilenet, 3)),
    "mnasnet": Family(partial(models.MNASNet, 0.35, num_classes=10)),
    "efficientnet": Family(partial(efficient, "v1")),
    "efficientnet_v2": Family(partial(efficient, "v2")),
    "regnet_x": Family(partial(regnet, None)),
    "regnet_y": Family(partial(regnet, 0.25)),
    "shufflenet": Family(partial(models.ShuffleNetV2, [1, 2, 1], [8, 16, 32, 64, 64], num_classes=10)),
    "convnext": Family(convnext),
    "fcn": Family(partial(segmenting, "fcn")),
    "deeplabv3": Family(partial(segmenting, "deeplabv3")),
    "lraspp": Family(partial(segmenting, "lraspp")),
    "r3d": Family(partial(video, *["Conv3DSimple"] * 4), CLIPS),
    "mc3": Family(partial(video, "Conv3DSimple", *["Conv3DNoTemporal"] * 3), CLIPS),
    "r2plus1d": Family(partial(video, *["Conv2Plus1D"] * 4, stem="R2Plus1dStem"), CLIPS),
    "s3d": Family(partial(models.video.S3D, 10), ((13, 209, 209), (14, 224, 212))),
}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what exporters say on their way from the tests, for which a warning is an error."""
    import logging
    import warnings
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def module_of(name: str) -> torch.nn.Module:
    """Return the network of a family in evaluation mode, in single precision, all its parameters drawn.

    Exporters store equal tensors once, so that fresh norms would tell nothing of their order.
    """
    with quiet():
        torch.manual_seed(0)
        return drawn(FAMILIES[name].make()).float()


def export(module: torch.nn.Module, sizes: Sizes, path: Path, *, dynamo: bool, fixed: bool) -> Path:
    """Write a module as a model of ONNX that leaves the sizes of images open, or holds *sizes*."""
    x = torch.randn(1 if fixed else 2, 3, *sizes)
    axes = {0: "N"} | {2 + at: word for at, word in enumerate("DHW"[3 - len(sizes) :])}
    more = {} if fixed else {"dynamic_shapes": [axes]} if dynamo else {"dynamic_axes": {"x": axes}}
    if dynamo:
        more |= {"external_data": False, "optimize": False, "verbose": False}
    else:
        more["training"] = torch.onnx.TrainingMode.PRESERVE  # without it norms disappear in convolutions
    with quiet():
        torch.onnx.export(module, (x,), path, dynamo=dynamo, input_names=["x"], **more)
    return path
