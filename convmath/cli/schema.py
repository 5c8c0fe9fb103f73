"""``convmath schema``: the JSON Schema of a spec file, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from convmath.cli.options import file_option
from convmath.cli.output import emit


@click.command("schema")
@file_option
def command(file: Path | None) -> None:
    """Print the JSON Schema of a spec file, with which editors complete, explain and check.

    Exit status: 0 fine, 2 the file cannot be written.
    """
    import json

    from convmath.spec.schema import schema

    emit(json.dumps(schema(), indent=2), file, ascii_only=True)
