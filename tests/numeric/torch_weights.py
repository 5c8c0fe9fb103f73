"""The arrays of a PyTorch module by the names of a network's layers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

import numpy as np
import torch

from convmath.spec.graph import Network
from convmath.symbolic.compose import derive

Named = tuple[str, dict[str, np.ndarray]]


def drawn(model: torch.nn.Module) -> torch.nn.Module:
    """Return the module in double precision, its parameters and buffers drawn so that sums keep their size."""
    torch.manual_seed(0)
    model = model.double().eval()
    with torch.no_grad():
        for key, held in model.state_dict().items():
            if key.endswith("running_var"):
                held.uniform_(0.5, 2)
            elif key.endswith(("running_mean", "bias")):
                held.uniform_(-0.2, 0.2)
            elif held.dim() == 1:
                held.uniform_(0.5, 1.5)
            elif held.dim() > 1:
                held.uniform_(-1, 1).mul_((3 / held[0].numel()) ** 0.5)
    return model


def owners(module: torch.nn.Module, prefix: str = "") -> Iterator[Named]:
    """Yield every module with arrays of its own, in order, what it is made of first."""
    for name, part in module.named_children():
        yield from owners(part, f"{prefix}{name}.")
    own = {**dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}
    arrays = {key: held.detach().numpy() for key, held in own.items() if key != "num_batches_tracked"}
    if arrays:
        yield prefix, arrays


def in_order(named: list[Named]) -> Iterator[dict[str, np.ndarray]]:
    """Yield the arrays as the specs have them: RegNet's projections behind the bodies that they run beside."""
    for _, block in groupby(named, key=lambda part: re.split(r"\.(?:proj|f)\.", part[0])[0]):
        for _, arrays in sorted(block, key=lambda part: ".proj." in part[0]):
            yield arrays


def weights_of(network: Network, model: torch.nn.Module, unused: str | None = None) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays by the names of the layers that have any, both in their order."""
    named = [part for part in owners(model) if unused is None or not part[0].startswith(unused)]
    with_arrays = [layer for layer in derive(network).layers if layer.params != 0 or layer.buffers != 0]
    pairs = zip(with_arrays, in_order(named), strict=True)
    return {layer.name: fitting(layer.kind, arrays) for layer, arrays in pairs}


def fitting(kind: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays in a layer's own form: ConvNeXt has dense layers at each pixel, and scales of its own name."""
    if kind == "scale":
        return {"weight": arrays["layer_scale"].ravel()}
    if kind == "pointwise_conv" and arrays["weight"].ndim == 2:
        return {**arrays, "weight": arrays["weight"][:, :, None, None]}
    return arrays


def assert_same(made: np.ndarray, expected: torch.Tensor) -> None:
    """Require the same shape, and the same numbers but for rounding."""
    wanted = expected.detach().numpy()[0]
    scale = np.abs(wanted).max()
    assert made.shape == wanted.shape
    assert scale > 1e-3
    np.testing.assert_allclose(made, wanted, rtol=1e-9, atol=1e-9 * scale)
