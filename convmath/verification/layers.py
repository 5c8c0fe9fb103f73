"""Verifies a kind of layer: random layers of it, each executed, against the rule."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from convmath.errors import SpecError, UsageError, inert
from convmath.formula.text import write_shape
from convmath.numeric.measure import measure_costs
from convmath.report import NetworkReport, Verification
from convmath.spec.document import Document
from convmath.spec.graph import Network
from convmath.spec.kinds import ALIASES, VOCABULARY
from convmath.spec.parse import VERSION, parse
from convmath.symbolic.compose import derive
from convmath.verification.compare import REFUSED, RUNS, compare, outcome_of
from convmath.verification.fields import confront_fields
from convmath.verification.kinds import Place, draw_entry, draw_place
from convmath.verification.tally import Tally

SAMPLES = 512


def verify_kind(
    kind: str, samples: int = SAMPLES, seed: int = 0, *, progress: Callable[[int], None] | None = None
) -> Verification:
    """Draw *samples* layers of a kind, legal or not, and hold the rule against what each does.

    Where the rule refuses a layer the executor must refuse it, and where it does not the
    executor must run it.

    Raises ``UsageError`` for a kind that does not exist.
    """
    kind = ALIASES.get(kind, kind)
    if kind not in VOCABULARY:
        raise UsageError(f"there is no kind '{inert(kind)}'; the kinds are {', '.join(VOCABULARY)}")
    random = Random(f"{kind} {seed}")
    tally = Tally()
    general = general_report(kind)
    legal = 0
    for _ in range(samples):
        legal += _case(random, kind, general, tally)
        if progress is not None:
            progress(1)
    sampled = f"{samples} random layers, {legal} of them legal, seed {seed}"
    return Verification(kind, tally.checks(), sampled)


def one_layer(entry: dict[str, Any], shape: list[Any]) -> Network:
    """Return the network of a single entry."""
    data = {"convmath": VERSION, "input": shape, "layers": [entry]}
    return parse(Document("<layer>", "", data))


def general_report(kind: str) -> NetworkReport:
    """Return the report of the kind in its hyper-parameters: one layer, in two dimensions."""
    meaning = VOCABULARY[kind].meaning
    return derive(one_layer({kind: dict(meaning.general)}, list(meaning.input)))


def _case(random: Random, kind: str, general: NetworkReport, tally: Tally) -> bool:
    """Draw one layer, confront it, and return whether it is legal."""
    place = draw_place(random, kind)
    entry = draw_entry(random, kind, place)
    at = {"input": _shown(place), **entry[kind]}
    network = one_layer(entry, [place.channels, *place.sizes])
    try:
        report: NetworkReport | None = derive(network)
    except SpecError:
        report = None
    outcome = outcome_of(network)
    stated = REFUSED if report is None else RUNS
    tally.note((None, "valid_when"), _conditions(general), stated, outcome, at=at, by="runs, or is refused")
    if report is None or outcome != RUNS:
        return False
    layer = Tally()
    compare(report, measure_costs(network), {}, layer)
    confront_fields(network, report, {}, layer)
    for (name, quantity), measured in layer.entries.items():
        found = measured.counterexample
        derived, seen = (found.derived, found.measured) if found else (None, None)
        if name is not None:  # the total of one layer says nothing more
            formula = _formula(general, quantity)
            tally.note((None, _without_axis(quantity)), formula, derived, seen, at=at, by=measured.measured_by)
    return True


def _shown(place: Place) -> str:
    return " × ".join(map(str, (place.channels, *place.sizes)))


def _conditions(general: NetworkReport) -> str:
    return ", ".join(map(str, general.totals.valid_when)) or "always"


def _without_axis(quantity: str) -> str:
    return quantity.partition("[")[0]


def _formula(general: NetworkReport, quantity: str) -> str:
    """Return the general formula of a quantity: for sizes and fields that of the first axis."""
    layer, totals = general.layers[-1], general.totals
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
