"""``convmath solve``: which sizes are valid, and which give a wanted output."""

from __future__ import annotations

from typing import Any

import click

from convmath.cli.options import file_option, network_options, parse_settings, read_network, take_limits
from convmath.cli.output import emit, width
from convmath.errors import UsageError


@click.command("solve")
@network_options()
@click.option("--output", "wanted", metavar="7x7|same", help="Find what gives this output; 'same': the input's size.")
@click.option("--layer", metavar="NAME", help="Ask for the output of this layer instead of the last one.")
@click.option("--where", metavar="COND", help="Find from where on it holds, as in 'receptive_field >= 1000'.")
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True)
@file_option
@click.option("--ascii", "ascii_only", is_flag=True, help="Write no character beyond ASCII.")
def command(spec: str, settings: tuple[str, ...], *, numbers: bool, form: str, **options: Any) -> None:
    """Solve for the input sizes at which SPEC is valid, or that give an output.

    Where the input's sizes are numbers and the layers have symbols, it is these that are
    asked for: which stride, padding or kernel gives the output. With --where: how deep, or
    how wide, a network must be. Every answer is confirmed by execution.

    Exit status: 0 fine, 1 execution disagrees, 2 wrong usage, 3 the network is invalid.
    """
    from convmath import api

    limits = take_limits(options)
    wanted = options["wanted"]
    if options["where"] is not None and (wanted is not None or options["layer"] is not None):
        raise UsageError('--where goes without --output and --layer; name a layer as in layers["c3"].params < 5e6')
    network = read_network(spec, parse_settings(settings), numbers=numbers, limits=limits)
    if options["where"] is not None:
        text = api.solve_where(network, options["where"], form=form, width=width())
    else:
        found = api.solve(network, wanted, layer=options["layer"])
        text = found.to_json() if form == "json" else found.to_table(width=width())
    emit(text, options["file"], ascii_only=options["ascii_only"])
