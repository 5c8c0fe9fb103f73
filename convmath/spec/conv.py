"""Convolutions: one kernel bank slid over the image, and the shorthands built on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from convmath.formula import Value
from convmath.spec.fields import Pad, choice, flag, padding, per_axis, size
from convmath.spec.given import given_bias, given_weight
from convmath.spec.layer import Layer, Shorthand, Windowed, layer
from convmath.spec.meaning import WINDOW, Meaning

MODES = ("zeros", "reflect", "replicate", "circular")


@layer(
    "conv",
    meaning=Meaning(
        "Y[k,i,j] = b[k]"
        " + sum(X[C/g*floor(g*k/K) + m, s*i + d*u - a, s*j + d*v - a]*F[k,m,u,v], m < C/g, u < p, v < q)",
        source="Dumoulin and Visin 2016; PyTorch, Conv2d",
        general={"out_channels": "K", **WINDOW, "groups": "g"},
        torch="Conv2d",
        keras="Conv2D",
        onnx="Conv",
        remark="In group n of g stand the channels n*C/g … (n + 1)*C/g - 1 and as many of the kernels.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Conv(Windowed):
    """Cross-correlate the image with ``out_channels`` kernels."""

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
    shared: bool = False
    """Whether all groups use the same kernels; set by ``depthwise_conv`` only."""

    @property
    def is_pointwise(self) -> bool:
        """Whether ``pointwise_conv`` can say it: one element of the kernel meets every pixel, or one in so many."""
        plain = not self.shared and self.padding_mode == "zeros" and set(self.padding) == {(0, 0)}
        return plain and {*self.kernel_size, *self.dilation} == {1}

    def word(self, channels: Value) -> str:
        """Return what people call it where so many channels arrive: the shorthand that says it, if there is one."""
        if self.groups == channels and (channels != 1 or self.shared) and self.padding_mode == "zeros":
            return DepthwiseConv.kind
        return PointwiseConv.kind if self.is_pointwise else self.kind


@layer(
    "pointwise_conv",
    value="out_channels",
    meaning=Meaning(
        "Y[k,i,j] = b[k] + sum(X[C/g*floor(g*k/K) + m, s*i, s*j]*F[k,m], m < C/g)",
        source="Lin, Chen and Yan 2013",
        general={"out_channels": "K", "stride": "s", "groups": "g"},
        torch="Conv2d with kernel_size=1",
        keras="Conv2D with kernel_size=1",
        onnx="Conv",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class PointwiseConv(Shorthand):
    """Convolve with a kernel of one element: a dense layer at every pixel."""

    axes: ClassVar[bool] = True

    out_channels: Value = size()
    stride: tuple[Value, ...] = per_axis(1)
    groups: Value = size(1)
    bias: bool = flag(default=True)
    weight: Any = given_weight()
    bias_value: Any = given_bias()

    def expand(self, in_channels: Value, rank: int) -> tuple[tuple[str, Layer], ...]:  # noqa: ARG002
        made = _pointwise(self.out_channels, self.stride, self.groups, self.bias, rank)
        return (("", replace(made, weight=_on_axes(self.weight, rank), bias_value=self.bias_value)),)


@layer(
    "depthwise_conv",
    value="kernel_size",
    meaning=Meaning(
        "Y[k,i,j] = b[k] + sum(X[floor(k/m), s*i + d*u - a, s*j + d*v - a]*F[k,u,v], u < p, v < q)",
        source="Sifre and Mallat 2014; Keras, DepthwiseConv2D",
        general={"multiplier": "m", **WINDOW},
        torch="Conv2d with groups=in_channels",
        keras="DepthwiseConv2D",
        onnx="Conv with group = C",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class DepthwiseConv(Shorthand, Windowed):
    """Convolve every channel on its own with ``multiplier`` kernels, its own or the same for all."""

    kernel_size: tuple[Value, ...] = per_axis()
    multiplier: Value = size(1)
    shared: bool = flag(default=False)
    stride: tuple[Value, ...] = per_axis(1)
    padding: tuple[Pad, ...] = padding()
    dilation: tuple[Value, ...] = per_axis(1)
    bias: bool = flag(default=True)
    weight: Any = given_weight()
    bias_value: Any = given_bias()

    def expand(self, in_channels: Value, rank: int) -> tuple[tuple[str, Layer], ...]:  # noqa: ARG002
        made = _depthwise(self, in_channels, bias=self.bias, mode="zeros", shared=self.shared)
        return (("", replace(made, weight=self.weight, bias_value=self.bias_value)),)


@layer(
    "separable_conv",
    meaning=Meaning(
        "Y[k,i,j] = b[k]"
        " + sum(F_2[k,e]*sum(X[floor(e/m), s*i + d*u - a, s*j + d*v - a]*F_1[e,u,v], u < p, v < q), e < m*C)",
        source="Chollet 2017; Keras, SeparableConv2D",
        general={"out_channels": "K", "multiplier": "m", **WINDOW},
        torch="two Conv2d, one after the other",
        keras="SeparableConv2D",
        onnx="two Conv, one after the other",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class SeparableConv(Shorthand, Windowed):
    """Convolve every channel on its own, then mix the channels pixel by pixel (Chollet 2017).

    The bias stands once, on the mixing step, as in Keras' SeparableConv2D; ``groups``
    are those of the mixing step.
    """

    out_channels: Value = size()
    kernel_size: tuple[Value, ...] = per_axis()
    stride: tuple[Value, ...] = per_axis(1)
    padding: tuple[Pad, ...] = padding()
    dilation: tuple[Value, ...] = per_axis(1)
    groups: Value = size(1)
    bias: bool = flag(default=True)
    padding_mode: str = choice(*MODES)
    multiplier: Value = size(1)

    def expand(self, in_channels: Value, rank: int) -> tuple[tuple[str, Layer], ...]:
        depthwise = _depthwise(self, in_channels, bias=False, mode=self.padding_mode, shared=False)
        pointwise = _pointwise(self.out_channels, (1,) * rank, self.groups, self.bias, rank)
        return (("depthwise", depthwise), ("pointwise", pointwise))


def _depthwise(
    layer: DepthwiseConv | SeparableConv, in_channels: Value, *, bias: bool, mode: str, shared: bool
) -> Conv:
    return Conv(
        out_channels=in_channels * layer.multiplier,
        kernel_size=layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=in_channels,
        bias=bias,
        padding_mode=mode,
        shared=shared,
    )


def pointwise(channels: Value, rank: int) -> Conv:
    """Return a convolution with a kernel of one element and a bias."""
    return _pointwise(channels, (1,) * rank, 1, True, rank)  # noqa: FBT003


def _pointwise(out_channels: Value, stride: tuple[Value, ...], groups: Value, bias: bool, rank: int) -> Conv:  # noqa: FBT001
    return Conv(
        out_channels=out_channels,
        kernel_size=(1,) * rank,
        stride=stride,
        padding=((0, 0),) * rank,
        dilation=(1,) * rank,
        groups=groups,
        bias=bias,
        padding_mode="zeros",
    )


def _on_axes(weight: Any, rank: int) -> Any:
    """Return weights for pairs of channels as kernels of one element."""
    if isinstance(weight, tuple):
        return tuple(_on_axes(each, rank) for each in weight)
    if weight is None or isinstance(weight, str):
        return weight
    for _ in range(rank):
        weight = (weight,)
    return weight
