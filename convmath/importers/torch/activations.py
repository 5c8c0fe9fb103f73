"""Activations, as functions of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convmath.importers import layers
from convmath.importers.tensor import CHANNELS, Tensor, Unsupported
from convmath.importers.torch.calls import FUNCTIONS, Call, a_map, weight_of
from convmath.spec import activation as spec
from convmath.spec.layer import Layer

PLAIN: dict[str, Callable[[], Layer]] = {
    "relu": spec.Relu,
    "relu6": spec.Relu6,
    "selu": spec.Selu,
    "silu": spec.Silu,
    "mish": spec.Mish,
    "sigmoid": spec.Sigmoid,
    "tanh": spec.Tanh,
    "hardsigmoid": lambda: spec.HardSigmoid(alpha=1 / 6, beta=0.5),
    "hardswish": spec.HardSwish,
    "softsign": spec.Softsign,
    "logsigmoid": spec.LogSigmoid,
}
"""Functions without numbers of their own."""
UNSAID = ("abs", "erf", "exp", "log", "reciprocal", "rsqrt", "sin", "cos", "sqrt", "softshrink")
"""Functions of one element that are no layer, but perhaps part of one."""


def _plain(make: Callable[[], Layer]) -> Callable[..., Tensor]:
    def activate(call: Call, input: Any, inplace: Any = False) -> Tensor:  # noqa: FBT002
        del inplace
        return call.sketch.layer(call.name, make(), a_map(input))

    return activate


def _unsaid(word: str) -> Callable[..., Tensor]:
    def apply(call: Call, input: Any) -> Tensor:
        return call.sketch.function(call.name, word, a_map(input))

    return apply


for _name, _make in PLAIN.items():
    FUNCTIONS(_name)(_plain(_make))
for _name in UNSAID:
    FUNCTIONS(_name)(_unsaid(_name))


@FUNCTIONS("leaky_relu")
def _leaky_relu(call: Call, input: Any, negative_slope: float = 0.01, inplace: Any = False) -> Tensor:  # noqa: FBT002
    del inplace
    return call.sketch.layer(call.name, spec.LeakyRelu(negative_slope=float(negative_slope)), a_map(input))


@FUNCTIONS("rrelu")
def _rrelu(
    call: Call,
    input: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: Any = False,  # noqa: FBT002
    inplace: Any = False,  # noqa: FBT002
) -> Tensor:
    """Add the slope that stands for the random ones when the model is used."""
    del training
    return _leaky_relu(call, input, (lower + upper) / 2, inplace)


@FUNCTIONS("prelu")
def _prelu(call: Call, input: Any, weight: Any) -> Tensor:
    slopes = weight_of(weight)
    layer = spec.Prelu(num_parameters=slopes.size, init=0.25)
    return call.sketch.layer(call.name, layer, a_map(input), given={"weight": slopes})


@FUNCTIONS("elu")
def _elu(call: Call, input: Any, alpha: float = 1.0, *rest: Any, inplace: Any = False) -> Tensor:
    del inplace
    if any(each not in (1, False) for each in rest):
        raise Unsupported("it has scales of its own")
    return call.sketch.layer(call.name, spec.Elu(alpha=float(alpha)), a_map(input))


@FUNCTIONS("celu")
def _celu(call: Call, input: Any, alpha: float = 1.0, inplace: Any = False) -> Tensor:  # noqa: FBT002
    del inplace
    return call.sketch.layer(call.name, spec.Celu(alpha=float(alpha)), a_map(input))


@FUNCTIONS("gelu")
def _gelu(call: Call, input: Any, approximate: str = "none") -> Tensor:
    return call.sketch.layer(call.name, spec.Gelu(approximate=approximate), a_map(input))


@FUNCTIONS("softplus")
def _softplus(call: Call, input: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    if threshold < 20:
        raise Unsupported(f"it is straight from {threshold} on")
    return call.sketch.layer(call.name, spec.Softplus(beta=float(beta)), a_map(input))


@FUNCTIONS("hardtanh")
def _hardtanh(call: Call, input: Any, min_val: Any = -1.0, max_val: Any = 1.0, inplace: Any = False) -> Tensor:  # noqa: FBT002
    del inplace
    return _clamp(call, input, min_val, max_val)


@FUNCTIONS("clamp", "clip")
def _clamp(call: Call, input: Any, min: Any = None, max: Any = None) -> Tensor:
    """Add a clip."""
    if not all(each is None or isinstance(each, int | float) for each in (min, max)):
        raise Unsupported("it clips by numbers that are computed")
    low, high = (None if each is None else float(each) for each in (min, max))
    return layers.clip(call.sketch, call.name, a_map(input), low, high)


def _along_channels(x: Tensor, dim: Any) -> Tensor:
    if dim is None:
        dim = 0 if len(x.dims) in (1, 3) else 1
    if x.logical(dim) != CHANNELS[0]:
        raise Unsupported(f"it works along axis {dim} of a map of {x}, which are not the channels")
    return x


@FUNCTIONS("softmax", "_softmax")
def _softmax(call: Call, input: Any, dim: Any = None, *rest: Any, **kwargs: Any) -> Tensor:
    del rest, kwargs
    return call.sketch.layer(call.name, spec.Softmax(), _along_channels(a_map(input), dim))


@FUNCTIONS("log_softmax", "_log_softmax")
def _log_softmax(call: Call, input: Any, dim: Any = None, *rest: Any, **kwargs: Any) -> Tensor:
    del rest, kwargs
    return call.sketch.layer(call.name, spec.LogSoftmax(), _along_channels(a_map(input), dim))


@FUNCTIONS("glu")
def _glu(call: Call, input: Any, dim: int = -1) -> Tensor:
    return call.sketch.layer(call.name, spec.Glu(), _along_channels(a_map(input), dim))
