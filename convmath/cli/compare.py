"""``convmath compare``: networks, or variants of one, side by side."""

from __future__ import annotations

from typing import Any

import click

from convmath.cli.options import file_option, network_options, parse_pair, parse_settings, read_network, take_limits
from convmath.cli.output import emit, width
from convmath.errors import UsageError, inert
from convmath.limits import Limits

FORMATS = ("text", "markdown", "latex", "html", "json")


@click.command("compare")
@network_options(many=True)
@click.option(
    "--replace",
    "variants",
    multiple=True,
    metavar="OLD=NEW",
    help="Add a variant of the first SPEC, as conv=separable_conv.",
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Form of the result."
)
@file_option
@click.option("--ascii", "ascii_only", is_flag=True, help="Write no character beyond ASCII.")
def command(specs: tuple[str, ...], settings: tuple[str, ...], *, numbers: bool, form: str, **options: Any) -> None:
    """Put the totals of several SPECs side by side, with their ratios in closed form.

    Each ratio is to the first SPEC. Where a difference is linear in a symbol, it is told
    from where on which network has less.

    Exit status: 0 fine, 2 wrong usage, 3 a spec or a network is invalid, 5 over a limit.
    """
    limits = take_limits(options)
    how = "OLD=NEW, as in conv=separable_conv"
    variants = [parse_pair("--replace", each.partition("="), how) for each in options["variants"]]
    if len(specs) + len(variants) < 2 or not specs:
        raise UsageError("name two or more SPECs, or one with --replace OLD=NEW")
    found = _compared(
        specs,
        variants,
        parse_settings(settings),
        numbers=numbers,
        limits=limits,
    )
    text = found.to_text(width=width()) if form == "text" else getattr(found, f"to_{form}")()
    emit(text, options["file"], ascii_only=options["ascii_only"])


def _compared(
    specs: tuple[str, ...],
    variants: list[tuple[str, str]],
    settings: dict[str, int | str],
    *,
    numbers: bool,
    limits: Limits,
) -> Any:
    from convmath import api

    bare = [read_network(spec, {}, numbers=False, limits=limits) for spec in specs]
    bare += [api.variant(bare[0], old, new, limits=limits) for old, new in variants]
    unknown = [name for name in settings if not any(name in api.settable(each) for each in bare)]
    if unknown:
        raise UsageError(f"no spec has a symbol or value '{inert(unknown[0])}' to set")
    found = []
    for each in bare:
        own = {name: value for name, value in settings.items() if name in api.settable(each)}
        found.append(api.reread(each, own, numbers=numbers, limits=limits))
    return api.compare(*found)
