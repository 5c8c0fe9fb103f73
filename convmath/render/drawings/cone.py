"""A receptive field as the cone that it is: one output at the top, all that it reads below, holes included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from convmath.render.cells import axis_names
from convmath.render.drawings.svg import MARGIN, Sheet
from convmath.seen import Cone, Link, Row

WIDTH = 480
BAR = 16
STEP = 62
HEAD = 66
CELLED = 6
"""Cells at least so wide are drawn one by one."""
MOST_TAPS = 80
"""Up to so many single reads between two maps are drawn as lines."""


def draw(cone: Cone, rank: int) -> str:
    """Return the cone as SVG; *rank* is the number of spatial axes, to call the axis by its name."""
    sheet = Sheet()
    axis = axis_names(rank)[cone.axis]
    target, source = cone.rows[-1], cone.rows[0]
    sheet.text(MARGIN, 28, f"What {target.name} sees, along the {axis}", "strong", size=15, most=50)
    sheet.text(MARGIN, 47, seen(source, cone.position), "faint", size=12, most=80)
    tops = [HEAD + STEP * (len(cone.rows) - 1 - at) + 16 for at in range(len(cone.rows))]
    for row, top in zip(cone.rows, tops, strict=True):
        for link in row.links:
            _link(sheet, row, cone.rows[link.row], link, top, tops[link.row])
    for row, top in zip(cone.rows, tops, strict=True):
        _row(sheet, row, top)
    about = " ".join(f"{row.name}: {spelled(row)} of {row.size}." for row in reversed(cone.rows))
    return sheet.document(f"{cone.network}: receptive field of {target.name}", f"{seen(source, cone.position)} {about}")


def seen(source: Row, position: int) -> str:
    """Return what an output reads of the input, in words."""
    first, last = source.read[0], source.read[-1]
    holes = last - first + 1 - len(source.read)
    tail = f", {holes} of them holes" if holes else ""
    pixels = "1 pixel" if first == last else f"{last - first + 1} pixels"
    return f"Output {position} reads {source.name} {first} … {last}: {pixels}{tail}."


def runs(read: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of positions that follow one another."""
    cuts = [at for at, (low, high) in enumerate(pairwise(read), 1) if high > low + 1]
    for begin, end in pairwise([0, *cuts, len(read)]):
        yield read[begin], read[end - 1]


def spelled(row: Row) -> str:
    """Return the positions that are read, as ranges."""
    found = [str(low) if low == high else f"{low}–{high}" for low, high in runs(row.read)]
    return ", ".join(found if len(found) <= 12 else [*found[:12], "…"])


def _x(row: Row, position: float) -> float:
    return MARGIN + WIDTH * position / row.size


def _row(sheet: Sheet, row: Row, top: float) -> None:
    padded = ", padding among it" if row.padded else ""
    words = f"{row.name} ({row.kind}), {row.size}" if row.name != row.kind else f"{row.name}, {row.size}"
    sheet.text(MARGIN, top - 5, f"{words}: reads {len(row.read)}{padded}" if row.links else words, size=11, most=70)
    sheet.rect(MARGIN, top, WIDTH, BAR, "cell")
    if WIDTH / row.size >= CELLED:
        for at in range(1, row.size):
            sheet.line(((_x(row, at), top), (_x(row, at), top + BAR)), "bare")
        for at in row.read:
            sheet.rect(_x(row, at), top, WIDTH / row.size, BAR, "hot")
    else:
        for low, high in runs(row.read):
            sheet.rect(_x(row, low), top, _x(row, high + 1) - _x(row, low), BAR, "hot")


def _link(sheet: Sheet, reader: Row, source: Row, link: Link, top: float, below: float) -> None:
    """Draw what a map reads of another: single taps where they can be told apart, else the hull."""
    taps = sum(len(reads) for _, reads in link.reads)
    if taps <= MOST_TAPS and min(WIDTH / reader.size, WIDTH / source.size) >= CELLED:
        for at, reads in link.reads:
            for each in reads:
                sheet.line(((_x(reader, at + 0.5), top + BAR), (_x(source, each + 0.5), below)), "tap")
        return
    low, high = min(reads[0] for _, reads in link.reads if reads), max(reads[-1] for _, reads in link.reads if reads)
    corners = (
        (_x(reader, link.reads[0][0]), top + BAR),
        (_x(reader, link.reads[-1][0] + 1), top + BAR),
        (_x(source, high + 1), below),
        (_x(source, low), below),
    )
    sheet.line(corners, "cone", closed=True)
