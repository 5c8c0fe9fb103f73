"""Pictures of networks: windows, weights, receptive fields, graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convmath import limits as limits_module
from convmath.api.running import affordable, at_numbers, indices, layer_called
from convmath.errors import UsageError
from convmath.limits import Limits
from convmath.render.shown import Drawing
from convmath.spec.graph import Network, Node

if TYPE_CHECKING:
    from convmath.numeric.execute import Step
    from convmath.numeric.values import Values

WINDOWS = frozenset(("kernel_size", "output_size"))
"""A layer with one of these fields slides a window."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to see of a network."""

    network: Network
    layer: str | None
    at: tuple[int, ...] | None
    axis: int
    inputs: Any
    weights: Any
    animate: bool
    everything: bool
    seed: int
    limits: Limits


def draw(
    network: Network,
    what: str,
    *,
    layer: str | None = None,
    at: Sequence[int] | None = None,
    axis: int = 0,
    inputs: Any = None,
    weights: Any = None,
    animate: bool = False,
    everything: bool = False,
    seed: int = 0,
    limits: Limits = limits_module.DEFAULT,
) -> Drawing:
    """Draw *network*, or one of its layers, as SVG.

    *what* is ``arithmetic`` (the sliding window of a layer), ``weights`` (a layer as a
    matrix), ``receptive-field`` (all that one output reads) or ``network``. *layer* is
    the first that has such a picture, or the last for a receptive field. *at* is the
    element or position shown, *axis* that of the receptive field; *inputs* and *weights*
    are numbers to be shown, *animate* moves the window, and *everything* shows activations
    and norms of a network as boxes of their own.

    Raises ``UsageError`` for a picture, a layer or an element that there is not,
    ``SpecError`` for symbols without a value, ``LimitError`` for what is too large to be seen.
    """
    if what not in WHAT:
        raise UsageError(f"there is no picture '{what}'; there are {', '.join(WHAT)}")
    place = None if at is None else tuple(at)
    return Drawing(WHAT[what](Wish(network, layer, place, axis, inputs, weights, animate, everything, seed, limits)))


def _arithmetic(wish: Wish) -> str:
    from convmath.numeric.pictured import windows
    from convmath.render.drawings.windows import draw as drawn

    step, bound = _step(wish, lambda node: not WINDOWS.isdisjoint(type(node.layer).declared) or node.kind == "dense")
    chosen = None if wish.at is None else indices(wish.at, step.output.shape, step.node.name)[0]
    numbers = wish.inputs is not None
    picture = windows(step, bound.name, chosen, numbers=numbers, weights=_known(step, wish))
    return drawn(picture, animate=wish.animate)


def _weights(wish: Wish) -> str:
    from convmath.numeric.pictured import weight_matrix
    from convmath.render.drawings.weights import draw as drawn

    step, bound = _step(wish, lambda node: "bias" in type(node.layer).declared)
    return drawn(weight_matrix(step, bound.name, known=_known(step, wish) and bool(step.weights.parameters)))


def _known(step: Step[Values], wish: Wish) -> bool:
    """Tell whether the weights of a layer are somebody's own, or there are none."""
    given = getattr(step.layer, "weight", None) is not None or step.node.name in (wish.weights or {})
    return given or not step.weights.parameters


def _step(wish: Wish, suits: Callable[[Node], bool]) -> tuple[Step[Values], Network]:
    """Return the layer that is asked for, or the first that suits, after it has run; on zeros without an input."""
    import numpy as np

    from convmath.numeric import execute

    inputs = wish.inputs
    if inputs is None:
        bound = at_numbers(wish.network, {})
        affordable(bound, {}, wish.limits)
        inputs = {each.name: np.zeros(execute.input_shape(each), np.int64) for each in bound.inputs}
    else:
        bound = affordable(wish.network, inputs, wish.limits)
    layer = layer_called(bound, wish.layer)
    for step in execute.steps(bound, inputs, wish.weights, wish.seed):
        if step.node.name == layer or (layer is None and suits(step.node)):
            return step, bound
    raise UsageError("no layer of this network has such a picture")


def _receptive_field(wish: Wish) -> str:
    from convmath.numeric.cone import cone
    from convmath.render.drawings.cone import draw as drawn

    bound = at_numbers(wish.network, {})
    layer = layer_called(bound, wish.layer)
    if wish.at is not None and len(wish.at) != 1:
        raise UsageError("a receptive field is drawn along one axis: write one position, as in --at 3")
    rank = len(bound.inputs[0].shape) - 1
    return drawn(cone(bound, wish.axis, layer, wish.at[0] if wish.at else None), rank)


def _network(wish: Wish) -> str:
    from convmath.render.drawings.network import draw as drawn
    from convmath.symbolic.compose import derive

    # Numbers are shorter than formulas, and fit into boxes.
    defaults = wish.network.defaults
    shown = wish.network if defaults is None else wish.network.bind(defaults)
    return drawn(derive(shown), every=wish.everything)


WHAT: dict[str, Callable[[Wish], str]] = {
    "arithmetic": _arithmetic,
    "weights": _weights,
    "receptive-field": _receptive_field,
    "network": _network,
}
"""Every picture by its name."""
