"""A layer that no importer knows, where the user lets it stand for what is told of it."""

from __future__ import annotations

from collections.abc import Sequence

from convmath.formula import Value
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Tensor
from convmath.spec.opaque import Opaque


def opaque_layer(sketch: Sketch, name: str, x: Tensor, shape: Sequence[Value], params: int) -> Tensor:
    """Add a layer that reads everything, with a shape and a number of parameters; its MACs are unknown and count 0."""
    rank = len(shape) - 1
    layer = Opaque(
        output_shape=tuple(shape),
        params=params,
        macs=0,
        receptive_field=(),
        stride=(1,) * rank,
        padding=(0,) * rank,
    )
    return sketch.layer(name, layer, x)
