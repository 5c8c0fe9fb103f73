"""The rule of deformable convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from convmath.algebra import FloorMap
from convmath.errors import Problem, SpecError
from convmath.formula import Value, product_of, ratio
from convmath.report import Condition, Operations
from convmath.spec.deformable import DeformableConv
from convmath.symbolic.conv import whole_groups
from convmath.symbolic.facts import Facts, Requirement, Shape, divides, rule
from convmath.symbolic.window import cut_borders, first_map, last_map, size_map


@rule(DeformableConv)
def deformable_conv(layer: DeformableConv, shape: Shape, *others: Shape) -> Facts:
    """Derive a convolution of samples, 2**rank products each (Dai et al. 2017; Zhu et al. 2019).

    With t taps, learned offsets are rank*t parameters of an offset group, and
    modulation t more; predicted, they are the outputs of a convolution over all channels;
    given, they arrive as *others* of so many channels, and cost nothing. Where no offset
    exceeds ``max_offset``, the field of the convolution widens by that on both sides.
    """
    maps = tuple(size_map(window) for window in layer.windows)
    out = shape.through(maps, layer.out_channels)
    weights = layer.out_channels * ratio(shape.channels, layer.groups) * product_of(layer.kernel_size)
    facts = Facts(
        out=out,
        maps=maps,
        first=tuple(
            _moved(first_map(*pair), -layer.max_offset) for pair in zip(layer.windows, shape.sizes, strict=True)
        ),
        last=tuple(_moved(last_map(*pair), layer.max_offset) for pair in zip(layer.windows, shape.sizes, strict=True)),
        params=weights + layer.out_channels * layer.bias,
        macs=weights * product_of(out.sizes),
        operations=Operations(additions=out.elements * layer.bias) + _sampling(layer, shape.channels, out),
        borders=cut_borders(layer),
        requirements=(*whole_groups(layer, shape), *_given(layer, others, len(out.sizes))),
    )
    if layer.offset_groups != 1:
        message = f"{layer.offset_groups} offset groups do not divide the {shape.channels} channels that arrive"
        way_out = f"choose groups that divide {shape.channels}"
        whole = divides(layer.offset_groups, shape.channels, message, way_out)
        facts = replace(facts, requirements=(*facts.requirements, whole))
    return _with_offsets(layer, shape, facts)


def _given(layer: DeformableConv, others: tuple[Shape, ...], rank: int) -> Iterator[Requirement]:
    """Require the channels of given offsets, one per group, tap and axis, and of their mask; sizes are joined later.

    Raises ``SpecError`` for another number of maps, or of axes.
    """
    if len(others) + 1 != len(layer.takes) or any(len(each.sizes) != rank for each in others):
        arriving = ", ".join(map(str, others)) or "nothing"
        message = f"beside the image {arriving} arrives, but offsets: {layer.offsets} takes {', '.join(layer.takes)}"
        raise SpecError(Problem("bad-inputs", message, "each is an image with as many axes as the first"))
    taps = layer.offset_groups * product_of(layer.kernel_size)
    for name, each in zip(layer.takes[1:], others, strict=True):
        wanted = rank * taps if name == "offsets" else taps
        if each.channels != wanted:
            per = f"{rank} for every" if name == "offsets" else "one for every"
            message = f"{each} arrives as {name}, but {wanted} channels are needed, {per} tap and offset group"
            way_out = f"make them by a convolution with out_channels: {wanted}"
            yield Requirement(Condition(each.channels, "==", wanted), "bad-inputs", message, way_out)


def _moved(line: FloorMap, by: Value) -> FloorMap:
    return FloorMap(line.up, line.shift + by, line.down)


def _sampling(layer: DeformableConv, channels: Value, out: Shape) -> Operations:
    """Return the operations of bilinear sampling: where a tap lies is looked up and costs nothing."""
    samples = channels * product_of(layer.kernel_size) * product_of(out.sizes)
    corners = 2 ** len(out.sizes)
    return Operations(additions=(corners - 1) * samples, elementwise=(corners + layer.modulated) * samples)


def _with_offsets(layer: DeformableConv, shape: Shape, facts: Facts) -> Facts:
    """Return the facts with what the offsets and the modulation take.

    A predicted factor takes a sigmoid; that of a learned one is folded into it once.
    """
    if layer.offsets == "given":
        return facts
    taps = product_of(layer.kernel_size)
    factors = layer.offset_groups * taps * layer.modulated
    count = layer.offset_groups * taps * len(shape.sizes) + factors
    if layer.offsets == "learned":
        return replace(facts, params=facts.params + count)
    positions = product_of(facts.out.sizes)
    return replace(
        facts,
        params=facts.params + count * (shape.channels * taps + 1),
        macs=facts.macs + count * shape.channels * taps * positions,
        operations=facts.operations + Operations(additions=count * positions, elementwise=factors * positions),
    )
