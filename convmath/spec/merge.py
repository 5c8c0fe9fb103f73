"""Layers that join several maps, and the shorthand built on one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convmath.formula import Value
from convmath.spec.activation import Gelu, HardSigmoid, HardSwish, Mish, Relu, Relu6, Sigmoid, Silu, Tanh
from convmath.spec.conv import pointwise
from convmath.spec.fields import choice, size
from convmath.spec.layer import Layer, Merge, Shorthand, layer
from convmath.spec.meaning import Meaning
from convmath.spec.pool import AdaptiveAvgPool

ACTIVATIONS: dict[str, type[Layer]] = {each.kind: each for each in (Relu, Relu6, Silu, Gelu, Mish, HardSwish)}
GATES: dict[str, type[Layer]] = {each.kind: each for each in (Sigmoid, HardSigmoid, Tanh)}


@layer(
    "add",
    value="from",
    meaning=Meaning(
        "Y[c,i,j] = X1[c,i,j] + X2[c,i,j]",
        source="He et al. 2016",
        others=(("C", "H", "W"),),
        torch="torch.add",
        keras="Add",
        onnx="Add (of equal shapes)",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Merge):
    """Sum maps of one shape, element by element."""


@layer(
    "multiply",
    value="from",
    meaning=Meaning(
        "Y[c,i,j] = X1[c,i,j]*X2[c,i,j]",
        source="Hu et al. 2018",
        others=(("C", "H", "W"),),
        torch="torch.mul",
        keras="Multiply",
        onnx="Mul",
        remark="An operand of size 1 along an axis, or of one channel, is repeated.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Multiply(Merge):
    """Multiply maps, element by element; an operand of size 1 is repeated."""


@layer(
    "subtract",
    value="from",
    meaning=Meaning(
        "Y[c,i,j] = X1[c,i,j] - X2[c,i,j]",
        source="Keras, Subtract",
        others=(("C", "H", "W"),),
        torch="torch.sub",
        keras="Subtract",
        onnx="Sub (of equal shapes)",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Subtract(Merge):
    """Take the second of two maps of one shape from the first, element by element."""

    pair: ClassVar[bool] = True


@layer(
    "divide",
    value="from",
    meaning=Meaning(
        "Y[c,i,j] = X1[c,i,j]/X2[c,i,j]",
        source="ONNX, Div",
        others=(("C", "H", "W"),),
        torch="torch.div",
        onnx="Div (of equal shapes)",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Divide(Merge):
    """Divide the first of two maps of one shape by the second, element by element."""

    pair: ClassVar[bool] = True


@layer(
    "maximum",
    value="from",
    meaning=Meaning(
        "Y[c,i,j] = max(X1[c,i,j], X2[c,i,j])",
        source="Goodfellow et al. 2013; Keras, Maximum",
        others=(("C", "H", "W"),),
        torch="torch.maximum",
        keras="Maximum",
        onnx="Max (of equal shapes)",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum(Merge):
    """Take the largest element at each place of maps of one shape."""


@layer(
    "minimum",
    value="from",
    meaning=Meaning(
        "Y[c,i,j] = min(X1[c,i,j], X2[c,i,j])",
        source="Keras, Minimum",
        others=(("C", "H", "W"),),
        torch="torch.minimum",
        keras="Minimum",
        onnx="Min (of equal shapes)",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum(Merge):
    """Take the smallest element at each place of maps of one shape."""


@layer(
    "concat",
    value="from",
    meaning=Meaning(
        "Y[c,i,j] = X1[c,i,j] + X2[c - C,i,j]",
        source="Huang et al. 2017; PyTorch, cat",
        others=(("D", "H", "W"),),
        torch="torch.cat with dim=1",
        keras="Concatenate",
        onnx="Concat with axis=1",
        remark="Only one of the two exists at each c: X1 below C, X2 from there on.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Concat(Merge):
    """Put the channels of maps of one size behind one another."""


@layer(
    "squeeze_excitation",
    value="squeeze_channels",
    meaning=Meaning(
        "Y[c,i,j] = X[c,i,j]/(1 + exp(-b_2[c]"
        " - sum(F_2[c,k]*max(b_1[k] + sum(F_1[k,m]*mean(X[m,u,v], u < H, v < W), m < C), 0), k < K)))",
        source="Hu et al. 2018; torchvision, SqueezeExcitation",
        general={"squeeze_channels": "K"},
        torch="torchvision.ops.SqueezeExcitation",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class SqueezeExcitation(Shorthand):
    """Scale every channel by a gate made of the means of all channels (Hu et al. 2018)."""

    axes: ClassVar[bool] = True
    PARTS: ClassVar[tuple[str, ...]] = ("avgpool", "fc1", "activation", "fc2", "gate", "scale")
    """The names of the layers that it stands for, those of torchvision's module."""

    squeeze_channels: Value = size()
    activation: str = choice(*ACTIVATIONS)
    gate: str = choice(*GATES)

    def expand(self, in_channels: Value, rank: int) -> tuple[tuple[str, Layer], ...]:
        layers = (
            AdaptiveAvgPool(output_size=(1,) * rank),
            pointwise(self.squeeze_channels, rank),
            ACTIVATIONS[self.activation].plain(),
            pointwise(in_channels, rank),
            GATES[self.gate].plain(),
            Multiply(),
        )
        return tuple(zip(self.PARTS, layers, strict=True))
