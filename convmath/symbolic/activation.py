"""The rule of activations: one operation per element, whatever the function."""

from __future__ import annotations

from dataclasses import replace

from convmath.formula import ratio
from convmath.report import Condition, Operations
from convmath.spec import activation as kinds
from convmath.spec.kinds import core_kinds
from convmath.symbolic.facts import Facts, Requirement, Shape, divides, pointwise, rule


@rule(kinds.Prelu)
def prelu(layer: kinds.Prelu, shape: Shape) -> Facts:
    """Derive one learned slope, or one per channel (PyTorch, PReLU)."""
    slopes, channels = layer.num_parameters, shape.channels
    requirements: tuple[Requirement, ...] = ()
    if slopes != 1:
        message = f"{slopes} slopes for {channels} channels"
        condition = Condition((slopes - 1) * (slopes - channels), "==", 0)  # 1 is legal, too
        requirements = (Requirement(condition, "bad-size", message, "use 1, or in_channels"),)
    return pointwise(shape, params=slopes, operations=Operations(elementwise=shape.elements), requirements=requirements)


@rule(kinds.Glu)
def glu(layer: kinds.Glu, shape: Shape) -> Facts:  # noqa: ARG001
    """Derive half the channels, with a sigmoid and a product for each element (PyTorch, GLU)."""
    message = f"{shape.channels} channels have no halves"
    even = divides(2, shape.channels, message, "let an even number of channels arrive")
    facts = pointwise(shape, operations=Operations(elementwise=shape.elements), requirements=(even,))
    return replace(facts, out=Shape(ratio(shape.channels, 2), shape.sizes), minor=False)


def activation(layer: kinds.Activation, shape: Shape) -> Facts:  # noqa: ARG001
    """Derive one element-wise operation per element."""
    return pointwise(shape, operations=Operations(elementwise=shape.elements))


for _kind in core_kinds():
    if issubclass(_kind, kinds.Activation) and _kind is not kinds.Prelu:
        rule(_kind)(activation)
