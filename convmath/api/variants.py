"""Networks side by side, and variants of one network."""

from __future__ import annotations

from dataclasses import replace

from convmath import limits as limits_module
from convmath.api.results import Report
from convmath.api.writing import to_spec
from convmath.errors import UsageError
from convmath.limits import Limits
from convmath.render.shown import Shown
from convmath.spec.graph import Network
from convmath.spec.parse import parse


def compare(*networks: Network) -> Shown:
    """Return the totals of several networks side by side, each with its ratio to the first in closed form.

    Symbols of one name are taken for the same symbol. Where a difference is linear in a
    symbol, it is told from where on which network has less.

    Raises ``UsageError`` for fewer than two networks, otherwise as ``analyze``.
    """
    from convmath.planning.compare import compare as compared
    from convmath.render.comparison import page
    from convmath.render.json import render_comparison

    if len(networks) < 2:
        raise UsageError("a comparison needs two or more networks")
    names = [each.name for each in networks]
    numbered = [f"{name} ({at})" if names.count(name) > 1 else name for at, name in enumerate(names, 1)]
    found = compared(numbered, [Report(each).analysis for each in networks])
    return Shown(lambda: page(found), lambda: render_comparison(found))


def variant(network: Network, old: str, new: str, *, limits: Limits = limits_module.DEFAULT) -> Network:
    """Return the network with every layer of kind *old* as one of kind *new*; fields that *new* lacks fall away.

    The variant is read anew from the spec, its symbols free again; a model made elsewhere
    is written as one first.

    Raises ``UsageError`` for an unknown kind, or one that the network does not have.
    """
    from convmath.spec.files import read_bytes
    from convmath.spec.replace import replaced

    document = network.document
    if document is None:
        document = read_bytes(to_spec(network).encode(), network.name, ".yaml", limits)
    found = parse(replaced(document, old, new), limits=limits)
    return replace(found, name=f"{network.name} with {new}")


def settable(network: Network) -> set[str]:
    """Return the names of a spec that ``--set`` can bind: its symbols and its ``let``."""
    data = network.document.data if network.document is not None else {}
    return {*(each.name for each in network.symbols), *(data.get("let") or {})}
