"""``convmath check``: puts claimed formulas on trial."""

from __future__ import annotations

from typing import Any

import click

from convmath.cli.options import STDIN, file_option, limit_options, read_stdin, take_limits
from convmath.cli.output import emit, width
from convmath.errors import CheckFailed


@click.command("check")
@limit_options
@click.argument("claims")
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True)
@file_option
@click.option("--ascii", "ascii_only", is_flag=True, help="Write no character beyond ASCII.")
def command(claims: str, *, form: str, **options: Any) -> None:
    """Put the formulas of CLAIMS, a YAML, TOML or JSON file, on trial.

    Each is proved for all admissible integers, confirmed on many, or refuted by the
    smallest counterexample. Exit status: 0 all verdicts are expected, 1 one is not, as a
    refuted claim that does not say so, 2 wrong usage, 3 a claim is invalid, 5 over a limit.
    """
    from convmath import api

    limits = take_limits(options)
    if claims == STDIN:
        found = api.check_bytes(read_stdin(limits), "<stdin>", limits=limits)
    else:
        found = api.check(claims, limits=limits)
    text = found.to_json() if form == "json" else found.to_table(width=width())
    emit(text, options["file"], ascii_only=options["ascii_only"])
    wrong = [each for each in found if not each.expected]
    if wrong:
        told = "; ".join(f"{each.id} is {each.verdict}" for each in wrong)
        raise CheckFailed(f"not as expected: {told}")
