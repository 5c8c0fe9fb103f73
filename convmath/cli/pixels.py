"""``convmath pixels``: which pixels an output reads, and which outputs read a pixel."""

from __future__ import annotations

from typing import Any

import click

from convmath.cli.options import network_options, parse_settings, read_network, take_limits
from convmath.cli.output import emit
from convmath.errors import UsageError, inert


@click.command("pixels")
@network_options()  # symbols take their defaults in any event: --numbers asks for nothing more
@click.option("--layer", metavar="NAME", help="The layer whose output is asked about; the last one unless given.")
@click.option("--at", "position", metavar="Y,X", help="The position of the output; the middle unless given.")
@click.option("--pixel", metavar="Y,X", help="Ask instead which outputs of every layer read this pixel of the input.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Write no character beyond ASCII.")
def command(spec: str, settings: tuple[str, ...], **options: Any) -> None:
    """Count exactly which pixels one output of SPEC reads, holes included, or which outputs read one pixel.

    Symbols take their defaults. Exit status: 0 fine, 2 wrong usage, 3 the network is invalid.
    """
    from convmath import api

    limits = take_limits(options)
    network = read_network(spec, parse_settings(settings), numbers=True, limits=limits)
    del options["numbers"]
    if options["pixel"] is not None and (options["layer"] or options["position"]):
        raise UsageError("--pixel asks about every layer; leave out --layer and --at")
    if options["pixel"] is not None:
        text = api.outputs_that_read(network, _point(options["pixel"], "--pixel"))
    else:
        at = None if options["position"] is None else _point(options["position"], "--at")
        text = api.pixels(network, options["layer"], at)
    emit(text, None, ascii_only=options["ascii_only"])


def _point(text: str, option: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise UsageError(f"{option} {inert(text)}: write positions as in 100,100")
    return tuple(map(int, parts))
