"""Confronts what the rules derive with what the executor measures, for a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from convmath.errors import LimitError, SpecError
from convmath.formula import bind
from convmath.formula.text import write_shape
from convmath.limits import DEFAULT, Limits
from convmath.numeric.execute import run
from convmath.numeric.measure import measure_costs
from convmath.report import NetworkReport, Verification
from convmath.spec.graph import Network
from convmath.symbolic.compose import derive
from convmath.verification.budget import demand, estimate
from convmath.verification.compare import BY, REFUSED, RUNS, compare, failure, outcome_of
from convmath.verification.fields import confront_fields
from convmath.verification.samples import Values, draw, legal, shells, spatial, too_small
from convmath.verification.tally import Tally

SAMPLES = 24
CHEAP = 2 * 10**9
"""MACs up to which every case is also run on values; the first case is run in any event."""
OPAQUE = "opaque"
HEAVY = 10**8
"""A drawn case with more elements alive at once is passed over."""
MOST_EDGES = 8
"""How many points at the edges of a condition are tried."""
MOST_SMALL = 300
"""How many small assignments are searched for a smaller counterexample."""


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
    network = replace(network, weights={})  # no formula depends on a model's own numbers, which may be far away
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
    """Run one case: all conditions hold, so that rules and executor must both accept it."""
    key, stated = (None, "valid_when"), "all conditions hold"
    try:
        bound = network.bind(values)
        numbers = derive(bound)
    except LimitError:
        raise
    except SpecError as error:
        tally.note(
            key, stated, RUNS, f"refused by its own rule: {error.problems[0].message}", at=values, by=BY["valid_when"]
        )
        return
    if first:
        demand(network, numbers, values, limits)
    elif _heavy(numbers):
        return  # a depth that was drawn can make an image of any size
    outcome = outcome_of(bound)
    if outcome != RUNS:
        tally.note(key, stated, RUNS, outcome, at=values, by=BY["valid_when"])
        return
    compare(report, measure_costs(bound), values, tally)
    confront_fields(network, report, values, tally)
    memory, macs = estimate(numbers)
    if (first or macs <= CHEAP) and memory <= limits.memory and macs <= limits.macs:
        _execute(network, bound, report, values, tally)


def _heavy(numbers: NetworkReport) -> bool:
    peak = numbers.totals.peak_activations
    return isinstance(peak, int) and peak > HEAVY


def _execute(network: Network, bound: Network, report: NetworkReport, values: Values, tally: Tally) -> None:
    """Run the network on values, and hold the shape of what comes out against the formula."""
    shapes = {each.name: tuple(int(size) for size in each.shape) for each in bound.inputs}  # type: ignore[arg-type]
    names = [bound.nodes[at].name for at in bound.outputs]
    stated = [report.layers[at].output_shape for at in network.outputs]
    wanted = [tuple(bind(size, values) for size in each) for each in stated]
    try:
        made = run(bound, {name: np.ones(shape, np.float32) for name, shape in shapes.items()})
        found: object = [made[name].shape for name in names] if isinstance(made, dict) else [made.shape]
    except SpecError as error:
        if error.problems[0].code == OPAQUE:
            return
        found = failure(error)
    except Exception as error:  # noqa: BLE001  (a kernel that breaks refutes the network)
        found = failure(error)
    formula = ", ".join(map(write_shape, stated))
    derived, measured = (wanted[0], found[0]) if len(wanted) == 1 and isinstance(found, list) else (wanted, found)
    tally.note((None, "output_shape"), formula, derived, measured, at=values, by=BY["output_shape"])


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
            derived = REFUSED if outside else RUNS
            if outside or legal(network, report, point):
                tally.note(key, condition, derived, _outcome(network, point), at=point, by=BY["valid_when"])
    for condition in report.totals.valid_when:
        name, modulus = str(condition.left), bind(condition.modulus or 1, values)
        if name in values and condition.relation == "==" and condition.modulus is not None and modulus != 1:
            point = {**values, name: values[name] + 1}
            key = (None, f"valid_when {condition}")
            if tally.cases(key) >= MOST_EDGES:
                continue
            tally.note(key, condition, REFUSED, _outcome(network, point), at=point, by=BY["valid_when"])


def _outcome(network: Network, values: Values) -> str:
    """Return what the executor does at these values."""
    try:
        return outcome_of(network.bind(values))
    except SpecError:
        return REFUSED


def _search(network: Network, report: NetworkReport, around: Values, tally: Tally) -> None:
    """Look for smaller counterexamples among the least assignments."""
    wanted = tally.refuted()
    small = Tally()
    legal_ones = (
        values for values in islice(shells(network, around), 20 * MOST_SMALL) if legal(network, report, values)
    )
    for values in islice(legal_ones, MOST_SMALL):
        bound = network.bind(values)
        if outcome_of(bound) == RUNS:
            compare(report, measure_costs(bound), values, small)
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
    declared = [layer.name for layer in report.layers if layer.kind == OPAQUE]
    if declared:
        yield f"taken as declared, and not confirmed: {', '.join(declared)}"
    weights = [layer for layer in report.layers if layer.params != 0]
    if weights and cases:
        at = ", ".join(f"{name} = {value}" for name, value in cases[0].items())
        yield f"{bind(report.totals.params, cases[0]):,} weights read" + (f" at {at}" if at else "")
