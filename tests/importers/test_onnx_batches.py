"""Models that were exported for several samples at once: the number of samples is no size of the network."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx_models import model, node, tensor

import convmath as cm
from convmath.errors import UnsupportedError

if TYPE_CHECKING:
    from torch import Tensor as Map

pytestmark = [pytest.mark.onnx, pytest.mark.peers]


def excited(x: Map, dense: Any) -> Map:
    return x * dense(x.mean((2, 3))).view(x.size(0), 8, 1, 1)


def shuffled(x: Map, _: Any) -> Map:
    count, channels, height, width = x.shape
    return x.view(count, 2, channels // 2, height, width).transpose(1, 2).reshape(count, channels, height, width)


def repeated(x: Map, _: Any) -> Map:
    return x * x.mean((2, 3), keepdim=True).expand(x.size(0), 8, 5, 3)


@pytest.mark.parametrize("batch", [2, 4, 8])
@pytest.mark.parametrize(
    ("how", "newer"),
    [(excited, False), (excited, True), (shuffled, False), (shuffled, True), (repeated, True)],
)
def test_each_sample_has_its_output(how: Any, batch: int, *, newer: bool) -> None:
    import onnxruntime
    import torch

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = torch.nn.Linear(8, 8)

        def forward(self, x: Map) -> Any:
            return how(x, self.dense)

    x = torch.randn(batch, 8, 5, 3, generator=torch.Generator().manual_seed(3))
    made = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Module().eval(), (x,), made, dynamo=newer, verbose=False, input_names=["x"])
    net = cm.from_onnx(made.getvalue())
    [expected] = onnxruntime.InferenceSession(made.getvalue()).run(None, {"x": x.numpy()})

    for sample, each in zip(x.numpy(), expected, strict=True):
        np.testing.assert_allclose(cm.run(net, sample), each, rtol=1e-4, atol=1e-5)


def reshaped(target: list[int], **inputs: int) -> bytes:
    """Return a model that writes its first input in another shape; its inputs have so many samples."""
    nodes = [node("Reshape", ["x", "shape"], ["a"]), node("Relu", ["a"], ["y"])]
    nodes += [node("Relu", [name], [f"{name}.out"]) for name in inputs if name != "x"]
    held = [tensor("shape", (len(target),), target, "INT64")]
    given = {name: (batch, 4, 6) for name, batch in inputs.items()}
    return bytes(model(nodes, given, ("y",), held).SerializeToString())


@pytest.mark.parametrize(
    ("target", "inputs", "shape"),
    [
        ([4, 24], {"x": 4}, (24,)),
        ([4, 4, 2, 3], {"x": 4}, (4, 2, 3)),
        ([4, -1, 3], {"x": 4}, (8, 3)),
        ([4, 2, 12], {"x": 4, "z": 4}, (2, 12)),
        ([1, 2, 12], {"x": 1, "z": 1}, (2, 12)),
    ],
)
def test_the_number_of_samples_stands_first(target: list[int], inputs: dict[str, int], shape: tuple[int, ...]) -> None:
    net = cm.from_onnx(reshaped(target, **inputs), output="a")

    assert cm.analyze(net).layers[-1].output_shape == shape


@pytest.mark.parametrize("target", [[1, 16, 6], [2, 8, 6], [-1, 6], [1, -1], [24, 4]])
def test_samples_that_become_something_else_are_refused_with_what_helps(target: list[int]) -> None:
    with pytest.raises(UnsupportedError, match=r"a batch of 1, or of any size: this file is for one of 4"):
        cm.from_onnx(reshaped(target, x=4), output="a")


def test_inputs_of_different_batches_say_nothing_of_it() -> None:
    with pytest.raises(UnsupportedError, match="has not as many elements") as caught:
        cm.from_onnx(reshaped([4, 24], x=4, z=2), output="a")

    assert "a batch of 1" not in str(caught.value)
