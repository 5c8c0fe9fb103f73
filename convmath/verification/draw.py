"""How random layers are drawn: the table of strategies, one per kind, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from convmath.spec.kinds import VOCABULARY

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


def each_axis(random: Random, place: Place, low: int, high: int) -> list[int]:
    """Draw a number per axis."""
    return [random.randint(low, high) for _ in range(place.rank)]


def window(random: Random, place: Place) -> Fields:
    """Draw a window: kernel up to the image, stride above kernel, uneven padding, dilation."""
    fields: Fields = {
        "kernel_size": [random.choice((1, 2, 3, 4, 5, size)) for size in place.sizes],
        "stride": each_axis(random, place, 1, 5),
        "dilation": each_axis(random, place, 1, 3),
    }
    style = random.random()
    if style < 0.2:
        fields["padding"] = "same"
    elif style < 0.3:
        fields["padding"] = "causal"
    else:
        fields["padding"] = [[random.randint(0, 4), random.randint(0, 4)] for _ in range(place.rank)]
    return fields


def groups(random: Random, place: Place) -> int:
    """Draw groups that divide the channels; one time in ten any number, which must be refused where it does not."""
    if random.random() < 0.1:
        return random.randint(1, place.channels + 1)
    return random.choice([each for each in range(1, place.channels + 1) if place.channels % each == 0])


def kernels(random: Random, groups: int) -> int:
    """Draw as many kernels for every group; one time in ten one more."""
    return groups * random.randint(1, 3) + (random.random() < 0.1)
