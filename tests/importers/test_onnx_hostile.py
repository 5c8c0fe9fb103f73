"""Models that strangers wrote: read or refused, never obeyed, and no other file is opened for them."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx_models import conv_model, field, model, node, tensor, varint

import convmath as cm
from convmath.errors import ConvmathError, LimitError, SpecError, UnsupportedError
from convmath.formula import symbol
from convmath.importers.names import LayerNames
from convmath.importers.onnx import wire
from convmath.importers.onnx.file import read_onnx

pytestmark = pytest.mark.onnx

PAYLOADS = (
    "M + N", "decoder.45", "a b", "<script>alert(1)</script>", "a\nb", "\x1b[31m", "$x$", "x" * 10_000, "9**9**9",
    "__import__('os').system('touch marker')", "H+1", "²", "٣", "i", "sum", "in_channels", "lambda", "(" * 3000,
    "-" * 400, "H**H", "\\input{x}", "%s", "{{x}}", "\u202e", "-->",
)  # fmt: skip


def external(location: str) -> bytes:
    """Return a convolution whose weights are said to stand in another file."""
    from onnx import TensorProto

    built = conv_model()
    weight = built.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(2**62))):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    return bytes(built.SerializeToString())


PROBE = """
import sys
import numpy, onnx
from google.protobuf import message
import convmath as cm
from convmath.errors import ConvmathError
from convmath.importers.onnx.file import read_onnx
opened = []
def listen(event, arguments):
    if event in ("open", "import", "exec") or event.split(".")[0] in ("os", "socket", "subprocess"):
        opened.append((event, str(arguments[0])))
read_onnx(sys.argv[2])  # all modules are loaded
sys.addaudithook(listen)
try:
    model = read_onnx(sys.argv[1])
    print(tuple(model.initializers["w"].dims))
    model.array("w")
except ConvmathError as error:
    print(error)
