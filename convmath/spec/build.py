"""Turns the entries of ``layers`` into nodes: blocks are called, repeats unrolled, shorthands expanded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from convmath.errors import LimitError, Problem, SpecError
from convmath.formula import Formula, symbol
from convmath.limits import Limits
from convmath.spec.conv import Conv
from convmath.spec.document import Document, Path
from convmath.spec.expressions import is_name
from convmath.spec.fields import show
from convmath.spec.graph import Group, Node, arriving_channels
from convmath.spec.kinds import ALIASES, VOCABULARY
from convmath.spec.layer import Layer, Shorthand
from convmath.spec.reader import EntryReader, usage
from convmath.spec.scope import Argument, Bound, Scope

MOST_NAME = 200
MOST_PROBLEMS = 100
"""So many faults are found before the reader gives up: whoever wrote the file has seen enough."""


@dataclass(frozen=True, slots=True)
class Block:
    """A named part of a network with parameters; ``params`` maps each to its default, if it has one."""

    name: str
    params: dict[str, tuple[Any, Path] | None]
    let: dict[str, Any]
    layers: Any
    path: Path

    @property
    def names_layers(self) -> bool:
        """Whether an entry inside has a name of its own, so that every call needs one too."""
        return any(_explicit_name(entry) is not None for entry in self.layers if isinstance(entry, dict))


@dataclass(slots=True)
class Frame:
    """Where the reader stands: what names mean, how layers are called, which output arrives."""

    scope: Scope
    prefix: str
    producer: int
    repeat: tuple[tuple[int, int], ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    calls: tuple[str, ...] = ()


class Builder:
    """Collects nodes and problems; one per network."""

    def __init__(
        self, document: Document, limits: Limits, inputs: list[int], defaults: dict[str, dict[str, tuple[Any, Path]]]
    ) -> None:
        self.document, self.limits, self.defaults = document, limits, defaults
        self.ranks = list(inputs)
        self.first = len(inputs)
        self.blocks: dict[str, Block] = {}
        self.faulty: set[str] = set()
        self.nodes: list[Node] = []
        self.groups: list[Group] = []
        self.taken: dict[str, Path] = {}
        self.reserved: set[str] = set()
        self.problems: list[Problem] = []
        self.empty = 0

    def entries(self, raw: Any, path: Path, frame: Frame) -> None:
        """Read a list of entries, one after the other."""
        reader = self._reader(frame, path)
        if not isinstance(raw, list):
            help_ = "put '- ' before each layer" if isinstance(raw, dict) else None
            self.problems.extend(reader.refuse("not-a-list", f"{show(raw)} is no list of layers", help=help_).problems)
            return
        given = (_explicit_name(entry) for entry in raw if isinstance(entry, dict))
        self.reserved.update(f"{frame.prefix}{name}" for name in given if isinstance(name, str))
        for at, entry in enumerate(raw):
            if len(self.problems) >= MOST_PROBLEMS:
                return
            with self._collecting():
                self._entry(entry, (*path, at), frame)

    @contextmanager
    def _collecting(self) -> Iterator[None]:
        try:
            yield
        except LimitError:
            raise
        except SpecError as error:
            self.problems.extend(error.problems)

    def _reader(self, frame: Frame, path: Path) -> EntryReader:
        here = Scope(frame.scope, {}, symbol(arriving_channels(frame.producer)))
        return EntryReader(self.document, here, path, self.ranks[frame.producer])

    def _entry(self, entry: Any, path: Path, frame: Frame) -> None:
        reader = self._reader(frame, path)
        if isinstance(entry, dict) and len(entry) == 1:
            [(word, held)] = entry.items()
            reader = reader.at(word)
        elif isinstance(entry, str):
            word, held = entry, None
        else:
            raise reader.refuse(
                "bad-entry", _what_is_wrong(entry), help="write '- kind', '- kind: value' or '- kind: {field: value}'"
            )
        if word == "repeat":
            self._repeat(held, reader, frame)
        elif word in self.blocks:
            self._call(self.blocks[word], held, reader, frame)
        elif word not in self.faulty:
            self._layer(self._kind(word, reader), held, reader, frame)

    def _kind(self, word: str, reader: EntryReader) -> type[Layer]:
        known = [*VOCABULARY, *ALIASES, *self.blocks, "repeat"]
        kind = ALIASES.get(word, word)
        if kind not in VOCABULARY:
            snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower()
            near = get_close_matches(re.sub(r"_?[123]d$", "", snake), known, 1, 0.7)
            help_ = f"did you mean '{near[0]}'?" if near else f"the kinds are {', '.join(VOCABULARY)}, repeat"
            raise reader.refuse("unknown-kind", f"'{word}' is no kind of layer and no block", help=help_, key=True)
        return VOCABULARY[kind]

    def _layer(self, cls: type[Layer], held: Any, reader: EntryReader, frame: Frame) -> None:
        given = self._given(cls, held, reader)
        name = self._name(given.pop("name", None), cls.kind, reader, frame)
        if cls.axes and not reader.rank:
            message = f"'{cls.kind}' works on an image, but a vector arrives here"
            raise reader.refuse("no-axes", message, help="move it above the layer that flattens", key=True)
        values = reader.fields(cls, given, self._defaults(cls), self.problems)
        if values is None:
            self._append(name, VOCABULARY["identity"](), cls.kind, reader.path, frame)
            return
        layer = cls(**values)
        parts: tuple[tuple[str, Layer], ...] = (("", layer),)
        if isinstance(layer, Shorthand):
            parts = layer.expand(reader.scope.lookup("in_channels"), reader.rank)
        start = len(self.nodes)
        for part, core in parts:
            full = self._name(f"{name.removeprefix(frame.prefix)}.{part}", "", reader, frame) if part else name
            self._append(full, core, f"{part}_conv" if part else VOCABULARY[cls.kind].kind, reader.path, frame)
        if len(parts) > 1:
            self.groups.append(Group(name, start, len(self.nodes)))

    def _given(self, cls: type[Layer], held: Any, reader: EntryReader) -> dict[str, Any]:
        if held is None:
            return {}
        if isinstance(held, dict):
            return dict(held)
        if cls.value is None:
            raise reader.refuse("not-fields", f"{show(held)} is no set of fields of '{cls.kind}'", help=usage(cls))
        return {cls.value: held}

    def _defaults(self, cls: type[Layer]) -> dict[str, tuple[Any, Path]]:
        base = self.defaults.get("conv", {}) if cls.__module__ == Conv.__module__ else {}
        return base | self.defaults.get(cls.kind, {})

    def _append(self, name: str, layer: Layer, kind: str, path: Path, frame: Frame) -> None:
        if len(self.nodes) >= self.limits.layers:
            raise self._too_many(f"more than {self.limits.layers} layers")
        self.nodes.append(Node(name, layer, (frame.producer,), kind, path, frame.repeat))
        self.ranks.append(layer.rank_after(self.ranks[frame.producer]))
        frame.producer = self.first + len(self.nodes) - 1

    def _too_many(self, message: str) -> LimitError:
        help_ = f"{self.limits.flag('layers')} raises the limit"
        return LimitError(Problem("too-many-layers", message, help_, file=self.document.file))

    def _name(self, given: Any, kind: str, reader: EntryReader, frame: Frame) -> str:
        """Return the full name of an entry, and keep it from being taken twice."""
        if given is None:
            given = self._free_name(kind, frame)
        elif not isinstance(given, str):
            raise reader.refuse("bad-name", f"the name {show(given)} is no text", "name", help=f'quote it: "{given}"')
        elif not given or len(given) > MOST_NAME or not given.isprintable():
            message = f"a name must be printable text of 1 to {MOST_NAME} characters"
            raise reader.refuse("bad-name", message, "name")
        full = f"{frame.prefix}{given}"
        if full in self.taken:
            spot = self.document.spot(self.taken[full])
            where = f", first in line {spot.line}" if spot else ""
            raise reader.refuse(
                "name-taken", f"the name '{full}' is given twice{where}", "name", help="names are unique"
            )
        self.taken[full] = reader.path
        return full

    def _free_name(self, kind: str, frame: Frame) -> str:
        """Return the next name by kind and number; one that the file gives to another layer is left to that."""
        while True:
            frame.counts[kind] += 1
            name = f"{kind}{frame.counts[kind]}"
            full = f"{frame.prefix}{name}"
            if full not in self.taken and full not in self.reserved:
                return name

    def _repeat(self, held: Any, reader: EntryReader, frame: Frame) -> None:
        if not isinstance(held, dict):
            raise reader.refuse(
                "not-fields",
                f"{show(held)} is no set of fields of 'repeat'",
                help="write 'repeat: {times: 3, layers: […]}'",
            )
        meant = self._only(held, ("name", "times", "layers", "index"), "repeat", reader)
        for needed in ("times", "layers"):
            if needed in meant - held.keys():
                return
            if needed not in held:
                raise reader.refuse("missing-field", f"'repeat' needs '{needed}'", key=True)
        name = self._name(held.get("name"), "repeat", reader, frame)
        times = reader.number(held["times"], "times", minimum=0)
        if isinstance(times, Formula) or not isinstance(times, int):
            free = sorted(times.names) if isinstance(times, Formula) else []
            message = f"the number of passes, {times}, must be a number"
            raise reader.refuse(
                "symbolic-depth", message, "times", help=f"give it a value: --set {(free or ['n'])[0]}=3"
            )
        index = held.get("index")
        if index is not None and not (isinstance(index, str) and is_name(index)):
            raise reader.refuse("bad-name", f"{show(index)} cannot name the index", "index")
        self._check_nesting(frame)
        start = len(self.nodes)
        outer = frame.repeat
        for count in range(times):
            scope = Scope(frame.scope, {index: count} if index else {})
            one = Frame(scope, f"{name}.{count}.", frame.producer, (*outer, (count, times)), calls=frame.calls)
            problems = len(self.problems)
            before = len(self.nodes)
            self.entries(held["layers"], (*reader.path, "layers"), one)
            frame.producer = one.producer
            if len(self.nodes) == before:
                self._count_empty()
            if len(self.problems) > problems:
                break
            expected = before + (len(self.nodes) - before) * (times - count)
            if count == 0 and expected > self.limits.layers:
                raise self._too_many(f"'{name}' would make {expected} layers; the limit is {self.limits.layers}")
        if len(self.nodes) > start:
            self.groups.append(Group(name, start, len(self.nodes)))
        else:
            self._count_empty()

    def _check_nesting(self, frame: Frame) -> None:
        if len(frame.calls) + len(frame.repeat) >= self.limits.depth:
            message = f"blocks and repeats nested more than {self.limits.depth} deep"
            help_ = f"{self.limits.flag('depth')} raises the limit"
            raise LimitError(Problem("too-deep", message, help_, file=self.document.file))

    def _count_empty(self) -> None:
        """Count a pass of a repeat, or a call, that made no layer: what the number of layers does not bound."""
        self.empty += 1
        if self.empty > self.limits.layers:
            raise self._too_many(f"more than {self.limits.layers} passes of repeats and blocks that hold no layer")

    def _only(self, held: dict[str, Any], known: tuple[str, ...], what: str, reader: EntryReader) -> set[str]:
        """Add a problem for every word that is not known; return the words that were probably meant."""
        meant: set[str] = set()
        for word in held:
            if word not in known:
                near = get_close_matches(word, known, 1)
                help_ = f"did you mean '{near[0]}'?" if near else f"it takes {', '.join(known)}"
                error = reader.refuse(
                    "unknown-field", f"'{word}' is not a field of '{what}'", word, help=help_, key=True
                )
                self.problems.extend(error.problems)
                meant.update(near)
        return meant

    def _call(self, block: Block, held: Any, reader: EntryReader, frame: Frame) -> None:
        if block.name in frame.calls:
            chain = " → ".join((*frame.calls[frame.calls.index(block.name) :], block.name))
            raise reader.refuse("circular", f"the block '{block.name}' calls itself: {chain}", key=True)
        self._check_nesting(frame)
        given = dict(held) if isinstance(held, dict) else {} if held is None else {next(iter(block.params), ""): held}
        if "" in given and not block.params:
            raise reader.refuse("not-fields", f"the block '{block.name}' takes no value", help=f"write '{block.name}'")
        explicit = given.pop("name", None)
        meant = self._only(given, tuple(block.params), block.name, reader) - given.keys()
        if meant:
            return
        arguments: dict[str, Bound] = {}
        for param, default in block.params.items():
            if param in given:
                path = (*reader.path, param) if isinstance(held, dict) else reader.path
                arguments[param] = Argument(given[param], reader.scope, path)
            elif default is not None:
                arguments[param] = Argument(default[0], frame_file(frame.scope), default[1])
            else:
                message = f"the block '{block.name}' needs '{param}'"
                raise reader.refuse("missing-field", message, help=f"write '{block.name}: {{{param}: …}}'", key=True)
        scope = Scope(frame_file(frame.scope), arguments, reader.scope.lookup("in_channels"))
        for name, raw in block.let.items():
            scope.names[name] = Argument(raw, scope, (*block.path, "let", name))
        start = len(self.nodes)
        inner = Frame(scope, frame.prefix, frame.producer, frame.repeat, frame.counts, (*frame.calls, block.name))
        if explicit is not None or block.names_layers:
            name = self._name(explicit, block.name, reader, frame)
            inner.prefix, inner.counts = f"{name}.", Counter()
        problems = len(self.problems)
        self.entries(block.layers, (*block.path, "layers"), inner)
        frame.producer = inner.producer
        if len(self.nodes) == start:
            self._count_empty()
        elif inner.prefix != frame.prefix:
            self.groups.append(Group(name, start, len(self.nodes)))
        if len(self.problems) > problems:
            self.problems[problems:] = _unrepeated(self.problems[:problems], self.problems[problems:])


def frame_file(scope: Scope) -> Scope:
    """Return the outermost scope: a block sees the file's names, not its caller's."""
    while scope.around is not None:
        scope = scope.around
    return scope


def _unrepeated(before: list[Problem], more: list[Problem]) -> list[Problem]:
    """Return the problems of one more call without those that an earlier call had at the same place."""
    seen = {(each.code, each.path, each.message) for each in before}
    return [each for each in more if (each.code, each.path, each.message) not in seen]


def _explicit_name(entry: dict[str, Any]) -> Any:
    held = next(iter(entry.values()), None)
    return held.get("name") if isinstance(held, dict) else None


def _what_is_wrong(entry: Any) -> str:
    if isinstance(entry, dict) and len(entry) > 1:
        first, second, *_ = entry
        return f"'{first}' and '{second}' stand in one entry; an entry is one layer"
    return f"{show(entry)} is no layer"
