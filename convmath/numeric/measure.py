"""Measuring a network: its kernels run on arrays that count, or that carry what they have read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from convmath.errors import UsageError
from convmath.numeric.array import Shape
from convmath.numeric.counts import Counter, Counts
from convmath.numeric.execute import Step, check_bound, input_shape, walk
from convmath.numeric.misfit import show_shape
from convmath.numeric.traces import Reads, Spans, Trace
from convmath.numeric.weights import Weights, identified, shapeless
from convmath.spec.graph import Network

AnyTrace = TypeVar("AnyTrace", bound=Trace)


@dataclass(frozen=True, slots=True)
class LayerCosts:
    """What one layer was seen to put out, to read and to do; ``additions`` are those outside MACs."""

    name: str
    output_shape: Shape
    params: int
    buffers: int
    macs: int
    additions: int
    comparisons: int
    elementwise: int
    activations: int
    by_identity: bool
    """Whether the parameters were counted one by one, so that sharing was seen, or as whole arrays."""

    @property
    def flops(self) -> int:
        """Two per MAC, and all other operations."""
        return 2 * self.macs + self.additions + self.comparisons + self.elementwise


@dataclass(frozen=True, slots=True)
class NetworkCosts:
    """What a network was seen to do, layer by layer, and the most elements that were alive at once."""

    layers: tuple[LayerCosts, ...]
    peak_activations: int

    def total(self, quantity: str) -> int:
        """Return the sum of a quantity over all layers: ``total("macs")``."""
        return sum(getattr(each, quantity) for each in self.layers)


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """What the outputs of one layer read along one axis of an input of the network.

    One entry per position along that axis; for a vector, one per element. Where nothing
    is read, ``first`` is the input's size and ``last`` is -1. ``clean`` says for which
    outputs the window meets no padding at any level.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    clean: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ReadSets:
    """Exactly which indices the outputs of one layer read along one axis; bit n stands for index n."""

    masks: tuple[int, ...]
    clean: tuple[bool, ...]


def measure_costs(network: Network) -> NetworkCosts:
    """Return shapes, parameters, operations and activations, counted while the kernels run without data."""
    check_bound(network)
    counter = Counter()
    inputs = [Counts(input_shape(each), counter) for each in network.inputs]
    layers, peak, before = [], 0, Counter()
    for step in walk(network, inputs, lambda _: Weights(identified)):
        layers.append(_layer_costs(step, before, counter))
        before = Counter(counter.macs, counter.additions, counter.comparisons, counter.elementwise)
        peak = max(peak, step.alive)
    return NetworkCosts(tuple(layers), peak)


def _layer_costs(step: Step[Counts], before: Counter, after: Counter) -> LayerCosts:
    ledgers = [each.ledger for each in step.weights.parameters.values()]
    return LayerCosts(
        name=step.node.name,
        output_shape=step.output.shape,
        params=sum(each.newly_read() for each in ledgers),
        buffers=sum(each.ledger.newly_read() for each in step.weights.buffers.values()),
        macs=after.macs - before.macs,
        additions=after.additions - before.additions,
        comparisons=after.comparisons - before.comparisons,
        elementwise=after.elementwise - before.elementwise,
        activations=0 if step.is_view else step.output.size,
        by_identity=all(each.by_identity for each in ledgers),
    )


def measure_fields(network: Network, axis: int, source: int = 0) -> tuple[Field, ...]:
    """Return for every layer the least and greatest index that its outputs read along *axis* of an input.

    One pass over the network finds them for all outputs; *source* numbers the input.
    """
    lines = _trace(network, Spans, axis, source)
    return tuple(Field(first.astype(np.int64), last.astype(np.int64), ~padded) for first, last, padded in lines)


def measure_reads(network: Network, axis: int, source: int = 0) -> tuple[ReadSets, ...]:
    """Return for every layer exactly which indices its outputs read along *axis* of an input."""
    lines = _trace(network, Reads, axis, source)
    return tuple(ReadSets(tuple(masks.tolist()), tuple((~padded).tolist())) for masks, padded in lines)


def _trace(network: Network, kind: type[AnyTrace], axis: int, source: int) -> list[tuple[NDArray[Any], ...]]:
    check_bound(network)
    shapes = [input_shape(each) for each in network.inputs]
    if not 0 <= axis < len(shapes[source]) - 1:
        raise UsageError(
            f"axis {axis} does not exist: the input is {show_shape(shapes[source])}, and axis 0 follows its channels"
        )
    followed = kind.of(shapes[source], axis)
    inputs = [followed if at == source else followed.unread(shape) for at, shape in enumerate(shapes)]
    return [step.output.line() for step in walk(network, inputs, lambda _: Weights(shapeless))]
