"""What can be typed next, for the parameters of commands: specs, kinds of layers, names of the zoo.

Nothing here may import SymPy, NumPy or YAML: someone waits for the answer with a finger on the key.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeAlias

import click
from click.shell_completion import CompletionItem

PROGRAM = "convmath"
VARIABLE = "_CONVMATH_COMPLETE"
"""The variable in which the script of a shell asks."""
Items: TypeAlias = "list[CompletionItem[str]]"
SPEC = "spec"
"""The type of an item that stands for all spec files; the classes of ``shells`` resolve it."""


def specs(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:  # noqa: ARG001
    """Return the networks of the zoo, and an item for the spec files."""
    from convmath.zoo.catalogue import PREFIX, names

    return [*_matching((PREFIX + name for name in names()), incomplete), CompletionItem(incomplete, type=SPEC)]


def zoo_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:  # noqa: ARG001
    """Return the names of the zoo, bare or with the prefix, as they were begun."""
    from convmath.zoo.catalogue import PREFIX, names

    prefix = PREFIX if incomplete.startswith(PREFIX) else ""
    return _matching((prefix + name for name in names()), incomplete)


def kinds(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:  # noqa: ARG001
    """Return the kinds of layers, each with what it does."""
    from convmath.spec.kinds import VOCABULARY

    found = [(kind, (cls.__doc__ or "").partition("\n")[0].replace("``", "")) for kind, cls in VOCABULARY.items()]
    return [CompletionItem(kind, help=text) for kind, text in found if kind.startswith(incomplete)]


def _matching(words: Iterator[str], incomplete: str) -> Items:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def files(incomplete: str, endings: Collection[str] | None = None) -> Iterator[str]:
    """Yield the folders, and the files with one of the endings, whose path begins like that.

    Folders end with a slash. Hidden ones wait for their dot; a name that cannot be printed
    could neither be shown nor be told apart in an answer of lines, so there is none.
    """
    head, name = os.path.split(incomplete)
    try:
        entries = sorted(os.scandir(Path(head or ".").expanduser()), key=lambda each: each.name)
    except (OSError, ValueError, RuntimeError):
        return
    for entry in entries:
        shown = entry.name.startswith(name) and (name.startswith(".") or not entry.name.startswith("."))
        if shown and entry.name.isprintable() and (kept := _kept(entry, endings)):
            yield incomplete[: len(incomplete) - len(name)] + kept


def _kept(entry: os.DirEntry[str], endings: Collection[str] | None) -> str | None:
    if entry.is_dir():
        return entry.name + "/"
    return entry.name if endings is None or Path(entry.name).suffix.lower() in endings else None


def spec_endings() -> tuple[str, ...]:
    """Return the endings of spec files and models."""
    from convmath.importers.formats import ONNX
    from convmath.spec.files import READERS

    return (*READERS, ONNX)
