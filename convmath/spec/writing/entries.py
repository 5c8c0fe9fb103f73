"""Entries as plain data: every layer under its name where the file can give it, and references by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from convmath.errors import Problem, SpecError
from convmath.spec.build import MOST_NAME
from convmath.spec.kinds import VOCABULARY, field_kinds
from convmath.spec.layer import Shorthand
from convmath.spec.merge import SqueezeExcitation
from convmath.spec.writing.defaults import Defaults
from convmath.spec.writing.names import counts_kind, is_plain, says_nothing, together
from convmath.spec.writing.plain import has_parameters
from convmath.spec.writing.source import Source
from convmath.spec.writing.structure import Piece

Place = tuple[int, int]
"""A producer: the number of its source, and its number there."""


@dataclass(slots=True)
class Frame:
    """Where entries stand, as the reader will see them: see ``build.Frame``.

    ``strip`` is what names begin with here that the file's ``prefix`` stands for; None
    where they are not kept.
    """

    prefix: str = ""
    strip: str | None = ""
    counts: Counter[str] = field(default_factory=Counter)
    scopes: tuple[Counter[str], ...] = ()
    arriving: int | None = None


@dataclass(slots=True)
class Named:
    """What an entry is called: the name that it gives, its full name, and the scope of names that it stands in."""

    given: str
    full: str
    scope: Counter[str]


class Writer:
    """Writes entries; one per attempt.

    ``renamed`` are the names that could not be referred to in an earlier attempt, with
    what stands for each; ``unclear`` collects those of this one.
    """

    def __init__(self, inputs: list[str], defaults: Defaults, wanted: set[Place], renamed: dict[str, str]) -> None:
        self.defaults, self.wanted, self.renamed = defaults, wanted, renamed
        self.unclear: set[str] = set()
        self.taken: set[str] = set()
        self.reserved: dict[str, Piece] = {}
        self.forced: set[int] = set()
        self.named: dict[Place, Named] = {}
        self.inputs, self.file = inputs, Counter[str]()
        self.input_names = set(inputs)

    def entries(self, pieces: list[Piece], frame: Frame) -> list[Any]:
        """Return a list of entries, the first of which takes what arrives."""
        for piece in pieces:
            wish = self._wish(piece, frame)
            if wish is not None:
                self.reserved.setdefault(frame.prefix + wish, piece)
        return [self._entry(piece, frame) for piece in pieces]

    def reference(self, source: Source, producer: int, frame: Frame) -> str:
        """Return the name by which an entry in *frame* refers to an output."""
        if producer < source.first:
            if len(frame.scopes) > 1:
                message = "a layer inside of a repeat with a symbolic depth takes by name what arrives there"
                raise SpecError(Problem("unwritable", message, "bind the depth of the repeat with --set"))
            return self.inputs[producer]
        named = self.named[id(source), producer]
        seen = next((scope for scope in reversed(frame.scopes) if scope[named.given]), None)
        if seen is named.scope and seen[named.given] == 1:
            return named.given
        plain = not any(scope[named.full] for scope in frame.scopes)
        if (
            plain
            and named.full != named.given
            and not any(f"{each}{named.full}" in self.taken for each in _outer(frame))
        ):
            return named.full
        self.unclear.add(named.full)
        return named.full

    def _entry(self, piece: Piece, frame: Frame) -> Any:
        given: dict[str, Any] = {}
        chained = piece.arriving is not None and piece.arriving == frame.arriving
        if piece.arriving is not None and not chained:
            given["from"] = self.reference(piece.source, piece.arriving, frame)
        elif piece.joined:
            given["from"] = [self.reference(piece.source, each, frame) for each in piece.joined]
        if piece.share is not None:
            given["share"] = self.reference(piece.source, piece.source.first + piece.share, frame)
        name, full = self._name(piece, frame)
        if name is not None:
            given = {"name": name, **given}
        entry = self._structure(piece, given, full, frame) if piece.parts else self._layer(piece, given, full)
        if name is not None:
            frame.scopes[-1][name] += 1
            self.named[id(piece.source), piece.out] = Named(name, full, frame.scopes[-1])
        frame.arriving = piece.out
        return entry

    def _layer(self, piece: Piece, given: dict[str, Any], full: str) -> Any:
        cls = VOCABULARY[piece.word]
        if issubclass(cls, Shorthand) and piece.stop - piece.start > 1:
            self.taken.update(f"{full}.{part}" for part in SqueezeExcitation.PARTS)
        given |= self.defaults.without(piece.word, piece.fields)
        if given.keys() == {cls.value}:
            return {piece.word: given[cls.value or ""]}
        return {piece.word: given} if given else piece.word

    def _structure(self, piece: Piece, given: dict[str, Any], full: str, frame: Frame) -> Any:
        """Return an entry that holds entries."""
        if piece.word == "repeat":
            return self._repeat(piece, given, full, frame)
        inner = replace(frame, arriving=piece.arriving)
        if "name" in given:
            strip = None if frame.strip is None else self._prefix(piece, frame) or frame.strip
            inner = replace(inner, prefix=f"{full}.", strip=strip, counts=Counter())
        parts = [self.entries(part, replace(inner)) for part in piece.parts]
        self._count(piece.fields.get("merge", "add"), inner)
        if piece.word == "parallel":
            return {"parallel": {**given, **piece.fields, "branches": parts}}
        layers, shortcut = parts
        if not given and not shortcut:
            return {"residual": layers}
        return {"residual": {**given, "layers": layers, **({"shortcut": shortcut} if shortcut else {})}}

    def _repeat(self, piece: Piece, given: dict[str, Any], full: str, frame: Frame) -> Any:
        [part] = piece.parts
        prefix = f"{full}." if piece.is_anew else f"{full}.0."
        scope: Counter[str] = Counter()
        inner = Frame(prefix, piece.strip, Counter(), (*frame.scopes, scope), piece.begins)
        layers = self.entries(part, inner)
        frame.scopes[-1].update(scope)
        return {"repeat": {**given, **piece.fields, "layers": layers}}

    def _name(self, piece: Piece, frame: Frame) -> tuple[str | None, str]:
        """Return the name to give, or None, and the full name that results."""
        wish = self._wish(piece, frame)
        needed = self._is_wanted(piece)
        joins = piece.word in ("residual", "parallel")
        if wish is not None and frame.prefix + wish in self.taken:
            wish = _unlike(wish, frame.prefix, self.taken) if needed else None
        if wish is None:
            return None, "" if joins else f"{frame.prefix}{self._count(piece.word, frame)}"
        full = f"{frame.prefix}{wish}"
        if not (needed or joins or id(piece) in self.forced):
            name, count, others = self._next(piece.word, frame, piece)
            if name == wish:
                self._take(piece.word, frame, name, count, others)
                return None, full
        self.taken.add(full)
        return wish, full

    def _count(self, kind: str, frame: Frame) -> str:
        """Take the next name by kind and number."""
        name, count, others = self._next(kind, frame, None)
        self._take(kind, frame, name, count, others)
        return name

    def _next(self, kind: str, frame: Frame, piece: Piece | None) -> tuple[str, int, list[int]]:
        """Return the name that the reader would give, its number, and the entries that must give theirs for that."""
        count, others = frame.counts[kind], list[int]()
        while True:
            count += 1
            full = f"{frame.prefix}{kind}{count}"
            owner = self.reserved.get(full)
            if full not in self.taken and (owner is None or owner is piece):
                return f"{kind}{count}", count, others
            if full not in self.taken:
                others.append(id(owner))

    def _take(self, kind: str, frame: Frame, name: str, count: int, others: list[int]) -> None:
        frame.counts[kind] = count
        self.taken.add(frame.prefix + name)
        self.forced.update(others)

    def _is_wanted(self, piece: Piece) -> bool:
        """Tell whether another entry, or the file's outputs, refer to this one."""
        return (id(piece.source), piece.out) in self.wanted

    def _wish(self, piece: Piece, frame: Frame) -> str | None:
        """Return the name that an entry should have where it stands; None where any will do."""
        needed = self._is_wanted(piece)
        full = self._title(piece, frame, needed=needed)
        if full is None:
            return None
        name = full.removeprefix(frame.strip or "")
        name = self.renamed.get(f"{frame.prefix}{name}", name)
        if not name or len(name) > MOST_NAME or name in self.input_names:
            return _unlike(piece.word, frame.prefix, self.taken) if needed else None
        return name

    def _title(self, piece: Piece, frame: Frame, *, needed: bool) -> str | None:
        """Return the full name that the nodes of an entry suggest for it."""
        node = piece.source.nodes[piece.stop - 1]
        if frame.strip is None and not needed:
            return None
        if piece.stop - piece.start == 1 and piece.word != "repeat":
            counted = piece.source.counts(piece.stop - 1)
            nothing = says_nothing(node.name) and not (has_parameters(node.layer) and field_kinds(type(node.layer)))
            return None if (counted or nothing) and not needed else node.name
        if piece.word == "repeat":
            title = node.name if piece.is_anew else piece.title
            return title or (node.name if needed else None)
        prefix = self._prefix(piece, frame).rstrip("./")
        if not needed and piece.source.read and counts_kind(prefix, piece.word):
            return None
        return prefix or (node.name if needed else None)

    def _prefix(self, piece: Piece, frame: Frame) -> str:
        """Return what the names in an entry begin with beyond what is said already; empty where that is nothing."""
        found = together(each for each in piece.names() if not is_plain(each))
        strip = frame.strip or ""
        return found if found.startswith(strip) and len(found) > len(strip) else ""


def _outer(frame: Frame) -> Iterable[str]:
    """Yield the prefixes under which the reader looks for a name before it looks for the name alone."""
    prefix = frame.prefix
    while prefix:
        yield prefix
        prefix = prefix[: prefix[:-1].rfind(".") + 1]


def _unlike(name: str, prefix: str, taken: set[str]) -> str:
    """Return a name like *name* that is not taken."""
    number = 2
    while f"{prefix}{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
