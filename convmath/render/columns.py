"""Columns that a user may ask for: any quantity of a layer, by its path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

from convmath.errors import UsageError, inert
from convmath.formula import Formula
from convmath.formula.text import write, write_shape
from convmath.quantity import NoEntryError, Quantity, parse_quantity
from convmath.report import LayerReport, Totals

DEFAULT = (
    "name",
    "kind",
    "output_shape",
    "params",
    "buffers",
    "macs",
    "flops",
    "operations.additions",
    "operations.comparisons",
    "operations.elementwise",
    "activations",
    "receptive_field.size",
    "receptive_field.jump",
    "receptive_field.start",
)
SUMMABLE = ("params", "buffers", "macs", "flops", "operations", "activations")
TEXTS = ("name", "kind", "inputs")
SHORT = {"sees": "receptive_field.size", "jump": "receptive_field.jump", "output": "output_shape", "layer": "name"}


def parse_columns(text: str) -> tuple[Quantity, ...]:
    """Read column names joined by commas; Raises ``UsageError`` for what is no quantity of a layer."""
    asked = [each.strip() for each in text.split(",") if each.strip()]
    found = tuple(replace(parse_quantity(SHORT.get(each, each)), text=each) for each in asked)
    known = [*(each.name for each in fields(LayerReport) if each.name != "minor"), "flops"]
    for each in found:
        if each.steps[0] not in known:
            raise UsageError(f"'{inert(each.text)}' is no column; there are {', '.join(known)}")
    if not found:
        raise UsageError("--columns names no column")
    return found


def check_columns(columns: tuple[Quantity, ...], layers: Iterable[LayerReport]) -> None:
    """Refuse a path that no layer has; Raises ``UsageError`` with what there is."""
    layers = tuple(layers)
    for column in columns:
        missing = [error for error in map(partial(_missing, column), layers) if error is not None]
        if missing and len(missing) == len(layers):
            raise missing[0]


def _missing(column: Quantity, layer: LayerReport) -> NoEntryError | None:
    try:
        column.of(layer)
    except NoEntryError as error:
        return error
    return None


def held_at(column: Quantity, record: LayerReport | Totals) -> Any:
    """Return what stands at a column's path; None for an axis that this layer does not have."""
    try:
        return column.of(record)
    except NoEntryError:
        return None


def cell(column: Quantity, record: LayerReport | Totals) -> str:
    """Return the text of a cell, ready to paste: numbers without groups, lists joined by `` x ``."""
    return text_of(held_at(column, record))


def text_of(held: Any) -> str:
    """Return any part of a report as plain text."""
    if held is None:
        return ""
    if isinstance(held, bool):
        return str(held).lower()
    if isinstance(held, tuple):
        if all(isinstance(each, int | Formula) for each in held):
            return write_shape(held).replace(" × ", " x ")
        names = all(isinstance(each, str) for each in held)
        return (", " if names else " x ").join(text_of(each) for each in held)
    if is_dataclass(held):
        return "; ".join(f"{each.name} {text_of(getattr(held, each.name))}" for each in fields(held))
    if isinstance(held, str):
        return held
    return str(held) if isinstance(held, Fraction) else write(held)
