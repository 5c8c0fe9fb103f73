"""The rules of poolings."""

from __future__ import annotations

from dataclasses import replace

from convmath.algebra import FloorMap
from convmath.formula import Value, gcd_of, product_of
from convmath.report import Operations
from convmath.spec.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    ChannelAvgPool,
    ChannelMaxPool,
    LpPool,
    MaxPool,
)
from convmath.symbolic.facts import Facts, Shape, pointwise, rule
from convmath.symbolic.window import cut_borders, first_map, last_map, real_windows, size_map


def _windows(layer: MaxPool | AvgPool | LpPool, shape: Shape, operations: Operations) -> Facts:
    """Return the facts of pooling, *operations* being those of one window."""
    maps = tuple(size_map(window, ceil_mode=layer.ceil_mode) for window in layer.windows)
    out = shape.through(maps, shape.channels)
    outputs = out.elements
    return Facts(
        out=out,
        maps=maps,
        first=tuple(map(first_map, layer.windows, shape.sizes)),
        last=tuple(map(last_map, layer.windows, shape.sizes)),
        operations=Operations(
            additions=outputs * operations.additions,
            comparisons=outputs * operations.comparisons,
            elementwise=outputs * operations.elementwise,
        ),
        spacing=layer.dilation,
        borders=cut_borders(layer, ceil_mode=layer.ceil_mode),
        requirements=real_windows(layer),
    )


@rule(MaxPool)
def max_pool(layer: MaxPool, shape: Shape) -> Facts:
    """Derive windows of k elements, k - 1 comparisons each (PyTorch, MaxPool2d)."""
    return _windows(layer, shape, Operations(comparisons=product_of(layer.kernel_size) - 1))


@rule(AvgPool)
def avg_pool(layer: AvgPool, shape: Shape) -> Facts:
    """Derive windows of k elements, k - 1 additions and a division each (PyTorch, AvgPool2d)."""
    return _windows(layer, shape, Operations(additions=product_of(layer.kernel_size) - 1, elementwise=1))


@rule(LpPool)
def lp_pool(layer: LpPool, shape: Shape) -> Facts:
    """Derive a power of every element, k - 1 additions and a root for every window (ONNX, LpPool)."""
    facts = _windows(layer, shape, Operations(additions=product_of(layer.kernel_size) - 1, elementwise=1))
    return replace(facts, operations=facts.operations + Operations(elementwise=shape.elements))


def _adaptive(layer: AdaptiveAvgPool | AdaptiveMaxPool, shape: Shape, operations: Operations) -> Facts:
    """Return the facts of pooling to a fixed size m.

    Window i reads floor(i*x/m) … ceil((i + 1)*x/m) - 1 (PyTorch, AdaptiveAvgPool2d).
    """
    pairs = tuple(zip(shape.sizes, layer.output_size, strict=True))
    return Facts(
        out=Shape(shape.channels, layer.output_size),
        maps=tuple(FloorMap(0, m, 1) for m in layer.output_size),
        first=tuple(FloorMap(x, 0, m).reduced() for x, m in pairs),
        last=tuple(FloorMap(x, x - 1, m).reduced() for x, m in pairs),
        operations=operations,
        whole=all(m == 1 for m in layer.output_size),
    )


def _joined(layer: AdaptiveAvgPool | AdaptiveMaxPool, shape: Shape) -> tuple[Value, Value]:
    """Return how many elements are joined, and into how many outputs.

    On one axis the windows read x + m - gcd(x, m) elements in all: neighbours overlap in
    one element unless i*x/m is whole, which it is gcd(x, m) - 1 times inside.
    """
    outputs = shape.channels * product_of(layer.output_size)
    read = shape.channels * product_of(
        x + m - gcd_of(x, m) for x, m in zip(shape.sizes, layer.output_size, strict=True)
    )
    return read - outputs, outputs


@rule(AdaptiveMaxPool)
def adaptive_max_pool(layer: AdaptiveMaxPool, shape: Shape) -> Facts:
    """Derive windows as even as they can be, one comparison fewer than elements each."""
    joined, _ = _joined(layer, shape)
    return _adaptive(layer, shape, Operations(comparisons=joined))


@rule(AdaptiveAvgPool)
def adaptive_avg_pool(layer: AdaptiveAvgPool, shape: Shape) -> Facts:
    """Derive windows as even as they can be, one addition fewer than elements and a division each."""
    joined, outputs = _joined(layer, shape)
    return _adaptive(layer, shape, Operations(additions=joined, elementwise=outputs))


@rule(ChannelAvgPool)
def channel_avg_pool(layer: ChannelAvgPool, shape: Shape) -> Facts:  # noqa: ARG001
    """Derive a sum of all channels and a division at each position (Woo et al. 2018)."""
    positions = product_of(shape.sizes)
    return _one_channel(shape, Operations(additions=shape.elements - positions, elementwise=positions))


@rule(ChannelMaxPool)
def channel_max_pool(layer: ChannelMaxPool, shape: Shape) -> Facts:  # noqa: ARG001
    """Derive one comparison fewer than channels at each position (Woo et al. 2018)."""
    return _one_channel(shape, Operations(comparisons=shape.elements - product_of(shape.sizes)))


def _one_channel(shape: Shape, operations: Operations) -> Facts:
    facts = pointwise(shape, operations=operations, mixes=True)
    return replace(facts, out=Shape(1, shape.sizes), minor=False)
