"""``convmath analyze``: every quantity, per layer and in total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from importlib import import_module
from typing import Any

import click

from convmath.cli.options import (
    file_option,
    network_options,
    output_option,
    parse_pair,
    parse_settings,
    read_network,
    take_limits,
)
from convmath.cli.output import emit, remark, width
from convmath.cli.progress import progress
from convmath.counters.tables import COUNTERS
from convmath.errors import CheckFailed, UsageError, inert
from convmath.report import Analysis

FORMATS = ("table", "json", "csv", "markdown", "latex", "html")
SLOW = 2000
"""Networks with more layers show their progress."""


@click.command("analyze")
@network_options()
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="Form of the result."
)
@click.option("--columns", metavar="A,B,…", help="Columns by quantity, as in name,macs,receptive_field.size[0].")
@click.option("--all", "all_layers", is_flag=True, help="List every layer, also activations, norms and dropout.")
@click.option("--formulas", is_flag=True, help="Show formulas in the cells even where symbols have defaults.")
@click.option("--assert", "budgets", multiple=True, metavar="COND", help="Fail unless it holds, as in 'params < 5e6'.")
@click.option(
    "--convention",
    type=click.Choice(tuple(COUNTERS)),
    help="Explain what this counter prints: its number, as convmath's MACs and what makes the difference.",
)
@click.option(
    "--written",
    multiple=True,
    metavar="WHAT=HOW",
    help="With --convention: how a kind, layer or group is written in PyTorch, as in relu=functional.",
)
@output_option
@file_option
@click.option("--ascii", "ascii_only", is_flag=True, help="Write no character beyond ASCII.")
def command(spec: str, settings: tuple[str, ...], *, numbers: bool, form: str, **options: Any) -> None:
    """Derive every quantity of SPEC: a file, zoo:NAME, or - for standard input.

    Exit status: 0 fine, 1 a budget of --assert does not hold, 2 wrong usage, 3 the spec
    or the network is invalid, 4 the number of a --convention cannot be known, 5 over a
    limit.
    """
    from convmath import api

    limits = take_limits(options)
    columns = _columns(options["columns"], form)
    written = _written(options, form)
    network = read_network(
        spec,
        parse_settings(settings),
        numbers=numbers,
        limits=limits,
        output=options["output"],
    )
    layers = len(network.nodes)
    with progress("analyzing", layers) if layers > SLOW else nullcontext() as advance:
        report = api.Report(network, progress=advance)
        analysis = report.analysis
    if columns:
        _check_columns(columns, analysis)
    from convmath.verification.budgets import check

    outcomes = [check(text, analysis) for text in options["budgets"]]
    if options["convention"]:
        text = _explained(report, form, written, options)
    else:
        text = _render(analysis, form, columns, options)
    emit(text, options["file"], ascii_only=options["ascii_only"])
    if form == "table" and not options["all_layers"] and not columns and not options["convention"]:
        _remark(analysis)
    for note in _of_the_model(network.about):
        remark(f"\n{note}")
    failed = [outcome for outcome in outcomes if not outcome.holds]
    if failed:
        raise CheckFailed("\n".join(f"assertion failed: {outcome}" for outcome in failed))


def _written(options: dict[str, Any], form: str) -> dict[str, str]:
    """Read ``WHAT=HOW``, and refuse what does not go with a convention."""
    if options["convention"] is None:
        if options["written"]:
            raise UsageError("--written goes with --convention")
        return {}
    if form == "csv" or options["columns"] is not None:
        raise UsageError("--convention goes with table, json, markdown, latex and html, and has its own columns")
    found: dict[str, str] = {}
    for each in options["written"]:
        name, how = parse_pair("--written", each.rpartition("="), "WHAT=HOW, as in relu=functional")
        if name in found:
            raise UsageError(f"--written {inert(name)} is given twice")
        found[name] = how
    return found


def _explained(report: Any, form: str, written: dict[str, str], options: dict[str, Any]) -> str:
    found = report.reconcile(
        options["convention"], written, all_layers=options["all_layers"], formulas=options["formulas"]
    )
    if form == "table":
        return str(found.to_text(width=width(), ascii_only=options["ascii_only"]))
    return str(getattr(found, f"to_{form}")())


def _columns(text: str | None, form: str) -> tuple[Any, ...]:
    if text is None:
        return ()
    if form == "json":
        raise UsageError("--columns goes with the other formats; JSON always has everything")
    from convmath.render.columns import parse_columns

    return parse_columns(text)


def _check_columns(columns: tuple[Any, ...], analysis: Analysis) -> None:
    from convmath.render.columns import check_columns

    check_columns(columns, analysis.report.layers)


def _render(analysis: Analysis, form: str, columns: tuple[Any, ...], options: dict[str, Any]) -> str:
    if form == "json":
        from convmath.render import json

        return json.render(analysis)
    if form == "csv":
        from convmath.render import csv

        return csv.render(analysis, columns=columns, formulas=options["formulas"])
    if form in ("markdown", "latex", "html"):
        from convmath.render import analysis as pages

        page = pages.page(analysis, all_layers=options["all_layers"], formulas=options["formulas"], columns=columns)
        writer = import_module(f"convmath.render.{form}")
        return str(writer.write(page))
    from convmath.render import table

    return table.render(
        analysis, width=width(), all_layers=options["all_layers"], formulas=options["formulas"], columns=columns
    )


MODEL_NOTES = {
    "unused_parameters": "parameters of the model are in no layer here",
    "buffers_counted_as_parameters": "of the parameters are buffers, which the model does not learn",
}
MOST_NAMES = 3


def _of_the_model(about: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an importer noted of parameters: how many, and where the most are."""
    for key, text in MODEL_NOTES.items():
        held = about.get(key)
        if isinstance(held, Mapping) and held and all(type(each) is int for each in held.values()):
            most = sorted(held.items(), key=lambda each: -each[1])
            names = [f"{inert(str(name))} {size:,}" for name, size in most[:MOST_NAMES]]
            more = f" and {len(most) - MOST_NAMES} more" if len(most) > MOST_NAMES else ""
            yield f"{sum(held.values()):,} {text}: {', '.join(names)}{more}."


def _remark(analysis: Analysis) -> None:
    from convmath.render.table import folded_note

    note = folded_note(analysis)
    if note:
        remark(f"\n{note}")
