"""The kernels of layers that reorder."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from convmath.numeric.array import Array
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit
from convmath.numeric.weights import Weights
from convmath.spec.shuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle


@kernel(PixelShuffle)
def pixel_shuffle(layer: PixelShuffle, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return blocks of channels as blocks of pixels: (c·r·r, H, W) as c, H, r, W, r."""
    factors = tuple(map(whole, layer.upscale_factor))
    rank = len(factors)
    if x.shape[0] % prod(factors):
        raise Misfit("not-divisible", f"{x.shape[0]} channels make no blocks of {prod(factors)} pixels")
    x = x.reshape((-1, *factors, *x.shape[1:]))
    pairs = [place for axis in range(rank) for place in (1 + rank + axis, 1 + axis)]
    x = x.transpose((0, *pairs)).copied()
    for axis in range(rank):
        x = x.merge(1 + axis)
    return x


@kernel(PixelUnshuffle)
def pixel_unshuffle(layer: PixelUnshuffle, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return blocks of pixels as blocks of channels: every r-th pixel from each place in turn."""
    factors = tuple(map(whole, layer.downscale_factor))
    for axis, (factor, size) in enumerate(zip(factors, x.shape[1:], strict=True)):
        if size % factor:
            raise Misfit("not-divisible", f"axis {axis}: {size} pixels make no blocks of {factor}")
    first, *others = (
        x[(slice(None), *(slice(at, None, factor) for at, factor in zip(place, factors, strict=True)))]
        for place in product(*map(range, factors))
    )
    order = np.arange(prod(factors) * x.shape[0]).reshape((-1, x.shape[0]))
    return first.followed_by(others).take(0, order.T.reshape(-1))


@kernel(ChannelShuffle)
def channel_shuffle(layer: ChannelShuffle, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the first channel of every group, then the second of every group, and so on."""
    groups = whole(layer.groups)
    if x.shape[0] % groups:
        raise Misfit("not-divisible", f"{groups} groups do not divide the {x.shape[0]} channels that arrive")
    shuffled = x.reshape((groups, -1, *x.shape[1:])).transpose((1, 0, *range(2, len(x.shape) + 1))).copied()
    return shuffled.reshape(x.shape)
