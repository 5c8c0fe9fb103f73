"""``convmath draw``: pictures as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from convmath.cli.options import network_options, parse_settings, read_network, take_limits
from convmath.cli.output import emit
from convmath.cli.run import parse_place
from convmath.errors import UsageError

PICTURES = ("arithmetic", "weights", "receptive-field", "network")
GOES_WITH = {
    "at": ("arithmetic", "receptive-field"),
    "axis": ("receptive-field",),
    "animate": ("arithmetic",),
    "data": ("arithmetic", "weights"),
    "everything": ("network",),
    "layer": ("arithmetic", "weights", "receptive-field"),
    "weights": ("arithmetic", "weights"),
}
"""The pictures that each option means something for."""
NAMES = {"data": "input", "everything": "all"}


@click.command("draw")
@network_options()
@click.option("--what", type=click.Choice(PICTURES), required=True, help="The picture.")
@click.option("--layer", metavar="NAME", help="The layer; else the first that has such a picture, or the last.")
@click.option("--at", metavar="I,J", help="The element of the output that is shown, or the position along the axis.")
@click.option("--axis", type=click.IntRange(min=0), help="The axis of a receptive field, counted from 0.")
@click.option("--animate", is_flag=True, help="Move the window over all elements of a channel.")
@click.option("--input", "data", multiple=True, metavar="FILE", help="Numbers to show: .csv, .npy or .png.")
@click.option("--weights", type=click.Path(path_type=Path), help="Weights to show: .json or .npz.")
@click.option("--all", "everything", is_flag=True, help="Give activations, norms and dropout boxes of their own.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file instead of standard output.")
def command(spec: str, settings: tuple[str, ...], *, numbers: bool, what: str, **options: Any) -> None:
    """Draw SPEC, or one of its layers, as SVG.

    arithmetic: what a window reads, and what comes out. weights: a layer as the matrix by
    which it multiplies, one colour for each weight. receptive-field: all that one output
    reads, with its holes. network: boxes and arrows. Symbols take their defaults, or the
    sizes of the input.

    Exit status: 0 fine, 2 wrong usage or no such file, 3 the spec or the numbers are
    invalid, 4 a missing extra, 5 over a limit or too large to be drawn.
    """
    from convmath import api

    limits = take_limits(options)
    for name, pictures in GOES_WITH.items():
        if options[name] not in (None, False, ()) and what not in pictures:
            raise UsageError(f"--{NAMES.get(name, name)} goes with --what {' and '.join(pictures)}")
    network = read_network(spec, parse_settings(settings), numbers=numbers, limits=limits)
    drawing = api.draw(
        network,
        what,
        layer=options["layer"],
        at=parse_place(options["at"]) if options["at"] else None,
        axis=options["axis"] or 0,
        inputs=api.read_inputs(network, options["data"], limits) if options["data"] else None,
        weights=api.read_weights(options["weights"], limits) if options["weights"] else None,
        animate=options["animate"],
        everything=options["everything"],
        limits=limits,
    )
    emit(drawing.to_svg(), options["output"], ascii_only=False)
