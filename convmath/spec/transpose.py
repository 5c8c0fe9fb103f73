"""Transposed convolutions: the adjoint of a convolution, which enlarges the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convmath.formula import Value
from convmath.spec.fields import SAME, Pad, flag, padding, per_axis, size
from convmath.spec.given import given_bias, given_weight
from convmath.spec.layer import Tapped, layer
from convmath.spec.meaning import WINDOW, Meaning


@layer(
    "conv_transpose",
    meaning=Meaning(
        "Y[k,i,j] = b[k]"
        " + sum(X[C/g*floor(g*k/K) + m, (i + a - d*u)/s, (j + a - d*v)/s]"
        "*F[C/g*floor(g*k/K) + m, mod(k, K/g), u, v], m < C/g, u < p, v < q)",
        source="Dumoulin and Visin 2016; PyTorch, ConvTranspose2d",
        general={"out_channels": "K", **WINDOW, "groups": "g"},
        torch="ConvTranspose2d",
        keras="Conv2DTranspose",
        onnx="ConvTranspose",
        remark="X is zero where an index is no integer: between two elements stand s - 1 zeros.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ConvTranspose(Tapped):
    """Lay a kernel onto the output for every element of the input, and crop ``padding`` from the borders.

    ``output_padding`` keeps elements at the end, to choose among the sizes that the
    convolution of the same fields would map to this input; ``same`` crops what is more
    than stride times the input (ONNX SAME_UPPER; Keras).
    """

    out_channels: Value = size()
    kernel_size: tuple[Value, ...] = per_axis()
    stride: tuple[Value, ...] = per_axis(1)
    padding: tuple[Pad, ...] = padding(words=("valid", SAME))
    output_padding: tuple[Value, ...] = per_axis(0, minimum=0)
    dilation: tuple[Value, ...] = per_axis(1)
    groups: Value = size(1)
    bias: bool = flag(default=True)
    weight: Any = given_weight()
    bias_value: Any = given_bias()
