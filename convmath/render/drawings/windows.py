"""The sliding window of a layer: what it reads, the kernel, and the element that comes out, still or moving."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convmath.errors import LimitError, Problem
from convmath.render.drawings.svg import LETTER, MARGIN, Sheet, short
from convmath.render.worked import work_of
from convmath.seen import INPUT, Element, Index, Number, Read, Windows

WIDEST = 420
"""Panels stand beside one another up to this width, which a phone shows nearly as it is."""
LARGEST, SMALLEST = 34, 4
READABLE = 15
GAP, LABEL = 22, 18
HEAD = 58
MOST_PANELS = 4
"""So many channels are drawn; those that a window reads besides are only counted."""
MOST_STEPS = 400
SECONDS = 0.8
"""How long an animation shows each window."""
LETTERS, MOST_LINES = 56, 6
"""The sum under the picture: letters in a line, and lines."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A grid of cells: one channel of an array; ``low`` is the row and column of its first cell."""

    label: str
    low: tuple[int, int]
    rows: int
    columns: int
    x: float
    y: float
    cell: float

    def at(self, row: int, column: int) -> tuple[float, float]:
        """Return the corner of a cell."""
        return self.x + (column - self.low[1]) * self.cell, self.y + (row - self.low[0]) * self.cell


def draw(windows: Windows, *, animate: bool = False) -> str:
    """Return the picture as SVG: of the chosen element, or of one element after the other.

    Raises ``LimitError`` for an animation with too many steps.
    """
    elements = windows.layer.elements
    if animate and len(elements) > MOST_STEPS:
        message = f"'{windows.layer.name}' puts out {len(elements):,} elements per channel; at most {MOST_STEPS} move"
        raise LimitError(
            Problem("too-large", message, "draw it at smaller sizes, as in --set H=8, or without --animate")
        )
    return _Picture(windows).draw(animate=animate)


