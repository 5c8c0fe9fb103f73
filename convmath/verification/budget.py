"""What an execution would cost, before anything is allocated."""

from __future__ import annotations

from collections.abc import Mapping

from convmath.errors import LimitError, Problem, SpecError
from convmath.limits import Limits
from convmath.report import NetworkReport
from convmath.spec.graph import Network
from convmath.symbolic.compose import derive
from convmath.verification.samples import spatial

BYTES = 8
"""Bytes of one number, in double precision."""


def estimate(report: NetworkReport) -> tuple[int, int]:
    """Return the bytes and the MACs of an execution, from a report at numbers: weights, and twice the peak."""
    totals = report.totals
    held = [totals.params, totals.buffers, totals.peak_activations, totals.peak_activations]
    memory = BYTES * sum(each for each in held if isinstance(each, int))
    return memory, totals.macs if isinstance(totals.macs, int) else 0


def fits(report: NetworkReport, limits: Limits) -> bool:
    """Tell whether an execution stays within the limits."""
    memory, macs = estimate(report)
    return memory <= limits.memory and macs <= limits.macs


def demand(network: Network, report: NetworkReport, values: Mapping[str, int], limits: Limits) -> None:
    """Refuse an execution beyond the limits, with the estimate, the flag, and sizes that would fit.

    Raises ``LimitError``.
    """
    if fits(report, limits):
        return
    memory, macs = estimate(report)
    name = "memory" if memory > limits.memory else "macs"
    needs = f"{readable(memory)} of memory and {macs:,} MACs"
    allowed = readable(limits.memory) if name == "memory" else f"{limits.macs:,}"
    message = f"running {report.network} needs about {needs}; the limit is {allowed}"
    smaller = _fitting(network, dict(values), limits)
    would = f"; {smaller} would fit" if smaller else ""
    raise LimitError(Problem("budget", message, f"{limits.flag(name)} raises the limit{would}"))


def _fitting(network: Network, values: dict[str, int], limits: Limits) -> str | None:
    """Return the first halving of the input's sizes that stays within the limits."""
    sizes = spatial(network)
    while sizes and max(values[name] for name in sizes) > 1:
        values = {name: max(1, value // 2) if name in sizes else value for name, value in values.items()}
        try:
            if fits(derive(network.bind(values)), limits):
                return ", ".join(f"{name} = {values[name]}" for name in sorted(sizes))
        except SpecError:
            return None
    return None


def readable(size: int) -> str:
    """Return a number of bytes with a unit."""
    for unit, scale in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << scale:
            return f"{size / (1 << scale):.1f} {unit}"
    return f"{size} bytes"
