"""Normalisations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convmath.formula import Value
from convmath.spec.fields import flag, real, size
from convmath.spec.layer import Layer, layer
from convmath.spec.meaning import Meaning


@layer(
    "batch_norm",
    meaning=Meaning(
        "Y[c,i,j] = weight[c]*(X[c,i,j] - mean[c])/sqrt(var[c] + eps) + bias[c]",
        source="Ioffe and Szegedy 2015; PyTorch, BatchNorm2d",
        torch="BatchNorm2d",
        keras="BatchNormalization",
        onnx="BatchNormalization",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm(Layer):
    """Normalise every channel by its running mean and variance, then scale and shift (Ioffe and Szegedy 2015)."""

    affine: bool = flag(default=True)
    eps: float = real(1e-5, 0)


@layer(
    "local_response_norm",
    value="size",
    meaning=Meaning(
        "Y[c,i,j] = X[c,i,j]/(k + alpha/n*sum(X[e,i,j]**2, c - floor(n/2) <= e < c + ceil(n/2)))**beta",
        source="Krizhevsky et al. 2012; PyTorch, LocalResponseNorm",
        general={"size": "n"},
        torch="LocalResponseNorm",
        onnx="LRN",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class LocalResponseNorm(Layer):
    """Divide by a power of the energy of ``size`` neighbouring channels (Krizhevsky et al. 2012)."""

    axes: ClassVar[bool] = True
    size: Value = size()
    alpha: float = real(1e-4)
    beta: float = real(0.75)
    k: float = real(1.0)
