"""What Python users and the command line call: the one place that joins the engines with the renderers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from convmath import limits as limits_module
from convmath.api.drawing import WHAT, draw
from convmath.api.loading import Settings, from_onnx, load, load_bytes, load_trusted, most_bytes, reread
from convmath.api.results import Confirmation, Report, bound
from convmath.api.running import read_inputs, read_weights, run, worked, written
from convmath.api.trials import Verdicts, check, check_bytes
from convmath.api.variants import compare, settable, variant
from convmath.api.writing import form_of, to_spec, weights_of
from convmath.errors import UsageError, inert
from convmath.limits import Limits
from convmath.render.answer import Answer
from convmath.render.shown import Drawing, Shown
from convmath.report import Derivation, Formulas, Threshold
from convmath.spec.document import Document
from convmath.spec.graph import Network
from convmath.spec.kinds import ALIASES, VOCABULARY
from convmath.spec.parse import VERSION, parse

__all__ = [
    "WHAT",
    "Answer",
    "Confirmation",
    "Drawing",
    "Report",
    "Shown",
    "Verdicts",
    "analyze",
    "check",
    "check_bytes",
    "compare",
    "confirmations_to_json",
    "draw",
    "form_of",
    "formula_sheet",
    "formulas",
    "from_onnx",
    "least_where",
    "load",
    "load_bytes",
    "load_trusted",
    "most_bytes",
    "outputs_that_read",
    "pixels",
    "read_inputs",
    "read_weights",
    "reread",
    "run",
    "settable",
    "sharing_scale",
    "sheet",
    "solve",
    "solve_where",
    "stack",
    "to_spec",
    "variant",
    "verify",
    "verify_kind",
    "weights_of",
    "worked",
    "written",
]


def stack(
    *layers: Any,
    input: tuple[int | str, ...],
    name: str = "network",
    symbols: Mapping[str, Mapping[str, int]] | None = None,
    settings: Settings | None = None,
) -> Network:
    """Return a network of layers, one after the other.

    Layers are what ``Conv(6, 5)`` and its like return, or the same as plain data:
    ``"relu"``, ``{"conv": {"out_channels": 6, "kernel_size": 5}}``.

    Raises ``SpecError`` as for a file.
    """
    data: dict[str, Any] = {"convmath": VERSION, "name": name, "input": list(input), "layers": list(layers)}
    if symbols:
        data["symbols"] = {key: dict(held) for key, held in symbols.items()}
    return parse(Document(name, "", _plain(data)), settings)


def _plain(data: Any) -> Any:
    """Return Python data as a file would give it: tuples as lists."""
    if isinstance(data, dict):
        return {str(key): _plain(held) for key, held in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(held) for held in data]
    if hasattr(data, "tolist"):  # an array of NumPy's, such as weights
        return data.tolist()
    return data


def analyze(network: Network, **values: int) -> Report:
    """Derive every quantity of *network*, per layer and in total.

    *values* replaces symbols by numbers first.

    Raises ``SpecError`` naming the layer where a window does not fit, groups do not
    divide, or a dense layer meets an image; ``UsageError`` for a value of an unknown symbol.
    """
    return Report(bound(network, values) if values else network)


def solve(network: Network, output: Sequence[int] | int | str | None = None, *, layer: str | None = None) -> Answer:
    """Solve for the input sizes at which *network* is valid, or that give *output* at *layer*.

    *output* is a size, one per axis, or ``"same"``. Where the input's sizes are numbers
    and the layers have symbols, it is these that are asked for. Every answer is confirmed
    by execution at both ends and just outside.

    Raises ``UsageError`` for an unknown layer or an output of another rank,
    ``CheckFailed`` where execution disagrees.
    """
    from convmath.planning import solve as planning

    return Answer(planning.solve(network, output, layer))


def pixels(network: Network, layer: str | None = None, at: Sequence[int] | None = None) -> str:
    """Return which pixels one output of a layer reads, holes included, as text; the middle one of the last layer.

    Raises ``UsageError`` for a layer or a position that does not exist, or for a network with symbols.
    """
    from convmath.render.pixels import pixels as shown
    from convmath.symbolic.pixels import middle, pixels_of

    name = layer or network.nodes[network.outputs[-1]].name
    return shown(pixels_of(network, name, middle(network, name) if at is None else at))


def outputs_that_read(network: Network, pixel: Sequence[int]) -> str:
    """Return which outputs of every layer read one pixel of the first input, as text.

    Raises ``UsageError`` for a pixel outside the input, or for a network with symbols.
    """
    from convmath.render.pixels import seen
    from convmath.symbolic import pixels as places

    return seen(pixel, places.outputs_that_read(network, pixel))


def verify(
    network: Network,
    samples: int | None = None,
    seed: int = 0,
    *,
    limits: Limits = limits_module.DEFAULT,
    progress: Callable[[int], None] | None = None,
) -> Confirmation:
    """Execute *network* at its defaults, its least sizes and random ones, and confront every formula.

    Raises ``LimitError``, before anything is allocated, where an execution would need more
    than the limits allow.
    """
    from convmath.verification import confront

    count = confront.SAMPLES if samples is None else samples
    return Confirmation(network, confront.verify(network, count, seed, limits=limits, progress=progress))


def verify_kind(
    kind: str, samples: int | None = None, seed: int = 0, *, progress: Callable[[int], None] | None = None
) -> Confirmation:
    """Execute random layers of a kind, and confront its rule with each; Raises ``UsageError`` for an unknown kind."""
    from convmath.verification import layers

    count = layers.SAMPLES if samples is None else samples
    return Confirmation(None, layers.verify_kind(kind, count, seed, progress=progress))


def formulas(network: Network, layer: str | None = None, *, steps: bool = False) -> Shown:
    """Return the closed forms of *network*, or of one of its layers; with *steps* how they come about.

    Raises ``UsageError`` for a layer that the network does not have, otherwise as ``analyze``.
    """
    from convmath.render.formulas import page
    from convmath.render.json import render_formulas
    from convmath.symbolic.derivation import counts, derivations

    reduced = network if layer is None else network.up_to(layer)
    analysis = Report(reduced).analysis
    derived: tuple[Derivation, ...] = ()
    if steps:
        last = layer or analysis.report.totals.receptive_field_layer
        derived = (*derivations(network, last), *counts(reduced))
    found = Formulas(analysis, layer, derived)
    return Shown(lambda: page(found), lambda: render_formulas(found))


def sheet(kind: str) -> Shown:
    """Return the general formulas of a kind of layer, in its hyper-parameters, with the equation that defines it.

    Raises ``UsageError`` for an unknown kind.
    """
    from convmath.render.json import render_sheet
    from convmath.render.sheet import page
    from convmath.symbolic import sheet as symbolic_sheet

    name = ALIASES.get(kind, kind)
    if name not in VOCABULARY:
        near = get_close_matches(name, VOCABULARY, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"the kinds are {', '.join(VOCABULARY)}"
        raise UsageError(f"there is no kind '{inert(kind)}'; {hint}")
    found = symbolic_sheet.sheet(name)
    return Shown(lambda: page(found), lambda: render_sheet(found))


def formula_sheet() -> Shown:
    """Return the general formulas of every kind of layer."""
    from convmath.render.json import render_sheets
    from convmath.render.sheet import whole_page
    from convmath.symbolic import sheet as symbolic_sheet

    found = [symbolic_sheet.sheet(kind) for kind in VOCABULARY]
    return Shown(lambda: whole_page(found), lambda: render_sheets(found))


def sharing_scale() -> Shown:
    """Return dense, locally connected and convolutional layers side by side, with the ratios of their weights."""
    from convmath.render.json import render_scale
    from convmath.render.sheet import scale_page
    from convmath.symbolic.sheet import scale

    found = scale()
    return Shown(lambda: scale_page(found), lambda: render_scale(found))


def least_where(network: Network, condition: str) -> Threshold:
    """Return the least value of a symbol from which on a condition on the quantities holds.

    *condition* is one as in ``"receptive_field >= 1000"``; it must depend on one symbol
    without a default.

    Raises ``UsageError`` for another condition, ``CheckFailed`` where execution disagrees.
    """
    from convmath.verification.threshold import threshold

    return threshold(network, Report(network).analysis, condition)


def solve_where(network: Network, condition: str, *, form: str = "table", width: int = 80) -> str:
    """Return from where on a condition holds, as text or JSON."""
    from convmath.render.threshold import to_json, to_text

    found = least_where(network, condition)
    return to_json(found) if form == "json" else to_text(found, width=width)


def confirmations_to_json(found: Sequence[Confirmation]) -> str:
    """Return many confirmations, as of all kinds, as one JSON document."""
    from convmath.render.verification import all_to_json

    return all_to_json([each.verification for each in found])
