"""Windows written out one by one, for the tests alone: nothing is derived here.

An axis is a list of positions. Each layer is applied by listing, for every output, the
positions that it reads; padding reads nothing. What a stack reads is the union over its
layers, found by walking the lists.
"""

from __future__ import annotations

from dataclasses import dataclass

Windows = list[list[int | None]]


@dataclass(frozen=True)
class AxisLayer:
    """What a layer does along one axis; ``kind`` is window, pad or adaptive."""

    kind: str
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceil: bool = False
    same: bool = False
    count: int = 0


def windows(layer: AxisLayer, size: int) -> Windows:
    """List what each output reads; None stands for a padded position."""
    positions: list[int | None] = list(range(size))
    if layer.kind == "pad":
        padded = [None] * layer.before + positions + [None] * layer.after
        return [[each] for each in padded]
    if layer.kind == "adaptive":
        edges = [(at * size // layer.count, -(-(at + 1) * size // layer.count)) for at in range(layer.count)]
        return [list(range(begin, end)) for begin, end in edges]
    span = layer.dilation * (layer.kernel - 1)
    before, after = layer.before, layer.after
    if layer.same:
        missing = max(span + 1 - (size % layer.stride or layer.stride), 0)
        before, after = missing // 2, missing - missing // 2
    padded = [None] * before + positions + [None] * after
    ceil = layer.ceil and not layer.same
    hanging = padded + [None] * (layer.stride - 1 if ceil else 0)
    found: Windows = []
    for start in range(0, len(hanging) - span, layer.stride):
        if ceil and start >= before + size:
            break  # a last window may hang over, but it must begin inside
        found.append([hanging[start + layer.dilation * tap] for tap in range(layer.kernel)])
    return found


@dataclass(frozen=True)
class Output:
    """The input positions that one output reads, and whether its windows met padding at any level."""

    reads: frozenset[int]
    clean: bool


def outputs(stack: list[AxisLayer], size: int) -> list[list[Output]]:
    """List the outputs after every layer; an empty list where a layer has none."""
    current = [Output(frozenset((at,)), clean=True) for at in range(size)]
    levels = []
    for layer in stack:
        current = [
            Output(
                frozenset().union(*(current[tap].reads for tap in window if tap is not None)),
                clean=all(tap is not None and current[tap].clean for tap in window),
            )
            for window in windows(layer, len(current))
        ]
        levels.append(current)
        if not current:
            break
    return levels
