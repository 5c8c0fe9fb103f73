"""Writes networks as spec files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from convmath.errors import UsageError, inert
from convmath.limits import DEFAULT
from convmath.spec.graph import Network

if TYPE_CHECKING:
    from convmath.formula import Value

YAML = "yaml"


def to_spec(network: Network, form: str = YAML) -> str:
    """Return *network* as the text of a spec file, which a person can read: ``yaml``, ``toml`` or ``json``.

    Read again it is the same network: the same layers in the same order, with the same
    sizes, counts and formulas. Branches are written as ``residual`` and ``parallel``,
    equal layers in a row as ``repeat``; inside a repeat the names of layers are those of
    its copies.

    Raises ``SpecError`` for what no file can say, ``UsageError`` for another form.
    """
    from convmath.spec.writing.document import spec_of
    from convmath.spec.writing.text import WRITERS

    if f".{form}" not in WRITERS:
        known = ", ".join(each.removeprefix(".") for each in WRITERS)
        raise UsageError(f"there is no form '{inert(form)}' of a spec; there are {known}")
    return WRITERS[f".{form}"](spec_of(network, _shapes))


def weights_of(network: Network, text: str, form: str = YAML) -> bytes:
    """Return the weights that came with *network* as an .npz archive, by the layers of *text*, its spec.

    Raises ``UsageError`` where the network holds none.
    """
    from convmath.numeric.files import archive
    from convmath.spec.files import read_bytes
    from convmath.spec.parse import parse

    if not network.weights:
        raise UsageError(f"{inert(network.name)} holds no weights")
    written = parse(read_bytes(text.encode(), "spec", f".{form}", DEFAULT))
    both = zip(network.nodes, written.nodes, strict=True)
    names = {old.name: new.name for old, new in both if new.share is None}
    return archive({names[name]: held for name, held in network.weights.items() if name in names})


def form_of(path: Path | None) -> str:
    """Return the form that a file's ending names; YAML where there is no file.

    Raises ``UsageError`` for another ending.
    """
    from convmath.spec.writing.text import WRITERS

    if path is None or path == Path("-"):
        return YAML
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"{inert(str(path))}: the ending says no form of a spec; write {', '.join(WRITERS)}")
    return path.suffix.lower().removeprefix(".")


def _shapes(network: Network) -> list[tuple[Value, ...]]:
    """Return the shapes of all producers of a network, channels first."""
    from convmath.symbolic.compose import follow

    traces, _ = follow(network)
    return [(each.shape.channels, *each.shape.sizes) for each in traces]
