"""What analyses and verifications return: records that render themselves, with SymPy expressions for Python users."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any

from convmath.errors import CheckFailed, UsageError, inert
from convmath.formula import Formula
from convmath.quantity import parse_quantity
from convmath.render.shown import Shown
from convmath.report import (
    Analysis,
    Check,
    Condition,
    LayerReport,
    NetworkReport,
    Reconciliation,
    Totals,
    Verification,
)
from convmath.spec.graph import Network


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
        return Report(bound(self._network, values))

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

    def reconcile(
        self,
        convention: str,
        written: Mapping[str, str] | None = None,
        *,
        all_layers: bool = False,
        formulas: bool = False,
    ) -> Explained:
        """Explain what another counter prints: ``fvcore``, ``torchinfo``, ``ptflops`` or ``torchvision``.

        *written* says how kinds, layers or named groups are written in PyTorch, where a
        counter sees the difference: ``{"relu": "functional"}``. The page names few layers
        unless *all_layers*, and has no numbers with *formulas*.

        Raises ``UsageError`` for an unknown convention or writing, ``UnsupportedError`` where
        nobody can tell the counter's number.
        """
        from convmath.counters.reconcile import reconcile

        found = reconcile(self._network, self.analysis, convention, written)
        return Explained(found, self._minima, all_layers=all_layers, formulas=formulas)

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


class Explained(Shown):
    """Another counter's number, explained: ``total`` is convmath's ``macs`` and the ``amount`` of all ``differences``.

    These are integers, or SymPy expressions where the network has symbols; ``at`` holds
    the same at the symbols' defaults, None where one has none.
    """

    def __init__(
        self, found: Reconciliation, minima: Mapping[str, int], *, all_layers: bool = False, formulas: bool = False
    ) -> None:
        from convmath.render.reconciliation import page, to_json

        super().__init__(lambda: page(found, all_layers=all_layers, formulas=formulas), lambda: to_json(found))
        self.reconciliation = found
        self._minima = minima

    def __getattr__(self, name: str) -> Any:
        if name in ("macs", "differences", "total", "params", "printed"):
            return getattr(_View(self.reconciliation.counted, self._minima), name)
        raise AttributeError(name)

    @property
    def at(self) -> Any:
        """The sum at the symbols' defaults or values; None where one has none."""
        return self.reconciliation.at


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


def bound(network: Network, values: Mapping[str, Any]) -> Network:
    """Return the network with symbols replaced; Raises ``UsageError`` for an unknown symbol or no integer."""
    known = [each.name for each in network.symbols]
    for name, given in values.items():
        if name not in known:
            raise UsageError(f"the network has no symbol '{inert(name)}'; it has {', '.join(known) or 'none'}")
        if isinstance(given, bool) or not isinstance(given, int):
            raise UsageError(f"{name} = {given!r} is no integer")
    return network.bind(values)
