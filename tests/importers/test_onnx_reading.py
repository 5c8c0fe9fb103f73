"""Reading models of ONNX: what is read is what onnx reads, but for the weights, which are read when asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import IMAGE, conv_model, field, model, node, tensor, varint

from convmath.errors import ConvmathError, LimitError, SpecError, UnsupportedError
from convmath.formula import symbol
from convmath.importers.onnx.file import read_onnx
from convmath.importers.onnx.wire import SMALL, Walk
from convmath.limits import DEFAULT, Limits

pytestmark = pytest.mark.onnx

NUMBERS = {
    "FLOAT": [0.5, -1.25, 3e30, 0.0],
    "FLOAT16": [0.5, -1.25, 65504.0, 0.0],
    "BFLOAT16": [0.5, -1.25, 2.0**100, 0.0],
    "DOUBLE": [0.1, -1e300, 3.0, 0.0],
    "INT8": [-128, 127, 0, -1],
    "UINT8": [255, 127, 0, 1],
    "INT16": [-32768, 32767, 0, -1],
    "UINT16": [65535, 127, 0, 1],
    "INT32": [-(2**31), 2**31 - 1, 0, -1],
    "UINT32": [2**32 - 1, 127, 0, 1],
    "INT64": [-(2**63), 2**63 - 1, 0, -1],
    "UINT64": [2**64 - 1, 127, 0, 1],
    "BOOL": [True, False, True, True],
}


def light_models() -> list[Path]:
    from importlib.util import find_spec

    found = find_spec("onnx")
    folder = Path(found.submodule_search_locations[0]) if found and found.submodule_search_locations else Path()
    return sorted((folder / "backend" / "test" / "data" / "light").glob("*.onnx"))


def with_initializer(data: Any) -> bytes:
    return bytes(model(initializers=[data]).SerializeToString())


def assert_same(path: Path) -> None:
    """Hold what is read from a file against what onnx itself reads."""
    import onnx
    from onnx.numpy_helper import to_array

    found, wanted = read_onnx(path), onnx.load(path, load_external_data=False)

    assert [each.name for each in found.graph.node] == [each.name for each in wanted.graph.node]
    for mine, theirs in zip(found.graph.node, wanted.graph.node, strict=True):
        assert (mine.op_type, mine.domain) == (theirs.op_type, theirs.domain)
        assert (list(mine.input), list(mine.output)) == (list(theirs.input), list(theirs.output))
        for attribute, other in zip(mine.attribute, theirs.attribute, strict=True):
            if other.HasField("t"):
                np.testing.assert_array_equal(found.tensors.array(attribute.t), to_array(other.t))
            else:
                other.ClearField("doc_string")
                assert attribute == other
    assert list(found.initializers) == [each.name for each in wanted.graph.initializer]
    for each in wanted.graph.initializer:
        assert tuple(found.initializers[each.name].dims) == tuple(each.dims)
        assert found.initializers[each.name].data_type == each.data_type
        np.testing.assert_array_equal(found.array(each.name), to_array(each))
        if each.name in found.constants:
            assert list(found.constants[each.name]) == to_array(each).ravel().tolist()
    assert [each.name for each in found.graph.output] == [each.name for each in wanted.graph.output]


@pytest.mark.parametrize("path", light_models(), ids=lambda path: path.stem)
def test_the_models_of_the_wheel_are_read_as_onnx_reads_them(path: Path) -> None:
    assert_same(path)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # this exporter is old, and so are most files
def test_an_export_of_torch_is_read_as_onnx_reads_it(tmp_path: Path) -> None:
    import torch

    layers = torch.nn.Conv2d(3, 64, 5), torch.nn.BatchNorm2d(64), torch.nn.ReLU(), torch.nn.Hardtanh(0, 6)
    path = tmp_path / "net.onnx"
    sizes = {"x": {0: "batch", 2: "H", 3: "W"}}
    torch.onnx.export(
        torch.nn.Sequential(*layers).eval(), (torch.zeros(1, 3, 32, 32),), str(path), dynamo=False,
        input_names=["x"], dynamic_axes=sizes,
    )  # fmt: skip

    assert_same(path)
    assert read_onnx(path).inputs["x"].shape == (3, symbol("H"), symbol("W"))


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
@pytest.mark.parametrize("times", [1, SMALL], ids=["small", "large"])
@pytest.mark.parametrize("kind", NUMBERS)
def test_elements_of_every_type_are_read(kind: str, times: int, *, raw: bool) -> None:
    from onnx.numpy_helper import to_array

    data = tensor("w", (times, 4), NUMBERS[kind] * times, kind, raw=raw)
    found = read_onnx(with_initializer(data))

    read, wanted = found.array("w"), to_array(data)
    assert read.dtype == (np.float32 if kind == "BFLOAT16" else wanted.dtype)
    np.testing.assert_array_equal(read, wanted.astype(read.dtype))
    assert ("w" in found.constants) == (times == 1)
    if times == 1:
        assert found.constants["w"] == tuple(wanted.astype(read.dtype).ravel().tolist())


def test_a_tensor_in_an_attribute_is_read_as_well() -> None:
    data = tensor("", (SMALL,), range(SMALL), "INT64", raw=True)
    nodes = [node("Constant", [], ["c"], value=data), node("Add", ["x", "c"], ["y"])]
    found = read_onnx(model(nodes).SerializeToString())
    inside = found.nodes[0].attribute[0].t

    assert not inside.raw_data
    assert tuple(inside.dims) == (SMALL,)
    np.testing.assert_array_equal(found.tensors.array(inside), np.arange(SMALL))
    with pytest.raises(SpecError, match="takes more than 4096 bytes"):
        found.tensors.numbers(inside)


def test_a_file_and_its_bytes_are_read_alike(tmp_path: Path) -> None:
    raw = conv_model().SerializeToString()
    path = tmp_path / "net.onnx"
    path.write_bytes(raw)

    from_bytes, from_path = read_onnx(raw), read_onnx(path)

    assert from_bytes.graph == from_path.graph
    assert from_path.constants == from_bytes.constants
    assert from_path.constants["low"] == (0.0,)
    assert from_path.constants["high"] == (6.0,)
    np.testing.assert_array_equal(from_bytes.array("w"), from_path.array("w"))
    np.testing.assert_array_equal(from_path.array("w").ravel(), np.arange(27 * 64, dtype=np.float32) / np.float32(7))
    assert len(from_path.model.SerializeToString()) < 1000


def test_what_a_file_says_in_pieces_is_read_as_one() -> None:
    """Protobuf lets a writer append to a message by writing it once more."""
    data = tensor("w", (SMALL,), range(SMALL), "INT64", raw=True)
    raw = model().SerializeToString() + field(7, field(5, data.SerializeToString()))

    np.testing.assert_array_equal(read_onnx(raw).array("w"), np.arange(SMALL))


def test_weights_of_a_file_that_has_changed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(conv_model().SerializeToString())
    found = read_onnx(path)
    path.write_bytes(conv_model(65).SerializeToString())

    with pytest.raises(SpecError, match="has changed since it was read"):
        found.array("w")
    path.unlink()
    with pytest.raises(SpecError, match="can no longer be read"):
        found.array("w")


def test_strings_are_no_numbers() -> None:
    from onnx import TensorProto, helper

    data = helper.make_tensor("s\x1b", TensorProto.STRING, (1,), [b"x"])
    found = read_onnx(with_initializer(data))

    assert not found.constants
    with pytest.raises(UnsupportedError, match=r"the tensor 's\\x1b' is of type STRING"):
        found.array("s\x1b")


PROBE = """
import resource, sys
import numpy, onnx
from convmath.importers.onnx.file import read_onnx
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
model = read_onnx(sys.argv[1])
read = peak()
array = model.array("w")
print(read - before, peak() - before, array.nbytes)
"""


def test_reading_takes_no_memory_for_weights(tmp_path: Path) -> None:
    size = 200 << 20
    dims = b"\x08" + varint(size // 4) + b"\x10\x01" + field(8, b"w") + varint(9 << 3 | 2) + varint(size)
    initializer = varint(5 << 3 | 2) + varint(len(dims) + size) + dims
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.write(model().SerializeToString() + b"\x3a" + varint(len(initializer) + size) + initializer)
        file.truncate(file.tell() + size)

    done = subprocess.run([sys.executable, "-c", PROBE, str(path)], capture_output=True, text=True, check=True)
    reading, both, array = map(int, done.stdout.split())

    assert array == size
    assert reading < 16 << 20
    assert both < size + (16 << 20)


# What is refused, and what is put right.


def refusal(built: Any, limits: Limits = DEFAULT) -> str:
    """Return the message for a model that must be refused."""
    with pytest.raises(ConvmathError) as caught:
        read_onnx(built if isinstance(built, bytes) else built.SerializeToString(), limits=limits)
    assert caught.value.exit_status in (3, 4, 5)
    return str(caught.value)


def test_nodes_out_of_order_are_put_in_order() -> None:
    nodes = [node("Add", ["b", "a"], ["y"]), node("Relu", ["a"], ["b"]), node("Relu", ["x"], ["a"])]

    assert [list(each.output) for each in read_onnx(model(nodes).SerializeToString()).nodes] == [["a"], ["b"], ["y"]]


def test_a_graph_inside_reads_names_from_outside() -> None:
    inner = model([node("Add", ["a", "x"], ["z"])], {}, ["z"]).graph
    nodes = [
        node("If", ["condition"], ["y"], then_branch=inner, else_branch=inner),
        node("Relu", ["x"], ["a"]),
        node("Cast", ["a"], ["condition"]),
    ]

    assert [each.op_type for each in read_onnx(model(nodes).SerializeToString()).nodes] == ["Relu", "Cast", "If"]
    assert "If) reads 'a', which nothing makes" in refusal(model([nodes[0], node("Cast", ["x"], ["condition"])]))


def test_nodes_that_wait_for_one_another_are_refused() -> None:
    nodes = [node("Relu", ["c"], ["a"], name="p"), node("Relu", ["a"], ["b"], name="q"), node("Add", ["b", "x"], ["c"])]

    message = refusal(model([*nodes, node("Relu", ["c"], ["y"])]))

    assert "error[circular]: nodes wait for one another: " in message
    assert all(label in message for label in ("p (Relu)", "q (Relu)", "node 2 (Add)"))


def test_names_that_nothing_makes_are_refused_together() -> None:
    message = refusal(model([node("Conv", ["x", "w", ""], ["a"]), node("Relu", ["b"], ["c"])]))

    assert "node 0 (Conv) reads 'w', which nothing makes" in message
    assert "node 1 (Relu) reads 'b', which nothing makes" in message
    assert "the graph returns 'y', which nothing makes" in message


@pytest.mark.parametrize(
    ("built", "message"),
    [
        (lambda: model([node("Relu", ["x"], ["y"]), node("Relu", ["x"], ["y"])]), "node 0 (Relu) does already"),
        (lambda: model([node("Relu", ["x"], ["y"]), node("Relu", ["y"], ["x"])]), "it is given already"),
        (lambda: model(initializers=[tensor("w", (1,), [1.0])] * 2), "the initializer 'w' stands there twice"),
        (lambda: model([]), "the graph has no nodes"),
        (lambda: b"\x08\x0a", "names no version of the domain ai.onnx"),
        (lambda: model(inputs={}), "the graph has no inputs"),
        (lambda: model(outputs=[]), "the graph returns nothing"),
        (lambda: model(inputs={"x": None}), "the input 'x' has no shape"),  # type: ignore[dict-item]
        (lambda: model(inputs={"x": (1, 3, 0, 8)}), "axis 2 of the input 'x' has the size 0"),
        (lambda: model(inputs={"x": (1, -3, 8, 8)}), "axis 1 of the input 'x' has the size -3"),
        (lambda: model(inputs={"x": (1, 3, 8, 2**62)}), "axis 3 of the input 'x' has the size 4611686018427387904"),
        (lambda: model(opset=6), "version 6 of ONNX's operators; convmath reads 7 to "),
        (lambda: model(opset=10**6), "version 1000000 of ONNX's operators"),
    ],
)  # fmt: skip
def test_a_graph_that_is_none_is_refused(built: Any, message: str) -> None:
    assert message in refusal(built())


def test_a_file_without_any_of_it_is_refused() -> None:
    assert "names no version" in refusal(b"")


def test_sparse_initializers_are_said_to_be_unsupported() -> None:
    built = model()
    sparse = built.graph.sparse_initializer.add()
    sparse.dims.append(10**6)
    sparse.values.CopyFrom(tensor("w", (1,), [1.0]))

    assert "sparse initializers, which convmath does not read" in refusal(built)


@pytest.mark.parametrize("dims", [(2**62, 2**62), (-1,), (-2, -2), (2**62,), (1,) * 33, (5,), (3, 0)])
@pytest.mark.parametrize("size", [4, SMALL * 4], ids=["small", "large"])
def test_dims_that_no_elements_go_with_are_refused(dims: tuple[int, ...], size: int) -> None:
    data = tensor("w", (size,), [1.0] * size, raw=True)
    del data.dims[:]
    data.dims.extend(dims)

    with pytest.raises(SpecError, match="the tensor 'w' has the dims"):
        read_onnx(with_initializer(data)).constants["w"]


def test_initializers_may_stand_among_the_inputs() -> None:
    weight = tensor("w", (4, 3, 1, 1), range(12))
    built = model(
        [node("Conv", ["x", "w"], ["y"])], {"w": (4, 3, 1, 1), "x": IMAGE}, initializers=[weight], ir_version=3, opset=7
    )
    found = read_onnx(built.SerializeToString())

    assert list(found.inputs) == ["x"]
    assert list(found.initializers) == ["w"]
    assert found.opset == 7


def test_more_nodes_than_the_limit_are_refused_before_they_are_read() -> None:
    raw = field(7, field(1, field(4, b"Relu")) * 10**6)
    walk = Walk(raw, "net.onnx", DEFAULT)

    with pytest.raises(LimitError, match=r"more than 100,000 nodes(.|\n)*--max-onnx-nodes"):
        walk.slim()
    assert walk.fields < 3 * DEFAULT.onnx_nodes


def nested(deep: int) -> bytes:
    graph = b""
    for _ in range(deep - 1):
        graph = field(1, field(5, field(6, graph)))
    return field(7, graph)


def test_graphs_within_graphs_are_read_to_a_depth() -> None:
    assert "deep" not in refusal(nested(16))
    assert "graphs nested more than 16 deep" in refusal(nested(17))
    assert "graphs nested more than 16 deep" in refusal(nested(200))
    assert "graphs nested more than 4 deep" in refusal(nested(5), Limits(onnx_graphs=4))


def test_a_file_beyond_the_limit_is_not_opened_further(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    with path.open("wb") as file:
        file.truncate((2 << 30) + 1)

    with pytest.raises(LimitError, match=r"more than 2147483648 bytes(.|\n)*--max-onnx-bytes"):
        read_onnx(path)
