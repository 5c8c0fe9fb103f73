"""The network: a graph of canonical layers, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from convmath.errors import Problem, SpecError, UsageError, inert
from convmath.formula import Formula, Value, bind, symbol
from convmath.spec.document import Document
from convmath.spec.fields import check_number
from convmath.spec.layer import Layer

ARRIVING = "in_channels@"


def arriving_channels(producer: int) -> str:
    """Return the reserved symbol for the channels that *producer* puts out.

    No name of a file contains an ``@``. Each engine replaces it with the channels that
    it found itself.
    """
    return f"{ARRIVING}{producer}"


AXES = {0: (), 1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
"""The usual symbols for the sizes of an input, by how many axes of space it has."""


@dataclass(frozen=True, slots=True)
class SymbolInfo:
    """What a spec says about a symbol; integers only."""

    name: str
    minimum: int = 1
    maximum: int | None = None
    default: int | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the network: channels first, no batch."""

    name: str
    shape: tuple[Value, ...]

    @property
    def channels(self) -> Value:
        """The number of channels, or of features of a vector."""
        return self.shape[0]

    @property
    def sizes(self) -> tuple[Value, ...]:
        """The spatial sizes."""
        return self.shape[1:]


@dataclass(frozen=True, slots=True)
class Node:
    """A layer at its place in the graph.

    ``inputs`` are producers: the network's inputs come first, then the nodes in order.
    ``kind`` is what the file called it, ``path`` where it stands there. ``share`` is the
    node whose parameters it uses, None for its own.
    """

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    kind: str
    path: tuple[str | int, ...] = ()
    repeat: tuple[tuple[int, int], ...] = ()
    share: int | None = None

    def resolved(self, channels: Mapping[str, Value]) -> Layer:
        """Return the layer with the reserved symbols for arriving channels replaced."""
        return self.layer.bind(channels)


