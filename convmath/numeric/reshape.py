"""The kernels of layers that move or keep data and compute nothing."""

from __future__ import annotations

from convmath.numeric.array import Array
from convmath.numeric.kernels import kernel
from convmath.numeric.weights import Weights
from convmath.numeric.window import amounts, pad_image
from convmath.spec.reshape import Dropout, Flatten, Identity, Padding


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


@kernel(Dropout)
def dropout(layer: Dropout, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the input: in use, nothing is dropped."""
    return x


@kernel(Identity)
def identity(layer: Identity, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the input."""
    return x
