"""Activations: one value in, one value out, whatever the function."""

from __future__ import annotations

from dataclasses import dataclass

from convmath.formula import Value
from convmath.spec.fields import real, size
from convmath.spec.layer import Layer, layer


class Activation(Layer):
    """A function applied to every element, or along the channels."""

    __slots__ = ()


@layer("relu")
@dataclass(frozen=True, slots=True, kw_only=True)
class Relu(Activation):
    """``max(x, 0)``."""


@layer("relu6")
@dataclass(frozen=True, slots=True, kw_only=True)
class Relu6(Activation):
    """``min(max(x, 0), 6)``."""


@layer("leaky_relu", value="negative_slope")
@dataclass(frozen=True, slots=True, kw_only=True)
class LeakyRelu(Activation):
    """``x`` above zero, ``negative_slope * x`` below."""

    negative_slope: float = real(0.01)


@layer("prelu", value="init")
@dataclass(frozen=True, slots=True, kw_only=True)
class Prelu(Activation):
    """``x`` above zero, a learned slope times ``x`` below: one slope, or one per channel."""

    num_parameters: Value = size(1)
    init: float = real(0.25)


@layer("elu", value="alpha")
@dataclass(frozen=True, slots=True, kw_only=True)
class Elu(Activation):
    """``x`` above zero, ``alpha * (exp(x) - 1)`` below."""

    alpha: float = real(1.0)


@layer("selu")
@dataclass(frozen=True, slots=True, kw_only=True)
class Selu(Activation):
    """The self-normalising exponential unit (Klambauer et al. 2017)."""


@layer("gelu")
@dataclass(frozen=True, slots=True, kw_only=True)
class Gelu(Activation):
    """``x`` times the normal distribution function of ``x``."""


@layer("silu")
@dataclass(frozen=True, slots=True, kw_only=True)
class Silu(Activation):
    """``x * sigmoid(x)``."""


@layer("mish")
@dataclass(frozen=True, slots=True, kw_only=True)
class Mish(Activation):
    """``x * tanh(softplus(x))``."""


@layer("softplus", value="beta")
@dataclass(frozen=True, slots=True, kw_only=True)
class Softplus(Activation):
    """``log(1 + exp(beta * x)) / beta``."""

    beta: float = real(1.0)


@layer("sigmoid")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``."""


@layer("tanh")
@dataclass(frozen=True, slots=True, kw_only=True)
class Tanh(Activation):
    """The hyperbolic tangent."""


@layer("hard_sigmoid")
@dataclass(frozen=True, slots=True, kw_only=True)
class HardSigmoid(Activation):
    """``min(max(x + 3, 0), 6) / 6``."""


@layer("hard_swish")
@dataclass(frozen=True, slots=True, kw_only=True)
class HardSwish(Activation):
    """``x * min(max(x + 3, 0), 6) / 6``."""


@layer("hard_tanh")
@dataclass(frozen=True, slots=True, kw_only=True)
class HardTanh(Activation):
    """``min(max(x, -1), 1)``."""


@layer("softmax")
@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax(Activation):
    """``exp(x)`` over the sum of ``exp`` along the channels."""


@layer("log_softmax")
@dataclass(frozen=True, slots=True, kw_only=True)
class LogSoftmax(Activation):
    """The logarithm of the softmax along the channels."""
