"""ONNX's operators that are layers: convolutions, matrices, normalisations, poolings, activations.

Each is read as the documentation of the operators has it (github.com/onnx/onnx, Operators.md).
"""

from __future__ import annotations

from math import inf
from typing import Any

from convmath.formula import Formula
from convmath.importers import layers
from convmath.importers.onnx.call import Call, operator
from convmath.importers.onnx.numbers import Numbers
from convmath.importers.onnx.padding import transposed, upper_half
from convmath.importers.tensor import CHANNELS, Constant, Tensor, Unsupported
from convmath.spec.activation import (
    Celu,
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    LogSoftmax,
    Mish,
    Prelu,
    Relu,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from convmath.spec.layer import Layer
from convmath.spec.norm import LocalResponseNorm
from convmath.spec.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, LpPool, MaxPool


@operator("Conv")
def conv(call: Call) -> Tensor:
    """Read a convolution, its kernel's size from its weights."""
    x, weight = call.x, call.weight(1)
    kernel = _kernel(call, weight)
    rank = len(kernel)
    strides, dilations = call.per_axis("strides", rank), call.per_axis("dilations", rank)
    return layers.conv(
        call.sketch,
        call.name,
        x,
        weight,
        call.maybe(2),
        stride=strides,
        padding=call.padding(rank, upper_half(x, kernel, strides, dilations)),
        dilation=dilations,
        groups=call.get("group", 1),
    )


def _kernel(call: Call, weight: Constant) -> tuple[int, ...]:
    kernel = weight.shape[2:]
    if not kernel or tuple(call.get("kernel_shape", kernel)) != kernel:
        raise Unsupported(f"kernel_shape {call.get('kernel_shape')} is not that of weights of {list(weight.shape)}")
    return kernel


@operator("ConvTranspose")
def conv_transpose(call: Call) -> Tensor:
    """Read a transposed convolution."""
    x, weight = call.x, call.weight(1)
    kernel = _kernel(call, weight)
    strides, dilations = call.per_axis("strides", len(kernel)), call.per_axis("dilations", len(kernel))
    padding, output_padding = transposed(call, x, kernel, strides, dilations)
    return layers.conv_transpose(
        call.sketch,
        call.name,
        x,
        weight,
        call.maybe(2),
        stride=strides,
        padding=padding,
        output_padding=output_padding,
        dilation=dilations,
        groups=call.get("group", 1),
    )


@operator("DeformConv")
def deformable(call: Call) -> Tensor:
    """Read a deformable convolution, whose offsets arrive as a map."""
    weight = call.weight(1)
    rank = len(_kernel(call, weight))
    return layers.deform_conv(
        call.sketch,
        call.name,
        call.x,
        call.map(2),
        None if call.given(4) is None else call.map(4),
        weight,
        call.maybe(3),
        stride=call.per_axis("strides", rank),
        padding=call.padding(rank, lambda axis: (0, 0)),  # noqa: ARG005
        dilation=call.per_axis("dilations", rank),
        groups=call.get("group", 1),
        offset_groups=call.get("offset_group", 1),
    )


@operator("Gemm")
def gemm(call: Call) -> Tensor:
    """Read a matrix product ``alpha * A * B + beta * C``, A being the map."""
    if call.get("transA", 0):
        raise Unsupported("transA turns the batch into features")
    weight, bias = call.weight(1), call.maybe(2)
    if len(weight.shape) != 2:
        raise Unsupported(f"weights of {list(weight.shape)} are no matrix")
    if not call.get("transB", 0):
        weight = weight.transposed((1, 0))
    alpha, beta = call.get("alpha", 1.0), call.get("beta", 1.0)
    if alpha != 1:
        weight = weight.arranged(weight.shape, lambda array: alpha * array, f" by {alpha}")
    if bias is not None:
        bias = _row(bias, weight.shape[0], beta)
    return layers.linear(call.sketch, call.name, call.x, weight, bias)


def _row(bias: Constant, outputs: int, beta: float) -> Constant:
    """Return the bias as one number for each output."""
    if bias.size not in (1, outputs) or (bias.shape and bias.shape[-1] != bias.size):
        raise Unsupported(f"a bias of {list(bias.shape)} is not one number for each of {outputs} outputs")

    def arranged(array: Any) -> Any:
        flat = array.reshape(-1) if beta == 1 else beta * array.reshape(-1)
        return flat if flat.size == outputs else flat.repeat(outputs)

    return bias.arranged((outputs,), arranged)


@operator("MatMul")
def matmul(call: Call) -> Tensor:
    """Read a map times a matrix; the product of two maps is an attention, which convmath does not know."""
    if isinstance(call.given(0), Tensor) and isinstance(call.given(1), Tensor):
        raise Unsupported("it multiplies two maps as matrices, as attention does; convmath has no layer for it")
    weight = call.weight(1)
    if len(weight.shape) != 2:
        raise Unsupported(f"weights of {list(weight.shape)} are no matrix")
    return layers.linear(call.sketch, call.name, call.x, weight.transposed((1, 0)), None)


@operator("BatchNormalization")
def batch_norm(call: Call) -> Tensor:
    """Read a normalisation by running means, as in use."""
    if call.get("training_mode", 0):
        raise Unsupported("training_mode asks for the means of a batch; export the model for inference")
    weight, bias, mean, variance = (call.weight(at) for at in range(1, 5))
    return layers.batch_norm(call.sketch, call.name, call.x, mean, variance, weight, bias, call.get("epsilon", 1e-5))


@operator("InstanceNormalization")
def instance_norm(call: Call) -> Tensor:
    """Read a normalisation of each channel."""
    return layers.instance_norm(
        call.sketch, call.name, call.x, call.weight(1), call.weight(2), call.get("epsilon", 1e-5)
    )


@operator("LayerNormalization")
def layer_norm(call: Call) -> Tensor:
    """Read a normalisation over the last axes."""
    x = call.x
    axes = range(x.at(call.get("axis", -1)), len(x.dims))
    return layers.layer_norm(call.sketch, call.name, x, axes, call.weight(1), call.maybe(2), call.get("epsilon", 1e-5))


@operator("GroupNormalization")
def group_norm(call: Call) -> Tensor:
    """Read a normalisation of groups of channels; before version 21 its weights are one for each group."""
    groups, weight, bias = call.get("num_groups"), call.weight(1), call.weight(2)
    channels = call.x.shape.channels
    if weight.size != channels:
        if not isinstance(channels, int) or weight.size != groups:
            raise Unsupported(f"{weight.size} factors meet {channels} channels")
        each = channels // groups
        weight, bias = (held.arranged((channels,), lambda array: array.repeat(each)) for held in (weight, bias))
    return layers.group_norm(call.sketch, call.name, call.x, groups, weight, bias, call.get("epsilon", 1e-5))


@operator("LRN")
def local_response_norm(call: Call) -> Tensor:
    """Read a normalisation by neighbouring channels."""
    size = call.get("size")
    if size % 2 == 0:
        raise Unsupported(f"a window of {size} channels has no middle")
    layer = LocalResponseNorm(
        size=size, alpha=call.get("alpha", 1e-4), beta=call.get("beta", 0.75), k=call.get("bias", 1.0)
    )
    return call.sketch.layer(call.name, layer, layers.image(call.x))


@operator("MaxPool")
def max_pool(call: Call) -> Tensor:
    """Read a pooling by maxima."""
    return _pool(call, MaxPool)


@operator("AveragePool")
def avg_pool(call: Call) -> Tensor:
    """Read a pooling by means; padding counts only where the node says so."""
    return _pool(call, AvgPool, count_include_pad=bool(call.get("count_include_pad", 0)))


@operator("LpPool")
def lp_pool(call: Call) -> Tensor:
    """Read a pooling by norms."""
    return _pool(call, LpPool, norm_type=float(call.get("p", 2)))


def _pool(call: Call, kind: layers.Pool, **fields: Any) -> Tensor:
    x, kernel = call.x, tuple(call.get("kernel_shape", ()))
    rank = len(kernel)
    strides, dilations = call.per_axis("strides", rank), call.per_axis("dilations", rank)
    return layers.pool(
        call.sketch,
        call.name,
        x,
        kind,
        kernel,
        stride=strides,
        padding=call.padding(rank, upper_half(x, kernel, strides, dilations)),
        dilation=dilations,
        ceil_mode=bool(call.get("ceil_mode", 0)),
        **fields,
    )


@operator("GlobalAveragePool")
def global_avg_pool(call: Call) -> Tensor:
    """Read a mean over all positions."""
    return layers.global_pool(call.sketch, call.name, call.x, AdaptiveAvgPool)


@operator("GlobalMaxPool")
def global_max_pool(call: Call) -> Tensor:
    """Read a maximum over all positions."""
    return layers.global_pool(call.sketch, call.name, call.x, AdaptiveMaxPool)


PLAIN: dict[str, type[Layer]] = {
    "Relu": Relu,
    "HardSwish": HardSwish,
    "Mish": Mish,
    "Sigmoid": Sigmoid,
    "Softsign": Softsign,
    "Tanh": Tanh,
}
"""Activations without a field."""


@operator(*PLAIN)
def activation(call: Call) -> Tensor:
    """Read an activation that has no attribute."""
    return call.sketch.layer(call.name, PLAIN[call.operator](), call.x)


@operator("LeakyRelu", "Elu", "Celu")
def sloped(call: Call) -> Tensor:
    """Read an activation with one number."""
    alpha = call.get("alpha", 0.01 if call.operator == "LeakyRelu" else 1.0)
    made: dict[str, Layer] = {
        "LeakyRelu": LeakyRelu(negative_slope=alpha),
        "Elu": Elu(alpha=alpha),
        "Celu": Celu(alpha=alpha),
    }
    return call.sketch.layer(call.name, made[call.operator], call.x)


@operator("Softplus")
def softplus(call: Call) -> Tensor:
    """Read a softplus."""
    return call.sketch.layer(call.name, Softplus(beta=1.0), call.x)


@operator("Selu")
def selu(call: Call) -> Tensor:
    """Read a SELU, whose two numbers are always the same."""
    alpha, gamma = call.get("alpha", 1.67326), call.get("gamma", 1.0507)
    if abs(alpha - 1.67326) > 1e-4 or abs(gamma - 1.0507) > 1e-4:
        raise Unsupported(f"its numbers are {alpha} and {gamma}, not those of the paper")
    return call.sketch.layer(call.name, Selu(), call.x)


@operator("Gelu")
def gelu(call: Call) -> Tensor:
    """Read a GELU, exact or by tanh."""
    return call.sketch.layer(call.name, Gelu(approximate=call.get("approximate", "none")), call.x)


@operator("Swish")
def swish(call: Call) -> Tensor:
    """Read a SiLU."""
    if call.get("alpha", 1.0) != 1:
        raise Unsupported(f"its alpha is {call.get('alpha')}, not 1")
    return call.sketch.layer(call.name, Silu(), call.x)


@operator("HardSigmoid")
def hard_sigmoid(call: Call) -> Tensor:
    """Read a clipped line; a slope of a sixth is that of the paper, in single precision."""
    alpha, beta = call.get("alpha", 0.2), call.get("beta", 0.5)
    layer = HardSigmoid(alpha=1 / 6 if abs(alpha - 1 / 6) < 1e-6 else alpha, beta=beta)
    return call.sketch.layer(call.name, layer, call.x)


@operator("PRelu")
def prelu(call: Call) -> Tensor:
    """Read a learned slope, one or one for each channel."""
    x, slope = call.x, call.weight(1)
    if len(slope.shape) > len(x.axes):
        raise Unsupported(f"slopes of {list(slope.shape)} meet a map of {x}")
    axes = x.axes[len(x.axes) - len(slope.shape) :]
    wide = [axis for axis, size in zip(axes, slope.shape, strict=True) if size != 1]
    if wide not in ([], [CHANNELS]) and slope.shape != (x.shape.channels,):
        raise Unsupported(f"slopes of {list(slope.shape)} meet a map of {x}; they must be one for each channel")
    flat = slope.arranged((slope.size,), lambda array: array.reshape(-1))
    return call.sketch.layer(call.name, Prelu(num_parameters=slope.size, init=0.25), x, given={"weight": flat})


@operator("Clip")
def clip(call: Call) -> Tensor:
    """Read bounds, attributes before version 11 and inputs since."""
    low, high = (_bound(call, word, at) for at, word in enumerate(("min", "max"), 1))
    if low is None and high is None:
        return call.x
    return layers.clip(call.sketch, call.name, call.x, low, high)


def _bound(call: Call, word: str, at: int) -> float | None:
    """Return a bound; None where there is none, or one that no number in single precision reaches."""
    found, held = call.get(word), call.given(at)
    if held is not None:
        only = held.values[0] if isinstance(held, Numbers) and len(held.values) == 1 else None
        found = only if isinstance(held, Numbers) else call.weight(at).scalar
        if found is None or isinstance(found, Formula):
            raise Unsupported(f"its {word} is not a number of the model")
    return None if found is None or abs(found) in (inf, 3.4028234663852886e38) else float(found)


@operator("Softmax", "LogSoftmax")
def softmax(call: Call) -> Tensor:
    """Read a softmax along the channels."""
    x = call.x
    axis = call.get("axis", 1 if call.opset < 13 else -1)
    flat = call.opset < 13 and any(size != 1 for size in x.dims[x.at(axis) + 1 :])
    if x.logical(axis) != CHANNELS[0] or flat:
        raise Unsupported(f"it goes along axis {axis} of a map of {x}, not along the channels alone")
    return call.sketch.layer(call.name, Softmax() if call.operator == "Softmax" else LogSoftmax(), x)


@operator("Erf", "Log")
def function(call: Call) -> Tensor:
    """Read a function that only makes a layer together with its neighbours."""
    return call.sketch.function(call.name, call.operator.lower(), call.x)
