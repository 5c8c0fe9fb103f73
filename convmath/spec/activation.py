"""Activations: one value in, one value out, whatever the function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convmath.formula import Value
from convmath.spec.fields import choice, real, size
from convmath.spec.layer import Layer, layer
from convmath.spec.meaning import Meaning


class Activation(Layer):
    """A function applied to every element, or along the channels."""

    __slots__ = ()


@layer("relu", meaning=Meaning("y = max(x, 0)", source="Nair and Hinton 2010", torch="ReLU", keras="ReLU", onnx="Relu"))
@dataclass(frozen=True, slots=True, kw_only=True)
class Relu(Activation):
    """``max(x, 0)``."""


@layer(
    "relu6",
    meaning=Meaning(
        "y = min(max(x, 0), 6)", source="Krizhevsky 2010", torch="ReLU6", keras="ReLU with max_value=6", onnx="Clip"
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Relu6(Activation):
    """``min(max(x, 0), 6)``."""


@layer(
    "leaky_relu",
    value="negative_slope",
    meaning=Meaning(
        "y = max(x, 0) + negative_slope*min(x, 0)",
        source="Maas et al. 2013",
        torch="LeakyReLU",
        keras="LeakyReLU",
        onnx="LeakyRelu",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class LeakyRelu(Activation):
    """``x`` above zero, ``negative_slope * x`` below."""

    negative_slope: float = real(0.01)


@layer(
    "prelu",
    value="init",
    meaning=Meaning(
        "Y[c,i,j] = max(X[c,i,j], 0) + weight[c]*min(X[c,i,j], 0)",
        source="He et al. 2015",
        torch="PReLU",
        keras="PReLU",
        onnx="PRelu",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Prelu(Activation):
    """``x`` above zero, a learned slope times ``x`` below: one slope, or one per channel."""

    num_parameters: Value = size(1)
    init: float = real(0.25)


@layer(
    "elu",
    value="alpha",
    meaning=Meaning(
        "y = max(x, 0) + alpha*(exp(min(x, 0)) - 1)", source="Clevert et al. 2016", torch="ELU", keras="ELU", onnx="Elu"
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Elu(Activation):
    """``x`` above zero, ``alpha * (exp(x) - 1)`` below."""

    alpha: float = real(1.0)


@layer(
    "celu",
    value="alpha",
    meaning=Meaning(
        "y = max(x, 0) + alpha*(exp(min(x, 0)/alpha) - 1)",
        source="Barron 2017",
        torch="CELU",
        keras="activation 'celu'",
        onnx="Celu",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Celu(Activation):
    """``x`` above zero, ``alpha * (exp(x / alpha) - 1)`` below; smooth for every ``alpha``."""

    alpha: float = real(1.0)

    @classmethod
    def clash(cls, values: Mapping[str, Any]) -> str | None:
        """Refuse to divide by zero."""
        return "'alpha' is 0, but x is divided by it" if values["alpha"] == 0 else None


@layer(
    "selu",
    meaning=Meaning(
        "y = scale*(max(x, 0) + alpha*(exp(min(x, 0)) - 1))",
        source="Klambauer et al. 2017",
        torch="SELU",
        keras="activation 'selu'",
        onnx="Selu",
        constants={"alpha": "1.6732632423543772848", "scale": "1.0507009873554804934"},
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Selu(Activation):
    """The self-normalising exponential unit (Klambauer et al. 2017)."""


@layer(
    "gelu",
    meaning=Meaning(
        "y = x*(1 + erf(x/sqrt(2)))/2",
        source="Hendrycks and Gimpel 2016",
        torch="GELU",
        keras="activation 'gelu'",
        onnx="Gelu",
        remark="With approximate: tanh it is x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2, which is close to that.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Gelu(Activation):
    """``x`` times the normal distribution function of ``x``, or what stands for it by a ``tanh``."""

    approximate: str = choice("none", "tanh")


@layer(
    "silu",
    meaning=Meaning(
        "y = x/(1 + exp(-x))", source="Elfwing et al. 2018", torch="SiLU", keras="activation 'silu'", onnx=""
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Silu(Activation):
    """``x * sigmoid(x)``."""


@layer(
    "mish",
    meaning=Meaning(
        "y = x*tanh(log(1 + exp(x)))", source="Misra 2020", torch="Mish", keras="activation 'mish'", onnx="Mish"
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Mish(Activation):
    """``x * tanh(softplus(x))``."""


@layer(
    "softplus",
    value="beta",
    meaning=Meaning(
        "y = log(1 + exp(beta*x))/beta",
        source="Dugas et al. 2001",
        torch="Softplus",
        keras="activation 'softplus'",
        onnx="Softplus",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Softplus(Activation):
    """``log(1 + exp(beta * x)) / beta``."""

    beta: float = real(1.0)


@layer(
    "sigmoid",
    meaning=Meaning(
        "y = 1/(1 + exp(-x))", source="PyTorch, Sigmoid", torch="Sigmoid", keras="activation 'sigmoid'", onnx="Sigmoid"
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``."""


