"""Running a network: graph order, each array let go after its last use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convmath.errors import Problem, SpecError, UsageError
from convmath.formula import Formula, Value
from convmath.numeric import (
    activation,
    conv,
    deformable,
    dense,
    local,
    merge,
    norm,
    opaque,
    pool,
    reshape,
    shuffle,
    transpose,
    upsample,
)
from convmath.numeric.array import Array, Shape
from convmath.numeric.in_spec import InSpec
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit, show_shape
from convmath.numeric.values import Values
from convmath.numeric.weights import Numbers, Weights, as_numbers
from convmath.spec.fields import check_number
from convmath.spec.graph import Input, Network, Node, arriving_channels
from convmath.spec.layer import Layer

KERNEL_MODULES = (
    activation,
    conv,
    deformable,
    dense,
    local,
    merge,
    norm,
    opaque,
    pool,
    reshape,
    shuffle,
    transpose,
    upsample,
)
"""Where the kernels are; importing them fills the table."""

AnyArray = TypeVar("AnyArray", bound=Array)
Given: TypeAlias = Mapping[str, Mapping[str, ArrayLike]]
Inputs: TypeAlias = ArrayLike | Mapping[str, ArrayLike]


def run(
    network: Network, inputs: Inputs, weights: Given | None = None, seed: int = 0
) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Return what the network makes of *inputs*: an array, or with ``outputs`` in the spec one for each name.

    *inputs* is an array, channels first and without a batch, or a mapping from the
    network's input names to arrays. *weights* maps names of layers to their arrays, by
    PyTorch's names and in its layouts: ``{"conv1": {"weight": …, "bias": …}}``. Layers
    without any have those that came with the model, and what is left is filled from
    *seed*, the same way in every run. Integers stay integers, and exact, wherever layers
    leave them whole.

    Raises ``SpecError`` where the network has unbound symbols, an array has the wrong
    shape, or a layer does not fit what arrives.
    """
    wanted = [network.nodes[at].name for at in network.outputs]
    found: dict[str, NDArray[Any]] = {}
    for step in steps(network, inputs, weights, seed):
        if step.node.name in wanted:
            found[step.node.name] = step.output.numbers
        del step
    return {name: found[name] for name in wanted} if network.returned else found.popitem()[1]


def run_layers(
    network: Network, inputs: Inputs, weights: Given | None = None, seed: int = 0
) -> dict[str, NDArray[Any]]:
    """Return what every layer puts out, by the layers' names; otherwise as :func:`run`."""
    return {step.node.name: step.output.numbers for step in steps(network, inputs, weights, seed)}


