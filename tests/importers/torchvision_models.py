"""torchvision's models with parameters that have shapes and no elements, so that the largest cost nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch.overrides import TorchFunctionMode

sys.path.insert(0, str(Path(__file__).parent.parent / "numeric"))
from torchvision_import import models

MAKERS = {torch.empty, torch.ones, torch.zeros, torch.rand, torch.randn, torch.full}
"""What makes parameters; other tensors keep their elements, as RegNet computes its widths with some."""


class Light(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in MAKERS:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def light(name, **kwargs):
    """Return a model of torchvision in evaluation mode."""
    if name in ("googlenet", "inception_v3"):
        kwargs["init_weights"] = False
    if "weights_backbone" not in kwargs and ("segmentation" in name or name.startswith(("fcn", "deeplab", "lraspp"))):
        kwargs["weights_backbone"] = None
    with Light():
        return models.get_model(name, weights=None, **kwargs).eval()


def published(name):
    """Return the metadata of the first published weights of a model."""
    return next(iter(models.get_model_weights(name)))
