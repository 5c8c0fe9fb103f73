"""Single positions as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convmath.render.cells import axis_names, shortened
from convmath.render.table import ruled
from convmath.report import AxisPixels, Pixels, Seen

MOST_RUNS = 12


def pixels(found: Pixels) -> str:
    """Return what one output reads: per axis the hull, how many pixels of it, and which."""
    place = f" at {_point(found.position)}" if found.position else ""
    lines = [f"{shortened(found.layer, 60)}{place} reads{'' if found.exact else ' at most'}"]
    lines += ruled([row for name, axes in found.inputs for row in _rows(name, axes)], ("left", "left", "right", "left"))
    return "\n".join(lines)


def _rows(name: str, axes: Sequence[AxisPixels]) -> Iterator[tuple[str, str, str, str]]:
    for axis, each in zip(axis_names(len(axes)), axes, strict=True):
        holes = "" if each.count == each.span else f" of {each.span}"
        yield f"  {shortened(name, 24)}", axis, f"{each.count}{holes}", _runs(each)


def seen(pixel: Sequence[int], layers: Sequence[Seen]) -> str:
    """Return which outputs of each layer read a pixel."""
    rows = [(f"  {shortened(each.layer, 40)}", _place(each)) for each in layers]
    return (
        "\n".join([f"the pixel {_point(pixel)} is read by", *ruled(rows, ("left", "left"))])
        if rows
        else (f"the pixel {_point(pixel)} is read by no layer")
    )


def _place(each: Seen) -> str:
    text = " × ".join(_runs(axis) for axis in each.axes) or "every element"
    return text if each.exact else f"{text} at most"


def _runs(axis: AxisPixels) -> str:
    shown = [f"{first}" if first == last else f"{first}…{last}" for first, last in axis.runs[:MOST_RUNS]]
    return ", ".join(shown) + (", …" if len(axis.runs) > MOST_RUNS else "") or "none"


def _point(position: Sequence[int]) -> str:
    return ", ".join(map(str, position))