def steps(network: Network, inputs: Inputs, weights: Given | None = None, seed: int = 0) -> Iterator[Step[Values]]:
    """Yield every layer that has run on values; otherwise as :func:`run`."""
    arrays = [Values(each) for each in _arranged(network, inputs)]
    given = weights or {}
    held = {node.name: network.weights.get(node.name, {}) for node in network.nodes}
    unknown = sorted(given.keys() - {node.name for node in network.nodes})
    if unknown:
        near = get_close_matches(unknown[0], [node.name for node in network.nodes], 1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise UsageError(f"weights are given for '{unknown[0]}', but no layer has this name{hint}")
    if seed < 0:
        raise UsageError(f"the seed is {seed}, but must be 0 or more")
    single = all(each.numbers.dtype == np.float32 for each in arrays)
    dtype = np.float32 if single else np.float64

    def weights_of(node: Node) -> Weights:
        own = given.get(node.name, held[node.name])
        return Weights(Numbers(node.name, own, seed, dtype, InSpec(node.layer)))

    for step in walk(network, arrays, weights_of):
        _check_names(network, step, given.get(step.node.name, {}))
        yield step
        del step


def _arranged(network: Network, inputs: Inputs) -> list[NDArray[Any]]:
    """Return the inputs in the network's order, as numbers of the right shapes."""
    check_bound(network)
    given = by_name(network, inputs)
    return [_input_numbers(each, given[each.name]) for each in network.inputs]


def by_name(network: Network, inputs: Inputs) -> Mapping[str, ArrayLike]:
    """Return the inputs by their names; raises ``UsageError`` where they are not those of the network."""
    names = [each.name for each in network.inputs]
    if not isinstance(inputs, Mapping):
        if len(network.inputs) > 1:
            raise UsageError(f"the network has the inputs {', '.join(names)}: give a mapping from names to arrays")
        inputs = {names[0]: inputs}
    if {*inputs} != {*names}:
        raise UsageError(f"inputs are given for {', '.join(map(str, inputs))}; the network has {', '.join(names)}")
    return inputs


def _input_numbers(wanted: Input, raw: ArrayLike) -> NDArray[Any]:
    try:
        array = as_numbers(raw, f"the input '{wanted.name}'")
    except Misfit as misfit:
        raise SpecError(Problem(misfit.code, str(misfit))) from None
    shape = input_shape(wanted)
    if array.shape != shape:
        shapes = f"{show_shape(shape)}, but the one given has {show_shape(array.shape)}"
        message = f"the input '{wanted.name}' must have the shape {shapes}"
        raise SpecError(Problem("bad-input", message, "give channels first, and no batch"))
    return array


def _check_names(network: Network, step: Step[Values], given: Mapping[str, ArrayLike]) -> None:
    known = [*step.weights.parameters, *step.weights.buffers]
    own = given or getattr(step.layer, "weight", None) is not None
    if own and step.node.share is not None:
        owner = network.nodes[step.node.share].name
        raise network.refuse(step.node, "bad-weights", f"weights are given, but it uses those of '{owner}'")
    for name in given:
        if name not in known:
            message = f"'{name}' is given, but the layer has {', '.join(known) or 'no parameters'}"
            raise network.refuse(step.node, "bad-weights", message)


@dataclass(frozen=True, slots=True)
class Step(Generic[AnyArray]):
    """One layer that has run: what went in, what came out, and how many elements are alive."""

    node: Node
    layer: Layer
    inputs: tuple[AnyArray, ...]
    output: AnyArray
    weights: Weights
    alive: int

    @property
    def is_view(self) -> bool:
        """Whether the output lies in the memory of an input."""
        return any(self.output.memory is each.memory for each in self.inputs)


@dataclass(slots=True)
class Held(Generic[AnyArray]):
    """The arrays that are alive, by producer, and when each is needed for the last time."""

    last_use: Mapping[int, int]
    arrays: dict[int, AnyArray] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    """The elements of each piece of memory, by its identity; it is alive while an array keeps it."""
    users: dict[int, int] = field(default_factory=dict)
    alive: int = 0

    def hold(self, producer: int, array: AnyArray) -> None:
        """Keep an array; its memory counts once, however many views there are."""
        self.arrays[producer] = array
        key = id(array.memory)
        self.users[key] = self.users.get(key, 0) + 1
        if self.users[key] == 1:
            self.sizes[key] = array.size
            self.alive += array.size

    def release(self, producers: Sequence[int], now: int) -> None:
        """Let go of the arrays among *producers* that nobody needs after the step *now*."""
        for producer in dict.fromkeys(producers):
            if self.last_use.get(producer, -1) <= now:
                key = id(self.arrays.pop(producer).memory)
                self.users[key] -= 1
                if not self.users[key]:
                    del self.users[key]
                    self.alive -= self.sizes.pop(key)


def walk(
    network: Network, inputs: Sequence[AnyArray], weights_of: Callable[[Node], Weights]
) -> Iterator[Step[AnyArray]]:
    """Run the kernels of a bound network on arrays of any kind, and yield each step.

    Who keeps no step keeps no array longer than the network needs it.
    """
    check_bound(network)
    first = len(inputs)
    ends = {first + output: len(network.nodes) for output in network.outputs}
    last_use = {producer: at for at, node in enumerate(network.nodes) for producer in node.inputs} | ends
    held: Held[AnyArray] = Held(last_use)
    channels: dict[str, Value] = {}
    for producer, array in enumerate(inputs):
        held.hold(producer, array)
        channels[arriving_channels(producer)] = array.shape[0]
    owners = {node.share for node in network.nodes if node.share is not None}
    shared: dict[int, Weights] = {}
    for at, node in enumerate(network.nodes):
        layer = _numeric(network, node, node.resolved(channels))
        weights = weights_of(node) if node.share is None else shared[node.share]
        if at in owners:
            shared[at] = weights
        arriving = tuple(held.arrays[producer] for producer in node.inputs)
        output = _execute(network, node, layer, weights, arriving)
        held.hold(first + at, output)
        channels[arriving_channels(first + at)] = output.shape[0]
        yield Step(node, layer, arriving, output, weights, held.alive)
        del arriving, output, weights
        held.release((*node.inputs, first + at), at)


def _execute(network: Network, node: Node, layer: Layer, weights: Weights, arriving: tuple[AnyArray, ...]) -> AnyArray:
    shapes = ", ".join(show_shape(each.shape) for each in arriving)
    try:
        output: AnyArray = kernel[type(layer)](layer, weights, *arriving)
    except Misfit as misfit:
        raise network.refuse(node, misfit.code, f"{misfit}, at input {shapes}", misfit.help) from None
    except MemoryError:
        raise network.refuse(node, "no-memory", f"it does not fit into memory, at input {shapes}") from None
    return output


def _numeric(network: Network, node: Node, layer: Layer) -> Layer:
    """Return the layer if all its sizes are integers within their ranges."""
    for name, held, minimum in layer.sizes():
        wrong = f"is {held}, which is no number" if isinstance(held, Formula) else check_number(held, minimum)
        if wrong:
            raise network.refuse(node, "bad-size", f"{name} {wrong}")
    return layer


def check_bound(network: Network) -> None:
    """Refuse a network that has symbols left."""
    names = [each.name for each in network.symbols]
    if names:
        message = f"the network cannot run while symbols have no value: {', '.join(names)}"
        raise SpecError(Problem("unbound", message, f"bind them: network.bind({{'{names[0]}': 32}})"))
    for each in network.inputs:
        if any(isinstance(size, Formula) for size in each.shape):
            raise SpecError(
                Problem("unbound", f"the input '{each.name}' has the shape {each.shape}, which are no numbers")
            )


def input_shape(each: Input) -> Shape:
    """Return the shape of an input of a bound network."""
    return tuple(map(whole, each.shape))
