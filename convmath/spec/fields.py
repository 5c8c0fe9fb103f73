"""The kinds of fields a layer can have: how each is read, what it refuses, and its default.

A field is declared once, in the dataclass of its layer; the validator, the Python
constructors, the JSON Schema and the documentation all read that declaration.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from math import isfinite
from typing import Any, Protocol, TypeAlias

from convmath.formula import Formula, Value, is_integral

REQUIRED: Any = object()
SAME = "same"
MOST_SIZES = 32
"""How many axes an image may get."""
ALL = "all"
PADDING_WORDS = ("valid", SAME, "causal")

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or a part of one."""
Pad: TypeAlias = tuple[Value, Value] | str
"""What one axis is padded with: before and after, or ``same`` for the executor and the rule to resolve."""


class Reader(Protocol):
    """What a field kind needs to read a raw value: numbers, the rank, a place for problems."""

    rank: int

    def number(self, raw: Any, *path: str | int, minimum: int, ratio: bool = False) -> Value:
        """Return the value of a number or an expression, at least *minimum*; a *ratio* is only above zero."""
        ...

    def resolve(self, raw: Any) -> tuple[Any, Reader]:
        """Return what a name stands for, and the reader of the place where that is written; else *raw* and this one."""
        ...

    def at(self, *path: str | int) -> Reader:
        """Return the reader of a value further down."""
        ...

    def knows(self, name: str) -> bool:
        """Tell whether the file binds the name or declares it as a symbol."""
        ...

    def refuse(self, code: str, message: str, *path: str | int, help: str | None = None) -> Exception:
        """Return the error for a value at *path* below the field."""
        ...


class FieldKind(Protocol):
    """How a field is read; ``default`` is REQUIRED where the field must be given."""

    default: Any

    def read(self, raw: Any, reader: Reader) -> Any:
        """Return the canonical value."""
        ...

    def schema(self, *, names: bool) -> Schema:
        """Return the JSON Schema of the raw value; *names* tells whether a name may stand for a word or a flag."""
        ...


def number_schema(minimum: int) -> Schema:
    """Return the schema of what ``Reader.number`` takes: an integer or an expression."""
    return {"$ref": "#/$defs/number", "minimum": minimum}


def or_list(one: Schema) -> Schema:
    """Return the schema of one value for all axes, or a list with one for each."""
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def or_name(word: Schema, *, names: bool) -> Schema:
    """Return the schema of a word, or of a name that stands for one."""
    return {"anyOf": [word, {"$ref": "#/$defs/symbol"}]} if names else word


def show(raw: Any) -> str:
    """Return a raw value as the file would have it, for a message."""
    match raw:
        case None:
            text = "nothing"
        case bool():
            text = str(raw).lower()
        case str():
            text = f"'{raw}'"
        case _:
            text = str(raw)
    return text if len(text) <= 60 else text[:57] + "..."


def check_number(number: Value, minimum: int, *, ratio: bool = False) -> str | None:
    """Return what is wrong with a size or count, or a ratio, or None; for a formula all is left to conditions."""
    if ratio and isinstance(number, Formula) and not is_integral(number):
        return f"is {number}, but only a ratio of numbers may be broken"
    if ratio and isinstance(number, Fraction):
        return None if number > 0 else f"is {number}, but must be above 0"
    if isinstance(number, Fraction):
        return f"is {number}, which is no integer"
    if not isinstance(number, Formula) and number < minimum:
        return f"is {number}, but must be {minimum} or more"
    return None


@dataclass(frozen=True, slots=True)
class Size:
    """A count: an integer or an expression."""

    default: Any = REQUIRED
    minimum: int = 1

    def read(self, raw: Any, reader: Reader) -> Value:
        return reader.number(raw, minimum=self.minimum)

    def schema(self, *, names: bool) -> Schema:  # noqa: ARG002
        return number_schema(self.minimum)


@dataclass(frozen=True, slots=True)
class PerAxis:
    """A count per spatial axis: one for all axes, or a list with one for each.

    Where the default is None the field may be left out, and then has no entries. A
    ``ratio`` may be a number such as 3/2, too.
    """

    default: Any = REQUIRED
    minimum: int = 1
    ratio: bool = False

    def read(self, raw: Any, reader: Reader) -> tuple[Value, ...]:
        if raw is None and self.default is None:
            return ()
        held, there = reader.resolve(raw)
        if not isinstance(held, list):
            return (reader.number(raw, minimum=self.minimum, ratio=self.ratio),) * reader.rank
        check_axes(held, there)
        return tuple(there.number(each, at, minimum=self.minimum, ratio=self.ratio) for at, each in enumerate(held))

    def schema(self, *, names: bool) -> Schema:  # noqa: ARG002
        one = number_schema(self.minimum)
        counts = or_list({"anyOf": [one, {"type": "number", "exclusiveMinimum": 0}]} if self.ratio else one)
        return {"anyOf": [*counts["anyOf"], {"type": "null"}]} if self.default is None else counts


