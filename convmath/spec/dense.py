"""Fully connected layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convmath.formula import Value
from convmath.spec.fields import flag, size
from convmath.spec.given import given_bias, given_weight
from convmath.spec.layer import Layer, layer
from convmath.spec.meaning import Meaning


@layer(
    "dense",
    "linear",
    "fully_connected",
    value="out_features",
    meaning=Meaning(
        "Y[j] = b[j] + sum(F[j,e]*X[e], e < n)",
        source="PyTorch, Linear",
        general={"out_features": "m"},
        input=("n",),
        torch="Linear",
        keras="Dense",
        onnx="Gemm",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Dense(Layer):
    """Multiply a vector with a matrix and add a bias."""

    out_features: Value = size()
    bias: bool = flag(default=True)
    weight: Any = given_weight()
    bias_value: Any = given_bias()
