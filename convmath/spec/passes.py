"""A repeat whose number of passes is a symbol: one layer, until the number is known and it is unrolled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from convmath.errors import LimitError, Problem
from convmath.formula import Value, symbol
from convmath.formula import bind as bound
from convmath.limits import DEFAULT
from convmath.spec.graph import ARRIVING, Group, Input, Network, Node, arriving_channels
from convmath.spec.layer import Layer
from convmath.spec.meaning import Meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes(Layer):
    """The layers of one pass, ``times`` times one after the other.

    The producers of ``nodes`` are counted within the pass: 0 is what arrives, and node k
    puts out k + 1. ``index`` is the symbol that counts the passes from 0, ``out`` the
    producer that a pass hands to the next.
    """

    kind: ClassVar[str] = "repeat"
    meaning: ClassVar[Meaning] = Meaning("", source="")

    name: str
    nodes: tuple[Node, ...]
    index: str
    times: Value
    out: int

    def sizes(self) -> Iterator[tuple[str, Value, int]]:
        """Yield the number of passes, which is at least one."""
        yield "times", self.times, 1

    def bind(self, values: Mapping[str, Value]) -> Passes:
        """Return the passes with symbols replaced; their own index is none of them."""
        inner = {name: value for name, value in values.items() if name != self.index}
        nodes = tuple(replace(node, layer=node.layer.bind(inner)) for node in self.nodes)
        return replace(self, nodes=nodes, times=bound(self.times, inner))

    def one(self, channels: Value, sizes: tuple[Value, ...]) -> Network:
        """Return a single pass as a network, its index left as a symbol."""
        names = {local_channels(self.name, at): symbol(arriving_channels(at)) for at in range(len(self.nodes) + 1)}
        nodes = tuple(replace(node, layer=node.layer.bind(names)) for node in self.nodes)
        return Network(self.name, (Input("input", (channels, *sizes)),), (), nodes)


def local_channels(name: str, producer: int) -> str:
    """Return the reserved symbol for the channels that a producer puts out inside the pass of a repeat."""
    return f"{ARRIVING}{name}/{producer}"


def unrolled(network: Network) -> Network:
    """Return the network with every repeat of a known number of passes unrolled.

    Raises ``LimitError`` where that would make too many layers.
    """
    while any(_known(node.layer) for node in network.nodes):
        network = _Unrolling(network).result()
    return network


def _known(layer: Layer) -> bool:
    return isinstance(layer, Passes) and isinstance(layer.times, int)


class _Unrolling:
    """Writes the nodes anew, each repeat as its passes."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.first = len(network.inputs)
        self.moved = {at: at for at in range(self.first)}
        self.nodes: list[Node] = []
        self.groups: list[Group] = []

    def result(self) -> Network:
        begins = []
        for at, node in enumerate(self.network.nodes):
            begins.append(len(self.nodes))
            names = {arriving_channels(old): symbol(arriving_channels(new)) for old, new in self.moved.items()}
            layer = node.layer.bind(names)
            if isinstance(layer, Passes) and isinstance(layer.times, int):
                self._unroll(replace(node, layer=layer), layer, layer.times, self.first + at)
            else:
                share = None if node.share is None else begins[node.share]
                inputs = tuple(self.moved[each] for each in node.inputs)
                self._append(replace(node, layer=layer, inputs=inputs, share=share))
                self.moved[self.first + at] = self.first + len(self.nodes) - 1
        begins.append(len(self.nodes))
        groups = [Group(each.name, begins[each.start], begins[each.stop]) for each in self.network.groups]
        returned = tuple(self.moved[self.first + each] - self.first for each in self.network.returned)
        return replace(self.network, nodes=tuple(self.nodes), groups=(*groups, *self.groups), returned=returned)

    def _unroll(self, node: Node, layer: Passes, times: int, producer: int) -> None:
        start = len(self.nodes)
        arriving = self.moved[node.inputs[0]]
        for count in range(times):
            begin = len(self.nodes)
            made = [arriving]
            for inner in layer.nodes:
                names = {
                    local_channels(layer.name, at): symbol(arriving_channels(each)) for at, each in enumerate(made)
                }
                held = inner.layer.bind({layer.index: count}).bind(names)
                self._append(
                    replace(
                        inner,
                        name=f"{node.name}.{count}.{inner.name.removeprefix(f'{layer.name}.')}",
                        layer=_renamed(held, layer.name, f"{node.name}.{count}"),
                        inputs=tuple(made[each] for each in inner.inputs),
                        repeat=(*node.repeat, (count, times), *inner.repeat),
                        share=None if inner.share is None else begin + inner.share,
                    )
                )
                made.append(self.first + len(self.nodes) - 1)
            arriving = made[layer.out]
        self.moved[producer] = arriving
        self.groups.append(Group(node.name, start, len(self.nodes)))

    def _append(self, node: Node) -> None:
        self.nodes.append(node)
        if len(self.nodes) > DEFAULT.layers:
            message = f"{self.network.name} would have more than {DEFAULT.layers} layers"
            raise LimitError(Problem("too-many-layers", message, "use fewer passes"))


def _renamed(layer: Layer, old: str, new: str) -> Layer:
    """Return a repeat inside of a repeat under the name of its copy."""
    if not isinstance(layer, Passes):
        return layer
    name = f"{new}{layer.name.removeprefix(old)}"
    moved = {local_channels(layer.name, at): symbol(local_channels(name, at)) for at in range(len(layer.nodes) + 1)}
    nodes = tuple(
        replace(
            node,
            name=f"{name}{node.name.removeprefix(layer.name)}",
            layer=_renamed(node.layer.bind(moved), layer.name, name),
        )
        for node in layer.nodes
    )
    return replace(layer, name=name, nodes=nodes)
