"""``input``, ``inputs`` and ``outputs``: what goes into a network, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from convmath.errors import LimitError, SpecError
from convmath.formula import Value
from convmath.spec import sources
from convmath.spec.fields import show
from convmath.spec.graph import Input
from convmath.spec.reader import EntryReader

if TYPE_CHECKING:
    from convmath.spec.build import Builder, Frame

Add = Callable[[SpecError], None]
"""Takes a fault, and lets the reader go on."""


def read_inputs(top: EntryReader, data: dict[str, Any], meant: AbstractSet[str], add: Add) -> tuple[Input, ...]:
    """Return the inputs in order; none, and a problem, where they are faulty."""
    if "inputs" in data:
        if "input" in data:
            add(top.refuse("two-inputs", "'input' and 'inputs' are both given", "inputs", help="keep one", key=True))
            return ()
        return tuple(_several(top, data["inputs"], add))
    raw = data.get("input")
    if raw is None:
        if not meant & {"input", "inputs"}:
            help_ = "write 'input: [3, H, W]': channels, then sizes"
            add(top.refuse("missing-key", "'input' is missing", help=help_))
        return ()
    shape = _shape(top, raw, "input", add=add)
    return (Input("input", shape),) if shape else ()


def _several(top: EntryReader, raw: Any, add: Add) -> Iterator[Input]:
    if not isinstance(raw, dict) or not raw:
        help_ = "write 'inputs: {left: [3, H, W], right: [3, H, W]}'"
        add(top.refuse("not-fields", f"{show(raw)} is no mapping from names to shapes", "inputs", help=help_))
        return
    for name, held in raw.items():
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 200:
            add(top.refuse("bad-name", f"{show(name)} cannot name an input", "inputs", name, key=True))
            continue
        shape = _shape(top, held, "inputs", name, add=add)
        if shape:
            yield Input(name, shape)


def _shape(top: EntryReader, raw: Any, *path: str, add: Add) -> tuple[Value, ...]:
    if not isinstance(raw, list) or not raw:
        help_ = "write [channels, height, width]"
        add(top.refuse("not-a-shape", f"{show(raw)} is no shape", *path, help=help_))
        return ()
    shape: list[Value] = []
    for at, each in enumerate(raw):
        try:
            shape.append(top.number(each, *path, at, minimum=1))
        except LimitError:
            raise
        except SpecError as error:
            add(error)
            shape.append(1)
    return tuple(shape)


def read_outputs(top: EntryReader, data: dict[str, Any], builder: Builder, end: Frame) -> tuple[int, ...]:
    """Return the nodes that ``outputs`` names, each once; none where the file leaves it to the last layer.

    Raises ``SpecError`` for a name that no layer has.
    """
    raw = data.get("outputs")
    if raw is None:
        return ()
    reader = top.at("outputs")
    if not isinstance(raw, list) or not raw:
        raise reader.refuse("not-a-list", f"{show(raw)} is no list of names", help="write 'outputs: [NAME, NAME]'")
    found = [(each, sources.only(builder, each, reader.at(at), end) - builder.first) for at, each in enumerate(raw)]
    for at, (name, node) in enumerate(found):
        if node < 0:
            raise reader.refuse("bad-output", f"{show(name)} is an input, which no layer makes", at)
    return tuple(dict.fromkeys(node for _, node in found))
