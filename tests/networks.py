"""Networks for tests, from plain data."""

from __future__ import annotations

from typing import Any

from convmath.report import NetworkReport
from convmath.spec.document import Document
from convmath.spec.graph import Network
from convmath.spec.parse import parse
from convmath.symbolic.compose import derive


def network(input: list[Any] | None, layers: list[Any], **keys: Any) -> Network:
    """Return a network of plain layers; *keys* give its inputs where *input* is None."""
    given = {} if input is None else {"input": input}
    return parse(Document("<test>", "", {"convmath": 1, **given, "layers": layers, **keys}))


def analyzed(input: list[Any] | None, layers: list[Any], **keys: Any) -> NetworkReport:
    """Return the bare report of a network of plain layers."""
    return derive(network(input, layers, **keys))