@layer(
    "tanh", meaning=Meaning("y = tanh(x)", source="PyTorch, Tanh", torch="Tanh", keras="activation 'tanh'", onnx="Tanh")
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Tanh(Activation):
    """The hyperbolic tangent."""


@layer(
    "log_sigmoid",
    meaning=Meaning(
        "y = -log(1 + exp(-x))", source="PyTorch, LogSigmoid", torch="LogSigmoid", keras="activation 'log_sigmoid'"
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class LogSigmoid(Activation):
    """The logarithm of the sigmoid."""


@layer(
    "softsign",
    meaning=Meaning(
        "y = x/(1 + abs(x))",
        source="Bergstra et al. 2009",
        torch="Softsign",
        keras="activation 'softsign'",
        onnx="Softsign",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Softsign(Activation):
    """``x / (1 + |x|)``."""


@layer(
    "rescaling",
    value="scale",
    meaning=Meaning(
        "y = scale*x + offset",
        source="Keras, Rescaling",
        torch="x * scale + offset",
        keras="Rescaling",
        onnx="Mul and Add of constants",
        remark="Both are constants: nothing is learned. What is learned per channel is a scale or a bias.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Rescaling(Activation):
    """``scale * x + offset`` with two constants, as pixels from 0 to 255 are brought to −1 to 1."""

    scale: float = real(1.0)
    offset: float = real(0.0)


@layer(
    "hard_sigmoid",
    meaning=Meaning(
        "y = min(max(alpha*x + beta, 0), 1)",
        source="Howard et al. 2019; ONNX, HardSigmoid",
        torch="Hardsigmoid",
        keras="activation 'hard_sigmoid'",
        onnx="HardSigmoid",
        remark="With alpha 1/6 and beta 1/2, as unless given, it is min(max(x + 3, 0), 6)/6.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class HardSigmoid(Activation):
    """``min(max(alpha * x + beta, 0), 1)``: unless given, ``min(max(x + 3, 0), 6) / 6``."""

    alpha: float = real(1 / 6)
    beta: float = real(0.5)


@layer(
    "hard_swish",
    meaning=Meaning(
        "y = x*min(max(x + 3, 0), 6)/6",
        source="Howard et al. 2019",
        torch="Hardswish",
        keras="activation 'hard_silu'",
        onnx="HardSwish",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class HardSwish(Activation):
    """``x * min(max(x + 3, 0), 6) / 6``."""


@layer(
    "hard_tanh",
    meaning=Meaning(
        "y = min(max(x, min_val), max_val)",
        source="Collobert 2004; PyTorch, Hardtanh",
        torch="Hardtanh",
        keras="activation 'hard_tanh'",
        onnx="Clip",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class HardTanh(Activation):
    """``min(max(x, min_val), max_val)``."""

    min_val: float = real(-1.0)
    max_val: float = real(1.0)

    @classmethod
    def clash(cls, values: Mapping[str, Any]) -> str | None:
        """Refuse an empty range."""
        low, high = values["min_val"], values["max_val"]
        return f"'min_val' is {low}, which is above 'max_val' {high}" if low > high else None


@layer(
    "softmax",
    meaning=Meaning(
        "Y[c,i,j] = exp(X[c,i,j])/sum(exp(X[e,i,j]), e < C)",
        source="Bridle 1990",
        torch="Softmax",
        keras="Softmax",
        onnx="Softmax",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax(Activation):
    """``exp(x)`` over the sum of ``exp`` along the channels."""


@layer(
    "log_softmax",
    meaning=Meaning(
        "Y[c,i,j] = X[c,i,j] - log(sum(exp(X[e,i,j]), e < C))",
        source="PyTorch, LogSoftmax",
        torch="LogSoftmax",
        keras="activation 'log_softmax'",
        onnx="LogSoftmax",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class LogSoftmax(Activation):
    """The logarithm of the softmax along the channels."""


@layer(
    "glu",
    meaning=Meaning(
        "Y[c,i,j] = X[c,i,j]/(1 + exp(-X[c + C/2, i, j]))",
        source="Dauphin et al. 2017; PyTorch, GLU",
        torch="GLU(1)",
        remark="The number of channels is even, and is halved.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Glu(Layer):
    """The first half of the channels times the sigmoid of the second half."""
