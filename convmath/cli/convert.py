"""``convmath convert``: a network as a spec file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from convmath.cli.options import file_option, network_options, parse_settings, read_network, take_limits
from convmath.cli.output import emit


@click.command("convert")
@network_options()
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

    form = api.form_of(file)
    network = read_network(spec, parse_settings(settings), numbers=numbers, limits=take_limits(options))
    emit(api.to_spec(network, form), file, ascii_only=False)
