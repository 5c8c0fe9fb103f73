"""Where the keys and values of a TOML file stand: ``tomllib`` reads the file, but says nothing of places."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections import Counter
from itertools import accumulate

from convmath.spec.document import Mark, Path

_SKIP = re.compile(r"(?:\s|#[^\n]*)*+")
_BASIC, _LITERAL = r'"(?:[^"\\\n]|\\.)*+"', r"'[^'\n]*+'"
_KEY = re.compile(rf"[A-Za-z0-9_-]+|{_BASIC}|{_LITERAL}")
_LONG = r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*+"{3,5}' + r"|'''(?:[^']|'{1,2}(?!'))*+'{3,5}"
_SCALAR = re.compile(rf"{_LONG}|{_BASIC}|{_LITERAL}|[^,\]}}\s#]+", re.DOTALL)


class TomlMarks:
    """One pass over a text that ``tomllib`` has read without a fault."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.starts = [0, *accumulate(map(len, text.splitlines(keepends=True)))]
        self.marks: dict[tuple[str | int | None, ...], Mark] = {}
        self.tables: Counter[Path] = Counter()

    def find(self) -> dict[tuple[str | int | None, ...], Mark]:
        """Return the place of every value and key; none at all where the text is not understood."""
        table: Path = ()
        try:
            while self._peek():
                if self._peek() == "[":
                    table = self._header()
                else:
                    self._pair(table)
        except _NotUnderstoodError:
            return {}
        return self.marks

    def _peek(self) -> str:
        self.at = self._matched(_SKIP).end()
        return self.text[self.at : self.at + 1]

    def _matched(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise _NotUnderstoodError
        return found

    def _take(self, sign: str) -> None:
        if self._peek() != sign:
            raise _NotUnderstoodError
        self.at += 1

    def _header(self) -> Path:
        """Read ``[a.b]`` or ``[[a.b]]``; return the path of the table that it opens."""
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        table = self._keys((), last_table=brackets == 1)
        if brackets == 2:
            table = (*table, self.tables[table])
            self.tables[table[:-1]] += 1
            self.marks[table] = self.marks[(*table[:-1], None)]
        for _ in range(brackets):
            self._take("]")
        return table

    def _keys(self, path: Path, *, last_table: bool) -> Path:
        """Read a dotted key below *path*; a list of tables stands for its last one, at the end only if told so."""
        while True:
            self._peek()
            found = self._matched(_KEY)
            word = found[0]
            path = (*path, tomllib.loads(f"key = {word}")["key"] if word[0] in "\"'" else word)
            place = self._place(found)
            self.marks.setdefault((*path, None), place)
            self.marks.setdefault(path, place)
            self.at = found.end()
            more = self._peek() == "."
            if path in self.tables and (more or last_table):
                path = (*path, self.tables[path] - 1)
            if not more:
                return path
            self._take(".")

    def _pair(self, table: Path) -> None:
        path = self._keys(table, last_table=False)
        self._take("=")
        self._value(path)

    def _value(self, path: Path) -> None:
        sign = self._peek()
        if sign == "{":
            self._inside(path, "}")
        elif sign == "[":
            self._inside(path, "]")
        else:
            found = self._matched(_SCALAR)
            self.marks[path] = self._place(found)
            self.at = found.end()

    def _inside(self, path: Path, end: str) -> None:
        """Read what stands in brackets or braces."""
        line, column = self._line_and_column(self.at)
        self.marks[path] = (line, column, 1)
        self.at += 1
        count = 0
        while self._peek() != end:
            if end == "}":
                self._pair(path)
            else:
                self._value((*path, count))
                count += 1
            if self._peek() != end:
                self._take(",")
        self.at += 1

    def _place(self, found: re.Match[str]) -> Mark:
        line, column = self._line_and_column(found.start())
        width = found.end() - found.start()
        return line, column, 1 if "\n" in found[0] else width

    def _line_and_column(self, at: int) -> tuple[int, int]:
        line = bisect_right(self.starts, at) - 1
        return line, at - self.starts[line]


class _NotUnderstoodError(Exception):
    """The text is no TOML, as far as this reader goes."""
