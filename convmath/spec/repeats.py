"""``repeat``: the same layers again and again, unrolled where the number of passes is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from convmath.formula import symbol
from convmath.spec.expressions import is_name
from convmath.spec.fields import show
from convmath.spec.graph import arriving_channels
from convmath.spec.names import Names
from convmath.spec.passes import Passes, local_channels
from convmath.spec.reader import EntryReader
from convmath.spec.scope import Scope
from convmath.spec.sources import COMMON

if TYPE_CHECKING:
    from convmath.spec.build import Builder, Frame


def repeat(builder: Builder, held: Any, reader: EntryReader, frame: Frame) -> None:
    """Read ``repeat``: its layers, ``times`` times."""
    passes = _read(builder, held, reader, frame)
    if passes is None:
        return
    if isinstance(passes.times, int):
        _unrolled(builder, held, reader, frame, passes, passes.times)
    else:
        _symbolic(builder, held, reader, frame, passes)


def _read(builder: Builder, held: Any, reader: EntryReader, frame: Frame) -> Passes | None:
    """Return the repeat without its layers; None, and a problem, where a needed word is misspelled."""
    if not isinstance(held, dict):
        raise reader.refuse(
            "not-fields",
            f"{show(held)} is no set of fields of 'repeat'",
            help="write 'repeat: {times: 3, layers: […]}'",
        )
    meant = builder.only(held, (*COMMON, "times", "layers", "index"), "repeat", reader)
    for needed in ("times", "layers"):
        if needed in meant - held.keys():
            return None
        if needed not in held:
            raise reader.refuse("missing-field", f"'repeat' needs '{needed}'", key=True)
    name = builder.name(held.get("name"), "repeat", reader, frame)
    times = reader.number(held["times"], "times", minimum=0)
    index = held.get("index")
    if index is not None and not (isinstance(index, str) and is_name(index)):
        raise reader.refuse("bad-name", f"{show(index)} cannot name the index", "index")
    builder.check_nesting(frame)
    return Passes(name=name, nodes=(), index=index or "i", times=times, out=0)


def _unrolled(
    builder: Builder, held: dict[str, Any], reader: EntryReader, frame: Frame, passes: Passes, times: int
) -> None:
    """Read the layers once for every pass."""
    name, index = passes.name, held.get("index")
    start = len(builder.nodes)
    outer = frame.repeat
    for count in range(times):
        scope = Scope(frame.scope, {index: count} if index else {})
        prefix = f"{name}.{count}."
        one = replace(
            frame,
            scope=scope,
            prefix=prefix,
            repeat=(*outer, (count, times)),
            counts=Counter(),
            names=Names(frame.names, prefix),
        )
        problems = len(builder.problems)
        before = len(builder.nodes)
        builder.entries(held["layers"], (*reader.path, "layers"), one)
        frame.producer = one.producer
        one.names.leave()
        if len(builder.nodes) == before:
            builder.count_empty()
        if len(builder.problems) > problems:
            break
        expected = before + (len(builder.nodes) - before) * (times - count)
        if count == 0 and expected > builder.limits.layers:
            raise builder.too_many(f"'{name}' would make {expected} layers; the limit is {builder.limits.layers}")
    builder.close(name, start)
    if len(builder.nodes) == start:
        builder.count_empty()


def _symbolic(builder: Builder, held: dict[str, Any], reader: EntryReader, frame: Frame, passes: Passes) -> None:
    """Read the layers of one pass, the index being a symbol, and enter them as one layer."""
    if frame.producer is None:
        raise reader.refuse("no-input", "nothing arrives here: the network has several inputs", key=True)
    names = {passes.index: symbol(passes.index)} if "index" in held else {}
    prefix = f"{passes.name}."
    one = replace(
        frame, scope=Scope(frame.scope, names), prefix=prefix, counts=Counter(), names=Names(frame.names, prefix)
    )
    problems, before = len(builder.problems), len(builder.nodes)
    builder.entries(held["layers"], (*reader.path, "layers"), one)
    rank = builder.ranks[one.producer] if one.producer is not None else 0
    nodes = builder.cut(before)
    if len(builder.problems) > problems:
        return
    if not nodes:
        builder.count_empty()
        return
    first = builder.first + before
    local = {frame.producer: 0} | {first + at: at + 1 for at in range(len(nodes))}
    if any(each not in local for node in nodes for each in node.inputs) or one.producer not in local:
        message = "a repeat with a symbolic number of passes takes nothing but what arrives at it"
        raise reader.refuse("symbolic-depth", message, help="give the number of passes a value with --set", key=True)
    if rank != reader.rank:
        message = f"a pass turns {reader.rank} spatial axes into {rank}, and the next one takes {reader.rank}"
        raise reader.refuse("bad-repeat", message, help="end the repeat before the layer that flattens", key=True)
    channels = {arriving_channels(old): symbol(local_channels(passes.name, new)) for old, new in local.items()}
    inner = tuple(
        replace(
            node,
            layer=node.layer.bind(channels),
            inputs=tuple(local[each] for each in node.inputs),
            share=None if node.share is None else node.share - before,
        )
        for node in nodes
    )
    layer = replace(passes, nodes=inner, out=local[one.producer])
    builder.append(passes.name, layer, "repeat", reader.path, frame, (frame.producer,))
