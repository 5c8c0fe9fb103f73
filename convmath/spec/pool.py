"""Pooling by windows, to a fixed size, and over everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convmath.formula import Value
from convmath.spec.fields import Pad, flag, padding, per_axis
from convmath.spec.layer import Layer, Shorthand, Windowed, layer


@layer("max_pool", value="kernel_size")
@dataclass(frozen=True, slots=True, kw_only=True)
class MaxPool(Windowed):
    """Take the largest element of every window; padding never wins."""

    kernel_size: tuple[Value, ...] = per_axis()
    stride: tuple[Value, ...] = per_axis("kernel_size")
    padding: tuple[Pad, ...] = padding()
    dilation: tuple[Value, ...] = per_axis(1)
    ceil_mode: bool = flag(default=False)


@layer("avg_pool", value="kernel_size")
@dataclass(frozen=True, slots=True, kw_only=True)
class AvgPool(Windowed):
    """Take the mean of every window, padding counted as zeros unless ``count_include_pad`` is false."""

    kernel_size: tuple[Value, ...] = per_axis()
    stride: tuple[Value, ...] = per_axis("kernel_size")
    padding: tuple[Pad, ...] = padding()
    dilation: tuple[Value, ...] = per_axis(1)
    ceil_mode: bool = flag(default=False)
    count_include_pad: bool = flag(default=True)


@layer("adaptive_avg_pool", value="output_size")
@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveAvgPool(Layer):
    """Average so that the output has a fixed size; windows are as even as they can be."""

    axes: ClassVar[bool] = True
    output_size: tuple[Value, ...] = per_axis()


@layer("adaptive_max_pool", value="output_size")
@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveMaxPool(Layer):
    """Take the largest element of windows so that the output has a fixed size."""

    axes: ClassVar[bool] = True
    output_size: tuple[Value, ...] = per_axis()


@layer("global_avg_pool")
@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalAvgPool(Shorthand):
    """Average every channel over the whole image; the axes stay, with size 1."""

    axes: ClassVar[bool] = True

    def expand(self, in_channels: Value, rank: int) -> tuple[tuple[str, Layer], ...]:  # noqa: ARG002
        return (("", AdaptiveAvgPool(output_size=(1,) * rank)),)


@layer("global_max_pool")
@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalMaxPool(Shorthand):
    """Take the largest element of every channel; the axes stay, with size 1."""

    axes: ClassVar[bool] = True

    def expand(self, in_channels: Value, rank: int) -> tuple[tuple[str, Layer], ...]:  # noqa: ARG002
        return (("", AdaptiveMaxPool(output_size=(1,) * rank)),)
