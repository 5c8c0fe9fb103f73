"""Deformable convolutions: windows whose taps leave their places by learned, fractional offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convmath.formula import Value
from convmath.spec.fields import Pad, choice, flag, padding, per_axis, size
from convmath.spec.layer import Windowed, layer
from convmath.spec.meaning import WINDOW, Meaning


@layer(
    "deformable_conv",
    meaning=Meaning(
        "Y[k,i,j] = b[k] + sum(F[k,m,u,v]*sum(X[C/g*floor(g*k/K) + m, e, f]"
        "*max(0, 1 - abs(s*i + d*u - a + offset_1[u,v] - e))*max(0, 1 - abs(s*j + d*v - a + offset_2[u,v] - f)),"
        " e < H, f < W), m < C/g, u < p, v < q)",
        source="Dai et al. 2017; Zhu et al. 2019; torchvision, deform_conv2d",
        general={"out_channels": "K", **WINDOW, "groups": "g", "max_offset": "max_offset"},
        torch="torchvision.ops.DeformConv2d",
        onnx="DeformConv",
        remark="With offsets: predicted, a convolution of the same windows puts out offsets for every position;"
        " modulated multiplies every sample with a sigmoid. With offsets: given, both arrive from other layers,"
        " the factors without a sigmoid. Fields hold for offsets of at most max_offset.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class DeformableConv(Windowed):
    """Convolve samples of the image, each tap moved by an offset and read by bilinear interpolation.

    ``learned`` offsets are parameters, one per axis and tap, the same at all positions;
    ``predicted`` ones come from a convolution with a bias (Dai et al. 2017). ``modulated``
    weighs every tap as well (Zhu et al. 2019). Each of ``offset_groups`` groups of
    channels has offsets of its own. ``given`` offsets are a second map that arrives, the
    factors of a modulation a third one, used as they are: channels hold, group by group
    and tap by tap, the offsets of all axes in order (torchvision, deform_conv2d).
    """

    joins_when: ClassVar[tuple[str, str] | None] = ("offsets", "given")

    out_channels: Value = size()
    kernel_size: tuple[Value, ...] = per_axis()
    stride: tuple[Value, ...] = per_axis(1)
    padding: tuple[Pad, ...] = padding()
    dilation: tuple[Value, ...] = per_axis(1)
    groups: Value = size(1)
    bias: bool = flag(default=True)
    offsets: str = choice("learned", "predicted", "given")
    modulated: bool = flag(default=False)
    offset_groups: Value = size(1)
    max_offset: Value = size("max_offset", minimum=0)

    @property
    def takes(self) -> tuple[str, ...]:
        """The image; where they are given, the offsets and the mask that modulates."""
        if self.offsets != "given":
            return ("image",)
        return ("image", "offsets", "mask") if self.modulated else ("image", "offsets")
