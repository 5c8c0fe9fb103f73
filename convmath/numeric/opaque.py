"""The kernel of opaque layers: it counts what was declared, and has no values."""

from __future__ import annotations

from convmath.numeric.array import Array
from convmath.numeric.kernels import kernel, whole
from convmath.numeric.misfit import Misfit, show_shape
from convmath.numeric.weights import Weights
from convmath.spec.opaque import Opaque


@kernel(Opaque)
def opaque(layer: Opaque, weights: Weights, x: Array) -> Array:
    """Return an array of the declared shape; arrays of numbers refuse."""
    shape = tuple(map(whole, layer.output_shape))
    if layer.params:
        weights.parameter("declared", (whole(layer.params),)).read()
    if layer.whole:
        return x.declared(shape, whole(layer.macs), None)
    if len(shape) != len(x.shape):
        raise Misfit("bad-shape", f"{show_shape(x.shape)} arrives and {show_shape(shape)} is declared to leave")
    windows = zip(layer.receptive_field, layer.stride, layer.padding, strict=True)
    return x.declared(shape, whole(layer.macs), [(whole(k), whole(s), whole(p)) for k, s, p in windows])
