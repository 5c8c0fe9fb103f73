"""Variants of a spec: one kind of layer put in the place of another, wherever it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convmath.errors import UsageError, inert
from convmath.spec.document import Document
from convmath.spec.kinds import ALIASES, VOCABULARY, field_kinds

LISTS = ("layers", "branches", "shortcut", "residual")


def replaced(document: Document, old: str, new: str) -> Document:
    """Return the spec with every layer of kind *old* as one of kind *new*; fields that *new* lacks fall away.

    Raises ``UsageError`` for a kind that does not exist, or an *old* one that the spec does not have.
    """
    for kind in (old, new):
        if ALIASES.get(kind, kind) not in VOCABULARY:
            raise UsageError(f"there is no kind '{inert(kind)}'; the kinds are {', '.join(VOCABULARY)}")
    swap = _Swap(ALIASES.get(old, old), ALIASES.get(new, new))
    data = dict(document.data)
    data["layers"] = swap.entries(data.get("layers"))
    if isinstance(data.get("blocks"), dict):
        data["blocks"] = {name: swap.inside(block) for name, block in data["blocks"].items()}
    if not swap.count:
        raise UsageError(f"the spec has no layer of kind '{inert(old)}' to replace")
    return replace(document, data=data)


class _Swap:
    """Walks the entries of a spec, and counts what it replaced."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new, self.count = old, new, 0
        self.known = {*field_kinds(VOCABULARY[new]), "name", "from", "share"}

    def entries(self, raw: Any) -> Any:
        return [self._entry(each) for each in raw] if isinstance(raw, list) else raw

    def inside(self, held: Any) -> Any:
        """Return a block, a repeat or a branching with its own entries replaced."""
        if not isinstance(held, dict):
            return held
        return {name: self._below(name, each) for name, each in held.items()}

    def _below(self, name: str, held: Any) -> Any:
        if name == "branches" and isinstance(held, list):
            return [self.entries(each) for each in held]
        return self.entries(held) if name in LISTS else held

    def _entry(self, entry: Any) -> Any:
        if isinstance(entry, str):
            return self._named(entry)
        if not isinstance(entry, dict) or len(entry) != 1:
            return entry
        [(word, held)] = entry.items()
        if ALIASES.get(word, word) != self.old:
            return {word: self.entries(held) if isinstance(held, list) else self.inside(held)}
        self.count += 1
        return {self.new: self._fields(held)}

    def _named(self, word: str) -> str:
        if ALIASES.get(word, word) != self.old:
            return word
        self.count += 1
        return self.new

    def _fields(self, held: Any) -> Any:
        """Return the fields that the new kind has, too; a one-line value by the name of its field."""
        if held is None:
            return None
        value = VOCABULARY[self.old].value
        fields = held if isinstance(held, dict) else {value: held} if value else {}
        kept = {name: each for name, each in fields.items() if name in self.known}
        if VOCABULARY[self.old].joins_when is not None and isinstance(kept.get("from"), list):
            kept["from"] = kept["from"][:1]  # the image, without what moved and weighed its taps
        return kept
