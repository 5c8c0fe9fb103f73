"""Reads the fields of one entry: raw values of a file to canonical ones, every fault collected."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from difflib import get_close_matches
from fractions import Fraction
from math import isfinite
from typing import Any

from convmath.errors import ExpressionError, LimitError, Problem, SpecError, Spot
from convmath.formula import Value
from convmath.spec.document import Document, Path
from convmath.spec.expressions import is_name, parse_expression
from convmath.spec.fields import REQUIRED, FieldKind, check_number, show
from convmath.spec.given import check_given
from convmath.spec.layer import Layer, field_kinds
from convmath.spec.scope import MOST_NAMES, Argument, Scope

FROM_ELSEWHERE = {
    "filters": "out_channels",
    "kernels": "out_channels",
    "channels": "out_channels",
    "units": "out_features",
    "strides": "stride",
    "kernel": "kernel_size",
    "pool_size": "kernel_size",
    "pads": "padding",
    "dilation_rate": "dilation",
    "dilations": "dilation",
    "group": "groups",
    "use_bias": "bias",
}
"""Names of the same thing in Keras, ONNX and papers."""


class EntryReader:
    """A place in a document, and what names mean there; see ``fields.Reader``."""

    def __init__(self, document: Document, scope: Scope, path: Path, rank: int = 0) -> None:
        self.document, self.scope, self.path, self.rank = document, scope, path, rank

    def at(self, *path: str | int) -> EntryReader:
        """Return the reader of a value further down."""
        return EntryReader(self.document, self.scope, (*self.path, *path), self.rank)

    def number(self, raw: Any, *path: str | int, minimum: int, ratio: bool = False) -> Value:
        """Return the value of an integer or an expression, at least *minimum*; a *ratio* is only above zero."""
        plain = self.scope.plain(raw)
        if ratio and isinstance(plain, float) and isfinite(plain):
            raw = plain = str(Fraction(repr(plain)))  # as it is written, not as the nearest binary fraction
        if isinstance(plain, bool) or not isinstance(plain, int | str):
            help_ = "sizes and counts are whole" if isinstance(plain, float) else None
            raise self.refuse("not-a-number", f"{show(plain)} is no integer and no expression", *path, help=help_)
        value = self.evaluate(raw, *path) if isinstance(raw, str) else raw
        wrong = check_number(value, minimum, ratio=ratio)
        if wrong:
            said = show(raw) if isinstance(raw, str) else "the number"
            raise self.refuse("bad-size", f"{said} {wrong}", *path)
        return value

    def evaluate(self, text: str, *path: str | int) -> Value:
        """Return the value of an expression in this scope."""
        try:
            return parse_expression(text).evaluate(self.scope.lookup)
        except ExpressionError as error:
            raise self.faulty(error, text, *path) from None

    def resolve(self, raw: Any) -> tuple[Any, EntryReader]:
        """Return what a name stands for, and the reader of the place where that is written; else *raw* and this one."""
        held, reader = raw, self
        for _ in range(MOST_NAMES):
            bound = reader.scope.bound(held) if isinstance(held, str) and is_name(held) else None
            if not isinstance(bound, Argument):
                break
            bound.used = True
            held, reader = bound.raw, EntryReader(self.document, bound.scope, bound.path, self.rank)
        return held, reader

    def knows(self, name: str) -> bool:
        """Tell whether the file binds the name or declares it as a symbol."""
        declared = self.document.data.get("symbols") if isinstance(self.document.data, dict) else None
        return self.scope.bound(name) is not None or (isinstance(declared, dict) and name in declared)

    def refuse(
        self, code: str, message: str, *path: str | int, help: str | None = None, key: bool = False
    ) -> SpecError:
        """Return the error for a value at *path* below this place, or for its key."""
        full = (*self.path, *path)
        return SpecError(self.document.problem(code, message, help, path=full, key=key))

    def faulty(self, error: ExpressionError, text: str, *path: str | int) -> SpecError:
        """Return an error inside an expression as one at its spot in the file."""
        full = error.path if error.path is not None else (*self.path, *path)
        spot = self.document.spot(full)
        if spot is not None:
            spot = _inside(spot, error.text or text, error.column)
        problem = Problem(error.code, error.message, error.help, path=full, spot=spot, file=self.document.file)
        return SpecError(problem)

    def fields(
        self, cls: type[Layer], given: dict[str, Any], defaults: dict[str, tuple[Any, Path]], problems: list[Problem]
    ) -> dict[str, Any] | None:
        """Return the canonical value of every field of *cls*; None, and the problems, where any is faulty."""
        before = len(problems)
        kinds = field_kinds(cls)
        meant = self._unknown(cls, given, kinds, problems)
        values: dict[str, Any] = {}
        for name, kind in kinds.items():
            if name in meant and name not in given:
                continue
            try:
                values[name] = self._field(cls, name, kind, given, defaults, values)
            except LimitError:
                raise
            except SpecError as error:
                problems.extend(error.problems)
        if len(problems) > before:
            return None
        check_given(values, self)
        clash = cls.clash(values)
        if clash is not None:
            raise self.refuse("clash", clash, help=usage(cls), key=True)
        return cls.settle(values)

    def _field(
        self,
        cls: type[Layer],
        name: str,
        kind: FieldKind,
        given: dict[str, Any],
        defaults: dict[str, tuple[Any, Path]],
        values: dict[str, Any],
    ) -> Any:
        if name in given:
            return kind.read(given[name], self.at(name) if self.document_has(name) else self)
        if name in defaults:
            raw, path = defaults[name]
            return kind.read(raw, EntryReader(self.document, self.scope, path, self.rank))
        if kind.default is REQUIRED:
            raise self.refuse("missing-field", f"'{cls.kind}' needs '{name}'", help=usage(cls), key=True)
        if isinstance(kind.default, str) and kind.default in values:
            return values[kind.default]
        return kind.read(kind.default, self)

    def document_has(self, name: str) -> bool:
        """Tell whether the entry is written with its fields' names, not in the one-line form."""
        held: Any = self.document.data
        for step in self.path:
            held = held[step]
        return isinstance(held, dict) and name in held

    def _unknown(
        self, cls: type[Layer], given: dict[str, Any], kinds: Mapping[str, FieldKind], problems: list[Problem]
    ) -> set[str]:
        """Add a problem for every field that the kind does not have; return the fields that were probably meant."""
        meant: set[str] = set()
        unclosed = any(isinstance(raw, str) and raw.count("(") > raw.count(")") for raw in given.values())
        for name, raw in given.items():
            if name in kinds or (unclosed and raw is None):
                continue
            near = next((each for each in _meant(name, kinds) if each not in given), "")
            if name == "in_channels":
                help_ = "leave it out: the channels that arrive are known"
            elif near in kinds:
                help_ = f"did you mean '{near}'?"
                meant.add(near)
            else:
                help_ = f"its fields are {', '.join(kinds)}" if kinds else "it has no fields"
            error = self.refuse("unknown-field", f"'{name}' is not a field of '{cls.kind}'", name, help=help_, key=True)
            problems.extend(error.problems)
        return meant


def _meant(name: str, kinds: Collection[str]) -> list[str]:
    """Return the fields that a name may mean, the likeliest first."""
    known = [FROM_ELSEWHERE[name]] if FROM_ELSEWHERE.get(name) in kinds else []
    return [*known, *get_close_matches(name, kinds, 1)]


def usage(cls: type[Layer]) -> str:
    """Return how to write a kind with its required fields."""
    required = [name for name, kind in field_kinds(cls).items() if kind.default is REQUIRED]
    if not required and not cls.value:
        return f"write '{cls.kind}'"
    if cls.value and required in ([], [cls.value]):
        return f"write '{cls.kind}: {cls.value.upper()}'"
    return f"write '{cls.kind}: {{{', '.join(f'{name}: …' for name in required)}}}'"


def _inside(spot: Spot, text: str, column: int) -> Spot:
    """Return the spot of a column inside the text that stands at *spot*, quoted or not."""
    for quote in (0, 1):
        at = spot.column + quote
        if spot.text[at - 1 : at - 1 + len(text)] == text and column <= len(text):
            return replace(spot, column=at + column - 1, width=max(1, len(text) - column + 1))
    return spot
