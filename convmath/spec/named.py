"""Kernels that have a name, with their numbers: ``sobel_x``, ``gaussian`` and the like.

They are written as a layer applies them, without being turned round: a kernel answers
with a large number where the window looks like it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import comb, prod
from typing import TypeAlias

Number: TypeAlias = int | float
Numbers: TypeAlias = "Number | tuple[Numbers, ...]"
Sizes: TypeAlias = tuple[int, ...]

MOST_TAPS = 10_000
"""A named kernel has at most so many elements."""

FIXED: dict[str, tuple[tuple[int, ...], ...]] = {
    "laplacian": ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
    "laplacian_8": ((1, 1, 1), (1, -8, 1), (1, 1, 1)),
    "prewitt_x": ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
    "prewitt_y": ((-1, -1, -1), (0, 0, 0), (1, 1, 1)),
    "scharr_x": ((-3, 0, 3), (-10, 0, 10), (-3, 0, 3)),
    "scharr_y": ((-3, -10, -3), (0, 0, 0), (3, 10, 3)),
    "sharpen": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    "sobel_x": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    "sobel_x_flipped": ((1, 0, -1), (2, 0, -2), (1, 0, -1)),
    "sobel_y": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "sobel_y_flipped": ((1, 2, 1), (0, 0, 0), (-1, -2, -1)),
}
"""Kernels of one size. A flipped one is turned by half a turn, as a convolution in the strict sense applies it."""


def _box(size: Sizes, tap: Sizes) -> Number:  # noqa: ARG001
    return 1 / prod(size)


def _sum(size: Sizes, tap: Sizes) -> Number:  # noqa: ARG001
    return 1


def _gaussian(size: Sizes, tap: Sizes) -> Number:
    ways: int = prod(comb(length - 1, at) for length, at in zip(size, tap, strict=True))
    return ways / (1 << sum(length - 1 for length in size))


def _identity(size: Sizes, tap: Sizes) -> Number:
    return int(all(2 * at == length - 1 for length, at in zip(size, tap, strict=True)))


ANY_SIZE: dict[str, Callable[[Sizes, Sizes], Number]] = {
    "box": _box,
    "gaussian": _gaussian,
    "identity": _identity,
    "sum": _sum,
}
"""Kernels of any size and rank: the number of each tap. A gaussian is binomial, so that its numbers are exact."""

NAMES = tuple(sorted([*FIXED, *ANY_SIZE]))


def named_kernel(name: str, size: Sizes) -> Numbers:
    """Return the numbers of the kernel *name* of this size, one entry per axis.

    Raises ``ValueError`` with the sizes where there is no such kernel.
    """
    written = " × ".join(map(str, size))
    if name in FIXED:
        numbers = FIXED[name]
        if size != (len(numbers), len(numbers[0])):
            raise ValueError(f"'{name}' is a kernel of 3 × 3, but kernel_size is {written}")
        return numbers
    if prod(size) > MOST_TAPS:
        raise ValueError(f"'{name}' of {written} has more than {MOST_TAPS} elements")
    if name == "identity" and any(each % 2 == 0 for each in size):
        raise ValueError(f"'{name}' needs odd sizes, since it has a middle, but kernel_size is {written}")
    flat = [ANY_SIZE[name](size, tap) for tap in product(*map(range, size))]
    return _folded(flat, size)


def _folded(flat: list[Number], size: Sizes) -> Numbers:
    if not size:
        return flat[0]
    step = len(flat) // size[0]
    return tuple(_folded(flat[begin : begin + step], size[1:]) for begin in range(0, len(flat), step))
