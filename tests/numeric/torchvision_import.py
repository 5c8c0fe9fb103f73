"""torchvision's models without its compiled operators, which are built for one release of torch.

Installed with ``pip install --no-deps``, it lacks two operators at import; no network of
the zoo uses them, so that their declarations are enough.
"""

from __future__ import annotations

import torch

OPERATORS = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    OPERATORS.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from torchvision import models  # noqa: E402

__all__ = ["models"]
