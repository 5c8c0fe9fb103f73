"""From convmath's MACs to what another counter prints, layer by layer, in sums that close exactly."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from convmath.counters.counting import Counter, Entries, Entry, Site
from convmath.counters.tables import COUNTERS
from convmath.counters.writings import MEANINGS, POSSIBLE, writings
from convmath.errors import UnsupportedError, UsageError, inert
from convmath.formula import Formula, Value, sum_of
from convmath.report import Analysis, Counted, Difference, NetworkReport, Reconciliation, Writing
from convmath.spec.graph import Network, Node, arriving_channels, needed
from convmath.spec.layer import Layer
from convmath.spec.passes import Passes
from convmath.symbolic.facts import Shape, apply
from convmath.symbolic.passes import Depth

MOST_NAMED = 3
MOST_PRINTED = 10**300
"""The counters round with floats, which end somewhere."""

Amount = tuple[Entry, Value, Value, Value | None]
"""An entry with the difference that it makes, what is counted, and what would be right."""


def reconcile(
    network: Network, analysis: Analysis, convention: str, written: Mapping[str, str] | None = None
) -> Reconciliation:
    """Return what a counter prints for *network*, and why.

    *written* says how kinds, layers or named groups are written, where not in the usual way.

    Raises ``UsageError`` for an unknown convention or writing, ``UnsupportedError`` for a
    layer of which the counter's number is not known.
    """
    counter = counter_of(convention)
    bound = None if analysis.at is None else network.bind(analysis.values)
    hows = _Hows([network] if bound is None else [network, bound], written or {})
    walk = _Walk(network, analysis.report, counter, hows)
    counted = walk.counted()
    at = None if bound is None or analysis.at is None else _Walk(bound, analysis.at, counter, hows).counted()
    assumed = sorted(walk.assumed.items())
    return Reconciliation(
        convention=counter.name,
        version=counter.version,
        call=counter.call,
        report=analysis.report,
        values=analysis.values,
        counted=counted,
        at=at,
        assumed=tuple(Writing(kind, how, MEANINGS[how], layers) for (kind, how), layers in assumed),
    )


def counter_of(convention: str) -> Counter:
    """Return the counter of a name; Raises ``UsageError`` where there is none."""
    if convention not in COUNTERS:
        near = get_close_matches(convention, COUNTERS, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(COUNTERS)}"
        raise UsageError(f"there is no convention '{inert(convention)}'; {hint}")
    return COUNTERS[convention]


class _Hows:
    """How each layer is written: what is said of itself goes before its groups, and these before its kind."""

    def __init__(self, networks: Sequence[Network], written: Mapping[str, str]) -> None:
        """Take what is said of *networks*, the same one in symbols and with its repeats unrolled."""
        self.written = written
        self.groups: dict[str, list[str]] = {}
        for network in networks:
            for group in network.groups:
                for node in network.nodes[group.start : group.stop]:
                    self.groups.setdefault(node.name, []).append(group.name)
        nodes = [node for network in networks for node in _all_nodes(network.nodes)]
        for name, how in written.items():
            self._check(nodes, name, how)

    def _check(self, nodes: Sequence[Node], name: str, how: str) -> None:
        kinds = {each.layer.kind for each in nodes if name in self._names(each)}
        if not kinds:
            known = {name for each in nodes for name in self._names(each)}
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean '{inert(near[0])}'?" if near else ""
            raise UsageError(f"the network has no kind, layer or group '{inert(name)}'{hint}")
        ways = sorted({way for kind in kinds for way in writings(kind)})
        if how not in ways:
            raise UsageError(f"'{inert(name)}' is not written '{inert(how)}'; there is {', '.join(ways)}")

    def _names(self, node: Node) -> list[str]:
        """Return the names by which a layer may be meant, its own first."""
        return [node.name, *reversed(self.groups.get(node.name, [])), node.kind, node.layer.kind]

    def of(self, node: Node, layer: Layer) -> str:
        """Return how a layer is written; Raises ``UsageError`` where that cannot be."""
        ways = writings(layer.kind)
        given = (self.written[name] for name in self._names(node) if name in self.written)
        how = next((each for each in given if each in ways), ways[0])
        if how in POSSIBLE and not POSSIBLE[how][0](layer):
            raise UsageError(f"{inert(node.name)} cannot be written '{how}': {POSSIBLE[how][1]}")
        return how


def _all_nodes(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Yield all layers, also those inside of a repeat that is not unrolled."""
    for node in nodes:
        yield node
        if isinstance(node.layer, Passes):
            yield from _all_nodes(node.layer.nodes)


