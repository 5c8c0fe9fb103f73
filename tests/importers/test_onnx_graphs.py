"""Graphs of ONNX as a whole: channels last, free sizes, inputs, outputs, sharing, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx_models import model, node, tensor

import convmath as cm
from convmath.cli.main import run as command
from convmath.errors import UnsupportedError
from convmath.spec.graph import Network

pytestmark = pytest.mark.onnx

IMAGE = (2, 5, 6)


def weights(name: str, *shape: int, seed: int = 0) -> Any:
    return tensor(name, shape, np.random.default_rng(seed).uniform(-1, 1, shape).ravel().tolist())


def ints(name: str, *values: int) -> Any:
    return tensor(name, (len(values),), values, "INT64")


def read(made: Any, **options: Any) -> Network:
    return cm.from_onnx(made.SerializeToString(), **options)


def kinds(net: Network) -> list[str]:
    return [each.kind for each in net.nodes]


def by_runtime(made: Any, **arrays: np.ndarray) -> list[np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return [each[0] for each in session.run(None, {name: each[None] for name, each in arrays.items()})]


def drawn(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def assert_same(made: Any, x: np.ndarray, arriving: np.ndarray | None = None) -> Network:
    """Hold a model of one input against ONNX Runtime; *arriving* is what convmath gets, with its channels first."""
    net = read(made)
    found = cm.run(net, x if arriving is None else arriving)
    outputs = list(found.values()) if isinstance(found, dict) else [found]
    for mine, theirs in zip(outputs, by_runtime(made, x=x), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)
    return net


@pytest.mark.peers
@pytest.mark.parametrize("flat", ["Reshape", "Flatten"])
@pytest.mark.parametrize("dense", ["MatMul", "Gemm"])
def test_a_keras_model_is_read_with_its_channels_first(flat: str, dense: str) -> None:
    height, width, channels = 6, 7, 3
    features = 4 * (height - 2) * (width - 2)
    nodes = [
        node("Transpose", ["x"], ["first"], perm=[0, 3, 1, 2]),
        node("Conv", ["first", "w", "b"], ["made"]),
        node("Transpose", ["made"], ["last"], perm=[0, 2, 3, 1]),
        node("Relu", ["last"], ["rectified"]),
        node(flat, ["rectified"] + ["shape"] * (flat == "Reshape"), ["vector"]),
        node(dense, ["vector", "m"], ["product"]),
        node("Add", ["product", "c"], ["y"]),
    ]
    held = [weights("w", 4, channels, 3, 3), weights("b", 4), weights("m", features, 5), weights("c", 5)]
    made = model(nodes, {"x": (1, height, width, channels)}, ("y",), [*held, ints("shape", -1, features)])
    x = drawn(height, width, channels)

    net = assert_same(made, x, x.transpose(2, 0, 1))

    assert kinds(net) == ["conv", "relu", "flatten", "dense"]
    assert net.inputs[0].shape == (channels, height, width)


@pytest.mark.peers
def test_a_matrix_on_channels_last_is_a_pointwise_convolution() -> None:
    nodes = [
        node("Transpose", ["x"], ["last"], perm=[0, 2, 3, 1]),
        node("MatMul", ["last", "m"], ["mixed"]),
        node("Transpose", ["mixed"], ["y"], perm=[0, 3, 1, 2]),
    ]
    made = model(nodes, {"x": ("N", *IMAGE)}, ("y",), [weights("m", 2, 3)])

    assert kinds(assert_same(made, drawn(*IMAGE))) == ["pointwise_conv"]


@pytest.mark.peers
def test_a_vector_of_channels_last_keeps_its_order_where_no_matrix_reads_it() -> None:
    nodes = [node("Transpose", ["x"], ["last"], perm=[0, 2, 3, 1]), node("Flatten", ["last"], ["y"])]

    assert kinds(assert_same(model(nodes, {"x": ("N", *IMAGE)}), drawn(*IMAGE))) == ["flatten", "channel_shuffle"]


def test_other_orders_are_refused() -> None:
    nodes = [node("Transpose", ["x"], ["t"], perm=[0, 1, 3, 2]), node("Flatten", ["t"], ["y"])]

    with pytest.raises(UnsupportedError, match=r"batch, channels, space 2, space 1 of a map .* cannot be written as"):
        read(model(nodes, {"x": (1, *IMAGE)}))


@pytest.mark.peers
@pytest.mark.parametrize(
    "dims",
    [
        ("N", 2, "H", "W"),
        (None, 2, None, None),
        (1, 2, "height", 6),
        (-1, 2, -1, -1),
        ("a b", 2, "a b", "x*y"),
        (3, 2, 5, 6),
    ],
)
def test_free_sizes_of_every_kind(dims: tuple[Any, ...]) -> None:
    nodes = [node("Conv", ["x", "w"], ["y"], pads=[1, 0, 1, 0], strides=[2, 1])]
    made = model(nodes, {"x": dims}, ("y",), [weights("w", 3, 2, 3, 3)])
    net, x = read(made), drawn(*IMAGE)

    free = sum(not isinstance(each, int) or each < 0 for each in dims[2:])
    assert len(net.symbols) == free
    wanted = by_runtime(model(nodes, {"x": (1, *IMAGE)}, ("y",), made.graph.initializer), x=x)
    np.testing.assert_allclose(cm.run(net, x), wanted[0], rtol=1e-4, atol=1e-5)


@pytest.mark.peers
def test_several_inputs_and_outputs() -> None:
    nodes = [
        node("Conv", ["b", "w"], ["c"]),
        node("Add", ["a", "c"], ["sum"]),
        node("Relu", ["sum"], ["r"]),
        node("GlobalAveragePool", ["sum"], ["g"]),
    ]
    made = model(nodes, {"a": ("N", 3, "H", "W"), "b": ("N", 2, "H", "W")}, ("g", "r", "c"), [weights("w", 3, 2, 1, 1)])
    a, b = drawn(3, 4, 5), drawn(2, 4, 5, seed=4)

    found = cm.run(read(made), {"a": a, "b": b})

    assert isinstance(found, dict)
    for mine, theirs in zip(found.values(), by_runtime(made, a=a, b=b), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.peers
def test_an_output_that_is_an_input_is_an_identity() -> None:
    nodes = [node("Relu", ["x"], ["y"]), node("Identity", ["x"], ["z"])]

    assert kinds(assert_same(model(nodes, {"x": (1, *IMAGE)}, ("y", "z")), drawn(*IMAGE))) == ["relu", "identity"]


def test_inputs_that_nothing_needs_are_left_out() -> None:
    nodes = [node("Relu", ["x"], ["y"]), node("Sigmoid", ["other"], ["unused"])]

    assert [each.name for each in read(model(nodes, {"other": (), "x": (1, *IMAGE)})).inputs] == ["x"]


@pytest.mark.parametrize("dims", [(), (1,), ("N",)])
def test_an_input_without_channels_is_refused(dims: tuple[Any, ...]) -> None:
    nodes = [node("Mul", ["x", "factor"], ["y"])]

    with pytest.raises(UnsupportedError, match=r"input: it is a single number, .*; a map has channels \(at factor\)"):
        read(model(nodes, {"x": (1, *IMAGE), "factor": dims}))


@pytest.mark.peers
def test_a_convolution_that_is_used_twice_is_shared_and_norms_stored_once_are_not() -> None:
    norm = ["s", "s0", "s0", "s"]
    nodes = [
        node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        node("Conv", ["a", "w"], ["b"], pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["b", *norm], ["c"]),
        node("Relu", ["c"], ["d"]),
        node("BatchNormalization", ["d", *norm], ["y"]),
    ]
    held = [weights("w", 2, 2, 3, 3), tensor("s", (2,), [1.0, 1.0]), tensor("s0", (2,), [0.0, 0.0])]

    net = assert_same(model(nodes, {"x": (1, *IMAGE)}, ("y",), held), drawn(*IMAGE))

    assert cm.analyze(net).totals.params == 2 * 2 * 9 + 2 * 4


@pytest.mark.peers
def test_a_siamese_network_shares_its_norms_too() -> None:
    norm, nodes = ["s", "s0", "s0", "s"], []
    for side in "ab":
        nodes.append(node("Conv", [side, "w"], [f"{side}1"]))
        nodes.append(node("BatchNormalization", [f"{side}1", *norm], [f"{side}2"]))
    nodes.append(node("Sub", ["a2", "b2"], ["y"]))
    held = [weights("w", 2, 2, 3, 3), tensor("s", (2,), [1.5, 2.0]), tensor("s0", (2,), [0.5, 0.0])]
    made = model(nodes, {"a": (1, *IMAGE), "b": (1, *IMAGE)}, ("y",), held)
    a, b = drawn(*IMAGE), drawn(*IMAGE, seed=4)
    net = read(made)

    np.testing.assert_allclose(cm.run(net, {"a": a, "b": b}), by_runtime(made, a=a, b=b)[0], rtol=1e-4, atol=1e-5)
    assert cm.analyze(net).totals.params == 2 * 2 * 9 + 4


@pytest.mark.peers
def test_constants_are_read_wherever_they_stand() -> None:
    nodes = [
        node("Constant", [], ["w"], value=weights("", 3, 2, 1, 1)),
        node("Constant", [], ["two"], value_float=2.0),
        node("Constant", [], ["shape"], value_ints=[0, -1]),
        node("Conv", ["x", "w"], ["c"]),
        node("Mul", ["c", "two"], ["m"]),
        node("Reshape", ["m", "shape"], ["y"]),
    ]

    assert kinds(assert_same(model(nodes, {"x": ("N", *IMAGE)}), drawn(*IMAGE))) == [
        "pointwise_conv",
        "rescaling",
        "flatten",
    ]


@pytest.mark.peers
def test_parts_of_a_sequence() -> None:
    nodes = [
        node("SplitToSequence", ["x", "one"], ["parts"], axis=1),
        node("SequenceAt", ["parts", "at"], ["part"]),
        node("Relu", ["part"], ["y"]),
    ]
    held = [tensor("one", (), [1], "INT64"), tensor("at", (), [-1], "INT64")]
    net = assert_same(model(nodes, {"x": (1, *IMAGE)}, ("y",), held), drawn(*IMAGE))

    assert cm.analyze(net).totals.output_shape == (1, 5, 6)


def unknown() -> Any:
    nodes = [
        node("Det", ["x"], ["a"], name="first"),
        node("Relu", ["x"], ["r"]),
        node("Einsum", ["r"], ["b"], equation="abcd->abcd", name="second"),
        node("Einsum", ["b"], ["c"], equation="abcd->abcd", name="third"),
        node("Gelu", ["r"], ["d"], domain="com.example", name="fourth"),
        node("LRN", ["r"], ["e"], size=2, name="fifth"),
    ]
    return model(nodes, {"x": (1, *IMAGE)}, ("a", "c", "d", "e"))


def test_everything_unknown_is_listed_at_once(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.onnx").write_bytes(unknown().SerializeToString())

    assert command(["analyze", str(tmp_path / "net.onnx")]) == 4

    message = capsys.readouterr().err
    for line in (
        "Det: the operator is unknown (at first)",
        "Einsum: the operator is unknown (at second, third)",
        "com.example.Gelu: the operator is unknown (at fourth)",
        "LRN: a window of 2 channels has no middle (at fifth)",
    ):
        assert line in message


def test_unknown_operators_may_stand_where_the_user_says_so() -> None:
    from onnx import TensorProto, helper

    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("Mystery", ["c", "v"], ["m"], domain="com.example", name="secret"),
        node("Relu", ["m"], ["y"]),
    ]
    made = model(nodes, {"x": (1, *IMAGE)}, ("y",), [weights("w", 3, 2, 1, 1), weights("v", 7)])
    with pytest.raises(UnsupportedError, match="the file does not tell the shape"):
        read(made, allow_opaque=True)

    made.graph.value_info.append(helper.make_tensor_value_info("m", TensorProto.FLOAT, (1, 4, 2, 3)))
    net = read(made, allow_opaque=True)
    report = cm.analyze(net)

    assert kinds(net) == ["pointwise_conv", "opaque", "relu"]
    assert (report.totals.params, report.totals.output_shape) == (6 + 7, (4, 2, 3))
    with pytest.raises(UnsupportedError, match=r"com\.example\.Mystery: the operator is unknown"):
        read(made)


@pytest.mark.peers
def test_places_of_maxima_that_nobody_wants_are_no_matter() -> None:
    nodes = [node("MaxPool", ["x"], ["y", "places"], kernel_shape=[2, 2])]

    assert kinds(assert_same(model(nodes, {"x": (1, *IMAGE)}), drawn(*IMAGE))) == ["max_pool"]
    with pytest.raises(UnsupportedError, match="of its outputs only the first is read, but 'places' is used"):
        read(model(nodes, {"x": (1, *IMAGE)}, ("y", "places")))


@pytest.mark.peers
def test_a_bias_that_is_made_up_as_zeros_is_none_and_other_numbers_are_one() -> None:
    for number, params in ((0.0, 40 * 2), (0.5, 40 * 2 + 40)):
        nodes = [
            node("Expand", ["number", "count"], ["bias"]),
            node("Conv", ["x", "w", "bias"], ["y"]),
        ]
        held = [weights("w", 40, 2, 1, 1), tensor("number", (), [number]), ints("count", 40)]
        net = assert_same(model(nodes, {"x": (1, *IMAGE)}, ("y",), held), drawn(*IMAGE))

        assert cm.analyze(net).totals.params == params


@pytest.mark.peers
def test_bounds_that_are_worked_out() -> None:
    nodes = [
        node("Constant", [], ["low"], value_float=0.0),
        node("Expand", ["six", "none"], ["high"]),
        node("Clip", ["x", "low", "high"], ["y"]),
    ]
    held = [tensor("six", (), [6.0]), tensor("none", (0,), [], "INT64")]

    assert kinds(assert_same(model(nodes, {"x": (1, *IMAGE)}, ("y",), held), 9 * drawn(*IMAGE))) == ["relu6"]


def test_attention_is_named_before_the_operators_that_surround_it() -> None:
    nodes = [
        node("Mystery", ["x"], ["m"]),
        node("Shape", ["x"], ["s"]),
        node("Softmax", ["m"], ["p"]),
        node("MatMul", ["p", "w"], ["q"], name="projection"),
        node("MatMul", ["q", "m"], ["r"], name="scores"),
        node("Reshape", ["r", "s"], ["y"]),
    ]
    with pytest.raises(UnsupportedError) as caught:
        read(model(nodes, initializers=[weights("w", 6, 6)]))

    first, second, *_ = str(caught.value).splitlines()[1:]
    assert first.startswith("  MatMul: it multiplies two maps with one another, as attention does")
    assert first.endswith("(at scores)")
    assert second.startswith("  Mystery: the operator is unknown")


@pytest.mark.peers
def test_casts_before_the_channels_are_turned_are_no_matter() -> None:
    nodes = [
        node("Cast", ["x"], ["c"], to=1),
        node("Cast", ["c"], ["d"], to=1),
        node("Transpose", ["d"], ["t"], perm=[0, 3, 1, 2]),
        node("Conv", ["t", "w"], ["y"]),
    ]
    made = model(nodes, inputs={"x": (1, "H", "W", 3)}, initializers=[weights("w", 4, 3, 3, 3)])

    x = drawn(6, 8, 3)
    net = assert_same(made, x, x.transpose(2, 0, 1))
    assert [str(size) for size in net.inputs[0].shape] == ["3", "H", "W"]


@pytest.mark.peers("torch")
def test_pads_that_an_exporter_turns_round_as_a_matrix(tmp_path: Any) -> None:
    """Padding that a module computes from its input's sizes comes as sizes in a matrix, cut, turned and joined."""
    import torch

    class Same(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3, stride=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            height, width = x.shape[-2:]
            rows = (height + 1) // 2 * 2 + 1 - height
            columns = (width + 1) // 2 * 2 + 1 - width
            pads = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            return self.conv(torch.nn.functional.pad(x, pads))

    path, module = tmp_path / "same.onnx", Same().eval()
    with pytest.warns():
        torch.onnx.export(
            module, (torch.zeros(1, 3, 8, 8),), str(path), dynamo=False,
            input_names=["x"], dynamic_axes={"x": {2: "H", 3: "W"}},
        )  # fmt: skip
    net = cm.from_onnx(path)

    report = cm.analyze(net)
    for height, width in ((8, 9), (5, 7), (224, 225)):
        assert report.at(H=height, W=width).totals.output_shape == (4, (height + 1) // 2, (width + 1) // 2)
    x = np.random.default_rng(0).standard_normal((3, 7, 10))
    expected = module.double()(torch.from_numpy(x)[None])[0].detach().numpy()
    np.testing.assert_allclose(cm.run(net, x), expected, rtol=1e-5, atol=1e-6)
