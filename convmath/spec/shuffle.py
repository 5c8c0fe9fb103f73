"""Layers that reorder: channels among themselves, channels into positions, and positions into channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convmath.formula import Value
from convmath.spec.fields import per_axis, size
from convmath.spec.layer import Layer, layer
from convmath.spec.meaning import Meaning


@layer(
    "pixel_shuffle",
    value="upscale_factor",
    meaning=Meaning(
        "Y[c,i,j] = X[c*r**2 + r*mod(i, r) + mod(j, r), floor(i/r), floor(j/r)]",
        source="Shi et al. 2016; PyTorch, PixelShuffle",
        general={"upscale_factor": "r"},
        torch="PixelShuffle",
        onnx="DepthToSpace with mode CRD",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class PixelShuffle(Layer):
    """Write groups of channels as blocks of pixels: r·r channels make one that is r times as high and as wide."""

    axes: ClassVar[bool] = True
    upscale_factor: tuple[Value, ...] = per_axis()


@layer(
    "pixel_unshuffle",
    value="downscale_factor",
    meaning=Meaning(
        "Y[c,i,j] = X[floor(c/r**2), r*i + floor(mod(c, r**2)/r), r*j + mod(c, r)]",
        source="Shi et al. 2016; PyTorch, PixelUnshuffle",
        general={"downscale_factor": "r"},
        torch="PixelUnshuffle",
        onnx="SpaceToDepth, with the channels in another order",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class PixelUnshuffle(Layer):
    """Write blocks of pixels as groups of channels, which undoes a pixel shuffle."""

    axes: ClassVar[bool] = True
    downscale_factor: tuple[Value, ...] = per_axis()


@layer(
    "channel_shuffle",
    value="groups",
    meaning=Meaning(
        "Y[c,i,j] = X[C/g*mod(c, g) + floor(c/g), i, j]",
        source="Zhang et al. 2018; PyTorch, ChannelShuffle",
        general={"groups": "g"},
        torch="ChannelShuffle",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelShuffle(Layer):
    """Take one channel of each group in turn, so that the next grouped convolution mixes them."""

    groups: Value = size()
