"""Pooling by windows, to a fixed size, and over everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convmath.formula import Value
from convmath.spec.fields import Pad, flag, padding, per_axis, real
from convmath.spec.layer import Layer, Shorthand, Windowed, layer
from convmath.spec.meaning import WINDOW, Meaning


@layer(
    "max_pool",
    value="kernel_size",
    meaning=Meaning(
        "Y[c,i,j] = max(X[c, s*i + d*u - a, s*j + d*v - a], u < p, v < q)",
        source="PyTorch, MaxPool2d",
        general=WINDOW,
        torch="MaxPool2d",
        keras="MaxPooling2D",
        onnx="MaxPool",
        remark="Padding never wins: what lies outside the image is left out.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class MaxPool(Windowed):
    """Take the largest element of every window; padding never wins."""

    kernel_size: tuple[Value, ...] = per_axis()
    stride: tuple[Value, ...] = per_axis("kernel_size")
    padding: tuple[Pad, ...] = padding()
    dilation: tuple[Value, ...] = per_axis(1)
    ceil_mode: bool = flag(default=False)


@layer(
    "avg_pool",
    value="kernel_size",
    meaning=Meaning(
        "Y[c,i,j] = mean(X[c, s*i + d*u - a, s*j + d*v - a], u < p, v < q)",
        source="PyTorch, AvgPool2d",
        general=WINDOW,
        torch="AvgPool2d",
        keras="AveragePooling2D (padding is not counted)",
        onnx="AveragePool",
        remark="With count_include_pad: false only the elements inside the image are averaged.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class AvgPool(Windowed):
    """Take the mean of every window, padding counted as zeros unless ``count_include_pad`` is false."""

    kernel_size: tuple[Value, ...] = per_axis()
    stride: tuple[Value, ...] = per_axis("kernel_size")
    padding: tuple[Pad, ...] = padding()
    dilation: tuple[Value, ...] = per_axis(1)
    ceil_mode: bool = flag(default=False)
    count_include_pad: bool = flag(default=True)


@layer(
    "lp_pool",
    value="kernel_size",
    meaning=Meaning(
        "Y[c,i,j] = sum(abs(X[c, s*i + d*u - a, s*j + d*v - a])**norm_type, u < p, v < q)**(1/norm_type)",
        source="Sermanet, Chintala and LeCun 2012; ONNX, LpPool",
        general=WINDOW,
        torch="LPPool2d",
        onnx="LpPool",
        remark="PyTorch takes no absolute values, which for odd norm types is another layer.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class LpPool(Windowed):
    """Take the norm of every window, Euclidean unless ``norm_type`` says otherwise; padding is zero."""

    kernel_size: tuple[Value, ...] = per_axis()
    norm_type: float = real(2.0, 1)
    stride: tuple[Value, ...] = per_axis("kernel_size")
    padding: tuple[Pad, ...] = padding()
    dilation: tuple[Value, ...] = per_axis(1)
    ceil_mode: bool = flag(default=False)


@layer(
    "adaptive_avg_pool",
    value="output_size",
    meaning=Meaning(
        "Y[c,i,j] = mean(X[c,u,v], floor(i*H/m) <= u < ceil((i + 1)*H/m), floor(j*W/n) <= v < ceil((j + 1)*W/n))",
        source="PyTorch, AdaptiveAvgPool2d",
        general={"output_size": ["m", "n"]},
        torch="AdaptiveAvgPool2d",
        keras="AdaptiveAveragePooling2D",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveAvgPool(Layer):
    """Average so that the output has a fixed size; windows are as even as they can be."""

    axes: ClassVar[bool] = True
    output_size: tuple[Value, ...] = per_axis()


@layer(
    "adaptive_max_pool",
    value="output_size",
    meaning=Meaning(
        "Y[c,i,j] = max(X[c,u,v], floor(i*H/m) <= u < ceil((i + 1)*H/m), floor(j*W/n) <= v < ceil((j + 1)*W/n))",
        source="PyTorch, AdaptiveMaxPool2d",
        general={"output_size": ["m", "n"]},
        torch="AdaptiveMaxPool2d",
        keras="AdaptiveMaxPooling2D",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveMaxPool(Layer):
    """Take the largest element of windows so that the output has a fixed size."""

    axes: ClassVar[bool] = True
    output_size: tuple[Value, ...] = per_axis()


@layer(
    "global_avg_pool",
    meaning=Meaning(
        "Y[c] = mean(X[c,u,v], u < H, v < W)",
        source="Lin, Chen and Yan 2013",
        torch="AdaptiveAvgPool2d(1)",
        keras="GlobalAveragePooling2D",
        onnx="GlobalAveragePool",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalAvgPool(Shorthand):
    """Average every channel over the whole image; the axes stay, with size 1."""

    axes: ClassVar[bool] = True

    def expand(self, in_channels: Value, rank: int) -> tuple[tuple[str, Layer], ...]:  # noqa: ARG002
        return (("", AdaptiveAvgPool(output_size=(1,) * rank)),)


@layer(
    "global_max_pool",
    meaning=Meaning(
        "Y[c] = max(X[c,u,v], u < H, v < W)",
        source="ONNX, GlobalMaxPool",
        torch="AdaptiveMaxPool2d(1)",
        keras="GlobalMaxPooling2D",
        onnx="GlobalMaxPool",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalMaxPool(Shorthand):
    """Take the largest element of every channel; the axes stay, with size 1."""

    axes: ClassVar[bool] = True

    def expand(self, in_channels: Value, rank: int) -> tuple[tuple[str, Layer], ...]:  # noqa: ARG002
        return (("", AdaptiveMaxPool(output_size=(1,) * rank)),)


@layer(
    "channel_avg_pool",
    meaning=Meaning(
        "Y[c,i,j] = mean(X[e,i,j], e < C)",
        source="Woo et al. 2018, the spatial attention of CBAM",
        torch="x.mean(1, keepdim=True)",
        onnx="ReduceMean with axes=[1]",
        remark="There is one channel, c = 0.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAvgPool(Layer):
    """Average all channels at each position; one channel is left (Woo et al. 2018)."""

    axes: ClassVar[bool] = True


@layer(
    "channel_max_pool",
    meaning=Meaning(
        "Y[c,i,j] = max(X[e,i,j], e < C)",
        source="Woo et al. 2018, the spatial attention of CBAM",
        torch="x.amax(1, keepdim=True)",
        onnx="ReduceMax with axes=[1]",
        remark="There is one channel, c = 0.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMaxPool(Layer):
    """Take the largest element of all channels at each position; one channel is left (Woo et al. 2018)."""

    axes: ClassVar[bool] = True
