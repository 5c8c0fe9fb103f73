"""The order in which the nodes of a graph can run, and what makes it no graph at all."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from convmath.errors import Problem, SpecError
from convmath.importers.names import shown

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

MOST_NAMED = 8
"""So many nodes or names are told of in one error."""


def in_order(graph: GraphProto, given: Collection[str], file: str) -> tuple[NodeProto, ...]:
    """Return the nodes, each behind those that it reads from, otherwise as the file has them.

    *given* are the names that no node makes: inputs and initializers.

    Raises ``SpecError`` for a name that is made twice, or that is read and not made, and
    for nodes that wait for one another.
    """
    nodes = list(graph.node)
    makers = _makers(nodes, given, file)
    reads = [[makers[name] for name in _read(node) if name in makers] for node in nodes]
    _check_made(graph, nodes, makers, given, file)
    if all(maker < at for at, makers_of in enumerate(reads) for maker in makers_of):
        return tuple(nodes)
    waiting = [len(set(each)) for each in reads]
    readers: list[list[int]] = [[] for _ in nodes]
    for at, each in enumerate(reads):
        for maker in set(each):
            readers[maker].append(at)
    ready = [at for at, count in enumerate(waiting) if not count]
    heapify(ready)
    found = []
    while ready:
        at = heappop(ready)
        found.append(nodes[at])
        for reader in readers[at]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heappush(ready, reader)
    if len(found) < len(nodes):
        circle = _circle([at for at, count in enumerate(waiting) if count], reads, waiting)
        message = f"nodes wait for one another: {' → '.join(_label(nodes[at], at) for at in circle)}"
        raise SpecError(Problem("circular", message, file=file))
    return tuple(found)


def _makers(nodes: list[NodeProto], given: Collection[str], file: str) -> dict[str, int]:
    makers: dict[str, int] = {}
    for at, node in enumerate(nodes):
        for name in node.output:
            if name in makers or name in given:
                first = f"{_label(nodes[makers[name]], makers[name])} does" if name in makers else "it is given"
                message = f"{_label(node, at)} makes '{shown(name)}', but {first} already"
                raise SpecError(Problem("made-twice", message, "every name of a graph is made once", file=file))
            if name:  # an output that nobody wants has no name
                makers[name] = at
    return makers


def _check_made(
    graph: GraphProto, nodes: list[NodeProto], makers: dict[str, int], given: Collection[str], file: str
) -> None:
    """Refuse names that are read and not made, a few of them at once."""
    problems: list[Problem] = []
    for at, node in enumerate(nodes):
        for name in _read(node):
            if name not in makers and name not in given and len(problems) < MOST_NAMED:
                message = f"{_label(node, at)} reads '{shown(name)}', which nothing makes"
                problems.append(Problem("missing-input", message, file=file))
    for output in graph.output:
        if output.name not in makers and output.name not in given and len(problems) < MOST_NAMED:
            message = f"the graph returns '{shown(output.name)}', which nothing makes"
            problems.append(Problem("missing-output", message, file=file))
    if problems:
        raise SpecError(*problems)


def _read(node: NodeProto) -> Iterator[str]:
    """Yield the names that a node reads; graphs inside of it may read any name that is known outside."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
            yield from _read_inside(graph)


def _read_inside(graph: GraphProto) -> Iterator[str]:
    own = {each.name for each in (*graph.input, *graph.initializer)}
    own.update(name for node in graph.node for name in node.output)
    for node in graph.node:
        yield from (name for name in _read(node) if name not in own)
    yield from (each.name for each in graph.output if each.name not in own)


def _circle(left: list[int], reads: list[list[int]], waiting: list[int]) -> list[int]:
    """Return nodes that wait for one another, the first one again at the end; a long circle is cut."""
    seen: dict[int, int] = {}
    at = left[0]
    while at not in seen:
        seen[at] = len(seen)
        at = next(maker for maker in reads[at] if waiting[maker])
    found = [*list(seen)[seen[at] :], at][::-1]
    return found if len(found) <= MOST_NAMED else [*found[: MOST_NAMED - 1], found[-1]]


def _label(node: NodeProto, at: int) -> str:
    """Return how a node is called in errors: by its name, or by its place."""
    return f"{shown(node.name) or f'node {at}'} ({shown(node.op_type) or 'of no type'})"
