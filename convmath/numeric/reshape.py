"""The kernels of layers that move or keep data and compute nothing."""

from __future__ import annotations

from math import prod

from convmath.numeric.array import Array
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit, show_shape
from convmath.numeric.weights import Weights
from convmath.numeric.window import amounts, pad_image
from convmath.spec.reshape import Crop, Dropout, Flatten, Identity, Padding, Reshape, SliceChannels


@kernel(Flatten)
def flatten(layer: Flatten, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the elements as a vector: channel by channel, row by row."""
    return x.reshape((-1,))


@kernel(Reshape)
def reshape(layer: Reshape, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the elements in their order as another image."""
    shape = tuple(map(whole, layer.shape))
    if prod(shape) != x.size:
        raise Misfit("bad-shape", f"{show_shape(shape)} has {prod(shape)} elements, but {x.size} arrive")
    return x.regrouped(shape)


@kernel(SliceChannels)
def slice_channels(layer: SliceChannels, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return some of the channels, in memory of their own."""
    start, stop = map(whole, layer.channels)
    if not start < stop <= x.shape[0]:
        raise Misfit("bad-size", f"there are no channels [{start}, {stop}] among {x.shape[0]}")
    return x[(slice(start, stop),)].copied()


@kernel(Padding)
def pad(layer: Padding, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the image with elements put around it."""
    for axis, amount in enumerate(layer.amount):
        x = pad_image(x, axis, amounts(amount), layer.mode)
    return x


@kernel(Crop)
def crop(layer: Crop, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the image without what stands at its borders."""
    for axis, amount in enumerate(layer.amount):
        x = crop_image(x, axis, amounts(amount))
    return x.copied()


def crop_image(x: Array, axis: int, amount: tuple[int, int]) -> Array:
    """Return the view of an image without some elements at the borders of a spatial axis; one must be left."""
    if sum(amount) >= x.shape[axis + 1]:
        message = f"axis {axis}: {sum(amount)} elements are cropped, but there are {x.shape[axis + 1]}"
        raise Misfit("nothing-left", message, "crop less, or use a larger input")
    return x.cut(axis + 1, amount)


@kernel(Dropout)
def dropout(layer: Dropout, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the input: in use, nothing is dropped."""
    return x


@kernel(Identity)
def identity(layer: Identity, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the input."""
    return x
