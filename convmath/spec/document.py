"""A file as plain data, with the place of every value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from convmath.errors import Problem, Spot

Path: TypeAlias = tuple[str | int, ...]
Mark: TypeAlias = tuple[int, int, int]
"""Line and column, counted from 0, and width."""


@dataclass(slots=True)
class Document:
    """What a reader made of a file: dicts, lists and scalars, and where each stood.

    ``marks`` maps the path of a value to its place and that of a key, ``(*path, None)``,
    to the key's. They are made when an error first asks, since a good file needs none.
    """

    file: str
    text: str
    data: Any
    find_marks: Callable[[], dict[tuple[str | int | None, ...], Mark]] = field(default=dict, repr=False)
    _marks: dict[tuple[str | int | None, ...], Mark] | None = field(default=None, repr=False)
    _lines: list[str] = field(default_factory=list, repr=False)

    def problem(
        self, code: str, message: str, help: str | None = None, *, path: Path = (), key: bool = False
    ) -> Problem:
        """Return the fault of the value at *path*, or of its key."""
        return Problem(code, message, help, path=path, spot=self.spot(path, key=key), file=self.file)

    def part(self, path: Path, data: Any) -> Document:
        """Return what stands at *path* as a document of its own, which holds *data*; places stay those of the file."""

        def find_marks() -> dict[tuple[str | int | None, ...], Mark]:
            length = len(path)
            return {each[length:]: mark for each, mark in self.marks.items() if each[:length] == path}

        return Document(self.file, self.text, data, find_marks)

    @property
    def marks(self) -> dict[tuple[str | int | None, ...], Mark]:
        """The places of all values and keys, found when first asked for."""
        if self._marks is None:
            self._marks, self._lines = self.find_marks(), self.text.splitlines()
        return self._marks

    def spot(self, path: Path, *, key: bool = False) -> Spot | None:
        """Return the place of the value at *path*, or of its key; the nearest one around it that is known."""
        marks = self.marks
        wanted: tuple[str | int | None, ...] = (*path, None) if key else path
        while wanted not in marks:
            if not wanted:
                return None
            wanted = wanted[:-1]
        line, column, width = marks[wanted]
        shown = self._lines[line] if line < len(self._lines) else ""
        return Spot(self.file, line + 1, column + 1, width, shown)
