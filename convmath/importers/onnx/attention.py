"""Attention in a graph of ONNX: products of two maps, whatever operators it is in pieces of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import NodeProto

SIZES = frozenset({"Shape", "Size"})
"""What they put out tells of a map, and is none."""
PRODUCTS = frozenset({"MatMul", "Einsum", "Attention", "MultiHeadAttention"})


def products_of_maps(nodes: Sequence[NodeProto], inputs: Collection[str]) -> Iterator[NodeProto]:
    """Yield the nodes that multiply two maps with one another, where nodes stand in order."""
    maps = set(inputs)
    for node in nodes:
        arriving = [name for name in node.input if name in maps]
        if arriving and node.op_type not in SIZES:
            maps.update(node.output)
        if len(arriving) > 1 and node.op_type in PRODUCTS:
            yield node
