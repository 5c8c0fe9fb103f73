"""Turns the entries of ``layers`` into nodes: blocks are called, repeats unrolled, shorthands expanded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from convmath.errors import LimitError, Problem, SpecError
from convmath.formula import symbol
from convmath.limits import Limits
from convmath.spec import branches, repeats, sources
from convmath.spec.conv import Conv
from convmath.spec.document import Document, Path
from convmath.spec.fields import show
from convmath.spec.graph import Group, Node, arriving_channels
from convmath.spec.kinds import ALIASES, VOCABULARY
from convmath.spec.layer import Layer, Merge, Shorthand
from convmath.spec.names import Names, Output
from convmath.spec.reader import EntryReader, usage
from convmath.spec.scope import Argument, Bound, Scope
from convmath.spec.sources import COMMON

MOST_NAME = 200
STRUCTURE = ("repeat", "residual", "parallel")
"""Entries that hold entries."""
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
    """Where the reader stands: what names mean, how layers are called, which output arrives.

    ``producer`` is None before the first layer of a network with several inputs.
    """

    scope: Scope
    prefix: str
    producer: int | None
    repeat: tuple[tuple[int, int], ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    calls: tuple[str, ...] = ()
    names: Names = field(default_factory=Names)
    caller: Frame | None = None
    depth: int = 0

    def at(self, producer: int | None) -> Frame:
        """Return the same place where another output arrives, as at the start of a branch."""
        return replace(self, producer=producer, depth=self.depth + 1)


class Builder:
    """Collects nodes and problems; one per network."""

    def __init__(
        self,
        document: Document,
        limits: Limits,
        inputs: dict[str, int],
        defaults: dict[str, dict[str, tuple[Any, Path]]],
    ) -> None:
        self.document, self.limits, self.defaults = document, limits, defaults
        self.inputs = list(inputs)
        self.ranks = list(inputs.values())
        self.first = len(inputs)
        self.blocks: dict[str, Block] = {}
        self.faulty: set[str] = set()
        self.nodes: list[Node] = []
        self.groups: list[Group] = []
        self.taken: dict[str, Path] = {}
        self.outputs = {name: Output(at, 0, 0) for at, name in enumerate(inputs)}
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
        if frame.producer is None:
            return EntryReader(self.document, frame.scope, path)
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
        said = held if isinstance(held, dict) else {}
        cls = VOCABULARY.get(ALIASES.get(word, word) if isinstance(word, str) else "", Layer)
        merges = issubclass(cls, Merge)
        if "from" in said and not merges:
            frame.producer = sources.arriving(self, cls, said["from"], reader.at("from"), frame)[0]
            reader = self._reader(frame, reader.path)
        if frame.producer is None and not merges and word not in ("repeat", "parallel"):
            message = "nothing arrives here: the network has several inputs"
            raise reader.refuse("no-input", message, help=f"say which: {word}: {{from: NAME}}", key=True)
        start = len(self.nodes)
        self._dispatch(word, held, reader, frame)
        if isinstance(said.get("name"), str) and frame.producer is not None:
            output = Output(frame.producer, start, len(self.nodes))
            frame.names.add(said["name"], reader.path, output)
            self.outputs[f"{frame.prefix}{said['name']}"] = output
        if "share" in said:
            sources.share(self, said["share"], reader.at("share"), frame, start)

    def _dispatch(self, word: str, held: Any, reader: EntryReader, frame: Frame) -> None:
        if word == "repeat":
            repeats.repeat(self, held, reader, frame)
        elif word == "residual":
            branches.residual(self, held, reader, frame)
        elif word == "parallel":
            branches.parallel(self, held, reader, frame)
        elif word in self.blocks:
            self._call(self.blocks[word], held, reader, frame)
        elif word not in self.faulty:
            self._layer(self._kind(word, reader), held, reader, frame)

    def _kind(self, word: str, reader: EntryReader) -> type[Layer]:
        known = [*VOCABULARY, *ALIASES, *self.blocks, *STRUCTURE]
        kind = ALIASES.get(word, word)
        if kind not in VOCABULARY:
            snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower()
            near = get_close_matches(re.sub(r"_?[123]d$", "", snake), known, 1, 0.7)
            help_ = f"did you mean '{near[0]}'?" if near else f"the kinds are {', '.join((*VOCABULARY, *STRUCTURE))}"
            raise reader.refuse("unknown-kind", f"'{word}' is no kind of layer and no block", help=help_, key=True)
        return VOCABULARY[kind]

    def _layer(self, cls: type[Layer], held: Any, reader: EntryReader, frame: Frame) -> None:
        given = self._given(cls, held, reader)
        inputs: tuple[int, ...] = (frame.producer,) if frame.producer is not None else ()
        if issubclass(cls, Merge):
            inputs = sources.joined(self, cls, given, reader, frame)
        elif cls.joins_when is not None and "from" in given:
            inputs = sources.arriving(self, cls, given["from"], reader.at("from"), frame)
        name = self.name(given.get("name"), cls.kind, reader, frame)
        given = {word: raw for word, raw in given.items() if word not in COMMON}
        if cls.axes and not reader.rank:
            message = f"'{cls.kind}' works on an image, but a vector arrives here"
            raise reader.refuse("no-axes", message, help="move it above the layer that flattens", key=True)
        values = reader.fields(cls, given, self._defaults(cls), self.problems)
        if values is None:
            self.append(name, VOCABULARY["identity"](), cls.kind, reader.path, frame, inputs[:1])
            return
        layer = cls(**values)
        sources.check_maps(self, layer, inputs, reader)
        if not isinstance(layer, Shorthand):
            self.append(name, layer, cls.kind, reader.path, frame, inputs)
            return
        self._expand(name, layer, reader, frame, inputs)

    def _expand(
        self, name: str, layer: Shorthand, reader: EntryReader, frame: Frame, arriving: tuple[int, ...]
    ) -> None:
        parts = layer.expand(reader.scope.lookup("in_channels"), reader.rank)
        start, inputs = len(self.nodes), arriving
        for part, core in parts:
            full = self.name(f"{name.removeprefix(frame.prefix)}.{part}", "", reader, frame) if part else name
            kind = f"{part}_conv" if part in ("depthwise", "pointwise") else core.kind if part else layer.kind
            both = (*arriving, *inputs) if isinstance(core, Merge) else inputs
            inputs = (self.append(full, core, kind, reader.path, frame, both),)
        if len(parts) > 1:
            self.close(name, start)

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

    def append(self, name: str, layer: Layer, kind: str, path: Path, frame: Frame, inputs: tuple[int, ...]) -> int:
        """Add a node, whose output arrives at the next one; return its number among the producers."""
        if len(self.nodes) >= self.limits.layers:
            raise self.too_many(f"more than {self.limits.layers} layers")
        at = len(self.nodes)
        self.nodes.append(Node(name, layer, inputs, kind, path, frame.repeat))
        self.ranks.append(layer.rank_after(self.ranks[inputs[0]]))
        frame.producer = self.first + at
        self.outputs[name] = Output(frame.producer, at, at + 1)
        return frame.producer

    def cut(self, start: int) -> list[Node]:
        """Take back the nodes from *start* on, with all that is known of them."""
        nodes, first = self.nodes[start:], self.first + start
        del self.nodes[start:], self.ranks[first:]
        self.groups = [each for each in self.groups if each.start < start]
        self.outputs = {name: each for name, each in self.outputs.items() if each.producer < first}
        return nodes

    def close(self, name: str, start: int) -> None:
        """End a named group, the nodes from *start* on."""
        if len(self.nodes) > start:
            self.groups.append(Group(name, start, len(self.nodes)))
            self.outputs[name] = Output(self.first + len(self.nodes) - 1, start, len(self.nodes))

    def name_of(self, producer: int) -> str:
        """Return the full name of the layer that puts out what *producer* numbers."""
        at = producer - self.first
        return self.nodes[at].name if at >= 0 else self.inputs[producer]

    def too_many(self, message: str) -> LimitError:
        """Return the error for more layers than the limit."""
        help_ = f"{self.limits.flag('layers')} raises the limit"
        return LimitError(Problem("too-many-layers", message, help_, file=self.document.file))

    def name(self, given: Any, kind: str, reader: EntryReader, frame: Frame) -> str:
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

    def check_nesting(self, frame: Frame) -> None:
        """Refuse entries inside entries beyond the limit."""
        if len(frame.calls) + len(frame.repeat) + frame.depth >= self.limits.depth:
            message = f"blocks, repeats and branches nested more than {self.limits.depth} deep"
            help_ = f"{self.limits.flag('depth')} raises the limit"
            raise LimitError(Problem("too-deep", message, help_, file=self.document.file))

    def count_empty(self) -> None:
        """Count a pass of a repeat, or a call, that made no layer: what the number of layers does not bound."""
        self.empty += 1
        if self.empty > self.limits.layers:
            raise self.too_many(f"more than {self.limits.layers} passes of repeats and blocks that hold no layer")

    def only(self, held: dict[str, Any], known: tuple[str, ...], what: str, reader: EntryReader) -> set[str]:
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
        self.check_nesting(frame)
        given = dict(held) if isinstance(held, dict) else {} if held is None else {next(iter(block.params), ""): held}
        if "" in given and not block.params:
            raise reader.refuse("not-fields", f"the block '{block.name}' takes no value", help=f"write '{block.name}'")
        explicit = given.get("name")
        given = {word: raw for word, raw in given.items() if word not in COMMON}
        meant = self.only(given, tuple(block.params), block.name, reader) - given.keys()
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
        inner = replace(frame, scope=scope, calls=(*frame.calls, block.name), caller=frame)
        inner.names = Names(None, frame.prefix, self.first + start)
        if explicit is not None or block.names_layers:
            name = self.name(explicit, block.name, reader, frame)
            inner.prefix, inner.counts = f"{name}.", Counter()
            inner.names.prefix = inner.prefix
        problems = len(self.problems)
        self.entries(block.layers, (*block.path, "layers"), inner)
        frame.producer = inner.producer
        if len(self.nodes) == start:
            self.count_empty()
        elif inner.prefix != frame.prefix:
            self.close(name, start)
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
