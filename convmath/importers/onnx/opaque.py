"""Operators that convmath does not know, where the user lets them stand as what the file says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convmath.formula import Value
from convmath.importers.onnx.call import UNKNOWN, Call
from convmath.importers.opaque import opaque_layer
from convmath.importers.tensor import Constant, Tensor, Unsupported

if TYPE_CHECKING:
    from onnx import NodeProto

    from convmath.importers.onnx.file import OnnxFile


def opaque(call: Call, model: OnnxFile, node: NodeProto) -> Tensor:
    """Add a layer that reads everything, has the parameters that arrive, and puts out the shape that the file tells.

    Raises ``Unsupported`` where the file tells none, or the node does more than one map can say.
    """
    maps = [each for each in call.arriving if isinstance(each, Tensor)]
    if len(maps) != 1 or sum(bool(name) for name in node.output) != 1:
        raise Unsupported(f"{UNKNOWN}; only one that makes one map of one can be let stand")
    wanted = node.output[0]
    told = next((each for each in (*model.graph.value_info, *model.graph.output) if each.name == wanted), None)
    dims = [] if told is None else [each.dim_value for each in told.type.tensor_type.shape.dim][1:]
    shape: tuple[Value, ...] = tuple(dims)
    if not dims or min(dims) < 1:
        known = next((each.shape for each in maps if told is not None and len(each.dims) == len(dims) + 1), None)
        if known is None or not dims or dims[0] < 1:
            raise Unsupported(f"{UNKNOWN}, and the file does not tell the shape of what it puts out")
        shape = (dims[0], *(size or own for size, own in zip(dims[1:], known.sizes, strict=True)))
    held = {each.key: each for each in call.arriving if isinstance(each, Constant)}
    return opaque_layer(call.sketch, call.name, maps[0], shape, sum(each.size for each in held.values()))
