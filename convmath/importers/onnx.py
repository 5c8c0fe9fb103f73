"""Graphs of ONNX to networks."""

from __future__ import annotations

from convmath.errors import UnsupportedError, inert
from convmath.importers.onnx_file import OnnxFile
from convmath.limits import DEFAULT, Limits
from convmath.spec.graph import Network


def network_of(model: OnnxFile, *, allow_opaque: bool = False, limits: Limits = DEFAULT) -> Network:  # noqa: ARG001
    """Return the network that a graph describes.

    Raises ``UnsupportedError`` with all operators that are unknown, unless *allow_opaque*
    lets them stand for themselves.
    """
    raise UnsupportedError(f"{inert(model.file)}: operators of ONNX are not translated yet")
