"""``residual`` and ``parallel``: branches that part from one output and are joined again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from convmath.spec.document import Path
from convmath.spec.fields import show
from convmath.spec.kinds import VOCABULARY
from convmath.spec.reader import EntryReader
from convmath.spec.sources import COMMON, check_ranks

if TYPE_CHECKING:
    from convmath.spec.build import Builder, Frame

MERGES = ("concat", "add", "multiply")


def residual(builder: Builder, held: Any, reader: EntryReader, frame: Frame) -> None:
    """Read ``residual``: its layers, added to what arrives or to the shortcut's output."""
    given = {"layers": held} if isinstance(held, list) else held
    if not isinstance(given, dict):
        message = f"{show(held)} is no list of layers"
        raise reader.refuse(
            "not-fields", message, help="write 'residual: [LAYER, …]' or '{layers: […], shortcut: […]}'"
        )
    meant = builder.only(given, (*COMMON, "layers", "shortcut"), "residual", reader)
    if "layers" not in given:
        if "layers" in meant:
            return
        raise reader.refuse("missing-field", "'residual' needs 'layers'", key=True)
    path = (*reader.path, "layers") if isinstance(held, dict) else reader.path
    parts = [(given["layers"], path)]
    shortcut = given.get("shortcut")
    parts.append(([] if shortcut is None else shortcut, (*reader.path, "shortcut")))
    _branches(builder, "residual", "add", parts, given.get("name"), reader, frame)


def parallel(builder: Builder, held: Any, reader: EntryReader, frame: Frame) -> None:
    """Read ``parallel``: branches that all begin with what arrives, and how they are merged."""
    usage = "write 'parallel: {merge: concat, branches: [[LAYER, …], [LAYER, …]]}'"
    if not isinstance(held, dict):
        raise reader.refuse("not-fields", f"{show(held)} is no set of fields of 'parallel'", help=usage)
    meant = builder.only(held, (*COMMON, "merge", "branches"), "parallel", reader)
    for needed in ("merge", "branches"):
        if needed not in held:
            if needed in meant:
                return
            raise reader.refuse("missing-field", f"'parallel' needs '{needed}'", help=usage, key=True)
    merge, _ = reader.resolve(held["merge"])
    if merge not in MERGES:
        raise reader.refuse("unknown-word", f"{show(merge)} is not one of {', '.join(MERGES)}", "merge")
    listed = held["branches"]
    if not isinstance(listed, list) or not listed:
        raise reader.refuse("not-a-list", f"{show(listed)} is no list of branches", "branches", help=usage)
    parts = [(each, (*reader.path, "branches", at)) for at, each in enumerate(listed)]
    _branches(builder, "parallel", merge, parts, held.get("name"), reader, frame)


def _branches(
    builder: Builder,
    word: str,
    merge: str,
    parts: list[tuple[Any, Path]],
    given: Any,
    reader: EntryReader,
    frame: Frame,
) -> None:
    """Read each branch from the output that arrives, and merge what they end with."""
    builder.check_nesting(frame)
    start, inner = len(builder.nodes), frame.at(frame.producer)
    name = None
    if given is not None:
        name = builder.name(given, word, reader, frame)
        inner = replace(inner, prefix=f"{name}.", counts=Counter())
    ends: list[int] = []
    for raw, path in parts:
        one = replace(inner)
        builder.entries(raw, path, one)
        if one.producer is None:
            raise reader.refuse("no-input", "nothing arrives at a branch", help="begin it with 'from: NAME'", key=True)
        ends.append(one.producer)
    check_ranks(builder, tuple(ends), reader)
    full = builder.name(None, merge, reader, inner)
    frame.producer = builder.append(full, VOCABULARY[merge](), merge, reader.path, frame, tuple(ends))
    if name is not None:
        builder.close(name, start)
