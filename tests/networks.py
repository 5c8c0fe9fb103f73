"""Networks for tests, from plain data."""

from __future__ import annotations

from typing import Any

from convmath.report import NetworkReport
from convmath.spec.document import Document
from convmath.spec.graph import Network
from convmath.spec.parse import parse
from convmath.symbolic.compose import derive


def network(input: list[Any], layers: list[Any], **keys: Any) -> Network:
    """Return a network of plain layers."""
    return parse(Document("<test>", "", {"convmath": 1, "input": input, "layers": layers, **keys}))


def analyzed(input: list[Any], layers: list[Any], **keys: Any) -> NetworkReport:
    """Return the bare report of a network of plain layers."""
    return derive(network(input, layers, **keys))
