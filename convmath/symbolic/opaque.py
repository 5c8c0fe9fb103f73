"""The rule of opaque layers: what their user declares."""

from __future__ import annotations

from convmath.algebra import FloorMap
from convmath.errors import Problem, SpecError
from convmath.spec.opaque import Opaque
from convmath.symbolic.facts import Facts, Shape, rule


@rule(Opaque)
def opaque(layer: Opaque, shape: Shape) -> Facts:
    """Return the declared facts; fields through the layer are bounds, since nobody derived them."""
    out = Shape(layer.output_shape[0], layer.output_shape[1:])
    if layer.whole:
        return Facts(
            out=out, maps=(), first=(), last=(), params=layer.params, macs=layer.macs,
            whole=True, hull=False, anew=True, declared=True,
        )  # fmt: skip
    if len(out.sizes) != len(shape.sizes):
        message = f"{shape} arrives and {out} is declared to leave, so that no position reads a window"
        raise SpecError(Problem("bad-shape", message, "write 'receptive_field: all'"))
    windows = tuple(zip(layer.stride, layer.padding, layer.receptive_field, strict=True))
    return Facts(
        out=out,
        maps=tuple(FloorMap(0, size, 1) for size in out.sizes),
        first=tuple(FloorMap(stride, -before, 1) for stride, before, _ in windows),
        last=tuple(FloorMap(stride, field - before - 1, 1) for stride, before, field in windows),
        params=layer.params,
        macs=layer.macs,
        borders=False,
        hull=False,
        declared=True,
    )
