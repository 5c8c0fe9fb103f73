"""The kernels of pooling: by windows, and to a fixed size."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from convmath.numeric.array import Array
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit
from convmath.numeric.values import Values
from convmath.numeric.weights import Weights
from convmath.numeric.window import amounts, slide, taps
from convmath.spec.fields import SAME
from convmath.spec.layer import Window
from convmath.spec.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    ChannelAvgPool,
    ChannelMaxPool,
    LpPool,
    MaxPool,
)


@kernel(MaxPool)
def max_pool(layer: MaxPool, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the largest element of every window; padding is smaller than anything.

    Where dilation lets a window straddle the whole image, nothing but padding is left,
    and minus infinity comes out, as from PyTorch; of integers the least there is.
    """
    check_padding(layer.windows)
    return slide(x, layer.windows, "nothing", overrun=layer.ceil_mode).maximum(taps(layer.windows))


@kernel(AvgPool)
def avg_pool(layer: AvgPool, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the sum of every window over the number of its elements that count."""
    check_padding(layer.windows)
    sizes = x.shape[1:]
    sums = slide(x, layer.windows, "zeros", overrun=layer.ceil_mode).sum(taps(layer.windows))
    return sums.over(lambda: _counted(layer, sizes))


@kernel(LpPool)
def lp_pool(layer: LpPool, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the n-th root of the sum of n-th powers of every window."""
    check_padding(layer.windows)
    powers = x.apply(lambda x: np.abs(x) ** layer.norm_type)
    sums = slide(powers, layer.windows, "zeros", overrun=layer.ceil_mode).sum(taps(layer.windows))
    return sums.apply(lambda total: total ** (1 / layer.norm_type))


def check_padding(windows: tuple[Window, ...]) -> None:
    """Refuse padding as large as the window, which could then hold nothing else."""
    for axis, window in enumerate(windows):
        most = max(amounts(window.padding)) if window.padding != SAME else 0
        if most >= whole(window.extent):
            message = f"axis {axis}: padding {most} must be less than the window's extent {window.extent}"
            raise Misfit("bad-padding", message, "a window of nothing but padding has no value")


def _counted(layer: AvgPool, sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """Return how many elements of every window count: those of the padded image, or only those of the image.

    What lies behind the padded image (ceil mode) never counts. Slid over an image of
    ones, whose padding repeats them or is zero, the window finds its own divisor.
    """
    ones = Values(np.ones((1, *sizes), dtype=np.int64))
    mode = "replicate" if layer.count_include_pad else "zeros"
    counted = slide(ones, layer.windows, mode, overrun=layer.ceil_mode).sum(taps(layer.windows)).planes[0]
    if not counted.all():
        where = ", ".join(str(index) for index in np.argwhere(counted == 0)[0][1:])
        message = f"the window at ({where}) holds nothing but padding, which has no mean"
        raise Misfit("empty-window", message, "set count_include_pad, or pad less")
    return counted


@kernel(AdaptiveMaxPool)
def adaptive_max_pool(layer: AdaptiveMaxPool, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the largest element of each of ``output_size`` windows."""
    sizes = tuple(map(whole, layer.output_size))
    first, *others = (window.maximum(spatial(window)) for window in _even_windows(x, sizes))
    return first.stacked(others).reshape((-1, *sizes))


@kernel(AdaptiveAvgPool)
def adaptive_avg_pool(layer: AdaptiveAvgPool, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the mean of each of ``output_size`` windows."""
    sizes = tuple(map(whole, layer.output_size))
    first, *others = (_mean(window) for window in _even_windows(x, sizes))
    return first.stacked(others).reshape((-1, *sizes))


def spatial(x: Array) -> tuple[int, ...]:
    """Return all axes but that of the channels."""
    return tuple(range(1, len(x.shape)))


def _mean(window: Array) -> Array:
    return window.sum(spatial(window)).over(lambda: np.asarray(prod(window.shape[1:])))


def _even_windows(x: Array, sizes: tuple[int, ...]) -> list[Array]:
    """Return the windows of adaptive pooling in order: the i-th of m is ``⌊i·x/m⌋`` up to ``⌈(i + 1)·x/m⌉``."""
    along = [
        [slice(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
        for size, count in zip(x.shape[1:], sizes, strict=True)
    ]
    return [x[(slice(None), *window)] for window in product(*along)]


@kernel(ChannelMaxPool)
def channel_max_pool(layer: ChannelMaxPool, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the largest element of all channels."""
    return x.maximum((0,)).reshape((1, *x.shape[1:]))


@kernel(ChannelAvgPool)
def channel_avg_pool(layer: ChannelAvgPool, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the mean of all channels."""
    return x.sum((0,)).over(lambda: np.asarray(x.shape[0])).reshape((1, *x.shape[1:]))
