"""The rule of fully connected layers."""

from __future__ import annotations

from convmath.errors import Problem, SpecError
from convmath.report import Operations
from convmath.spec.dense import Dense
from convmath.symbolic.facts import Facts, Shape, rule


@rule(Dense)
def dense(layer: Dense, shape: Shape) -> Facts:
    """Derive a matrix of ``out_features`` rows and a bias (PyTorch, Linear)."""
    if shape.sizes:
        message = f"an image of {shape} arrives, but a dense layer takes a vector"
        way_out = f"put '- flatten' above it, which makes a vector of {shape.elements}, or use 'pointwise_conv'"
        raise SpecError(Problem("not-a-vector", message, way_out))
    return Facts(
        out=Shape(layer.out_features),
        maps=(),
        first=(),
        last=(),
        params=layer.out_features * (shape.channels + layer.bias),
        macs=layer.out_features * shape.channels,
        operations=Operations(additions=layer.out_features * layer.bias),
        whole=True,
    )
