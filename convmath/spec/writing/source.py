"""The nodes that are written: what channels arrive at each, and who uses what it puts out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from convmath.errors import Problem, SpecError
from convmath.formula import Formula, Value, bind, product_of, ratio, sum_of, symbol
from convmath.spec.activation import Glu
from convmath.spec.conv import Conv
from convmath.spec.deformable import DeformableConv
from convmath.spec.dense import Dense
from convmath.spec.graph import ARRIVING, Network, Node, arriving_channels
from convmath.spec.layer import Layer, Merge
from convmath.spec.local import LocallyConnected
from convmath.spec.merge import Concat
from convmath.spec.opaque import Opaque
from convmath.spec.passes import Passes, local_channels
from convmath.spec.pool import ChannelAvgPool, ChannelMaxPool
from convmath.spec.reshape import Flatten, Reshape, SliceChannels
from convmath.spec.shuffle import PixelShuffle, PixelUnshuffle
from convmath.spec.transpose import ConvTranspose
from convmath.spec.writing.names import counts_kind, counts_only

Ask = Callable[[int], Value]
"""Returns the channels that a producer of the network puts out, where its layers alone do not say."""


class Source:
    """Nodes one after the other: a network's, or those of one pass of a symbolic repeat.

    ``channels`` are those of each producer; where the layers do not say how many there
    are, they are a reserved symbol. ``use`` is the last node that takes the output of a
    node, ``shared`` the last one that uses its parameters. ``read`` tells that a file was
    read, which leaves names that count kinds to the reader.
    """

    def __init__(
        self,
        nodes: tuple[Node, ...],
        arriving: list[Value],
        reserved: Callable[[int], str],
        returned: tuple[int, ...],
        around: Source | None = None,
        ask: Ask | None = None,
        *,
        read: bool,
    ) -> None:
        self.read = read
        self.nodes, self.first, self.reserved, self.ask = nodes, len(arriving), reserved, ask
        self.channels = list(arriving)
        self.known: dict[str, Value] = dict(around.known) if around else {}
        self.known.update({reserved(at): each for at, each in enumerate(arriving)})
        self.use, self.shared = [-1] * len(nodes), [-1] * len(nodes)
        for at, node in enumerate(nodes):
            for producer in node.inputs:
                if producer >= self.first:
                    self.use[producer - self.first] = at
            if node.share is not None:
                self.shared[node.share] = at
            self._follow(at, node)
        for at in returned:
            self.use[at] = len(nodes)

    def _follow(self, at: int, node: Node) -> None:
        """Enter the channels that a node puts out."""
        name = self.reserved(self.first + at)
        found = channels_after(node.layer, [self.channels[each] for each in node.inputs])
        self.channels.append(symbol(name) if found is None else bind(found, self.known))
        self.known[name] = self.channels[-1]

    def resolved(self, value: Value) -> Value:
        """Return a value with the channels of all producers put in, as far as they are known."""
        return bind(value, self.known)

    def text(self, value: Value, producer: int) -> int | str:
        """Return a value as a file has it, at a layer at which *producer* arrives.

        Raises ``SpecError`` where it depends on channels that no expression there can name.
        """
        if not isinstance(value, Formula):
            return value  # type: ignore[return-value]
        own = self.reserved(producer)
        names = reserved_names(value)
        if names - {own}:
            value = self._foreign(value, names - {own})
            if isinstance(value, Formula) and (left := reserved_names(value) - {own}):
                where = min(left).removeprefix(ARRIVING)
                message = f"'{value}' depends on the channels of producer {where}, which cannot be named there"
                raise SpecError(Problem("unwritable", message, "bind the depth of the repeat with --set"))
        shown = bind(value, {own: symbol("in_channels")})
        return str(shown) if isinstance(shown, Formula) else shown  # type: ignore[return-value]

    def _foreign(self, value: Formula, names: frozenset[str]) -> Value:
        found = {name: self.known.get(name, symbol(name)) for name in names}
        for name, known in found.items():
            producer = name.removeprefix(ARRIVING)
            if isinstance(known, Formula) and reserved_names(known) and self.ask and producer.isdigit():
                found[name] = self.ask(int(producer))
        return value.bind(found)

    def counts(self, at: int) -> bool:
        """Tell whether the name of a node only counts, so that it may be another one in the file."""
        node = self.nodes[at]
        return counts_only(node.name) or (self.read and counts_kind(node.name, node.kind))

    def inside(self, layer: Passes) -> Source:
        """Return the nodes of one pass of a symbolic repeat."""
        name = partial(local_channels, layer.name)
        last = layer.out - 1
        if last != len(layer.nodes) - 1:
            message = f"{layer.name}: a pass hands on the output of layer {last}, which is not its last one"
            raise SpecError(Problem("unwritable", message))
        return Source(layer.nodes, [symbol(name(0))], name, (last,), self, read=self.read)


def whole(network: Network, ask: Ask) -> Source:
    """Return the nodes of a network."""
    arriving = [each.channels for each in network.inputs]
    read = network.document is not None
    return Source(network.nodes, arriving, arriving_channels, network.returned, None, ask, read=read)


def reserved_names(value: Formula) -> frozenset[str]:
    """Return the reserved symbols in a formula."""
    return frozenset(name for name in value.names if name.startswith(ARRIVING))


def channels_after(layer: Layer, arriving: list[Value]) -> Value | None:
    """Return the channels that a layer puts out, or None where sizes or passes decide."""
    match layer:
        case Conv() | ConvTranspose() | DeformableConv() | LocallyConnected():
            return layer.out_channels
        case Dense():
            return layer.out_features
        case Reshape():
            return layer.shape[0]
        case Opaque():
            return layer.output_shape[0]
        case SliceChannels(channels=(start, stop)):
            return stop - start
        case PixelShuffle():
            return ratio(arriving[0], product_of(layer.upscale_factor))
        case PixelUnshuffle():
            return arriving[0] * product_of(layer.downscale_factor)
        case ChannelAvgPool() | ChannelMaxPool():
            return 1
        case Glu():
            return ratio(arriving[0], 2)
        case Merge():
            return _joined(layer, arriving)
        case Flatten() | Passes():
            return None
    return arriving[0]


def _joined(layer: Merge, arriving: list[Value]) -> Value | None:
    """Return the channels of a join; where several maps have more than one, it is for the sizes to say which fit."""
    if isinstance(layer, Concat):
        return sum_of(arriving)
    wide = {each for each in arriving if each != 1} or {1}
    return next(iter(wide)) if len(wide) == 1 else None
