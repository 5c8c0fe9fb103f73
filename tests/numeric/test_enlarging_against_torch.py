"""Transposed convolutions and up-sampling against PyTorch, and against ONNX where it pads by itself."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numeric_cases import image, network

from convmath.errors import SpecError
from convmath.numeric.execute import run
from convmath.symbolic.compose import derive

pytestmark = pytest.mark.peers


@st.composite
def transposed(draw: st.DrawFn) -> tuple[dict[str, Any], list[int]]:
    """Draw the fields of a transposed convolution and the shape of its input."""
    groups = draw(st.integers(1, 3))
    channels, kernels = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    axes = []
    for _ in range(draw(st.integers(1, 3))):
        stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        axes.append(
            (
                draw(st.integers(1, 4)),
                stride,
                dilation,
                draw(st.integers(0, 3)),
                draw(st.integers(0, max(stride, dilation) - 1)),
                draw(st.integers(1, 5)),
            )
        )
    kernel, stride, dilation, padding, kept, sizes = map(list, zip(*axes, strict=True))
    fields = {"out_channels": kernels, "kernel_size": kernel, "stride": stride, "dilation": dilation}
    return fields | {"padding": padding, "output_padding": kept, "groups": groups}, [channels, *sizes]


@given(case=transposed(), bias=st.booleans())
@settings(max_examples=300)
def test_transposed_convolutions(case: tuple[dict[str, Any], list[int]], *, bias: bool) -> None:
    import torch

    fields, shape = case
    rank = len(shape) - 1
    names = ("kernel_size", "stride", "padding", "output_padding", "groups")
    layer = getattr(torch.nn, f"ConvTranspose{rank}d")(
        shape[0],
        fields["out_channels"],
        *(fields[each] for each in names),
        bias=bias,
        dilation=fields["dilation"],
    ).double()
    weights = {name: each.detach().numpy() for name, each in layer.named_parameters()}
    x = image(shape)
    entry = {"conv_transpose": {"name": "t", "bias": bias, **fields}}
    try:
        theirs = layer(torch.from_numpy(x)[None]).detach().numpy()[0]
    except RuntimeError:  # nothing is left, which convmath refuses, too
        with pytest.raises(SpecError):
            run(network(shape, entry), x)
        with pytest.raises(SpecError):
            derive(network(shape, entry))
        return

    ours = run(network(shape, entry), x, {"t": weights})

    assert derive(network(shape, entry)).totals.output_shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 5)), min_size=1, max_size=3),
    st.sampled_from(["nearest", "bilinear"]),
)
def test_up_sampling(axes: list[tuple[int, int]], mode: str) -> None:
    import torch

    shape, factors = [2, *(size for size, _ in axes)], [factor for _, factor in axes]
    theirs_mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(axes)] if mode == "bilinear" else "nearest"
    x = image(shape)
    if mode == "nearest":
        theirs = torch.nn.functional.interpolate(
            torch.from_numpy(x)[None], scale_factor=tuple(map(float, factors)), mode=theirs_mode
        )
    else:
        theirs = torch.nn.functional.interpolate(
            torch.from_numpy(x)[None],
            scale_factor=tuple(map(float, factors)),
            mode=theirs_mode,
            align_corners=False,
        )

    ours = run(network(shape, {"upsample": {"scale_factor": factors, "mode": mode}}), x)

    np.testing.assert_allclose(ours, theirs.numpy()[0], rtol=1e-9, atol=1e-9)


def interpolated(x: np.ndarray, mode: str, **given: Any) -> np.ndarray:
    """Return what PyTorch makes of an image, with the name that its mode has on so many axes."""
    import torch

    theirs_mode = mode if mode == "nearest" else {2: "linear", 3: "bilinear", 4: "trilinear"}[x.ndim]
    return torch.nn.functional.interpolate(torch.from_numpy(x)[None], mode=theirs_mode, **given).numpy()[0]


axes_and_sizes = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 13)), min_size=1, max_size=3)


@given(axes=axes_and_sizes, align_corners=st.booleans())
def test_blending_to_a_size_above_or_below(axes: list[tuple[int, int]], *, align_corners: bool) -> None:
    shape, size = [2, *(size for size, _ in axes)], [wanted for _, wanted in axes]
    x = image(shape)
    fields = {"size": size, "mode": "bilinear", "align_corners": align_corners}

    ours = run(network(shape, {"upsample": fields}), x)

    theirs = interpolated(x, "bilinear", size=size, align_corners=align_corners)
    assert derive(network(shape, {"upsample": fields})).totals.output_shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


FACTORS = ["1/2", "3/2", "5/4", "2/3", "7/3", "1", "3"]


@given(
    axes=st.lists(st.tuples(st.integers(1, 12), st.sampled_from(FACTORS)), min_size=1, max_size=3),
    mode=st.sampled_from(["nearest", "bilinear", "aligned"]),
)
def test_broken_factors(axes: list[tuple[int, str]], mode: str) -> None:
    """PyTorch reckons with a rounded factor: what it rounds to another size or element is left out."""
    shape, factors = [2, *(size for size, _ in axes)], [Fraction(factor) for _, factor in axes]
    sizes = [int(size * float(factor)) for (size, _), factor in zip(axes, factors, strict=True)]
    assume(sizes == [size * factor // 1 for (size, _), factor in zip(axes, factors, strict=True)] and all(sizes))
    step = [(np.float32(1 / float(factor)), 1 / factor) for factor in factors]
    assume(all(int(i * a) == i * b // 1 for (a, b), size in zip(step, sizes, strict=True) for i in range(size)))
    x = image(shape)
    given_ = {} if mode == "nearest" else {"align_corners": mode == "aligned"}
    fields = {"mode": "nearest" if mode == "nearest" else "bilinear", **given_}
    net = network(shape, {"upsample": {"scale_factor": [factor for _, factor in axes], **fields}})

    ours = run(net, x)

    theirs = interpolated(x, fields["mode"], scale_factor=tuple(map(float, factors)), **given_)
    assert derive(net).totals.output_shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@given(axes_and_sizes)
def test_repeating_to_a_size_above_or_below(axes: list[tuple[int, int]]) -> None:
    # PyTorch multiplies by a rounded x/y, which may put an exact i*x/y below itself; then it reads one before.
    assume(
        not any(
            i * x % y == 0 and int(i * (np.float32(x) / np.float32(y))) != i * x // y for x, y in axes for i in range(y)
        )
    )
    shape, size = [2, *(size for size, _ in axes)], [wanted for _, wanted in axes]
    x = image(shape)

    np.testing.assert_array_equal(
        run(network(shape, {"upsample": {"size": size}}), x), interpolated(x, "nearest", size=size)
    )


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 5)), min_size=1, max_size=3))
def test_blending_by_a_factor_with_corners_aligned(axes: list[tuple[int, int]]) -> None:
    shape, factors = [2, *(size for size, _ in axes)], [factor for _, factor in axes]
    x = image(shape)

    ours = run(network(shape, {"upsample": {"scale_factor": factors, "mode": "bilinear", "align_corners": True}}), x)

    theirs = interpolated(x, "bilinear", scale_factor=tuple(map(float, factors)), align_corners=True)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@given(
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(1, 6),
)
@settings(max_examples=60)
def test_same_is_that_of_onnx(stride: int, kernel: int, dilation: int, kept: int, size: int) -> None:
    import onnxruntime
    from onnx import TensorProto, helper

    if kept >= stride or dilation * (kernel - 1) + 1 + kept < stride:
        return
    attributes = {"strides": [stride], "dilations": [dilation], "output_padding": [kept]}
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], auto_pad="SAME_UPPER", **attributes)
    weight, x = image([2, 3, kernel], 1).astype(np.float32), image([2, size]).astype(np.float32)
    graph = helper.make_graph(
        [node],
        "t",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("w", TensorProto.FLOAT, weight.shape, weight.tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"x": x[None]})[0][0]
    fields = {"kernel_size": kernel, "stride": stride, "dilation": dilation, "output_padding": kept}

    entry = {"conv_transpose": {"name": "t", "out_channels": 3, "padding": "same", "bias": False, **fields}}
    ours = run(network([2, size], entry), x, {"t": {"weight": weight}})

    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
