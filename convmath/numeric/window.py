"""Sliding a window over all spatial axes: pad, take windows, stride; what remains is the output's size."""

from __future__ import annotations

import numpy as np

from convmath.numeric.array import Array
from convmath.numeric.kernels import whole
from convmath.numeric.misfit import Misfit
from convmath.numeric.values import Values
from convmath.spec.fields import SAME, Pad
from convmath.spec.layer import Window


def slide(x: Array, windows: tuple[Window, ...], mode: str, *, overrun: bool = False) -> Array:
    """Return the windows of an image: channels, then positions, then taps, one axis each per spatial axis.

    With *overrun* (ceil mode) windows may run over the end of the padded image, if they
    begin in the image or in the padding before it.
    """
    for axis, window in enumerate(windows):
        x = _slide_along(x, axis, window, mode, overrun=overrun)
    return x


def taps(windows: tuple[Window, ...]) -> tuple[int, ...]:
    """Return the axes that hold the taps after :func:`slide`: the last ones."""
    return tuple(range(-len(windows), 0))


def pad_image(x: Array, axis: int, amount: tuple[int, int], mode: str) -> Array:
    """Return an image padded along a spatial axis, with as much as the mode has elements for."""
    size = x.shape[axis + 1]
    # A mirror does not repeat its edge; a circle is gone round once.
    most = {"reflect": size - 1, "circular": size}.get(mode, max(amount))
    if max(amount) > most:
        needed = max(amount) + size - most
        message = f"axis {axis}: {mode} padding of {max(amount)} needs a size of {needed} or more, but it is {size}"
        raise Misfit("padding-too-large", message)
    return x.pad(axis + 1, amount, mode)


def _slide_along(x: Array, axis: int, window: Window, mode: str, *, overrun: bool) -> Array:
    kernel, stride, dilation, extent = map(whole, (*window[:3], window.extent))
    size = x.shape[axis + 1]
    before, after = padding_of(window, size)
    if before or after:
        x = pad_image(x, axis, (before, after), mode)
    if overrun:
        x = x.pad(axis + 1, (0, stride - 1), "nothing" if mode == "nothing" else "zeros")
    padded = x.shape[axis + 1]
    if padded < extent:
        spelled = f"extent {extent} = dilation {dilation} * (kernel {kernel} - 1) + 1"
        raise Misfit("window-too-large", f"the window does not fit: axis {axis}: padded size {padded} < {spelled}")
    x = x.windows(axis + 1, kernel=kernel, stride=stride, dilation=dilation)
    if overrun:
        # Sliding over the positions themselves tells where each window begins.
        positions = Values(np.arange(padded) - before)
        begins = positions.windows(0, kernel=kernel, stride=stride, dilation=dilation).numbers[:, 0]
        x = x[(slice(None),) * (axis + 1) + (slice(np.count_nonzero(begins < size)),)]
    return x


def padding_of(window: Window, size: int) -> tuple[int, int]:
    """Return the padding before and after; ``same`` is resolved from the size that arrives.

    ``same`` lets the last of the windows, which begin at 0, s, 2s, … in the image, end
    at its end: it pads ``max(extent − (x mod s or s), 0)`` in all, less half before.
    """
    if window.padding == SAME:
        stride, extent = whole(window.stride), whole(window.extent)
        total = max(extent - (size % stride or stride), 0)
        return total // 2, total - total // 2
    return amounts(window.padding)


def amounts(pad: Pad) -> tuple[int, int]:
    """Return the padding before and after of a bound layer as integers."""
    if isinstance(pad, str):
        raise TypeError(f"padding '{pad}' is no number of elements")
    before, after = pad
    return whole(before), whole(after)
