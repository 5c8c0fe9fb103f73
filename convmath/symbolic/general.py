"""The general formulas of a kind: one layer of it, every field a symbol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from convmath.formula import Formula, Value, bind, exchanged, floor_plus, symbol
from convmath.formula.layout import arrange
from convmath.formula.nodes import Name, Node, Number_, substitute, tidied
from convmath.formula.notation import read_equation
from convmath.report import LayerReport, NetworkReport
from convmath.spec.document import Document
from convmath.spec.fields import Amount, Choice, Flag
from convmath.spec.graph import AXES, Network
from convmath.spec.kinds import VOCABULARY, field_kinds
from convmath.spec.layer import Layer
from convmath.spec.parse import VERSION, parse
from convmath.symbolic.compose import derive
from convmath.symbolic.facts import Shape

MADE = "map"
"""What layers are called, with a number, that make further maps for a layer."""
LETTERS = {"kernel_size": "pqr", "output_size": "mno"}
"""The symbols of fields that differ from axis to axis, by axis."""
QUANTITIES = ("params", "buffers", "macs", "activations")
OPERATIONS = ("additions", "comparisons", "elementwise")


def one_layer(entry: dict[str, Any], shape: list[Any], symbols: Mapping[str, Any] | None = None) -> Network:
    """Return the network of a single entry.

    ``from`` holds the shapes of further inputs, X2 and so on, or layers that make such maps
    of what arrives.
    """
    data = {"convmath": VERSION, "input": shape, "symbols": dict(symbols or {}), "layers": [entry]}
    [(kind, held)] = entry.items()
    others = held.get("from", ())
    if others and isinstance(others[0], dict):
        names = [f"{MADE}{at + 1}" for at in range(len(others))]
        made = [
            {word: {**fields, "name": name, "from": "input"}}
            for name, other in zip(names, others, strict=True)
            for word, fields in other.items()
        ]
        data["layers"] = [*made, {kind: {**held, "from": ["input", *names]}}]
    elif others:
        del data["input"]
        names = [f"X{at + 1}" for at in range(len(others) + 1)]
        data["inputs"] = dict(zip(names, [shape, *others], strict=True))
        data["layers"] = [{kind: {**held, "from": names}}]
    return parse(Document("<layer>", "", data))


@dataclass(frozen=True, slots=True)
class General:
    """A kind's report in symbols, and its counts in terms of the output's sizes, called ``H'`` and so on."""

    network: Network
    report: NetworkReport
    outputs: tuple[tuple[str, Value], ...]
    short: Mapping[str, Value]


@lru_cache(maxsize=256)
def general(kind: str, rank: int = 2, words: tuple[tuple[str, Any], ...] = ()) -> General:
    """Return the general formulas of *kind* on *rank* axes; *words* sets flags and choices."""
    meaning, declared = VOCABULARY[kind].meaning, field_kinds(VOCABULARY[kind])
    fields = {name: _letters(name, held, rank) for name, held in meaning.general.items()}
    shape = list(meaning.input) if len(meaning.input) == 1 else ["C", *AXES[rank]]
    none = {letter: {"min": 0} for name, letter in meaning.general.items() if isinstance(declared[name], Amount)}
    if meaning.others:
        fields["from"] = [[each[0], *shape[1:]] for each in meaning.others]
    if VOCABULARY[kind].joins_when in words:
        fields["from"] = _given(kind, rank, words)
    network = one_layer({kind: {**fields, **dict(words)}}, shape, none)
    report = derive(network)
    sizes = report.totals.output_shape[1:]
    known: dict[Formula, Value] = {}
    outputs: list[tuple[str, Value]] = []
    for name, size in zip(AXES[rank], sizes, strict=False):
        parts = floor_plus(size)
        if parts is not None:
            known[parts[0]] = symbol(f"{name}'") - parts[1]
        if not isinstance(arrange(size), Name | Number_):
            outputs.append((f"{name}'", size))
    totals = report.totals
    counts = {each: getattr(totals, each) for each in QUANTITIES}
    counts |= {each: getattr(totals.operations, each) for each in OPERATIONS}
    short = {name: exchanged(value, known) for name, value in counts.items()}
    return General(network, report, tuple(outputs), short)


def _given(kind: str, rank: int, words: tuple[tuple[str, Any], ...]) -> list[list[Any]]:
    """Return the shapes of the other maps that arrive, of the output's sizes and with a symbol for channels."""
    alone = general(kind, rank, tuple(each for each in words if each != VOCABULARY[kind].joins_when))
    sizes = [str(size) for size in alone.report.totals.output_shape[1:]]
    layer = replace(alone.network.nodes[0].layer, **dict(words))
    return [[f"C_{at}", *sizes] for at in range(2, len(layer.takes) + 1)]


def equation_of(kind: str) -> tuple[Node, Node]:
    """Return both sides of the equation that defines the output of a kind."""
    return read_equation(VOCABULARY[kind].meaning.equation)


def _letters(name: str, held: Any, rank: int) -> Any:
    return list(LETTERS[name][:rank]) if name in LETTERS else held


def instance(layer: Layer, before: Shape, after: LayerReport, quantity: str) -> Node | None:
    """Return a count with a layer's own numbers put in and nothing multiplied out; None where none is known.

    ``64*(3*3*3 + 1)`` says more than 1792.
    """
    rank = len(before.sizes)
    if rank not in AXES or layer.kind not in VOCABULARY:  # a repeat of symbolic depth is no kind
        return None
    known = general(layer.kind, rank, tuple(_words(layer)))
    values = _values(layer, before, after)
    short = known.short[quantity]
    if bind(short, values) != getattr(after, quantity):
        return None  # what no field says, as kernels shared by all groups
    return tidied(substitute(arrange(short), {name: arrange(value) for name, value in values.items()}))


def _words(layer: Layer) -> Iterator[tuple[str, Any]]:
    for name, kind in field_kinds(type(layer)).items():
        if isinstance(kind, Flag | Choice) and getattr(layer, name) != kind.default:
            yield name, getattr(layer, name)


def _values(layer: Layer, before: Shape, after: LayerReport) -> dict[str, Value]:
    """Return the layer's own values by the symbols of its general form."""
    values: dict[str, Value] = dict(zip(layer.meaning.input[:1], (before.channels,), strict=True))
    values |= dict(zip(AXES[len(before.sizes)], before.sizes, strict=True))
    values |= {f"{name}'": size for name, size in zip(AXES[len(before.sizes)], after.output_shape[1:], strict=False)}
    for field, letter in layer.meaning.general.items():
        held = getattr(layer, field)
        if isinstance(letter, list):
            values |= dict(zip(LETTERS.get(field, letter), held, strict=False))
        elif not isinstance(held, tuple):
            values[letter] = held
        elif len(set(held)) == 1 and not isinstance(held[0], tuple | str):
            values[letter] = held[0]
    return values
