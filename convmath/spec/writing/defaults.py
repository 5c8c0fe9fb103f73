"""``defaults``: what most layers of a kind say, said once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from convmath.spec.conv import Conv
from convmath.spec.fields import Choice, Flag, Real
from convmath.spec.kinds import VOCABULARY, field_kinds
from convmath.spec.writing.structure import Piece

SAVED = 3
"""So many lines at least must become shorter."""
BASE = Conv.kind


class Defaults:
    """The defaults of a file: ``kinds`` maps each kind to its fields."""

    def __init__(self, pieces: list[Piece]) -> None:
        entries = list(_all(pieces))
        self.kinds: dict[str, dict[str, Any]] = {}
        for kind in dict.fromkeys(_owner(piece.word) for piece in entries):
            found = _common(kind, [piece for piece in entries if _owner(piece.word) == kind])
            if found:
                self.kinds[kind] = found

    def without(self, word: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields that a layer must still say."""
        known = field_kinds(VOCABULARY[word])
        said = dict(fields)
        for name, value in self.kinds.get(_owner(word), {}).items():
            if name not in known:
                continue
            if said.get(name, known[name].default) == value:
                said.pop(name, None)
            else:
                said.setdefault(name, known[name].default)
        return said


def _owner(word: str) -> str:
    """Return the kind whose defaults hold for a word: those of ``conv`` also hold for its shorthands."""
    cls = VOCABULARY.get(word)
    return BASE if cls is not None and cls.__module__ == Conv.__module__ else word


def _all(pieces: Iterable[Piece]) -> Iterable[Piece]:
    """Yield every layer that the file will have a line for."""
    for piece in pieces:
        if piece.parts:
            for part in piece.parts:
                yield from _all(part)
        else:
            yield piece


def _common(kind: str, pieces: list[Piece]) -> dict[str, Any]:
    """Return the field values that most of these layers have, where that is not the default anyway."""
    counts: dict[str, Counter[Any]] = defaultdict(Counter)
    cls = VOCABULARY.get(kind)
    for name, field in field_kinds(cls).items() if cls else ():
        if isinstance(field, Flag | Choice | Real):
            having = [piece for piece in pieces if name in field_kinds(VOCABULARY[piece.word])]
            counts[name].update(piece.fields.get(name, field.default) for piece in having)
    found = {}
    for name, values in counts.items():
        [(value, most)] = values.most_common(1) or [(None, 0)]
        default = field_kinds(VOCABULARY[kind])[name].default
        if value != default and most - (values.total() - most) >= SAVED:
            found[name] = value
    return found
