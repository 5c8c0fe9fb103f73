"""The rules of normalisations."""

from __future__ import annotations

from convmath.report import Operations
from convmath.spec.norm import BatchNorm, LocalResponseNorm
from convmath.symbolic.facts import Facts, Shape, pointwise, rule


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


@rule(LocalResponseNorm)
def local_response_norm(layer: LocalResponseNorm, shape: Shape) -> Facts:
    """Derive ``x / (k + alpha/n * sum of n squares)**beta`` (PyTorch, LocalResponseNorm).

    Per element: a square, n - 1 additions over neighbouring channels, a product with
    alpha/n, a sum with k, a power, a division.
    """
    elements = shape.elements
    return pointwise(shape, operations=Operations(additions=(layer.size - 1) * elements, elementwise=5 * elements))
