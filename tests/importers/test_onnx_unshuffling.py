"""Pixels written as channels, which every exporter of PyTorch writes as reshapes and an order of axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import model, node, tensor

import convmath as cm
from convmath.errors import UnsupportedError

pytestmark = [pytest.mark.onnx, pytest.mark.peers]


def exported(module: Any, shape: tuple[int, ...], path: Path, *, dynamo: bool, fixed: bool) -> Path:
    import torch
    from small_families import quiet

    sizes: dict[str, Any] = {}
    if not fixed and dynamo:
        sizes = {"dynamic_shapes": ({2: torch.export.Dim("H"), 3: torch.export.Dim("W")},)}
    elif not fixed:
        sizes = {"dynamic_axes": {"x": {0: "N", 2: "H", 3: "W"}}}
    with quiet():
        torch.onnx.export(
            module.eval(),
            (torch.zeros(1, *shape),),
            path,
            input_names=["x"],
            dynamo=dynamo,
            external_data=False,
            **sizes,
        )
    return path


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("dynamo", [True, False])
def test_a_pixel_unshuffle_is_one_layer(tmp_path: Path, *, dynamo: bool, fixed: bool) -> None:
    import onnxruntime
    import torch

    path = exported(torch.nn.PixelUnshuffle(2), (3, 8, 6), tmp_path / "m.onnx", dynamo=dynamo, fixed=fixed)
    net = cm.from_onnx(path)
    x = np.random.default_rng(0).standard_normal((3, 8, 6)).astype(np.float32)
    [expected] = onnxruntime.InferenceSession(path).run(None, {"x": x[None]})

    assert [each.kind for each in net.nodes] == ["pixel_unshuffle"]
    np.testing.assert_array_equal(cm.run(net, x), expected[0])


def gathering(order: list[int], shape: list[int]) -> bytes:
    nodes = [
        node("Relu", ["x"], ["h"]),
        node("Reshape", ["h", "cut"], ["parts"]),
        node("Transpose", ["parts"], ["turned"], perm=order),
        node("Reshape", ["turned", "whole"], ["y"]),
    ]
    held = [tensor("cut", (6,), [1, 3, 4, 2, 2, 3], "INT64"), tensor("whole", (4,), shape, "INT64")]
    return bytes(model(nodes, {"x": (1, 3, 8, 6)}, ("y",), held).SerializeToString())


@pytest.mark.parametrize("order", [[0, 1, 3, 5, 2, 4], [0, 3, 5, 1, 2, 4]])
def test_the_places_in_a_block_may_stand_before_or_behind_the_channels(order: list[int]) -> None:
    import onnxruntime

    made = gathering(order, [1, 18, 4, 2])
    net = cm.from_onnx(made)
    x = np.random.default_rng(0).uniform(1, 2, (3, 8, 6)).astype(np.float32)
    [expected] = onnxruntime.InferenceSession(made).run(None, {"x": x[None]})

    assert {"reshape"}.isdisjoint(each.kind for each in net.nodes)
    np.testing.assert_array_equal(cm.run(net, x), expected[0])


@pytest.mark.parametrize(("order", "shape"), [([0, 1, 5, 3, 2, 4], [1, 18, 4, 2]), ([0, 1, 3, 5, 2, 4], [1, 18, 2, 4])])
def test_other_orders_of_parts_are_refused(order: list[int], shape: list[int]) -> None:
    with pytest.raises(UnsupportedError, match="cannot be written as"):
        cm.from_onnx(gathering(order, shape))


def test_a_batch_that_grows_is_called_so() -> None:
    nodes = [node("Reshape", ["x", "shape"], ["y"])]
    made = model(nodes, {"x": ("N", 3, "H", "W")}, ("y",), [tensor("shape", (2,), [-1, 3], "INT64")])

    with pytest.raises(UnsupportedError, match=r"becomes part of another axis, in \[H\*batch\*W, 3\]"):
        cm.from_onnx(made.SerializeToString())
