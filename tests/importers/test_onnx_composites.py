"""Layers that exporters write as several nodes: put together where they are one, and left alone where they are not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from math import sqrt
from typing import Any

import numpy as np
import pytest
from onnx_models import model, node, tensor

import convmath as cm
from convmath.errors import UnsupportedError

pytestmark = [pytest.mark.onnx, pytest.mark.peers]

SIZES = (6, 7)
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


class Graph:
    """Nodes in the making, each named by its number; constants are initializers."""

    def __init__(self, channels: int = 4) -> None:
        self.nodes: list[Any] = []
        self.held: list[Any] = []
        self.numbers = count()
        self.draw = np.random.default_rng(0)
        self.x = self.conv("x", 3, channels)

    def __call__(self, kind: str, *inputs: str | float | list[int] | np.ndarray, **attributes: Any) -> str:
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        made = f"t{next(self.numbers)}"
        self.nodes.append(node(kind, names, [made], **attributes))
        return made

    def constant(self, held: float | list[int] | np.ndarray) -> str:
        array = np.asarray(held)
        name, whole = f"c{next(self.numbers)}", array.dtype == np.int64
        kind = "INT64" if whole and isinstance(held, list) else "FLOAT"
        self.held.append(tensor(name, array.shape, array.ravel().tolist(), kind))
        return name

    def random(self, *shape: int) -> np.ndarray:
        return self.draw.uniform(0.5, 1.5, shape)

    def conv(self, x: str, arriving: int, channels: int) -> str:
        weight = self.draw.uniform(-1, 1, (channels, arriving, 1, 1))
        return self("Conv", x, weight, self.draw.uniform(-1, 1, channels))

    def model(self, *outputs: str, opset: int = 16) -> bytes:
        made = model(self.nodes, {"x": ("N", 3, *SIZES)}, outputs, self.held, opset=opset)
        return bytes(made.SerializeToString())


def assert_same(raw: bytes) -> list[str]:
    """Hold a model's outputs against ONNX Runtime's; return the kinds of its layers behind the first convolution."""
    import onnxruntime

    net = cm.from_onnx(raw)
    x = np.random.default_rng(1).standard_normal((3, *SIZES)).astype(np.float32) * 3
    wanted = onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"]).run(None, {"x": x[None]})
    made = cm.run(net, x)
    found = list(made.values()) if isinstance(made, dict) else [made]
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine.shape == theirs[0].shape
        np.testing.assert_allclose(mine, theirs[0], **TOLERANCE)
    return [each.kind for each in net.nodes[1:]]


def silu(g: Graph) -> str:
    return g("Mul", g.x, g("Sigmoid", g.x))


def silu_turned(g: Graph) -> str:
    return g("Mul", g("Sigmoid", g.x), g.x)


def relu6(g: Graph) -> str:
    return g("Clip", g.x, 0.0, 6.0)


def hard_sigmoid(g: Graph) -> str:
    return g("HardSigmoid", g.x, alpha=1 / 6, beta=0.5)


def hard_sigmoid_clipped(g: Graph) -> str:
    return g("Div", g("Clip", g("Add", g.x, 3.0), 0.0, 6.0), 6.0)


def hard_sigmoid_multiplied(g: Graph) -> str:
    return g("Mul", g("Clip", g("Add", g.x, 3.0), 0.0, 6.0), 1 / 6)


def hard_swish(g: Graph) -> str:
    return g("Mul", g.x, hard_sigmoid(g))


def hard_swish_clipped(g: Graph) -> str:
    return g("Mul", hard_sigmoid_clipped(g), g.x)


def hard_swish_divided(g: Graph) -> str:
    return g("Div", g("Mul", g.x, g("Clip", g("Add", g.x, 3.0), 0.0, 6.0)), 6.0)


def mish(g: Graph) -> str:
    return g("Mul", g.x, g("Tanh", g("Softplus", g.x)))


def gate(g: Graph) -> str:
    return g("Add", g("Erf", g("Div", g.x, sqrt(2))), 1.0)


def gelu(g: Graph) -> str:
    return g("Mul", g("Mul", g.x, gate(g)), 0.5)


def gelu_halved(g: Graph) -> str:
    return g("Mul", g("Mul", g.x, 0.5), gate(g))


def biased_conv(g: Graph) -> str:
    weight = g.draw.uniform(-1, 1, (5, 4, 3, 3))
    return g("Add", g("Conv", g.x, weight, pads=[1, 1, 1, 1]), g.random(5, 1, 1))


def biased_matrix(g: Graph) -> str:
    flat = g("Flatten", g("GlobalAveragePool", g.x))
    return g("Add", g.random(3), g("MatMul", flat, g.random(4, 3)))


def squeeze_excitation(g: Graph) -> str:
    squeezed = g("ReduceMean", g.x, axes=[2, 3], keepdims=1)
    inner = g("Relu", g.conv(squeezed, 4, 2))
    return g("Mul", g.x, g("Sigmoid", g.conv(inner, 2, 4)))


def channel_shuffle(g: Graph) -> str:
    parts = g("Reshape", g.x, [0, 2, 2, *SIZES])
    return g("Reshape", g("Transpose", parts, perm=[0, 2, 1, 3, 4]), [0, 4, *SIZES])


def pixel_shuffle(g: Graph) -> str:
    parts = g("Reshape", g.x, [0, 1, 2, 2, *SIZES])
    turned = g("Transpose", parts, perm=[0, 1, 4, 2, 5, 3])
    return g("Reshape", turned, [0, 1, 2 * SIZES[0], 2 * SIZES[1]])


def global_mean(g: Graph) -> str:
    return g("ReduceMean", g.x, axes=[2, 3], keepdims=1)


def global_mean_without_axes(g: Graph) -> str:
    return g("ReduceMean", g.x, axes=[-1, -2], keepdims=0)


def centred(g: Graph, x: str, axes: list[int], *, twice: bool = False, power: float = 2.0, eps: float = 1e-5) -> str:
    """Write a normalisation out; *twice* with the mean taken off once for each use, as some exporters do."""
    mean = g("ReduceMean", x, axes=axes)
    one = g("Sub", x, mean)
    two = g("Sub", x, mean) if twice else one
    variance = g("ReduceMean", g("Pow", two, power), axes=axes)
    return g("Div", one, g("Sqrt", g("Add", variance, eps)))


def layer_norm_last(g: Graph) -> str:
    turned = g("Transpose", g.x, perm=[0, 2, 3, 1])
    normed = g("Add", g("Mul", centred(g, turned, [-1]), g.random(4)), g.random(4))
    return g("Transpose", normed, perm=[0, 3, 1, 2])


def layer_norm_first(g: Graph) -> str:
    return g("Add", g("Mul", centred(g, g.x, [1], twice=True), g.random(4, 1, 1)), g.random(1, 4, 1, 1))


def layer_norm_all(g: Graph) -> str:
    shape = (4, *SIZES)
    return g("Add", g.random(*shape), g("Mul", g.random(*shape), centred(g, g.x, [1, 2, 3])))


def layer_norm_plain(g: Graph) -> str:
    return centred(g, g.x, [-3, -2, -1], eps=0.5)


def layer_norm_vector(g: Graph) -> str:
    flat = g("Flatten", g.x)
    count = 4 * SIZES[0] * SIZES[1]
    return g("Add", g("Mul", centred(g, flat, [-1]), g.random(count)), g.random(count))


def grouped(g: Graph, scale: np.ndarray | None = None) -> str:
    parts = g("Reshape", g.x, [0, 2, -1])
    ones = np.ones(2) if scale is None else scale
    normed = g("InstanceNormalization", parts, ones, np.zeros(2), epsilon=1e-3)
    return g("Reshape", normed, [0, 4, *SIZES])


def group_norm(g: Graph) -> str:
    return g("Add", g("Mul", grouped(g), g.random(4, 1, 1)), g.random(4, 1, 1))


RECOGNISED: dict[Callable[[Graph], str], list[str]] = {
    silu: ["silu"],
    silu_turned: ["silu"],
    relu6: ["relu6"],
    hard_sigmoid: ["hard_sigmoid"],
    hard_sigmoid_clipped: ["hard_sigmoid"],
    hard_sigmoid_multiplied: ["hard_sigmoid"],
    hard_swish: ["hard_swish"],
    hard_swish_clipped: ["hard_swish"],
    hard_swish_divided: ["hard_swish"],
    mish: ["mish"],
    gelu: ["gelu"],
    gelu_halved: ["gelu"],
    biased_conv: ["conv"],
    biased_matrix: ["global_avg_pool", "flatten", "dense"],
    squeeze_excitation: ["global_avg_pool", "pointwise_conv", "relu", "pointwise_conv", "sigmoid", "multiply"],
    channel_shuffle: ["channel_shuffle"],
    pixel_shuffle: ["pixel_shuffle"],
    global_mean: ["global_avg_pool"],
    global_mean_without_axes: ["global_avg_pool", "flatten"],
    layer_norm_last: ["layer_norm"],
    layer_norm_first: ["layer_norm"],
    layer_norm_all: ["layer_norm"],
    layer_norm_plain: ["layer_norm"],
    layer_norm_vector: ["flatten", "layer_norm"],
    grouped: ["group_norm"],
    group_norm: ["group_norm"],
}


@pytest.mark.parametrize("write", RECOGNISED, ids=lambda write: write.__name__)
def test_a_layer_is_put_together(write: Callable[[Graph], str]) -> None:
    g = Graph()

    assert assert_same(g.model(write(g))) == RECOGNISED[write]


def test_what_is_put_together_has_the_parameters_of_the_layer() -> None:
    for write, params in ((layer_norm_first, 8), (layer_norm_all, 2 * 4 * 42), (group_norm, 8), (grouped, 0)):
        g = Graph()
        assert cm.analyze(cm.from_onnx(g.model(write(g)))).totals.params == params + 16, write.__name__


@pytest.mark.parametrize(
    "write",
    [silu, hard_sigmoid_clipped, hard_swish, hard_swish_divided, mish, biased_conv, biased_matrix, grouped, group_norm],
    ids=lambda write: write.__name__,
)
def test_parts_that_something_else_uses_stay(write: Callable[[Graph], str]) -> None:
    whole, kinds = Graph(), RECOGNISED[write]
    result = write(whole)
    for inner in whole.nodes[1:-1]:
        g = Graph()
        last, used = write(g), inner.output[0]
        found = assert_same(g.model(last, used))
        assert last == result
        assert len(found) > len(kinds) or used in (g.nodes[1].output[0], *_kept(write, g)), used


def _kept(write: Callable[[Graph], str], g: Graph) -> set[str]:
    """Return what stays a layer of its own when the rest is put together."""
    kept = {biased_matrix: {"Flatten", "GlobalAveragePool"}}.get(write, set())
    return {each.output[0] for each in g.nodes if each.op_type in kept}


@pytest.mark.parametrize("write", [gelu, gelu_halved, layer_norm_first, layer_norm_all], ids=lambda each: each.__name__)
def test_parts_that_no_layer_is_are_refused_where_something_else_uses_them(write: Callable[[Graph], str]) -> None:
    g = Graph()
    last = write(g)
    inner = next(each.output[0] for each in g.nodes if each.op_type in ("Erf", "Sqrt"))

    with pytest.raises(UnsupportedError, match=r"erf: it is no part of a layer that is known|Sqrt: the operator is un"):
        cm.from_onnx(g.model(last, inner))


OTHERS: dict[str, tuple[Callable[[Graph], str], list[str]]] = {
    "a clip at 5": (
        lambda g: g("Div", g("Clip", g("Add", g.x, 3.0), 0.0, 5.0), 6.0),
        ["rescaling", "hard_tanh", "rescaling"],
    ),
    "a shift by 2": (
        lambda g: g("Div", g("Clip", g("Add", g.x, 2.0), 0.0, 6.0), 6.0),
        ["rescaling", "relu6", "rescaling"],
    ),
    "a division by 5": (
        lambda g: g("Div", g("Mul", g.x, g("Clip", g("Add", g.x, 3.0), 0.0, 6.0)), 5.0),
        ["rescaling", "relu6", "multiply", "rescaling"],
    ),
    "a gate of another map": (lambda g: g("Mul", g("Relu", g.x), g("Sigmoid", g.x)), ["relu", "sigmoid", "multiply"]),
    "a sigmoid of another slope": (
        lambda g: g("Mul", g.x, g("HardSigmoid", g.x, alpha=0.2, beta=0.5)),
        ["hard_sigmoid", "multiply"],
    ),
    "groups with factors": (lambda g: grouped(g, np.array([1.0, 2.0])), ["reshape", "instance_norm", "reshape"]),
    "a clip at 6.1": (lambda g: g("Clip", g.x, 0.0, 6.1), ["hard_tanh"]),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_numbers_are_no_such_layer(name: str) -> None:
    write, kinds = OTHERS[name]
    g = Graph()

    assert assert_same(g.model(write(g))) == kinds


@pytest.mark.parametrize(
    "write",
    [
        lambda g: g("Mul", g("Mul", g.x, g("Add", g("Erf", g("Div", g.x, 1.5)), 1.0)), 0.5),
        lambda g: centred(g, g.x, [1], power=3.0),
        lambda g: g("Div", g("Sub", g.x, g("ReduceMean", g.x, axes=[1])), g("Sqrt", g("Add", g.x, 1e-5))),
    ],
    ids=["erf of another scale", "a third power", "no variance"],
)
def test_what_only_looks_like_a_layer_is_refused(write: Callable[[Graph], str]) -> None:
    g = Graph()

    with pytest.raises(UnsupportedError, match=r"erf|Sqrt"):
        cm.from_onnx(g.model(write(g)))
