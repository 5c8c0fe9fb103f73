"""Random layers of every kind: what ``verify --kind`` and the tests draw from.

Each strategy returns the fields of one entry, as a file would have them. They cover what
breaks size formulas: stride above kernel, kernel equal to the input, uneven padding,
dilation, both parities, groups as many as channels.
"""

from __future__ import annotations

from math import prod
from random import Random
from typing import Any

from convmath.spec.kinds import core_kinds
from convmath.verification import enlarging, joining  # noqa: F401  (enters its strategies)
from convmath.verification.draw import (
    STRATEGIES,
    Fields,
    Place,
    draw_entry,
    draw_place,
    each_axis,
    groups,
    kernels,
    strategy,
    window,
)

__all__ = ["STRATEGIES", "Place", "draw_entry", "draw_place"]


def _convolution(random: Random, place: Place) -> Fields:
    count = groups(random, place)
    mode = random.choice(("zeros", "zeros", "replicate", "reflect", "circular"))
    fields = window(random, place) | {"bias": random.random() < 0.5, "padding_mode": mode}
    return fields | {"groups": count, "out_channels": kernels(random, count)}


@strategy("conv")
def conv(random: Random, place: Place) -> Fields:
    """Draw a convolution."""
    return _convolution(random, place)


@strategy("deformable_conv")
def deformable_conv(random: Random, place: Place) -> Fields:
    """Draw a deformable convolution of any kind."""
    fields = _convolution(random, place)
    del fields["padding_mode"]
    offsets = {"offsets": random.choice(("learned", "predicted", "given")), "modulated": random.random() < 0.5}
    fields |= offsets | {"offset_groups": groups(random, place), "max_offset": random.randint(0, 3)}
    return fields | {"from": _maps(random, place, fields)} if fields["offsets"] == "given" else fields


def _maps(random: Random, place: Place, fields: Fields) -> list[dict[str, Any]]:
    """Draw convolutions with the same windows, which make offsets and a mask; one time in ten one does not fit."""
    taps = fields["offset_groups"] * prod(fields["kernel_size"])
    like = {name: fields[name] for name in ("kernel_size", "stride", "dilation", "padding")}
    maps = [{"out_channels": each, **like} for each in (place.rank * taps, taps)[: 1 + fields["modulated"]]]
    if random.random() < 0.1:
        random.choice(maps).update(random.choice(({"out_channels": taps + 1}, {"stride": 2}, {"dilation": 1})))
    return [{"conv": each} for each in maps]


@strategy("locally_connected")
def locally_connected(random: Random, place: Place) -> Fields:
    """Draw a locally connected layer."""
    return _convolution(random, place)


@strategy("separable_conv")
def separable_conv(random: Random, place: Place) -> Fields:
    """Draw a separable convolution; its groups are those of the mixing step."""
    fields = window(random, place) | {"bias": random.random() < 0.5}
    return fields | {"out_channels": random.randint(1, 4), "multiplier": random.randint(1, 3)}


@strategy("depthwise_conv")
def depthwise_conv(random: Random, place: Place) -> Fields:
    """Draw a depthwise convolution, with one kernel for all channels or without."""
    flags = {"bias": random.random() < 0.5, "shared": random.random() < 0.5}
    return window(random, place) | flags | {"multiplier": random.randint(1, 3)}


@strategy("pointwise_conv")
def pointwise_conv(random: Random, place: Place) -> Fields:
    """Draw a pointwise convolution."""
    count = groups(random, place)
    flags = {"bias": random.random() < 0.5, "stride": each_axis(random, place, 1, 3)}
    return flags | {"groups": count, "out_channels": kernels(random, count)}


