"""Layers of torch.nn that convmath does not know, where the user lets them stand as what PyTorch tells."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch

from convmath.importers.opaque import opaque_layer
from convmath.importers.tensor import Tensor, Unsupported
from convmath.importers.torch.calls import Call, a_map

SAMPLES = 2


def opaque(call: Call, module: torch.nn.Module, input: Any) -> Tensor:
    """Add a layer that reads everything, has the parameters of a module, and puts out the shape that PyTorch finds.

    Raises ``Unsupported`` where a size is a symbol: the shape at some number says nothing
    of the others.
    """
    x = a_map(input)
    sizes = [each for each in x.dims[1:] if isinstance(each, int)]
    if len(sizes) < len(x.dims) - 1 or not x.is_plain:
        raise Unsupported("the layer is unknown; it can be let stand only where all sizes are numbers")
    try:
        out = deepcopy(module).to("meta")(torch.empty((SAMPLES, *sizes), device="meta"))
    except Exception as error:  # noqa: BLE001  (whatever PyTorch raises, it is told)
        reason = " ".join(str(error).split())[:150]
        raise Unsupported(f"the layer is unknown, and PyTorch does not tell its shape: {reason}") from None
    if not isinstance(out, torch.Tensor) or out.dim() < 2 or out.shape[0] != SAMPLES:
        raise Unsupported("the layer is unknown; only one that makes one map of one can be let stand")
    params = sum(call.parameters.constant(each).size for each in module.parameters())
    return opaque_layer(call.sketch, call.name, x, tuple(out.shape[1:]), params)
