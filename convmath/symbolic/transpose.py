"""The rule of transposed convolutions."""

from __future__ import annotations

from convmath.algebra import FloorMap
from convmath.formula import Value, max_of, product_of, ratio, surely_nonnegative
from convmath.report import Condition, Operations
from convmath.spec.fields import SAME
from convmath.spec.layer import Window
from convmath.spec.transpose import ConvTranspose
from convmath.symbolic.conv import whole_groups
from convmath.symbolic.facts import Facts, Requirement, Shape, rule


@rule(ConvTranspose)
def conv_transpose(layer: ConvTranspose, shape: Shape) -> Facts:
    """Derive a kernel laid down for every input element (Dumoulin and Visin 2016; PyTorch, ConvTranspose2d).

    Every product of an input element counts, also those that are cropped afterwards:
    ``C/g * K * prod(kernel)`` for each input position.
    """
    pairs = tuple(zip(layer.windows, layer.output_padding, strict=True))
    maps = tuple(_size_map(window, kept) for window, kept in pairs)
    out = shape.through(maps, layer.out_channels)
    weights = ratio(shape.channels, layer.groups) * layer.out_channels * product_of(layer.kernel_size)
    hull = all(_gapless(window) for window in layer.windows)
    return Facts(
        out=out,
        maps=maps,
        first=tuple(_first_map(window, kept) for window, kept in pairs),
        last=tuple(FloorMap(1, _cropped(window, kept), window.stride) for window, kept in pairs),
        params=weights + layer.out_channels * layer.bias,
        macs=weights * product_of(shape.sizes),
        operations=Operations(additions=out.elements * layer.bias),
        borders=hull and all(kept == 0 for kept in layer.output_padding),
        hull=hull,
        requirements=(*whole_groups(layer, shape), *_requirements(pairs)),
    )


def _size_map(window: Window, kept: Value) -> FloorMap:
    """Return ``stride*(x - 1) + extent + output padding - what is cropped``; with ``same``, ``stride*x``."""
    stride = window.stride
    if isinstance(window.padding, str):
        return FloorMap(stride, 0, 1)
    before, after = window.padding
    return FloorMap(stride, window.extent - stride - before - after + kept, 1)


def _first_map(window: Window, kept: Value) -> FloorMap:
    """Return the least input position that output i reads.

    Input j writes to stride*j + dilation*tap - cropped, so that output i reads every j
    with ``0 <= i + cropped - stride*j <= dilation*(kernel - 1)`` that a tap meets: from
    ``ceil((i + cropped - dilation*(kernel - 1))/stride)`` to ``floor((i + cropped)/stride)``.
    """
    stride = window.stride
    return FloorMap(1, _cropped(window, kept) - window.extent + stride, stride)


def _cropped(window: Window, kept: Value) -> Value:
    """Return how many elements are cropped before; ``same`` crops the smaller half of what is too much."""
    if isinstance(window.padding, str):
        return (window.extent - window.stride + kept) // 2
    return window.padding[0]


def _gapless(window: Window) -> bool:
    """Tell whether the taps that meet an output are neighbours, and at least one."""
    return window.dilation == 1 and surely_nonnegative(window.kernel - window.stride)


def _requirements(pairs: tuple[tuple[Window, Value], ...]) -> tuple[Requirement, ...]:
    found = []
    for window, kept in pairs:
        most = max_of(window.stride, window.dilation)
        message = f"output_padding {kept} is not smaller than stride {window.stride} or dilation {window.dilation}"
        way_out = "it only tells apart the sizes that one stride makes equal"
        if kept != 0:
            found.append(Requirement(Condition(kept, "<=", most - 1), "bad-padding", message, way_out))
        if window.padding == SAME:
            message = f"'same' needs a window of {window.stride} = stride or more, but it spans {window.extent + kept}"
            condition = Condition(window.extent + kept, ">=", window.stride)
            found.append(Requirement(condition, "bad-padding", message, "enlarge the kernel, or lower the stride"))
    return tuple(found)
