"""Verifies a kind of layer: random layers of it, each executed, against the rule."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from convmath.errors import SpecError, UsageError, inert
from convmath.numeric.measure import measure_costs
from convmath.report import NetworkReport, Verification
from convmath.spec.kinds import ALIASES, VOCABULARY
from convmath.symbolic.compose import derive
from convmath.symbolic.general import general, one_layer
from convmath.verification.compare import REFUSED, RUNS, compare, outcome_of
from convmath.verification.fields import confront_fields
from convmath.verification.general import conditions_of, confront_general, note_layer
from convmath.verification.kinds import Place, draw_entry, draw_place
from convmath.verification.tally import Tally

SAMPLES = 512
PER_GENERAL = 8
"""For so many random layers, one more is drawn by putting numbers into the general formulas."""


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
    stated = general(kind).report
    legal = 0
    for _ in range(samples):
        legal += _case(random, kind, stated, tally)
        if progress is not None:
            progress(1)
    confront_general(kind, random, max(1, samples // PER_GENERAL), tally)
    sampled = f"{samples} random layers, {legal} of them legal, seed {seed}"
    return Verification(kind, tally.checks(), sampled)


def _case(random: Random, kind: str, stated: NetworkReport, tally: Tally) -> bool:
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
    expected = REFUSED if report is None else RUNS
    tally.note((None, "valid_when"), conditions_of(stated), expected, outcome, at=at, by="runs, or is refused")
    if report is None or outcome != RUNS:
        return False
    layer = Tally()
    compare(report, measure_costs(network), {}, layer)
    confront_fields(network, report, {}, layer)
    note_layer(layer, stated, at, tally)
    return True


def _shown(place: Place) -> str:
    return " × ".join(map(str, (place.channels, *place.sizes)))
