"""Files to documents: YAML, TOML and JSON say the same things."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from convmath.errors import LimitError, Problem, SpecError, Spot, UsageError, inert
from convmath.limits import Limits
from convmath.spec.document import Document, Mark
from convmath.spec.toml_marks import TomlMarks

_MOST_DIGITS = 18


def read_file(path: Path, limits: Limits) -> Document:
    """Read a spec file; the ending says the format.

    Raises ``UsageError`` where there is no such file, ``SpecError`` for its faults and
    ``LimitError`` where it is too large.
    """
    try:
        if not path.is_file():
            what = "is a directory" if path.is_dir() else "does not exist" if not path.exists() else "is no plain file"
            raise UsageError(f"{inert(str(path))} {what}")
        if path.suffix.lower() not in READERS:
            known = ", ".join(READERS)
            raise UsageError(f"{inert(str(path))}: the ending says no format that convmath reads; it reads {known}")
        with path.open("rb") as file:
            raw = file.read(limits.spec_bytes + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"{inert(str(path))} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return read_bytes(raw, str(path), path.suffix.lower(), limits)


def read_bytes(raw: bytes, file: str, ending: str, limits: Limits) -> Document:
    """Read the bytes of a spec in the format that *ending* names."""
    if len(raw) > limits.spec_bytes:
        message = f"the file has more than {limits.spec_bytes} bytes"
        raise LimitError(Problem("too-large", message, f"{limits.flag('spec_bytes')} raises the limit", file=file))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(file, "bad-encoding", f"byte {error.start} is no UTF-8") from None
    return READERS[ending](text, file, limits)


def read_any(raw: bytes, file: str, limits: Limits) -> Document:
    """Read bytes of no known ending: JSON begins with a brace, TOML with ``name = ``, the rest is YAML."""
    lines = (line.strip() for line in raw[:4096].decode("utf-8", "replace").lstrip("\ufeff").splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if first.startswith("{"):
        return read_bytes(raw, file, ".json", limits)
    if re.match(r"(\[|[A-Za-z_-]+\s*=)", first):
        return read_bytes(raw, file, ".toml", limits)
    return read_bytes(raw, file, ".yaml", limits)


def _read_yaml(text: str, file: str, limits: Limits) -> Document:
    from convmath.spec.yaml_reader import YamlReader, marks_of

    return Document(file, text, YamlReader(text, file, limits).read(), lambda: marks_of(text, file, limits))


def _read_json(text: str, file: str, limits: Limits) -> Document:
    def refuse_constant(name: str) -> NoReturn:
        raise _refusal(file, "bad-number", f"{name} is no number")

    def whole(digits: str) -> int:
        if len(digits.lstrip("-")) > _MOST_DIGITS:
            raise _refusal(file, "number-too-long", f"a number of {len(digits)} digits; the limit is {_MOST_DIGITS}")
        return int(digits)

    def decimal(digits: str) -> float:
        number = float(digits) if len(digits) <= 40 else math.inf
        if not math.isfinite(number):
            raise _refusal(file, "bad-number", f"{digits[:40]} is too large a number")
        return number

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, held in items:
            if key in found:
                raise _refusal(file, "duplicate-key", f"'{key}' is given twice in one object")
            found[key] = held
        return found

    _check_depth(text, file, limits)
    try:
        data = json.loads(
            text, parse_constant=refuse_constant, parse_int=whole, parse_float=decimal, object_pairs_hook=pairs
        )
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        shown = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
        spot = Spot(file, error.lineno, error.colno, 1, shown)
        raise SpecError(Problem("bad-json", error.msg, spot=spot)) from None
    except RecursionError:
        raise _too_deep(file, limits) from None
    _check_nodes(data, file, limits)
    return Document(file, text, data, _json_marks(text, file, limits))


def _json_marks(text: str, file: str, limits: Limits) -> Callable[[], dict[tuple[str | int | None, ...], Mark]]:
    def find_marks() -> dict[tuple[str | int | None, ...], Mark]:
        from convmath.spec.yaml_reader import marks_of  # only a faulty file pays for PyYAML

        return marks_of(text, file, limits)

    return find_marks


def _read_toml(text: str, file: str, limits: Limits) -> Document:
    _check_depth(text, file, limits)
    _check_dots(text, file, limits)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+), column (\d+)", str(error))
        spot = None
        if found:
            line, column = int(found[1]), int(found[2])
            lines = text.splitlines()
            spot = Spot(file, line, column, 1, lines[line - 1] if line <= len(lines) else "")
        raise SpecError(Problem("bad-toml", str(error).split(" (at")[0], spot=spot, file=file)) from None
    except (RecursionError, ValueError) as error:
        raise _refusal(file, "bad-toml", f"unreadable: {type(error).__name__}") from None
    _check_nodes(data, file, limits)
    return Document(file, text, _plain(data, file), lambda: TomlMarks(text).find())


def _plain(data: Any, file: str) -> Any:
    """Refuse what TOML has and the spec language does not: dates, ``inf`` and ``nan``."""
    match data:
        case dict():
            return {key: _plain(held, file) for key, held in data.items()}
        case list():
            return [_plain(held, file) for held in data]
        case float() if not math.isfinite(data):
            raise _refusal(file, "bad-number", f"{data} is no number")
        case int() if abs(data) >= 10**_MOST_DIGITS:
            raise _refusal(file, "number-too-long", f"a number of more than {_MOST_DIGITS} digits")
        case bool() | int() | float() | str():
            return data
        case _:
            raise _refusal(file, "bad-value", f"{data} is a date or a time, which no field takes", "quote it")


def _check_depth(text: str, file: str, limits: Limits) -> None:
    """Refuse deep nesting before a recursive parser meets it; brackets inside strings do not count."""
    depth = 0
    for token in re.finditer(r'"(?:[^"\\\n]|\\.)*+"?|[\[{]|[\]}]', text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        if depth > limits.depth:
            raise _too_deep(file, limits)


def _check_dots(text: str, file: str, limits: Limits) -> None:
    """Refuse long dotted keys, which take ``tomllib`` quadratic time; dots inside strings do not count."""
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*+"?|\'[^\'\n]*+\'?', "''", text)
    if any(piece.count(".") >= limits.depth for piece in re.split(r"[\n=,#\[\]{}]", bare)):
        raise _too_deep(file, limits)


def _check_nodes(data: Any, file: str, limits: Limits) -> None:
    """Refuse too many values, and nesting without brackets: ``a.b.c = 1``."""
    count = 0
    pending = [(data, 0)]
    while pending:
        held, depth = pending.pop()
        count += 1
        if count > limits.nodes:
            message = f"more than {limits.nodes} values"
            raise LimitError(Problem("too-many-nodes", message, f"{limits.flag('nodes')} raises the limit", file=file))
        if isinstance(held, dict | list):
            if depth >= limits.depth:
                raise _too_deep(file, limits)
            pending.extend((each, depth + 1) for each in (held.values() if isinstance(held, dict) else held))


def _too_deep(file: str, limits: Limits) -> LimitError:
    message = f"nested more than {limits.depth} deep"
    return LimitError(Problem("too-deep", message, f"{limits.flag('depth')} raises the limit", file=file))


def _refusal(file: str, code: str, message: str, help: str | None = None) -> SpecError:
    return SpecError(Problem(code, message, help, file=file))


READERS: dict[str, Callable[[str, str, Limits], Document]] = {
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".toml": _read_toml,
    ".json": _read_json,
}
