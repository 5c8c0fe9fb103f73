"""``repeat``: the same layers again and again, unrolled."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from convmath.formula import Formula
from convmath.spec.expressions import is_name
from convmath.spec.fields import show
from convmath.spec.names import Names
from convmath.spec.reader import EntryReader
from convmath.spec.scope import Scope
from convmath.spec.sources import COMMON

if TYPE_CHECKING:
    from convmath.spec.build import Builder, Frame


def repeat(builder: Builder, held: Any, reader: EntryReader, frame: Frame) -> None:
    """Read ``repeat``: its layers, ``times`` times."""
    if not isinstance(held, dict):
        raise reader.refuse(
            "not-fields",
            f"{show(held)} is no set of fields of 'repeat'",
            help="write 'repeat: {times: 3, layers: […]}'",
        )
    meant = builder.only(held, (*COMMON, "times", "layers", "index"), "repeat", reader)
    for needed in ("times", "layers"):
        if needed in meant - held.keys():
            return
        if needed not in held:
            raise reader.refuse("missing-field", f"'repeat' needs '{needed}'", key=True)
    name = builder.name(held.get("name"), "repeat", reader, frame)
    times = reader.number(held["times"], "times", minimum=0)
    if isinstance(times, Formula) or not isinstance(times, int):
        free = sorted(times.names) if isinstance(times, Formula) else []
        message = f"the number of passes, {times}, must be a number"
        raise reader.refuse("symbolic-depth", message, "times", help=f"give it a value: --set {(free or ['n'])[0]}=3")
    index = held.get("index")
    if index is not None and not (isinstance(index, str) and is_name(index)):
        raise reader.refuse("bad-name", f"{show(index)} cannot name the index", "index")
    builder.check_nesting(frame)
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