sys.stdout.flush()
print(*opened, sep="\\n")
"""


@pytest.mark.parametrize("location", ["../secret", "secret", "link", "hard", "/etc/passwd", "absolute", "a\x00b", ""])
def test_external_data_is_never_opened(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for secret in (tmp_path / "secret", folder / "secret"):
        secret.write_bytes(bytes(7000))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "hard").hardlink_to(tmp_path / "secret")
    path, plain = folder / "net.onnx", folder / "plain.onnx"
    path.write_bytes(external(str(tmp_path / "secret") if location == "absolute" else location))
    plain.write_bytes(conv_model().SerializeToString())

    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(path), str(plain)], capture_output=True, text=True, check=True
    )
    shape, *message, opened = done.stdout.splitlines()

    assert shape == "(64, 3, 3, 3)"
    assert "the tensor 'w' has its elements in another file" in message[0]
    assert "onnx.save(onnx.load('model.onnx'), 'whole.onnx', save_as_external_data=False)" in message[1]
    assert opened == str(("open", str(path)))


@pytest.mark.parametrize("text", PAYLOADS)
def test_text_in_the_place_of_a_size_is_a_label_and_nothing_else(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start = time.monotonic()
    raw = model(inputs={"x": ("N", 3, text, "W"), "z": (text, text, 5)}, outputs=["y"]).SerializeToString()
    found = read_onnx(raw)

    assert found.inputs["x"].shape == (3, symbol("H"), symbol("W"))
    assert found.inputs["z"].shape == (symbol("H"), 5)
    assert found.labels.keys() == {"H"}
    assert found.labels["H"].isprintable()
    assert len(found.labels["H"]) <= 200
    assert not (tmp_path / "marker").exists()
    assert time.monotonic() - start < 2


def test_open_sizes_are_called_by_their_axes_where_those_are_free() -> None:
    inputs = {
        "image": (None, 3, None, None),
        "again": ("batch", 3, "H", None),
        "sound": (1, None, None),
        "volume": (1, 1, None, "a b", "a b"),
        "vector": (1, None),
        "number": (1,),
    }
    found = read_onnx(model([node("Relu", ["image"], ["y"])], inputs).SerializeToString())
    shapes = {name: [str(size) for size in each.shape] for name, each in found.inputs.items()}

    assert shapes == {
        "image": ["3", "d0", "W"],
        "again": ["3", "H", "d1"],
        "sound": ["C", "L"],
        "volume": ["1", "D", "d2", "d2"],
        "vector": ["d3"],
        "number": [],
    }
    assert "H" not in found.labels
    assert found.labels["d2"] == "a b"
    assert found.labels["W"] == ""


def test_what_a_file_calls_a_size_is_kept_beside_its_symbol() -> None:
    network = cm.from_onnx(model(inputs={"x": ("N", 3, "height/2", None)}).SerializeToString())

    assert network.about["sizes"] == {"H": "height/2"}


def test_minus_one_is_how_some_exporters_write_an_open_size() -> None:
    assert read_onnx(model(inputs={"x": (-1, 3, -1, 8)}).SerializeToString()).inputs["x"].shape == (3, symbol("H"), 8)


def test_symbols_are_limited() -> None:
    inputs = {f"x{at}": (1, 3, f"a{at}", f"b {at}") for at in range(40)}

    with pytest.raises(LimitError, match="more than 64 symbols"):
        read_onnx(model([node("Relu", ["x0"], ["y"])], inputs).SerializeToString())


@given(
    st.lists(st.text(max_size=5) | st.sampled_from(["a", "a_2", "x" * 300, "x" * 201, "\x1b", "\\x1b"]), max_size=30)
)
def test_names_are_made_fit_and_unique(texts: list[str]) -> None:
    names = LayerNames()
    found = [names.take(each, "conv") for each in texts]

    assert len(set(found)) == len(found)
    assert all(each.isprintable() and 0 < len(each) <= 200 for each in found)


def test_many_equal_names_take_no_quadratic_time() -> None:
    names, start = LayerNames(), time.monotonic()

    assert len({names.take("x" * 300) for _ in range(50_000)}) == 50_000
    assert time.monotonic() - start < 5


def outcome(raw: bytes) -> str:
    """Read bytes, and everything that can be asked for; return what happened, which must be no surprise."""
    try:
        found = read_onnx(raw)
        for name in found.initializers:
            found.array(name)
        assert found.constants is not None
    except ConvmathError as error:
        told = error
    else:
        return "read"
    assert told.exit_status in (3, 4, 5)
    assert str(told).replace("\n", "").isprintable()
    return "refused"


def test_a_model_that_ends_anywhere_is_read_or_refused() -> None:
    raw = conv_model().SerializeToString()

    outcomes = [outcome(raw[:length]) for length in (*range(400), *range(400, len(raw) - 400, 97))]
    outcomes += [outcome(raw[: len(raw) - short]) for short in range(400)]

    assert outcome(raw) == "read"
    assert outcomes.count("refused") > len(outcomes) // 2


@given(st.data())
@settings(max_examples=300)
def test_a_model_with_any_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([conv_model(2), conv_model(64), model()])).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(raw), 300) - 1) | st.integers(0, len(raw) - 1))
        change = data.draw(st.sampled_from(["set", "insert", "delete"]))
        if change == "set":
            raw[at] = data.draw(st.integers(0, 255))
        elif change == "insert":
            raw[at:at] = data.draw(st.binary(max_size=12))
        else:
            del raw[at : at + data.draw(st.integers(1, 12))]

    outcome(bytes(raw))


@given(st.binary(max_size=200))
@example(b"\x08\x0a:\x00")
def test_bytes_of_any_kind_are_read_or_refused(raw: bytes) -> None:
    outcome(raw)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\x3a\x7f\x00", "what begins at byte 0 would reach to byte 129, but the file ends at byte 3"),
        (b"\x3a" + varint(2**63 - 1), "would reach to byte 9223372036854775817, but the file ends at byte 10"),
        (field(7, b"\x0a\x7f\x00") + bytes(200), "but what contains it ends at byte 5"),
        (b"\x3a\x80", "byte 2 ends within a number"),
        (b"\x08" + b"\x80" * 10 + b"\x01", "is longer than any"),
        (b"\x0b\x0c", "byte 0 begins nothing that protobuf knows"),
        (b"\x0f\x00", "byte 0 begins nothing that protobuf knows"),
        (b"\x02\x00", "byte 0 begins nothing that protobuf knows"),
        (b"\x0d\x00", "would reach to byte 5"),
        (b"\x38\x01", "field 7 of a model has the wrong type, at byte 0"),
        (field(7, b"\x28\x01"), "field 5 of a graph has the wrong type, at byte 2"),
        (field(7, field(2, b"\xff")), "a name of a graph is no UTF-8, at byte 4"),
        (field(7, field(5, field(8, b"\xff"))), "a name of a tensor is no UTF-8"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "no ONNX model, or a damaged one"),
        (b"PK\x03\x04" + bytes(30), "no ONNX model, or a damaged one"),
        (field(7, field(5, field(3, b"\x08\x01"))), "is cut into segments"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_refused_with_its_place(raw: bytes, message: str) -> None:
    with pytest.raises(ConvmathError) as caught:
        read_onnx(raw)

    assert caught.value.exit_status in (3, 4)
    assert message in str(caught.value)


def test_more_fields_than_any_graph_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST_FIELDS", 1000)
    raw = field(7, field(5, b"") * 1001)

    with pytest.raises(LimitError, match="more than 1,000 fields"):
        read_onnx(raw)


def test_a_graph_that_is_large_without_tensors_is_refused() -> None:
    numbers = b"\x01" * (64 << 20)

    assert_too_large(field(7, field(1, field(5, field(8, numbers)))))
    assert_too_large(field(7, field(5, field(1, numbers))))
    assert_too_large(field(7, field(1, field(3, numbers[:1000])) * 70_000))


def assert_too_large(raw: bytes) -> None:
    with pytest.raises(LimitError, match="the graph takes more than 64 MiB, its tensors apart"):
        read_onnx(raw)


def test_documentation_and_long_notes_are_left_out() -> None:
    built = model()
    built.doc_string = built.graph.doc_string = built.graph.node[0].doc_string = "d" * 10_000
    short, long = built.graph.node[0].metadata_props.add(), built.graph.node[0].metadata_props.add()
    short.key, short.value, long.key, long.value = "scope", "features.0", "stack", "s" * 10_000
    found = read_onnx(built.SerializeToString())

    assert len(found.model.SerializeToString()) < 500
    assert [(each.key, each.value) for each in found.nodes[0].metadata_props] == [("scope", "features.0")]


def test_weights_elsewhere_do_not_keep_a_graph_from_being_read() -> None:
    found = read_onnx(external("weights.bin"))

    assert tuple(found.initializers["w"].dims) == (64, 3, 3, 3)
    assert not found.initializers["w"].external_data
    assert "w" not in found.constants
    with pytest.raises(SpecError, match="convmath reads the file that it is given, and no other"):
        found.tensors.numbers(found.initializers["w"])


@pytest.mark.parametrize("word", ["?", "None", "unk", "-1", ""])
def test_sizes_that_are_only_said_to_be_unknown_are_symbols_of_their_own(word: str) -> None:
    found = read_onnx(model(inputs={"x": (word, 3, word, word), "z": (word, 3, word, 7)}).SerializeToString())

    assert [str(size) for each in found.inputs.values() for size in each.shape] == ["3", "H", "W", "3", "d0", "7"]


def test_other_words_that_are_equal_are_one_symbol() -> None:
    found = read_onnx(model(inputs={"x": ("N", 3, "a b", "a b")}).SerializeToString())

    assert [str(size) for size in found.inputs["x"].shape] == ["3", "H", "H"]


@pytest.mark.parametrize("kind", ["Identity", "Cast", "Reshape"])
@pytest.mark.parametrize("element", [1, 2])
def test_long_ways_of_moves_end_in_no_recursion(kind: str, element: int) -> None:
    names = ["x", *(f"r{at}" for at in range(3000))]
    more = {"Cast": {"to": 1}}.get(kind, {})
    ways = [node(kind, [old, *(["shape"] if kind == "Reshape" else [])], [new], **more) for old, new in pairwise(names)]
    shape = tensor("shape", (4,), [0, 3, 0, -1], "INT64")
    made = model([*ways, node("Relu", [names[-1]], ["y"])], {"x": (1, 3, 8, 8)}, initializers=[shape])
    made.graph.input[0].type.tensor_type.elem_type = element

    if element == 1 or kind == "Cast":
        assert cm.from_onnx(made.SerializeToString()).nodes[-1].kind == "relu"
    else:
        with pytest.raises(UnsupportedError, match="elements of type UINT8"):
            cm.from_onnx(made.SerializeToString())


def test_a_long_way_of_shapes_ends_in_no_recursion() -> None:
    names = ["k", *(f"r{at}" for at in range(3000))]
    ways = [node("Reshape", ["k", old], [new]) for old, new in pairwise(names)]
    made = model([*ways, node("Div", ["x", names[-1]], ["y"])], initializers=[tensor("k", (1,), [1], "INT64")])

    assert len(cm.from_onnx(made.SerializeToString()).nodes) == 1
