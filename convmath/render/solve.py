"""The answer of ``solve``: a table with the reason join by join, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from convmath.errors import inert
from convmath.formula import Formula, Value
from convmath.formula.atoms import Floor
from convmath.formula.text import write
from convmath.render.cells import axis_names, shape, shortened, wrapped
from convmath.render.json import SCHEMA, value
from convmath.render.table import ruled
from convmath.report import JoinReport, Residues, Solution, Solved

MOST_CLASSES = 4
MOST_JOINS = 24
ALIGNMENT = ("left", "left", "left", "left")


def to_json(solved: Solved) -> str:
    """Return the answer as JSON, keyed by symbol."""
    symbols = {each.symbol: _entry(each) for each in solved.solutions}
    return json.dumps({"schema": SCHEMA, "symbols": symbols}, indent=2, ensure_ascii=True)


def _entry(solution: Solution) -> dict[str, Any]:
    residues = solution.residues
    return {
        "min": solution.minimum,
        "max": solution.maximum,
        "modulus": residues.modulus or 1,
        "residues": [list(each) for each in residues.intervals] if residues.modulus else [[0, 0]],
        "values": None if solution.values is None else list(solution.values),
        "output": value(solution.output),
        "examples": [list(each) for each in solution.examples],
        "unsolved": list(solution.unsolved),
    }


def to_table(solved: Solved, *, width: int = 80) -> str:
    """Return one line per symbol, why it is so, and how it was confirmed."""
    title = f"{shortened(solved.network, width)}   input {', '.join(shape(each.shape) for each in solved.inputs)}"
    parts = [wrapped(title, 2, width), "", *_lines(solved, width)]
    reasons = list(_reasons(solved, width))
    if reasons:
        parts += ["", *reasons]
    if solved.notes:
        parts += ["" if not reasons else None, *(wrapped(note, 0, width) for note in solved.notes)]  # type: ignore[list-item]
    seen = [each for each in solved.evidence if each]
    if seen:
        parts += ["", "Confirmed by execution, at both ends and next to them:"]
        parts += [f"  {wrapped(each, 4, width)}" for each in seen]
    return "\n".join(each for each in parts if each is not None)


def _lines(solved: Solved, width: int) -> list[str]:
    solutions = solved.solutions
    if solved.wanted is None:
        header = ("axis", "valid sizes", "output", "the first ones")
        rows = [(each.symbol, _set(each), _output(each), _first(each)) for each in solutions]
        alignment: Sequence[str] = ALIGNMENT
    else:
        what = "inputs" if all(each.axis is not None for each in solutions) else "values"
        header = ("axis" if what == "inputs" else "symbol", f"{what} that give {_wanted(solved)}", "least", "most")
        rows = [(each.symbol, _set(each), _end(each.minimum, each), _end(each.maximum, each)) for each in solutions]
        alignment = ("left", "left", "right", "right")
    first, *body = ruled([header, *rows], alignment)
    rule = "─" * min(width, max(map(len, (first, *body))))
    return [first, rule, *body]


def _wanted(solved: Solved) -> str:
    wanted = solved.wanted
    if isinstance(wanted, str):
        return "the input's size"
    found = wanted or ()
    return str(found[0]) if len(set(found)) == 1 else " × ".join(map(str, found))


def _end(end: int | None, solution: Solution) -> str:
    if end is not None:
        return str(end)
    return "·" if solution.minimum is None else "no end"


def _output(solution: Solution) -> str:
    return "·" if solution.output is None else write(solution.output)


def _first(solution: Solution) -> str:
    return ", ".join(str(each) for each, _ in solution.examples) or "·"


def _set(solution: Solution) -> str:
    """Return the values as text: ``H ≡ 12 (mod 16), H ≥ 188``."""
    if solution.unsolved:
        return " and ".join(inert(each).replace(">=", "≥").replace("<=", "≤") for each in solution.unsolved)
    if solution.minimum is None:
        return "none"
    name, least, most = solution.symbol, solution.minimum, solution.maximum
    if solution.values is not None:
        shown = ", ".join(map(str, solution.values[:8]))
        return f"{name} = {shown}{', …' if len(solution.values) > 8 else ''}"
    if most is not None:
        return f"{name} = {least}" if most == least else f"{least} ≤ {name} ≤ {most}"
    classes = _classes(name, solution.residues)
    return f"{classes}, {name} ≥ {least}" if classes else f"{name} ≥ {least}"


def _classes(name: str, residues: Residues) -> str:
    """Return residue classes as text; empty where every integer is in them."""
    modulus, intervals = residues.modulus, list(residues.intervals)
    if modulus == 1:
        return ""
    if len(intervals) > 1 and intervals[0][0] == 0 and intervals[-1][1] == modulus - 1:
        (_, end), (begin, _) = intervals[0], intervals[-1]  # one run across the end of a period
        intervals = [*intervals[1:-1], (begin, modulus + end)]
    shown = ", ".join(f"{low}" if low == high else f"{low}…{high}" for low, high in intervals[:MOST_CLASSES])
    more = ", …" if len(intervals) > MOST_CLASSES else ""
    return f"{name} ≡ {shown}{more} (mod {modulus})"


def _reasons(solved: Solved, width: int) -> Iterator[str]:
    """Yield the equation of each join of the first axis; the other axes have the same ones, or their own."""
    seen: list[tuple[str, ...]] = []
    for solution in solved.solutions:
        joins = [each for each in solved.joins if each.symbol == solution.symbol]
        if not joins:
            continue
        pattern = tuple(f"{each.layer} {each.left} {each.right}".replace(solution.symbol, "·") for each in joins)
        if pattern in seen:
            continue
        seen.append(pattern)
        ranks = [len(each.shape) - 1 for each in solved.inputs]
        yield from _why(solution, joins, width, max(ranks))


def _why(solution: Solution, joins: list[JoinReport], width: int, rank: int) -> Iterator[str]:
    named = axis_names(rank)[joins[0].axis] + "s" if joins[0].axis < rank <= 3 else "sizes"
    yield f"Why: each join needs equal {named}."
    rows = []
    for each in joins[:MOST_JOINS]:
        equation = f"{_side(each.left)} = {_side(each.right)}"
        rows.append((f"  {shortened(each.layer, 20)}", equation, _told(each)))
    yield from (wrapped(line, 4, max(width, len(line))) for line in ruled(rows, ("left", "left", "left")))
    if len(joins) > MOST_JOINS:
        yield f"  … and {len(joins) - MOST_JOINS} more"
    if len(joins) > 1 and solution.residues.modulus > 1:
        yield f"  all together: {_classes(solution.symbol, solution.residues)}"
    if solution.least_layer and solution.minimum is not None and solution.residues.modulus:
        layer, first = shortened(solution.least_layer, 40), f"{solution.symbol} = {solution.minimum}"
        yield wrapped(f"  and {layer} is not empty only from {first} on.", 2, width)


def _side(size: Value) -> str:
    """Return a size with its constant inside the floor, ``2*floor((H - 124)/16)``, so that both sides look alike."""
    terms = size.terms if isinstance(size, Formula) else {}
    atoms = [(monomial[0][0], factor) for monomial, factor in terms.items() if len(monomial) == 1]
    if len(atoms) == len([each for each in terms if each]) == 1 and isinstance(atoms[0][0], Floor):
        factor, constant = atoms[0][1], terms.get((), 0)
        top, bottom = atoms[0][0].arguments
        if isinstance(bottom, int) and constant != 0 and constant % factor == 0 and factor > 1:
            return f"{factor}*floor(({write(top + bottom * int(constant // factor))})/{bottom})"
    return write(size)


def _told(join: JoinReport) -> str:
    if join.solution is None or join.symbol is None:
        return "not solved"
    if join.solution.modulus:
        return _classes(join.symbol, join.solution) or "always"
    shown = ", ".join(str(a) if a == b else f"{a}…{b}" for a, b in join.solution.intervals[:MOST_CLASSES])
    return f"{join.symbol} = {shown}"
