"""What any call puts out, whichever way the module is read: by the tables, or by the function itself."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from convmath.formula import Formula
from convmath.importers.tensor import OPEN, Constant, Tensor, Unsupported
from convmath.importers.torch import sizes
from convmath.importers.torch.calls import FUNCTIONS, Call, Poison, Table, contains, perform
from convmath.importers.torch.filled import FILLING, is_open, of_filled

IGNORED = frozenset({"_assert", "_log_api_usage_once", "_assert_async", "_assert_scalar", "sym_constrain_range"})
"""Calls that neither make nor change a map."""


def carried_out(
    call: Call, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], first: Table = FUNCTIONS
) -> Any:
    """Return what a call puts out: of maps by the tables, of constants alone or of sizes by the function itself."""
    if call.operator in IGNORED:
        return None
    if contains((args, kwargs), Tensor | Poison):
        tables = (first, FUNCTIONS)
        found = (table.get(word) for word in (call.operator, call.operator.rstrip("_")) for table in tables)
        return perform(call, next((each for each in found if each), None), args, kwargs)
    if call.operator in FILLING and contains((args, kwargs), Formula):
        return perform(call, FUNCTIONS.get(call.operator), args, kwargs)
    if contains((args, kwargs), Constant):
        if call.operator in ("size", "dim", "numel"):
            return _of_constant(call.operator, *args)
        handler: Any = of_filled if any(map(is_open, args)) else partial(_folded, function)
        if handler is not of_filled and contains((args, kwargs), Formula):
            handler = _of_sizes
    else:
        handler = partial(_computed, function)
    return perform(call, handler, args, kwargs)


def _folded(function: Any, call: Call, *args: Any, **kwargs: Any) -> Any:
    return call.parameters.folded(call.operator, function, args, kwargs)


def _of_sizes(call: Call, *args: Any, **kwargs: Any) -> Any:
    del call, args, kwargs
    raise Unsupported(f"it makes a map of numbers of the model, {OPEN}")


def _computed(function: Any, call: Call, *args: Any, **kwargs: Any) -> Any:
    made = sizes.computed(call.operator, function, args, kwargs)
    return call.parameters.constant(made) if isinstance(made, torch.Tensor) else made


def _of_constant(word: str, held: Constant, *axis: int) -> Any:
    match word:
        case "size":
            return held.shape[axis[0]] if axis else held.shape
        case "dim":
            return len(held.shape)
    return held.size
