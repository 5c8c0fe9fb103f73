"""Puts numbers into the general formulas of a kind, and holds them and the defining equation against execution."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import zip_longest
from math import isclose, nan
from random import Random
from typing import Any

import numpy as np

from convmath.errors import SpecError
from convmath.formula.text import write_node, write_shape
from convmath.numeric.execute import walk
from convmath.numeric.measure import measure_costs
from convmath.numeric.values import Values
from convmath.numeric.weights import Numbers, Weights
from convmath.report import NetworkReport
from convmath.spec.graph import Network
from convmath.spec.kinds import VOCABULARY
from convmath.symbolic.general import MADE, General, equation_of, general
from convmath.verification.compare import RUNS, compare, outcome_of
from convmath.verification.equation import TooLong, evaluate
from convmath.verification.fields import confront_fields
from convmath.verification.samples import legal
from convmath.verification.tally import Tally

MOST_TRIES = 200
"""So many assignments are drawn for each that is wanted, since most meet no condition of the layer."""
SIZES = ("H", "W", "n")
MANY = 0.25
"""So often channels are drawn among more values: they must hold r² for a shuffle with r = 2."""
REACH = 9
"""Inputs lie within so much of zero: beyond where any activation of the vocabulary changes its form."""
_INPUT = re.compile(r'\["[^"]*"\]')


def confront_general(kind: str, random: Random, wanted: int, tally: Tally) -> None:
    """Draw numbers for the symbols of the general formulas, execute, and compare every formula and the equation."""
    known = general(kind)
    found = 0
    for _ in range(MOST_TRIES * wanted):
        values = {each.name: _drawn(random, each.name, each.minimum) for each in known.network.symbols}
        if found >= wanted:
            break
        if legal(known.network, known.report, values):
            found += 1
            _confront(kind, known, values, tally)
        if not values:
            break


def _drawn(random: Random, name: str, least: int) -> int:
    if name in SIZES:
        return random.randint(1, 9)
    return least + random.randrange(8 if name == "C" and random.random() < MANY else 3)


def _confront(kind: str, known: General, values: Mapping[str, int], tally: Tally) -> None:
    at: dict[str, Any] = dict(values)
    try:
        bound = known.network.bind(values)
        outcome = outcome_of(bound)
    except SpecError as error:
        outcome = f"refused: {error.problems[0].message}"
    key = (None, "valid_when")
    tally.note(key, conditions_of(known.report), RUNS, outcome, at=at, by="runs, or is refused")
    if outcome != RUNS:
        return
    layer = Tally()
    compare(known.report, measure_costs(bound), values, layer)
    confront_fields(known.network, known.report, values, layer)
    note_layer(layer, known.report, at, tally)
    _confront_equation(kind, bound, values, at, tally)


def _confront_equation(
    kind: str, bound: Network, values: Mapping[str, int], at: Mapping[str, Any], tally: Tally
) -> None:
    """Hold every element of the output against the defining equation, summed up term by term."""
    left, right = equation_of(kind)
    bound = _off_default(bound)
    seed = sum(values.values())
    random = np.random.default_rng(seed)
    sources = [random.uniform(-REACH, REACH, tuple(each.shape)) for each in bound.inputs]  # type: ignore[arg-type]
    if kind == "opaque":
        return  # nobody knows what it computes
    steps = list(walk(bound, list(map(Values, sources)), lambda node: Weights(Numbers(node.name, {}, seed))))
    output = steps[-1].output.numbers
    given = {"X": sources[0]} if len(sources) == 1 else {f"X{at}": each for at, each in enumerate(sources, 1)}
    arrays = {**given, **_named([each.weights for each in steps])}
    names = {name: float(number) for name, number in VOCABULARY[kind].meaning.constants.items()}
    names |= {name: getattr(steps[0].layer, name) for name in _reals(steps[0].layer)} | dict(values)
    try:
        stated = evaluate(left, right, arrays, names, output.shape)
    except TooLong:
        return
    pairs = zip_longest(stated, output.flat, fillvalue=nan)
    wrong = next(((a, b) for a, b in pairs if a != b and not isclose(a, b, abs_tol=1e-9)), None)
    derived, measured = (f"{wrong[0]:.6g}", f"{wrong[1]:.6g}") if wrong else (None, None)
    text = f"{write_node(left)} = {write_node(right)}"
    tally.note((None, "equation"), text, derived, measured, at=at, by="every element, summed up by the equation")


def _off_default(bound: Network) -> Network:
    """Return the network with all real numbers of its layers changed: a default of 1 or 0 hides where it stands."""
    layers = [each.layer for each in bound.nodes]
    moved = [replace(each, **{name: 1.5 * getattr(each, name) or 0.25 for name in _reals(each)}) for each in layers]
    nodes = tuple(replace(node, layer=layer) for node, layer in zip(bound.nodes, moved, strict=True))
    return replace(bound, nodes=nodes)


def _reals(layer: Any) -> list[str]:
    return [name for name in type(layer).__dataclass_fields__ if isinstance(getattr(layer, name), float)]


def _named(weights: list[Weights]) -> dict[str, Any]:
    """Return parameters and buffers by the names that equations use: F and b, F_1 and F_2 where there are two."""
    found: dict[str, Any] = {}
    for at, each in enumerate((each for each in weights if each.parameters or each.buffers), 1):
        for name, held in (each.parameters | each.buffers).items():
            found[name.removeprefix("running_")] = held.read()
            if name == "weight":
                found["F"] = found[f"F_{at}"] = held.read()
            if name == "bias":
                found["b"] = found[f"b_{at}"] = held.read()
    return found


def note_layer(layer: Tally, stated: NetworkReport, at: Mapping[str, Any], tally: Tally) -> None:
    """Enter what was measured of one layer under the general formulas of its kind."""
    for (name, quantity), measured in layer.entries.items():
        found = measured.counterexample
        derived, seen = (found.derived, found.measured) if found else (None, None)
        # The total of one layer says nothing more, and layers that make maps for it are not of its kind.
        if name is not None and not name.startswith(MADE):
            alike = _INPUT.sub("", quantity)  # a merge sees each of its inputs alike
            formula = _formula(stated, alike)
            tally.note((None, _without_axis(alike)), formula, derived, seen, at=at, by=measured.measured_by)


def conditions_of(stated: NetworkReport) -> str:
    """Return when the general formulas hold, as text."""
    return ", ".join(map(str, stated.totals.valid_when)) or "always"


def _without_axis(quantity: str) -> str:
    return quantity.partition("[")[0]


def _formula(stated: NetworkReport, quantity: str) -> str:
    """Return the general formula of a quantity: for sizes and fields that of the first axis."""
    layer, totals = stated.layers[-1], stated.totals
    name = _without_axis(quantity)
    field = layer.receptive_field
    if name == "output_shape":
        return write_shape(totals.output_shape)
    if name.startswith("receptive_field."):
        held = getattr(field, name.partition(".")[2], None)  # the exact sets have no formula of their own
        return str(held[0]) if held else "from first to last"
    if name.startswith("operations."):
        return str(getattr(totals.operations, name.partition(".")[2]))
    return str(getattr(totals, name))
