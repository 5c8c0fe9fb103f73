"""Models of ONNX, made where a test needs them; the package is imported inside, since it is an extra.

Without it nodes and tensors are None: tests may list them, and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

Dims = Sequence[int | str | None]
IMAGE: Dims = (1, 3, "H", "W")


def node(kind: str, inputs: Iterable[str], outputs: Iterable[str], **attributes: Any) -> Any:
    if not find_spec("onnx"):
        return None
    from onnx import helper

    return helper.make_node(kind, list(inputs), list(outputs), **attributes)


def tensor(name: str, dims: Sequence[int], numbers: Sequence[float], kind: str = "FLOAT", *, raw: bool = False) -> Any:
    if not find_spec("onnx"):
        return None
    from onnx import TensorProto, helper

    data = helper.make_tensor(name, getattr(TensorProto, kind), dims, numbers)
    if raw:
        from onnx.numpy_helper import to_array

        data.raw_data = to_array(data).tobytes()
        for each in ("float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
            data.ClearField(each)
    return data


def model(
    nodes: Iterable[Any] | None = None,
    inputs: Mapping[str, Dims] | None = None,
    outputs: Iterable[str] = ("y",),
    initializers: Iterable[TensorProto] = (),
    *,
    opset: int = 20,
    ir_version: int = 10,
) -> ModelProto:
    """Return a model; without nodes one that rectifies its input."""
    from onnx import TensorProto, helper

    def info(name: str, dims: Dims | None) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)

    given = {"x": IMAGE} if inputs is None else inputs
    graph = helper.make_graph(
        [node("Relu", ["x"], ["y"])] if nodes is None else list(nodes),
        "graph",
        [info(name, dims) for name, dims in given.items()],
        [info(name, None) for name in outputs],
        list(initializers),
    )
    imports = [helper.make_operatorsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir_version)


def conv_model(size: int = 64) -> ModelProto:
    """Return a convolution with weights that are too large to be kept, a bias that is not, and a clip with bounds."""
    weight = tensor("w", (size, 3, 3, 3), [each / 7 for each in range(27 * size)], raw=True)
    bias = tensor("b", (size,), range(size))
    low, high = tensor("low", (), [0.0]), tensor("high", (), [6.0], raw=True)
    nodes = [node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]), node("Clip", ["c", "low", "high"], ["y"])]
    return model(nodes, initializers=[weight, bias, low, high])


def varint(value: int) -> bytes:
    """Return a number as protobuf writes it."""
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


def field(number: int, content: bytes) -> bytes:
    """Return a field of bytes, or of a message, as protobuf writes it."""
    return varint(number << 3 | 2) + varint(len(content)) + content
