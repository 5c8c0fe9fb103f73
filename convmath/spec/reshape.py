"""Layers that move or keep data and compute nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convmath.formula import Value
from convmath.spec.conv import MODES
from convmath.spec.fields import amount, choice, real, sizes
from convmath.spec.layer import Layer, layer
from convmath.spec.meaning import Meaning


@layer(
    "flatten",
    meaning=Meaning(
        "Y[e] = X[floor(e/(H*W)), mod(floor(e/W), H), mod(e, W)]",
        source="PyTorch, Flatten",
        torch="Flatten",
        keras="Flatten (channels last)",
        onnx="Flatten",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten(Layer):
    """Write an image as one vector, channel by channel, row by row."""

    def rank_after(self, rank: int) -> int:  # noqa: ARG002
        """Return 0: a vector has no spatial axes."""
        return 0


@layer(
    "reshape",
    value="shape",
    meaning=Meaning(
        "Y[k,i,j] = X[floor(((k*m + i)*n + j)/(H*W)), mod(floor(((k*m + i)*n + j)/W), H), mod((k*m + i)*n + j, W)]",
        source="PyTorch, Unflatten",
        general={"shape": ["K", "m", "n"]},
        torch="Unflatten, Tensor.reshape",
        keras="Reshape (channels last)",
        onnx="Reshape",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape(Layer):
    """Write the same elements, in the same order, as an image or a vector of another shape."""

    shape: tuple[Value, ...] = sizes()

    def rank_after(self, rank: int) -> int:  # noqa: ARG002
        """Return the number of axes behind the channels."""
        return len(self.shape) - 1


@layer(
    "slice_channels",
    value="channels",
    meaning=Meaning(
        "Y[c,i,j] = X[c + n, i, j]",
        source="PyTorch, Tensor.narrow",
        general={"channels": ["n", "e"]},
        torch="x[:, n:e]",
        onnx="Slice",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class SliceChannels(Layer):
    """Keep the channels from the first number up to, but not including, the second; they count from 0."""

    channels: tuple[Value, ...] = sizes(minimum=0, wanted=2)


@layer(
    "pad",
    value="amount",
    meaning=Meaning(
        "Y[c,i,j] = X[c, i - a, j - a]",
        source="PyTorch, functional.pad",
        general={"amount": "a"},
        torch="ZeroPad2d, ReflectionPad2d, ReplicationPad2d, CircularPad2d",
        keras="ZeroPadding2D",
        onnx="Pad",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Padding(Layer):
    """Put elements around the image."""

    axes: ClassVar[bool] = True
    amount: tuple[tuple[Value, Value], ...] = amount()
    mode: str = choice(*MODES)


@layer(
    "crop",
    value="amount",
    meaning=Meaning(
        "Y[c,i,j] = X[c, i + a, j + a]",
        source="Keras, Cropping2D",
        general={"amount": "a"},
        torch="functional.pad with negative numbers",
        keras="Cropping2D",
        onnx="Slice",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Crop(Layer):
    """Cut elements off around the image."""

    axes: ClassVar[bool] = True
    amount: tuple[tuple[Value, Value], ...] = amount()


@layer(
    "dropout",
    value="p",
    meaning=Meaning("y = x", source="Srivastava et al. 2014", torch="Dropout", keras="Dropout", onnx="Dropout"),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout(Layer):
    """Drop elements during training; in use it keeps everything."""

    p: float = real(0.5, 0, 1)


@layer("identity", meaning=Meaning("y = x", source="PyTorch, Identity", torch="Identity", onnx="Identity"))
@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(Layer):
    """Return the input."""