class _Picture:
    """The panels of a picture: channels that arrive, the kernel's, and the one that leaves."""

    def __init__(self, windows: Windows) -> None:
        self.windows, self.layer = windows, windows.layer
        self.sheet = Sheet()
        self.chosen = next(each for each in self.layer.elements if each.index == windows.chosen)
        weights = (read for each in self.layer.elements for term in each.terms for read in term[1:])
        self.held = {(read.array, read.index): read.number for read in weights if read.index is not None}
        self.inputs = self._channels([INPUT, "X1", "X2", "X3", "X4"])
        self.kernels = self._kernels()
        self.panels: dict[tuple[str, Index], Panel] = {}
        self.foot = 0.0

    def _reads(self) -> Iterator[Read]:
        return (read for element in self.layer.elements for term in element.terms for read in term)

    def _channels(self, names: Sequence[str]) -> dict[tuple[str, Index], tuple[int, int, int, int]]:
        """Return the bounds of every channel that arrives: first row and column, one behind the last of both."""
        found: dict[tuple[str, Index], tuple[int, int, int, int]] = {}
        inputs = len(self.layer.input_shapes)
        arrays = [INPUT] if inputs == 1 else [f"{INPUT}{at}" for at in range(1, inputs + 1)]
        used = {
            (read.array, _channel(read.place)) for term in self.chosen.terms for read in term if read.array in names
        }
        for array, shape in zip(arrays, self.layer.input_shapes, strict=True):
            rows, columns = _plane(shape)
            channels = [(at,) for at in range(shape[0])] if len(shape) > 1 else [()]
            # The channels that the chosen window reads come first: with groups not all of them do.
            for channel in sorted(channels, key=lambda each: (array, each) not in used):
                found[array, channel] = (0, 0, rows, columns)
        for read in self._reads():
            key = read.array, _channel(read.place)
            if key in found:
                row, column = _spot(read.place)
                low, left, high, right = found[key]
                found[key] = min(low, row), min(left, column), max(high, row + 1), max(right, column + 1)
        return dict(sorted(list(found.items())[:MOST_PANELS]))

    def _kernels(self) -> dict[tuple[str, Index], tuple[int, int, int, int]]:
        """Return the bounds of the weights that the chosen window uses, one grid per channel."""
        found: dict[tuple[str, Index], tuple[int, int, int, int]] = {}
        shape = self.layer.output_shape
        used = {(read.array, _of_kernel(read, shape)) for term in self.chosen.terms for read in term[1:]}
        # Other windows may use other weights of the same kernel: those of a transposed convolution do.
        for array, index in self.held:
            key = array, index[: -_axes(shape)]
            if key in used:
                row, column = _spot_of_weight(index, shape)
                low, left, high, right = found.get(key, (row, column, row + 1, column + 1))
                found[key] = min(low, row), min(left, column), max(high, row + 1), max(right, column + 1)
        return dict(list(found.items())[:MOST_PANELS])

    def draw(self, *, animate: bool) -> str:
        title = f"{self.layer.name} ({self.layer.kind})"
        sheet, about = self.sheet, self._about()
        sheet.text(MARGIN, 28, title, "strong", size=15, most=46)
        sheet.text(MARGIN, 46, _sizes(self.layer.input_shapes, self.layer.output_shape), "faint", size=12, most=70)
        self._lay()
        for key in self.panels:
            self._grid(*key)
        steps = self.layer.elements if animate else (self.chosen,)
        style = _motion(len(steps)) if animate else ""
        for at, element in enumerate(steps):
            sheet.begin("step" if animate else "still", delay=at * SECONDS if animate else None)
            self._highlight(element)
            sheet.end()
        return sheet.document(f"{self.windows.network}: {title}", about, style=style)

    def _about(self) -> str:
        reads = sum(term[0].index is not None for term in self.chosen.terms)
        padding = len(self.chosen.terms) - reads - sum(term[0].array == "bias" for term in self.chosen.terms)
        where = ",".join(map(str, self.chosen.index))
        inside = reads - sum(term[0].array == "bias" for term in self.chosen.terms)
        return f"Y[{where}] reads {inside} elements" + (f" and {max(padding, 0)} of padding." if padding > 0 else ".")

    def _lay(self) -> None:
        """Place the panels in rows: what arrives, the kernel, what leaves."""
        shape = self.layer.output_shape
        out = {("Y", _channel(self.windows.chosen)): (0, 0, *_plane(shape))}
        x, y, tall = float(MARGIN), float(HEAD), 0.0
        for key, bounds in [*self.inputs.items(), *self.kernels.items(), *out.items()]:
            low, left, high, right = bounds
            cell = self._cell(right - left)
            width, height = cell * (right - left), cell * (high - low) + LABEL
            if x > MARGIN and x + width > MARGIN + WIDEST:
                x, y, tall = MARGIN, y + tall + GAP, 0.0
            self.panels[key] = Panel(_label(*key), (low, left), high - low, right - left, x, y + LABEL, cell)
            x, tall = x + max(width, 70) + GAP, max(tall, height)
        self.foot = y + tall + GAP

    def _cell(self, columns: int) -> float:
        """Return the size of a panel's cells: smaller where many channels arrive, if no number has to be read."""
        panels = len(self.inputs)
        beside = (WIDEST - GAP * (panels - 1)) / (columns * panels)
        least = READABLE * 1.7 if self.windows.numbers else READABLE
        return max(SMALLEST, min(LARGEST, max(beside, least), WIDEST / columns))

    def _grid(self, array: str, channel: Index) -> None:
        panel = self.panels[array, channel]
        self.sheet.text(panel.x, panel.y - 6, panel.label, "faint mono", size=11)
        for row in range(panel.low[0], panel.low[0] + panel.rows):
            for column in range(panel.low[1], panel.low[1] + panel.columns):
                number = self._number(array, channel, row, column)
                inside = number is not None or (array, channel) not in self.inputs
                self.sheet.rect(*panel.at(row, column), panel.cell, panel.cell, "cell" if inside else "pad")
                self._write(panel, row, column, self._shown(array, number), "")

    def _number(self, array: str, channel: Index, row: int, column: int) -> Number | None:
        """Return the number in a cell; None outside an array."""
        if (array, channel) in self.kernels:
            return self._weight(array, channel, row, column)
        if array == "Y":
            return _element(self.layer.output_shape, self.windows.outputs, channel, row, column)
        at = 0 if array == INPUT else int(array.removeprefix(INPUT)) - 1
        return _element(self.layer.input_shapes[at], self.windows.inputs[at], channel, row, column)

    def _weight(self, array: str, channel: Index, row: int, column: int) -> Number | None:
        spot = (row, column) if _axes(self.layer.output_shape) > 1 else (column,)
        return self.held.get((array, (*channel, *spot)))

    def _shown(self, array: str, number: Number | None) -> Number | None:
        """Return the number where it is somebody's own; those of a picture of sizes alone mean nothing."""
        known = self.windows.weights if array != "Y" and not array.startswith(INPUT) else self.windows.numbers
        return number if known else None

    def _write(self, panel: Panel, row: int, column: int, number: Number | None, kind: str) -> None:
        if number is None or panel.cell < READABLE:
            return
        words = short(number, 5)
        size = min(panel.cell * 0.42, (panel.cell - 6) / (LETTER * len(words)))
        x, y = panel.at(row, column)
        self.sheet.text(x + panel.cell / 2, y + panel.cell / 2 + size * 0.35, words, kind, size=size, anchor="middle")

    def _highlight(self, element: Element) -> None:
        """Mark what an element reads, the weights it uses, and the element itself; write its sum below."""
        seen: set[tuple[str, Index]] = set()
        for term in element.terms:
            for at, read in enumerate(term):
                key = (
                    (read.array, _channel(read.place))
                    if at == 0
                    else (read.array, _of_kernel(read, self.layer.output_shape))
                )
                if key not in self.panels or (at == 0 and (read.array, read.place) in seen):
                    continue
                seen.add((read.array, read.place))
                spot = _spot(read.place) if at == 0 else _spot_of_weight(read.index or (0,), self.layer.output_shape)
                self._mark(key, spot, read, "hot" if at == 0 else "cool")
        where = "Y", _channel(element.index)
        self._mark(where, _spot(element.index), Read("Y", element.index, element.number), "cool")
        if self.windows.numbers and self.windows.weights:
            self._sum(element)

    def _mark(self, key: tuple[str, Index], spot: tuple[int, int], read: Read, kind: str) -> None:
        panel = self.panels[key]
        padding = read.index is None and kind == "hot"
        self.sheet.rect(*panel.at(*spot), panel.cell, panel.cell, "hotpad" if padding else kind)
        self._write(panel, *spot, None if padding else self._shown(read.array, read.number), "on")

    def _sum(self, element: Element) -> None:
        words = f"Y[{','.join(map(str, element.index))}] = {work_of(element)}"
        lines = _broken(words)
        for at, line in enumerate(lines[:MOST_LINES]):
            more = " …" if at == MOST_LINES - 1 and len(lines) > MOST_LINES else ""
            self.sheet.text(MARGIN, self.foot + 16 * at, line + more, "mono", size=12, most=LETTERS + 20)


