"""Maps that the code of a module fills with one number: zeros as a first state, channels of zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convmath.formula import Formula
from convmath.importers import arithmetic
from convmath.importers.tensor import Constant, Tensor, Unsupported
from convmath.importers.torch.calls import FUNCTIONS, Call, a_map
from convmath.importers.torch.sizes import shown

FILLING = frozenset({"zeros", "ones", "full", "new_zeros", "new_ones", "new_full"})
"""Functions that make such maps from sizes."""


def filled(shape: Sequence[Any], number: Any) -> Constant:
    """Return a map of one number; where a size is a symbol, nobody can ask for its elements."""
    if not all(isinstance(each, int | Formula) for each in shape) or not isinstance(number, int | float):
        raise Unsupported(f"it fills a map of {list(shape)!r} with {number!r}")

    def read() -> Any:
        import numpy as np

        return np.full(tuple(shape), number)

    return Constant(f"{number}", tuple(shape), read, None, float(number))


def is_open(held: Any) -> bool:
    """Tell whether something is a map of one number whose size depends on the input."""
    return isinstance(held, Constant) and any(isinstance(each, Formula) for each in held.shape)


def _sizes(given: Sequence[Any]) -> Sequence[Any]:
    return given[0] if len(given) == 1 and isinstance(given[0], tuple | list) else given


@FUNCTIONS("zeros", "ones")
def _made(call: Call, *sizes: Any, size: Any = None, **kwargs: Any) -> Constant:
    del kwargs
    return filled(_sizes(sizes) if size is None else size, call.operator == "ones")


@FUNCTIONS("full")
def _full(call: Call, size: Any, fill_value: Any, **kwargs: Any) -> Constant:
    del call, kwargs
    return filled(size, fill_value)


@FUNCTIONS("new_zeros", "new_ones")
def _new(call: Call, input: Any, *sizes: Any, size: Any = None, **kwargs: Any) -> Constant:
    del input, kwargs
    return filled(_sizes(sizes) if size is None else size, call.operator == "new_ones")


@FUNCTIONS("new_full")
def _new_full(call: Call, input: Any, size: Any, fill_value: Any, **kwargs: Any) -> Constant:
    del call, input, kwargs
    return filled(size, fill_value)


@FUNCTIONS("zeros_like", "ones_like")
def _like(call: Call, input: Any, **kwargs: Any) -> Constant:
    del kwargs
    return filled(a_map(input).dims, call.operator == "ones_like")


@FUNCTIONS("full_like")
def _full_like(call: Call, input: Any, fill_value: Any, **kwargs: Any) -> Constant:
    del call, kwargs
    return filled(a_map(input).dims, fill_value)


def of_filled(call: Call, *args: Any, **kwargs: Any) -> Any:
    """Return what is done to such maps alone: the same one, where only its type or place changes."""
    del kwargs
    if call.operator in ("to", "float", "double", "half", "type_as", "clone", "detach", "contiguous", "cuda", "cpu"):
        return args[0]
    raise Unsupported("it works on a map of one number that the code makes; no layer of convmath makes one")


def meets(call: Call, word: str, input: Any, other: Any, number: float) -> Tensor | Constant:
    """Return what an operation makes of a map and a map of one number: zeros add nothing."""
    x, beside = (input, other) if isinstance(input, Tensor) else (other, input)
    dims = x.dims[len(x.dims) - len(beside.shape) :]
    fits = len(beside.shape) <= len(x.dims) and all(
        one in (1, two) for one, two in zip(beside.shape, dims, strict=True)
    )
    if not fits:
        sizes = ", ".join(map(shown, beside.shape))
        raise Unsupported(f"a map of [{sizes}] that is {number:g} everywhere meets a map of {x}")
    if word == "mul" and number == 0:
        return filled(x.dims, 0)
    if x is input:
        return arithmetic.binary(call.sketch, call.name, word, x, number)
    return arithmetic.binary(call.sketch, call.name, word, number, x)
