"""Weights that several layers of a file read: shared whole, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx_models import model, node, tensor

import convmath as cm
from convmath.errors import UnsupportedError
from convmath.spec.graph import Network

pytestmark = pytest.mark.onnx


def weights(name: str, *shape: int) -> Any:
    return tensor(name, shape, np.random.default_rng(len(name)).uniform(-1, 1, shape).ravel().tolist())


def read(nodes: list[Any], held: list[Any], dims: tuple[int, ...] = (1, 3, 8, 8)) -> Network:
    return cm.from_onnx(model(nodes, {"x": dims}, ("y",), held).SerializeToString())


IMAGES = [weights("w", 3, 3, 3, 3), weights("b", 3), weights("c", 3)]
MATRICES = [weights("w", 4, 4), weights("b", 4), weights("c", 4)]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (node("Conv", ["x", "w", "b"], ["h"]), node("Conv", ["h", "w", "c"], ["y"])),
        (node("Conv", ["x", "w"], ["h"]), node("Conv", ["h", "w", "c"], ["y"])),
        (node("Conv", ["x", "w", "b"], ["h"]), node("Conv", ["h", "w"], ["y"])),
        (node("Conv", ["x", "w", "b"], ["h"]), node("ConvTranspose", ["h", "w", "b"], ["y"])),
    ],
)
def test_convolutions_that_share_some_parameters_only_are_refused(one: Any, two: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"shares its weight 'w' with .*, but not all of its parameters"):
        read([one, two], IMAGES)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (node("Gemm", ["x", "w", "b"], ["h"]), node("Gemm", ["h", "w", "c"], ["y"])),
        (node("Gemm", ["x", "w", "b"], ["h"]), node("MatMul", ["h", "w"], ["y"])),
        (node("Gemm", ["x", "w"], ["h"], transB=1), node("Gemm", ["h", "w"], ["y"])),
        (node("MatMul", ["x", "w"], ["h"]), node("Gemm", ["h", "w"], ["y"], alpha=2.0)),
    ],
)
def test_matrices_that_share_some_parameters_or_are_turned_are_refused(one: Any, two: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"shares its weight 'w'.* stored once by some exporters"):
        read([one, two], MATRICES, (1, 4))


def test_what_is_shared_whole_is_counted_once() -> None:
    convs = [node("Conv", ["x", "w", "b"], ["h"]), node("Conv", ["h", "w", "b"], ["y"])]
    turned = [
        node("Transpose", ["w"], ["t"], perm=[1, 0]),
        node("MatMul", ["x", "t"], ["h"]),
        node("Gemm", ["h", "w"], ["y"], transB=1),
    ]

    assert cm.analyze(read(convs, IMAGES)).totals.params == 3 * 3 * 9 + 3
    assert cm.analyze(read(turned, MATRICES, (1, 4))).totals.params == 4 * 4


@pytest.mark.peers
def test_biases_that_stand_behind_shared_weights_are_counted_one_by_one() -> None:
    import onnxruntime

    nodes = [
        node("MatMul", ["x", "w"], ["one"]),
        node("Add", ["one", "b"], ["h"]),
        node("MatMul", ["h", "w"], ["two"]),
        node("Add", ["two", "c"], ["y"]),
    ]
    made = model(nodes, {"x": (1, 4)}, ("y",), MATRICES).SerializeToString()
    net = cm.from_onnx(made)
    x = np.arange(4, dtype=np.float32)
    [[expected]] = onnxruntime.InferenceSession(made).run(None, {"x": x[None]})

    assert cm.analyze(net).totals.params == 4 * 4 + 4 + 4
    np.testing.assert_allclose(cm.run(net, x), expected, rtol=1e-5)


def test_constants_whose_tensors_have_the_same_name_are_not_the_same() -> None:
    nodes = [
        node("Constant", [], ["one"], value=weights("value", 3, 3, 3, 3)),
        node("Constant", [], ["two"], value=tensor("value", (3, 3, 3, 3), [1.0] * 81)),
        node("Conv", ["x", "one"], ["h"]),
        node("Conv", ["h", "two"], ["y"]),
    ]

    assert cm.analyze(read(nodes, [])).totals.params == 2 * 81
