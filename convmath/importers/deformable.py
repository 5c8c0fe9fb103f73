"""Deformable convolutions, whose offsets another convolution puts out."""

from __future__ import annotations

from collections.abc import Sequence

from convmath.importers.layers import image, weighted
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Constant, Tensor
from convmath.spec.deformable import DeformableConv
from convmath.spec.fields import Pad


def deform_conv(
    sketch: Sketch,
    name: str,
    x: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Constant,
    bias: Constant | None,
    *,
    stride: Sequence[int],
    padding: Sequence[Pad],
    dilation: Sequence[int],
    groups: int,
    offset_groups: int,
) -> Tensor:
    """Add a deformable convolution whose offsets, and weights of taps, arrive as maps of their own."""
    out_channels, _, *kernel = weight.shape
    layer = DeformableConv(
        out_channels=out_channels,
        kernel_size=tuple(kernel),
        stride=tuple(stride),
        padding=tuple(padding),
        dilation=tuple(dilation),
        groups=groups,
        bias=bias is not None,
        offsets="given",
        modulated=mask is not None,
        offset_groups=offset_groups,
        max_offset=1,
    )
    parts = [image(x, len(kernel)), offset, *([] if mask is None else [mask])]
    return sketch.layer(name, layer, *parts, given=weighted(weight, bias, out_channels))
