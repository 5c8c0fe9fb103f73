"""Options that several commands share: the spec, its settings, the limits."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from convmath.cli.complete import specs
from convmath.errors import UsageError, inert
from convmath.importers.formats import is_callable
from convmath.limits import Limits
from convmath.spec.graph import Network

STDIN = "-"


class ByteSize(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes, with or without a unit: 4GiB, 512M, 1000000."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d{1,15})\s*([KMGT]?)(i?B)?", value.strip(), re.IGNORECASE)
        if not match or not int(match[1]):
            self.fail(f"{value!r} is no number of bytes; write it as in 4GiB", param, ctx)
        return int(match[1]) << 10 * " KMGT".index(match[2].upper() or " ")


def network_options(*, required: bool = True, many: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds SPEC, or many, how it is read, and the limits to a command."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        command = limit_options(command)
        command = click.option(
            "--allow-opaque", is_flag=True, help="Let operators of a model that are unknown stand as opaque layers."
        )(command)
        command = click.option(
            "--input-shape",
            "shapes",
            multiple=True,
            metavar="SHAPE",
            help="Shape of a trusted module's input, 3,H,W unless given; NAME=SHAPE for each of several.",
        )(command)
        command = click.option(
            "--trust", is_flag=True, help="Import SPEC, a package.module:callable that makes a module of PyTorch."
        )(command)
        command = click.option("--numbers", is_flag=True, help="Bind every symbol to its default.")(command)
        command = click.option(
            "--set", "settings", multiple=True, metavar="NAME=EXPR", help="Bind a symbol or a value, as in --set H=224."
        )(command)
        if many:
            argument = click.argument("specs", required=required, nargs=-1, metavar="SPEC...", shell_complete=specs)
            return argument(command)
        return click.argument("spec", required=required, shell_complete=specs)(command)

    return add


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for every limit to a command."""
    for each in reversed(fields(Limits)):
        option = click.option(
            "--max-" + each.name.replace("_", "-"),
            type=ByteSize() if "unit" in each.metadata else click.IntRange(min=1),
            default=each.default,
            show_default=True,
            envvar=f"CONVMATH_MAX_{each.name.upper()}",
            help=f"Limit: {each.metadata['help']}.",
        )
        command = option(command)
    return command


output_option = click.option(
    "--output", metavar="NAME", help="Leave out what this output, or this layer, does not need; totals are without it."
)
file_option = click.option(
    "-o", "file", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file instead of standard output."
)


def take_limits(given: dict[str, Any]) -> Limits:
    """Take the limits out of a command's options."""
    return Limits(**{each.name: given.pop(f"max_{each.name}") for each in fields(Limits)})


def parse_settings(given: tuple[str, ...]) -> dict[str, int | str]:
    """Read ``NAME=EXPR`` settings; Raises ``UsageError`` for what is none."""
    found: dict[str, int | str] = {}
    for each in given:
        name, text = parse_pair("--set", each.partition("="), "NAME=EXPR, as in --set H=224")
        if name in found:
            raise UsageError(f"--set {inert(name)} is given twice")
        found[name] = text
    return found


def parse_pair(option: str, parts: tuple[str, str, str], how: str) -> tuple[str, str]:
    """Return both sides of an equals sign, at which *parts* were split; raises ``UsageError`` where one is missing."""
    left, _, right = (part.strip() for part in parts)
    if not left or not right:
        raise UsageError(f"{option} {inert(''.join(parts))}: write {how}")
    return left, right


def read_network(
    spec: str,
    settings: dict[str, int | str],
    *,
    numbers: bool,
    limits: Limits,
    output: str | None = None,
) -> Network:
    """Read SPEC: a file, ``zoo:NAME``, or ``-`` for standard input; only what *output* needs, where it is given.

    How a model is read, as ``--trust`` says, stands in the context of the command.
    """
    from convmath import api

    given = click.get_current_context().params
    allow_opaque = given["allow_opaque"]
    trusted = given["trust"] and is_callable(spec)
    if given["shapes"] and not trusted:
        raise UsageError("--input-shape goes with --trust and package.module:callable; other networks have their own")
    if given["trust"] and not trusted and is_callable(f"{spec}:made") and not _exists(spec):
        raise UsageError(f"there is no file {inert(spec)}; of Python code --trust takes package.module:callable")
    if spec == STDIN:
        raw = read_stdin(limits, api.most_bytes)
        return api.load_bytes(
            raw, "<stdin>", settings, numbers=numbers, allow_opaque=allow_opaque, output=output, limits=limits
        )
    if trusted:
        return api.load_trusted(
            spec, given["shapes"], settings, numbers=numbers, allow_opaque=allow_opaque, output=output, limits=limits
        )
    return api.load(spec, settings, numbers=numbers, allow_opaque=allow_opaque, output=output, limits=limits)


def _exists(spec: str) -> bool:
    """Tell whether there is a file; what no path can be is none."""
    try:
        return Path(spec).exists()
    except (OSError, ValueError):
        return False


def read_stdin(limits: Limits, most: Callable[[bytes, Limits], int] | None = None) -> bytes:
    """Read a file from standard input, up to one byte more than is allowed; *most* tells that from how it begins."""
    if sys.stdin is None:
        raise UsageError("standard input is closed; name a file, or send one")
    raw = sys.stdin.buffer.read(limits.spec_bytes + 1)
    allowed = most(raw, limits) if most else limits.spec_bytes
    return raw + sys.stdin.buffer.read(allowed + 1 - len(raw)) if allowed >= len(raw) else raw
