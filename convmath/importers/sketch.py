"""A network in the making: what an importer writes, layer by layer, while it reads a foreign graph."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from convmath.errors import LimitError, Problem, SpecError, UnsupportedError, inert
from convmath.formula import Formula, Value
from convmath.importers.function import Function
from convmath.importers.names import LayerNames
from convmath.importers.tensor import BATCH_SIZE, Constant, Reading, Tensor, Unsupported
from convmath.limits import DEFAULT, Limits
from convmath.spec.fields import Real, check_number
from convmath.spec.graph import Group, Input, Network, Node, SymbolInfo
from convmath.spec.layer import Layer, Merge, field_kinds
from convmath.spec.merge import Concat, Multiply
from convmath.spec.reshape import Identity, Reshape
from convmath.symbolic import compose  # noqa: F401  (registers the rules)
from convmath.symbolic.facts import Shape, apply

MOST_SIZE = 10**18
"""Sizes have at most 18 digits, as in a spec."""
Given = Mapping[str, Constant]
"""The parameters and buffers of a layer, by the names that its kernel uses."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A node that cannot be said: its operator, where it stands, and why."""

    operator: str
    where: str
    why: str


@dataclass(slots=True)
class Draft:
    """A node while the network is in the making: with its weights, and the shape of what it puts out."""

    node: Node
    given: Given
    shape: Shape


