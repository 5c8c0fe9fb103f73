"""YAML without surprises: the 1.2 core schema, no anchors, tags or merges, bounded depth.

PyYAML finds the events; nothing of it constructs a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

import yaml

from convmath.errors import LimitError, Problem, SpecError, Spot
from convmath.limits import Limits
from convmath.spec.document import Mark

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
MOST_DIGITS = 18
_BLOCK_INSTEAD = "write the part once as a block, and call the block"
_ADVICE = (
    ("mapping values are not allowed", "put a space after '-' and ':'; write '- conv: {…}'"),
    ("not find expected|^expected", "check the indentation, and that brackets and braces are closed"),
)
"""What is wrong, in the words of PyYAML's two parsers, and what to do about it."""


def marks_of(text: str, file: str, limits: Limits) -> dict[tuple[str | int | None, ...], Mark]:
    """Return the place of every value of a file that was read before; JSON is YAML as far as places go."""
    reader = YamlReader(text, file, limits, with_marks=True)
    try:
        reader.read()
    except SpecError:
        return {}
    return reader.marks or {}


class YamlReader:
    """One pass over the events of a file: plain data and, on request, the marks of all values."""

    def __init__(self, text: str, file: str, limits: Limits, *, with_marks: bool = False) -> None:
        self.text, self.file, self.limits = text, file, limits
        self.marks: dict[tuple[str | int | None, ...], Mark] | None = {} if with_marks else None
        self.count = 0
        self.events: Iterator[Any] = iter(())

    def read(self) -> Any:
        """Return the data of the only document; None for an empty file."""
        try:
            self.events = iter(yaml.parse(self.text, Loader=_Loader))
            return self._document()
        except SpecError:
            raise
        except yaml.MarkedYAMLError as error:
            message = str(error.problem or error)
            if "nesting depth" in message:  # PyYAML's own limit, which its newer releases have
                raise self._limit(
                    "too-deep", f"nested more than {self.limits.depth} deep", "depth", error.problem_mark
                ) from None
            raise self._refuse(
                "bad-yaml", message, error.problem_mark, self._advice(message, error.problem_mark)
            ) from None
        except Exception as error:  # noqa: BLE001 PyYAML raises more than its own errors on broken input
            raise self._refuse("bad-yaml", str(error).split("\n")[0] or type(error).__name__, None) from None

    def _document(self) -> Any:
        data: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refuse(
                        "bad-yaml", "a second document begins here", event.start_mark, "keep one network per file"
                    )
            elif isinstance(event, yaml.NodeEvent):
                data = self._node(event, (), 0)
        return data

    def _node(self, event: Any, path: tuple[str | int, ...], depth: int) -> Any:
        self.count += 1
        if self.count > self.limits.nodes:
            raise self._limit("too-many-nodes", f"more than {self.limits.nodes} values", "nodes", event.start_mark)
        self._check_anchor(event)
        if event.tag is not None:
            raise self._refuse("tag", f"the tag '{event.tag}' is not allowed", event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            self._mark(path, event)
            return self._scalar(event)
        if depth >= self.limits.depth:
            raise self._limit("too-deep", f"nested more than {self.limits.depth} deep", "depth", event.start_mark)
        self._mark(path, event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._mapping(path, depth)

    def _sequence(self, path: tuple[str | int, ...], depth: int) -> list[Any]:
        items: list[Any] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, path: tuple[str | int, ...], depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event)
            if key in entries:
                message = f"'{key}' is given twice, first in line {lines[key]}"
                raise self._refuse("duplicate-key", message, event.start_mark, "keep one of the two")
            lines[key] = event.start_mark.line + 1
            if self.marks is not None:
                self.marks[(*path, key, None)] = self._place(event)
            entries[key] = self._node(next(self.events), (*path, key), depth + 1)
        return entries

    def _check_anchor(self, event: Any) -> None:
        if event.anchor is not None:
            raise self._refuse("anchor", "anchors and aliases are not allowed", event.start_mark, _BLOCK_INSTEAD)

    def _key(self, event: Any) -> str:
        self._check_anchor(event)
        if isinstance(event, yaml.ScalarEvent) and event.tag is None:
            if event.value == "<<" and event.implicit[0]:
                raise self._refuse("merge-key", "merge keys are not allowed", event.start_mark, _BLOCK_INSTEAD)
            if not event.implicit[0] or isinstance(self._scalar(event), str):
                return str(event.value)
            if event.value:
                message = f"the key {event.value} is no text"
                raise self._refuse("bad-key", message, event.start_mark, f'quote it: "{event.value}"')
        raise self._refuse("bad-key", "a key must be plain text", event.start_mark)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            if len(text.lstrip("+-")) > MOST_DIGITS:
                message = f"a number of {len(text)} digits; the limit is {MOST_DIGITS}"
                raise self._refuse("number-too-long", message, event.start_mark)
            return int(text)
        if _LEADING_ZERO.fullmatch(text):
            help_ = f'write {int(text[:40])}, or quote it if it is a name: "{text[:40]}"'
            raise self._refuse("bad-number", f"'{text}' starts with a zero", event.start_mark, help_)
        if _DECIMAL.fullmatch(text) and len(text) <= 40:
            number = float(text)
            if not isfinite(number):
                raise self._refuse("bad-number", f"{text} is too large a number", event.start_mark)
            return number
        return text

    def _mark(self, path: tuple[str | int, ...], event: Any) -> None:
        if self.marks is not None:
            self.marks[path] = self._place(event)

    @staticmethod
    def _place(event: Any) -> Mark:
        start, end = event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else 1
        return start.line, start.column, max(1, width)

    def _problem(self, code: str, message: str, mark: Any, help: str | None = None) -> Problem:
        spot = None
        if mark is not None:
            lines = self.text.splitlines()
            shown = lines[mark.line] if mark.line < len(lines) else ""
            spot = Spot(self.file, mark.line + 1, mark.column + 1, 1, shown)
        return Problem(code, message, help, spot=spot, file=self.file)

    def _advice(self, message: str, mark: Any) -> str | None:
        """Return what most often mends a fault that PyYAML found."""
        lines = self.text.splitlines()
        line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
        if "\t" in line[: len(line) - len(line.lstrip())]:
            return "indent with spaces"
        return next((help_ for pattern, help_ in _ADVICE if re.search(pattern, message)), None)

    def _refuse(self, code: str, message: str, mark: Any, help: str | None = None) -> SpecError:
        return SpecError(self._problem(code, message, mark, help))

    def _limit(self, code: str, message: str, name: str, mark: Any) -> LimitError:
        return LimitError(self._problem(code, message, mark, f"{self.limits.flag(name)} raises the limit"))