@dataclass(frozen=True, slots=True)
class Group:
    """A named block, repeat or shorthand: the nodes from ``start`` up to ``stop``."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Network:
    """A network in canonical form; ``document`` and ``about`` are what the file said.

    ``returned`` holds the nodes whose outputs the file names under ``outputs``; without,
    the last node is the output. ``weights`` holds, by layer, the arrays that came with a
    model made elsewhere; each is read when it is asked for. ``aliases`` are the names by
    which such a model calls what it puts out, with the layers that do.
    """

    name: str
    inputs: tuple[Input, ...]
    symbols: tuple[SymbolInfo, ...]
    nodes: tuple[Node, ...]
    groups: tuple[Group, ...] = ()
    returned: tuple[int, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict, compare=False)
    document: Document | None = field(default=None, compare=False, repr=False)
    weights: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False, repr=False)
    aliases: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def outputs(self) -> tuple[int, ...]:
        """The nodes that the network returns: those that the file names, or the last one."""
        return self.returned or ((len(self.nodes) - 1,) if self.nodes else ())

    @property
    def defaults(self) -> dict[str, int] | None:
        """The default of every symbol; None altogether where one has none."""
        found = {each.name: each.default for each in self.symbols}
        return None if None in found.values() else found  # type: ignore[return-value]

    def refuse(self, node: Node, code: str, message: str, help: str | None = None) -> SpecError:
        """Return the error for a layer, at its spot in the file where there is one."""
        what = f"{node.name} ({node.kind}): {message}"
        if self.document is None:
            return SpecError(Problem(code, what, help, path=node.path))
        return SpecError(self.document.problem(code, what, help, path=node.path))

    def bind(self, values: Mapping[str, Value]) -> Network:
        """Return the network with symbols replaced by *values*, each within its range.

        Raises ``SpecError`` where a value is out of range or makes a size illegal, and
        ``KeyError`` for a name that is no symbol of the network.
        """
        known = {each.name: each for each in self.symbols}
        for name, given in values.items():
            check_range(known[name], given)
        bound = replace(
            self,
            inputs=tuple(replace(each, shape=tuple(bind(size, values) for size in each.shape)) for each in self.inputs),
            symbols=tuple(each for each in self.symbols if each.name not in values),
            nodes=tuple(replace(node, layer=node.layer.bind(values)) for node in self.nodes),
        )
        for node in bound.nodes:
            for name, held, minimum in node.layer.sizes():
                wrong = check_number(held, minimum)
                if wrong:
                    raise self.refuse(node, "bad-size", f"{name} {wrong}", f"at {show_values(values)}")
        for each in bound.inputs:
            for size in each.shape:
                wrong = check_number(size, 1)
                if wrong:
                    problem = Problem("bad-size", f"a size of the input {wrong}", f"at {show_values(values)}")
                    raise SpecError(problem)
        from convmath.spec.passes import unrolled

        return unrolled(bound)

    def up_to(self, name: str) -> Network:
        """Return the network that ends with the layer or group *name*, without what it does not need.

        Raises ``UsageError`` where there is none.
        """
        spans = {group.name: range(group.start, group.stop) for group in self.groups}
        spans |= {node.name: range(at, at + 1) for at, node in enumerate(self.nodes)}
        if name not in spans:
            near = get_close_matches(name, spans, 1)
            hint = f"; did you mean '{inert(near[0])}'?" if near else ""
            raise UsageError(f"there is no layer '{inert(name)}'{hint}")
        return self._needed_by(spans[name])

    def _needed_by(self, span: range) -> Network:
        first = len(self.inputs)
        kept = sorted(needed(self.nodes, first, span))
        moved = {first + at: first + new for new, at in enumerate(kept)} | {at: at for at in range(first)}
        channels = {arriving_channels(old): symbol(arriving_channels(new)) for old, new in moved.items()}
        owners: dict[int, int] = {}
        nodes: list[Node] = []
        for new, at in enumerate(kept):
            node = self.nodes[at]
            inputs = tuple(moved[each] for each in node.inputs)
            owner = owners.setdefault(at if node.share is None else node.share, new)
            share = None if owner == new else owner
            nodes.append(replace(node, layer=node.layer.bind(channels), inputs=inputs, share=share))
        new_places = {at: new for new, at in enumerate(kept)}
        groups = tuple(
            Group(each.name, new_places[each.start], new_places[each.stop - 1] + 1)
            for each in self.groups
            if all(at in new_places for at in range(each.start, each.stop))
        )
        return replace(self, nodes=tuple(nodes), groups=groups, returned=())

    def names(self) -> Iterator[str]:
        """Yield every name by which a layer or a group can be asked for."""
        yield from (node.name for node in self.nodes)
        yield from (group.name for group in self.groups)


def needed(nodes: Sequence[Node], first: int, ends: Iterable[int]) -> set[int]:
    """Return which nodes *ends* depend on, these themselves included; producers below *first* are no nodes."""
    found = set(ends)
    for at in range(max(found, default=-1), -1, -1):
        if at in found:
            found.update(producer - first for producer in nodes[at].inputs if producer >= first)
    return found


def inside(name: str, part: str) -> bool:
    """Tell whether a layer of this name is within a named part: a group, or a repeat.

    A spec writes paths with dots; a model's own names may have slashes.
    """
    return name.startswith((f"{part}.", f"{part}/"))


def show_values(values: Mapping[str, Value]) -> str:
    """Return bindings as text: ``H = 32, W = 32``."""
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def check_range(info: SymbolInfo, given: Value) -> None:
    """Refuse a number outside the range of a symbol; formulas pass."""
    if isinstance(given, Formula):
        return
    wrong = check_number(given, info.minimum)
    if wrong is None and info.maximum is not None and given > info.maximum:
        wrong = f"is {given}, but must be {info.maximum} or less"
    if wrong:
        raise SpecError(Problem("out-of-range", f"the symbol '{info.name}' {wrong}"))
