"""``convmath formulas``: closed forms with their derivations, and the general formulas of a kind."""

from __future__ import annotations

from typing import Any

import click

from convmath.cli.complete import kinds
from convmath.cli.options import file_option, network_options, parse_settings, read_network, take_limits
from convmath.cli.output import emit, wants_ascii, width
from convmath.errors import UsageError

FORMATS = ("text", "markdown", "latex", "html", "json")


@click.command("formulas")
@network_options(required=False)
@click.option("--layer", metavar="NAME", help="The formulas of one layer, block or repeat.")
@click.option("--steps", is_flag=True, help="Derive them step by step.")
@click.option(
    "--kind",
    metavar="KIND",
    shell_complete=kinds,
    help="The general formulas of a kind of layer, in its hyper-parameters.",
)
@click.option("--all", "everything", is_flag=True, help="The general formulas of every kind.")
@click.option("--sharing", is_flag=True, help="Dense, locally connected and convolution side by side.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Form of the result."
)
@file_option
@click.option("--ascii", "ascii_only", is_flag=True, help="Write no character beyond ASCII.")
def command(spec: str | None, settings: tuple[str, ...], *, numbers: bool, form: str, **options: Any) -> None:
    """Print the closed forms of SPEC, or of a KIND of layer.

    With --steps: what each layer does to a size, the size so far, the law used at each
    collapse, how the receptive field grows, and how parameters and MACs add up.

    Exit status: 0 fine, 2 wrong usage, 3 the spec or the network is invalid, 5 over a
    limit.
    """
    limits = take_limits(options)
    chosen = [spec is not None, options["kind"] is not None, options["everything"], options["sharing"]]
    if sum(chosen) != 1:
        raise UsageError("name a SPEC, or a kind as in --kind conv, or --all kinds, or --sharing: one of them")
    if spec is None and (options["layer"] or options["steps"] or settings or numbers or options["allow_opaque"]):
        raise UsageError("--layer, --steps, --set, --numbers and --allow-opaque go with a SPEC")
    found = _found(spec, settings, options, numbers=numbers, limits=limits)
    plain = options["ascii_only"] or (options["file"] is None and wants_ascii())
    text = found.to_text(width=width(), ascii_only=plain) if form == "text" else getattr(found, f"to_{form}")()
    emit(text, options["file"], ascii_only=options["ascii_only"])


def _found(spec: str | None, settings: tuple[str, ...], options: dict[str, Any], *, numbers: bool, limits: Any) -> Any:
    from convmath import api

    if options["sharing"]:
        return api.sharing_scale()
    if spec is None:
        return api.formula_sheet() if options["everything"] else api.sheet(options["kind"])
    network = read_network(spec, parse_settings(settings), numbers=numbers, limits=limits)
    return api.formulas(network, options["layer"], steps=options["steps"])
