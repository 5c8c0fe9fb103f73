"""What is done to maps in a module: one entry per call, whatever the way in which the module was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from types import UnionType
from typing import Any, TypeVar

from convmath.formula import Formula
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import ATTENTION, Constant, Tensor, Unsupported
from convmath.importers.torch.parameters import Parameters


class Poison:
    """What a refused call would have put out; everything that depends on it is passed over."""


POISON = Poison()


@dataclass(frozen=True, slots=True)
class Call:
    """A call in the making: where it stands, and what it writes on."""

    sketch: Sketch
    name: str
    operator: str
    parameters: Parameters

    @property
    def rank(self) -> int | None:
        """How many axes of space the operator works on, where its name tells: 2 for ``max_pool2d``."""
        digit = self.operator.rstrip("_")[-2:-1]
        return int(digit) if self.operator.rstrip("_").endswith("d") and digit in ("1", "2", "3") else None


Handler = Callable[..., Any]
"""A function of the call and the arguments that PyTorch's takes, by PyTorch's names."""


_H = TypeVar("_H", bound=Handler)


class Table:
    """Handlers by the names of what they stand for."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def __call__(self, *names: str) -> Callable[[_H], _H]:
        """Return a decorator that enters a function under *names*."""

        def enter(handler: _H) -> _H:
            for name in names:
                if name in self._handlers:
                    raise ValueError(f"{name} has two entries")
                self._handlers[name] = handler
            return handler

        return enter

    def get(self, name: str) -> Handler | None:
        """Return the handler of a name, if it has one."""
        return self._handlers.get(name)

    def names(self) -> list[str]:
        """Return every name, in order."""
        return sorted(self._handlers)


FUNCTIONS = Table()
"""Functions, methods and operators by their last name: ``relu`` is torch.relu, F.relu and Tensor.relu."""
MODULES = Table()
"""Layers of torch.nn by the names of their classes."""

NO_LAYER = "there is no layer for it"
PRODUCTS = ("matmul", "bmm", "baddbmm", "einsum")
ATTENTIVE = frozenset(
    {
        *PRODUCTS,
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "MultiheadAttention",
        "Transformer",
        "TransformerEncoder",
        "TransformerEncoderLayer",
        "TransformerDecoder",
        "TransformerDecoderLayer",
    }
)


def word_of(function: Any) -> str:
    """Return the last name of a function: ``relu`` for every function that is called so."""
    return str(getattr(function, "__name__", type(function).__name__)).split(".")[0]


def perform(call: Call, handler: Handler | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return what a handler makes of a call; where it cannot be said, the refusal is noted."""
    try:
        poisoned = contains((args, kwargs), Poison)
        if poisoned:
            call.sketch.passed.add(call.name)
        if poisoned and call.operator not in ATTENTIVE:
            return POISON
        return _performed(call, None if poisoned else handler, args, kwargs)
    except Unsupported as refusal:
        call.sketch.passed.add(call.name)
        call.sketch.refuse(call.operator, call.name, str(refusal))
        return POISON


def _performed(call: Call, handler: Handler | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if handler is None:
        if call.operator in PRODUCTS and contains(args, Constant) and not contains(args, Poison):
            raise Unsupported("it multiplies a map with numbers of the model; as a Linear or a Conv2d it can be read")
        raise Unsupported(ATTENTION if call.operator in ATTENTIVE else NO_LAYER)
    try:
        signature(handler).bind(call, *args, **kwargs)
    except TypeError as error:
        raise Unsupported(f"it is called in a way that is not known: {error}") from None
    try:
        return handler(call, *args, **kwargs)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise Unsupported(f"it is called in a way that is not known: {error}") from error


def contains(held: Any, kind: type | UnionType) -> bool:
    """Tell whether something of *kind* is among arguments."""
    if isinstance(held, kind):
        return True
    if isinstance(held, Mapping):
        return any(contains(each, kind) for each in held.values())
    if isinstance(held, tuple | list):
        return any(contains(each, kind) for each in held)
    if isinstance(held, slice):
        return contains((held.start, held.stop, held.step), kind)
    return False


def a_map(x: Any) -> Tensor:
    """Return what arrives if it is a map."""
    if isinstance(x, Constant):
        raise Unsupported("numbers arrive that the code makes or the module holds, and no map")
    if not isinstance(x, Tensor):
        raise Unsupported("no map arrives")
    return x


def numbers(given: Any, rank: int) -> tuple[int, ...]:
    """Return one whole number per axis, from one for all or one each."""
    held = tuple(given) if isinstance(given, tuple | list) else (given,) * rank
    if len(held) == 1:
        held *= rank
    if len(held) != rank or not all(isinstance(each, int) and not isinstance(each, Formula) for each in held):
        raise Unsupported(f"{given!r} are no {rank} whole numbers")
    return held


def weight_of(given: Any) -> Constant:
    """Return weights that stand in the module."""
    if not isinstance(given, Constant):
        raise Unsupported("its weights are no parameters of the module, but computed")
    return given


def optional(given: Any) -> Constant | None:
    """Return weights that stand in the module, or none."""
    return None if given is None else weight_of(given)
