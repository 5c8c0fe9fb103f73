"""``from`` and ``share``: finds the outputs and the layers that names stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from convmath.errors import LimitError, Problem
from convmath.spec.fields import show
from convmath.spec.layer import Layer, Merge
from convmath.spec.names import Output
from convmath.spec.reader import EntryReader

if TYPE_CHECKING:
    from convmath.spec.build import Builder, Frame

COMMON = ("name", "from", "share")
"""What every entry may say: how its output is called, where its input comes from, whose parameters it uses."""


def only(builder: Builder, raw: Any, reader: EntryReader, frame: Frame) -> int:
    """Return the one output that ``from`` names."""
    return arriving(builder, Layer, raw, reader, frame)[0]


def arriving(builder: Builder, cls: type[Layer], raw: Any, reader: EntryReader, frame: Frame) -> tuple[int, ...]:
    """Return the outputs that ``from`` names: one, or several where the kind may take more."""
    found = _named(builder, raw, reader, frame)
    if len(found) != 1 and cls.joins_when is None:
        message = f"{show(raw)} stands for {len(found)} outputs, but one can arrive here"
        raise reader.refuse("several-inputs", message, help="join them first with add, multiply or concat")
    return tuple(each.producer for each in found)


def check_maps(builder: Builder, layer: Layer, producers: tuple[int, ...], reader: EntryReader) -> None:
    """Refuse other maps than those that a layer which may take several does take."""
    if layer.joins_when is None:
        return
    field, word = layer.joins_when
    if len(producers) != len(layer.takes):
        wanted = " and ".join(f"the {each}" for each in layer.takes)
        maps = "1 map arrives" if len(producers) == 1 else f"{len(producers)} maps arrive"
        message = f"with {field}: {getattr(layer, field)}, '{layer.kind}' takes {wanted}, but {maps}"
        names = ", ".join(map(str.upper, layer.takes))
        help_ = f"write 'from: [{names}]'" if len(layer.takes) > 1 else f"write '{field}: {word}' to take more maps"
        raise reader.refuse("bad-inputs", message, help=help_, key=True)
    check_ranks(builder, producers, reader, "all of them are images")


def joined(
    builder: Builder, cls: type[Merge], given: dict[str, Any], reader: EntryReader, frame: Frame
) -> tuple[int, ...]:
    """Return the outputs that a merge joins, in the order in which they are named."""
    raw = given.get("from")
    if raw is None:
        help_ = f"write '{cls.kind}: [NAME, NAME]'"
        raise reader.refuse("missing-field", f"'{cls.kind}' needs the names of what it joins", help=help_, key=True)
    place = reader.at("from") if reader.document_has("from") else reader
    found = tuple(each.producer for each in _named(builder, raw, place, frame))
    if cls.pair and len(found) != 2:
        message = f"'{cls.kind}' takes two outputs, but {show(raw)} stands for {len(found)}"
        raise place.refuse("wrong-length", message, help=f"write '{cls.kind}: [NAME, NAME]'")
    check_ranks(builder, found, reader)
    return found


def check_ranks(
    builder: Builder, producers: tuple[int, ...], reader: EntryReader, help: str = "flatten or pool first"
) -> None:
    """Refuse to join outputs that differ in their number of axes."""
    ranks = sorted({builder.ranks[each] for each in producers})
    if len(ranks) > 1:
        shown = " and ".join("a vector" if rank == 0 else f"an image of {rank} axes" for rank in ranks)
        raise reader.refuse("bad-join", f"{shown} cannot be joined", help=help, key=True)


def share(builder: Builder, raw: Any, reader: EntryReader, frame: Frame, start: int) -> None:
    """Let the nodes from *start* on use the parameters of those that ``share`` names, one by one."""
    found = _named(builder, raw, reader, frame)
    if len(found) != 1:
        raise reader.refuse("bad-share", f"{show(raw)} stands for {len(found)} layers", help="name one layer or block")
    first, stop = found[0].start, min(found[0].stop, start)
    if stop - first != len(builder.nodes) - start or first == stop:
        message = f"{show(raw)} has {_layers(stop - first)}, but {_layers(len(builder.nodes) - start)} would share them"
        raise reader.refuse("bad-share", message, help="share the parameters of a layer or block of the same kinds")
    for at in range(start, len(builder.nodes)):
        node, owner = builder.nodes[at], builder.nodes[first + at - start]
        if type(node.layer) is not type(owner.layer):
            message = f"{owner.name} is a '{owner.layer.kind}', but {node.name} is a '{node.layer.kind}'"
            raise reader.refuse("bad-share", message, help="layers that share parameters are of one kind")
        root = owner.share if owner.share is not None else first + at - start
        builder.nodes[at] = replace(node, share=root)


def _layers(count: int) -> str:
    return "1 layer" if count == 1 else f"{count} layers"


def _named(builder: Builder, raw: Any, reader: EntryReader, frame: Frame) -> list[Output]:
    """Return the outputs that a name or a list of names stands for, one or more."""
    most = builder.limits.layers
    found = list(islice(_outputs(builder, raw, reader, frame), most + 1))
    if len(found) > most:
        raise builder.too_many(f"more than {most} outputs in one place")
    return found


def _outputs(
    builder: Builder, raw: Any, reader: EntryReader, frame: Frame, depth: int = 0, *, bound: bool = False
) -> Iterator[Output]:
    """Yield them one by one; *bound* tells that a name stands for what is read, so that callers' names count, too."""
    if depth > builder.limits.depth:
        message = f"names of lists of names, more than {builder.limits.depth} deep"
        help_ = "does a list name itself?"
        raise LimitError(Problem("too-deep", message, help_, file=builder.document.file))
    if isinstance(raw, list):
        if not raw:
            raise reader.refuse("no-names", "the list holds no name", help="name what is joined, or leave this out")
        for at, each in enumerate(raw):
            yield from _outputs(builder, each, reader.at(at), frame, depth + 1, bound=bound)
        return
    found = _candidates(builder, raw, frame) if isinstance(raw, str) else []
    if not found:
        held, _ = reader.resolve(raw)
        if isinstance(held, list) and held != raw:
            yield from _outputs(builder, held, reader, frame, depth + 1, bound=True)
            return
        caller = frame.caller
        while not found and isinstance(held, str) and (bound or held != raw) and caller is not None:
            found, caller = _candidates(builder, held, caller), caller.caller
    if not found:
        near = frame.names.near(raw) if isinstance(raw, str) else None
        help_ = f"did you mean '{near}'?" if near else "name a layer, block or repeat that stands above"
        raise reader.refuse("unknown-output", f"no output above is called {show(raw)}", help=help_)
    if len(found) > 1:
        places = ", ".join(builder.name_of(copies[0].producer) for copies in found)
        raise reader.refuse("ambiguous", f"{show(raw)} may be any of {places}", help="give their full names")
    yield from found[0]


def _candidates(builder: Builder, name: str, frame: Frame) -> list[list[Output]]:
    """Return what a name may stand for: names that entries give, then full names and names by kind and number."""
    found = frame.names.lookup(name)
    root, prefix = frame.names.root, frame.prefix
    while not found:
        output = builder.outputs.get(prefix + name)
        if output is not None and output.producer >= root.start:
            return [[output]]
        if len(prefix) <= len(root.prefix):
            break
        prefix = prefix[: prefix[:-1].rfind(".") + 1]
    return found
