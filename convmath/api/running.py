"""Running networks on somebody's own numbers: sizes from the input, sums written out, pictures of what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convmath import limits as limits_module
from convmath.errors import LimitError, Problem, SpecError, UsageError, inert
from convmath.formula import Formula, bind
from convmath.limits import Limits
from convmath.numeric.misfit import show_shape
from convmath.render.shown import Shown
from convmath.spec.graph import Input, Network

if TYPE_CHECKING:
    from convmath.numeric.execute import Step
    from convmath.numeric.values import Values
    from convmath.seen import WorkedLayer

Index = tuple[int, ...]

MOST_SHOWN = 16
"""So many elements of every layer are written out, unless more are asked for."""
MOST_ELEMENTS = 10_000
"""More are never written out."""


def run(
    network: Network,
    inputs: Any,
    weights: Any = None,
    *,
    layer: str | None = None,
    seed: int = 0,
    limits: Limits = limits_module.DEFAULT,
) -> Any:
    """Execute *network* on an array, channels first and without a batch; return the output array, or that of *layer*.

    A network with several inputs takes a mapping from their names to arrays; one with
    several outputs returns such a mapping.

    *weights* maps layer names to arrays by PyTorch's names and layouts,
    ``{"conv1": {"weight": …, "bias": …}}``; what is given neither there nor in the spec is
    filled from *seed*. Symbols in the input's shape take the sizes of the array, all
    others their defaults. Integers stay integers, and exact.

    Raises ``SpecError`` where a symbol is left without a value or a shape does not fit,
    ``UsageError`` for names that the network does not have, ``LimitError`` where it would
    need more memory or MACs than *limits* allow.
    """
    from convmath.numeric import execute

    bound = affordable(network, inputs, limits)
    layer = layer_called(bound, layer)
    if layer is None:
        return execute.run(bound, inputs, weights, seed)
    return next(step.output.numbers for step in execute.steps(bound, inputs, weights, seed) if step.node.name == layer)


def worked(
    network: Network,
    inputs: Any,
    weights: Any = None,
    *,
    layer: str | None = None,
    at: Sequence[Index] = (),
    everything: bool = False,
    seed: int = 0,
    limits: Limits = limits_module.DEFAULT,
) -> Shown:
    """Execute *network*, and write out each element of a layer as the sum of products that it is.

    Without *layer* every layer that computes something is written out. The first few
    elements of each are shown; *at* names others, ``(i, j)`` for all channels or
    ``(k, i, j)`` for one, and with *everything* all are.

    Raises ``UsageError`` for a layer or an element that there is not, otherwise as ``run``.
    """
    from convmath.numeric import execute
    from convmath.render import worked as rendered
    from convmath.seen import WorkedRun

    bound = affordable(network, inputs, limits)
    layer = layer_called(bound, layer)
    found: list[WorkedLayer] = []
    for step in execute.steps(bound, inputs, weights, seed):
        if layer is None or step.node.name == layer:
            found += _written(step, at, everything=everything, asked=layer is not None)
        del step
    shapes = tuple(execute.input_shape(each) for each in bound.inputs)
    done = WorkedRun(bound.name, shapes, tuple(found))
    whole = everything or bool(at)
    return Shown(lambda: rendered.page(done, whole=whole), lambda: rendered.to_json(done))


def _written(step: Step[Values], at: Sequence[Index], *, everything: bool, asked: bool) -> list[WorkedLayer]:
    """Return the layer as it is written out; nothing for one that only hands elements on, unless it is asked for."""
    from convmath.numeric.worked import first_indices, work

    if step.is_view and not asked:
        return []
    shape = step.output.shape
    if at:
        wanted = [index for each in at for index in indices(each, shape, step.node.name)]
    else:
        wanted = first_indices(shape, step.output.size if everything else MOST_SHOWN)
    if len(wanted) > MOST_ELEMENTS:
        message = f"'{step.node.name}' has {len(wanted):,} elements; at most {MOST_ELEMENTS:,} are written out"
        raise LimitError(Problem("too-long", message, "name some with --at"))
    return [work(step, wanted)]


def indices(given: Index, shape: Index, name: str) -> list[Index]:
    """Return the elements that an index names: one, or one in every channel.

    Raises ``UsageError`` for one that there is not.
    """
    channels = range(shape[0]) if len(given) == len(shape) - 1 and len(shape) > 1 else None
    found = [given] if channels is None else [(channel, *given) for channel in channels]
    written = ",".join(map(str, given))
    sizes = " × ".join(map(str, shape))
    if len(found[0]) != len(shape):
        raise UsageError(f"{written} has {len(given)} numbers, but the output of '{inert(name)}' is {sizes}")
    if not all(0 <= at < size for at, size in zip(found[0], shape, strict=True)):
        raise UsageError(f"{written} is no element of '{inert(name)}', whose output is {sizes}; the first is 0")
    return found


def layer_called(network: Network, layer: str | None) -> str | None:
    """Return the name of a layer, which may be asked for by what its model calls that output.

    Raises ``UsageError`` where there is none.
    """
    names = [node.name for node in network.nodes]
    if layer is not None and layer not in names:
        if network.aliases.get(layer) in names:
            return network.aliases[layer]
        near = get_close_matches(layer, [*names, *network.aliases], 1)
        hint = f"; did you mean '{inert(near[0])}'?" if near else ""
        raise UsageError(f"there is no layer '{inert(layer)}'{hint}")
    return layer


def affordable(network: Network, inputs: Any, limits: Limits) -> Network:
    """Return *network* at the sizes of its inputs; Raises ``LimitError`` where running it would cost too much."""
    from convmath.symbolic.compose import derive
    from convmath.verification.budget import demand

    bound = fitted(network, inputs)
    numbers = derive(bound)
    demand(bound, numbers, {}, limits)
    return bound


def fitted(network: Network, inputs: Any) -> Network:
    """Return the network with its symbols replaced: by the sizes of the inputs, and else by their defaults."""
    import numpy as np

    from convmath.numeric.execute import by_name

    given = by_name(network, inputs) if not isinstance(inputs, Mapping) or inputs else {}
    symbols = {info.name for info in network.symbols}
    found: dict[str, int] = {}
    for each in network.inputs:
        try:
            shape = np.shape(given[each.name]) if each.name in given else None
        except ValueError:
            continue  # rows that differ in length are refused where the numbers are read
        if shape is not None:
            for size, actual in zip(each.shape, shape, strict=False):
                if str(size) in symbols:
                    found.setdefault(str(size), actual)
            _check_shape(each, shape, found)
    return at_numbers(network, found)


def _check_shape(wanted: Input, shape: tuple[int, ...], known: Mapping[str, int]) -> None:
    """Refuse an array of another shape here, before a layer finds that nothing fits."""
    sizes = [bind(size, known) for size in wanted.shape]
    same = [actual == size or isinstance(size, Formula) for size, actual in zip(sizes, shape, strict=False)]
    if len(shape) != len(sizes) or not all(same):
        shapes = f"{' × '.join(map(str, wanted.shape))}, but the one given has {show_shape(shape)}"
        message = f"the input '{wanted.name}' must have the shape {shapes}"
        raise SpecError(Problem("bad-input", message, "give channels first, and no batch"))


def at_numbers(network: Network, known: Mapping[str, int]) -> Network:
    """Return the network at *known* values and the defaults; Raises ``SpecError`` for a symbol that has neither."""
    values = {info.name: known.get(info.name, info.default) for info in network.symbols}
    left = [name for name, value in values.items() if value is None]
    if left:
        message = f"no value for {', '.join(left)}"
        raise SpecError(Problem("unbound", message, f"give it as in --set {left[0]}=224, or in Python settings"))
    return network.bind(values)  # type: ignore[arg-type]


def read_inputs(network: Network, given: Sequence[str], limits: Limits = limits_module.DEFAULT) -> Any:
    """Return the arrays in .csv, .npy or .png files, as ``run`` takes them; with several inputs each is ``NAME=FILE``.

    Raises ``UsageError`` for a name that is no input, or none where there are several.
    """
    from convmath.numeric.files import read_array

    inputs = {each.name: each for each in network.inputs}
    found: dict[str, Any] = {}
    for each in given:
        name, equals, file = each.partition("=")
        if not equals or name not in inputs:
            name, file = network.inputs[0].name, each
            if len(inputs) > 1:
                raise UsageError(
                    f"--input {inert(each)}: write NAME=FILE; the inputs are {', '.join(map(inert, inputs))}"
                )
        if name in found:
            raise UsageError(f"the input '{inert(name)}' is given twice")
        found[name] = read_array(Path(file), len(inputs[name].shape), limits)
    return found


def read_weights(path: Path, limits: Limits = limits_module.DEFAULT) -> Any:
    """Return the arrays of all layers in a .json or .npz file, as ``run`` takes them."""
    from convmath.numeric import files

    return files.read_weights(path, limits)


def written(array: Any, ending: str) -> tuple[str | bytes, str]:
    """Return an array as the content of a .csv, .npy or .png file, and what to say about it.

    Raises ``UsageError`` for other endings and for arrays that the format cannot hold.
    """
    from convmath.numeric.files import to_csv, to_npy

    if isinstance(array, Mapping):
        names = ", ".join(map(inert, array))
        raise UsageError(f"the network has the outputs {names}; name one with --layer")
    if ending == ".npy":
        return to_npy(array), ""
    if ending == ".png":
        from convmath.numeric.pictures import to_png

        content, scaled = to_png(array)
        low, high = array.min().item(), array.max().item()
        return content, f"the numbers were scaled: black is {low}, white is {high}" if scaled else ""
    if ending in (".csv", ""):
        return to_csv(array), ""
    raise UsageError(f"'{inert(ending)}' is no ending of a result; write .csv, .npy or .png")
