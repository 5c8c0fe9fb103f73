"""Convolutions, dense layers, normalisations and poolings, as functions of PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convmath.importers import layers, moves
from convmath.importers.tensor import Tensor, Unsupported
from convmath.importers.torch.calls import FUNCTIONS, Call, a_map, numbers, optional, weight_of
from convmath.spec.fields import SAME, Pad
from convmath.spec.norm import LocalResponseNorm
from convmath.spec.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, LpPool, MaxPool


def _pads(given: Any, rank: int) -> tuple[Pad, ...]:
    """Return paddings from a word, from one number for each axis, or as the pairs that they are."""
    if given == "same":
        return (SAME,) * rank
    if given == "valid":
        return ((0, 0),) * rank
    if isinstance(given, list) and given and isinstance(given[0], tuple):
        return tuple(given)
    return tuple((each, each) for each in numbers(given, rank))


def convolve(
    call: Call,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    mode: str = "zeros",
) -> Tensor:
    """Add a convolution."""
    held = weight_of(weight)
    rank = len(held.shape) - 2
    return layers.conv(
        call.sketch,
        call.name,
        a_map(input),
        held,
        optional(bias),
        stride=numbers(stride, rank),
        padding=_pads(padding, rank),
        dilation=numbers(dilation, rank),
        groups=groups,
        mode=mode,
    )


@FUNCTIONS("conv1d", "conv2d", "conv3d")
def _conv(
    call: Call,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    return convolve(call, input, weight, bias, stride, padding, dilation, groups)


@FUNCTIONS("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(
    call: Call,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Add a transposed convolution."""
    held = weight_of(weight)
    rank = len(held.shape) - 2
    return layers.conv_transpose(
        call.sketch,
        call.name,
        a_map(input),
        held,
        optional(bias),
        stride=numbers(stride, rank),
        padding=_pads(padding, rank),
        output_padding=numbers(output_padding, rank),
        dilation=numbers(dilation, rank),
        groups=groups,
    )


@FUNCTIONS("linear")
def linear(call: Call, input: Any, weight: Any, bias: Any = None) -> Tensor:
    """Add a matrix on the last axis."""
    return layers.linear(call.sketch, call.name, a_map(input), weight_of(weight), optional(bias))


@FUNCTIONS("batch_norm")
def batch_norm(
    call: Call,
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: Any = False,  # noqa: FBT002
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Add a normalisation by running means and variances; in training it has the same parameters."""
    del training, momentum
    if running_mean is None or running_var is None:
        raise Unsupported("it normalises by the statistics of the batch, which one sample does not have")
    given = (weight_of(running_mean), weight_of(running_var), optional(weight), optional(bias))
    return layers.batch_norm(call.sketch, call.name, a_map(input), *given, eps)


@FUNCTIONS("layer_norm")
def layer_norm(
    call: Call,
    input: Any,
    normalized_shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: Any = True,  # noqa: FBT002
) -> Tensor:
    """Add a normalisation over the last axes."""
    del cudnn_enable
    axes = range(-len(normalized_shape), 0)
    parts = (optional(weight), optional(bias))
    return layers.layer_norm(call.sketch, call.name, a_map(input), axes, *parts, eps, takes=normalized_shape)


@FUNCTIONS("group_norm")
def group_norm(
    call: Call,
    input: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enabled: Any = True,  # noqa: FBT002
) -> Tensor:
    """Add a normalisation of groups of channels."""
    del cudnn_enabled
    x = moves.plain(a_map(input))
    return layers.group_norm(call.sketch, call.name, x, num_groups, optional(weight), optional(bias), eps)


@FUNCTIONS("instance_norm")
def instance_norm(
    call: Call,
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: Any = True,  # noqa: FBT002
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Add a normalisation of every channel by itself; by running statistics it is a batch norm."""
    if not use_input_stats:
        return batch_norm(call, input, running_mean, running_var, weight, bias, False, momentum, eps)  # noqa: FBT003
    x = a_map(input)
    return layers.instance_norm(call.sketch, call.name, x, optional(weight), optional(bias), eps)


@FUNCTIONS("local_response_norm")
def local_response_norm(
    call: Call, input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Add a normalisation by neighbouring channels."""
    layer = LocalResponseNorm(size=size, alpha=alpha, beta=beta, k=k)
    return call.sketch.layer(call.name, layer, layers.image(a_map(input)))


def _pool(call: Call, input: Any, kind: layers.Pool, kernel_size: Any, stride: Any, **fields: Any) -> Tensor:
    x = layers.image(a_map(input), call.rank)
    rank = len(x.shape.sizes)
    kernel = numbers(kernel_size, rank)
    steps = kernel if stride is None or stride == [] else numbers(stride, rank)
    dilation = numbers(fields.pop("dilation", 1), rank)
    padding = _pads(fields.pop("padding", 0), rank)
    return layers.pool(
        call.sketch, call.name, x, kind, kernel, stride=steps, padding=padding, dilation=dilation, **fields
    )


@FUNCTIONS("max_pool1d", "max_pool2d", "max_pool3d")
def max_pool(
    call: Call,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: Any = False,  # noqa: FBT002
    return_indices: Any = False,  # noqa: FBT002
) -> Tensor:
    """Add a pooling by the greatest element."""
    if return_indices:
        raise Unsupported("it returns where the greatest elements stand")
    return _pool(
        call, input, MaxPool, kernel_size, stride, padding=padding, dilation=dilation, ceil_mode=bool(ceil_mode)
    )


@FUNCTIONS("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(
    call: Call,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: Any = False,  # noqa: FBT002
    count_include_pad: Any = True,  # noqa: FBT002
    divisor_override: Any = None,
) -> Tensor:
    """Add a pooling by the mean."""
    if divisor_override is not None:
        raise Unsupported(f"it divides by {divisor_override} instead of the size of the window")
    fields = {"padding": padding, "ceil_mode": bool(ceil_mode), "count_include_pad": bool(count_include_pad)}
    return _pool(call, input, AvgPool, kernel_size, stride, **fields)


@FUNCTIONS("lp_pool1d", "lp_pool2d", "lp_pool3d")
def lp_pool(
    call: Call,
    input: Any,
    norm_type: float,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: Any = False,  # noqa: FBT002
) -> Tensor:
    """Add a pooling by the norm; PyTorch takes no absolute values, which only even norms do not notice."""
    if norm_type % 2:
        raise Unsupported(f"the norm of type {norm_type} is taken without absolute values")
    return _pool(call, input, LpPool, kernel_size, stride, norm_type=float(norm_type), ceil_mode=bool(ceil_mode))


def _adaptive(call: Call, input: Any, kind: Any, output_size: Any) -> Tensor:
    x = layers.image(a_map(input), call.rank)
    rank = len(x.shape.sizes)
    wanted = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size,) * rank
    if len(wanted) != rank:
        raise Unsupported(f"it pools to {len(wanted)} axes, but a map of {x} arrives")
    return layers.adaptive_pool(call.sketch, call.name, x, kind, wanted)


@FUNCTIONS("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def adaptive_avg_pool(call: Call, input: Any, output_size: Any) -> Tensor:
    """Add a pooling by the mean, to a size."""
    return _adaptive(call, input, AdaptiveAvgPool, output_size)


@FUNCTIONS("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max_pool(
    call: Call,
    input: Any,
    output_size: Any,
    return_indices: Any = False,  # noqa: FBT002
) -> Tensor:
    """Add a pooling by the greatest element, to a size."""
    if return_indices:
        raise Unsupported("it returns where the greatest elements stand")
    return _adaptive(call, input, AdaptiveMaxPool, output_size)
