"""Options that several commands share: the spec, its settings, the limits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from convmath.errors import UsageError, inert
from convmath.limits import Limits
from convmath.spec.graph import Network

STDIN = "-"


def network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add SPEC, ``--set``, ``--numbers`` and the limits to a command."""
    for each in reversed(fields(Limits)):
        option = click.option(
            "--max-" + each.name.replace("_", "-"),
            type=click.IntRange(min=1),
            default=each.default,
            show_default=True,
            envvar=f"CONVMATH_MAX_{each.name.upper()}",
            help=f"Limit: {each.metadata['help']}.",
        )
        command = option(command)
    command = click.option("--numbers", is_flag=True, help="Bind every symbol to its default.")(command)
    command = click.option(
        "--set", "settings", multiple=True, metavar="NAME=EXPR", help="Bind a symbol or a value, as in --set H=224."
    )(command)
    return click.argument("spec")(command)


def take_limits(given: dict[str, Any]) -> Limits:
    """Take the limits out of a command's options."""
    return Limits(**{each.name: given.pop(f"max_{each.name}") for each in fields(Limits)})


def parse_settings(given: tuple[str, ...]) -> dict[str, int | str]:
    """Read ``NAME=EXPR`` settings; Raises ``UsageError`` for what is none."""
    found: dict[str, int | str] = {}
    for each in given:
        name, equals, text = (part.strip() for part in each.partition("="))
        if not equals or not name or not text:
            raise UsageError(f"--set {inert(each)}: write NAME=EXPR, as in --set H=224")
        if name in found:
            raise UsageError(f"--set {inert(name)} is given twice")
        found[name] = text
    return found


def read_network(spec: str, settings: dict[str, int | str], *, numbers: bool, limits: Limits) -> Network:
    """Read SPEC: a file, ``zoo:NAME``, or ``-`` for standard input."""
    from convmath import api

    if spec == STDIN:
        raw = sys.stdin.buffer.read(limits.spec_bytes + 1)
        return api.load_bytes(raw, "<stdin>", settings, numbers=numbers, limits=limits)
    return api.load(spec, settings, numbers=numbers, limits=limits)
