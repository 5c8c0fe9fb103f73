"""``convmath convert``: a network as a spec file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from convmath.cli.options import (
    file_option,
    network_options,
    output_option,
    parse_settings,
    read_network,
    take_limits,
)
from convmath.cli.output import emit, write_whole
from convmath.errors import UsageError, inert


@click.command("convert")
@network_options()
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the numbers that a model holds to an .npz archive, by the layers of the spec; run --weights reads it.",
)
@output_option
@file_option
def command(spec: str, settings: tuple[str, ...], file: Path | None, *, numbers: bool, **options: Any) -> None:
    """Write SPEC as a file of the spec language that a person can read and go on with.

    It describes the same layers in the same order. Branches are written as residual and
    parallel, equal layers in a row as repeat. The ending of FILE says the form: .yaml,
    .yml, .toml or .json; standard output gets YAML.

    Exit status: 0 fine, 2 wrong usage or no such file, 3 the network is invalid or no
    file can say it, 4 a missing extra or an unsupported model, 5 over a limit.
    """
    from convmath import api

    form, weights = api.form_of(file), options["weights"]
    if weights and weights.suffix.lower() != ".npz":
        raise UsageError(f"{inert(str(weights))}: weights go into an archive that ends in .npz")
    limits = take_limits(options)
    network = read_network(
        spec,
        parse_settings(settings),
        numbers=numbers,
        limits=limits,
        output=options["output"],
    )
    text = api.to_spec(network, form)
    if weights:
        write_whole(weights, api.weights_of(network, text, form))
    emit(text, file, ascii_only=False)
