"""The rules of normalisations."""

from __future__ import annotations

from dataclasses import replace

from convmath.formula import Value, product_of
from convmath.report import Operations
from convmath.spec.norm import BatchNorm, Bias, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, Scale
from convmath.symbolic.facts import Facts, Shape, divides, pointwise, rule


@rule(BatchNorm)
def batch_norm(layer: BatchNorm, shape: Shape) -> Facts:
    """Derive one factor and one summand per channel, folded from four vectors (PyTorch, BatchNorm2d).

    Scale and shift are parameters, the running mean and variance buffers.
    """
    return pointwise(
        shape,
        params=2 * shape.channels if layer.affine else 0,
        buffers=2 * shape.channels,
        operations=Operations(elementwise=2 * shape.elements),
    )


def _standardised(shape: Shape, sets: Value, params: Value, *, whole: bool, affine: bool) -> Facts:
    """Return the facts of elements normalised in *sets*, each by its own mean and variance.

    With N elements in G sets: N - G additions and G divisions for the means, N
    differences, N squares, again N - G additions and G divisions, G sums with eps, G
    roots, N divisions; scale and shift take two more operations per element.
    """
    count = shape.elements
    elementwise = 3 * count + 4 * sets + (2 * count if affine else 0)
    operations = Operations(additions=2 * (count - sets), elementwise=elementwise)
    facts = pointwise(shape, params=params if affine else 0, operations=operations)
    return replace(facts, whole=True, minor=False) if whole else facts


@rule(LayerNorm)
def layer_norm(layer: LayerNorm, shape: Shape) -> Facts:
    """Derive one set of all elements, or one per position (PyTorch, LayerNorm)."""
    if layer.over == "all":
        return _standardised(shape, 1, 2 * shape.elements, whole=True, affine=layer.affine)
    sets = product_of(shape.sizes)
    return _standardised(shape, sets, 2 * shape.channels, whole=not shape.sizes, affine=layer.affine)


@rule(GroupNorm)
def group_norm(layer: GroupNorm, shape: Shape) -> Facts:
    """Derive sets of neighbouring channels over all positions (PyTorch, GroupNorm)."""
    groups, channels = layer.num_groups, shape.channels
    message = f"{groups} groups do not divide the {channels} channels that arrive"
    facts = _standardised(shape, groups, 2 * channels, whole=True, affine=layer.affine)
    return replace(facts, requirements=(divides(groups, channels, message, f"choose groups that divide {channels}"),))


@rule(InstanceNorm)
def instance_norm(layer: InstanceNorm, shape: Shape) -> Facts:
    """Derive one set per channel; nothing is kept from other images (PyTorch, InstanceNorm2d)."""
    return _standardised(shape, shape.channels, 2 * shape.channels, whole=True, affine=layer.affine)


@rule(Scale)
def scale(layer: Scale, shape: Shape) -> Facts:
    """Derive one factor per channel, or one in all."""
    return pointwise(
        shape, params=1 if layer.single else shape.channels, operations=Operations(elementwise=shape.elements)
    )


@rule(Bias)
def bias(layer: Bias, shape: Shape) -> Facts:  # noqa: ARG001
    """Derive one summand per channel (Caffe, Bias)."""
    return pointwise(shape, params=shape.channels, operations=Operations(additions=shape.elements))


@rule(LocalResponseNorm)
def local_response_norm(layer: LocalResponseNorm, shape: Shape) -> Facts:
    """Derive ``x / (k + alpha/n * sum of n squares)**beta`` (PyTorch, LocalResponseNorm).

    Per element: a square, n - 1 additions over neighbouring channels, a product with
    alpha/n, a sum with k, a power, a division.
    """
    elements = shape.elements
    return pointwise(shape, operations=Operations(additions=(layer.size - 1) * elements, elementwise=5 * elements))