@dataclass(frozen=True, slots=True)
class Sizes:
    """A list of counts, as many as are wanted or any number; a single one may stand without brackets."""

    default: Any = REQUIRED
    minimum: int = 1
    wanted: int | None = None

    def read(self, raw: Any, reader: Reader) -> tuple[Value, ...]:
        held, there = reader.resolve(raw)
        if not isinstance(held, list) and self.wanted in (None, 1):
            return (reader.number(raw, minimum=self.minimum),)
        if not isinstance(held, list) or not held or len(held) not in (self.wanted, self.wanted or len(held)):
            numbers = "a list of numbers" if self.wanted is None else f"a list of {self.wanted} numbers"
            raise reader.refuse("wrong-length", f"{show(held)} is not {numbers}", help="write it as in [0, 64]")
        if len(held) > MOST_SIZES:
            raise reader.refuse("wrong-length", f"{len(held)} numbers; the limit is {MOST_SIZES}")
        return tuple(there.number(each, at, minimum=self.minimum) for at, each in enumerate(held))

    def schema(self, *, names: bool) -> Schema:
        number, low, high = number_schema(self.minimum), self.wanted or 1, self.wanted or MOST_SIZES
        listed = {"type": "array", "items": number, "minItems": low, "maxItems": high}
        return {"anyOf": [number, listed]} if self.wanted in (None, 1) else or_name(listed, names=names)


@dataclass(frozen=True, slots=True)
class Reach:
    """How many elements an output reads: a count per axis; all of them, which is none per axis."""

    default: Any = REQUIRED

    def read(self, raw: Any, reader: Reader) -> tuple[Value, ...]:
        if reader.resolve(raw)[0] == ALL and not reader.knows(ALL):
            return ()
        return PerAxis().read(raw, reader)

    def schema(self, *, names: bool) -> Schema:
        return {"anyOf": [{"const": ALL}, PerAxis().schema(names=names)]}


def check_axes(raw: list[Any], reader: Reader) -> None:
    """Refuse a list that has not one entry per axis."""
    if len(raw) != reader.rank:
        entries = "1 entry" if len(raw) == 1 else f"{len(raw)} entries"
        message = f"{entries} for {reader.rank} spatial ax{'is' if reader.rank == 1 else 'es'}"
        raise reader.refuse("wrong-length", message, help="write one number for all axes, or one entry per axis")


@dataclass(frozen=True, slots=True)
class Amount:
    """Elements before and after, per axis: a number, or a list of numbers and pairs."""

    default: Any = REQUIRED
    words: tuple[str, ...] = ()

    def read(self, raw: Any, reader: Reader) -> tuple[Pad, ...]:
        held, there = reader.resolve(raw)
        if isinstance(held, list):
            check_axes(held, there)
            return tuple(self._entry(each, there.at(at)) for at, each in enumerate(held))
        return (self._entry(raw, reader),) * reader.rank

    def schema(self, *, names: bool) -> Schema:  # noqa: ARG002
        number = number_schema(0)
        words = [{"enum": [*self.words]}] if self.words else []
        inner = {"allOf": [number], "not": words[0]} if words else number
        pair = {"type": "array", "items": inner, "minItems": 2, "maxItems": 2}
        return {"anyOf": [*words, number, {"type": "array", "items": {"anyOf": [*words, number, pair]}, "minItems": 1}]}

    def _entry(self, raw: Any, reader: Reader) -> Pad:
        held, there = reader.resolve(raw)
        if isinstance(held, str) and held in self.words:
            return (0, 0) if held == "valid" else held
        if isinstance(held, list):
            if len(held) != 2:
                raise there.refuse("wrong-length", f"{show(held)} is no pair [before, after]")
            before, after = (self._number(each, there.at(at)) for at, each in enumerate(held))
            return before, after
        both = self._number(raw, reader)
        return both, both

    def _number(self, raw: Any, reader: Reader) -> Value:
        """Return a number of elements; a word, or nearly one, would silently become a symbol."""
        if isinstance(raw, str) and raw in self.words:
            raise reader.refuse("not-a-number", f"'{raw}' cannot stand in a pair", help="write it for the whole axis")
        if isinstance(raw, str) and raw in PADDING_WORDS and not reader.knows(raw):
            help_ = f"write numbers, or {' or '.join(self.words)}" if self.words else "write numbers"
            raise reader.refuse("unknown-word", f"'{raw}' is no amount here", help=help_)
        near = get_close_matches(raw, self.words, 1, 0.75) if isinstance(raw, str) and not reader.knows(raw) else []
        if near:
            help_ = f"did you mean '{near[0]}'? A symbol of that name needs a line under 'symbols'"
            raise reader.refuse("unknown-word", f"'{raw}' is no number", help=help_)
        return reader.number(raw, minimum=0)


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    default: Any = REQUIRED

    def read(self, raw: Any, reader: Reader) -> bool:
        raw, _ = reader.resolve(raw)
        if not isinstance(raw, bool):
            raise reader.refuse("not-a-flag", f"{show(raw)} is neither true nor false", help="write true or false")
        return raw

    def schema(self, *, names: bool) -> Schema:
        return or_name({"type": "boolean"}, names=names)


