"""The rule of up-sampling."""

from __future__ import annotations

from fractions import Fraction

from convmath.algebra import IDENTITY, FloorMap
from convmath.formula import Value, max_of
from convmath.report import Operations
from convmath.spec.upsample import Upsample
from convmath.symbolic.facts import Facts, Shape, rule


@rule(Upsample)
def upsample(layer: Upsample, shape: Shape) -> Facts:
    """Derive an image larger or smaller by factors, or of a given size (PyTorch, Upsample and interpolate).

    Blending takes one product for each of the 2**rank corners, whose sum takes one
    addition fewer.
    """
    if layer.size:
        maps = tuple(FloorMap(0, size, 1) for size in layer.size)
    else:
        maps = tuple(FloorMap(up, 0, down) for up, down in map(_parts, layer.scale_factor))
    out = shape.through(maps, shape.channels)
    pairs = [_reads(layer, axis, x, y) for axis, (x, y) in enumerate(zip(shape.sizes, out.sizes, strict=True))]
    corners = 2 ** len(maps)
    blended = Operations(additions=(corners - 1) * out.elements, elementwise=corners * out.elements)
    return Facts(
        out=out,
        maps=maps,
        first=tuple(first for first, _ in pairs),
        last=tuple(last for _, last in pairs),
        operations=Operations() if layer.mode == "nearest" else blended,
    )


def _reads(layer: Upsample, axis: int, x: Value, y: Value) -> tuple[FloorMap, FloorMap]:
    """Return the first and the last of x elements that output i of y reads along an axis.

    Nearest, it is floor(i/f), where f = y/x for a given size. Bilinear, an output reads
    the elements around (i + 1/2)/f - 1/2 = ((2*i + 1)*down - up)/(2*up) with f = up/down,
    rounded down and up; with the corners aligned around i*(x - 1)/(y - 1), the first of
    one being at the first.
    """
    aligned = layer.mode == "bilinear" and layer.align_corners
    if x == y and (layer.size or aligned):
        return IDENTITY, IDENTITY
    if x == 1:
        return FloorMap(0, 0, 1), FloorMap(0, 0, 1)
    if aligned:
        steps = max_of(y - 1, 1)
        return FloorMap(x - 1, 0, steps).reduced(), FloorMap(x - 1, steps - 1, steps).reduced()
    after, before = (y, x) if layer.size else _parts(layer.scale_factor[axis])
    if layer.mode == "nearest":
        back = FloorMap(before, 0, after).reduced()
        return back, back
    first = FloorMap(2 * before, before - after, 2 * after)
    return first.reduced(), FloorMap(first.up, before + after - 1, first.down).reduced()


def _parts(factor: Value) -> tuple[Value, Value]:
    """Return a factor as a ratio of whole numbers."""
    return (factor.numerator, factor.denominator) if isinstance(factor, Fraction) else (factor, 1)
