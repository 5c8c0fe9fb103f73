"""Finds branches: what parts from one output and is joined again is written as structure, the rest by names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from convmath.spec.branches import MERGES
from convmath.spec.graph import Node
from convmath.spec.layer import Merge
from convmath.spec.merge import SqueezeExcitation
from convmath.spec.passes import Passes
from convmath.spec.shuffle import PixelShuffle
from convmath.spec.transpose import ConvTranspose
from convmath.spec.upsample import Upsample
from convmath.spec.writing.plain import has_parameters, line, squeeze
from convmath.spec.writing.source import Source

MOST_PIECES = 300
"""Branches of more pieces than that are not looked for, so that the time stays linear."""
MOST_DEPTH = 6
"""Structure is not nested deeper, since the reader has a limit, and people have one, too."""
SQUEEZED = len(SqueezeExcitation.PARTS)


@dataclass(slots=True, eq=False)
class Piece:
    """An entry of the file: the nodes from ``start`` up to ``stop``, which one output leaves.

    ``arriving`` is the producer that the first of them takes, None where all is named:
    then ``joined`` has the names. ``parts`` are the lists of entries inside, ``strip`` is
    what the names of the nodes inside a repeat begin with, None where they are not kept.
    """

    word: str
    fields: dict[str, Any]
    source: Source
    start: int
    stop: int
    arriving: int | None
    joined: tuple[int, ...] = ()
    share: int | None = None
    parts: list[list[Piece]] = field(default_factory=list)
    title: str = ""
    strip: str | None = ""
    depth: int = 0
    last_use: int = -1

    def __post_init__(self) -> None:
        """Find the last node that takes any output of these."""
        self.last_use = max(self.source.use[self.start : self.stop])

    @property
    def out(self) -> int:
        """The producer that the last node is."""
        return self.source.first + self.stop - 1

    @property
    def is_anew(self) -> bool:
        """Whether producers are counted anew inside: it holds one pass of a symbolic repeat."""
        return any(part and part[0].source is not self.source for part in self.parts)

    @property
    def begins(self) -> int | None:
        """The producer that arrives at each list of entries inside."""
        return 0 if self.is_anew else self.arriving

    @property
    def lines(self) -> int:
        """About how many lines the entry takes."""
        return 1 + sum(1 + sum(piece.lines for piece in part) for part in self.parts)

    def names(self) -> Iterator[str]:
        """Yield the names of all nodes in it."""
        return (node.name for node in self.source.nodes[self.start : self.stop])


def pieces(source: Source) -> list[Piece]:
    """Return the nodes as entries, branches found."""
    found: list[Piece] = []
    for at, node in enumerate(source.nodes):
        if isinstance(node.layer, Merge):
            piece = _squeezed(source, found, at) or _joined(source, found, at)
            if piece is not None:
                while found and found[-1].start >= piece.start:
                    found.pop()
                found.append(piece)
                continue
        found.append(_single(source, at))
    return found


def _single(source: Source, at: int) -> Piece:
    """Return a node as an entry of its own."""
    node = source.nodes[at]
    if isinstance(node.layer, Passes):
        inside = source.inside(node.layer, node.inputs[0])
        fields: dict[str, Any] = {"times": source.text(node.layer.times, node.inputs[0])}
        if any(node.layer.index in _symbols(each.layer) for each in node.layer.nodes):
            fields["index"] = node.layer.index
        piece = Piece("repeat", fields, source, at, at + 1, node.inputs[0], parts=[pieces(inside)])
        piece.strip = f"{node.layer.name}."
        return piece
    word, fields = line(source, at)
    share = node.share if has_parameters(node.layer) else None
    if isinstance(node.layer, Merge) or len(node.inputs) > 1:
        return Piece(word, fields, source, at, at + 1, None, node.inputs, share=share)
    return Piece(word, fields, source, at, at + 1, node.inputs[0], share=share)


def _symbols(layer: Any) -> frozenset[str]:
    """Return the symbols in all sizes of a layer, those inside of a repeat included."""
    inner = (each.layer for each in layer.nodes) if isinstance(layer, Passes) else ()
    held = (value for _, value, _ in layer.sizes())
    return frozenset().union(*(getattr(value, "names", ()) for value in held), *map(_symbols, inner))


def _squeezed(source: Source, found: list[Piece], at: int) -> Piece | None:
    """Return squeeze and excitation that ends with the node, which joins."""
    first = at - SQUEEZED + 1
    if first < 0 or len(found) < SQUEEZED - 1 or found[-SQUEEZED + 1].start != first:
        return None
    found_line = squeeze(source, first)
    inner = range(first, at)
    if found_line is None or any(source.use[each] > at or source.shared[each] >= 0 for each in inner):
        return None
    word, fields = found_line
    return Piece(word, fields, source, first, at + 1, source.nodes[first].inputs[0])


def _joined(source: Source, found: list[Piece], at: int) -> Piece | None:
    """Return branches from one output that the node joins, or None where it does not join such."""
    node = source.nodes[at]
    ends = node.inputs
    kind = node.layer.kind
    if at == 0 and kind == "add" and ends == (0, 0):
        return Piece("residual", {}, source, 0, 1, 0, parts=[[], []], depth=1)
    if kind not in MERGES or len(ends) < 2 or len(set(ends)) < len(ends):
        return None
    common = min(ends)
    branches = _branches(found, ends, common)
    if branches is None:
        common, branches = _parted(found, ends)
    if branches is None or not any(branches):
        return None
    begun = [branch for branch in branches if branch]
    inside = [piece for branch in begun for piece in branch]
    depth = 1 + max(piece.depth for piece in inside)
    if depth > MOST_DEPTH or any(piece.last_use > at for piece in inside):
        return None
    start = min(piece.start for piece in inside)
    if len(begun) < len(branches) and any(map(_enlarges, source.nodes[start:at])):
        return None  # a skip from an encoder to its decoder: a name says more than nesting
    if source.first + start <= common or sum(piece.stop - piece.start for piece in inside) != at - start:
        return None
    branches = _in_order(branches, kind)
    if branches is None:
        return None
    word, fields = ("residual", {}) if _is_residual(kind, branches) else ("parallel", {"merge": kind})
    return Piece(word, fields, source, start, at + 1, common, parts=branches, depth=depth)


def _enlarges(node: Node) -> bool:
    return isinstance(node.layer, ConvTranspose | PixelShuffle | Upsample)


def _in_order(branches: list[list[Piece]], kind: str) -> list[list[Piece]] | None:
    """Return branches in the order of their nodes; of two that are not concatenated, either may come first."""
    begins = [branch[0].start for branch in branches if branch]
    either = len(branches) == 2 and kind in ("add", "multiply")
    if begins != sorted(begins):
        return branches[::-1] if either else None
    return branches[::-1] if either and kind == "add" and not branches[0] else branches


def _is_residual(kind: str, branches: list[list[Piece]]) -> bool:
    """Tell whether branches are what some layers make of the input, plus the input or a few layers of it."""
    if kind != "add" or len(branches) != 2:
        return False
    layers, shortcut = branches
    return not shortcut or len(layers) > len(shortcut)


def _branches(found: list[Piece], ends: tuple[int, ...], common: int) -> list[list[Piece]] | None:
    """Return the pieces of each branch from *common* to its end; None where an end is not reached like that.

    Branches stand one after the other at the end of what was found, the last one last.
    """
    branches: dict[int, list[Piece]] = {common: []} if common in ends else {}
    place = len(found)
    for _ in range(len(ends) - len(branches)):
        stop = place
        if stop == 0 or found[stop - 1].out not in ends:
            return None
        begin = _begin(found, stop, common)
        if begin is None:
            return None
        place = begin
        branches[found[stop - 1].out] = found[place:stop]
    return [branches[end] for end in ends] if branches.keys() == set(ends) else None


def _begin(found: list[Piece], stop: int, common: int) -> int | None:
    """Return where the branch begins that ends before *stop*: its first piece takes *common*."""
    for at in range(stop - 1, max(-1, stop - 1 - MOST_PIECES), -1):
        arriving = found[at].arriving
        if arriving == common:
            return at
        if at == 0 or arriving != found[at - 1].out:
            return None
    return None


def _parted(found: list[Piece], ends: tuple[int, ...]) -> tuple[int, list[list[Piece]] | None]:
    """Return where branches part of which none is empty, and the branches."""
    at = len(found) - 1
    low = max(0, at - MOST_PIECES)
    while at > low and found[at].arriving == found[at - 1].out:
        at -= 1
    common = found[at].arriving if at >= 0 else None
    if common is None:
        return 0, None
    return common, _branches(found, ends, common)
