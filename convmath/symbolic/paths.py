"""What the positions of an output read along one axis of an input, over all paths that lead there.

The hull runs from the least first position of any path to the greatest last one. Words
that another one never lets through are dropped, so that a network with many branches
carries few: on most graphs one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

from convmath.algebra import FloorMap, Word
from convmath.formula import Formula, Value, max_of, min_of, ratio, surely_nonnegative

MOST_WORDS = 12
"""So many words that none can be dropped of are carried; beyond, first and last have no formula."""
LONGEST_PERIOD = 4096


@dataclass(frozen=True, slots=True)
class Paths:
    """First and last positions, as words from an output position back to the input.

    ``first`` holds those of which the least counts, ``last`` those of which the greatest
    does; both are empty where there are too many. ``path`` is one path, the only one where
    it is None. The centres of the others lie between ``low`` and ``high`` beside its own,
    and ``slopes`` are the factors by which their jumps differ from its.
    """

    first: tuple[Word, ...] = (Word(),)
    last: tuple[Word, ...] = (Word(),)
    path: tuple[Word, Word] | None = None
    low: Value = 0
    high: Value = 0
    slopes: frozenset[Value] = frozenset()

    def after(self, first: FloorMap, last: FloorMap) -> Paths:
        """Return the paths one layer longer, *first* and *last* being what one output of that layer reads."""
        if self.path is None and len(self.first) == 1:
            [near], [far] = self.first, self.last
            return replace(self, first=(near.after(first),), last=(far.after(last),))
        pair = None if self.path is None else (self.path[0].after(first), self.path[1].after(last))
        firsts = tuple(dict.fromkeys(word.after(first) for word in self.first))
        lasts = tuple(dict.fromkeys(word.after(last) for word in self.last))
        return replace(self, first=_least(firsts), last=_greatest(lasts), path=pair)

    @property
    def reference(self) -> tuple[Word, Word]:
        """One path: its first and its last position."""
        return self.path or (self.first[0], self.last[0])

    @property
    def jump(self) -> Value | None:
        """How far apart neighbours read; None where paths differ."""
        return None if self.slopes else self.reference[0].slope

    @property
    def jumps(self) -> tuple[Value, ...]:
        """The jumps of all paths."""
        slope = self.reference[0].slope
        return tuple(sorted({slope, *(slope * each for each in self.slopes)}, key=_by_size))

    @property
    def apart(self) -> Value:
        """How far the centres of the paths lie apart, in input pixels, at position 0."""
        return self.high - self.low

    def first_at(self, position: Value) -> Value | None:
        """Return the least position that is read; None where there is no formula."""
        return min_of(*(word(position) for word in self.first)) if self.first else None

    def last_at(self, position: Value) -> Value | None:
        """Return the greatest position that is read."""
        return max_of(*(word(position) for word in self.last)) if self.last else None


def united(parts: list[Paths]) -> Paths:
    """Return the paths of several branches that are joined."""
    parts = list(dict.fromkeys(parts))
    if len(parts) == 1:
        return parts[0]
    whole = all(each.first for each in parts)
    firsts = dict.fromkeys(word for each in parts for word in each.first) if whole else {}
    lasts = dict.fromkeys(word for each in parts for word in each.last) if whole else {}
    first, last = _least(tuple(firsts)), _greatest(tuple(lasts))
    path = next((each.reference for each in parts if each.reference[0].slope != 0), parts[0].reference)
    # A map repeated from size 1 does not move at all; factors are told from one that does.
    alone = len(first) == 1 and len(last) == 1 and path == (first[0], last[0])
    slope, centre = path[0].slope, _centre(path)
    slopes: set[Value] = set()
    lows: list[Value] = [0]
    highs: list[Value] = [0]
    for each in parts:
        factor = ratio(each.reference[0].slope, slope) if slope != 0 else 1
        slopes |= {factor, *(factor * more for more in each.slopes)}
        offset = _centre(each.reference) - centre
        lows.append(offset + each.low)
        highs.append(offset + each.high)
    return Paths(
        first if last else (),
        last if first else (),
        None if alone else path,
        _extreme(lows, -1),
        _extreme(highs, 1),
        frozenset(slopes - {1}),
    )


def _extreme(values: list[Value], sign: int) -> Value:
    return max_of(*values) if sign > 0 else min_of(*values)


def _centre(path: tuple[Word, Word]) -> Value:
    """Return where the centre of output 0 lies, on average over the phases of a division."""
    return ratio(_offset(path[0]) + _offset(path[1]), 2)


def _offset(word: Word) -> Value:
    """Return the constant of the line that the word's values lie around: floor(y/s) is (y - (s - 1)/2)/s on average."""
    offset: Value = 0
    for each in word.maps:
        offset = ratio(each.up * offset + each.shift - ratio(each.down - 1, 2), each.down)
    return offset


