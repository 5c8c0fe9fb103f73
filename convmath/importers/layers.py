"""What both importers say in the same words: convolutions, dense layers, normalisations, poolings."""

from __future__ import annotations

from collections.abc import Sequence

from convmath.formula import Formula, Value
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import CHANNELS, OPEN, Constant, Tensor, Unsupported
from convmath.spec.activation import HardTanh, Relu, Relu6
from convmath.spec.conv import Conv
from convmath.spec.deformable import DeformableConv
from convmath.spec.dense import Dense
from convmath.spec.fields import Pad
from convmath.spec.layer import Layer
from convmath.spec.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm
from convmath.spec.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, LpPool, MaxPool
from convmath.spec.transpose import ConvTranspose

Pool = type[MaxPool] | type[AvgPool] | type[LpPool]


def image(x: Tensor, rank: int | None = None) -> Tensor:
    """Return a map if its channels come first and it has space behind them."""
    if not x.is_plain:
        raise Unsupported(f"it works on channels first, but the axes are in the order {x.order}")
    if not x.shape.sizes or rank not in (None, len(x.shape.sizes)):
        raise Unsupported(_rank_refused(rank, x))
    return x


def _rank_refused(rank: int | None, x: Tensor) -> str:
    return f"it works on {f'{rank} axes of space' if rank else 'an image'}, but a map of {x} arrives"


def off_rank(x: Tensor, why: str) -> bool:
    """Tell whether *why* refuses a map for one axis of space too many."""
    return why == _rank_refused(len(x.shape.sizes) - 1, x)


def weighted(weight: Constant, bias: Constant | None, outputs: int) -> dict[str, Constant]:
    """Return the parameters of a layer by their names; its bias is one number for each of *outputs*."""
    if bias is not None and bias.shape != (outputs,):
        raise Unsupported(f"a bias of {list(bias.shape)} is not one number for each of {outputs} outputs")
    return {"weight": weight} if bias is None else {"weight": weight, "bias": bias}


def conv(
    sketch: Sketch,
    name: str,
    x: Tensor,
    weight: Constant,
    bias: Constant | None,
    *,
    stride: Sequence[int],
    padding: Sequence[Pad],
    dilation: Sequence[int],
    groups: int,
    mode: str = "zeros",
) -> Tensor:
    """Add a convolution whose weights are arranged as PyTorch's and ONNX's are: K × C/groups × kernel."""
    out_channels, arriving, *kernel = weight.shape
    image(x, len(kernel))
    _meets(x, arriving * groups, weight)
    layer = Conv(
        out_channels=out_channels,
        kernel_size=tuple(kernel),
        stride=tuple(stride),
        padding=tuple(padding),
        dilation=tuple(dilation),
        groups=groups,
        bias=bias is not None,
        padding_mode=mode,
    )
    word = layer.word(x.shape.channels)
    return sketch.layer(name, layer, x, kind=word, given=weighted(weight, bias, out_channels))


