"""Norms, shuffles, reshapes and gates against PyTorch, pooling by norms against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numeric_cases import Case, image, network, windowed

from convmath.errors import SpecError
from convmath.numeric.execute import run

pytestmark = pytest.mark.peers


def batch(x: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(x))[None]


def agree(ours: np.ndarray, theirs: Any) -> None:
    expected = theirs.detach().numpy()[0]
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


shapes = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(lambda sizes: [6, *sizes])


@given(shape=shapes, affine=st.booleans())
def test_layer_norm_over_all(shape: list[int], *, affine: bool) -> None:
    import torch

    x, weights = image(shape), {"weight": image(shape, 1), "bias": image(shape, 2)} if affine else {}
    ours = run(network(shape, {"layer_norm": {"name": "n", "affine": affine, "eps": 0.01}}), x, {"n": weights})

    learned = [torch.from_numpy(each) for each in weights.values()] or [None, None]
    agree(ours, torch.nn.functional.layer_norm(batch(x), shape, *learned, eps=0.01))


@given(shapes)
def test_layer_norm_over_channels(shape: list[int]) -> None:
    import torch

    x, weight, bias = image(shape), image([6], 1), image([6], 2)
    ours = run(
        network(shape, {"layer_norm": {"name": "n", "over": "channels"}}), x, {"n": {"weight": weight, "bias": bias}}
    )

    last = batch(x).movedim(1, -1)
    theirs = torch.nn.functional.layer_norm(last, [6], torch.from_numpy(weight), torch.from_numpy(bias))
    agree(ours, theirs.movedim(-1, 1))


@given(shape=shapes, groups=st.sampled_from([1, 2, 3, 6]), affine=st.booleans())
def test_group_norm(shape: list[int], groups: int, *, affine: bool) -> None:
    import torch

    assume(np.prod(shape) > groups)  # PyTorch refuses single elements
    x, weights = image(shape), {"weight": image([6], 1), "bias": image([6], 2)} if affine else {}
    ours = run(network(shape, {"group_norm": {"name": "n", "num_groups": groups, "affine": affine}}), x, {"n": weights})

    learned = [torch.from_numpy(each) for each in weights.values()] or [None, None]
    agree(ours, torch.nn.functional.group_norm(batch(x), groups, *learned))


@given(shape=shapes, affine=st.booleans())
def test_instance_norm(shape: list[int], *, affine: bool) -> None:
    import torch

    assume(np.prod(shape[1:]) > 1)  # PyTorch refuses a single position
    x, weights = image(shape), {"weight": image([6], 1), "bias": image([6], 2)} if affine else {}
    ours = run(network(shape, {"instance_norm": {"name": "n", "affine": affine}}), x, {"n": weights})

    learned = {name: torch.from_numpy(each) for name, each in weights.items()}
    agree(ours, torch.nn.functional.instance_norm(batch(x), **learned))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
def test_pixel_shuffle(channels: int, factor: int, height: int, width: int) -> None:
    import torch

    shape = [channels * factor**2, height, width]
    x = image(shape)

    agree(run(network(shape, {"pixel_shuffle": factor}), x), torch.nn.functional.pixel_shuffle(batch(x), factor))


def test_pixel_shuffle_on_one_and_three_axes_keeps_every_element_once() -> None:
    for rank in (1, 3):
        shape = [2 * 2**rank, *range(2, 2 + rank)]
        x = image(shape)

        y = run(network(shape, {"pixel_shuffle": 2}), x)

        assert y.shape == (2, *(2 * size for size in shape[1:]))
        assert sorted(y.flat) == sorted(x.flat)
        assert y[(0,) + (0,) * rank] == x[(0,) * (rank + 1)]
        assert y[(1,) + (0,) * (rank - 1) + (1,)] == x[(2**rank + 1,) + (0,) * rank]


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_channel_shuffle(groups: int, each: int, height: int) -> None:
    import torch

    shape = [groups * each, height, 2]
    x = image(shape)
    theirs = batch(x).view(1, groups, each, height, 2).transpose(1, 2).reshape(1, *shape)

    agree(run(network(shape, {"channel_shuffle": groups}), x), theirs)
    agree(run(network(shape, {"channel_shuffle": groups}), x), torch.nn.ChannelShuffle(groups)(batch(x)))


def test_reshape_slice_and_scale() -> None:
    x, weight = image([4, 3, 2]), image([4], 1)

    agree(run(network([4, 3, 2], {"reshape": [6, 2, 2]}), x), batch(x).reshape(1, 6, 2, 2))
    agree(run(network([24], {"reshape": [4, 3, 2]}), x.reshape(-1)), batch(x))
    agree(run(network([4, 3, 2], {"slice_channels": [1, 3]}), x), batch(x)[:, 1:3])
    agree(
        run(network([4, 3, 2], {"scale": {"name": "s"}}), x, {"s": {"weight": weight}}),
        batch(x * weight[:, None, None]),
    )
    single = {"scale": {"name": "s", "single": True}}
    agree(run(network([4, 3, 2], single), x, {"s": {"weight": weight[:1]}}), batch(x * weight[0]))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
def test_pixel_unshuffle(channels: int, factor: int, height: int, width: int) -> None:
    import torch

    shape = [channels, factor * height, factor * width]
    x = image(shape)
    ours = run(network(shape, {"pixel_unshuffle": factor}), x)

    agree(ours, torch.nn.functional.pixel_unshuffle(batch(x), factor))
    assert (run(network(shape, {"pixel_unshuffle": factor}, {"pixel_shuffle": factor}), x) == x).all()


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 6.0), (-0.3, 0.2), (0.5, 0.5)])
def test_hard_tanh_between_bounds(low: float, high: float) -> None:
    import torch

    x = image([5, 4]) * 3

    theirs = torch.clamp(batch(x), low, high)
    agree(run(network([5, 4], {"hard_tanh": {"min_val": low, "max_val": high}}), x), theirs)


@pytest.mark.parametrize(("alpha", "beta"), [(0.2, 0.5), (0.4, 0.1), (-0.5, 0.5)])
def test_hard_sigmoid_is_that_of_onnx(alpha: float, beta: float) -> None:
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    x = image([5, 4]) * 3
    node = helper.make_node("HardSigmoid", ["x"], ["y"], alpha=alpha, beta=beta)

    ours = run(network([5, 4], {"hard_sigmoid": {"alpha": alpha, "beta": beta}}), x)

    [theirs] = ReferenceEvaluator(node).run(None, {"x": x})
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_gelu_by_a_tanh() -> None:
    import torch

    x = image([5, 4]) * 3

    ours = run(network([5, 4], {"gelu": {"approximate": "tanh"}}), x)

    agree(ours, torch.nn.functional.gelu(batch(x), approximate="tanh"))
    assert not np.array_equal(ours, run(network([5, 4], "gelu"), x))


def test_rescaling_and_bias() -> None:
    x, bias = image([4, 3, 2]), image([4], 1)

    agree(run(network([4, 3, 2], {"rescaling": {"scale": 0.5, "offset": -1}}), x), batch(x) * 0.5 - 1)
    agree(run(network([4, 3, 2], {"bias": {"name": "b"}}), x, {"b": {"bias": bias}}), batch(x + bias[:, None, None]))


@given(shapes)
def test_pooling_over_channels(shape: list[int]) -> None:
    x = image(shape)

    agree(run(network(shape, "channel_avg_pool"), x), batch(x).mean(1, keepdim=True))
    agree(run(network(shape, "channel_max_pool"), x), batch(x).amax(1, keepdim=True))


@pytest.mark.parametrize("kind", ["subtract", "divide", "maximum", "minimum"])
def test_merges_element_by_element(kind: str) -> None:
    import torch

    x = image([3, 4, 2])
    name = {"subtract": "sub", "divide": "div"}.get(kind, kind)
    both = {"tanh": {"name": "other"}}, {kind: ["other", "input"]}

    agree(run(network([3, 4, 2], *both), x), getattr(torch, name)(batch(x).tanh(), batch(x)))


def test_the_largest_and_the_smallest_of_three() -> None:
    layers = [{"rescaling": {"name": "double", "scale": 2}}, {"tanh": {"name": "t", "from": "input"}}]
    x = image([2, 3])
    three = np.stack([x, 2 * x, np.tanh(x)])

    for kind, expected in (("maximum", three.max(0)), ("minimum", three.min(0))):
        out = run(network([2, 3], *layers, {kind: ["input", "double", "t"]}), x)
        np.testing.assert_allclose(out, expected, rtol=1e-12)


@given(st.integers(1, 3), st.lists(st.integers(1, 3), max_size=2))
def test_glu(half: int, sizes: list[int]) -> None:
    import torch

    shape = [2 * half, *sizes]
    x = image(shape) * 3

    agree(run(network(shape, "glu"), x), torch.nn.functional.glu(batch(x), 1))


@given(windowed(rank=2, channels=2, pooling=True, dilated=False), st.sampled_from([1, 2, 3]))
@settings(max_examples=60)
def test_pooling_by_norms(case: Case, power: int) -> None:
    import onnxruntime
    from onnx import TensorProto, helper

    x = image(case.shape).astype(np.float32)
    pads = [before for before, _ in case.fields["padding"]] + [after for _, after in case.fields["padding"]]
    attributes = {
        "kernel_shape": case.fields["kernel_size"],
        "strides": case.fields["stride"],
        "pads": pads,
        "p": power,
    }
    graph = helper.make_graph(
        [helper.make_node("LpPool", ["x"], ["y"], **attributes)],
        "pool",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *case.shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"x": x[None]})[0][0]

    ours = run(network(case.shape, {"lp_pool": {"norm_type": power, **case.fields}}), x)

    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "entry", "message"),
    [
        ([6, 2, 2], {"group_norm": 4}, "4 groups do not divide the 6 channels"),
        ([6, 2, 2], {"channel_shuffle": 4}, "4 groups do not divide the 6 channels"),
        ([6, 2, 2], {"pixel_shuffle": 2}, "the 6 channels that arrive make no blocks of 4 pixels|6 channels make no"),
        ([5, 2, 2], "glu", "5 channels have no halves"),
        ([1, 3, 4], {"pixel_unshuffle": 2}, "axis 0: 3 pixels make no blocks of 2"),
        ([6, 2, 2], {"reshape": [5, 5]}, "5 × 5 has 25 elements"),
        ([6, 2, 2], {"slice_channels": [2, 7]}, "2, 7"),
        ([6, 2, 2], {"slice_channels": [3, 3]}, "3, 3"),
    ],
)
def test_what_does_not_fit_is_refused_by_rule_and_kernel(shape: list[int], entry: Any, message: str) -> None:
    from convmath.symbolic.compose import derive

    net = network(shape, entry)
    for refuse in (derive, lambda net: run(net, image(shape))):
        with pytest.raises(SpecError, match=message):
            refuse(net)
