"""Layers that exporters write out in several nodes, where ONNX has no operator, or had none before some version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from convmath.importers.onnx.written.circular import circular
from convmath.importers.onnx.written.clamp import clamped
from convmath.importers.onnx.written.graph import Graph, Lookup, Match, Written, is_whole
from convmath.importers.onnx.written.norms import centred, local_response
from convmath.importers.onnx.written.pools import lp_pool
from convmath.importers.onnx.written.softplus import scaled, straightened

if TYPE_CHECKING:
    from onnx import NodeProto

LAST: Mapping[str, tuple[Callable[[Graph, NodeProto], Match | None], ...]] = {
    "Div": (centred, local_response, scaled),
    "Where": (straightened,),
    "Pow": (lp_pool,),
    "Concat": (circular,),
    "Min": (clamped,),
    "Max": (clamped,),
}
"""What may end in a node of a kind."""


def written_out(
    nodes: Sequence[NodeProto], outputs: Collection[str], constant: Lookup
) -> tuple[list[NodeProto], dict[str, Written]]:
    """Return the nodes without those inside of layers that are written out, and these by what they put out."""
    graph = Graph(nodes, outputs, constant)
    found: dict[str, Written] = {}
    gone: set[str] = set()
    for node in nodes:
        for matching in LAST.get(node.op_type, ()):
            match = matching(graph, node) if is_whole(node) else None
            if match is not None and match.layer.x not in gone:
                found[match.output] = match.layer
                gone |= match.inside
    return [node for node in nodes if node.output[0] not in gone], found
