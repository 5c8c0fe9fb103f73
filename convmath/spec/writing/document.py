"""The whole spec of a network, as plain data."""

from __future__ import annotations

from typing import Any

from convmath.errors import Problem, SpecError, inert
from convmath.formula import Formula, Value
from convmath.spec.expressions import is_name
from convmath.spec.fields import show
from convmath.spec.graph import Network, SymbolInfo
from convmath.spec.parse import POSITION, VERSION
from convmath.spec.writing.defaults import Defaults
from convmath.spec.writing.entries import Frame, Place, Writer
from convmath.spec.writing.runs import Keys, folded
from convmath.spec.writing.source import Derive, Source, whole
from convmath.spec.writing.structure import Piece, pieces

MOST_ATTEMPTS = 5
"""Names that cannot be told apart get others, and the file is written anew, so many times."""


def spec_of(network: Network, derive: Derive) -> dict[str, Any]:
    """Return a spec that reads as *network*: the same layers in the same order.

    *derive* is asked where an entry depends on how many channels arrive.

    Raises ``SpecError`` for what no file can say.
    """
    _check(network)
    source = whole(network, derive)
    start = 0 if len(network.inputs) == 1 else None
    found = folded(pieces(source), Keys(), start)
    defaults = Defaults(found)
    wanted = {(id(source), source.first + at) for at in network.returned} | _wanted(found, start)
    layers, outputs = _layers(network, source, found, defaults, wanted, start)
    data: dict[str, Any] = {"convmath": VERSION, "name": network.name, **_inputs(network)}
    symbols = {each.name: _symbol(each) for each in network.symbols}
    if any(symbols.values()):
        data["symbols"] = symbols
    if defaults.kinds:
        data["defaults"] = defaults.kinds
    data["layers"] = layers
    if network.returned:
        data["outputs"] = outputs
    if network.about:
        data["about"] = dict(network.about)
    return data


def _layers(
    network: Network, source: Source, found: list[Piece], defaults: Defaults, wanted: set[Place], start: int | None
) -> tuple[list[Any], list[str]]:
    """Return the entries and the names of the outputs."""
    inputs = [each.name for each in network.inputs]
    renamed: dict[str, str] = {}
    for attempt in range(MOST_ATTEMPTS):
        writer = Writer(inputs, defaults, wanted, renamed)
        frame = Frame(scopes=(writer.file,), arriving=start)
        layers = writer.entries(found, frame)
        outputs = [writer.reference(source, source.first + at, frame) for at in network.returned]
        if not writer.unclear:
            return layers, outputs
        renamed |= {name: f"{name}_as_{attempt + 1}" for name in writer.unclear}
    raise SpecError(Problem("unwritable", f"no clear names for {', '.join(sorted(renamed))}", "rename these layers"))


def _wanted(found: list[Piece], arriving: int | None) -> set[Place]:
    """Return the producers that entries refer to by name."""
    wanted: set[Place] = set()
    for piece in found:
        here = [*piece.joined, *([] if piece.share is None else [piece.source.first + piece.share])]
        if piece.arriving is not None and piece.arriving != arriving:
            here.append(piece.arriving)
        wanted.update((id(piece.source), each) for each in here if each >= piece.source.first)
        for part in piece.parts:
            wanted |= _wanted(part, piece.begins)
        arriving = piece.out
    return wanted


def _inputs(network: Network) -> dict[str, Any]:
    shapes = {each.name: [_plain(size) for size in each.shape] for each in network.inputs}
    return {"input": shapes["input"]} if [*shapes] == ["input"] else {"inputs": shapes}


def _plain(value: Value) -> Any:
    return str(value) if isinstance(value, Formula) else value


def _symbol(info: SymbolInfo) -> dict[str, int]:
    """Return what a file says about a symbol; nothing where it is like any other."""
    said = {"min": info.minimum, "max": info.maximum, "default": info.default}
    usual = SymbolInfo(info.name).minimum
    return {key: held for key, held in said.items() if held is not None and (key, held) != ("min", usual)}


def _check(network: Network) -> None:
    """Refuse what no file can say: names that cannot be printed, symbols that no expression can name."""
    texts = [network.name, *(each.name for each in network.inputs), *(node.name for node in network.nodes)]
    bad = [text for text in texts if not text or not text.isprintable()]
    if bad:
        message = f"the name {show(inert(bad[0]))} is no printable text"
        raise SpecError(Problem("bad-name", message, "rename the layer"))
    for each in network.symbols:
        if not is_name(each.name) or each.name == POSITION:
            raise SpecError(Problem("bad-name", f"'{inert(each.name)}' cannot name a symbol", "rename it"))
    if not network.nodes:
        raise SpecError(Problem("no-layers", "the network has no layers"))