@dataclass(slots=True)
class Sketch:
    """Collects the layers of a network, with the shapes of their outputs and the weights that the model holds.

    Every layer is held against its rule at once: what follows may depend on the sizes.
    Where equal arrays are ``stored_once``, as exporters of ONNX store them, two layers
    that name the same ones need not have shared them: fresh norms are all alike.
    """

    name: str
    inputs: tuple[Input, ...]
    limits: Limits = DEFAULT
    stored_once: bool = False
    drafts: list[Draft] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    passed: set[str] = field(default_factory=set)
    """Where something is missing because of what was refused elsewhere."""
    names: LayerNames = field(default_factory=LayerNames)
    advice: str = ""
    """What the user can do about what is refused."""
    batch: int = 1
    """How many samples the model was exported for, where it has that written down."""
    _owners: dict[tuple[Any, ...], int] = field(default_factory=dict)
    _readers: dict[str, int] = field(default_factory=dict)
    """Which layer was the first to read each weight."""

    def batched(self, dims: Sequence[Value]) -> tuple[Value, ...]:
        """Return the shape of a map, with the size of any batch where the one of the export is written."""
        return (BATCH_SIZE, *dims[1:]) if len(dims) > 1 and dims[0] == self.batch else tuple(dims)

    def source(self, at: int) -> Tensor:
        """Return the input of the network with this number."""
        each = self.inputs[at]
        return Tensor.plain(at, Shape(each.channels, each.sizes))

    def layer(
        self, name: str, layer: Layer, *parts: Tensor, kind: str | None = None, given: Given | None = None
    ) -> Tensor:
        """Add a layer, and return its output: a map of the same axes as the first one that arrives.

        Layers that use the same weights share them. Raises ``Unsupported`` where a rule
        refuses the layer, or where it shares some of its parameters only.
        """
        given = given or {}
        if len(self.drafts) >= self.limits.layers:
            message = f"the model has more than {self.limits.layers} layers"
            raise LimitError(Problem("too-many-layers", message, f"{self.limits.flag('layers')} raises the limit"))
        _check_fields(layer)
        try:
            shape = apply(layer, *(each.shape for each in parts)).out
        except LimitError:
            raise
        except SpecError as error:
            raise Unsupported("; ".join(problem.message for problem in error.problems)) from None
        full = self.names.take(name or layer.kind)
        at = len(self.drafts)
        inputs = tuple(each.producer for each in parts)
        share = self._owner(layer, given, at, inputs[0])
        node = Node(full, layer, inputs, kind or layer.kind, share=share)
        self.drafts.append(Draft(node, given, shape))
        return parts[0].after(len(self.inputs) + at, shape)

    def function(self, name: str, word: str, x: Tensor) -> Tensor:
        """Add an element-wise function that only a pattern of several nodes gives a layer."""
        draft = Draft(Node(self.names.take(name or word), Function(word=word), (x.producer,), word), {}, x.shape)
        self.drafts.append(draft)
        return x.after(len(self.inputs) + len(self.drafts) - 1, x.shape)

    def unwritten(self, x: Tensor) -> Iterator[Tensor]:
        """Yield the maps from which reshapes alone made a map, the nearest first."""
        at = x.producer - len(self.inputs)
        while at >= 0 and isinstance(self.drafts[at].node.layer, Reshape):
            [producer] = self.drafts[at].node.inputs
            at = producer - len(self.inputs)
            yield Tensor.plain(producer, self.drafts[at].shape) if at >= 0 else self.source(producer)

    def _owner(self, layer: Layer, given: Given, at: int, arriving: int) -> int | None:
        """Return the node before this one that uses the same weights, if there is one."""
        keys = tuple((name, each.key, each.shape, each.turned) for name, each in given.items())
        named = all(each.key for each in given.values())
        owner = self._owners.setdefault((type(layer), *keys), at) if named else at
        self._check_whole(given, owner)
        if not keys or not named:
            return None
        if self.stored_once and all(len(each.shape) < 2 for each in given.values()):
            before = arriving - len(self.inputs)
            if before < 0 or self.drafts[before].node.share is None:
                return None
        return None if owner == at else owner

    def _check_whole(self, given: Given, owner: int) -> None:
        """Refuse a layer that shares a weight, but not all, with another one: it would be counted twice.

        Where equal arrays are stored once, lists of numbers that are alike say nothing.
        """
        for name, each in given.items():
            if not each.key or not each.learned or (self.stored_once and len(each.shape) < 2):
                continue
            first = self._readers.setdefault(each.key, owner)
            if first != owner:
                message = (
                    f"it shares its {name} '{each.key}' with {self.drafts[first].node.name}, "
                    "but not all of its parameters, or not in the same arrangement"
                )
                alike = "; weights that are only equal are stored once by some exporters, and then look the same"
                raise Unsupported(message + alike * self.stored_once)

    def put_out(self, at: int) -> Tensor:
        """Return what the layer with this number puts out."""
        return Tensor.plain(len(self.inputs) + at, self.drafts[at].shape)

    def refuse(self, operator: str, where: str, why: str) -> None:
        """Note a node that cannot be said; the network is refused in the end, with all of them."""
        self.refused.append(Refused(operator, where, why.replace(str(BATCH_SIZE), "batch")))

    def network(
        self,
        outputs: Sequence[Tensor],
        symbols: tuple[SymbolInfo, ...],
        about: Mapping[str, Any] | None = None,
        only: Tensor | str | None = None,
    ) -> Network:
        """Return the network that puts out *outputs*, with the weights that the model holds.

        With *only*, a map or the name of a layer or group, what that does not need is left
        out. Raises ``UnsupportedError`` with everything that was refused, and where it stands.
        """
        from convmath.importers.composites import recognised

        if self.refused:
            raise UnsupportedError(self.complaint())
        if isinstance(only, Tensor):
            outputs = [only]
        outputs = [self._put_through(each) if self._arrives(each) else each for each in outputs]
        ends = tuple(dict.fromkeys(each.producer - len(self.inputs) for each in outputs))
        drafts, ends = recognised(self.drafts, [Shape(each.channels, each.sizes) for each in self.inputs], ends)
        nodes = tuple(each.node for each in drafts)
        known = tuple(each for each in symbols if any(each.name in names for names in self._names(nodes)))
        network = Network(
            self.name,
            self.inputs,
            known,
            nodes,
            tuple(groups(nodes)),
            () if ends == (len(nodes) - 1,) else ends,
            dict(about or {}),
            weights={each.node.name: Reading(each.given) for each in drafts if each.given},
        )
        if only is not None:
            network = network.up_to(nodes[ends[0]].name if isinstance(only, Tensor) else only)
        self._check_rest(network, drafts)
        if self.refused:
            raise UnsupportedError(self.complaint())
        return network

    def _check_rest(self, network: Network, drafts: Sequence[Draft]) -> None:
        """Refuse what stands only within layers that are written out, where it makes none of them."""
        shapes = {each.node.name: each.shape for each in drafts}
        made = [Shape(each.channels, each.sizes) for each in network.inputs]
        made += [shapes[node.name] for node in network.nodes]
        for node in network.nodes:
            if isinstance(node.layer, Function):
                self.refuse(node.layer.word, node.name, "it is no part of a layer that is known")
            parts = [made[each] for each in node.inputs]
            channels = {each.channels for each in parts}
            if isinstance(node.layer, Merge) and not isinstance(node.layer, Multiply | Concat) and channels > {1}:
                shown = " and ".join(map(str, parts))
                why = f"maps of {shown} meet; only a product repeats a single channel"
                self.refuse(node.kind, node.name, why)

    def complaint(self) -> str:
        """Return the message about everything that was refused."""
        return _listed(self.name, self.refused, self.advice)

    def _put_through(self, x: Tensor) -> Tensor:
        """Return an input that the model puts out as it is, as the output of a layer."""
        try:
            return self.layer("output", Identity(), x)
        except Unsupported as refusal:
            self.refuse("output", self.inputs[x.producer].name, str(refusal))
            raise UnsupportedError(self.complaint()) from None

    def _arrives(self, x: Tensor) -> bool:
        """Tell whether a map is an input of the network, unchanged."""
        return x.producer < len(self.inputs)

    def _names(self, nodes: Sequence[Node]) -> Iterator[frozenset[str]]:
        for each in self.inputs:
            yield from (size.names for size in each.shape if isinstance(size, Formula))
        for node in nodes:
            yield from (size.names for _, size, _ in node.layer.sizes() if isinstance(size, Formula))


