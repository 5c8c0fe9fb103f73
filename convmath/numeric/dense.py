"""The kernel of fully connected layers."""

from __future__ import annotations

from convmath.numeric.array import Array
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit, show_shape
from convmath.numeric.weights import Weights
from convmath.spec.dense import Dense


@kernel(Dense)
def dense(layer: Dense, weights: Weights, x: Array) -> Array:
    """Return ``y[k] = b[k] + Σ_n x[n] · w[k, n]``."""
    if len(x.shape) > 1:
        message = f"it takes a vector, but an image of {show_shape(x.shape)} arrives"
        raise Misfit("not-a-vector", message, "put 'flatten' before it")
    outputs = whole(layer.out_features)
    y = x.reshape((1, -1)).inner(weights.parameter("weight", (outputs, *x.shape)), (1,))
    if layer.bias:
        y = y + weights.parameter("bias", (outputs,))
    return y
