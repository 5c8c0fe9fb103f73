"""The values of every kernel against PyTorch, on random configurations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numeric_cases import MODES, Case, convolutions, image, network, windowed

from convmath.numeric.execute import run
from convmath.spec.layer import core_kinds

pytestmark = pytest.mark.peers
TORCH_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}

ACTIVATIONS = {
    "relu": ({}, "relu", {}),
    "relu6": ({}, "relu6", {}),
    "leaky_relu": ({"negative_slope": 0.2}, "leaky_relu", {"negative_slope": 0.2}),
    "elu": ({"alpha": 0.7}, "elu", {"alpha": 0.7}),
    "selu": ({}, "selu", {}),
    "celu": ({"alpha": 0.7}, "celu", {"alpha": 0.7}),
    "gelu": ({}, "gelu", {}),
    "silu": ({}, "silu", {}),
    "mish": ({}, "mish", {}),
    "softplus": ({"beta": 1.5}, "softplus", {"beta": 1.5}),
    "sigmoid": ({}, "sigmoid", {}),
    "tanh": ({}, "tanh", {}),
    "log_sigmoid": ({}, "logsigmoid", {}),
    "softsign": ({}, "softsign", {}),
    "hard_sigmoid": ({}, "hardsigmoid", {}),
    "hard_swish": ({}, "hardswish", {}),
    "hard_tanh": ({}, "hardtanh", {}),
    "softmax": ({}, "softmax", {"dim": 1}),
    "log_softmax": ({}, "log_softmax", {"dim": 1}),
}


def torch_pad(x, padding, mode):
    """Return a batch padded by PyTorch, which lists the axes backwards."""
    import torch

    amounts = [each for pair in reversed(padding) for each in pair]
    return torch.nn.functional.pad(x, amounts, TORCH_MODES[mode])


def functional(name, rank):
    import torch

    return getattr(torch.nn.functional, name.format(rank))


def agree(ours, theirs):
    """Assert equal shapes and values; *theirs* has a batch axis."""
    expected = theirs.numpy()[0]
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


def batch(x):
    import torch

    return torch.from_numpy(np.ascontiguousarray(x))[None]


@given(case=convolutions(), bias=st.booleans())
@settings(max_examples=300, deadline=None)
def test_convolutions(case: Case, *, bias: bool) -> None:
    fields, rank = case.fields, case.rank
    channels = case.shape[0] // fields["groups"]
    weight = image([fields["out_channels"], channels, *fields["kernel_size"]], 1)
    offset = image([fields["out_channels"]], 2)
    x = image(case.shape)
    given_weights = {"weight": weight} | ({"bias": offset} if bias else {})

    ours = run(network(case.shape, {"conv": {"name": "c", "bias": bias, **fields}}), x, {"c": given_weights})

    padded = torch_pad(batch(x), fields["padding"], fields["padding_mode"])
    theirs = functional("conv{}d", rank)(
        padded,
        batch(weight)[0],
        batch(offset)[0] if bias else None,
        fields["stride"],
        0,
        fields["dilation"],
        fields["groups"],
    )
    agree(ours, theirs)


@given(windowed(channels=2), st.data())
@settings(max_examples=100, deadline=None)
def test_convolutions_too_large_to_be_done_at_once(case: Case, data: st.DataObject) -> None:
    from convmath.numeric import values

    fields = {key: case.fields[key] for key in ("kernel_size", "stride", "dilation", "padding")}
    x = image(case.shape)
    net = network(case.shape, {"conv": {"out_channels": data.draw(st.integers(1, 3)), **fields}})
    at_once = run(net, x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "AT_ONCE", 0)
        tap_by_tap = run(net, x)

    np.testing.assert_allclose(tap_by_tap, at_once, rtol=1e-12, atol=1e-12)


@given(windowed(channels=2))
@settings(max_examples=100, deadline=None)
def test_padding_same_at_stride_1(case: Case) -> None:
    fields = {"kernel_size": case.fields["kernel_size"], "dilation": case.fields["dilation"]}
    weight = image([3, 2, *fields["kernel_size"]], 1)
    x = image(case.shape)
    layer = {"conv": {"name": "c", "out_channels": 3, "bias": False, "padding": "same", **fields}}

    ours = run(network(case.shape, layer), x, {"c": {"weight": weight}})

    # PyTorch warns where it has to pad unevenly; padding by hand what its documentation says is the same.
    padding = [
        [d * (k - 1) // 2, -(-d * (k - 1) // 2)] for d, k in zip(fields["dilation"], fields["kernel_size"], strict=True)
    ]
    theirs = functional("conv{}d", case.rank)(
        torch_pad(batch(x), padding, "zeros"), batch(weight)[0], dilation=fields["dilation"]
    )
    agree(ours, theirs)


@given(windowed(channels=1))
@settings(max_examples=100, deadline=None)
def test_padding_same_as_tensorflow_defines_it(case: Case) -> None:
    """``out = ceil(x / s)`` and ``pad = max((out - 1)·s + K - x, 0)``, the surplus after."""
    fields = {key: case.fields[key] for key in ("kernel_size", "stride", "dilation")}
    weight = image([1, 1, *fields["kernel_size"]], 1)
    x = image(case.shape)

    ours = run(
        network(case.shape, {"conv": {"name": "c", "out_channels": 1, "bias": False, "padding": "same", **fields}}),
        x,
        {"c": {"weight": weight}},
    )

    padding = []
    for size, kernel, stride, dilation in zip(case.shape[1:], *fields.values(), strict=True):
        total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        padding.append([total // 2, total - total // 2])
    theirs = functional("conv{}d", case.rank)(
        torch_pad(batch(x), padding, "zeros"), batch(weight)[0], None, fields["stride"], 0, fields["dilation"]
    )
    assert ours.shape[1:] == tuple(
        -(-size // stride) for size, stride in zip(case.shape[1:], fields["stride"], strict=True)
    )
    agree(ours, theirs)


@given(convolutions())
@settings(max_examples=100, deadline=None)
def test_locally_connected_layers(case: Case) -> None:
    import torch

    fields, groups = case.fields, case.fields["groups"]
    x = image(case.shape)
    windows = torch_pad(batch(x), fields["padding"], fields["padding_mode"])[0]
    for axis, (kernel, stride, dilation) in enumerate(
        zip(*(fields[key] for key in ("kernel_size", "stride", "dilation")), strict=True), start=1
    ):
        windows = windows.unfold(axis, dilation * (kernel - 1) + 1, stride)[..., ::dilation]
    weight = image([fields["out_channels"], case.shape[0] // groups, *windows.shape[1:]], 1)
    bias = image([fields["out_channels"], *windows.shape[1 : 1 + case.rank]], 2)

    ours = run(
        network(case.shape, {"locally_connected": {"name": "l", **fields}}), x, {"l": {"weight": weight, "bias": bias}}
    )

    products = windows.reshape(groups, 1, -1, *windows.shape[1:]) * torch.from_numpy(weight).reshape(
        groups, -1, *weight.shape[1:]
    )
    summed = products.sum(dim=(2, *range(-case.rank, 0)))
    agree(ours, (summed.reshape(bias.shape) + torch.from_numpy(bias))[None])


@given(case=windowed(channels=2, pooling=True), ceil_mode=st.booleans())
@settings(max_examples=300, deadline=None)
def test_max_pooling(case: Case, *, ceil_mode: bool) -> None:
    fields, x = case.fields, image(case.shape)
    padding = [pair[0] for pair in fields["padding"]]

    ours = run(network(case.shape, {"max_pool": {"ceil_mode": ceil_mode, **fields}}), x)

    theirs = functional("max_pool{}d", case.rank)(
        batch(x), fields["kernel_size"], fields["stride"], padding, fields["dilation"], ceil_mode=ceil_mode
    )
    agree(ours, theirs)


@given(case=windowed(channels=2, pooling=True, dilated=False), ceil_mode=st.booleans(), count_include_pad=st.booleans())
@settings(max_examples=300, deadline=None)
def test_average_pooling(case: Case, *, ceil_mode: bool, count_include_pad: bool) -> None:
    fields, x = case.fields, image(case.shape)
    padding = [pair[0] for pair in fields["padding"]]
    # PyTorch's avg_pool3d refuses an unpadded input smaller than the kernel, avg_pool1d and 2d do not.
    assume(
        case.rank < 3 or all(size >= kernel for size, kernel in zip(case.shape[1:], fields["kernel_size"], strict=True))
    )

    ours = run(
        network(case.shape, {"avg_pool": {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad, **fields}}), x
    )

    theirs = functional("avg_pool{}d", case.rank)(
        batch(x), fields["kernel_size"], fields["stride"], padding, ceil_mode, count_include_pad
    )
    agree(ours, theirs)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3), st.sampled_from(["avg", "max"])
)
@settings(max_examples=100, deadline=None)
def test_adaptive_pooling(axes: list[tuple[int, int]], kind: str) -> None:
    shape, sizes = [2, *(size for size, _ in axes)], [count for _, count in axes]
    x = image(shape)

    ours = run(network(shape, {f"adaptive_{kind}_pool": {"output_size": sizes}}), x)

    agree(ours, functional(f"adaptive_{kind}_pool{{}}d", len(axes))(batch(x), sizes))


@given(st.integers(1, 7), st.integers(1, 9), st.floats(0, 2), st.floats(0.1, 2), st.floats(0.5, 3))
@settings(max_examples=100, deadline=None)
def test_local_response_norm(channels: int, size: int, alpha: float, beta: float, k: float) -> None:
    import torch

    x = image([channels, 2, 3])

    ours = run(
        network([channels, 2, 3], {"local_response_norm": {"size": size, "alpha": alpha, "beta": beta, "k": k}}), x
    )

    agree(ours, torch.nn.functional.local_response_norm(batch(x), size, alpha, beta, k))


@given(rank=st.integers(1, 3), affine=st.booleans())
@settings(deadline=None)
def test_batch_norm(rank: int, *, affine: bool) -> None:
    import torch

    shape = [3, *range(2, 2 + rank)]
    x, mean, scale, shift = image(shape), image([3], 1), image([3], 2), image([3], 3)
    variance = np.array([0.5, 1.0, 2.5])
    weights = {"running_mean": mean, "running_var": variance} | ({"weight": scale, "bias": shift} if affine else {})

    ours = run(network(shape, {"batch_norm": {"name": "n", "affine": affine, "eps": 0.01}}), x, {"n": weights})

    mean, variance, scale, shift = map(torch.from_numpy, (mean, variance, scale, shift))
    learned = (scale, shift) if affine else (None, None)
    agree(ours, torch.nn.functional.batch_norm(batch(x), mean, variance, *learned, eps=0.01))


def test_dense_layers() -> None:
    import torch

    x, weight, bias = image([7]), image([4, 7], 1), image([4], 2)

    ours = run(network([7], {"dense": {"name": "d", "out_features": 4}}), x, {"d": {"weight": weight, "bias": bias}})

    agree(ours, torch.nn.functional.linear(batch(x), torch.from_numpy(weight), torch.from_numpy(bias)))


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("shape", [[5], [5, 3], [4, 2, 3]])
def test_activations(kind: str, shape: list[int]) -> None:
    fields, name, settings_ = ACTIVATIONS[kind]
    x = image(shape) * 3

    ours = run(network(shape, {kind: fields} if fields else kind), x)

    agree(ours, functional(name, 0)(batch(x), **settings_))


@pytest.mark.parametrize("kind", [*ACTIVATIONS, "prelu"])
def test_activations_far_from_zero(kind: str) -> None:
    x = np.array([-1e4, -40.0, 0.0, 40.0, 1e4])

    ours = run(network([5], kind), x)

    assert np.isfinite(ours).all()
    if kind in ACTIVATIONS and not ACTIVATIONS[kind][0]:
        agree(ours, functional(ACTIVATIONS[kind][1], 0)(batch(x), **ACTIVATIONS[kind][2]))


@pytest.mark.parametrize("count", [1, 3])
def test_prelu(count: int) -> None:
    import torch

    x, slope = image([3, 4]), image([count], 1)

    ours = run(network([3, 4], {"prelu": {"name": "p", "num_parameters": count}}), x, {"p": {"weight": slope}})

    agree(ours, torch.nn.functional.prelu(batch(x), torch.from_numpy(slope)))


@given(
    st.lists(st.tuples(st.integers(2, 6), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=3),
    st.sampled_from(MODES),
)
@settings(deadline=None)
def test_padding(axes: list[tuple[int, int, int]], mode: str) -> None:
    assume(mode not in ("reflect", "circular") or all(max(before, after) < size for size, before, after in axes))
    shape, padding = [2, *(size for size, _, _ in axes)], [[before, after] for _, before, after in axes]
    x = image(shape)

    ours = run(network(shape, {"pad": {"amount": padding, "mode": mode}}), x)

    agree(ours, torch_pad(batch(x), padding, mode))


@pytest.mark.parametrize("kind", ["dropout", "identity"])
def test_layers_that_keep_everything(kind: str) -> None:
    x = image([2, 3])

    assert (run(network([2, 3], kind), x) == x).all()


def test_flatten() -> None:
    x = image([2, 3, 4])

    agree(run(network([2, 3, 4], "flatten"), x), batch(x).flatten(1))


def test_every_activation_is_compared() -> None:
    kinds = {cls.kind for cls in core_kinds() if cls.__module__ == "convmath.spec.activation"}

    assert kinds == {*ACTIVATIONS, "prelu", "glu", "rescaling"}