def _check_fields(layer: Layer) -> None:
    """Refuse a layer that no file could describe: what a foreign model holds, nobody has checked."""
    values = {name: getattr(layer, name) for name in field_kinds(type(layer))}
    for name, held, minimum in layer.sizes():
        wrong = check_number(held, minimum)
        if wrong:
            raise Unsupported(f"its {name} {wrong}")
    for name, kind in field_kinds(type(layer)).items():
        wrong = kind.wrong(values[name]) if isinstance(kind, Real) else None
        if wrong:
            raise Unsupported(f"its {name} {wrong}")
        each = values[name] if isinstance(values[name], tuple) else (values[name],)
        if any(max(abs(part) for part in (size.numerator, size.denominator)) >= MOST_SIZE for size in _exact(each)):
            raise Unsupported(f"its {name} has more than 18 digits")
        below = [size for size in _exact(each) if isinstance(size, Fraction) and size <= 0]
        if below:
            raise Unsupported(f"its {name} is {below[0]}, but must be above 0")
    clash = layer.clash(values)
    if clash is not None:
        raise Unsupported(clash)


def _exact(held: tuple[Any, ...]) -> Iterator[int | Fraction]:
    for each in held:
        if isinstance(each, int | Fraction):
            yield each
        elif isinstance(each, tuple):
            yield from _exact(each)


def groups(nodes: Sequence[Node]) -> Iterator[Group]:
    """Yield the parts of a model that its names tell of: ``layer1`` where layers are called ``layer1.0.conv1``.

    Only parts whose layers stand one after the other; one layer alone is no part.
    """
    taken = {node.name for node in nodes}
    ordered = sorted(taken)
    spans: dict[str, list[int]] = {}
    for at, node in enumerate(nodes):
        for prefix in _prefixes(node.name):
            spans.setdefault(prefix, []).append(at)
    for prefix, places in spans.items():
        # a slash follows a dot in ASCII, so that all names inside stand between these
        within = bisect_left(ordered, f"{prefix}0") - bisect_left(ordered, f"{prefix}.")
        alone = len(places) == within == places[-1] - places[0] + 1
        if alone and prefix not in taken and 1 < within < len(nodes):
            yield Group(prefix, places[0], places[-1] + 1)


def _prefixes(name: str) -> Iterator[str]:
    mark = "/" if "/" in name else "."
    parts = name.split(mark)
    yield from (prefix for count in range(1, len(parts)) if (prefix := mark.join(parts[:count])))


def _listed(name: str, refused: Sequence[Refused], advice: str) -> str:
    """Return the message about everything that was refused: each operator once, with where it stands."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in refused:
        found.setdefault((each.operator, each.why), []).append(each.where)
    lines = [f"{inert(name)} cannot be read as a network:"]
    for (operator, why), places in found.items():
        shown = ", ".join(map(inert, places[:5])) + (f" and {len(places) - 5} more" if len(places) > 5 else "")
        lines.append(f"  {inert(operator)}: {inert(why)} (at {shown})")
    lines += [f"  = help: {inert(advice)}"] if advice else []
    return "\n".join(lines)


def renumbered(node: Node, moved: Mapping[int, int], owners: Mapping[int, int]) -> Node:
    """Return a node whose producers, and the owner of its weights, have other numbers."""
    share = None if node.share is None else owners[node.share]
    return replace(node, inputs=tuple(moved[each] for each in node.inputs), share=share)
