"""Random layers of every kind, as a line of a spec and as a module of PyTorch, in every way they may be written."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_counters import Calls


@dataclass(frozen=True)
class Case:
    """The same layer twice, with the way in which it is written."""

    layers: list[Any]
    module: nn.Module
    shape: tuple[int, ...]
    written: dict[str, str] = field(default_factory=dict)


def image(draw: Random, rank: int | None = None, channels: int | None = None) -> tuple[int, ...]:
    """Return a shape with a few axes."""
    rank = draw.choice((1, 2, 2, 3)) if rank is None else rank
    return (channels or draw.choice((2, 4, 6)), *(draw.randint(6, 11) for _ in range(rank)))


def torch_class(name: str, shape: tuple[int, ...]) -> Any:
    """Return the class of torch.nn for so many axes."""
    return getattr(nn, f"{name}{len(shape) - 1}d")


ACTIVATIONS = {
    "relu": "ReLU", "relu6": "ReLU6", "leaky_relu": "LeakyReLU", "elu": "ELU", "celu": "CELU", "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU", "mish": "Mish", "softplus": "Softplus", "sigmoid": "Sigmoid", "tanh": "Tanh",
    "hard_sigmoid": "Hardsigmoid", "hard_swish": "Hardswish", "hard_tanh": "Hardtanh",
    "log_sigmoid": "LogSigmoid", "softsign": "Softsign",
    "softmax": "Softmax", "log_softmax": "LogSoftmax", "glu": "GLU",
}  # fmt: skip
RUN_TOGETHER = ("hard_sigmoid", "hard_swish", "hard_tanh", "log_sigmoid")
"""Those whose functions have no underscore in their names."""
ALONG = ("softmax", "log_softmax", "glu")


def activation(kind: str, draw: Random, how: str) -> Case:
    along = {"dim": 1} if kind in ALONG else {}
    if how == "module":
        module = getattr(nn, ACTIVATIONS[kind])(**along)
    else:
        place: Any = functional if how == "functional" else torch
        name = ACTIVATIONS[kind].lower() if kind in RUN_TOGETHER else kind
        module = Calls(lambda x: getattr(place, name)(x, **along))
    return Case([kind], module, image(draw), {kind: how})


class Slopes(nn.Module):
    """A prelu with its parameter in a module of its own."""

    def __init__(self, place: Any, count: int) -> None:
        super().__init__()
        self.place, self.weight = place, nn.Parameter(torch.ones(count))

    def forward(self, x: Tensor) -> Tensor:
        return self.place.prelu(x, self.weight)


def prelu(draw: Random, how: str) -> Case:
    shape = image(draw)
    count = draw.choice((1, shape[0]))
    place = {"module": None, "functional": functional, "tensor": torch}[how]
    module = nn.PReLU(count) if place is None else Slopes(place, count)
    return Case([{"prelu": {"num_parameters": count}}], module, shape, {"prelu": how})


def subclass(of: Any) -> Any:
    """Return a class made from another, which does the same."""
    return type(f"My{of.__name__}", (of,), {})


def conv(draw: Random, how: str) -> Case:
    shape = image(draw)
    bias = draw.random() < 0.7
    out, kernel = draw.choice((2, 4, 6)), draw.choice((1, 2, 3))
    if how == "linear":
        layers = [{"pointwise_conv": {"out_channels": out, "bias": bias}}]
        linear = nn.Linear(shape[0], out, bias=bias)
        last = Calls(lambda x: x.movedim(1, -1).contiguous())  # else ptflops with aten misses the bias
        module = nn.Sequential(last, linear, Calls(lambda x: x.movedim(-1, 1)))
        return Case(layers, module, shape, {"pointwise_conv": how})
    fields = {"groups": draw.choice((1, 2)), "bias": bias, "dilation": draw.choice((1, 2))}
    if how == "same":
        fields["padding"] = "same"
    else:
        fields |= {"stride": draw.choice((1, 2)), "padding": draw.choice((0, 1))}
    made = torch_class("Conv", shape)
    module = (subclass(made) if how == "subclass" else made)(shape[0], out, kernel, **fields)
    return Case([{"conv": {"out_channels": out, "kernel_size": kernel, **fields}}], module, shape, {"conv": how})


def conv_transpose(draw: Random, how: str) -> Case:
    shape = image(draw)
    fields = {"stride": draw.choice((1, 2, 3)), "padding": draw.choice((0, 1)), "groups": draw.choice((1, 2))}
    fields |= {"bias": draw.random() < 0.7, "dilation": draw.choice((1, 2))}
    out, kernel = draw.choice((2, 4)), draw.choice((2, 3, 4))
    made = torch_class("ConvTranspose", shape)
    module = (subclass(made) if how == "subclass" else made)(shape[0], out, kernel, **fields)
    layers = [{"conv_transpose": {"out_channels": out, "kernel_size": kernel, **fields}}]
    return Case(layers, module, shape, {"conv_transpose": how})


def dense(draw: Random, how: str) -> Case:
    features, out, bias = draw.randint(2, 9), draw.randint(2, 9), draw.random() < 0.6
    module = (subclass(nn.Linear) if how == "subclass" else nn.Linear)(features, out, bias=bias)
    return Case([{"dense": {"out_features": out, "bias": bias}}], module, (features,), {"dense": how})


def pool(kind: str, draw: Random, how: str) -> Case:
    shape = image(draw)
    fields = {"kernel_size": draw.choice((2, 3)), "stride": draw.choice((1, 2, 3))}
    if kind != "lp_pool":
        fields |= {"padding": draw.choice((0, 1)), "ceil_mode": draw.random() < 0.5}
    name = {"max_pool": "MaxPool", "avg_pool": "AvgPool", "lp_pool": "LPPool"}[kind]
    order = (2,) if kind == "lp_pool" else ()
    if how == "module":
        module = torch_class(name, shape)(*order, **fields)
    else:
        module = Calls(lambda x: getattr(functional, f"{kind}{len(shape) - 1}d")(x, *order, **fields))
    return Case([{kind: fields}], module, shape, {kind: how})


def adaptive(kind: str, draw: Random, how: str) -> Case:
    shape = image(draw)
    rank = len(shape) - 1
    size = 1 if how in ("mean", "amax") else draw.choice((1, 2, 5))
    if how in ("mean", "amax"):
        module: nn.Module = Calls(lambda x: getattr(x, how)(tuple(range(2, rank + 2)), keepdim=True))
    elif how == "functional":
        module = Calls(lambda x: getattr(functional, f"{kind}{rank}d")(x, size))
    else:
        module = torch_class("AdaptiveAvgPool" if kind == "adaptive_avg_pool" else "AdaptiveMaxPool", shape)(size)
    return Case([{kind: size}], module, shape, {kind: how})


class Norm(nn.Module):
    """A norm as a function, with its parameters in a module of its own."""

    def __init__(self, call: Callable[..., Tensor], size: Any, *, affine: bool) -> None:
        super().__init__()
        self.call = call
        self.weight = nn.Parameter(torch.ones(size)) if affine else None
        self.bias = nn.Parameter(torch.zeros(size)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        return self.call(x, weight=self.weight, bias=self.bias)


def norm(kind: str, draw: Random, how: str) -> Case:
    shape = image(draw)
    affine, channels = draw.random() < 0.6, shape[0]
    layers: list[Any] = [{kind: {"affine": affine}}]
    size: Any = channels
    match kind:
        case "batch_norm":
            held = {"affine": affine, "track_running_stats": True}
            module = torch_class("InstanceNorm" if how == "instance" else "BatchNorm", shape)(channels, **held)
            means = torch.zeros(channels), torch.ones(channels)
            call = lambda x, **held: functional.batch_norm(x, *means, **held)  # noqa: E731
        case "instance_norm":
            module = torch_class("InstanceNorm", shape)(channels, affine=affine)
            call = functional.instance_norm
        case "group_norm":
            layers = [{kind: {"num_groups": 2, "affine": affine}}]
            module = nn.GroupNorm(2, channels, affine=affine)
            call = lambda x, **held: functional.group_norm(x, 2, **held)  # noqa: E731
        case _:
            size = shape
            module = nn.LayerNorm(shape, elementwise_affine=affine)
            call = lambda x, **held: functional.layer_norm(x, shape, **held)  # noqa: E731
    if how == "functional":
        module = Norm(call, size, affine=affine)
    return Case(layers, module, shape, {kind: how})


def over_channels(draw: Random, how: str) -> Case:
    shape = image(draw)
    norm_ = nn.LayerNorm(shape[0]) if how == "module" else _of_channels(shape[0])
    module = nn.Sequential(Calls(lambda x: x.movedim(1, -1)), norm_, Calls(lambda x: x.movedim(-1, 1)))
    return Case([{"layer_norm": {"over": "channels"}}], module, shape, {"layer_norm": how})


def _of_channels(channels: int) -> nn.Module:
    return Norm(lambda x, **held: functional.layer_norm(x, (channels,), **held), channels, affine=True)


def local_response_norm(draw: Random, how: str) -> Case:  # noqa: ARG001
    size = draw.choice((1, 2, 5))
    return Case([{"local_response_norm": size}], nn.LocalResponseNorm(size), image(draw))


def upsample(draw: Random, how: str) -> Case:
    shape = image(draw)
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(shape) - 1]
    mode = draw.choice(("nearest", "bilinear"))
    torch_mode = linear if mode == "bilinear" else mode
    fields = {"scale_factor": draw.choice((2, 3))} if draw.random() < 0.5 else {"size": [13] * (len(shape) - 1)}
    if how == "module":
        module: nn.Module = nn.Upsample(**fields, mode=torch_mode)
    else:
        module = Calls(lambda x: functional.interpolate(x, **fields, mode=torch_mode))
    return Case([{"upsample": {**fields, "mode": mode}}], module, shape, {"upsample": how})


def added(a: Tensor, b: Tensor) -> Tensor:
    """Add by a function, which is looked up when it runs."""
    return torch.add(a, b)


def multiplied(a: Tensor, b: Tensor) -> Tensor:
    """Multiply by a function, which is looked up when it runs."""
    return torch.mul(a, b)


CALLS: dict[tuple[str, str], Callable[[Tensor, Tensor], Tensor]] = {
    ("add", "operator"): operator.add,
    ("add", "function"): added,
    ("multiply", "operator"): operator.mul,
    ("multiply", "function"): multiplied,
}


def merge(kind: str, draw: Random, how: str) -> Case:
    call = CALLS[kind, how]
    three = draw.random() < 0.5

    def forward(x: Tensor) -> Tensor:
        gate = torch.sigmoid(x)
        small = x.mean(tuple(range(2, x.dim())), keepdim=True) if kind == "multiply" else gate
        made = call(x, small)
        return call(made, gate) if three else made

    names = ["a", "small" if kind == "multiply" else "b", *(["b"] if three else [])]
    layers: list[Any] = [{"identity": {"name": "a"}}, {"sigmoid": {"name": "b"}}]
    layers += [{"global_avg_pool": {"name": "small", "from": "a"}}] if kind == "multiply" else []
    written = {kind: how} | ({"small": "mean"} if kind == "multiply" else {})
    return Case([*layers, {kind: names}], Calls(forward), image(draw), written)


PAIRS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "subtract": torch.sub,
    "divide": torch.div,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}


def pair(kind: str, draw: Random, how: str) -> Case:  # noqa: ARG001
    layers = [{"identity": {"name": "a"}}, {"sigmoid": {"name": "b"}}, {kind: ["a", "b"]}]
    return Case(layers, Calls(lambda x: PAIRS[kind](x, torch.sigmoid(x))), image(draw))


def concat(draw: Random, how: str) -> Case:  # noqa: ARG001
    layers = [{"identity": {"name": "a"}}, {"sigmoid": {"name": "b"}}, {"concat": ["a", "b"]}]
    return Case(layers, Calls(lambda x: torch.cat((x, torch.sigmoid(x)), 1)), image(draw))


class Factor(nn.Module):
    """A factor or a summand per channel in a module that has others in it, as that of ConvNeXt.

    It has the axis of the batch, since ptflops pairs axes from the front.
    """

    def __init__(self, channels: int, call: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.weight, self.inner, self.call = nn.Parameter(torch.ones(1, channels, 1, 1)), nn.Identity(), call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.inner(x), self.weight)


def per_channel(kind: str, draw: Random, how: str) -> Case:
    shape = image(draw, 2)
    call = CALLS["multiply" if kind == "scale" else "add", how]
    return Case([kind], Factor(shape[0], call), shape, {kind: how})


def moved(draw: Random, layers: list[Any], make: Callable[[], nn.Module]) -> Case:
    return Case(layers, make(), image(draw, 2, 4))


MOVES: dict[str, tuple[list[Any], Callable[[], nn.Module]]] = {
    "flatten": (["flatten"], nn.Flatten),
    "slice_channels": ([{"slice_channels": [1, 3]}], lambda: Calls(lambda x: x[:, 1:3])),
    "reshape": (["flatten"], lambda: Calls(lambda x: x.reshape(1, -1))),
    "pad": ([{"pad": 2}], lambda: nn.ZeroPad2d(2)),
    "crop": ([{"crop": 2}], lambda: Calls(lambda x: functional.pad(x, (-2,) * 4))),
    "dropout": (["dropout"], nn.Dropout),
    "identity": (["identity"], nn.Identity),
    "pixel_unshuffle": ([{"pixel_unshuffle": 1}], lambda: nn.PixelUnshuffle(1)),
    "rescaling": ([{"rescaling": {"scale": 2.0, "offset": 1.0}}], lambda: Calls(lambda x: x * 2.0 + 1.0)),
    "channel_avg_pool": (["channel_avg_pool"], lambda: Calls(lambda x: x.mean(1, keepdim=True))),
    "channel_max_pool": (["channel_max_pool"], lambda: Calls(lambda x: x.amax(1, keepdim=True))),
    "pixel_shuffle": ([{"pixel_shuffle": 2}], lambda: nn.PixelShuffle(2)),
    "channel_shuffle": ([{"channel_shuffle": 2}], lambda: nn.ChannelShuffle(2)),
}

MAKERS: dict[str, Callable[[Random, str], Case]] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "dense": dense,
    "prelu": prelu,
    "local_response_norm": local_response_norm,
    "upsample": upsample,
    "concat": concat,
}
FAMILIES: dict[Callable[[str, Random, str], Case], tuple[str, ...]] = {
    activation: tuple(ACTIVATIONS),
    pool: ("max_pool", "avg_pool", "lp_pool"),
    adaptive: ("adaptive_avg_pool", "adaptive_max_pool"),
    norm: ("batch_norm", "layer_norm", "group_norm", "instance_norm"),
    merge: ("add", "multiply"),
    per_channel: ("scale", "bias"),
    pair: ("subtract", "divide", "maximum", "minimum"),
}


def cases(kind: str, how: str, times: int) -> Iterator[Case]:
    """Yield random layers of a kind, the same ones every time."""
    for seed in range(times):
        draw = Random(f"{kind} {how} {seed}")
        if kind in MOVES:
            yield moved(draw, *MOVES[kind])
        elif kind in MAKERS:
            yield MAKERS[kind](draw, how)
        else:
            family = next(make for make, kinds in FAMILIES.items() if kind in kinds)
            yield family(kind, draw, how)


def known_kinds() -> set[str]:
    """Return the kinds of which there are cases."""
    return {*MOVES, *MAKERS, *(kind for kinds in FAMILIES.values() for kind in kinds)}
