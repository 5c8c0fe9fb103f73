"""Evaluates the defining equation of a kind as it stands on paper: one element of the output after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from convmath.formula.nodes import (
    Call,
    Exponent,
    Indexed,
    Name,
    Node,
    Number_,
    Over,
    Product,
    Quotient,
    Range,
    Sum,
)

MOST_TERMS = 2_000
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "max": max,
    "min": min,
    "mod": lambda a, b: a % b,
    "abs": abs,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "erf": math.erf,
}


class TooLong(Exception):  # noqa: N818  (it is a reason to pass over a case, no fault)
    """The equation has more terms at these sizes than is worth while."""


def evaluate(
    left: Node, right: Node, arrays: Mapping[str, Any], names: Mapping[str, Any], shape: tuple[int, ...]
) -> list[float]:
    """Return the elements of the output, in their order, that ``left = right`` defines.

    Raises ``TooLong`` where that takes very many terms.
    """
    paper = _Paper(arrays, dict(names))
    if isinstance(left, Name):  # y = f(x), element by element
        flat = np.asarray(arrays["X"]).flat
        return [float(paper.value(right, {"x": float(each)})) for each in flat]
    indices = [each.text for each in left.indices if isinstance(each, Name)]  # type: ignore[union-attr]
    ranges = [range(size) for size in shape[: len(indices)]]
    paper.ranges = dict(zip(indices, map(len, ranges), strict=True))
    return [float(paper.value(right, dict(zip(indices, at, strict=True)))) for at in product(*ranges)]


class _Paper:
    """What names mean, and how many terms were added up."""

    def __init__(self, arrays: Mapping[str, Any], names: dict[str, Any]) -> None:
        self.arrays, self.names = arrays, names
        self.ranges: dict[str, int] = {}
        self.terms = 0

    def value(self, node: Node, at: Mapping[str, Any]) -> Any:
        found = self._value(node, at)
        return 0 if found is None else found

    def _value(self, node: Node, at: Mapping[str, Any]) -> Any:
        """Return the value; None for an element outside the image."""
        match node:
            case Number_(number):
                return number
            case Name(text):
                return at[text] if text in at else self.names[text]
            case Sum(terms):
                return sum(sign * self.value(term, at) for sign, term in terms)
            case Product(factors):
                return math.prod(self.value(factor, at) for factor in factors)
            case Quotient(top, bottom):
                return self.value(top, at) / self.value(bottom, at)
            case Exponent(base, exponent):
                return self.value(base, at) ** self.value(exponent, at)
            case Call(function, arguments):
                return FUNCTIONS[function](*(self.value(each, at) for each in arguments))
            case Indexed(array, indices):
                return self._element(array, [(each, self.value(each, at)) for each in indices])
            case Over(function, body, ranges):
                return self._over(function, body, ranges, at)

    def _element(self, name: str, indices: list[tuple[Node, Any]]) -> Any:
        """Return an element; weights are arranged by the ranges of their indices, where these are names.

        Between two elements of the image, at indices that are no integers, stand zeros.
        """
        if any(value != round(value) for _, value in indices):
            return None
        at = [round(value) for _, value in indices]
        array = self.arrays.get(name)
        if array is None:
            return 0  # a bias that the layer does not have
        if not name.startswith("X") and all(isinstance(node, Name) for node, _ in indices):
            sizes = tuple(self.ranges[node.text] for node, _ in indices if isinstance(node, Name))
            if array.size not in (1, math.prod(sizes)):
                return math.nan  # other weights than the equation has: nothing can be equal
            array = (
                array.reshape(sizes) if math.prod(sizes) == array.size else np.broadcast_to(array.reshape(()), sizes)
            )
        array = np.asarray(array)
        inside = all(0 <= index < size for index, size in zip(at, array.shape, strict=True))
        return array[tuple(at)].item() if inside else None

    def _over(self, function: str, body: Node, ranges: tuple[Range, ...], at: Mapping[str, Any]) -> Any:
        found = [self._value(body, inner) for inner in self._each(ranges, at)]
        if function == "max":
            return max((each for each in found if each is not None), default=-math.inf)
        total = sum(each or 0 for each in found)
        return total / len(found) if function == "mean" else total

    def _each(self, ranges: tuple[Range, ...], at: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield the assignments of all indices, the first running slowest."""
        if not ranges:
            self.terms += 1
            if self.terms > MOST_TERMS:
                raise TooLong
            yield at
            return
        first, *others = ranges
        low, high = math.floor(self.value(first.low, at)), math.floor(self.value(first.high, at))
        self.ranges[first.index] = high - low
        for index in range(low, high):
            yield from self._each(tuple(others), {**at, first.index: index})
