"""In which ways a layer may be written in PyTorch, where a counter sees the difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

POOLS = ("max_pool", "avg_pool", "lp_pool")
NORMS = ("layer_norm", "group_norm", "instance_norm")
ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "prelu", "elu", "celu", "selu", "gelu", "silu", "mish", "softplus",
    "sigmoid", "tanh", "log_sigmoid", "softsign",
    "hard_sigmoid", "hard_swish", "hard_tanh", "softmax", "log_softmax", "glu",
)  # fmt: skip
METHODS = ("relu", "prelu", "celu", "selu", "sigmoid", "tanh", "softmax", "log_softmax")
"""Activations that torch has as functions, too."""

WRITINGS: Mapping[str, tuple[str, ...]] = {
    "conv": ("module", "same", "linear", "subclass"),
    "conv_transpose": ("module", "subclass"),
    "dense": ("module", "subclass"),
    "adaptive_avg_pool": ("module", "functional", "mean"),
    "adaptive_max_pool": ("module", "functional", "amax"),
    "batch_norm": ("module", "functional", "instance"),
    "upsample": ("module", "functional"),
    "add": ("operator", "function"),
    "multiply": ("operator", "function"),
    "scale": ("operator", "function"),
    "bias": ("operator", "function"),
    **dict.fromkeys(POOLS, ("module", "functional")),
    **dict.fromkeys(NORMS, ("module", "functional")),
    **dict.fromkeys(ACTIVATIONS, ("module", "functional")),
    **dict.fromkeys(METHODS, ("module", "functional", "tensor")),
}
"""The ways of each kind, the usual one first; kinds that do not stand here are written as a module only."""

MEANINGS: Mapping[str, str] = {
    "module": "a module of torch.nn",
    "functional": "a call of torch.nn.functional",
    "tensor": "a function of torch or a method of a tensor, such as torch.relu",
    "mean": "x.mean over the spatial axes",
    "amax": "x.amax, or x.max, over the spatial axes",
    "operator": "an operator between tensors, + or *",
    "function": "a call of torch.add or torch.mul",
    "same": "a module of torch.nn with padding='same'",
    "subclass": "a subclass of a module of torch.nn",
    "linear": "torch.nn.Linear over channels that stand last",
    "instance": "torch.nn.InstanceNorm with running statistics, in eval mode",
}


def writings(kind: str) -> tuple[str, ...]:
    """Return the ways in which a core kind may be written, the usual one first."""
    return WRITINGS.get(kind, ("module",))


def _pointwise(layer: Any) -> bool:
    return layer.is_pointwise and layer.groups == 1 and _unstrided(layer)


def _unstrided(layer: Any) -> bool:
    return all(stride == 1 for stride in layer.stride)


def _to_one(layer: Any) -> bool:
    return all(size == 1 for size in layer.output_size)


POSSIBLE: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "linear": (_pointwise, "only a convolution with kernel 1, stride 1 and one group, without padding, is a Linear"),
    "same": (_unstrided, "PyTorch's padding='same' takes no stride"),
    "mean": (_to_one, "a mean over the axes leaves one element"),
    "amax": (_to_one, "a maximum over the axes leaves one element"),
}
"""Which layers may be written in a way that not all of their kind allow, and what to say of the others."""
