"""Larger images without a weight: every pixel repeated, or blended with its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convmath.formula import Value
from convmath.spec.fields import choice, per_axis
from convmath.spec.layer import Layer, layer
from convmath.spec.meaning import Meaning


@layer(
    "upsample",
    value="scale_factor",
    meaning=Meaning(
        "Y[c,i,j] = X[c, floor(i/f), floor(j/f)]",
        source="PyTorch, Upsample with align_corners=False",
        general={"scale_factor": "f"},
        torch="Upsample",
        keras="UpSampling2D",
        onnx="Resize",
        remark="Mode bilinear blends the corners around ((i + 1/2)/f - 1/2, (j + 1/2)/f - 1/2); the border repeats.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Upsample(Layer):
    """Enlarge the image by a whole factor; bilinear is linear on every axis, whatever their number."""

    axes: ClassVar[bool] = True
    scale_factor: tuple[Value, ...] = per_axis()
    mode: str = choice("nearest", "bilinear")
