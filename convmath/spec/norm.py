"""Normalisations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convmath.formula import Value
from convmath.spec.fields import choice, flag, real, size
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
    "layer_norm",
    value="over",
    meaning=Meaning(
        "Y[c,i,j] = bias[c,i,j] + weight[c,i,j]*(X[c,i,j] - mean(X[e,u,v], e < C, u < H, v < W))"
        "/sqrt(mean(X[e,u,v]**2, e < C, u < H, v < W) - mean(X[e,u,v], e < C, u < H, v < W)**2 + eps)",
        source="Ba, Kiros and Hinton 2016; PyTorch, LayerNorm",
        torch="LayerNorm",
        keras="LayerNormalization",
        onnx="LayerNormalization",
        remark="With over: channels the means are those of one position, and weight and bias are one per channel.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNorm(Layer):
    """Normalise all elements of a sample together, or at each position its channels (Ba, Kiros and Hinton 2016)."""

    over: str = choice("all", "channels")
    affine: bool = flag(default=True)
    eps: float = real(1e-5, 0)


@layer(
    "group_norm",
    value="num_groups",
    meaning=Meaning(
        "Y[c,i,j] = bias[c] + weight[c]*(X[c,i,j] - mean(X[C/g*floor(g*c/C) + e, u, v], e < C/g, u < H, v < W))"
        "/sqrt(mean(X[C/g*floor(g*c/C) + e, u, v]**2, e < C/g, u < H, v < W)"
        " - mean(X[C/g*floor(g*c/C) + e, u, v], e < C/g, u < H, v < W)**2 + eps)",
        source="Wu and He 2018; PyTorch, GroupNorm",
        general={"num_groups": "g"},
        torch="GroupNorm",
        keras="GroupNormalization",
        onnx="GroupNormalization",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNorm(Layer):
    """Normalise groups of neighbouring channels over the whole image (Wu and He 2018)."""

    num_groups: Value = size()
    affine: bool = flag(default=True)
    eps: float = real(1e-5, 0)


@layer(
    "instance_norm",
    meaning=Meaning(
        "Y[c,i,j] = (X[c,i,j] - mean(X[c,u,v], u < H, v < W))"
        "/sqrt(mean(X[c,u,v]**2, u < H, v < W) - mean(X[c,u,v], u < H, v < W)**2 + eps)",
        source="Ulyanov, Vedaldi and Lempitsky 2016; PyTorch, InstanceNorm2d",
        torch="InstanceNorm2d",
        onnx="InstanceNormalization",
        remark="With affine: true every channel is scaled and shifted, as in batch_norm.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceNorm(Layer):
    """Normalise every channel over the whole image (Ulyanov, Vedaldi and Lempitsky 2016)."""

    axes: ClassVar[bool] = True
    affine: bool = flag(default=False)
    eps: float = real(1e-5, 0)


@layer(
    "scale",
    meaning=Meaning(
        "Y[c,i,j] = weight[c]*X[c,i,j]",
        source="Caffe, Scale; Touvron et al. 2021, LayerScale",
        torch="x * weight",
        onnx="Mul",
        remark="With single: true all channels have the same factor, as in ReZero.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Layer):
    """Multiply every channel with a learned factor, or all with a single one (Bachlechner et al. 2021, ReZero)."""

    single: bool = flag(default=False)


@layer(
    "bias",
    meaning=Meaning(
        "Y[c,i,j] = X[c,i,j] + b[c]",
        source="Caffe, Bias",
        torch="x + bias",
        onnx="Add",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Bias(Layer):
    """Add a learned number to every channel."""


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
