"""Plain data as the text of a file: YAML as a person would write it, JSON and TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from convmath.spec.writing.yaml_text import to_yaml

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def to_json(data: dict[str, Any]) -> str:
    """Return the spec as JSON."""
    return json.dumps(data, indent=2, ensure_ascii=False)


def to_toml(data: dict[str, Any]) -> str:
    """Return the spec as TOML: a line for every layer, since a table of tables would take many."""
    return "\n".join(f"{_key(key)} = {_toml(held, 0)}" for key, held in data.items() if held is not None)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    """Return a basic string; what JSON escapes TOML does, and one character more."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml(held: Any, depth: int) -> str:
    match held:
        case dict():
            inner = ", ".join(
                f"{_key(str(key))} = {_toml(each, depth)}" for key, each in held.items() if each is not None
            )
            return f"{{{inner}}}"
        case list() if any(isinstance(each, dict | list) for each in held):
            pad = "  " * (depth + 1)
            inner = ",\n".join(f"{pad}{_toml(each, depth + 1)}" for each in held)
            return f"[\n{inner}\n{'  ' * depth}]"
        case list():
            return f"[{', '.join(_toml(each, depth) for each in held)}]"
        case bool() | None:
            return _string("null") if held is None else str(held).lower()  # TOML has no word for nothing
        case str():
            return _string(held)
    return repr(held)


WRITERS: dict[str, Callable[[dict[str, Any]], str]] = {
    ".yaml": to_yaml,
    ".yml": to_yaml,
    ".toml": to_toml,
    ".json": to_json,
}
