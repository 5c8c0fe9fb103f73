"""Element-wise arithmetic and reductions, as functions, methods and operators of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from convmath.importers import arithmetic
from convmath.importers.tensor import Constant, Tensor, Unsupported
from convmath.importers.torch.calls import FUNCTIONS, Call, a_map
from convmath.importers.torch.filled import meets
from convmath.spec.activation import Rescaling
from convmath.spec.merge import Multiply

BINARY = {
    "add": "add",
    "iadd": "add",
    "__add__": "add",
    "__iadd__": "add",
    "__radd__": "add",
    "sub": "sub",
    "isub": "sub",
    "subtract": "sub",
    "__sub__": "sub",
    "mul": "mul",
    "imul": "mul",
    "multiply": "mul",
    "__mul__": "mul",
    "__rmul__": "mul",
    "div": "div",
    "truediv": "div",
    "itruediv": "div",
    "divide": "div",
    "true_divide": "div",
    "maximum": "max",
    "minimum": "min",
}
ROOTS = {0.5: "sqrt", -0.5: "rsqrt"}
"""Powers that have names of their own."""


def _binary(word: str) -> Callable[..., Tensor | Constant]:
    def apply(call: Call, input: Any, other: Any, *, alpha: Any = 1, rounding_mode: Any = None) -> Tensor | Constant:
        if alpha != 1 or rounding_mode is not None:
            raise Unsupported("it scales or rounds as well")
        for each in (input, other):
            if isinstance(each, Constant) and each.made is not None:
                return meets(call, word, input, other, each.made)
        return arithmetic.binary(call.sketch, call.name, word, input, other)

    return apply


for _name, _word in BINARY.items():
    FUNCTIONS(_name)(_binary(_word))


@FUNCTIONS("rsub", "__rsub__")
def _rsub(call: Call, input: Any, other: Any, alpha: Any = 1) -> Tensor:
    if alpha != 1:
        raise Unsupported("it scales as well")
    return arithmetic.binary(call.sketch, call.name, "sub", other, input)


@FUNCTIONS("neg", "negative")
def _neg(call: Call, input: Any) -> Tensor:
    return call.sketch.layer(call.name, Rescaling(scale=-1.0, offset=0.0), a_map(input))


@FUNCTIONS("pow")
def _pow(call: Call, input: Any, exponent: Any) -> Tensor:
    x, number = a_map(input), exponent.scalar if isinstance(exponent, Constant) else exponent
    if number == 1:
        return x
    if number == 2:
        return _square(call, x)
    return call.sketch.function(call.name, next((ROOTS[each] for each in ROOTS if each == number), "pow"), x)


@FUNCTIONS("square")
def _square(call: Call, input: Any) -> Tensor:
    return call.sketch.layer(call.name, Multiply(), a_map(input), a_map(input))


@FUNCTIONS("mean")
def _mean(call: Call, input: Any, dim: Any = None, keepdim: Any = False, dtype: Any = None, axis: Any = None) -> Tensor:  # noqa: FBT002
    del dtype
    return _reduced(call, input, "mean", dim if axis is None else axis, keepdim)


@FUNCTIONS("var")
def _var(
    call: Call,
    input: Any,
    dim: Any = None,
    unbiased: Any = True,  # noqa: FBT002
    keepdim: Any = False,  # noqa: FBT002
    correction: Any = None,
) -> Tensor:
    """Add the mean of the squares of what differs from the mean, as hand-written norms have it."""
    if not isinstance(unbiased, bool) or (unbiased if correction is None else correction != 0):
        raise Unsupported("it takes an unbiased variance, whose divisor is one less; no layer has that")
    mean = _reduced(replace(call, name=f"{call.name}.mean"), input, "mean", dim, keepdim=True)
    less = arithmetic.binary(call.sketch, f"{call.name}.sub", "sub", input, mean)
    return _reduced(call, _square(replace(call, name=f"{call.name}.square"), less), "mean", dim, keepdim)


@FUNCTIONS("amax", "max")
def _max(call: Call, input: Any, dim: Any = None, keepdim: Any = False) -> Any:  # noqa: FBT002
    if call.operator == "max":
        if isinstance(dim, Tensor | Constant):
            return arithmetic.binary(call.sketch, call.name, "max", input, dim)
        if dim is None:
            raise Unsupported("it takes the greatest element of the whole batch")
        return (_reduced(call, input, "max", dim, keepdim), None)
    return _reduced(call, input, "max", dim, keepdim)


@FUNCTIONS("min")
def _min(call: Call, input: Any, other: Any = None) -> Tensor:
    return arithmetic.binary(call.sketch, call.name, "min", input, other)


@FUNCTIONS("sum")
def _sum(call: Call, input: Any, dim: Any = None, keepdim: Any = False, dtype: Any = None) -> Tensor:  # noqa: FBT002
    del dtype
    return _reduced(call, input, "sum", dim, keepdim)


def _reduced(call: Call, input: Any, word: str, dim: Any, keepdim: Any) -> Tensor:
    if dim is None or dim == ():
        raise Unsupported(f"it takes the {word} over the batch")
    axes: Sequence[int] = dim if isinstance(dim, tuple | list) else (dim,)
    return arithmetic.reduced(call.sketch, call.name, a_map(input), word, axes, keep=bool(keepdim))
