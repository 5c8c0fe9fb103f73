"""What exporters write of a layer that has no node of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convmath.spec.layer import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Function(Layer):
    """An element-wise function that no layer is alone, such as ``erf``: only part of a pattern."""

    kind: ClassVar[str] = "function"
    word: str
