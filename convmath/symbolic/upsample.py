"""The rule of up-sampling."""

from __future__ import annotations

from convmath.algebra import FloorMap
from convmath.report import Operations
from convmath.spec.upsample import Upsample
from convmath.symbolic.facts import Facts, Shape, rule


@rule(Upsample)
def upsample(layer: Upsample, shape: Shape) -> Facts:
    """Derive an image enlarged by whole factors (PyTorch, Upsample with align_corners=False).

    Nearest, output i reads floor(i/f). Bilinear, it reads the elements around
    (i + 1/2)/f - 1/2 = (2i + 1 - f)/(2f), rounded down and up: one product for each of
    the 2**rank corners, whose sum takes one addition fewer.
    """
    maps = tuple(FloorMap(factor, 0, 1) for factor in layer.scale_factor)
    out = shape.through(maps, shape.channels)
    if layer.mode == "nearest":
        back = tuple(FloorMap(1, 0, factor) for factor in layer.scale_factor)
        return Facts(out=out, maps=maps, first=back, last=back)
    corners = 2 ** len(maps)
    return Facts(
        out=out,
        maps=maps,
        first=tuple(FloorMap(2, 1 - factor, 2 * factor) for factor in layer.scale_factor),
        last=tuple(FloorMap(2, factor, 2 * factor) for factor in layer.scale_factor),
        operations=Operations(additions=(corners - 1) * out.elements, elementwise=corners * out.elements),
    )
