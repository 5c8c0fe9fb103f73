"""Random layers of every kind: what ``verify --kind`` and the tests draw from.

Each strategy returns the fields of one entry, as a file would have them. They cover what
breaks size formulas: stride above kernel, kernel equal to the input, uneven padding,
dilation, both parities, groups as many as channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from convmath.spec.kinds import VOCABULARY, core_kinds

Fields = dict[str, Any]
Strategy = Callable[[Random, "Place"], Fields]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a layer is drawn for: what arrives there."""

    channels: int
    sizes: tuple[int, ...]

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.sizes)


STRATEGIES: dict[str, Strategy] = {}


def strategy(kind: str) -> Callable[[Strategy], Strategy]:
    """Enter a strategy for *kind*."""

    def enter(draw: Strategy) -> Strategy:
        if kind in STRATEGIES:
            raise TypeError(f"the kind '{kind}' has two strategies")
        STRATEGIES[kind] = draw
        return draw

    return enter


def draw_place(random: Random, kind: str) -> Place:
    """Draw what arrives: a vector for a dense layer, else an image of one to three axes."""
    channels = random.choice((1, 2, 3, 4, 6))
    if kind == "dense":
        return Place(channels * random.randint(1, 9), ())
    axes = VOCABULARY[kind].axes or random.random() < 0.7
    rank = random.choice((1, 2, 2, 3)) if axes else 0
    return Place(channels, tuple(random.randint(1, 14) for _ in range(rank)))


def draw_entry(random: Random, kind: str, place: Place) -> dict[str, Any]:
    """Draw one entry of *kind*."""
    return {kind: STRATEGIES[kind](random, place)}


def _each(random: Random, place: Place, low: int, high: int) -> list[int]:
    return [random.randint(low, high) for _ in range(place.rank)]


def _window(random: Random, place: Place) -> Fields:
    fields: Fields = {
        "kernel_size": [random.choice((1, 2, 3, 4, 5, size)) for size in place.sizes],
        "stride": _each(random, place, 1, 5),
        "dilation": _each(random, place, 1, 3),
    }
    style = random.random()
    if style < 0.2:
        fields["padding"] = "same"
    elif style < 0.3:
        fields["padding"] = "causal"
    else:
        fields["padding"] = [[random.randint(0, 4), random.randint(0, 4)] for _ in range(place.rank)]
    return fields


def _convolution(random: Random, place: Place) -> Fields:
    groups = _groups(random, place)
    mode = random.choice(("zeros", "zeros", "replicate", "reflect", "circular"))
    fields = _window(random, place) | {"bias": random.random() < 0.5, "padding_mode": mode}
    return fields | {"groups": groups, "out_channels": _kernels(random, groups)}


def _groups(random: Random, place: Place) -> int:
    """Draw groups that divide the channels; one time in ten any number, which must be refused where it does not."""
    if random.random() < 0.1:
        return random.randint(1, place.channels + 1)
    return random.choice([each for each in range(1, place.channels + 1) if place.channels % each == 0])


def _kernels(random: Random, groups: int) -> int:
    return groups * random.randint(1, 3) + (random.random() < 0.1)


@strategy("conv")
def conv(random: Random, place: Place) -> Fields:
    """Draw a convolution."""
    return _convolution(random, place)


@strategy("locally_connected")
def locally_connected(random: Random, place: Place) -> Fields:
    """Draw a locally connected layer."""
    return _convolution(random, place)


@strategy("separable_conv")
def separable_conv(random: Random, place: Place) -> Fields:
    """Draw a separable convolution; its groups are those of the mixing step."""
    fields = _window(random, place) | {"bias": random.random() < 0.5}
    return fields | {"out_channels": random.randint(1, 4), "multiplier": random.randint(1, 3)}


@strategy("depthwise_conv")
def depthwise_conv(random: Random, place: Place) -> Fields:
    """Draw a depthwise convolution, with one kernel for all channels or without."""
    flags = {"bias": random.random() < 0.5, "shared": random.random() < 0.5}
    return _window(random, place) | flags | {"multiplier": random.randint(1, 3)}


@strategy("pointwise_conv")
def pointwise_conv(random: Random, place: Place) -> Fields:
    """Draw a pointwise convolution."""
    groups = _groups(random, place)
    flags = {"bias": random.random() < 0.5, "stride": _each(random, place, 1, 3)}
    return flags | {"groups": groups, "out_channels": _kernels(random, groups)}


@strategy("dense")
def dense(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw a dense layer."""
    return {"out_features": random.randint(1, 9), "bias": random.random() < 0.5}


def _pooling(random: Random, place: Place) -> Fields:
    fields = _window(random, place) | {"ceil_mode": random.random() < 0.5}
    if isinstance(fields["padding"], list):
        extents = [d * (k - 1) + 1 for d, k in zip(fields["dilation"], fields["kernel_size"], strict=True)]
        most = 2 if random.random() < 0.1 else 0  # sometimes a padding that must be refused
        fields["padding"] = [[random.randrange(extent + most) for _ in range(2)] for extent in extents]
    return fields


@strategy("max_pool")
def max_pool(random: Random, place: Place) -> Fields:
    """Draw a max pooling."""
    return _pooling(random, place)


@strategy("avg_pool")
def avg_pool(random: Random, place: Place) -> Fields:
    """Draw an average pooling."""
    return _pooling(random, place) | {"count_include_pad": random.random() < 0.5}


@strategy("adaptive_avg_pool")
def adaptive_avg_pool(random: Random, place: Place) -> Fields:
    """Draw a pooling to a fixed size, larger ones than the input included."""
    return {"output_size": _each(random, place, 1, 7)}


@strategy("adaptive_max_pool")
def adaptive_max_pool(random: Random, place: Place) -> Fields:
    """Draw a pooling to a fixed size."""
    return {"output_size": _each(random, place, 1, 7)}


@strategy("pad")
def pad(random: Random, place: Place) -> Fields:
    """Draw padding of its own."""
    amount = [[random.randint(0, 4), random.randint(0, 4)] for _ in range(place.rank)]
    return {"amount": amount, "mode": random.choice(("zeros", "reflect", "replicate", "circular"))}


@strategy("batch_norm")
def batch_norm(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw a batch norm."""
    return {"affine": random.random() < 0.7}


@strategy("local_response_norm")
def local_response_norm(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw a response norm over up to seven channels."""
    return {"size": random.randint(1, 7)}


@strategy("prelu")
def prelu(random: Random, place: Place) -> Fields:
    """Draw one slope, or one per channel, or now and then a number that must be refused."""
    return {"num_parameters": random.choice((1, place.channels, place.channels, place.channels + 1))}


def _plain(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw nothing: the kind has no field that matters to a size or a count."""
    return {}


for _kind in ("flatten", "dropout", "identity", "global_avg_pool", "global_max_pool"):
    strategy(_kind)(_plain)
for _cls in core_kinds():
    if _cls.__module__.endswith(".activation") and _cls.kind not in STRATEGIES:
        strategy(_cls.kind)(_plain)