def _broken(words: str) -> list[str]:
    """Return a sum in lines, broken before its signs."""
    lines = [""]
    for piece in words.replace(" + ", "\n+ ").replace(" = ", "\n= ").replace("\n= (", " = (", 1).split("\n"):
        if lines[-1] and len(lines[-1]) + 1 + len(piece) > LETTERS:
            lines.append(piece)
        else:
            lines[-1] = f"{lines[-1]} {piece}".strip()
    return lines


def _sizes(inputs: Sequence[Index], output: Index) -> str:
    return f"{', '.join(' × '.join(map(str, each)) for each in inputs)} → {' × '.join(map(str, output))}"


def _label(array: str, channel: Index) -> str:
    return f"{array}[{','.join(map(str, channel))}]" if channel else array


def _channel(place: Index) -> Index:
    """Return what stands before the spatial axes; nothing for a vector."""
    return place[:1] if len(place) > 1 else ()


def _spot(place: Index) -> tuple[int, int]:
    """Return row and column of an element; a line is one row."""
    spatial = place[1:] if len(place) > 1 else place
    return (0, spatial[0]) if len(spatial) == 1 else (spatial[0], spatial[1])


def _of_kernel(read: Read, output: Index) -> Index:
    return (read.index or ())[: -_axes(output)]


def _axes(output: Index) -> int:
    """Return how many axes a kernel has; that of a vector has one."""
    return max(len(output) - 1, 1)


def _spot_of_weight(index: Index, output: Index) -> tuple[int, int]:
    last = index[-_axes(output) :]
    return (0, last[0]) if len(last) == 1 else (last[0], last[1])


def _plane(shape: Index) -> tuple[int, int]:
    spatial = shape[1:] if len(shape) > 1 else shape
    return (1, spatial[0]) if len(spatial) == 1 else (spatial[0], spatial[1])


def _element(shape: Index, numbers: Sequence[Number], channel: Index, row: int, column: int) -> Number | None:
    """Return an element of an array that is given in order; None outside."""
    rows, columns = _plane(shape)
    if not (0 <= row < rows and 0 <= column < columns):
        return None
    return numbers[((channel[0] if channel else 0) * rows + row) * columns + column]


def _motion(steps: int) -> str:
    """Return the style that shows one step after the other, and the first alone where people want no motion."""
    total, share = steps * SECONDS, 100 / steps
    return f"""
svg.convmath .step {{ opacity: 0; animation: convmath-step {total:.2f}s step-end infinite; }}
@keyframes convmath-step {{ 0% {{ opacity: 1; }} {share:.4f}% {{ opacity: 0; }} }}
@media (prefers-reduced-motion: reduce) {{ svg.convmath .step {{ animation: none; }}
  svg.convmath .step:first-of-type {{ opacity: 1; }} }}
"""
