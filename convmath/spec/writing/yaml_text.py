"""YAML in the style of the zoo: a layer on a line, fields in braces, lists of layers in block style."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

WIDTH = 118
SHORT = 3
"""Lists of so many layers stand on one line, where they fit."""
_PLAIN = re.compile(r"[A-Za-z0-9_/(][A-Za-z0-9_./+*()% -]*")
_SPECIAL = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|null|true|false|yes|no|on|off|y|n", re.IGNORECASE
)
LISTS = ("layers", "branches", "shortcut")


def to_yaml(data: dict[str, Any]) -> str:
    """Return the spec as YAML."""
    return "\n".join(line for key, held in data.items() for line in _field(key, held, 0))


def _field(key: str, held: Any, indent: int) -> Iterator[str]:
    """Yield the lines of a key with its value."""
    pad = " " * indent
    head = f"{pad}{scalar(key)}:"
    if key in LISTS and isinstance(held, list) and held:
        one = f"{head} {_flow(held)}"
        if indent and _is_short(held) and len(one) <= WIDTH:
            yield one
            return
        yield head
        for each in held:
            yield from _branch(each, indent + 2) if key == "branches" else _entry(each, indent + 2)
        return
    one = f"{head} {_flow(held, pairs=False)}"
    if len(one) <= WIDTH or not isinstance(held, dict | list) or not held:
        yield one
    elif isinstance(held, dict):
        yield head
        for inner, each in held.items():
            yield from _field(inner, each, indent + 2)
    elif any(isinstance(each, dict | list) for each in held):
        yield head
        for each in held:
            yield f"{pad}  - {_flow(each, pairs=False)}"
    else:
        yield from _wrapped(f"{head} [", [_flow(each) for each in held], indent + 4)


def _entry(entry: Any, indent: int) -> Iterator[str]:
    """Yield the lines of one layer."""
    pad = " " * indent
    if not isinstance(entry, dict):
        yield f"{pad}- {_flow(entry)}"
        return
    [(word, held)] = entry.items()
    one = f"{pad}- {_flow_pair(word, held)}"
    if len(one) <= WIDTH and not _holds_many(held):
        yield one
    elif isinstance(held, list) and word == "residual":
        yield f"{pad}- {scalar(word)}:"
        for each in held:
            yield from _entry(each, indent + 4)
    elif isinstance(held, list):
        yield from _wrapped(f"{pad}- {scalar(word)}: [", [_flow(each) for each in held], indent + 4)
    elif isinstance(held, dict):
        yield f"{pad}- {scalar(word)}:"
        for key, each in held.items():
            yield from _field(key, each, indent + 4)
    else:
        yield one


def _branch(branch: list[Any], indent: int) -> Iterator[str]:
    """Yield the lines of one branch of several."""
    pad = " " * indent
    one = f"{pad}- {_flow(branch)}"
    if not branch or (_is_short(branch) and len(one) <= WIDTH):
        yield one
        return
    lines = [line for each in branch for line in _entry(each, indent + 2)]
    yield f"{pad}- {lines[0].lstrip()}"
    yield from lines[1:]


def _wrapped(head: str, words: list[str], indent: int) -> Iterator[str]:
    """Yield a list in brackets, broken where the line is full."""
    line = head
    for at, word in enumerate(words):
        piece = word + ("," if at + 1 < len(words) else "]")
        if line != head and len(line) + 1 + len(piece) > WIDTH:
            yield line
            line = " " * indent + piece
        else:
            line += piece if line == head else f" {piece}"
    yield line


def _is_short(entries: list[Any]) -> bool:
    """Tell whether layers may stand on one line: a few, none of which holds others."""
    return (
        len(entries) <= SHORT
        and not any(
            isinstance(each, dict) and _holds(held)
            for each in entries
            for held in (each.values() if isinstance(each, dict) else ())
        )
        and not any(isinstance(each, list) for each in entries)
    )


def _holds(held: Any) -> bool:
    """Tell whether the value of an entry holds entries."""
    return any(key in held for key in LISTS) if isinstance(held, dict) else _is_residual(held)


def _is_residual(held: Any) -> bool:
    return isinstance(held, list) and any(isinstance(each, dict) for each in held)


def _holds_many(held: Any) -> bool:
    """Tell whether the value of an entry holds more entries than one line should."""
    if isinstance(held, dict):
        return any(key in held for key in LISTS)
    return _is_residual(held) and not _is_short(held)


def _flow(held: Any, *, pairs: bool = True) -> str:
    """Return a value on one line; *pairs* writes mappings of one key inside lists without braces, as layers are."""
    match held:
        case dict():
            return f"{{{', '.join(f'{scalar(str(key))}: {_flow(each, pairs=pairs)}' for key, each in held.items())}}}"
        case list():
            return f"[{', '.join(_item(each, pairs=pairs) for each in held)}]"
    return scalar(held)


def _item(held: Any, *, pairs: bool) -> str:
    if pairs and isinstance(held, dict) and len(held) == 1:
        [(word, each)] = held.items()
        return _flow_pair(word, each)
    return _flow(held, pairs=pairs)


def _flow_pair(word: str, held: Any) -> str:
    return f"{scalar(word)}: {_flow(held)}"


def scalar(held: Any) -> str:
    """Return a number, a flag or a text, quoted where it would be read as something else."""
    match held:
        case None:
            return "null"
        case bool():
            return str(held).lower()
        case str():
            plain = _PLAIN.fullmatch(held) and not held.endswith(" ") and not _SPECIAL.fullmatch(held)
            return held if plain else json.dumps(held, ensure_ascii=False)
    return repr(held)
