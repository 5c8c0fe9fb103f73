"""Reads a module by running its code on stand-ins: maps without data, and sizes that may be symbols."""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import partial
from threading import RLock, get_ident
from typing import Any

import torch

from convmath.formula import Formula
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import ATTENTION, Constant, Tensor, Unsupported
from convmath.importers.torch import memory, modules, sizes
from convmath.importers.torch.calls import (
    ATTENTIVE,
    MODULES,
    NO_LAYER,
    POISON,
    Call,
    Poison,
    contains,
    perform,
    word_of,
)
from convmath.importers.torch.carried import carried_out
from convmath.importers.torch.memory import Share
from convmath.importers.torch.modules import is_leaf
from convmath.importers.torch.opaque import opaque
from convmath.importers.torch.parameters import Parameters

_PATCHING = RLock()
"""Only one module at a time is read: the calls of all modules are watched meanwhile, in this thread."""
UNSAFE = ("zeros", "ones", "pow", "float_power", "remainder", "xlogy", "where", "full", "linspace", "arange", "tensor")
"""Functions of PyTorch that take the first argument for a number before they ask what it is."""
SIZES = frozenset({"size", "dim", "ndimension", "numel", "nelement"})
"""What asks for no element."""


class Branching(Exception):  # noqa: N818  (it tells of the model, not of a fault)
    """The code of the module asks for a number that is not known: control flow depends on a size or on data."""


class Traced:
    """A value on its way through the code of a module, which notes everything that is done to it."""

    def __init__(self, value: Any, tracer: Tracer, share: Share | None = None) -> None:
        self._value = value
        self._tracer = tracer
        self._share = Share() if share is None else share

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # what asks whether it is a tensor shall hear yes
        return torch.Tensor if isinstance(self._value, Tensor | Constant) else Traced

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        [tracer] = {each._tracer for each in _found((args, kwargs or {}))}  # noqa: SLF001  (they are of this class)
        return tracer.call(function, tuple(args), dict(kwargs or {}))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        held = self._value
        if isinstance(held, Poison):
            return self if name in ("shape", "data", "T", "mT") else partial(self._tracer.method, name, self)
        match name:
            case "shape":
                return self._tracer.method("size", self)
            case "ndim":
                return len(held.shape if isinstance(held, Constant) else held.dims)
            case "dtype":
                return torch.get_default_dtype()
            case "device":
                return torch.device("cpu")
            case "requires_grad" | "_is_param" | "is_cuda" | "is_sparse" | "is_quantized" | "is_meta" | "is_nested":
                return False
            case "data":
                return self
            case "T" | "mT" | "H" | "mH":
                return self._tracer.method(name, self)
        return partial(self._tracer.method, name, self)

    def __bool__(self) -> bool:
        raise Branching(f"control flow depends on {_told(self._value)}")

    def __index__(self) -> int:
        raise Branching(f"a number is made of {_told(self._value)}")

    def __float__(self) -> float:
        raise Branching(f"a number is made of {_told(self._value)}")

    def __len__(self) -> int:
        if isinstance(self._value, Poison):
            raise Branching("the number of parts depends on what is refused")
        raise Branching(f"it asks for the length of {_told(self._value)}")

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self._value, Poison):
            return iter([self] * _unpacked())
        raise Branching(f"it runs through the parts of {_told(self._value)}")

    def __contains__(self, other: object) -> bool:
        raise Branching(f"it searches {_told(self._value)}")

    def __setitem__(self, place: Any, value: Any) -> None:
        self._tracer.call(operator.setitem, (self, place, value), {})

    def __hash__(self) -> int:
        return id(self)


def _unpacked() -> int:
    """Return into how many names the code above takes a value apart."""
    frame = sys._getframe(2)  # noqa: SLF001  (only the code that asks knows)
    for each in dis.get_instructions(frame.f_code):
        if each.offset == frame.f_lasti and each.opname == "UNPACK_SEQUENCE":
            return int(each.argval)
    raise Branching("it runs through the parts of what is refused")


def _told(value: Any) -> str:
    match value:
        case Tensor():
            return f"the elements of a map of {value}"
        case Constant():
            return f"the elements of {value.key}"
        case Formula():
            return f"the size {sizes.shown(value)}"
        case sizes.Undecided():
            return f"whether {value}"
    return "what is refused"


