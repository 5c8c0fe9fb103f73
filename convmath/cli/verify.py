"""``convmath verify``: confirms formulas by execution."""

from __future__ import annotations

from typing import Any

import click

from convmath.cli.complete import kinds
from convmath.cli.options import file_option, network_options, output_option, parse_settings, read_network, take_limits
from convmath.cli.output import emit, width
from convmath.cli.progress import progress
from convmath.errors import CheckFailed, UsageError


@click.command("verify")
@network_options(required=False)
@click.option(
    "--kind", metavar="KIND", shell_complete=kinds, help="Verify random layers of a kind instead of a network."
)
@click.option("--all", "everything", is_flag=True, help="With SPEC: list every layer. Without: verify every kind.")
@click.option("--samples", type=click.IntRange(min=1), help="Cases to draw: 24 for a network, 512 for a kind.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="What the cases are drawn from.")
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True)
@output_option
@file_option
@click.option("--ascii", "ascii_only", is_flag=True, help="Write no character beyond ASCII.")
def command(spec: str | None, settings: tuple[str, ...], *, numbers: bool, form: str, **options: Any) -> None:
    """Confirm every formula of SPEC, or of a KIND of layer, by execution.

    The symbols take their defaults, the least legal sizes and one less (which must be
    refused), then random values. Exit status: 0 all confirmed, 1 a formula disagrees,
    2 wrong usage, 3 the network is invalid, 5 over a limit.
    """
    from convmath import api

    limits = take_limits(options)
    if (spec is None) == (options["kind"] is None) and not (spec is None and options["everything"]):
        raise UsageError("name a SPEC, or a kind as in --kind conv, or --all kinds")
    if spec is None and options["output"]:
        raise UsageError("--output goes with a SPEC; -o FILE writes to a file")
    if spec is None:
        found = _kinds(options)
    else:
        network = read_network(
            spec,
            parse_settings(settings),
            numbers=numbers,
            limits=limits,
            output=options["output"],
        )
        found = [_network(network, options, limits)]
    if form == "json" and spec is None and options["everything"]:
        text = api.confirmations_to_json(found)
    else:
        text = "\n\n".join(_text(each, form, everything=options["everything"] and spec is not None) for each in found)
    emit(text, options["file"], ascii_only=options["ascii_only"])
    wrong = [each for each in found if not each.confirmed]
    if wrong:
        raise CheckFailed(f"refuted: {', '.join(each.verification.network for each in wrong)}")


def _network(network: Any, options: dict[str, Any], limits: Any) -> Any:
    from convmath import api
    from convmath.verification.confront import SAMPLES

    with progress("verifying", options["samples"] or SAMPLES) as advance:
        return api.verify(network, options["samples"], options["seed"], limits=limits, progress=advance)


def _kinds(options: dict[str, Any]) -> list[Any]:
    from convmath import api
    from convmath.spec.kinds import VOCABULARY
    from convmath.verification.layers import SAMPLES

    kinds = [options["kind"]] if options["kind"] else list(VOCABULARY)
    with progress("verifying", len(kinds) * (options["samples"] or SAMPLES)) as advance:
        return [api.verify_kind(kind, options["samples"], options["seed"], progress=advance) for kind in kinds]


def _text(found: Any, form: str, *, everything: bool) -> str:
    text: str = found.to_json() if form == "json" else found.to_table(width=width(), all_layers=everything)
    return text
