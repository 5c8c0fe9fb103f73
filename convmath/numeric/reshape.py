"""The kernels of layers that move or keep data and compute nothing."""

from __future__ import annotations

from convmath.numeric.array import Array
from convmath.numeric.kernels import kernel
from convmath.numeric.misfit import Misfit
from convmath.numeric.weights import Weights
from convmath.numeric.window import amounts, pad_image
from convmath.spec.reshape import Crop, Dropout, Flatten, Identity, Padding


@kernel(Flatten)
def flatten(layer: Flatten, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the elements as a vector: channel by channel, row by row."""
    return x.reshape((-1,))


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
