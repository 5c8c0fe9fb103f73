"""The table of kernels, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from convmath.formula import Value
from convmath.numeric.array import Array
from convmath.registry import Registry

Kernel: TypeAlias = Callable[..., Any]
"""A function of the layer, its weights and the arrays that arrive, which returns an array."""

kernel: Registry[Kernel] = Registry("kernel")


def whole(size: Value) -> int:
    """Return a size of a bound layer as the integer that it is."""
    if not isinstance(size, int):
        raise TypeError(f"{size} is no integer: only bound networks are executed")
    return size


def per_channel(x: Array) -> tuple[int, ...]:
    """Return the shape in which one parameter per channel meets the elements of *x*."""
    return (-1,) + (1,) * len(x.shape[1:])
