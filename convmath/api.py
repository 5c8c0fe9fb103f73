"""What Python users and the command line call: the one place that joins the engines with the renderers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from convmath import limits as limits_module
from convmath.errors import CheckFailed, UsageError, inert
from convmath.formula import Formula
from convmath.limits import Limits
from convmath.quantity import parse_quantity
from convmath.render.answer import Answer
from convmath.render.shown import Shown
from convmath.report import (
    Analysis,
    Check,
    Condition,
    Derivation,
    Formulas,
    LayerReport,
    NetworkReport,
    Totals,
    Verification,
)
from convmath.spec.document import Document
from convmath.spec.graph import Network
from convmath.spec.kinds import ALIASES, VOCABULARY
from convmath.spec.parse import VERSION, parse

Settings = Mapping[str, int | str]


def load(
    source: str | Path,
    settings: Settings | None = None,
    *,
    numbers: bool = False,
    limits: Limits = limits_module.DEFAULT,
) -> Network:
    """Read a network from a spec file, or from the zoo as ``zoo:NAME``.

    *settings* binds symbols and values of the spec, to numbers or expressions; with
    *numbers* every other symbol takes its default.

    Raises ``UsageError`` for a file that does not exist, ``SpecError`` with all faults of
    the file at once, ``LimitError`` for one that is too large.
    """
    from convmath.spec.files import read_bytes, read_file
    from convmath.zoo.catalogue import PREFIX, names, spec_of

    name = str(source)
    if name in names() and not Path(name).exists():
        raise UsageError(f"there is no file {name}; the built-in network is {PREFIX}{name}")
    if name.startswith(PREFIX):
        document = read_bytes(spec_of(name.removeprefix(PREFIX)).encode(), name, ".yaml", limits)
    else:
        document = read_file(Path(source), limits)
    return parse(document, settings, numbers=numbers, limits=limits)


def load_bytes(
    raw: bytes,
    file: str,
    settings: Settings | None = None,
    *,
    numbers: bool = False,
    limits: Limits = limits_module.DEFAULT,
) -> Network:
    """Read a network from bytes: YAML, of which JSON is a part, or TOML where the text is no YAML mapping."""
    from convmath.spec.files import read_any

    return parse(read_any(raw, file, limits), settings, numbers=numbers, limits=limits)


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
    return data


def analyze(network: Network, **values: int) -> Report:
    """Derive every quantity of *network*, per layer and in total.

    *values* replaces symbols by numbers first.

    Raises ``SpecError`` naming the layer where a window does not fit, groups do not
    divide, or a dense layer meets an image; ``UsageError`` for a value of an unknown symbol.
    """
    return Report(_bound(network, values) if values else network)


def _bound(network: Network, values: Mapping[str, Any]) -> Network:
    known = [each.name for each in network.symbols]
    for name, given in values.items():
        if name not in known:
            raise UsageError(f"the network has no symbol '{inert(name)}'; it has {', '.join(known) or 'none'}")
        if isinstance(given, bool) or not isinstance(given, int):
            raise UsageError(f"{name} = {given!r} is no integer")
    return network.bind(values)


def part(network: Network, output: str) -> Network:
    """Return what one output of *network* needs, or one layer or named part of it: it ends there.

    Raises ``UsageError`` for a name that the network does not have.
    """
    if output not in (known := set(network.names())):
        near = get_close_matches(output, known, 1)
        hint = f"; did you mean '{inert(near[0])}'?" if near else ""
        raise UsageError(f"there is no layer '{inert(output)}'{hint}")
    return network.up_to(output)


def run(network: Network, inputs: Any, weights: Any = None, *, seed: int = 0) -> Any:
    """Execute *network* on an array, channels first and without a batch; return the output array.

    *weights* maps layer names to arrays by PyTorch's names and layouts,
    ``{"conv1": {"weight": …, "bias": …}}``; what is not given is filled from *seed*.
    Integers stay integers, and exact.

    Raises ``SpecError`` where symbols are unbound or a shape does not fit, ``UsageError``
    for names that the network does not have.
    """
    from convmath.numeric import execute

    return execute.run(network, inputs, weights, seed)


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

    reduced = network if layer is None else part(network, layer)
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


def sharing_scale() -> Shown:
    """Return dense, locally connected and convolutional layers side by side, with the ratios of their weights."""
    from convmath.render.json import render_scale
    from convmath.render.sheet import scale_page
    from convmath.symbolic.sheet import scale

    found = scale()
    return Shown(lambda: scale_page(found), lambda: render_scale(found))


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


class Confirmation:
    """The outcome of a verification: ``checks`` hold every formula, with its counterexample where it has one."""

    def __init__(self, network: Network | None, verification: Verification) -> None:
        self._network = network
        self.verification = verification

    @property
    def confirmed(self) -> bool:
        """Whether every formula agreed with every measurement."""
        return self.verification.confirmed

    @property
    def checks(self) -> tuple[Check, ...]:
        """All formulas that were held against measurements."""
        return self.verification.checks

    def raise_if_refuted(self) -> None:
        """Raise ``CheckFailed`` with the counterexamples, where a formula disagreed."""
        if not self.confirmed:
            raise CheckFailed(self.to_table())

    def to_json(self) -> str:
        """Return the checks as JSON, schema 1."""
        from convmath.render.verification import to_json

        return to_json(self.verification)

    def to_table(self, *, width: int = 80, all_layers: bool = False) -> str:
        """Return the table that the command line shows."""
        from convmath.render.verification import to_table

        shapes = [each.shape for each in self._network.inputs] if self._network else []
        return to_table(self.verification, shapes, width=width, all_layers=all_layers)

    def __str__(self) -> str:
        return self.to_table()

    def __repr__(self) -> str:
        verdict = "confirmed" if self.confirmed else "refuted"
        return f"<{verdict}: {inert(self.verification.network)}, {len(self.checks)} formulas>"


class Report:
    """The result of an analysis: formulas where the network has symbols, integers where it has none.

    ``totals`` and ``report["c3"]`` hold Python integers and SymPy expressions;
    ``analysis`` holds the same records with convmath's own formulas.
    """

    def __init__(self, network: Network, *, progress: Callable[[int], None] | None = None) -> None:
        """Analyze *network*; *progress* is told how many layers were done since it was last called."""
        from convmath.symbolic.compose import derive

        self._network = network
        self._bare = derive(network, progress)

    @cached_property
    def analysis(self) -> Analysis:
        """The bare records, with the numbers at the symbols' defaults where all have one."""
        from convmath.symbolic.compose import derive

        defaults = self._network.defaults
        if defaults is None:
            return Analysis(self._bare, {}, None)
        at = derive(self._network.bind(defaults)) if defaults else self._bare
        return Analysis(self._bare, defaults, at)

    @property
    def totals(self) -> Any:
        """The whole network; see ``report.Totals`` for its parts."""
        return _View(self._bare.totals, self._minima)

    @property
    def layers(self) -> tuple[Any, ...]:
        """All layers in order; see ``report.LayerReport`` for their parts."""
        return tuple(_View(each, self._minima) for each in self._bare.layers)

    def __getitem__(self, name: str) -> Any:
        """Return a layer, or a named block or repeat; Raises ``KeyError`` where there is none."""
        return _View(self._bare.layer(name), self._minima)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def at(self, **values: int) -> Report:
        """Return the report with symbols replaced by numbers.

        Raises ``SpecError`` where a window does not fit at these numbers.
        """
        return Report(_bound(self._network, values))

    def quantity(self, path: str) -> Any:
        """Return the quantity at a path such as ``layers["c3"].macs``; a total needs no prefix."""
        wanted = parse_quantity(path)
        record = self._bare if wanted.steps[0] == "layers" else self._bare.totals
        return _converted(wanted.of(record), self._minima)

    @property
    def _minima(self) -> dict[str, int]:
        return {each.name: each.minimum for each in self._network.symbols}

    def to_json(self) -> str:
        """Return the analysis as JSON, schema 1."""
        from convmath.render.json import render

        return render(self.analysis)

    def to_markdown(self, *, all_layers: bool = False) -> str:
        """Return the tables and formulas as Markdown, for GitHub and Jupyter."""
        return self._page(all_layers=all_layers).to_markdown()

    def to_latex(self, *, all_layers: bool = False) -> str:
        """Return the tables and formulas as LaTeX, to be put into a document."""
        return self._page(all_layers=all_layers).to_latex()

    def to_html(self, *, all_layers: bool = False) -> str:
        """Return the tables and formulas as an HTML document of its own."""
        return self._page(all_layers=all_layers).to_html()

    def _page(self, *, all_layers: bool = False) -> Shown:
        from convmath.render.analysis import page

        return Shown(lambda: page(self.analysis, all_layers=all_layers), self.to_json)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return what a notebook shows: the table as text, HTML, Markdown and LaTeX."""
        return self._page()._repr_mimebundle_(include, exclude) | {"text/plain": repr(self)}

    def to_csv(self) -> str:
        """Return one line per layer as CSV."""
        from convmath.render.csv import render

        return render(self.analysis)

    def to_table(self, *, width: int = 80, all_layers: bool = False) -> str:
        """Return the table that the command line shows."""
        from convmath.render.table import render

        return render(self.analysis, width=width, all_layers=all_layers)

    def __str__(self) -> str:
        return self.to_table()

    def __repr__(self) -> str:
        totals = self._bare.totals
        return f"<Report of {inert(self._bare.network)}: params {totals.params}, MACs {totals.macs}>"


@dataclass(frozen=True)
class _View:
    """A record whose formulas are SymPy expressions."""

    _record: NetworkReport | LayerReport | Totals | Any
    _minima: Mapping[str, int]

    def __getattr__(self, name: str) -> Any:
        return _converted(getattr(self._record, name), self._minima)

    def __dir__(self) -> list[str]:
        return [*(each.name for each in fields(self._record)), "flops"]

    def __repr__(self) -> str:
        return repr(self._record)


def _converted(held: Any, minima: Mapping[str, int]) -> Any:
    from convmath.symbolic.sympy_form import to_sympy

    if isinstance(held, tuple):
        return tuple(_converted(each, minima) for each in held)
    if is_dataclass(held) and not isinstance(held, Condition):
        return _View(held, minima)
    if isinstance(held, dict):
        return {key: _converted(each, minima) for key, each in held.items()}
    if isinstance(held, Formula) or (hasattr(held, "denominator") and not isinstance(held, int)):
        return to_sympy(held, minima)
    return held
