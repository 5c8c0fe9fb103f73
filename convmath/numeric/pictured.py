"""What pictures show: the windows of a layer, and the matrix by which it multiplies."""

from __future__ import annotations

from math import prod

import numpy as np

from convmath.errors import LimitError, Problem, UsageError, inert
from convmath.numeric.execute import Step
from convmath.numeric.values import Values
from convmath.numeric.worked import SUM, Watched
from convmath.seen import Entry, Index, WeightMatrix, Windows, WorkedLayer

MOST_CELLS = 4_096
"""A map with more elements is not drawn cell by cell."""
MOST_READS = 200_000
"""The windows of a picture read at most so many elements in all."""
MOST_LINES = 128
"""A matrix with more rows or columns is not drawn."""


def windows(step: Step[Values], network: str, chosen: Index | None, *, numbers: bool, weights: bool) -> Windows:
    """Return what every element of one channel of a layer's output reads.

    Raises ``LimitError`` where there is too much to be seen in a picture, ``UsageError``
    for maps with three axes and more.
    """
    name = step.node.name
    shape = step.output.shape
    for each in (*(array.shape for array in step.inputs), shape):
        _check_axes(name, each)
        if prod(each) > MOST_CELLS * each[0] or (len(each) == 1 and each[0] > MOST_CELLS):
            raise _too_large(f"a map of '{name}' has more than {MOST_CELLS:,} elements")
    chosen = (0,) * len(shape) if chosen is None else chosen
    channel = chosen[0] if len(shape) > 1 else None
    every = [index for index in np.ndindex(*shape) if channel is None or index[0] == channel]
    watched = Watched(step)
    first = watched.element(every[0])
    if len(first.terms) * len(every) > MOST_READS:
        raise _too_large(f"the windows of '{name}' read more than {MOST_READS:,} elements")
    elements = tuple(watched.element(index) for index in every)
    layer = WorkedLayer(
        name=name,
        kind=step.node.kind,
        input_shapes=tuple(each.shape for each in step.inputs),
        output_shape=shape,
        elements=elements,
        left_out=step.output.size - len(elements),
    )
    inputs = tuple(tuple(each.numbers.reshape(-1).tolist()) for each in step.inputs)
    outputs = tuple(step.output.numbers.reshape(-1).tolist())
    return Windows(network, layer, inputs, outputs, chosen, numbers, weights)


def _check_axes(name: str, shape: Index) -> None:
    if len(shape) > 3:
        raise UsageError(f"'{inert(name)}' has maps of {len(shape) - 1} axes; a picture shows one or two")


def _too_large(message: str) -> LimitError:
    return LimitError(Problem("too-large", message, "draw it at smaller sizes, as in --set H=8"))


def weight_matrix(step: Step[Values], network: str, *, known: bool) -> WeightMatrix:
    """Return the matrix by which a layer multiplies what arrives, as seen while its kernel read the weights.

    Raises ``UsageError`` for a layer that is no sum of products, ``LimitError`` for one
    that is too large to be drawn.
    """
    name, sizes = step.node.name, [each.size for each in step.inputs]
    rows, columns = step.output.size, sum(sizes)
    if max(rows, columns) > MOST_LINES:
        message = f"the matrix of '{name}' is {rows:,} × {columns:,}; at most {MOST_LINES} × {MOST_LINES} are drawn"
        raise _too_large(message)
    watched = Watched(step)
    numbered: dict[tuple[str, Index], int] = {}
    entries: list[Entry] = []
    for row, index in enumerate(np.ndindex(*step.output.shape)):
        element = watched.element(index)
        pairs = [term for term in element.terms if len(term) == 2]
        if element.how != SUM or not pairs:
            raise UsageError(f"'{inert(name)}' ({step.node.kind}) multiplies by no weights; name another --layer")
        for read, weight in pairs:
            if weight.index is None:
                continue
            at = numbered.setdefault((weight.array, weight.index), len(numbered))
            if read.index is not None:
                column = int(np.ravel_multi_index(read.index, step.inputs[0].shape))
                entries.append(Entry(row, column, at, weight.number))
    order = {key: at for at, key in enumerate(sorted(numbered))}
    renamed = {old: order[key] for key, old in numbered.items()}
    placed = tuple(Entry(each.row, each.column, renamed[each.weight], each.number) for each in entries)
    return WeightMatrix(network, name, step.node.kind, rows, columns, placed, len(order), known)
