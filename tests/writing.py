"""Networks that are written and read again, and what must be equal then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from convmath.api import load_bytes, to_spec
from convmath.errors import SpecError
from convmath.formula import Value
from convmath.spec.fields import Amount, PerAxis, Reach, Size, Sizes
from convmath.spec.graph import Network, arriving_channels
from convmath.spec.kinds import field_kinds
from convmath.spec.layer import Layer
from convmath.spec.merge import Add, Multiply
from convmath.symbolic.compose import derive

SIZES = (Size, PerAxis, Sizes, Reach, Amount)
MAY_DIFFER = {"name", "kind", "inputs", "repeat", "path", "receptive_field_layer", "peak_layer", "output_shape"}
"""What a report says of layers by their names, which are those of copies inside a repeat."""


def read_again(network: Network, form: str = "yaml") -> Network:
    """Return what the written file says."""
    return load_bytes(to_spec(network, form).encode(), f"written.{form}")


def _facts(record: Any) -> dict[str, Any]:
    return {each.name: getattr(record, each.name) for each in fields(record) if each.name not in MAY_DIFFER}


def _said(layer: Layer) -> dict[str, Any]:
    """Return the fields that are no sizes: those may be written in another way, and are derived."""
    kinds = field_kinds(type(layer))
    return {name: getattr(layer, name) for name, kind in kinds.items() if not isinstance(kind, SIZES)}


def _channels(network: Network, shapes: Iterable[tuple[Value, ...]]) -> dict[str, Value]:
    every = [*(each.shape for each in network.inputs), *shapes]
    return {arriving_channels(at): shape[0] for at, shape in enumerate(every)}


def assert_same_graph(network: Network, back: Network) -> None:
    """Hold every node against its counterpart at the same place: what it takes, whose parameters it uses."""
    assert len(back.nodes) == len(network.nodes)
    for node, other in zip(network.nodes, back.nodes, strict=True):
        either = isinstance(node.layer, Add | Multiply) and len(node.inputs) == 2
        order = sorted if either else tuple
        assert type(node.layer) is type(other.layer), (node, other)
        assert _said(node.layer) == _said(other.layer), (node, other)
        assert order(node.inputs) == order(other.inputs), (node, other)
        assert node.share == other.share or isinstance(node.layer, Add | Multiply), (node, other)
    assert back.outputs == network.outputs
    assert back.inputs == network.inputs
    assert {*back.symbols} <= {*network.symbols}


def assert_same(network: Network, back: Network) -> None:
    """Hold the graphs and every quantity against one another, layer by layer, formulas included."""
    assert_same_graph(network, back)
    try:
        ours = derive(network)
    except SpecError:
        return
    theirs = derive(back)
    one, two = (
        _channels(net, (each.output_shape for each in found.layers)) for net, found in ((network, ours), (back, theirs))
    )
    for node, again in zip(network.nodes, back.nodes, strict=True):
        assert node.resolved(one) == again.resolved(two), (node, again)
    for one, other in zip(ours.layers, theirs.layers, strict=True):
        assert _facts(one) == _facts(other), (one.name, other.name)
        assert one.output_shape == other.output_shape, (one.name, other.name)
    assert _facts(ours.totals) == _facts(theirs.totals)
