"""Sliding windows: how many fit, and what each reads; shared by convolutions and poolings."""

from __future__ import annotations

from convmath.algebra import FloorMap
from convmath.formula import Value, max_of, min_of, surely_nonnegative
from convmath.formula.layout import arrange
from convmath.formula.nodes import Call, Node, Number_, Product, Quotient, Sum
from convmath.report import Condition
from convmath.spec.fields import SAME
from convmath.spec.layer import Window, Windowed
from convmath.symbolic.facts import Requirement


def size_map(window: Window, *, ceil_mode: bool = False) -> FloorMap:
    """Return how many windows fit, as a map of the input size.

    ``floor((x + before + after - extent)/stride) + 1`` (Dumoulin and Visin 2016). In ceil
    mode a last window may hang over, if it starts inside the input or the padding before
    it (PyTorch, MaxPool2d). With ``same``, ``ceil(x/stride)`` (TensorFlow).
    """
    stride = window.stride
    if window.padding == SAME:
        return FloorMap(1, stride - 1, stride)
    before, after = _pair(window)
    fitting = before + after - window.extent + stride
    if ceil_mode:
        return FloorMap(1, min_of(fitting + stride - 1, before + stride - 1), stride)
    return FloorMap(1, fitting, stride)


def told(window: Window, size: Node) -> Node:
    """Return how many windows fit as it is told: ``floor((x + 2*p - k)/s) + 1``, unused parts left out."""
    if window.padding == SAME:
        return Call("ceil", (Quotient(size, arrange(window.stride)),)) if window.stride != 1 else size
    before, after = _pair(window)
    reach = Sum(((1, arrange(window.kernel)), (-1, Number_(1))))
    dilated = window.dilation != 1
    lost = Product((arrange(window.dilation), reach)) if dilated else reach
    padded: list[tuple[int, Node]] = [(1, size)]
    if before == after != 0:
        padded.append((1, Product((Number_(2), arrange(before)))))
    else:
        padded += [(1, arrange(each)) for each in (before, after) if each != 0]
    if window.stride == 1:
        return Sum((*padded, (-1, lost))) if window.kernel != 1 else _sum(padded)
    if dilated:
        padded += [(-1, lost), (-1, Number_(1))]
    else:
        padded.append((-1, arrange(window.kernel)))
    steps = Call("floor", (Quotient(Sum(tuple(padded)), arrange(window.stride)),))
    return Sum(((1, steps), (1, Number_(1))))


def _sum(terms: list[tuple[int, Node]]) -> Node:
    return terms[0][1] if len(terms) == 1 else Sum(tuple(terms))


def first_map(window: Window, size: Value) -> FloorMap:
    """Return the least input position that output i reads: ``stride*i - before``."""
    before = left_padding(window, size) if window.padding == SAME else _pair(window)[0]
    return FloorMap(window.stride, -before, 1)


def last_map(window: Window, size: Value) -> FloorMap:
    """Return the greatest input position that output i reads."""
    first = first_map(window, size)
    return FloorMap(first.up, first.shift + window.extent - 1, 1)


def left_padding(window: Window, size: Value) -> Value:
    """Return what ``same`` puts before an axis of *size*.

    With y = ceil(size/stride) windows, ``max((y - 1)*stride + extent - size, 0)`` are
    missing, and the smaller half of them stands before (TensorFlow, ONNX SAME_UPPER).
    At stride 2 the surplus r = 2y - size is 0 or 1, so that the half of r + extent - 2 is
    exact without another floor: for an odd extent (extent - 3)/2 + r. In a stack these
    surpluses telescope.
    """
    stride, extent = window.stride, window.extent
    if stride == 1:
        return (extent - 1) // 2
    surplus = stride * ((size + stride - 1) // stride) - size
    if stride == 2 and isinstance(extent, int):
        if extent == 1:
            return 0
        return (extent - 3) // 2 + surplus if extent % 2 else (extent - 2) // 2
    return max_of(surplus + extent - stride, 0) // 2


def least_sizes(layer: Windowed, mode: str) -> tuple[Value, ...]:
    """Return the least input size per axis for a padding mode.

    A mirror shows at most all elements but one, a ring at most all (PyTorch, Conv2d).
    """
    if mode not in ("reflect", "circular"):
        return ()
    beyond = 1 if mode == "reflect" else 0
    pads = [(0, 0) if window.padding == SAME else _pair(window) for window in layer.windows]
    return tuple(max_of(1, before + beyond, after + beyond) for before, after in pads)


def mirrored(layer: Windowed, mode: str, sizes: tuple[Value, ...]) -> tuple[Requirement, ...]:
    """Require that ``same`` padding can be filled from the input in a mirroring or circular mode."""
    if mode not in ("reflect", "circular"):
        return ()
    beyond = 1 if mode == "reflect" else 0
    found = []
    for window, size in zip(layer.windows, sizes, strict=True):
        if window.padding == SAME:
            count = (size + window.stride - 1) // window.stride
            total = max_of((count - 1) * window.stride + window.extent - size, 0)
            after = total - left_padding(window, size)
            message = f"{after} elements of {mode} padding are more than an input of {size} can give"
            found.append(
                Requirement(Condition(size, ">=", after + beyond), "bad-padding", message, "use a larger input")
            )
    return tuple(found)


def real_windows(layer: Windowed) -> tuple[Requirement, ...]:
    """Require of a pooling that no window can hold nothing but padding."""
    found = []
    for window in layer.windows:
        for pad in () if window.padding == SAME else _pair(window):
            message = f"padding {pad} is not smaller than the window, which spans {window.extent}"
            condition = Condition(pad, "<=", window.extent - 1)
            found.append(Requirement(condition, "bad-padding", message, "a window of nothing but padding has no value"))
    return tuple(found)


def cut_borders(layer: Windowed, *, ceil_mode: bool = False) -> bool:
    """Tell whether each window reads a run of elements that reaches into the image, if it is at its border."""
    return all(
        (window.padding == (0, 0) and not ceil_mode)
        or (window.dilation == 1 and (window.padding == SAME or _shorter(_pair(window), window.extent)))
        for window in layer.windows
    )


def _shorter(pads: tuple[Value, Value], extent: Value) -> bool:
    return all(surely_nonnegative(extent - 1 - pad) for pad in pads)


def misfit(window: Window, size: Value) -> str:
    """Return why no window fits an input of *size*."""
    before, after = (0, 0) if window.padding == SAME else _pair(window)
    extent = f"{window.extent}"
    if window.dilation != 1:
        extent += f" = dilation {window.dilation} * (kernel {window.kernel} - 1) + 1"
    padded = f"{size}" if before == after == 0 else f"{size + before + after} = {before} + {size} + {after}"
    return f"padded size {padded} < window {extent}"


def _pair(window: Window) -> tuple[Value, Value]:
    if isinstance(window.padding, str):
        raise TypeError(f"{window.padding} padding has no numbers")
    return window.padding
