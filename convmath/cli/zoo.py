"""``convmath zoo``: browse the networks that are built in, and check what was published about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from convmath.cli.complete import zoo_names
from convmath.cli.output import emit
from convmath.errors import CheckFailed, UsageError


@click.command("zoo")
@click.argument("name", required=False, shell_complete=zoo_names)
@click.option("--check", is_flag=True, help="Hold every published figure against what is derived.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Write no character beyond ASCII.")
def command(name: str | None, *, check: bool, ascii_only: bool) -> None:
    """List the built-in networks, print the spec of NAME, or check the published figures.

    Exit status: 0 fine, 1 a published figure disagrees, 2 there is no such network.
    """
    from convmath.zoo.catalogue import PREFIX, names, spec_of

    if name is not None:
        name = name.removeprefix(PREFIX)
        spec = spec_of(name)
        if not check:
            emit(spec.rstrip("\n"), None, ascii_only=ascii_only)
            return
    if check:
        _check(names() if name is None else (name,), ascii_only=ascii_only)
        return
    from convmath.render.zoo import render_list

    emit(render_list(list(_entries(names()))), None, ascii_only=ascii_only)


def _entries(names: tuple[str, ...]) -> Iterator[Any]:
    from convmath import api
    from convmath.render.zoo import Entry

    for name in names:
        network = api.load(f"zoo:{name}", numbers=True)
        totals = api.Report(network).analysis.report.totals
        about = network.about
        yield Entry(name, str(about.get("family", "")), str(about.get("year", "")), totals)


def _check(names: tuple[str, ...], *, ascii_only: bool) -> None:
    from convmath import api
    from convmath.render.zoo import render_check
    from convmath.zoo.published import rows

    found = [row for name in names for row in rows(name, api.load(f"zoo:{name}"))]
    if not found:
        raise UsageError(f"nothing is published about {', '.join(names)} here")
    emit(
        render_check([(row.network, row.what, row.at, row.published, row.derived, row.agrees) for row in found]),
        None,
        ascii_only=ascii_only,
    )
    wrong = sum(not row.agrees for row in found)
    if wrong:
        raise CheckFailed(f"{wrong} of {len(found)} published figures disagree")
