"""``convmath analyze``: every quantity, per layer and in total."""

from __future__ import annotations

from contextlib import nullcontext
from importlib import import_module
from typing import Any

import click

from convmath.cli.options import file_option, network_options, output_option, parse_settings, read_network, take_limits
from convmath.cli.output import emit, remark, width
from convmath.cli.progress import progress
from convmath.errors import CheckFailed, UsageError
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
@output_option
@file_option
@click.option("--ascii", "ascii_only", is_flag=True, help="Write no character beyond ASCII.")
def command(spec: str, settings: tuple[str, ...], *, numbers: bool, form: str, **options: Any) -> None:
    """Derive every quantity of SPEC: a file, zoo:NAME, or - for standard input.

    Exit status: 0 fine, 1 a budget of --assert does not hold, 2 wrong usage, 3 the spec
    or the network is invalid, 5 over a limit.
    """
    from convmath import api

    limits = take_limits(options)
    columns = _columns(options["columns"], form)
    network = read_network(
        spec,
        parse_settings(settings),
        numbers=numbers,
        limits=limits,
        allow_opaque=options["allow_opaque"],
        output=options["output"],
    )
    layers = len(network.nodes)
    with progress("analyzing", layers) if layers > SLOW else nullcontext() as advance:
        analysis = api.Report(network, progress=advance).analysis
    if columns:
        _check_columns(columns, analysis)
    from convmath.verification.budgets import check

    outcomes = [check(text, analysis) for text in options["budgets"]]
    emit(_render(analysis, form, columns, options), options["file"], ascii_only=options["ascii_only"])
    if form == "table" and not options["all_layers"] and not columns:
        _remark(analysis)
    failed = [outcome for outcome in outcomes if not outcome.holds]
    if failed:
        raise CheckFailed("\n".join(f"assertion failed: {outcome}" for outcome in failed))


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


def _remark(analysis: Analysis) -> None:
    from convmath.render.table import folded_note

    note = folded_note(analysis)
    if note:
        remark(f"\n{note}")
