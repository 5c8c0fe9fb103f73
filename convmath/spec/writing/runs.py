"""Finds runs of equal entries, which are written once, as ``repeat``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from convmath.spec.writing.names import is_plain, split, together
from convmath.spec.writing.structure import Piece

MOST_PERIOD = 64
"""Runs whose pass has more entries are not looked for, so that the time stays linear."""
MOST_PHASES = 8
MOST_NESTED = 4
KEPT, LOST = 1, 12
"""So many lines a repeat must save: where it keeps all names, and where it does not."""


def folded(pieces: list[Piece], keys: Keys, arriving: int | None) -> list[Piece]:
    """Return the entries with runs of equal ones as ``repeat``; inside of structure first."""
    for piece in pieces:
        piece.parts = [folded(part, keys, piece.begins) for part in piece.parts]
    for _ in range(MOST_NESTED):
        before = len(pieces)
        pieces = _by_period(pieces, keys, arriving)
        if len(pieces) == before:
            break
    return pieces


def _by_period(pieces: list[Piece], keys: Keys, arriving: int | None) -> list[Piece]:
    """Return the entries with runs as ``repeat``: those with a short pass first, since others may hold them."""
    numbers = keys.of_all(pieces, arriving)
    for period in range(1, MOST_PERIOD + 1):
        if 2 * period > len(pieces):
            break
        found = _once(pieces, numbers, period)
        if len(found) < len(pieces):
            pieces, numbers = found, keys.of_all(found, arriving)
    return pieces


def _with_before(pieces: list[Piece], arriving: int | None) -> Iterator[tuple[int | None, Piece]]:
    """Yield each entry with the producer of what stands before it."""
    for piece in pieces:
        yield arriving, piece
        arriving = piece.out


class Keys:
    """Numbers entries so that equal ones, whatever their names, have equal numbers."""

    def __init__(self) -> None:
        self.known: dict[tuple[Any, ...], int] = {}

    def of_all(self, pieces: list[Piece], arriving: int | None) -> list[int]:
        """Return the numbers of entries, the first of which stands behind the producer *arriving*."""
        return [self.of(piece, before) for before, piece in _with_before(pieces, arriving)]

    def of(self, piece: Piece, before: int | None) -> int:
        """Return the number of an entry that stands behind the producer *before*."""
        here = piece.source.first + piece.start
        near = None if piece.arriving == before or piece.arriving is None else here - piece.arriving
        key = (
            piece.word,
            repr(piece.fields),
            near,
            tuple(here - each for each in piece.joined),
            None if piece.share is None else piece.start - piece.share,
            piece.stop - piece.start,
            tuple(tuple(self.of_all(part, piece.begins)) for part in piece.parts),
        )
        return self.known.setdefault(key, len(self.known))


@dataclass(slots=True)
class _Run:
    """``times`` passes of ``period`` entries from ``at`` on."""

    at: int
    period: int
    times: int
    spare: int


def _once(pieces: list[Piece], keys: list[int], period: int) -> list[Piece]:
    """Return the entries with the runs of a period as ``repeat``."""
    found: list[Piece] = []
    at, same = 0, _alike(keys, period)
    while at < len(pieces):
        equal = same[at]
        run = _Run(at, period, 1 + equal // period, equal % period)
        made = _repeat(pieces, run) if equal >= period else None
        if made is None:
            stop = at + max(1, equal - period + 1)
            found += pieces[at:stop]
            at = stop
        else:
            begin, piece, stop = made
            found += [*pieces[at:begin], piece]
            at = stop
    return found


def _alike(keys: list[int], period: int) -> list[int]:
    """Return for each entry how many from it on, one after the other, are equal to what stands a period further on."""
    same = [0] * (len(keys) + 1)
    for at in range(len(keys) - period - 1, -1, -1):
        same[at] = same[at + 1] + 1 if keys[at] == keys[at + period] else 0
    return same


def _repeat(pieces: list[Piece], run: _Run) -> tuple[int, Piece, int] | None:
    """Return where the run really begins, its entry, and where it ends; None where it is better written out."""
    phases = range(run.at, run.at + min(run.spare, MOST_PHASES) + 1)
    best: tuple[tuple[bool, bool], int, Piece, int] | None = None
    for begin in phases:
        passes = [pieces[begin + k * run.period : begin + (k + 1) * run.period] for k in range(run.times)]
        low, high = _closed(passes)
        passes = passes[low:high]
        if len(passes) < 2:
            continue
        title, strip, kept = _named(passes)
        saved = (len(passes) - 1) * sum(piece.lines for piece in passes[0]) - 3
        if saved < (KEPT if kept else LOST):
            continue
        rank = (kept, not _is_light(passes[0][0]))
        if best is None or rank > best[0]:
            first, last = passes[0][0], passes[-1][-1]
            piece = Piece(
                "repeat", {"times": len(passes)}, first.source, first.start, last.stop, first.arriving,
                parts=[passes[0]], title=title, depth=1 + max(each.depth for each in passes[0]),
            )  # fmt: skip
            piece.strip = strip
            best = (rank, begin + low * run.period, piece, begin + high * run.period)
    return best[1:] if best else None


def _is_light(piece: Piece) -> bool:
    """Tell whether an entry rather ends a pass than begins one."""
    return not piece.parts and not piece.word.endswith("conv") and piece.word != "dense"


def _closed(passes: list[list[Piece]]) -> tuple[int, int]:
    """Return the first row of passes, as a range, that have to do with the outside at their ends only."""
    best = (0, 0)
    low = 0
    for at, one in enumerate(passes):
        if not _stays_inside(one):
            low = at + 1
            continue
        if at + 1 - low > best[1] - best[0]:
            best = (low, at + 1)
        if at + 1 < len(passes) and _ends_late(one, passes[at + 1]):
            low = at + 1
    return best


def _stays_inside(one: list[Piece]) -> bool:
    """Tell whether a pass names nothing outside, and nothing outside names what is in it but its last output."""
    source, start, stop = one[0].source, one[0].start, one[-1].stop
    if one[0].arriving is None or max(source.use[start : stop - 1], default=-1) >= stop:
        return False
    named = [each - source.first for piece in one for each in piece.joined]
    named += [piece.arriving - source.first for before, piece in pairwise(one)
              if piece.arriving is not None and piece.arriving != before.out]  # fmt: skip
    named += [node.share for node in source.nodes[start:stop] if node.share is not None]
    return min(named, default=start) >= start and max(source.shared[start:stop]) < stop


def _ends_late(one: list[Piece], following: list[Piece]) -> bool:
    """Tell whether someone behind the next pass takes what a pass hands to it."""
    return one[0].source.use[one[-1].stop - 1] >= following[-1].stop


def _named(passes: list[list[Piece]]) -> tuple[str, str | None, bool]:
    """Return what the repeat is called, what the names in its first pass begin with, and whether all names are kept.

    Names as in ``layer1.0.conv1``, ``layer1.1.conv1`` are those of a repeat called ``layer1``.
    """
    first = passes[0][0]
    names = [[name for piece in one for name in piece.names() if not is_plain(name)] for one in passes]
    if not any(names):
        return "", None, True
    prefixes = [together(each) for each in names]
    numbered = _numbered(prefixes)
    if numbered is None:
        return "", None, all(first.source.counts(at) for at in range(first.start, passes[-1][-1].stop))
    title, strips = numbered
    rest = [[name.removeprefix(strip) for name in each] for strip, each in zip(strips, names, strict=True)]
    kept = all(each == rest[0] for each in rest)
    return title, strips[0] if kept else None, kept


def _numbered(prefixes: list[str]) -> tuple[str, list[str]] | None:
    """Return the name of copies whose prefixes count up in one place, and the prefixes up to that place."""
    parts = [split(each) for each in prefixes]
    if len({len(each) for each in parts}) > 1 or not parts[0]:
        return None
    differ = [at for at, column in enumerate(zip(*parts, strict=True)) if len(set(column)) > 1]
    if len(differ) != 1:
        return None
    [place] = differ
    found = [re.fullmatch(r"(.*?)([0-9]{1,9})([./]?)", each[place]) for each in parts]
    if not all(found):
        return None
    stems = {(match[1], match[3]) for match in found if match}
    numbers = [int(match[2]) for match in found if match]
    if len(stems) > 1 or numbers != [*range(numbers[0], numbers[0] + len(numbers))]:
        return None
    [(stem, _)] = stems
    head = "".join(parts[0][:place])
    strips = ["".join(each[: place + 1]) for each in parts]
    if numbers[0] == 0 and not stem and head:
        return head.rstrip("./") or "0", strips
    return f"{head}{stem}{numbers[0]}-{numbers[-1]}", strips