@dataclass(frozen=True, slots=True)
class Choice:
    """One word out of a few; a parameter of the same name does not hide it."""

    words: tuple[str, ...]
    default: Any = REQUIRED

    def read(self, raw: Any, reader: Reader) -> str:
        if not isinstance(raw, str) or raw not in self.words:
            raw, _ = reader.resolve(raw)
        if not isinstance(raw, str) or raw not in self.words:
            raise reader.refuse("unknown-word", f"{show(raw)} is not one of {', '.join(self.words)}")
        return raw

    def schema(self, *, names: bool) -> Schema:
        return or_name({"enum": [*self.words]}, names=names)


@dataclass(frozen=True, slots=True)
class Real:
    """A real number that changes values but no size and no count."""

    default: Any = REQUIRED
    low: float = float("-inf")
    high: float = float("inf")

    def read(self, raw: Any, reader: Reader) -> float:
        raw, _ = reader.resolve(raw)
        if isinstance(raw, str):
            with suppress(ValueError):
                raw = float(raw) if raw.isascii() and "_" not in raw else raw
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not isfinite(raw):
            raise reader.refuse("not-a-number", f"{show(raw)} is no decimal number", help="write it as in 0.01")
        if not self.low <= raw <= self.high:
            raise reader.refuse("out-of-range", f"{raw} is not between {self.low} and {self.high}")
        return float(raw)

    def wrong(self, number: float) -> str | None:
        """Return what is wrong with a number that no file gave; None where it may stand."""
        if not isfinite(number):
            return f"is {number}, which is no number to compute with"
        return None if self.low <= number <= self.high else f"is {number}, not between {self.low} and {self.high}"

    def schema(self, *, names: bool) -> Schema:  # noqa: ARG002
        bounds = {"minimum": self.low, "maximum": self.high}
        number = {"type": "number", **{key: bound for key, bound in bounds.items() if isfinite(bound)}}
        return {"anyOf": [number, {"$ref": "#/$defs/decimal"}]}


def size(default: Any = REQUIRED, *, minimum: int = 1) -> Any:
    """Declare a count."""
    return field(metadata={"kind": Size(default, minimum)})


def sizes(*, minimum: int = 1, wanted: int | None = None) -> Any:
    """Declare a list of counts."""
    return field(metadata={"kind": Sizes(REQUIRED, minimum, wanted)})


def reach() -> Any:
    """Declare how many elements an output reads."""
    return field(metadata={"kind": Reach()})


def per_axis(default: Any = REQUIRED, *, minimum: int = 1, ratio: bool = False) -> Any:
    """Declare a count or ratio per axis; a default that names another field repeats that field's value."""
    return field(metadata={"kind": PerAxis(default, minimum, ratio)})


def padding(default: Any = 0, *, words: tuple[str, ...] = PADDING_WORDS) -> Any:
    """Declare padding."""
    return field(metadata={"kind": Amount(default, words)})


def amount() -> Any:
    """Declare elements to add or to cut, before and after."""
    return field(metadata={"kind": Amount()})


def flag(*, default: bool) -> Any:
    """Declare a yes or no."""
    return field(metadata={"kind": Flag(default)})


def choice(*words: str) -> Any:
    """Declare a word out of a few; the first is the default."""
    return field(metadata={"kind": Choice(words, words[0])})


def real(default: float, low: float = float("-inf"), high: float = float("inf")) -> Any:
    """Declare a real number."""
    return field(metadata={"kind": Real(default, low, high)})
