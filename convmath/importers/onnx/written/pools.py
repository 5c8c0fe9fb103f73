"""A pooling by norms as PyTorch writes it out: powers, their mean, as many as stand in a window, and the root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose, prod
from typing import TYPE_CHECKING, Any

from convmath.importers import layers
from convmath.importers.onnx.written.graph import Graph, Match, arriving_map, given, is_bare
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Tensor
from convmath.spec.pool import LpPool

if TYPE_CHECKING:
    from onnx import NodeProto

SINGLE = 1e-6
"""So close are the root and its power in single precision."""


@dataclass(frozen=True, slots=True)
class LpPooled:
    """Windows that begin ``stride`` apart, and the norm of each."""

    x: str
    norm_type: float
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]

    def read(self, sketch: Sketch, name: str, values: Mapping[str, Any]) -> Tensor:
        """Add the layer."""
        rank = len(self.kernel_size)
        return layers.pool(
            sketch,
            name,
            arriving_map(values, self.x),
            LpPool,
            self.kernel_size,
            stride=self.stride,
            padding=((0, 0),) * rank,
            dilation=(1,) * rank,
            ceil_mode=False,
            norm_type=self.norm_type,
        )


def lp_pool(graph: Graph, node: NodeProto) -> Match | None:
    """Return the pooling by norms that ends in a root; of odd powers PyTorch takes no absolute values."""
    root = graph.number(node.input[1])
    many = graph.made_with(node.input[0], "Mul")
    signed = many and graph.made(many[0], "Mul")
    if not root or not many or not signed:
        return None
    sign, size = (graph.made(each, kind) for each, kind in zip(signed.input, ("Sign", "Relu"), strict=True))
    absolute = size and graph.made(size.input[0], "Abs")
    pool = absolute and graph.made(absolute.input[0], "AveragePool")
    power = pool and graph.made_with(pool.input[0], "Pow")
    if (
        not sign
        or not absolute
        or not pool
        or not power
        or sign.input[0] != absolute.input[0]
        or power[1] % 2
        or power[1] <= 0
    ):
        return None
    kernel, stride = (tuple(given(pool, name, "ints", ())) for name in ("kernel_shape", "strides"))
    inside = graph.between(pool.input[0], node)
    whole = many[1] == prod(kernel) and isclose(root * power[1], 1, rel_tol=SINGLE)
    if (
        not inside
        or not whole
        or len(stride) not in (0, len(kernel))
        or not is_bare(pool)
        or given(pool, "ceil_mode", "i", 0)
    ):
        return None
    return Match(LpPooled(power[0], power[1], kernel, stride or (1,) * len(kernel)), node.output[0], inside)