def _least(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Return the words without those that another never exceeds; none where too many stay."""
    kept: list[Word] = []
    for each in words:
        if any(never_above(other, each) for other in kept):
            continue
        kept = [other for other in kept if not never_above(each, other)]
        kept.append(each)
        if len(kept) > MOST_WORDS:
            return ()
    return tuple(kept)


def _greatest(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Return the words without those that another never falls below; none where too many stay."""
    kept: list[Word] = []
    for each in words:
        if any(never_above(each, other) for other in kept):
            continue
        kept = [other for other in kept if not never_above(other, each)]
        kept.append(each)
        if len(kept) > MOST_WORDS:
            return ()
    return tuple(kept)


def never_above(lower: Word, upper: Word) -> bool:
    """Tell whether one word is never above another at positions from 0 on; False means unknown.

    Within a period of both their difference takes all its values, but for what the
    slopes add.
    """
    if lower == upper:
        return True
    if len(lower.maps) == len(upper.maps) and lower.maps[1:] == upper.maps[1:] and lower.maps:
        one, other = lower.maps[0], upper.maps[0]
        if (one.up, one.down) == (other.up, other.down):  # what follows is monotone
            difference = other.shift - one.shift
            if isinstance(difference, Formula):
                return surely_nonnegative(difference)
            if difference >= 0:
                return True
    if not (concrete(lower) and concrete(upper)) or _number(lower.slope) > _number(upper.slope):
        return False
    period = lcm(int(_number(lower.period)), int(_number(upper.period)))
    return period <= LONGEST_PERIOD and all(_number(lower(at)) <= _number(upper(at)) for at in range(period))


def concrete(word: Word) -> bool:
    """Tell whether all coefficients are numbers."""
    return not any(isinstance(part, Formula) for each in word.maps for part in (each.up, each.shift, each.down))


def _number(value: Value) -> int | Fraction:
    if isinstance(value, Formula):
        raise TypeError(f"{value} is no number")
    return value


def _by_size(value: Value) -> tuple[int, int | Fraction, str]:
    return (1, 0, str(value)) if isinstance(value, Formula) else (0, value, "")


def span(paths: Paths, positions: Value | None) -> Value | None:
    """Return the most pixels from first to last over all positions; None where no closed form is known.

    Maps of one slope differ by the same everywhere, or, over a divisor m, by
    floor((r + difference)/m) with r the largest remainder that occurs. Behind a pooling
    to a fixed size there are so many *positions*, few enough to ask each; otherwise one
    period is asked, unless paths with different jumps move apart for ever.
    """
    if not paths.first:
        return None
    if len(paths.first) == len(paths.last) == 1:
        found = _span_of_two(paths.first[0], paths.last[0], positions)
        if found is not None:
            return found
    if positions is None:
        positions = None if len({word.slope for word in (*paths.first, *paths.last)}) > 1 else period(paths)
    if isinstance(positions, int):
        sizes = [_size_at(paths, at) for at in range(min(positions, MOST_POSITIONS))]
        numbers = all(isinstance(each, int) for each in sizes)
        if sizes and (positions <= MOST_SYMBOLIC_POSITIONS or (numbers and positions <= MOST_POSITIONS)):
            return max_of(*sizes)
    return None


MOST_POSITIONS = 4096
MOST_SYMBOLIC_POSITIONS = 64


def period(paths: Paths) -> Value:
    """Return how many neighbouring outputs it takes until their fields repeat, further on."""
    found: Value = 1
    for each in dict.fromkeys(word.period for word in (*paths.first, *paths.last)):
        if isinstance(found, int) and isinstance(each, int):
            found = lcm(found, each)
        elif found != each:
            found = found * each
    return found


def _size_at(paths: Paths, position: int) -> Value:
    first, last = paths.first_at(position), paths.last_at(position)
    return 0 if first is None or last is None else last - first + 1


def _span_of_two(first: Word, last: Word, positions: Value | None) -> Value | None:
    near, far = first.maps[0] if first.maps else FloorMap(), last.maps[0] if last.maps else FloorMap()
    near_end, far_end = (first.maps[1:] or (FloorMap(),))[0], (last.maps[1:] or (FloorMap(),))[0]
    alike = near.up == far.up and near.down == far.down and near_end.up == far_end.up
    short = max(len(first.maps), len(last.maps)) <= 2 and near_end.down == far_end.down == 1
    if alike and short and (positions is None or _whole_period(near.down, positions)):
        return near_end.up * _widest(near, far) + far_end.shift - near_end.shift + 1
    return None


def _whole_period(down: Value, positions: Value) -> bool:
    """Tell whether the positions run through all remainders of a division by *down*."""
    if isinstance(down, int) and isinstance(positions, int):
        return positions >= down
    return down in (1, positions)


def _widest(near: FloorMap, far: FloorMap) -> Value:
    """Return the largest far(i) - near(i) of two maps of one slope."""
    from convmath.formula import gcd_of

    difference = far.shift - near.shift
    if near.down == 1 or difference == 0:
        return difference
    common = gcd_of(near.up, near.down)
    largest = near.down - common + near.shift % common
    return (largest + difference) // near.down
