"""Layers that exporters write as several nodes, put together again: SiLU, hard swish, GELU, a bias behind its layer.

Each pattern ends in the node that takes its place, and is only taken where nothing else
uses what stands inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import isclose, sqrt
from typing import Any

from convmath.importers.function import Function
from convmath.importers.sketch import Draft, renumbered
from convmath.importers.tensor import Constant
from convmath.spec.activation import (
    Gelu,
    HardSigmoid,
    HardSwish,
    LogSigmoid,
    Mish,
    Relu6,
    Rescaling,
    Sigmoid,
    Silu,
    Softplus,
    Tanh,
)
from convmath.spec.conv import Conv
from convmath.spec.dense import Dense
from convmath.spec.layer import Layer
from convmath.spec.merge import Divide, Multiply, Subtract
from convmath.spec.norm import Bias, GroupNorm, InstanceNorm, LayerNorm, Scale
from convmath.spec.pool import ChannelAvgPool
from convmath.spec.reshape import Reshape
from convmath.spec.shuffle import ChannelShuffle
from convmath.spec.transpose import ConvTranspose
from convmath.symbolic.facts import Shape

STEEP = HardSigmoid(alpha=1 / 6, beta=0.5)
"""The hard sigmoid of MobileNetV3, which makes a hard swish."""


def recognised(
    drafts: Sequence[Draft], inputs: Sequence[Shape], ends: tuple[int, ...]
) -> tuple[list[Draft], tuple[int, ...]]:
    """Return the nodes with every pattern put together; the producers are the *inputs* of the network, and then they.

    *ends* are the nodes that the network puts out; they are returned as they are then numbered.
    """
    rewriting = _Rewriting(list(drafts), inputs, ends)
    for at in range(len(drafts)):
        for pattern in PATTERNS:
            if pattern(rewriting, at):
                break
    return rewriting.rest()


@dataclass(slots=True)
class _Rewriting:
    drafts: list[Draft]
    inputs: Sequence[Shape]
    ends: tuple[int, ...]
    uses: dict[int, int] = field(default_factory=dict)
    owners: set[int] = field(default_factory=set)
    """The nodes whose weights others use as well."""
    gone: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.owners = {draft.node.share for draft in self.drafts if draft.node.share is not None}
        for draft in self.drafts:
            for producer in draft.node.inputs:
                self.uses[producer] = self.uses.get(producer, 0) + 1
        for end in self.ends:
            self.uses[self.first + end] = self.uses.get(self.first + end, 0) + 1

    @property
    def first(self) -> int:
        """The number of the first node among the producers."""
        return len(self.inputs)

    def shape(self, producer: int) -> Shape:
        """Return the shape of a map."""
        return self.drafts[producer - self.first].shape if producer >= self.first else self.inputs[producer]

    def layer(self, producer: int) -> Layer | None:
        """Return the layer that puts out *producer*; None for an input of the network."""
        return self.drafts[producer - self.first].node.layer if producer >= self.first else None

    def arriving(self, producer: int) -> tuple[int, ...]:
        """Return what arrives at the layer that puts out *producer*."""
        return self.drafts[producer - self.first].node.inputs

    def closed(self, inside: set[int], at: int) -> bool:
        """Tell whether what *inside* puts out is used within it, and by the node *at*, alone."""
        readers = [*self.drafts[at].node.inputs, *chain.from_iterable(map(self.arriving, inside))]
        return all(self.uses[each] == readers.count(each) for each in inside)

    def inner(self, producer: int, kind: type[Layer]) -> int | None:
        """Return what arrives at the layer of *kind* that puts out *producer*, if one use only is made of it."""
        if type(self.layer(producer)) is not kind or self.uses[producer] != 1:
            return None
        [arriving] = self.drafts[producer - self.first].node.inputs
        return arriving

    def rescaled(self, producer: int, scale: float, offset: float) -> int | None:
        """Return what arrives at the rescaling by these numbers that puts out *producer*, if it is one."""
        layer = self.layer(producer)
        if not isinstance(layer, Rescaling) or not _near(layer.scale, scale) or not _near(layer.offset, offset):
            return None
        return self.inner(producer, Rescaling)

    def put(self, at: int, layer: Layer, source: int, parts: Sequence[int]) -> bool:
        """Write *layer* on *source* in the place of node *at*; *parts* are gone with it. Returns True."""
        node = self.drafts[at].node
        for producer in parts:
            self.gone.add(producer - self.first)
        for producer in node.inputs:
            self.uses[producer] -= 1
        for part in parts:
            for producer in self.drafts[part - self.first].node.inputs:
                self.uses[producer] -= 1
        self.uses[source] = self.uses.get(source, 0) + 1
        self.drafts[at] = replace(self.drafts[at], node=replace(node, layer=layer, inputs=(source,), kind=layer.kind))
        return True

    def rest(self) -> tuple[list[Draft], tuple[int, ...]]:
        """Return what is left, numbered anew."""
        moved = {at: at for at in range(self.first)}
        places: dict[int, int] = {}
        kept: list[Draft] = []
        for at, draft in enumerate(self.drafts):
            if at in self.gone:
                continue
            places[at] = len(kept)
            moved[self.first + at] = self.first + len(kept)
            kept.append(replace(draft, node=renumbered(draft.node, moved, places)))
        return kept, tuple(places[end] for end in self.ends)


def _near(one: float, two: float) -> bool:
    """Tell whether two numbers are equal as far as single precision tells, in which models hold them."""
    return isclose(one, two, rel_tol=1e-6, abs_tol=1e-9)


def _product(rewriting: _Rewriting, at: int) -> Iterator[tuple[int, int]]:
    """Yield the two maps that a product multiplies, in either order."""
    node = rewriting.drafts[at].node
    if isinstance(node.layer, Multiply) and len(node.inputs) == 2:
        left, right = node.inputs
        yield left, right
        yield right, left


def _gated(rewriting: _Rewriting, at: int) -> bool:
    """Put together a map times a function of itself: SiLU, hard swish, Mish."""
    for x, gate in _product(rewriting, at):
        for plain, made in ((Sigmoid(), Silu()), (STEEP, HardSwish())):
            if rewriting.layer(gate) == plain and rewriting.inner(gate, type(plain)) == x:
                return rewriting.put(at, made, x, [gate])
        soft = rewriting.inner(gate, Tanh)
        if soft is not None and rewriting.layer(soft) == Softplus(beta=1.0) and rewriting.inner(soft, Softplus) == x:
            return rewriting.put(at, Mish(), x, [gate, soft])
    return False


def _hard_sigmoid(rewriting: _Rewriting, at: int) -> bool:
    """Put together ``relu6(x + 3) / 6``, before it gates anything."""
    layer = rewriting.drafts[at].node.layer
    if not isinstance(layer, Rescaling) or not _near(layer.scale, 1 / 6) or layer.offset != 0:
        return False
    [clipped] = rewriting.drafts[at].node.inputs
    shifted = rewriting.inner(clipped, Relu6)
    x = None if shifted is None else rewriting.rescaled(shifted, 1.0, 3.0)
    return x is not None and shifted is not None and rewriting.put(at, STEEP, x, [clipped, shifted])


def _hard_swish(rewriting: _Rewriting, at: int) -> bool:
    """Put together ``x * relu6(x + 3) / 6``, the division last."""
    layer = rewriting.drafts[at].node.layer
    if not isinstance(layer, Rescaling) or not _near(layer.scale, 1 / 6) or layer.offset != 0:
        return False
    [product] = rewriting.drafts[at].node.inputs
    if product < rewriting.first or rewriting.uses[product] != 1:
        return False
    for x, clipped in _product(rewriting, product - rewriting.first):
        shifted = rewriting.inner(clipped, Relu6)
        if shifted is not None and rewriting.rescaled(shifted, 1.0, 3.0) == x:
            return rewriting.put(at, HardSwish(), x, [product, clipped, shifted])
    return False


def _gelu(rewriting: _Rewriting, at: int) -> bool:
    """Put together ``x * (1 + erf(x/sqrt(2))) / 2``, the half at the end, or with x before the product."""
    layer, node = rewriting.drafts[at].node.layer, rewriting.drafts[at].node
    if isinstance(layer, Rescaling) and _near(layer.scale, 0.5) and layer.offset == 0:
        [product] = node.inputs
        if product < rewriting.first or rewriting.uses[product] != 1:
            return False
        for x, gate in _product(rewriting, product - rewriting.first):
            parts = _erf(rewriting, gate, x)
            if parts:
                return rewriting.put(at, Gelu(approximate="none"), x, [product, *parts])
    for half, gate in _product(rewriting, at):
        whole = rewriting.rescaled(half, 0.5, 0.0)
        parts = None if whole is None else _erf(rewriting, gate, whole)
        if parts and whole is not None:
            return rewriting.put(at, Gelu(approximate="none"), whole, [half, *parts])
    return False


def _erf(rewriting: _Rewriting, gate: int, x: int) -> list[int] | None:
    """Return the nodes of ``1 + erf(x/sqrt(2))``, if *gate* is that."""
    error = rewriting.rescaled(gate, 1.0, 1.0)
    if error is None or rewriting.layer(error) != Function(word="erf"):
        return None
    scaled = rewriting.inner(error, Function)
    if scaled is None or rewriting.rescaled(scaled, 1 / sqrt(2), 0.0) != x:
        return None
    return [gate, error, scaled]


def _biased(rewriting: _Rewriting, at: int) -> bool:
    """Put a bias into the layer that it stands behind."""
    draft = rewriting.drafts[at]
    if not isinstance(draft.node.layer, Bias):
        return False
    [before] = draft.node.inputs
    owner = rewriting.drafts[before - rewriting.first] if before >= rewriting.first else None
    if owner is None or rewriting.uses[before] != 1 or not isinstance(owner.node.layer, Conv | Dense | ConvTranspose):
        return False
    shared = {owner.node.share, draft.node.share} != {None} or rewriting.owners & {at, before - rewriting.first}
    if owner.node.layer.bias or shared:
        return False
    rewriting.gone.add(before - rewriting.first)
    node = replace(owner.node, layer=replace(owner.node.layer, bias=True))
    rewriting.drafts[at] = replace(draft, node=node, given={**owner.given, **draft.given})
    return True


def _unshuffled(rewriting: _Rewriting, at: int) -> bool:
    """Put the order of a vector's elements, as maps of channels last have it, into the weights that read them."""
    draft = rewriting.drafts[at]
    if not isinstance(draft.node.layer, Dense) or draft.node.share is not None or at in rewriting.owners:
        return False
    [order] = draft.node.inputs
    shuffle, vector = rewriting.layer(order), rewriting.inner(order, ChannelShuffle)
    weight = draft.given.get("weight")
    if vector is None or weight is None or not isinstance(shuffle, ChannelShuffle):
        return False
    groups = shuffle.groups
    if not isinstance(groups, int) or rewriting.drafts[order - rewriting.first].shape.sizes:
        return False
    outputs, inputs = weight.shape

    def arranged(array: Any) -> Any:
        return array.reshape(outputs, inputs // groups, groups).swapaxes(1, 2).reshape(outputs, inputs)

    rewriting.drafts[at] = replace(draft, given={**draft.given, "weight": weight.arranged(weight.shape, arranged)})
    return rewriting.put(at, draft.node.layer, vector, [order])


def _grouped(rewriting: _Rewriting, at: int) -> bool:
    """Put together a norm of groups: channels written as groups, each normalised, and written back."""
    back = rewriting.drafts[at]
    if not isinstance(back.node.layer, Reshape):
        return False
    [normed] = back.node.inputs
    written = rewriting.inner(normed, InstanceNorm)
    x = None if written is None else rewriting.inner(written, Reshape)
    if written is None or x is None:
        return False
    norm, parts = rewriting.drafts[normed - rewriting.first], rewriting.drafts[written - rewriting.first].shape
    if rewriting.shape(x) != back.shape or len(parts.sizes) != 1:
        return False
    layer, groups = norm.node.layer, parts.channels
    plain = not norm.given or (_filled(norm.given["weight"], 1.0) and _filled(norm.given["bias"], 0.0))
    if not isinstance(layer, InstanceNorm) or not isinstance(groups, int) or not plain:
        return False
    if not isinstance(back.shape.channels, int) or back.shape.channels % groups:
        return False
    if norm.node.share is not None or normed - rewriting.first in rewriting.owners:
        return False
    made = GroupNorm(num_groups=groups, affine=False, eps=layer.eps)
    return rewriting.put(at, made, x, [normed, written])


def _filled(held: Constant, number: float) -> bool:
    return held.made == number or (held.values is not None and all(each == number for each in held.values))


def _affine(rewriting: _Rewriting, at: int) -> bool:
    """Put a factor and a bias for each channel into the norm that they stand behind."""
    draft = rewriting.drafts[at]
    if not isinstance(draft.node.layer, Bias):
        return False
    [scaled] = draft.node.inputs
    normed = rewriting.inner(scaled, Scale) if rewriting.layer(scaled) == Scale(single=False) else None
    layer = None if normed is None else rewriting.layer(normed)
    if normed is None or not isinstance(layer, GroupNorm | LayerNorm | InstanceNorm) or layer.affine:
        return False
    x = rewriting.inner(normed, type(layer))
    scale = rewriting.drafts[scaled - rewriting.first]
    whole = isinstance(layer, LayerNorm) and layer.over == "all" and draft.shape.sizes
    shared = {draft.node.share, scale.node.share} != {None} or rewriting.owners & {at, scaled - rewriting.first}
    if x is None or whole or shared:
        return False
    rewriting.drafts[at] = replace(draft, given={**scale.given, **draft.given})
    return rewriting.put(at, replace(layer, affine=True), x, [scaled, normed])


def _centred(rewriting: _Rewriting, at: int) -> bool:
    """Put together ``(x - mean) / sqrt(variance + eps)``, both over the channels: the norm that ConvNeXt writes out."""
    for difference, deviation, word in _quotient(rewriting, at):
        if rewriting.layer(deviation) != Function(word=word):
            continue
        [total] = rewriting.arriving(deviation)
        added = rewriting.layer(total)
        if not isinstance(added, Rescaling) or added.scale != 1 or added.offset <= 0:
            continue
        [variance] = rewriting.arriving(total)
        square = rewriting.arriving(variance)[0] if isinstance(rewriting.layer(variance), ChannelAvgPool) else -1
        factors = rewriting.arriving(square) if isinstance(rewriting.layer(square), Multiply) else ()
        whole = [_less(rewriting, each) for each in {difference, *factors}]
        sources = {each[0] for each in whole if each}
        if len(factors) != 2 or len({*factors}) != 1 or None in whole or len(sources) != 1:
            continue
        inside = {deviation, total, variance, square, difference, *factors, *(each[1] for each in whole if each)}
        if rewriting.closed(inside, at):
            norm = LayerNorm(over="channels", affine=False, eps=added.offset)
            return rewriting.put(at, norm, sources.pop(), sorted(inside))
    return False


def _quotient(rewriting: _Rewriting, at: int) -> Iterator[tuple[int, int, str]]:
    """Yield what a node divides, what by, and how that ends: in a root, or in the inverse of one to multiply with."""
    node = rewriting.drafts[at].node
    if isinstance(node.layer, Divide):
        yield node.inputs[0], node.inputs[1], "sqrt"
    for left, right in _product(rewriting, at):
        yield left, right, "rsqrt"


def _less(rewriting: _Rewriting, producer: int) -> tuple[int, int] | None:
    """Return a map and its mean over the channels, if *producer* is their difference."""
    if not isinstance(rewriting.layer(producer), Subtract):
        return None
    x, mean = rewriting.arriving(producer)
    over = isinstance(rewriting.layer(mean), ChannelAvgPool) and rewriting.arriving(mean) == (x,)
    return (x, mean) if over else None


def _log_sigmoid(rewriting: _Rewriting, at: int) -> bool:
    """Put together the logarithm of a sigmoid."""
    node = rewriting.drafts[at].node
    if node.layer != Function(word="log"):
        return False
    [gate] = node.inputs
    x = rewriting.inner(gate, Sigmoid)
    return x is not None and rewriting.put(at, LogSigmoid(), x, [gate])


def _unread(rewriting: _Rewriting, at: int) -> bool:
    """Leave out reshapes that nobody reads, because what stood behind them became one layer."""
    node, producer = rewriting.drafts[at].node, rewriting.first + at
    if rewriting.uses.get(producer, 0) or not isinstance(node.layer, Reshape):
        return False
    while producer >= rewriting.first and not rewriting.uses.get(producer, 0):
        if not isinstance(rewriting.layer(producer), Reshape):
            break
        rewriting.gone.add(producer - rewriting.first)
        [producer] = rewriting.drafts[producer - rewriting.first].node.inputs
        rewriting.uses[producer] -= 1
    return True


PATTERNS: tuple[Callable[[_Rewriting, int], bool], ...] = (
    _unread,
    _log_sigmoid,
    _hard_sigmoid,
    _gated,
    _hard_swish,
    _gelu,
    _biased,
    _unshuffled,
    _grouped,
    _centred,
    _affine,
)