@strategy("dense")
def dense(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw a dense layer."""
    return {"out_features": random.randint(1, 9), "bias": random.random() < 0.5}


def _pooling(random: Random, place: Place) -> Fields:
    fields = window(random, place) | {"ceil_mode": random.random() < 0.5}
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


@strategy("lp_pool")
def lp_pool(random: Random, place: Place) -> Fields:
    """Draw a pooling by norms."""
    return _pooling(random, place) | {"norm_type": random.choice((1, 2, 3))}


@strategy("adaptive_avg_pool")
def adaptive_avg_pool(random: Random, place: Place) -> Fields:
    """Draw a pooling to a fixed size, larger ones than the input included."""
    return {"output_size": each_axis(random, place, 1, 7)}


@strategy("adaptive_max_pool")
def adaptive_max_pool(random: Random, place: Place) -> Fields:
    """Draw a pooling to a fixed size."""
    return {"output_size": each_axis(random, place, 1, 7)}


@strategy("pad")
def pad(random: Random, place: Place) -> Fields:
    """Draw padding of its own."""
    amount = [[random.randint(0, 4), random.randint(0, 4)] for _ in range(place.rank)]
    return {"amount": amount, "mode": random.choice(("zeros", "reflect", "replicate", "circular"))}


@strategy("crop")
def crop(random: Random, place: Place) -> Fields:
    """Draw a crop, at times of all there is."""
    return {"amount": [[random.randint(0, size // 2), random.randint(0, (size + 1) // 2)] for size in place.sizes]}


@strategy("batch_norm")
def batch_norm(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw a batch norm."""
    return {"affine": random.random() < 0.7}


@strategy("local_response_norm")
def local_response_norm(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw a response norm over up to seven channels."""
    return {"size": random.randint(1, 7)}


@strategy("layer_norm")
def layer_norm(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw a layer norm."""
    return {"over": random.choice(("all", "channels")), "affine": random.random() < 0.7}


@strategy("group_norm")
def group_norm(random: Random, place: Place) -> Fields:
    """Draw a group norm, its groups at times none that divide."""
    return {"num_groups": groups(random, place), "affine": random.random() < 0.7}


@strategy("instance_norm")
def instance_norm(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw an instance norm."""
    return {"affine": random.random() < 0.7}


@strategy("channel_shuffle")
def channel_shuffle(random: Random, place: Place) -> Fields:
    """Draw a shuffle, its groups at times none that divide."""
    return {"groups": groups(random, place)}


@strategy("gelu")
def gelu(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw either way to compute it."""
    return {"approximate": random.choice(("none", "tanh"))}


@strategy("slice_channels")
def slice_channels(random: Random, place: Place) -> Fields:
    """Draw channels, at times none, or more than there are."""
    start = random.randrange(place.channels)
    return {"channels": [start, random.randint(start, place.channels + 1)]}


@strategy("reshape")
def reshape(random: Random, place: Place) -> Fields:
    """Draw the same sizes in another order, two of them as one, a vector, or now and then another number."""
    sizes = [place.channels, *place.sizes]
    random.shuffle(sizes)
    style = random.random()
    if style < 0.1:
        sizes[0] += 1
    elif style < 0.4 and len(sizes) > 1:
        sizes[:2] = [sizes[0] * sizes[1]]
    elif style < 0.5:
        sizes = [prod(sizes)]
    return {"shape": sizes}


@strategy("opaque")
def opaque(random: Random, place: Place) -> Fields:
    """Draw what a user could declare."""
    windows = random.random() < 0.7
    return {
        "output_shape": [random.randint(1, 4), *each_axis(random, place, 1, 6)],
        "params": random.randint(0, 9),
        "macs": random.randint(0, 99),
        "receptive_field": each_axis(random, place, 1, 4) if windows else "all",
        "stride": each_axis(random, place, 1, 3),
        "padding": each_axis(random, place, 0, 2),
    }


@strategy("scale")
def scale(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw one factor per channel, or one in all."""
    return {"single": random.choice((False, True))}


@strategy("prelu")
def prelu(random: Random, place: Place) -> Fields:
    """Draw one slope, or one per channel, or now and then a number that must be refused."""
    return {"num_parameters": random.choice((1, place.channels, place.channels, place.channels + 1))}


def _plain(random: Random, place: Place) -> Fields:  # noqa: ARG001
    """Draw nothing: the kind has no field that matters to a size or a count."""
    return {}


PLAIN = (
    "flatten",
    "dropout",
    "identity",
    "bias",
    "global_avg_pool",
    "global_max_pool",
    "channel_avg_pool",
    "channel_max_pool",
)
for _kind in PLAIN:
    strategy(_kind)(_plain)
for _cls in core_kinds():
    if _cls.__module__.endswith(".activation") and _cls.kind not in STRATEGIES:
        strategy(_cls.kind)(_plain)
