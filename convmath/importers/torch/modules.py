"""The layers of torch.nn: each by the function that it is, with the fields and parameters that it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from convmath.importers import layers as shared
from convmath.importers.tensor import Constant, Tensor, Unsupported
from convmath.importers.torch import activations, arithmetic, layers, shapes  # noqa: F401  (they fill the table)
from convmath.importers.torch.calls import FUNCTIONS, MODULES, Call, a_map, numbers, weight_of

NORM = ("running_mean", "running_var", "weight", "bias")
"""What a norm may hold."""


def _held(call: Call, module: Any, *names: str) -> dict[str, Constant | None]:
    """Return the parameters and buffers that a layer has, by their names."""
    return {name: call.parameters.of(module, name) for name in names}


def _by_function(word: str, *fields: str, given: Sequence[str] = ()) -> Callable[..., Any]:
    """Return a handler that calls a function with some parameters and some fields, by their names."""

    def apply(call: Call, module: Any, input: Any) -> Any:
        held = _held(call, module, *given)
        return _function(word)(call, input, **held, **{name: getattr(module, name) for name in fields})

    return apply


BY_FUNCTION: dict[str, tuple[str, tuple[str, ...]]] = {
    **{name: (name.lower(), ()) for name in ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Sigmoid", "Tanh")},
    **{name: (name.lower(), ()) for name in ("Hardsigmoid", "Hardswish", "Softsign", "LogSigmoid")},
    "LeakyReLU": ("leaky_relu", ("negative_slope",)),
    "RReLU": ("rrelu", ("lower", "upper")),
    "ELU": ("elu", ("alpha",)),
    "CELU": ("celu", ("alpha",)),
    "GELU": ("gelu", ("approximate",)),
    "GLU": ("glu", ("dim",)),
    "Softplus": ("softplus", ("beta", "threshold")),
    "Hardtanh": ("hardtanh", ("min_val", "max_val")),
    "Softmax": ("softmax", ("dim",)),
    "LogSoftmax": ("log_softmax", ("dim",)),
    **dict.fromkeys(("Dropout", "Dropout1d", "Dropout2d", "Dropout3d"), ("dropout", ("p",))),
    **dict.fromkeys(("AlphaDropout", "FeatureAlphaDropout"), ("dropout", ("p",))),
    "Flatten": ("flatten", ("start_dim", "end_dim")),
    "PixelShuffle": ("pixel_shuffle", ("upscale_factor",)),
    "PixelUnshuffle": ("pixel_unshuffle", ("downscale_factor",)),
    "ChannelShuffle": ("channel_shuffle", ("groups",)),
    "LocalResponseNorm": ("local_response_norm", ("size", "alpha", "beta", "k")),
}
for _name, (_word, _fields) in BY_FUNCTION.items():
    MODULES(_name)(_by_function(_word, *_fields))
for _rank in (1, 2, 3):
    _pool = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    MODULES(f"MaxPool{_rank}d")(_by_function(f"max_pool{_rank}d", *_pool))
    _mean = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
    MODULES(f"AvgPool{_rank}d")(
        _by_function(f"avg_pool{_rank}d", *_mean, *(("divisor_override",) if _rank > 1 else ()))
    )
    MODULES(f"LPPool{_rank}d")(_by_function(f"lp_pool{_rank}d", "norm_type", "kernel_size", "stride", "ceil_mode"))
    MODULES(f"AdaptiveAvgPool{_rank}d")(_by_function(f"adaptive_avg_pool{_rank}d", "output_size"))
    MODULES(f"AdaptiveMaxPool{_rank}d")(_by_function(f"adaptive_max_pool{_rank}d", "output_size", "return_indices"))
MODULES("Linear", "NonDynamicallyQuantizableLinear")(_by_function("linear", given=("weight", "bias")))
MODULES("PReLU")(_by_function("prelu", given=("weight",)))
MODULES("LayerNorm")(_by_function("layer_norm", "normalized_shape", "eps", given=("weight", "bias")))
MODULES("GroupNorm")(_by_function("group_norm", "num_groups", "eps", given=("weight", "bias")))


@MODULES("Identity")
def _identity(call: Call, module: Any, *inputs: Any) -> Any:
    del call, module
    return inputs[0]


@MODULES("Conv1d", "Conv2d", "Conv3d")
def _conv(call: Call, module: Any, input: Any) -> Tensor:
    padding = module.padding
    if module.padding_mode != "zeros" and padding == "same":
        pairs = tuple(module._reversed_padding_repeated_twice)  # noqa: SLF001  (the only place of the numbers)
        padding = [*zip(pairs[::2], pairs[1::2], strict=True)][::-1]
    fields = (module.stride, padding, module.dilation, module.groups, module.padding_mode)
    weight, bias = _held(call, module, "weight", "bias").values()
    return layers.convolve(call, input, weight, bias, *fields)


@MODULES("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
def _conv_transpose(call: Call, module: Any, input: Any, output_size: Any = None) -> Tensor:
    extra = module.output_padding
    if output_size is not None:
        extra = _extra(a_map(input), module, output_size)
    fields = (module.stride, module.padding, extra, module.groups, module.dilation)
    weight, bias = _held(call, module, "weight", "bias").values()
    return layers.conv_transpose(call, input, weight, bias, *fields)


def _extra(x: Tensor, module: Any, output_size: Sequence[Any]) -> tuple[int, ...]:
    """Return the output padding that leads to a size."""
    rank = len(x.shape.sizes)
    found = []
    for at, wanted in enumerate(tuple(output_size)[-rank:]):
        reach = module.dilation[at] * (module.kernel_size[at] - 1) + 1 - 2 * module.padding[at]
        least = (x.shape.sizes[at] - 1) * module.stride[at] + reach
        extra = wanted - least
        if not isinstance(extra, int) or not 0 <= extra < max(module.stride[at], module.dilation[at]):
            raise Unsupported(f"it enlarges a map of {x} to the size {wanted}, which depends on the input")
        found.append(extra)
    return tuple(found)


@MODULES("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "FrozenBatchNorm2d")
def _batch_norm(call: Call, module: Any, input: Any) -> Tensor:
    return layers.batch_norm(call, input, **_held(call, module, *NORM), eps=module.eps)


@MODULES("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")
def _instance_norm(call: Call, module: Any, input: Any) -> Tensor:
    by_input = module.training or not module.track_running_stats
    return layers.instance_norm(call, input, **_held(call, module, *NORM), use_input_stats=by_input, eps=module.eps)


@MODULES("Softmax2d")
def _softmax2d(call: Call, module: Any, input: Any) -> Any:
    del module
    return _function("softmax")(call, input, dim=1)


@MODULES("Unflatten")
def _unflatten(call: Call, module: Any, input: Any) -> Tensor:
    if not isinstance(module.dim, int):
        raise Unsupported("it works on named axes")
    return shapes.unflatten(call, input, module.dim, module.unflattened_size)


@MODULES("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")
def _upsample(call: Call, module: Any, input: Any) -> Tensor:
    return shapes.interpolate(
        call,
        input,
        module.size,
        module.scale_factor,
        module.mode,
        module.align_corners,
        module.recompute_scale_factor,
    )


def _padding(mode: str) -> Callable[..., Tensor]:
    def apply(call: Call, module: Any, input: Any) -> Tensor:
        held = module.padding
        pads = held if isinstance(held, tuple | list) else (held,) * 2 * len(a_map(input).shape.sizes)
        return shapes.pad(call, input, pads, mode, getattr(module, "value", None))

    return apply


for _rank in (1, 2, 3):
    for _name, _mode in {
        "Zero": "constant",
        "Constant": "constant",
        "Reflection": "reflect",
        "Replication": "replicate",
        "Circular": "circular",
    }.items():
        MODULES(f"{_name}Pad{_rank}d")(_padding(_mode))


@MODULES("StochasticDepth", "DropBlock2d", "DropBlock3d")
def _stochastic_depth(call: Call, module: Any, input: Any) -> Tensor:
    del module
    return shapes.identity(call, input)


@MODULES("DeformConv2d")
def _deform_conv(call: Call, module: Any, input: Any, offset: Any, mask: Any = None) -> Tensor:
    weight = weight_of(call.parameters.of(module, "weight"))
    moves = a_map(offset)
    taps = 2 * weight.shape[2] * weight.shape[3]
    if not isinstance(moves.shape.channels, int) or moves.shape.channels % taps:
        raise Unsupported(f"offsets of {moves} are not two for each of {taps // 2} taps")
    return shared.deform_conv(
        call.sketch,
        call.name,
        a_map(input),
        moves,
        None if mask is None else a_map(mask),
        weight,
        call.parameters.of(module, "bias"),
        stride=numbers(module.stride, 2),
        padding=[(each, each) for each in numbers(module.padding, 2)],
        dilation=numbers(module.dilation, 2),
        groups=module.groups,
        offset_groups=moves.shape.channels // taps,
    )


def _function(word: str) -> Callable[..., Any]:
    handler = FUNCTIONS.get(word)
    if handler is None:
        raise LookupError(word)
    return handler


COMPUTED = {
    "": "its weights are computed by a hook before every call; remove it first",
    **{
        name: f"its weights are computed before every call; torch.nn.utils.{remedy} writes them down"
        for name, remedy in {
            "parametrizations": "parametrize.remove_parametrizations(layer, 'weight')",
            "SpectralNorm": "remove_spectral_norm(layer)",
            "WeightNorm": "remove_weight_norm(layer)",
            "BasePruningMethod": "prune.remove(layer, 'weight')",
        }.items()
    },
}
"""Why the weights of a layer may be other numbers than its parameters, by what computes them, and what helps."""


def changed(module: Any) -> str | None:
    """Return why the weights of a layer are other numbers than its parameters, if they are."""
    if hasattr(module, "parametrizations"):
        return COMPUTED["parametrizations"]
    hooks = module._forward_pre_hooks.values()  # noqa: SLF001  (there is no public list of them)
    for kind in map(type, hooks):
        if kind.__module__.startswith("torch.nn.utils"):
            return next((COMPUTED[each.__name__] for each in kind.__mro__ if each.__name__ in COMPUTED), COMPUTED[""])
    return None


CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict", "Module", "DataParallel"})


def is_leaf(module: Any) -> bool:
    """Tell whether a module is read as one layer: those of torch.nn, and the few of torchvision with an entry."""
    kind = type(module)
    if kind.__module__.startswith("torch.nn.") and not kind.__module__.startswith("torch.nn.utils"):
        return kind.__name__ not in CONTAINERS
    return kind.__module__.startswith("torchvision.ops.") and MODULES.get(kind.__name__) is not None
