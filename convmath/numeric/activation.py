"""The kernels of activations: NumPy functions, one operation per element whatever the function.

They are written so that no intermediate value overflows where the result does not.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf, pi
from typing import Any

import numpy as np

from convmath.numeric.array import Array, Plane
from convmath.numeric.kernels import kernel, per_channel, whole
from convmath.numeric.misfit import Misfit
from convmath.numeric.weights import Weights
from convmath.spec import activation as spec

Function = Callable[[Any, Plane], Plane]

ERF = np.frompyfunc(erf, 1, 1)
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def function(layer_type: type, *, exact: bool = False, along: tuple[int, ...] = ()) -> Callable[[Function], Function]:
    """Register a function of the layer and its numbers as a kernel; only where *exact* integers stay integers."""

    def register(formula: Function) -> Function:
        @kernel(layer_type)
        def apply(layer: Any, weights: Weights, x: Array) -> Array:  # noqa: ARG001
            return x.apply(lambda x: formula(layer, x if exact else real(x)), along=along)

        return formula

    return register


def real(x: Plane) -> Plane:
    """Return numbers as floats."""
    return x if x.dtype.kind == "f" else x.astype(np.float64)


@function(spec.Relu, exact=True)
def relu(layer: spec.Relu, x: Plane) -> Plane:  # noqa: ARG001
    """Return ``max(x, 0)``."""
    return np.maximum(x, 0)


@function(spec.Relu6, exact=True)
def relu6(layer: spec.Relu6, x: Plane) -> Plane:  # noqa: ARG001
    """Return ``min(max(x, 0), 6)``."""
    return np.minimum(np.maximum(x, 0), 6)


@function(spec.HardTanh, exact=True)
def hard_tanh(layer: spec.HardTanh, x: Plane) -> Plane:
    """Return ``min(max(x, min_val), max_val)``; integers stay integers between bounds that are."""
    low, high = (int(each) if each.is_integer() else each for each in (layer.min_val, layer.max_val))
    return np.minimum(np.maximum(x, low), high)


@function(spec.LeakyRelu)
def leaky_relu(layer: spec.LeakyRelu, x: Plane) -> Plane:
    """Return ``x``, times ``negative_slope`` below zero."""
    return np.where(x > 0, x, layer.negative_slope * x)


@kernel(spec.Prelu)
def prelu(layer: spec.Prelu, weights: Weights, x: Array) -> Array:
    """Return ``x``, times a learned slope below zero."""
    count = whole(layer.num_parameters)
    if count not in (1, x.shape[0]):
        raise Misfit("bad-size", f"{count} slopes for {x.shape[0]} channels: there must be one, or one per channel")
    slope = weights.parameter("weight", (count,), around=layer.init, spread=0.0).reshape(per_channel(x))
    return x.apply(lambda x, slope: np.where(x > 0, x, slope * x), slope)


@function(spec.Elu)
def elu(layer: spec.Elu, x: Plane) -> Plane:
    """Return ``x``, below zero ``alpha · (exp(x) − 1)``."""
    return np.where(x > 0, x, layer.alpha * np.expm1(np.minimum(x, 0)))


@function(spec.Selu)
def selu(layer: spec.Selu, x: Plane) -> Plane:  # noqa: ARG001
    """Return the self-normalising exponential unit: an ``elu``, scaled."""
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


@function(spec.Celu)
def celu(layer: spec.Celu, x: Plane) -> Plane:
    """Return ``x``, below zero ``alpha · (exp(x/alpha) − 1)``."""
    return np.where(x > 0, x, layer.alpha * np.expm1(np.minimum(x, 0) / layer.alpha))


@function(spec.Gelu)
def gelu(layer: spec.Gelu, x: Plane) -> Plane:
    """Return ``x · Φ(x)`` with ``Φ(x) = (1 + erf(x/√2))/2``, or ``(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2`` for it."""
    if layer.approximate == "tanh":
        return np.asarray(x * (1 + np.tanh((2 / pi) ** 0.5 * (x + 0.044715 * x**3))) / 2)
    normal: Plane = (1 + np.asarray(ERF(x / 2**0.5), dtype=x.dtype)) / 2
    return np.multiply(x, normal)


@function(spec.Silu)
def silu(layer: spec.Silu, x: Plane) -> Plane:  # noqa: ARG001
    """Return ``x · sigmoid(x)``."""
    return np.multiply(x, logistic(x))


@function(spec.Mish)
def mish(layer: spec.Mish, x: Plane) -> Plane:  # noqa: ARG001
    """Return ``x · tanh(log(1 + exp(x)))``."""
    return x * np.tanh(log_exp(x))


@function(spec.Softplus)
def softplus(layer: spec.Softplus, x: Plane) -> Plane:
    """Return ``log(1 + exp(beta·x)) / beta``."""
    return log_exp(layer.beta * x) / layer.beta


@function(spec.Sigmoid)
def sigmoid(layer: spec.Sigmoid, x: Plane) -> Plane:  # noqa: ARG001
    """Return ``1 / (1 + exp(−x))``."""
    return logistic(x)


@function(spec.Tanh)
def tanh(layer: spec.Tanh, x: Plane) -> Plane:  # noqa: ARG001
    """Return the hyperbolic tangent."""
    return np.tanh(x)


@function(spec.LogSigmoid)
def log_sigmoid(layer: spec.LogSigmoid, x: Plane) -> Plane:  # noqa: ARG001
    """Return ``−log(1 + exp(−x))``."""
    return -log_exp(-x)


@function(spec.Softsign)
def softsign(layer: spec.Softsign, x: Plane) -> Plane:  # noqa: ARG001
    """Return ``x / (1 + |x|)``."""
    return np.asarray(x / (1 + np.abs(x)))


@function(spec.Rescaling)
def rescaling(layer: spec.Rescaling, x: Plane) -> Plane:
    """Return ``scale·x + offset``."""
    return np.asarray(layer.scale * x + layer.offset)


@function(spec.HardSigmoid)
def hard_sigmoid(layer: spec.HardSigmoid, x: Plane) -> Plane:
    """Return ``min(max(alpha·x + beta, 0), 1)``."""
    return np.clip(layer.alpha * x + layer.beta, 0, 1)


@function(spec.HardSwish)
def hard_swish(layer: spec.HardSwish, x: Plane) -> Plane:  # noqa: ARG001
    """Return ``x`` times the hard sigmoid of ``x``."""
    return np.multiply(x, np.clip(x / 6 + 0.5, 0, 1))


@function(spec.Softmax, along=(0,))
def softmax(layer: spec.Softmax, x: Plane) -> Plane:
    """Return ``exp(x) / Σ exp(x)``, the sum over the channels."""
    return np.exp(log_softmax(layer, x))


@function(spec.LogSoftmax, along=(0,))
def log_softmax(layer: spec.LogSoftmax | spec.Softmax, x: Plane) -> Plane:  # noqa: ARG001
    """Return ``x − log Σ exp(x)``, the sum over the channels."""
    shifted = np.subtract(x, x.max(axis=0, keepdims=True))
    total = np.exp(shifted).sum(axis=0, keepdims=True)
    return np.asarray(shifted - np.log(total))


@kernel(spec.Glu)
def glu(layer: spec.Glu, weights: Weights, x: Array) -> Array:  # noqa: ARG001
    """Return the first half of the channels times the sigmoid of the second."""
    half, odd = divmod(x.shape[0], 2)
    if odd:
        raise Misfit("not-divisible", f"{x.shape[0]} channels have no halves")
    gate = x[(slice(half, None),)].apply(lambda x: logistic(real(x)))
    return x[(slice(half),)].apply(np.multiply, gate)


def logistic(x: Plane) -> Plane:
    """Return ``1 / (1 + exp(−x))`` as ``exp(−log(1 + exp(−x)))``."""
    return np.exp(-log_exp(-x))


def log_exp(x: Plane) -> Plane:
    """Return ``log(1 + exp(x))``."""
    return np.asarray(np.logaddexp(0, x))
