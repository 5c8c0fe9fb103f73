"""What ``auto_pad`` and ``output_shape`` mean: paddings that depend on the size that arrives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convmath.importers.onnx.call import Call
from convmath.importers.tensor import Tensor, Unsupported
from convmath.spec.fields import SAME, Pad

Pads = tuple[Pad, ...]


def upper_half(
    x: Tensor, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Callable[[int], Pad]:
    """Return the padding of SAME_LOWER by axis: the surplus stands before, not after.

    Where the surplus is even whatever the size, both are the same. Elsewhere the size must
    be a number, from which the padding follows (ONNX, Conv).
    """

    def lower(axis: int) -> Pad:
        extent = dilations[axis] * (kernel[axis] - 1) + 1
        if strides[axis] == 1 and extent % 2:
            return SAME
        size = x.shape.sizes[axis] if axis < len(x.shape.sizes) else 1
        if strides[axis] == 1:
            return (extent // 2, extent // 2 - 1)
        if not isinstance(size, int):
            raise Unsupported(f"SAME_LOWER at stride {strides[axis]} depends on the size, which is {size} here")
        total = max(extent - (size % strides[axis] or strides[axis]), 0)
        return (total - total // 2, total // 2)

    return lower


def transposed(
    call: Call, x: Tensor, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[Pads, tuple[int, ...]]:
    """Return what a transposed convolution cuts off and keeps at the end (ONNX, ConvTranspose)."""
    rank = len(kernel)
    kept = call.per_axis("output_padding", rank, 0)
    wanted = call.get("output_shape")
    word = call.get("auto_pad", "NOTSET")
    if wanted:
        sizes = wanted[-rank:]
        if len(sizes) != rank or len(x.shape.sizes) != rank:
            raise Unsupported(f"output_shape has {len(wanted)} numbers for {rank} axes of space")
        found = [_towards(x, axis, sizes[axis], strides, dilations, kernel, kept, word) for axis in range(rank)]
        return tuple(pads for pads, _ in found), tuple(more for _, more in found)
    if word == "SAME_LOWER":
        made = [_same_lower(strides[at], dilations[at] * (kernel[at] - 1) + 1) for at in range(rank)]
        return tuple(pads for pads, _ in made), tuple(more for _, more in made)
    if word == "SAME_UPPER":
        short = [at for at in range(rank) if dilations[at] * (kernel[at] - 1) + 1 < strides[at]]
        if short:
            raise Unsupported("SAME_UPPER with a kernel shorter than the stride is defined by no two readers alike")
    pads = call.padding(rank, lambda axis: SAME)  # noqa: ARG005
    return pads, kept


def _same_lower(stride: int, extent: int) -> tuple[Pad, int]:
    total = extent - stride
    if total < 0:
        raise Unsupported("SAME_LOWER with a kernel shorter than the stride is defined by no two readers alike")
    return (total - total // 2, total // 2), 0


def _towards(
    x: Tensor,
    axis: int,
    size: int,
    strides: Sequence[int],
    dilations: Sequence[int],
    kernel: Sequence[int],
    kept: Sequence[int],
    word: str,
) -> tuple[Pad, int]:
    """Return the padding that gives the size which ``output_shape`` asks for."""
    arriving = x.shape.sizes[axis]
    if not isinstance(arriving, int):
        raise Unsupported(f"output_shape asks for {size} elements whatever arrives; the size is {arriving} here")
    extent = dilations[axis] * (kernel[axis] - 1) + 1
    total = strides[axis] * (arriving - 1) + kept[axis] + extent - size
    if total < 0:
        return (0, 0), kept[axis] - total
    half = total // 2
    return ((half, total - half) if word == "SAME_UPPER" else (total - half, half)), kept[axis]
