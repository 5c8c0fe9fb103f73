"""Images of other sizes without a weight: every pixel repeated, or blended with its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from convmath.formula import Value
from convmath.spec.fields import choice, flag, per_axis
from convmath.spec.layer import Layer, layer
from convmath.spec.meaning import Meaning


@layer(
    "upsample",
    value="scale_factor",
    meaning=Meaning(
        "Y[c,i,j] = X[c, floor(i/f), floor(j/f)]",
        source="PyTorch, Upsample and interpolate",
        general={"scale_factor": "f"},
        torch="Upsample",
        keras="UpSampling2D",
        onnx="Resize",
        remark="Mode bilinear blends the corners around ((i + 1/2)/f - 1/2, (j + 1/2)/f - 1/2); the border repeats. "
        "With size: [m, n] in place of a factor, f is m/H along the first axis and n/W along the second. "
        "With align_corners: true the corners are those around (i*(H - 1)/(m - 1), j*(W - 1)/(n - 1)).",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Upsample(Layer):
    """Resize the image by a factor such as 2 or 3/2, or to a size; bilinear is linear on every axis."""

    axes: ClassVar[bool] = True
    scale_factor: tuple[Value, ...] = per_axis(None, ratio=True)
    size: tuple[Value, ...] = per_axis(None)
    mode: str = choice("nearest", "bilinear")
    align_corners: bool = flag(default=False)

    @classmethod
    def clash(cls, values: Mapping[str, Any]) -> str | None:
        """Require one of the two ways to give a size, and corners only where something is blended."""
        if values["scale_factor"] and values["size"]:
            return "'scale_factor' and 'size' are both given, but one follows from the other"
        if not values["scale_factor"] and not values["size"]:
            return "'upsample' needs 'scale_factor' or 'size'"
        if values["align_corners"] and values["mode"] == "nearest":
            return "'align_corners' goes with mode: bilinear, but the mode is nearest"
        return None