def conv_transpose(
    sketch: Sketch,
    name: str,
    x: Tensor,
    weight: Constant,
    bias: Constant | None,
    *,
    stride: Sequence[int],
    padding: Sequence[Pad],
    output_padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """Add a transposed convolution whose weights are arranged C × K/groups × kernel."""
    arriving, out_channels, *kernel = weight.shape
    image(x, len(kernel))
    _meets(x, arriving, weight)
    layer = ConvTranspose(
        out_channels=out_channels * groups,
        kernel_size=tuple(kernel),
        stride=tuple(stride),
        padding=tuple(padding),
        output_padding=tuple(output_padding),
        dilation=tuple(dilation),
        groups=groups,
        bias=bias is not None,
    )
    return sketch.layer(name, layer, x, given=weighted(weight, bias, out_channels * groups))


def _meets(x: Tensor, arriving: int, weight: Constant) -> None:
    if x.shape.channels != arriving:
        shape = " × ".join(map(str, weight.shape))
        depends = f", {OPEN}" if isinstance(x.shape.channels, Formula) else ""
        raise Unsupported(f"weights of {shape} take {arriving} channels, but {x.shape.channels} arrive{depends}")


def deform_conv(
    sketch: Sketch,
    name: str,
    x: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Constant,
    bias: Constant | None,
    *,
    stride: Sequence[int],
    padding: Sequence[Pad],
    dilation: Sequence[int],
    groups: int,
    offset_groups: int,
) -> Tensor:
    """Add a deformable convolution whose offsets, and weights of taps, arrive as maps of their own."""
    out_channels, _, *kernel = weight.shape
    layer = DeformableConv(
        out_channels=out_channels,
        kernel_size=tuple(kernel),
        stride=tuple(stride),
        padding=tuple(padding),
        dilation=tuple(dilation),
        groups=groups,
        bias=bias is not None,
        offsets="given",
        modulated=mask is not None,
        offset_groups=offset_groups,
        max_offset=1,
    )
    parts = [image(x, len(kernel)), offset, *([] if mask is None else [mask])]
    return sketch.layer(name, layer, *parts, given=weighted(weight, bias, out_channels))


def linear(sketch: Sketch, name: str, x: Tensor, weight: Constant, bias: Constant | None) -> Tensor:
    """Add a matrix of out × in on the last axis: a dense layer on vectors, a pointwise convolution on images."""
    if len(weight.shape) != 2:
        raise Unsupported(f"the weights have {len(weight.shape)} axes, not 2")
    outputs, inputs = weight.shape
    if x.logical(-1) != CHANNELS[0]:
        raise Unsupported(f"the matrix mixes positions of a map of {x}, not its channels")
    _meets(x, inputs, weight)
    if not x.shape.sizes:
        layer: Layer = Dense(out_features=outputs, bias=bias is not None)
        return sketch.layer(name, layer, x, given=weighted(weight, bias, outputs))
    rank = len(x.shape.sizes)
    shape = (outputs, inputs, *(1,) * rank)
    one = (1,) * rank
    mixing = Conv(
        out_channels=outputs,
        kernel_size=one,
        stride=one,
        padding=((0, 0),) * rank,
        dilation=one,
        groups=1,
        bias=bias is not None,
        padding_mode="zeros",
    )
    arranged = weight.arranged(shape, lambda array: array.reshape(shape))
    return sketch.layer(name, mixing, x, kind="pointwise_conv", given=weighted(arranged, bias, outputs))


def batch_norm(
    sketch: Sketch,
    name: str,
    x: Tensor,
    mean: Constant,
    variance: Constant,
    weight: Constant | None,
    bias: Constant | None,
    eps: float,
) -> Tensor:
    """Add a normalisation by running means and variances; the channels are the axis after the batch."""
    if x.logical(1) != CHANNELS[0]:
        raise Unsupported(f"it works on channels first, but the axes are in the order {x.order}")
    _meets(x, mean.size, mean)
    _meets(x, variance.size, variance)
    given = {"running_mean": mean, "running_var": variance} | _affine(x, weight, bias)
    return sketch.layer(name, BatchNorm(affine=weight is not None, eps=eps), x, given=given)


def _affine(x: Tensor, weight: Constant | None, bias: Constant | None) -> dict[str, Constant]:
    for each in (weight, bias):
        if each is not None and each.size != x.shape.channels and len(each.shape) < 2:
            raise Unsupported(f"{each.size} numbers meet {x.shape.channels} channels")
    if (weight is None) != (bias is None):
        raise Unsupported("it has a weight without a bias, or a bias without a weight")
    return {} if weight is None or bias is None else {"weight": weight, "bias": bias}


def layer_norm(
    sketch: Sketch,
    name: str,
    x: Tensor,
    axes: Sequence[int],
    weight: Constant | None,
    bias: Constant | None,
    eps: float,
    *,
    takes: Sequence[int] = (),
) -> Tensor:
    """Add a normalisation over *axes* of the model: the channels at each position, or everything.

    *takes* is the only shape that the model says these axes have; weights say it as well.
    """
    shape = tuple(x.dims[x.at(axis)] for axis in axes)
    said = [tuple(takes)] if takes else []
    for each in [*said, *(held.shape for held in (weight, bias) if held is not None)]:
        if each != shape:
            asked, arrives = (" × ".join(map(str, one)) for one in (each, shape))
            raise Unsupported(f"it is for {asked} alone, but {arrives} arrives; give the input's sizes as numbers")
    over = {x.logical(axis) for axis in axes}
    everything = set(range(1, len(x.shape.sizes) + 2))
    if over != {CHANNELS[0]} and not (over == everything and x.is_plain):
        raise Unsupported(f"it normalises some of the axes {x.order}, neither the channels alone nor all")
    word = "channels" if over == {CHANNELS[0]} and x.shape.sizes else "all"
    given = _affine(x, weight, bias)
    return sketch.layer(name, LayerNorm(over=word, affine=bool(given), eps=eps), x, given=given)


def group_norm(
    sketch: Sketch, name: str, x: Tensor, groups: int, weight: Constant | None, bias: Constant | None, eps: float
) -> Tensor:
    """Add a normalisation of groups of channels."""
    given = _affine(x, weight, bias)
    return sketch.layer(name, GroupNorm(num_groups=groups, affine=bool(given), eps=eps), x, given=given)


def instance_norm(
    sketch: Sketch, name: str, x: Tensor, weight: Constant | None, bias: Constant | None, eps: float
) -> Tensor:
    """Add a normalisation of every channel by its own mean and variance."""
    given = _affine(x, weight, bias)
    return sketch.layer(name, InstanceNorm(affine=bool(given), eps=eps), image(x), given=given)


def pool(sketch: Sketch, name: str, x: Tensor, kind: Pool, kernel: Sequence[int], **fields: object) -> Tensor:
    """Add a pooling by windows; *fields* are those of its kind, one entry per axis."""
    made = kind(kernel_size=tuple(kernel), **fields)  # type: ignore[arg-type]
    return sketch.layer(name, made, image(x, len(kernel)))


def adaptive_pool(
    sketch: Sketch,
    name: str,
    x: Tensor,
    kind: type[AdaptiveAvgPool | AdaptiveMaxPool],
    output_size: Sequence[Value | None],
) -> Tensor:
    """Add a pooling to a fixed size; an axis of None keeps its size."""
    image(x, len(output_size))
    wanted = tuple(size if given is None else given for given, size in zip(output_size, x.shape.sizes, strict=True))
    return sketch.layer(name, kind(output_size=wanted), x, kind=_global(kind) if set(wanted) == {1} else None)


def global_pool(sketch: Sketch, name: str, x: Tensor, kind: type[AdaptiveAvgPool | AdaptiveMaxPool]) -> Tensor:
    """Add a pooling over all positions, whatever the order of the axes; they stay, with size 1."""
    if not x.shape.sizes:
        raise Unsupported(f"it works on an image, but a map of {x} arrives")
    return sketch.layer(name, kind(output_size=(1,) * len(x.shape.sizes)), x, kind=_global(kind))


def _global(kind: type[AdaptiveAvgPool | AdaptiveMaxPool]) -> str:
    return "global_avg_pool" if kind is AdaptiveAvgPool else "global_max_pool"


def clip(sketch: Sketch, name: str, x: Tensor, low: float | None, high: float | None) -> Tensor:
    """Add bounds, under the name that those from 0 on and those from 0 to 6 have."""
    if low == 0 and high is None:
        return sketch.layer(name, Relu(), x)
    if low is None or high is None:
        raise Unsupported(f"it has one bound only, {high if low is None else low}")
    return sketch.layer(name, Relu6() if (low, high) == (0, 6) else HardTanh(min_val=low, max_val=high), x)
