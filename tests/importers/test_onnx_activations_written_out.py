"""Activations that the exporters of PyTorch write as several operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx_models import model, node, tensor

import convmath as cm
from convmath.errors import UnsupportedError

pytestmark = [pytest.mark.onnx, pytest.mark.peers]


def softplus(threshold: float, compared: str = "x") -> bytes:
    nodes = [
        node("Relu", ["x"], ["h"]),
        node("Softplus", ["x"], ["s"]),
        node("Greater", [compared, "t"], ["g"]),
        node("Where", ["g", "x", "s"], ["p"]),
        node("Add", ["p", "h"], ["y"]),
    ]
    return bytes(model(nodes, {"x": (1, 2, 3, 3)}, ("y",), [tensor("t", (), [threshold])]).SerializeToString())


def logarithm(gate: str) -> bytes:
    nodes = [node(gate, ["x"], ["g"]), node("Log", ["g"], ["y"])]
    return bytes(model(nodes, {"x": (1, 2, 3, 3)}).SerializeToString())


@pytest.mark.parametrize(
    ("make", "of", "kinds"), [(softplus, 20, {"relu", "softplus", "add"}), (logarithm, "Sigmoid", {"log_sigmoid"})]
)
def test_they_are_one_layer(make: Callable[[Any], bytes], of: Any, kinds: set[str]) -> None:
    import onnxruntime

    made = make(of)
    net = cm.from_onnx(made)
    x: Any = np.linspace(-6, 30, 18, dtype=np.float32).reshape(2, 3, 3)
    [[expected]] = onnxruntime.InferenceSession(made).run(None, {"x": x[None]})

    assert {each.kind for each in net.nodes} == kinds
    np.testing.assert_allclose(cm.run(net, x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("make", "of"), [(softplus, (1,)), (softplus, (20, "h")), (logarithm, ("Tanh",))])
def test_what_only_looks_like_them_is_refused(make: Callable[..., bytes], of: tuple[Any, ...]) -> None:
    made = make(*of)

    with pytest.raises(UnsupportedError, match=r"operator is unknown|no part of a layer that is known"):
        cm.from_onnx(made)
