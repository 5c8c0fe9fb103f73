"""The identities of docs/identities.md: layers that are the same, element by element, on random integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import convmath as cm

Fields = dict[str, Any]
sizes = st.tuples(st.integers(3, 6), st.integers(3, 6))
kernels = st.tuples(st.integers(1, 3), st.integers(1, 3))
seeds = st.integers(0, 10**6)


def numbers(seed: int, *shape: int) -> np.ndarray:
    """Return random integers, with which every identity is exact."""
    return np.random.default_rng([seed, *shape]).integers(-9, 10, shape)


def output(layer: Any, x: np.ndarray, **weights: np.ndarray) -> np.ndarray:
    """Return what one layer makes of an image with these weights."""
    net = cm.stack(layer, input=x.shape, symbols={})
    return cm.run(net, x, {net.nodes[0].name: weights} if weights else None)


@given(st.integers(1, 3), st.integers(1, 3), sizes, kernels, seeds)
def test_grouped_with_one_group_is_the_convolution(
    channels: int, out: int, size: tuple[int, int], kernel: tuple[int, int], seed: int
) -> None:
    x, weight, bias = numbers(seed, channels, *size), numbers(seed, out, channels, *kernel), numbers(seed, out)
    plain, grouped = cm.Conv(out, list(kernel)), cm.Conv(out, list(kernel), groups=1)

    assert np.array_equal(output(plain, x, weight=weight, bias=bias), output(grouped, x, weight=weight, bias=bias))


@given(st.integers(2, 3), st.integers(1, 2), st.integers(1, 2), sizes, kernels, seeds)
def test_grouped_is_a_convolution_of_each_group(
    groups: int, channels: int, out: int, size: tuple[int, int], kernel: tuple[int, int], seed: int
) -> None:
    x, weight = numbers(seed, groups * channels, *size), numbers(seed, groups * out, channels, *kernel)

    whole = output(cm.Conv(groups * out, list(kernel), groups=groups, bias=False), x, weight=weight)

    parts = [
        output(
            cm.Conv(out, list(kernel), bias=False),
            x[n * channels : (n + 1) * channels],
            weight=weight[n * out : (n + 1) * out],
        )
        for n in range(groups)
    ]
    assert np.array_equal(whole, np.concatenate(parts))


@given(st.integers(1, 4), st.integers(1, 2), sizes, kernels, seeds)
def test_depthwise_is_grouped_with_as_many_groups_as_channels(
    channels: int, multiplier: int, size: tuple[int, int], kernel: tuple[int, int], seed: int
) -> None:
    x, weight = numbers(seed, channels, *size), numbers(seed, channels * multiplier, 1, *kernel)

    depthwise = output(cm.DepthwiseConv(list(kernel), multiplier=multiplier, bias=False), x, weight=weight)

    grouped = cm.Conv(channels * multiplier, list(kernel), groups=channels, bias=False)
    assert np.array_equal(depthwise, output(grouped, x, weight=weight))


@given(st.integers(1, 3), st.integers(1, 3), sizes, kernels, seeds)
def test_separable_is_depthwise_then_pointwise_and_one_full_kernel(
    channels: int, out: int, size: tuple[int, int], kernel: tuple[int, int], seed: int
) -> None:
    x, first, second = (
        numbers(seed, channels, *size),
        numbers(seed, channels, 1, *kernel),
        numbers(seed, out, channels, 1, 1),
    )
    net = cm.stack(cm.SeparableConv(out, list(kernel), bias=False, name="s"), input=x.shape)

    separable = cm.run(net, x, {"s.depthwise": {"weight": first}, "s.pointwise": {"weight": second}})

    steps = output(
        cm.PointwiseConv(out, bias=False),
        output(cm.DepthwiseConv(list(kernel), bias=False), x, weight=first),
        weight=second,
    )
    full = output(cm.Conv(out, list(kernel), bias=False), x, weight=second * first[:, 0][None])
    assert np.array_equal(separable, steps)
    assert np.array_equal(separable, full)


@st.composite
def strided(draw: st.DrawFn) -> Fields:
    """Draw a convolution's fields such that every element of the input is within a window."""
    kernel, stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    padding = draw(st.integers(0, dilation * (kernel - 1)))
    return {"kernel_size": kernel, "stride": stride, "dilation": dilation, "padding": padding}