def _operator(function: Callable[..., Any], *, turned: bool = False, changes: bool = False) -> Callable[..., Any]:
    def apply(self: Traced, *others: Any) -> Any:
        args = (*others, self) if turned else (self, *others)
        made = self._tracer.call(function, args, {})
        return self._tracer.changed(self, made) if changes else made

    return apply


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(Traced, f"__{_name}__", _operator(getattr(operator, _name)))
    setattr(Traced, f"__r{_name}__", _operator(getattr(operator, _name), turned=True))
    setattr(Traced, f"__i{_name}__", _operator(getattr(operator, _name), changes=True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert", "getitem", "and_", "or_"):
    setattr(Traced, f"__{_name.rstrip('_')}__", _operator(getattr(operator, _name)))
for _name in ("floor", "ceil", "round", "trunc"):
    setattr(Traced, f"__{_name}__", _operator(partial(sizes.rounded, _name)))


def _found(held: Any) -> Iterator[Traced]:
    if type(held) is Traced:
        yield held
    elif isinstance(held, Mapping):
        for each in held.values():
            yield from _found(each)
    elif isinstance(held, tuple | list):
        for each in held:
            yield from _found(each)


def _check(held: Any) -> None:
    """Refuse stand-ins whose memory was changed through others."""
    if any(each._share.is_stale for each in _found(held)):  # noqa: SLF001
        raise Branching(memory.WRITTEN)


class Tracer:
    """Runs the code of a module once, and writes what it does on a sketch."""

    def __init__(self, sketch: Sketch, root: torch.nn.Module, *, allow_opaque: bool = False) -> None:
        self.sketch = sketch
        self.parameters = Parameters(root)
        self._root = root
        self._paths = {id(each): name for name, each in root.named_modules()}
        self._scope: list[str] = []
        self._allow_opaque = allow_opaque
        self._watches = True

    def run(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return what the module puts out for maps; whatever its code returns, with maps in the place of tensors."""
        with _PATCHING, torch.no_grad(), self._watching():
            made = self._root(*self.wrapped(list(args)), **self.wrapped(dict(kwargs)))
        _check(made)
        return self.plain(made)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        module = torch.nn.Module
        called, held, put = module.__call__, module.__getattr__, module.__setattr__
        before: dict[tuple[int, str], tuple[dict[str, Any], dict[str, Any]]] = {}
        own = get_ident()

        def watched(each: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            watches = self._watches and get_ident() == own
            return self._module(each, called, args, kwargs) if watches else called(each, *args, **kwargs)

        def seen(each: torch.nn.Module, name: str) -> Any:
            found = held(each, name)
            if isinstance(found, torch.nn.Parameter) and self._watches and get_ident() == own:
                return self.wrapped(self.parameters.constant(found))
            return found

        def noted(each: torch.nn.Module, name: str, value: Any) -> None:
            if get_ident() != own or not [*_found(value)]:
                put(each, name, value)
                return
            kept = each.__dict__
            before.setdefault((id(each), name), (kept, {name: kept[name]} if name in kept else {}))
            kept[name] = value

        makers = {name: getattr(torch, name) for name in UNSAFE}
        module.__call__, module.__getattr__, module.__setattr__ = watched, seen, noted  # type: ignore[assignment]
        for name, maker in makers.items():
            setattr(torch, name, self._maker(maker))
        try:
            yield
        finally:
            module.__call__, module.__getattr__, module.__setattr__ = called, held, put  # type: ignore[method-assign]
            for (_, name), (kept, held_before) in before.items():  # the module is left as it was
                kept.pop(name, None)
                kept.update(held_before)
            for name, maker in makers.items():
                setattr(torch, name, maker)

    def _maker(self, maker: Callable[..., Any]) -> Callable[..., Any]:
        """Return what takes stand-ins in every place; PyTorch's own fails, or crashes, where it expects a number."""

        def made(*args: Any, **kwargs: Any) -> Any:
            return self.call(maker, args, kwargs) if [*_found((args, kwargs))] else maker(*args, **kwargs)

        return made

    def _module(self, module: torch.nn.Module, called: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        kind = type(module).__name__
        path = self._paths.get(id(module), kind.lower())
        if is_leaf(module) or modules.changed(module):
            call = Call(self.sketch, path or kind.lower(), kind, self.parameters)
            handler = self._handler(module, kind)
            why = modules.changed(module) or (NO_LAYER if handler is None else None)
            if why and contains(self.plain((args, kwargs)), Poison) and kind not in ATTENTIVE:
                self.sketch.refuse(kind, call.name, why)
            _check((args, kwargs))
            made = perform(call, handler, self.plain(tuple(args)), self.plain(dict(kwargs)))
            return self._answered(kind, made, args, kwargs, changes=bool(getattr(module, "inplace", False)))
        self._scope.append(path)
        before = len(self.sketch.refused)
        try:
            made = called(module, *args, **kwargs)
        except Exception:
            self.sketch.passed.add(path)
            if "attention" not in kind.lower():
                raise
            made = None
        finally:
            self._scope.pop()
        if "attention" not in kind.lower() or (made is not None and len(self.sketch.refused) == before):
            return made
        del self.sketch.refused[before:]
        self.sketch.passed.add(path)
        self.sketch.refuse(kind, path, ATTENTION)
        return self.wrapped(POISON)

    def _handler(self, module: torch.nn.Module, kind: str) -> Callable[..., Any] | None:
        """Return what reads a layer of torch.nn, if there is something."""
        why = modules.changed(module)
        if why is not None:
            return partial(_refused, why)
        handler = MODULES.get(kind)
        if handler is None and self._allow_opaque and kind not in ATTENTIVE:
            handler = self._opaque
        return None if handler is None else _given(handler, module)

    def _opaque(self, call: Call, module: torch.nn.Module, input: Any) -> Tensor:
        self._watches = False
        try:
            return opaque(call, module, input)
        finally:
            self._watches = True

    def method(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return what a method puts out, the first argument being its owner."""
        return self._perform(name, getattr(torch.Tensor, name, None), args, kwargs)

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a function puts out."""
        return self._perform(word_of(function), function, args, kwargs)

    def _perform(self, word: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        where = f"{self._scope[-1]}.{word}" if self._scope and self._scope[-1] else word
        if word not in SIZES:
            _check((args, kwargs))
        call = Call(self.sketch, where, word, self.parameters)
        made = carried_out(call, function, self.plain(args), self.plain(kwargs))
        return self._answered(word, made, args, kwargs, changes=memory.writes(word, kwargs))

    def _answered(self, word: str, made: Any, args: Any, kwargs: Any, *, changes: bool) -> Any:
        """Return what a call puts out, as a stand-in of the memory where PyTorch has it."""
        first = next(iter((*args, *kwargs.values())), None)
        if type(first) is not Traced:
            if changes and word.endswith("_") and not word.endswith("__") and isinstance(first, torch.Tensor):
                raise Branching(f"{word} changes numbers of the module, or of its code, by a map")
            return self.wrapped(made)
        if changes:
            return self.changed(first, made)
        if word in memory.SAME and made is first._value:  # noqa: SLF001
            return first
        return self.wrapped(made, first if word in memory.WHOLE | memory.PARTS else None, part=word in memory.PARTS)

    def changed(self, target: Traced, made: Any) -> Any:
        """Return what an operation in place answers with: what it changed, if that is a map and no size."""
        made = made._value if type(made) is Traced else made  # noqa: SLF001
        if not isinstance(target._value, Tensor | Constant) or not isinstance(made, Tensor | Constant | Poison):  # noqa: SLF001
            return self.wrapped(made)
        if made is not target._value:  # noqa: SLF001
            target._value = made  # noqa: SLF001
            target._share.written()  # noqa: SLF001
        return target

    def plain(self, held: Any) -> Any:
        """Return values without what watches them, and tensors of the module as constants."""
        if type(held) is Traced:
            return held._value  # noqa: SLF001
        if isinstance(held, torch.Tensor):
            return self.parameters.constant(held)
        if isinstance(held, torch.Size):
            return tuple(held)
        if isinstance(held, tuple) and hasattr(held, "_fields"):
            return type(held)(*map(self.plain, held))
        if isinstance(held, tuple | list):
            return type(held)(map(self.plain, held))
        if isinstance(held, dict):
            return {key: self.plain(each) for key, each in held.items()}
        if isinstance(held, slice):
            return slice(self.plain(held.start), self.plain(held.stop), self.plain(held.step))
        if is_dataclass(held) and not isinstance(held, type):
            return {each.name: self.plain(getattr(held, each.name)) for each in fields(held)}
        return held

    def wrapped(self, held: Any, of: Traced | None = None, *, part: bool = False) -> Any:
        """Return values for the code of the module: numbers as they are, all else watched, in the memory *of* one."""
        if isinstance(held, Tensor | Constant | Formula | Poison | sizes.Undecided):
            return Traced(held, self, None if of is None else Share(of._share, part=part))  # noqa: SLF001
        if isinstance(held, tuple | list):
            return type(held)(self.wrapped(each, of, part=part) for each in held)
        if isinstance(held, dict):
            return {key: self.wrapped(each, of, part=part) for key, each in held.items()}
        return held


def _given(handler: Callable[..., Any], module: torch.nn.Module) -> Callable[..., Any]:
    def apply(call: Call, *args: Any, **kwargs: Any) -> Any:
        return handler(call, module, *args, **kwargs)

    return apply


def _refused(why: str, call: Call, *args: Any, **kwargs: Any) -> Any:
    del call, args, kwargs
    raise Unsupported(why)
