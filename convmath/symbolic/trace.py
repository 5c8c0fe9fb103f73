"""What is known of a layer's output: its shape, how sizes came about, and what each position reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from convmath.algebra import FloorMap, Word, compose
from convmath.formula import Formula, Value, affine, single_floor, symbol
from convmath.report import Disagreement, Field
from convmath.spec.graph import Input
from convmath.symbolic.facts import Facts, Shape
from convmath.symbolic.paths import Paths, period, span, united
from convmath.symbolic.whole import Whole, joined_whole

POSITION = symbol("i")


@dataclass(frozen=True, slots=True)
class View:
    """What an output reads of one input of the network.

    ``axes`` are the paths that avoid layers which read every position; ``whole`` is what
    the others see, and without ``local`` there are only such.
    """

    axes: tuple[Paths, ...]
    whole: Whole | None = None
    local: bool = True


@dataclass(frozen=True, slots=True)
class Trace:
    """One output on its way from the inputs.

    ``sizes`` are the words from the sizes ``origin`` of an input to the last image's, None
    where a hyper-parameter depends on the input size itself; ``views`` hold what a
    position of the last image reads of each input. A vector keeps those of the image it
    was made of. ``fixed`` tells of a pooling to a fixed size on the way, ``uneven`` of
    channels that may see different pixels, of which the views are the hull.
    """

    shape: Shape
    origin: tuple[Value, ...]
    image: tuple[Value, ...]
    sizes: tuple[Word | None, ...]
    views: Mapping[int, View] = field(default_factory=dict)
    fixed: bool = False
    exact: bool = True
    uneven: bool = False

    @classmethod
    def of_input(cls, source: Input, at: int = 0) -> Trace:
        """Return the trace of an input: every map is the identity."""
        words = tuple(Word() for _ in source.sizes)
        view = View(tuple(Paths() for _ in source.sizes))
        return cls(Shape(source.channels, source.sizes), source.sizes, source.sizes, words, {at: view})

    @property
    def whole(self) -> bool:
        """Whether some path comes through a layer that reads every position."""
        return any(view.whole is not None for view in self.views.values())

    def step(self, facts: Facts, whole: Mapping[int, Whole] | None) -> Trace:
        """Return the trace of a layer with these facts; *whole* is what it sees where it reads every position."""
        if facts.anew:
            words = tuple(Word() for _ in facts.out.sizes)
            axes = tuple(Paths() for _ in facts.out.sizes)
            views = {at: View(axes, (whole or {}).get(at), local=False) for at in self.views}
            return Trace(facts.out, facts.out.sizes, facts.out.sizes, words, views, exact=False)
        uneven = facts.uneven or (self.uneven and not facts.mixes)
        if not self.shape.sizes or not facts.maps:
            exact = self.exact and facts.hull
            return replace(self, shape=facts.out, views=_overlaid(self.views, whole), uneven=uneven, exact=exact)
        return Trace(
            shape=facts.out,
            origin=self.origin,
            image=facts.out.sizes,
            sizes=tuple(map(_then, self.sizes, facts.maps, self.origin)),
            views=_overlaid({at: _after(view, facts) for at, view in self.views.items()}, whole),
            fixed=self.fixed or (not facts.declared and any(f.up == 0 for f in facts.maps)),
            exact=self.exact and facts.hull,
            uneven=uneven,
        )

    def joined(self, others: list[Trace], shape: Shape, whole: Mapping[int, Whole], *, beside: bool) -> Trace:
        """Return the trace of a layer that joins this output with *others*, and has *shape*.

        *whole* is what the layer sees of the inputs that some of its maps see as a whole;
        *beside* tells that it keeps the maps apart, as channels beside one another.
        """
        parts = [_repeated(each, shape) for each in (self, *others)]
        sources = dict.fromkeys(at for part in parts for at in part.views)
        views = {at: _merged([part.views[at] for part in parts if at in part.views], whole.get(at)) for at in sources}
        return Trace(
            shape=shape,
            origin=self.origin,
            image=shape.sizes or self.image,
            sizes=self.sizes,
            views=views,
            fixed=any(each.fixed for each in parts),
            exact=all(each.exact for each in parts),
            uneven=any(each.uneven for each in parts)
            or (beside and any(each.views != parts[0].views for each in parts)),
        )

    def fields(self) -> dict[int, Field]:
        """Return the receptive field in each input that is read."""
        return {at: self._field(view) for at, view in self.views.items()}

    def _field(self, view: View) -> Field:
        if view.whole is not None:
            local = self._local(view) if view.local and self.shape.sizes else None
            return replace(view.whole.field(), local=local)
        return self._local(view)

    def _local(self, view: View) -> Field:
        pairs = zip(view.axes, self.image, strict=False)
        size = tuple(span(axis, image if self.fixed else None) for axis, image in pairs)
        if not self.shape.sizes:
            return Field(size=size, whole=not view.axes, exact=self.exact)
        return Field(
            size=size,
            jump=_known(axis.jump for axis in view.axes),
            start=_known(axis.first_at(0) for axis in view.axes),
            first=_known(axis.first_at(POSITION) for axis in view.axes),
            last=_known(axis.last_at(POSITION) for axis in view.axes),
            exact=self.exact,
            period=None if self.fixed or not all(axis.first for axis in view.axes) else tuple(map(period, view.axes)),
            disagreement=_disagreement(view),
        )


def _repeated(trace: Trace, shape: Shape) -> Trace:
    """Return a trace whose axes of size 1 are repeated to *shape*: there every position reads the first."""
    at_first = FloorMap(0, 0, 1)
    repeated = [mine == 1 != size for mine, size in zip(trace.shape.sizes, shape.sizes, strict=False)]
    if not any(repeated):
        return trace
    views = {
        source: replace(
            view,
            axes=tuple(
                axis.after(at_first, at_first) if again else axis
                for axis, again in zip(view.axes, repeated, strict=True)
            ),
        )
        for source, view in trace.views.items()
    }
    return replace(trace, views=views)


def _known(values: Iterable[Value | None]) -> tuple[Value, ...] | None:
    """Return the values of all axes; None where one has no formula."""
    found = tuple(values)
    known = tuple(each for each in found if each is not None)
    return known if len(known) == len(found) else None


def _after(view: View, facts: Facts) -> View:
    axes = tuple(map(Paths.after, view.axes, facts.first, facts.last))
    return replace(view, axes=axes)


def _overlaid(views: Mapping[int, View], whole: Mapping[int, Whole] | None) -> Mapping[int, View]:
    """Return views of a layer that reads every position, where it does: no path avoids it."""
    if not whole:
        return views
    return {at: replace(view, whole=whole.get(at, view.whole), local=False) for at, view in views.items()}


def _merged(views: list[View], whole: Whole | None) -> View:
    local = [view for view in views if view.local]
    shown = local or views
    axes = tuple(united([view.axes[at] for view in shown]) for at in range(len(shown[0].axes)))
    wholes = [view.whole for view in views if view.whole is not None]
    return View(axes, whole or (joined_whole(wholes) if wholes else None), bool(local))


def _disagreement(view: View) -> tuple[Disagreement | None, ...] | None:
    """Return where paths differ in their jumps or centres, axis by axis; None where all agree on every axis."""
    found = tuple(
        Disagreement(axis.jumps, axis.apart) if axis.slopes or axis.apart != 0 else None for axis in view.axes
    )
    return found if any(found) else None


def _word_of(size: Value, origin: Formula) -> Word | None:
    """Return the word that makes a given size, such as ``floor(H/2) + 1``, of the input size H; None where none is."""
    inner = single_floor(size)
    top, divisor, constant = inner if inner is not None else (size, 1, 0)
    line = affine(top)
    if affine(origin) != (1, 0) or line is None or line[0] < 0 or isinstance(divisor, Formula):
        return None
    if not isinstance(top, Formula) or top.names != origin.names:
        return None
    return compose((FloorMap(*line, divisor), FloorMap(1, constant, 1)))


def _then(word: Word | None, after: FloorMap, origin: Value) -> Word | None:
    """Return the word one map longer; None where the map's coefficients depend on the input size."""
    if word is None:
        return None
    if isinstance(origin, Formula):
        if after.up == 0 and isinstance(after.shift, Formula) and after.shift.names & origin.names:
            return _word_of(after(0), origin)
        for coefficient in (after.up, after.shift, after.down):
            if isinstance(coefficient, Formula) and coefficient.names & origin.names:
                return None
    return word.then(after)
