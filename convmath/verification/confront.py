"""Confronts what the rules derive with what the executor measures, for a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from convmath.errors import SpecError
from convmath.formula import bind
from convmath.formula.text import write_shape
from convmath.limits import DEFAULT, Limits
from convmath.numeric.execute import run
from convmath.numeric.measure import NetworkCosts, measure_costs
from convmath.report import NetworkReport, Verification
from convmath.spec.graph import Network
from convmath.symbolic.compose import derive
from convmath.verification.budget import demand, estimate
from convmath.verification.fields import confront_fields
from convmath.verification.samples import Values, draw, legal, shells, spatial, too_small
from convmath.verification.tally import Tally

SAMPLES = 24
CHEAP = 2 * 10**9
"""MACs up to which every case is also run on values; the first case is run in any event."""
MOST_EDGES = 8
"""How many points at the edges of a condition are tried."""
MOST_SMALL = 300
"""How many small assignments are searched for a smaller counterexample."""
COUNTED = ("params", "buffers", "macs", "flops", "activations")
BY = {
    "output_shape": "the shapes of the arrays",
    "params": "the weights that were read, one by one",
    "buffers": "the buffers that were read",
    "macs": "every product counted",
    "flops": "every operation counted",
    "activations": "the arrays that were made",
    "peak_activations": "the arrays alive at once",
    "valid_when": "runs at the bound, is refused just outside",
}
BY_ARRAY = "the weights that were read, by array"


def verify(
    network: Network,
    samples: int = SAMPLES,
    seed: int = 0,
    *,
    limits: Limits = DEFAULT,
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Draw values for the symbols, execute, and hold every formula against what was measured.

    Raises ``LimitError``, before anything is allocated, where the first case would need
    more than the limits allow, and ``SpecError`` for a network that is invalid.
    """
    report = derive(network)
    cases = draw(network, report, samples, seed)
    tally = Tally()
    for at, values in enumerate(cases):
        _case(network, report, values, tally, limits, first=at == 0)
        if progress is not None:
            progress(1)
    for values in cases:
        _edges(network, report, values, tally)
    if tally.refuted() and network.symbols:
        _search(network, report, cases[0], tally)
    return Verification(network.name, tally.checks(), _sampled(network, cases, seed), tuple(_notes(report, cases)))


def _case(
    network: Network, report: NetworkReport, values: Values, tally: Tally, limits: Limits, *, first: bool
) -> None:
    bound = network.bind(values)
    numbers = derive(bound)
    if first:
        demand(network, numbers, values, limits)
    memory, macs = estimate(numbers)
    costs = measure_costs(bound)
    compare(report, costs, values, tally)
    confront_fields(network, report, values, tally)
    if (first or macs <= CHEAP) and memory <= limits.memory and macs <= limits.macs:
        shape = tuple(int(size) for size in bound.inputs[0].shape)  # type: ignore[arg-type]
        output = run(bound, np.ones(shape, np.float32))
        wanted = tuple(bind(size, values) for size in report.totals.output_shape)
        formula = write_shape(report.totals.output_shape)
        tally.note((None, "output_shape"), formula, wanted, output.shape, at=values, by=BY["output_shape"])


def compare(report: NetworkReport, costs: NetworkCosts, values: Mapping[str, Any], tally: Tally) -> None:
    """Hold shapes, parameters, operations and activations, of every layer and in total, against the measured ones."""
    for layer, seen in zip(report.layers, costs.layers, strict=True):
        for axis, size in enumerate(layer.output_shape):
            found = seen.output_shape[axis] if axis < len(seen.output_shape) else None
            key = (layer.name, f"output_shape[{axis}]")
            tally.note(key, size, bind(size, values), found, at=values, by=BY["output_shape"])
        for quantity in COUNTED:
            formula = getattr(layer, quantity)
            by = BY_ARRAY if quantity == "params" and not seen.by_identity else BY[quantity]
            key = (layer.name, quantity)
            tally.note(key, formula, bind(formula, values), getattr(seen, quantity), at=values, by=by)
    for quantity in COUNTED:
        formula = getattr(report.totals, quantity)
        by = BY_ARRAY if quantity == "params" and not all(each.by_identity for each in costs.layers) else BY[quantity]
        tally.note((None, quantity), formula, bind(formula, values), costs.total(quantity), at=values, by=by)
    peak = report.totals.peak_activations
    tally.note(
        (None, "peak_activations"),
        peak,
        bind(peak, values),
        costs.peak_activations,
        at=values,
        by=BY["peak_activations"],
    )


def _edges(network: Network, report: NetworkReport, values: Values, tally: Tally) -> None:
    """Check that each bound is the last that runs, and that what does not divide is refused.

    Each condition is tried in the first few cases in which it asks for something.
    """
    for condition, below in too_small(network, report, values):
        name = str(condition.left)
        key = (None, f"valid_when {condition}")
        if tally.cases(key) >= MOST_EDGES:
            continue
        for outside, point in ((True, below), (False, {**below, name: below[name] + 1})):
            derived = "refused" if outside else "runs"
            if outside or legal(network, report, point):
                tally.note(key, condition, derived, _outcome(network, point), at=point, by=BY["valid_when"])
    for condition in report.totals.valid_when:
        name, modulus = str(condition.left), bind(condition.modulus or 1, values)
        if name in values and condition.relation == "==" and condition.modulus is not None and modulus != 1:
            point = {**values, name: values[name] + 1}
            key = (None, f"valid_when {condition}")
            if tally.cases(key) >= MOST_EDGES:
                continue
            tally.note(key, condition, "refused", _outcome(network, point), at=point, by=BY["valid_when"])


def _outcome(network: Network, values: Values) -> str:
    """Return what the executor does at these values."""
    try:
        measure_costs(network.bind(values))
    except SpecError:
        return "refused"
    return "runs"


def _search(network: Network, report: NetworkReport, around: Values, tally: Tally) -> None:
    """Look for smaller counterexamples among the least assignments."""
    wanted = tally.refuted()
    small = Tally()
    legal_ones = (
        values for values in islice(shells(network, around), 20 * MOST_SMALL) if legal(network, report, values)
    )
    for values in islice(legal_ones, MOST_SMALL):
        try:
            compare(report, measure_costs(network.bind(values)), values, small)
        except SpecError:
            continue
        if wanted <= small.refuted():
            break
    tally.sharpen(small)


def _sampled(network: Network, cases: list[Values], seed: int) -> str:
    """Return which sizes were tried, for the first line of a table."""
    if not network.symbols:
        return "at its own numbers"
    sizes = sorted(spatial(network))
    if not cases:
        return "no legal values were found"
    if not sizes:
        return f"{len(cases)} cases, seed {seed}"
    shapes = sorted(([case[name] for name in _axes(network) if name in case] for case in cases), key=sum)
    low, high = (" × ".join(map(str, shape)) for shape in (shapes[0], shapes[-1]))
    return f"{len(cases)} cases, sizes from {low} to {high}, seed {seed}"


def _axes(network: Network) -> list[str]:
    return [str(size) for size in network.inputs[0].sizes]


def _notes(report: NetworkReport, cases: list[Values]) -> Iterator[str]:
    weights = [layer for layer in report.layers if layer.params != 0]
    if weights and cases:
        at = ", ".join(f"{name} = {value}" for name, value in cases[0].items())
        yield f"{bind(report.totals.params, cases[0]):,} weights read" + (f" at {at}" if at else "")
