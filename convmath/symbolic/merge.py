"""The rules of layers that join several maps."""

from __future__ import annotations

from itertools import pairwise

from convmath.algebra import IDENTITY
from convmath.formula import Value, sum_of
from convmath.report import Condition, Operations
from convmath.spec.merge import Add, Concat, Divide, Maximum, Minimum, Multiply, Subtract
from convmath.symbolic.facts import Facts, Requirement, Shape, rule


@rule(Add)
def add(layer: Add, *shapes: Shape) -> Facts:  # noqa: ARG001
    """Derive one addition per element and map beyond the first (PyTorch, add)."""
    out = shapes[0]
    operations = Operations(additions=(len(shapes) - 1) * out.elements)
    return _joined(out, shapes, operations=operations, requirements=same_channels(shapes))


@rule(Subtract)
@rule(Divide)
def between_two(layer: Subtract | Divide, *shapes: Shape) -> Facts:  # noqa: ARG001
    """Derive one difference or quotient per element (PyTorch, sub and div)."""
    operations = Operations(elementwise=shapes[0].elements)
    return _joined(shapes[0], shapes, operations=operations, requirements=same_channels(shapes))


@rule(Maximum)
@rule(Minimum)
def extreme(layer: Maximum | Minimum, *shapes: Shape) -> Facts:  # noqa: ARG001
    """Derive one comparison per element and map beyond the first (PyTorch, maximum and minimum)."""
    operations = Operations(comparisons=(len(shapes) - 1) * shapes[0].elements)
    return _joined(shapes[0], shapes, operations=operations, requirements=same_channels(shapes))


@rule(Concat)
def concat(layer: Concat, *shapes: Shape) -> Facts:  # noqa: ARG001
    """Derive the sum of all channels; moving data costs nothing (PyTorch, cat)."""
    return _joined(Shape(sum_of(each.channels for each in shapes), shapes[0].sizes), shapes)


@rule(Multiply)
def multiply(layer: Multiply, *shapes: Shape) -> Facts:  # noqa: ARG001
    """Derive one product per element and map beyond the first; size 1 is repeated (NumPy, broadcasting)."""
    channels = _largest([each.channels for each in shapes])
    sizes = tuple(_largest(list(axis)) for axis in zip(*(each.sizes for each in shapes), strict=True))
    out = Shape(channels, sizes)
    products = Shape(shapes[0].channels, shapes[0].sizes)
    counted: list[Value] = []
    for each in shapes[1:]:
        products = Shape(
            _largest([products.channels, each.channels]),
            tuple(_largest(list(pair)) for pair in zip(products.sizes, each.sizes, strict=True)),
        )
        counted.append(products.elements)
    operations = Operations(elementwise=sum_of(counted))
    wide = [each for each in shapes if each.channels != 1]
    return _joined(out, shapes, operations=operations, requirements=same_channels(wide))


def _joined(
    out: Shape,
    shapes: tuple[Shape, ...],
    *,
    operations: Operations | None = None,
    requirements: tuple[Requirement, ...] = (),
) -> Facts:
    """Return the facts of a join; a single map is passed on as it is."""
    same = (IDENTITY,) * len(out.sizes)
    return Facts(
        out=out,
        maps=same,
        first=same,
        last=same,
        operations=operations or Operations(),
        requirements=requirements,
        view=len(shapes) == 1,
    )


def same_channels(shapes: tuple[Shape, ...] | list[Shape]) -> tuple[Requirement, ...]:
    """Require that all maps have the same number of channels."""
    return tuple(
        Requirement(
            Condition(left.channels, "==", right.channels),
            "bad-join",
            f"{left.channels} and {right.channels} channels cannot be joined: {left} and {right} arrive",
            "a pointwise_conv changes the number of channels",
        )
        for left, right in pairwise(shapes)
        if left.channels != right.channels
    )


def _largest(sizes: list[Value]) -> Value:
    """Return the size that is not 1, which is repeated."""
    return next((each for each in sizes if each != 1), 1)