@given(strided(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(4, 9), seeds)
def test_transposed_is_the_adjoint(fields: Fields, channels: int, out: int, groups: int, size: int, seed: int) -> None:
    """<A x, y> = <x, At y>, where the output padding keeps what the convolution's floor left over."""
    channels, out = channels * groups, out * groups
    reach = fields["dilation"] * (fields["kernel_size"] - 1)
    size = max(size, reach + 1)
    kept = (size + 2 * fields["padding"] - reach - 1) % fields["stride"]
    weight = numbers(seed, out, channels // groups, *[fields["kernel_size"]] * 2)
    x = numbers(seed, channels, size, size)
    forward = output(cm.Conv(out, groups=groups, bias=False, **fields), x, weight=weight)
    y = numbers(seed + 1, *forward.shape)

    back = output(
        cm.ConvTranspose(channels, groups=groups, output_padding=kept, bias=False, **fields), y, weight=weight
    )

    assert back.shape == x.shape
    assert (forward * y).sum() == (x * back).sum()


@given(strided(), st.integers(1, 2), st.integers(1, 2), sizes, seeds)
def test_transposed_is_zero_insertion_and_a_convolution(
    fields: Fields, channels: int, out: int, size: tuple[int, int], seed: int
) -> None:
    """Zeros between, d(k - 1) - p around, the kernel turned around, in and out exchanged."""
    kernel, stride, dilation, padding = (fields[each] for each in ("kernel_size", "stride", "dilation", "padding"))
    x, weight = numbers(seed, channels, *size), numbers(seed, channels, out, kernel, kernel)
    spread = np.zeros((channels, *(stride * (each - 1) + 1 for each in size)), dtype=np.int64)
    spread[:, ::stride, ::stride] = x
    turned = weight[:, :, ::-1, ::-1].swapaxes(0, 1)
    around = dilation * (kernel - 1) - padding
    try:
        transposed = output(cm.ConvTranspose(out, bias=False, **fields), x, weight=weight)
    except cm.SpecError:  # all of it is cropped, and no window fits
        spans = dilation * (kernel - 1)
        assert min(spread.shape[1:]) + 2 * around <= spans
        return

    plain = cm.Conv(out, kernel, dilation=dilation, padding=around, bias=False)

    assert np.array_equal(transposed, output(plain, spread, weight=turned))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(7, 9), seeds)
def test_dilation_is_a_kernel_with_zeros(kernel: int, dilation: int, size: int, seed: int) -> None:
    x, weight = numbers(seed, 2, size, size), numbers(seed, 3, 2, kernel, kernel)
    extent = dilation * (kernel - 1) + 1
    wide = np.zeros((3, 2, extent, extent), dtype=np.int64)
    wide[:, :, ::dilation, ::dilation] = weight

    dilated = output(cm.Conv(3, kernel, dilation=dilation, bias=False), x, weight=weight)

    assert np.array_equal(dilated, output(cm.Conv(3, extent, bias=False), x, weight=wide))


@given(strided(), st.integers(1, 2), st.integers(5, 8), seeds)
def test_deformable_without_offsets_is_the_convolution(fields: Fields, groups: int, size: int, seed: int) -> None:
    kernel = fields["kernel_size"]
    x, weight = numbers(seed, 2 * groups, size, size), numbers(seed, groups, 2, kernel, kernel)
    still = np.zeros((groups, kernel, kernel))
    common = {"groups": groups, "bias": False, **fields}

    deformed = output(
        cm.DeformableConv(groups, offset_groups=groups, max_offset=0, **common),
        x,
        weight=weight,
        offset_1=still,
        offset_2=still,
    )

    assert np.array_equal(deformed, output(cm.Conv(groups, **common), x, weight=weight))


@given(st.integers(-2, 2), st.integers(-2, 2), seeds)
def test_deformable_with_whole_offsets_is_the_convolution_of_a_shifted_image(down: int, right: int, seed: int) -> None:
    x, weight = numbers(seed, 1, 9, 9), numbers(seed, 1, 1, 2, 2)
    moves = {"offset_1": np.full((1, 2, 2), down), "offset_2": np.full((1, 2, 2), right)}

    deformed = output(cm.DeformableConv(1, 2, bias=False, max_offset=2), x, weight=weight, **moves)

    plain = output(cm.Conv(1, 2, bias=False), x, weight=weight)
    inside = slice(2, 6)
    assert np.array_equal(deformed[:, inside, inside], plain[:, 2 + down : 6 + down, 2 + right : 6 + right])


@given(st.integers(1, 4), st.integers(1, 4), sizes, seeds)
def test_pointwise_is_a_dense_layer_at_every_pixel(channels: int, out: int, size: tuple[int, int], seed: int) -> None:
    x, weight, bias = numbers(seed, channels, *size), numbers(seed, out, channels), numbers(seed, out)

    pointwise = output(cm.PointwiseConv(out), x, weight=weight[:, :, None, None], bias=bias)

    for row, column in np.ndindex(*size):
        assert np.array_equal(
            pointwise[:, row, column], output(cm.Dense(out), x[:, row, column], weight=weight, bias=bias)
        )


@given(st.integers(1, 3), st.integers(1, 4), sizes, seeds)
def test_a_dense_layer_is_a_convolution_as_large_as_the_image(
    channels: int, out: int, size: tuple[int, int], seed: int
) -> None:
    x, weight, bias = numbers(seed, channels, *size), numbers(seed, out, channels, *size), numbers(seed, out)

    convolved = output(cm.Conv(out, list(size)), x, weight=weight, bias=bias)

    dense = output(cm.Dense(out), x.reshape(-1), weight=weight.reshape(out, -1), bias=bias)
    assert np.array_equal(convolved.reshape(-1), dense)


def both(layer: Any, x: np.ndarray, shift: tuple[int, int], **weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shifted output, and the output of the shifted image."""
    return np.roll(output(layer, x, **weights), shift, (1, 2)), output(layer, np.roll(x, shift, (1, 2)), **weights)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 3), seeds)
def test_a_convolution_commutes_with_shifts(down: int, right: int, kernel: int, seed: int) -> None:
    """On a ring, where nothing is lost at the border; with zeros it holds away from the border."""
    x, weight = numbers(seed, 2, 6, 6), numbers(seed, 3, 2, kernel, kernel)
    layer = cm.Conv(3, kernel, padding="same", padding_mode="circular", bias=False)

    assert np.array_equal(*both(layer, x, (down, right), weight=weight))


def test_a_locally_connected_layer_does_not_commute_with_shifts() -> None:
    x, weight = numbers(0, 1, 6, 6), numbers(1, 1, 1, 6, 6, 3, 3)
    layer = cm.LocallyConnected(1, 3, padding="same", padding_mode="circular", bias=False)

    assert not np.array_equal(*both(layer, x, (1, 0), weight=weight))


def test_with_the_same_weights_everywhere_it_does_and_is_the_convolution() -> None:
    x, weight = numbers(0, 1, 6, 6), numbers(1, 1, 1, 3, 3)
    everywhere = np.broadcast_to(weight[:, :, None, None], (1, 1, 6, 6, 3, 3))
    fields = {"padding": "same", "padding_mode": "circular", "bias": False}

    assert np.array_equal(*both(cm.LocallyConnected(1, 3, **fields), x, (2, 1), weight=everywhere))
    assert np.array_equal(
        output(cm.LocallyConnected(1, 3, **fields), x, weight=everywhere),
        output(cm.Conv(1, 3, **fields), x, weight=weight),
    )


def test_a_strided_convolution_commutes_with_shifts_by_the_stride_only() -> None:
    x, weight = numbers(0, 1, 8, 8), numbers(1, 1, 1, 3, 3)
    layer = cm.stack(
        cm.Pad([[0, 2], [0, 2]], mode="circular"), cm.Conv(1, 3, stride=2, bias=False, name="c"), input=x.shape
    )

    plain = cm.run(layer, x, {"c": {"weight": weight}})
    by_two = cm.run(layer, np.roll(x, (2, 0), (1, 2)), {"c": {"weight": weight}})
    by_one = cm.run(layer, np.roll(x, (1, 0), (1, 2)), {"c": {"weight": weight}})

    assert np.array_equal(by_two, np.roll(plain, (1, 0), (1, 2)))
    assert not any(np.array_equal(by_one, np.roll(plain, (step, 0), (1, 2))) for step in range(4))
