"""Windows written out one by one, for the tests alone: nothing is derived here.

An axis is a list of positions. Each layer is applied by listing, for every output, the
positions that it reads; padding reads nothing. What a stack reads is the union over its
layers, found by walking the lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

Windows = list[list[int | None]]


@dataclass(frozen=True)
class AxisLayer:
    """What a layer does along one axis; ``kind`` is window, pad, crop, adaptive, transposed, nearest and so on.

    A resized axis has ``count`` outputs, blended where ``mode`` says so.
    """

    kind: str
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceil: bool = False
    same: bool = False
    count: int = 0
    kept: int = 0
    mode: str = ""


def windows(layer: AxisLayer, size: int) -> Windows:
    """List what each output reads; None stands for a padded position."""
    positions: list[int | None] = list(range(size))
    if layer.kind == "pad":
        padded = [None] * layer.before + positions + [None] * layer.after
        return [[each] for each in padded]
    if layer.kind == "adaptive":
        edges = [(at * size // layer.count, -(-(at + 1) * size // layer.count)) for at in range(layer.count)]
        return [list(range(begin, end)) for begin, end in edges]
    if layer.kind == "crop":
        return [[each] for each in positions[layer.before : max(size - layer.after, 0)]]
    if layer.kind == "nearest":
        return [[each] for each in positions for _ in range(layer.count)]
    if layer.kind == "bilinear":
        return blended(layer.count * size, size)
    if layer.kind == "resized":
        return resized(layer, size)
    if layer.kind == "transposed":
        return transposed(layer, size)
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


def blended(count: int, size: int) -> Windows:
    """List the one or two elements around the middle of each output's pixel."""
    middles = [Fraction(2 * at + 1, 2) * Fraction(size, count) - Fraction(1, 2) for at in range(count)]
    return [around(middle, size) for middle in middles]


def around(place: Fraction, size: int) -> list[int | None]:
    """List the elements less than one away from a place."""
    near = [each for each in range(-1, size + 1) if abs(each - place) < 1]
    return [each if 0 <= each < size else None for each in near]


def resized(layer: AxisLayer, size: int) -> Windows:
    """List what an axis of any size is made of: the element that an output's pixel begins in, or those around it."""
    if layer.mode == "nearest":
        begins = [Fraction(at, layer.count) for at in range(layer.count)]
        return [[each for each in range(size) if Fraction(each, size) <= x < Fraction(each + 1, size)] for x in begins]
    if layer.mode == "bilinear":
        return blended(layer.count, size)
    ends = [Fraction(at, max(layer.count - 1, 1)) * (size - 1) for at in range(layer.count)]
    return [around(place, size) for place in ends]


def transposed(layer: AxisLayer, size: int) -> Windows:
    """Lay every element's taps onto a line, and cut it; elements beyond the ends write None."""
    reach = layer.dilation * (layer.kernel - 1)
    length = layer.stride * (size - 1) + 1 + reach
    line: Windows = [[] for _ in range(length + layer.kept)]
    beyond = reach + layer.kept + layer.stride
    for element in range(-beyond, size + beyond):
        for tap in range(layer.kernel):
            place = layer.stride * element + layer.dilation * tap
            if 0 <= place < len(line):
                line[place].append(element if 0 <= element < size else None)
    before, after = layer.before, layer.after
    if layer.same:
        surplus = len(line) - layer.stride * size
        before, after = surplus // 2, surplus - surplus // 2
    return line[before : max(len(line) - after, 0)]


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
