"""Modules of PyTorch as networks: the code of a module is followed without data, with symbols for sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from convmath import limits as limits_module
from convmath.errors import UnsupportedError, UsageError, inert
from convmath.formula import Formula, Value, symbol
from convmath.limits import Limits
from convmath.spec.expressions import is_name
from convmath.spec.graph import Input, Network, SymbolInfo
from convmath.spec.parse import POSITION

if TYPE_CHECKING:
    from torch.nn import Module

Shape = Sequence[int | str]
WRITTEN = "write channels and sizes without the batch, as in (3, 'H', 'W')"


def from_torch(
    module: Module,
    input_shape: Shape | Sequence[Shape] | Mapping[str, Shape] = (3, "H", "W"),
    *,
    name: str | None = None,
    weights: bool = False,
    symbols: Mapping[str, Mapping[str, int]] | None = None,
    output: str | None = None,
    allow_opaque: bool = False,
    limits: Limits = limits_module.DEFAULT,
) -> Network:
    """Read a module of PyTorch as a network, without ever running it on data.

    *input_shape* holds channels and sizes without the batch, numbers or names of symbols;
    a module with several inputs takes a sequence of shapes or a mapping from its
    arguments' names. *symbols* says more of symbols, as in ``{"H": {"default": 224}}``.
    With *weights* the network holds the module's own numbers, read when they are needed.
    With *output*, a layer, a part or a key of what the module returns, only what that needs
    is kept, and what cannot be read elsewhere does not matter.
    ``train()`` and ``eval()`` are respected: GoogLeNet has its auxiliary heads in training
    only. With *allow_opaque* a layer that is not known becomes ``opaque``, where all sizes
    are numbers.

    Raises ``UnsupportedError`` with everything that no layer of convmath says, and where it
    stands; ``UsageError`` for a shape that is none.
    """
    check_installed()
    import torch

    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"{inert(repr(module)[:80])} is no torch.nn.Module; call the class to make one")
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    if isinstance(module, torch.jit.ScriptModule):
        raise UnsupportedError("a module of TorchScript has no code to follow; hand over the module it was made from")
    held = chain(module.named_parameters(), module.named_buffers())
    lazy = next((key for key, each in held if torch.nn.parameter.is_lazy(each)), None)
    if lazy is not None:
        raise UnsupportedError(
            f"the parameter '{inert(lazy)}' has no size yet; call the module once, on any data, and it has"
        )
    from convmath.importers.torch.reading import Wanted, read

    given = _shapes(module, input_shape)
    _check_taken(module, given, by_name=isinstance(input_shape, Mapping))
    inputs = tuple(Input(key, tuple(map(_size, shape))) for key, shape in given.items())
    infos = tuple(_symbols(inputs, symbols or {}))
    by_name = isinstance(input_shape, Mapping)
    title = type(module).__name__ if name is None else name
    return read(module, Wanted(title, inputs, infos, by_name, weights, output, allow_opaque, limits))


def check_installed() -> None:
    """Refuse to go on without PyTorch."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise UnsupportedError("PyTorch is not installed; pip install 'convmath[torch]' brings it")


def _shapes(module: Module, given: Shape | Sequence[Shape] | Mapping[str, Shape]) -> dict[str, Shape]:
    """Return the shape of every input by its name; the arguments of ``forward`` lend theirs."""
    if isinstance(given, Mapping):
        found = {str(key): shape for key, shape in given.items()}
    else:
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise UsageError(f"input_shape is {inert(repr(given)[:80])}; {WRITTEN}")
        given = [*map(_plain, given)]
        several = any(not isinstance(each, int | str) for each in given)
        shapes: Sequence[Any] = given if several else [given]
        found = dict(zip(_arguments(module, len(shapes)), shapes, strict=True))
    for key, shape in found.items():
        if isinstance(shape, str) or not isinstance(shape, Sequence) or not shape:
            raise UsageError(f"the input '{inert(key)}' has no shape; {WRITTEN}")
    if not found:
        raise UsageError(f"input_shape names no input; {WRITTEN}")
    return {key: [*map(_plain, shape)] for key, shape in found.items()}


def _plain(given: Any) -> Any:
    """Return a whole number of any type, such as NumPy's, as Python's own."""
    from operator import index

    if isinstance(given, bool | str):
        return given
    try:
        return index(given)
    except TypeError:
        return given


def _arguments(module: Module, count: int) -> list[str]:
    from inspect import Parameter, signature

    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    names = [key for key, each in signature(module.forward).parameters.items() if each.kind in kinds][:count]
    return names + [f"input{at + 1}" for at in range(len(names), count)] if count > 1 or names else ["x"]


def _check_taken(module: Module, given: Mapping[str, Shape], *, by_name: bool) -> None:
    """Refuse shapes that ``forward`` cannot be called with, and tell what it takes."""
    from inspect import Parameter, signature

    held = signature(module.forward)
    try:
        held.bind(*(() if by_name else given), **(given if by_name else {}))
    except TypeError:
        taken = [
            f"'{key}'" if each.default is Parameter.empty else f"'{key}' if you like"
            for key, each in held.parameters.items()
            if each.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        ]
        count = "1 shape is given" if len(given) == 1 else f"{len(given)} shapes are given"
        names = f" for {', '.join(map(repr, map(inert, given)))}" if by_name else ""
        message = f"{inert(type(module).__name__)}.forward takes {', '.join(taken) or 'no input'}; {count}{names}"
        help_ = "give each its own: input_shape={'x': (3, 'H', 'W'), …}, or --input-shape x=3,H,W for each"
        raise UsageError(f"{message}\n  = help: {help_}") from None


def _size(given: int | str) -> Value:
    if isinstance(given, str):
        if not is_name(given) or given == POSITION:
            raise UsageError(f"'{inert(given)}' cannot name a size; write a number, or a name such as H")
        return symbol(given)
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise UsageError(f"{inert(repr(given))} is no size; write a number from 1 on, or a name such as 'H'")
    return given


def _symbols(inputs: Sequence[Input], given: Mapping[str, Mapping[str, int]]) -> Iterator[SymbolInfo]:
    """Yield what is known of every symbol of the inputs, in order."""
    names = dict.fromkeys(
        key for each in inputs for size in each.shape if isinstance(size, Formula) for key in sorted(size.names)
    )
    for key in given.keys() - names.keys():
        raise UsageError(f"'{inert(str(key))}' is no symbol of input_shape")
    for key in names:
        told = dict(given.get(key, {}))
        info = SymbolInfo(key, told.pop("min", 1), told.pop("max", None), told.pop("default", None))
        if told:
            raise UsageError(f"the symbol '{key}' can have min, max and default, not {', '.join(sorted(told))}")
        if any(held is not None and type(held) is not int for held in (info.minimum, info.maximum, info.default)):
            raise UsageError(f"min, max and default of the symbol '{key}' are whole numbers")
        yield info
