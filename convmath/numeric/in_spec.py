"""The weights that stand in a spec, as arrays of the shapes that kernels ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmath.numeric.array import Shape
from convmath.numeric.misfit import Misfit, show_shape
from convmath.numeric.weights import as_numbers
from convmath.spec.layer import Layer
from convmath.spec.named import named_kernel

FIELDS = {"weight": "weight", "bias": "bias_value"}
"""The field of the spec that holds each parameter."""


@dataclass(frozen=True, slots=True)
class InSpec:
    """What a layer's own line says about its weights and biases."""

    layer: Layer

    def __call__(self, name: str, shape: Shape) -> NDArray[Any] | None:
        """Return the array *name* in this shape, repeated over the axes that are not written; None where none is.

        Biases beside weights that are written are 0 unless they are written, too.
        """
        held = getattr(self.layer, FIELDS.get(name, ""), None)
        if held is None and name == "bias" and getattr(self.layer, "weight", None) is not None:
            held = 0
        if held is None:
            return None
        if isinstance(held, str):
            held = self._named(held, shape)
        array = as_numbers(held, f"'{FIELDS[name]}'")
        if shape[len(shape) - array.ndim :] != array.shape or array.ndim > len(shape):
            message = f"'{FIELDS[name]}' is {show_shape(array.shape)}, but the layer needs {show_shape(shape)}"
            raise Misfit("bad-weights", message, "axes may be left out at the front: they repeat what is written")
        return np.broadcast_to(array, shape).copy()

    def _named(self, name: str, shape: Shape) -> Any:
        rank = len(getattr(self.layer, "kernel_size", shape))
        try:
            return named_kernel(name, shape[len(shape) - rank :])
        except ValueError as error:
            raise Misfit("bad-weights", str(error)) from None
