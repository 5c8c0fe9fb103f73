"""Random layers that join several maps."""

from __future__ import annotations

from random import Random

from convmath.verification.draw import Fields, Place, strategy


@strategy("add")
def add(random: Random, place: Place) -> Fields:
    """Draw up to three more maps; one time in ten one that does not fit."""
    return {"from": [_map(random, place) for _ in range(random.randint(1, 3))]}


@strategy("subtract")
@strategy("divide")
def between_two(random: Random, place: Place) -> Fields:
    """Draw one more map; one time in ten one that does not fit."""
    return {"from": [_map(random, place)]}


@strategy("maximum")
@strategy("minimum")
def extreme(random: Random, place: Place) -> Fields:
    """Draw up to three more maps; one time in ten one that does not fit."""
    return add(random, place)


@strategy("concat")
def concat(random: Random, place: Place) -> Fields:
    """Draw up to three more maps with channels of their own."""
    others = [_map(random, place) for _ in range(random.randint(1, 3))]
    return {"from": [[random.randint(1, 5), *sizes] for _, *sizes in others]}


@strategy("multiply")
def multiply(random: Random, place: Place) -> Fields:
    """Draw up to two more maps, at times of size 1 along some axes."""
    others = [_map(random, place) for _ in range(random.randint(1, 2))]
    return {"from": [[1 if random.random() < 0.3 else size for size in each] for each in others]}


@strategy("squeeze_excitation")
def squeeze_excitation(random: Random, place: Place) -> Fields:
    """Draw a gate for every channel."""
    gate = random.choice(("sigmoid", "hard_sigmoid", "tanh"))
    return {"squeeze_channels": random.randint(1, place.channels), "gate": gate}


def _map(random: Random, place: Place) -> list[int]:
    shape = [place.channels, *place.sizes]
    if random.random() < 0.1:
        at = random.randrange(len(shape))
        shape[at] += 1
    return shape
