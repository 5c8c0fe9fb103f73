"""What a kind computes, in the textbook's notation, where that is written, and what others call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Meaning:
    """The entry of a kind in the formula sheet; ``verify --kind`` holds it against the executor.

    ``equation`` defines every element of the output, in the notation of
    ``formula.notation``: X is the input, zero outside the image, and Y the output; F
    stands for the weights, b for the biases, and other names for the parameters and
    buffers called so, or for fields. A small y and x stand for one element each.
    ``general`` gives the fields in symbols, as a file could, and ``input`` the shape
    that arrives, ``others`` those of further inputs: then they are X1, X2; what is not in ``general`` has its default.
    """

    equation: str
    source: str
    general: Mapping[str, Any] = field(default_factory=dict)
    input: tuple[str, ...] = ("C", "H", "W")
    others: tuple[tuple[str, ...], ...] = ()
    torch: str = ""
    keras: str = ""
    onnx: str = ""
    remark: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    """The values of fixed numbers that the equation names, as decimals."""


WINDOW: Mapping[str, Any] = {"kernel_size": ["p", "q"], "stride": "s", "padding": "a", "dilation": "d"}
"""The symbols of a sliding window on an image: p × q taps, stride s, padding a, dilation d."""
