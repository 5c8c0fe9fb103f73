"""Locally connected layers: windows like a convolution's, weights of their own at every position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convmath.formula import Value
from convmath.spec.conv import MODES
from convmath.spec.fields import Pad, choice, flag, padding, per_axis, size
from convmath.spec.given import given_bias, given_weight
from convmath.spec.layer import Windowed, layer
from convmath.spec.meaning import WINDOW, Meaning


@layer(
    "locally_connected",
    "k_local",
    meaning=Meaning(
        "Y[k,i,j] = b[k,i,j]"
        " + sum(X[C/g*floor(g*k/K) + m, s*i + d*u - a, s*j + d*v - a]*F[k,m,i,j,u,v], m < C/g, u < p, v < q)",
        source="Keras, LocallyConnected2D",
        general={"out_channels": "K", **WINDOW, "groups": "g"},
        keras="LocallyConnected2D (up to Keras 2)",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class LocallyConnected(Windowed):
    """Cross-correlate with other kernels, and another bias, at every position."""

    out_channels: Value = size()
    kernel_size: tuple[Value, ...] = per_axis()
    stride: tuple[Value, ...] = per_axis(1)
    padding: tuple[Pad, ...] = padding()
    dilation: tuple[Value, ...] = per_axis(1)
    groups: Value = size(1)
    bias: bool = flag(default=True)
    padding_mode: str = choice(*MODES)
    weight: Any = given_weight()
    bias_value: Any = given_bias()
