"""Worked sums: every element of an output as the sum of products that it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import isfinite

from convmath.render.page import (
    Arithmetic,
    Block,
    Cell,
    Content,
    Fact,
    Facts,
    Given,
    Grid,
    Heading,
    Line,
    Page,
    Words,
    shape,
)
from convmath.seen import Element, Number, Read, Term, WorkedLayer, WorkedRun

MOST_TERMS = 60
"""Longer sums are shortened in their middle, unless they were asked for."""
MOST_IN_GRID = 12
"""Maps up to so many columns are shown as a table."""
SCHEMA = 1


def page(run: WorkedRun, *, whole: bool = False) -> Page:
    """Return the sums of all layers that are written out; *whole* shortens none."""
    blocks: list[Block] = []
    for layer in run.layers:
        blocks += _layer(layer, whole=whole)
    sizes: list[Words] = []
    for each in run.input_shapes:
        sizes += [Words("   " if sizes else "input "), *_shape(each)]
    return Page((Given(run.network, typed=False),), tuple(sizes), tuple(blocks))


def _shape(sizes: tuple[int, ...]) -> tuple[Words, ...]:
    return tuple(each for each in shape(sizes) if isinstance(each, Words))


def _layer(layer: WorkedLayer, *, whole: bool) -> Iterator[Block]:
    arriving = ", ".join(" × ".join(map(str, each)) for each in layer.input_shapes)
    becomes = " × ".join(map(str, layer.output_shape))
    yield Heading((Given(layer.name), Words(f" ({layer.kind}): {arriving} → {becomes}")))
    yield Facts(tuple(Fact(_label(each), _work(each, whole=whole)) for each in layer.elements))
    if layer.left_out:
        yield Line((Words(f"{layer.left_out:,} more elements of this output are not shown."),))
    else:
        yield from _grids(layer)


def _grids(layer: WorkedLayer) -> Iterator[Block]:
    """Yield the whole output as tables of numbers, one per channel, where it is small."""
    if len(layer.output_shape) != 3 or max(layer.output_shape) > MOST_IN_GRID:
        return
    found = {each.index: each.number for each in layer.elements}
    channels, height, width = layer.output_shape
    for channel in range(channels):
        rows = tuple(_row(row, [found[channel, row, at] for at in range(width)]) for row in range(height))
        yield Grid((f"Y[{channel}]", *map(str, range(width))), rows, (True,) * (width + 1))


def _row(at: int, numbers: Sequence[Number]) -> tuple[Cell, ...]:
    return (((Words(str(at)),),), *(((Arithmetic((number,)),),) for number in numbers))


def _label(element: Element) -> Content:
    return (Words(f"Y[{','.join(map(str, element.index))}]"),)


def _work(element: Element, *, whole: bool) -> Content:
    return (Arithmetic(tuple(_parts(element, whole=whole))),)


def work_of(element: Element, *, whole: bool = False) -> str:
    """Return the calculation as text."""
    return "".join(map(str, _parts(element, whole=whole)))


def _parts(element: Element, *, whole: bool) -> Iterator[Number | str]:
    terms = _shown(element)
    between = " + " if element.how in ("sum", "mean") else ", "
    opened = "" if element.how == "sum" else "(" if element.how == "mean" else f"{element.how}("
    if element.how not in ("sum", "mean"):
        yield element.how
        opened = "("
    if opened:
        yield opened
    half = len(terms) if whole or len(terms) <= MOST_TERMS else MOST_TERMS // 2
    last = len(terms) - half if half < len(terms) else len(terms)
    for at, term in enumerate(terms):
        if half <= at < last:
            if at == half:
                yield f"{between}… ({last - half} more)"
            continue
        if at:
            yield between
        yield from _term(term, alone=len(terms) == 1 or between == ", ")
    if opened:
        yield ")"
    if element.how == "mean":
        yield from ("/", element.count or len(terms))
    yield from (" = ", element.number)


def _shown(element: Element) -> tuple[Term, ...]:
    """Return the terms without padding that counts for nothing: in a maximum, and in a mean that leaves it out."""
    inside = tuple(term for term in element.terms if term[0].index is not None)
    counts_not = element.how == "max" or (element.how == "mean" and element.count == len(inside))
    return inside if counts_not and inside else element.terms


def _term(term: Term, *, alone: bool) -> Iterator[Number | str]:
    """Yield a product in brackets; in brackets, too, a negative number between signs."""
    if len(term) == 1:
        [number] = (each.number for each in term)
        yield from (number,) if alone or number >= 0 else ("(", number, ")")
        return
    yield "("
    for at, read in enumerate(term):
        if at:
            yield " × "
        yield read.number
    yield ")"


def to_json(run: WorkedRun) -> str:
    """Return every element with all that was read, as JSON, schema 1."""
    layers = [
        {
            "layer": layer.name,
            "kind": layer.kind,
            "input_shapes": layer.input_shapes,
            "output_shape": layer.output_shape,
            "elements": [_element(each) for each in layer.elements],
            "left_out": layer.left_out,
        }
        for layer in run.layers
    ]
    return json.dumps({"schema": SCHEMA, "network": run.network, "layers": layers}, indent=1)


def _element(element: Element) -> dict[str, object]:
    terms = [[_read(read) for read in term] for term in element.terms]
    found: dict[str, object] = {
        "index": element.index,
        "value": _finite(element.number),
        "how": element.how,
        "terms": terms,
    }
    return found | ({"count": element.count} if element.count is not None else {})


def _read(read: Read) -> dict[str, object]:
    return {"array": read.array, "index": read.index, "value": _finite(read.number)}


def _finite(number: Number) -> Number | None:
    """Return a number that JSON has; None for infinity."""
    return number if isinstance(number, int) or isfinite(number) else None
