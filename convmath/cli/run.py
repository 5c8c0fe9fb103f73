"""``convmath run``: executes on real data, and writes every window as the sum that it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from convmath.cli.options import network_options, parse_settings, read_network, take_limits
from convmath.cli.output import emit, remark, width, write_whole
from convmath.errors import UsageError, inert

FORMATS = ("text", "markdown", "latex", "html", "json")
STDOUT = Path("-")


@click.command("run")
@network_options()
@click.option(
    "--input",
    "data",
    multiple=True,
    required=True,
    metavar="FILE",
    help="Numbers: .csv, .npy or .png; NAME=FILE where there are several inputs.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="Weights by layer: .json or .npz.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Fills weights not given.")
@click.option("--steps", is_flag=True, help="Write out each element as the sum of products that it is.")
@click.option("--layer", metavar="NAME", help="The output of this layer; with --steps only its elements.")
@click.option("--at", "places", multiple=True, metavar="I,J", help="With --steps: this element only, of all channels.")
@click.option("--all", "everything", is_flag=True, help="With --steps: every element, and no sum shortened.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="With --steps: form of the page; text unless given.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file: .csv, .npy or .png.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Write no character beyond ASCII.")
def command(spec: str, settings: tuple[str, ...], *, numbers: bool, **options: Any) -> None:
    """Execute SPEC on a file of numbers.

    Without --steps the result is written as CSV, or as -o FILE asks: .csv, .npy or .png.
    Symbols in the input's shape take the sizes of the data.

    Exit status: 0 fine, 2 wrong usage or no such file, 3 the spec, the data or the
    weights are invalid, 4 a missing extra, 5 over a limit.
    """
    from convmath import api

    limits = take_limits(options)
    _check(options)
    network = read_network(spec, parse_settings(settings), numbers=numbers, limits=limits)
    data = api.read_inputs(network, options["data"], limits)
    weights = api.read_weights(options["weights"], limits) if options["weights"] else None
    if not options["steps"]:
        result = api.run(network, data, weights, layer=options["layer"], seed=options["seed"], limits=limits)
        _write(result, options)
        return
    found = api.worked(
        network,
        data,
        weights,
        layer=options["layer"],
        at=[parse_place(each) for each in options["places"]],
        everything=options["everything"],
        seed=options["seed"],
        limits=limits,
    )
    form = options["form"] or "text"
    text = found.to_text(width=width()) if form == "text" else getattr(found, f"to_{form}")()
    emit(text, options["output"], ascii_only=options["ascii_only"])


def _check(options: dict[str, Any]) -> None:
    if not options["steps"] and (options["places"] or options["everything"] or options["form"]):
        raise UsageError("--at, --all and --format go with --steps")
    if options["places"] and (options["everything"] or not options["layer"]):
        raise UsageError("--at goes with --layer NAME, and not with --all")
    ending = options["output"].suffix.lower() if options["output"] else ""
    if not options["steps"] and ending not in (".csv", ".npy", ".png") and options["output"] not in (None, STDOUT):
        raise UsageError(f"{inert(str(options['output']))}: the ending must be .csv, .npy or .png")


def parse_place(text: str) -> tuple[int, ...]:
    """Read the indices of an element; Raises ``UsageError`` for what is none."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise UsageError(f"--at {inert(text)}: write indices from 0 on, as in --at 0,1")
    return tuple(map(int, parts))


def _write(result: Any, options: dict[str, Any]) -> None:
    """Write the result to standard output as CSV, or to a file by its ending."""
    from convmath import api

    path = options["output"]
    content, said = api.written(result, path.suffix.lower() if path else ".csv")
    if isinstance(content, str):
        emit(content, path, ascii_only=options["ascii_only"])
    else:
        write_whole(path, content)
    if said:
        remark(said)
