"""The nodes that are written: what channels arrive at each, and who uses what it puts out."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cached_property, partial

from convmath.errors import Problem, SpecError
from convmath.formula import Formula, Value, bind, symbol
from convmath.spec.graph import ARRIVING, Network, Node, arriving_channels
from convmath.spec.passes import Passes, local_channels
from convmath.spec.writing.names import counts_kind, counts_only

Shape = tuple[Value, ...]
Derive = Callable[[Network], list[Shape]]
"""Returns the shape, channels first, that every producer of a network puts out by the rules of its layers."""
SHORT_DECIMAL = 6
"""A decimal of more characters is written as a ratio."""


class Source:
    """Nodes one after the other: a network's, or those of one pass of a symbolic repeat.

    ``use`` is the last node that takes the output of a node, ``shared`` the last one that
    uses its parameters. ``read`` tells that a file was read, which leaves names that count
    kinds to the reader.
    """

    def __init__(
        self,
        network: Network,
        nodes: tuple[Node, ...],
        reserved: Callable[[int], str],
        returned: tuple[int, ...],
        derive: Derive,
        around: Source | None = None,
        *,
        read: bool,
    ) -> None:
        self.network, self.derive, self.around, self.read = network, derive, around, read
        self.nodes, self.first, self.reserved = nodes, len(network.inputs), reserved
        self.use, self.shared = [-1] * len(nodes), [-1] * len(nodes)
        for at, node in enumerate(nodes):
            for producer in node.inputs:
                if producer >= self.first:
                    self.use[producer - self.first] = at
            if node.share is not None:
                self.shared[node.share] = at
        for at in returned:
            self.use[at] = len(nodes)

    @cached_property
    def shapes(self) -> list[Shape]:
        """The shapes of all producers, derived when first asked: most files say nothing that depends on them."""
        try:
            return self.derive(self.network)
        except SpecError:  # what does not fit can still be written, but for what depends on channels
            return self._unknown()

    def _unknown(self) -> list[Shape]:
        shapes = [each.shape for each in self.network.inputs]
        for at, node in enumerate(self.nodes, self.first):
            rank = node.layer.rank_after(len(shapes[node.inputs[0]]) - 1)
            shapes.append((symbol(self.reserved(at)),) * (1 + rank))
        return shapes

    @cached_property
    def known(self) -> dict[str, Value]:
        """The channels of every producer, by their reserved symbol."""
        around = self.around.known if self.around else {}
        return around | {self.reserved(at): self.channels(at) for at in range(len(self.shapes))}

    def channels(self, producer: int) -> Value:
        """Return how many channels a producer puts out."""
        return self.shapes[producer][0]

    def resolved(self, value: Value) -> Value:
        """Return a value with the channels of all producers put in, as far as they are known."""
        return bind(value, self.known) if isinstance(value, Formula) and reserved_names(value) else value

    def text(self, value: Value, producer: int) -> int | float | str:
        """Return a value as a file has it, at a layer at which *producer* arrives.

        Raises ``SpecError`` where it depends on channels that no expression there can name.
        """
        if isinstance(value, Fraction):
            return _decimal(value) or str(value)
        if not isinstance(value, Formula):
            return value
        own = self.reserved(producer)
        names = reserved_names(value)
        if names - {own}:
            value = bind(value, {name: known for name, known in self.known.items() if name != own})
            if isinstance(value, Formula) and (left := reserved_names(value) - {own}):
                where = min(left).removeprefix(ARRIVING)
                message = f"'{value}' depends on the channels of producer {where}, which cannot be named there"
                raise SpecError(Problem("unwritable", message, "bind the depth of the repeat with --set"))
        shown = bind(value, {own: symbol("in_channels")})
        return str(shown) if isinstance(shown, Formula) else shown  # type: ignore[return-value]

    def counts(self, at: int) -> bool:
        """Tell whether the name of a node only counts, so that it may be another one in the file."""
        node = self.nodes[at]
        return counts_only(node.name) or (self.read and counts_kind(node.name, node.kind))

    def inside(self, layer: Passes, producer: int) -> Source:
        """Return the nodes of one pass of a symbolic repeat, at which *producer* arrives first."""
        name = partial(local_channels, layer.name)
        last = layer.out - 1
        if last != len(layer.nodes) - 1:
            message = f"{layer.name}: a pass hands on the output of layer {last}, which is not its last one"
            raise SpecError(Problem("unwritable", message))
        sizes = tuple(symbol(f"size{at}@{layer.name}") for at in range(len(self.shapes[producer]) - 1))
        one = layer.bind(self.known).one(symbol(name(0)), sizes)
        return Source(one, layer.nodes, name, (last,), self.derive, self, read=self.read)


def _decimal(value: Fraction) -> float | None:
    """Return a ratio as a decimal where a short one says the same, as 3/2 is 1.5; 5/3 has none."""
    decimal = float(value)
    return decimal if len(repr(decimal)) <= SHORT_DECIMAL and Fraction(repr(decimal)) == value else None


def whole(network: Network, derive: Derive) -> Source:
    """Return the nodes of a network."""
    read = network.document is not None
    return Source(network, network.nodes, arriving_channels, network.returned, derive, read=read)


def reserved_names(value: Formula) -> frozenset[str]:
    """Return the reserved symbols in a formula."""
    return frozenset(name for name in value.names if name.startswith(ARRIVING))