@dataclass(slots=True)
class _Line:
    """One line of the explanation, while it is summed."""

    kind: str
    entry: Entry
    layers: list[str] = field(default_factory=list)
    amounts: list[Value] = field(default_factory=list)
    counted: list[Value] = field(default_factory=list)
    right: list[Value] = field(default_factory=list)

    def difference(self) -> Difference:
        wrong = self.entry.fault is not None
        return Difference(
            kind=self.kind,
            says=self.entry.says,
            layers=tuple(self.layers),
            amount=sum_of(self.amounts),
            fault=self.entry.fault,
            counted=sum_of(self.counted) if wrong else None,
            right=sum_of(self.right) if wrong else None,
        )


class _Walk:
    """One pass over a network whose shapes are known from its report."""

    def __init__(self, network: Network, report: NetworkReport, counter: Counter, hows: _Hows) -> None:
        self.network, self.report, self.counter, self.hows = network, report, counter, hows
        self.lines: dict[tuple[str, int], _Line] = {}
        self.assumed: Counts[tuple[str, str]] = Counts()
        self.refused: dict[str, list[str]] = {}

    def counted(self) -> Counted:
        shapes = [each.shape for each in (*self.network.inputs,)] + [each.output_shape for each in self.report.layers]
        channels = {arriving_channels(at): shape[0] for at, shape in enumerate(shapes)}
        used = needed(self.network.nodes, len(self.network.inputs), self.network.outputs)
        for at, node in enumerate(self.network.nodes):
            arriving = tuple(Shape(shapes[each][0], shapes[each][1:]) for each in node.inputs)
            layer = node.resolved(channels)
            self._enter(node, layer, arriving, lambda amount: amount, used=at in used)
        if self.refused:
            raise self._refusal()
        differences = tuple(each for each in (line.difference() for line in self.lines.values()) if each.amount != 0)
        totals = self.report.totals
        total = totals.macs + sum_of(each.amount for each in differences)
        printed = None if isinstance(total, Formula) or total > MOST_PRINTED else self.counter.prints(int(total))
        return Counted(totals.macs, differences, total, totals.params, printed)

    def _enter(
        self,
        node: Node,
        layer: Layer,
        arriving: tuple[Shape, ...],
        summed: Callable[[Value], Value],
        *,
        used: bool,
    ) -> None:
        """Enter what a layer counts into its lines; *summed* over the passes of the repeats that it stands in.

        *used* says whether any output of the network depends on it.
        """
        if isinstance(layer, Passes):
            depth = Depth(layer, arriving[0])
            inside = needed(layer.nodes, 1, [layer.out - 1]) if used else set()
            for at, (inner, resolved, reaching) in enumerate(depth.inside()):
                add_up = lambda amount: summed(depth.summed(amount))  # noqa: E731
                self._enter(inner, resolved, reaching, add_up, used=at in inside)
            return
        if self.counter.unused is not None and not used:
            self._add_all(node, layer.kind, self.counter.unused, _site(layer, arriving), summed)
            return
        reason = self.counter.unknown(layer)
        if reason is not None:
            self.refused.setdefault(reason, []).append(node.name)
            return
        how = self.hows.of(node, layer)
        if self.counter.depends(layer.kind):
            self.assumed[layer.kind, how] += 1
        self._add_all(node, layer.kind, self.counter.entries(layer.kind, how), _site(layer, arriving), summed)

    def _add_all(self, node: Node, kind: str, entries: Entries, site: Site, summed: Callable[[Value], Value]) -> None:
        for entry in entries:
            if entry.when is None or entry.when(site):
                self._add(node, kind, entry, site, summed)

    def _add(self, node: Node, kind: str, entry: Entry, site: Site, summed: Callable[[Value], Value]) -> None:
        counts = entry.counts(site)
        amount = counts - site.macs if entry.instead else counts
        if amount == 0:
            return
        line = self.lines.setdefault((kind, id(entry)), _Line(kind, entry))
        line.layers.append(node.name)
        line.amounts.append(summed(amount))
        if entry.right is not None:
            line.counted.append(summed(counts))
            line.right.append(summed(entry.right(site)))

    def _refusal(self) -> UnsupportedError:
        """Return the error that names all layers of which nobody knows the number."""
        found = []
        for reason, names in self.refused.items():
            shown = ", ".join(map(inert, names[:MOST_NAMED])) + (" …" if len(names) > MOST_NAMED else "")
            found.append(f"{shown}: {reason}")
        listed = "\n  ".join(found)
        return UnsupportedError(f"there is no number of {self.counter.name} to explain\n  {listed}")


def _site(layer: Layer, arriving: tuple[Shape, ...]) -> Site:
    facts = apply(layer, *arriving)
    return Site(
        layer=layer,
        arriving=tuple((each.channels, *each.sizes) for each in arriving),
        leaving=(facts.out.channels, *facts.out.sizes),
        params=facts.params,
        macs=facts.macs,
        operations=facts.operations,
    )
