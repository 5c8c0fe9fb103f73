"""The parameters and buffers of a module, as constants that are read when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from convmath.importers.tensor import Constant, Unsupported


class Parameters:
    """Every tensor of a module by what it is called, and which of them were used."""

    def __init__(self, root: torch.nn.Module) -> None:
        self._names: dict[int, str] = {}
        self._kept: dict[int, torch.Tensor] = {}
        self._origins: dict[str, frozenset[str]] = {}
        """Of which parameters something is computed."""
        self.used: set[str] = set()
        for name, each in root.named_parameters(remove_duplicate=False):
            self._names.setdefault(id(each), name)
        for name, buffer in root.named_buffers(remove_duplicate=False):
            self._names.setdefault(id(buffer), name)
        self._stored = set(self._names.values())
        self._sizes = {name: each.numel() for name, each in root.named_parameters()}

    def constant(self, tensor: torch.Tensor) -> Constant:
        """Return what stands for a tensor of the module, or for one that its code made."""
        name = self._names.setdefault(id(tensor), f"tensor{len(self._names)}")
        self._kept[id(tensor)] = tensor  # an id is a name only while its owner lives
        learned = name in self._sizes
        if learned:
            self.used.add(name)
        values = None if learned or tensor.numel() != 1 or tensor.is_meta else (tensor.item(),)
        zeros = name not in self._stored and values is None and not tensor.is_meta and not tensor.any()
        return Constant(
            name, tuple(tensor.shape), lambda: array(tensor), values, 0.0 if zeros else None, learned=learned
        )

    def of(self, module: torch.nn.Module, name: str) -> Constant | None:
        """Return a parameter or buffer of a layer; None where it has none of this name."""
        # While a model is read, its attributes are watched; these two are not.
        held = module._parameters.get(name, module._buffers.get(name))  # noqa: SLF001
        return None if held is None else self.constant(held)

    def origins(self, key: str) -> dict[str, int]:
        """Return the parameters that something is, or is computed of, with their sizes."""
        return {name: self._sizes[name] for name in self._origins.get(key, (key,)) if name in self._sizes}

    def unused(self) -> Iterator[tuple[str, int]]:
        """Yield the parameters that no layer uses, with their sizes: those of a part of the model together."""
        found: dict[str, int] = {}
        used_parts = {name.split(".")[0] for name in self.used}
        for name, size in self._sizes.items():
            if name not in self.used:
                part = name.split(".")[0]
                key = name if part in used_parts else part
                found[key] = found.get(key, 0) + size
        yield from found.items()

    def folded(self, word: str, compute: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
        """Return what a function makes of constants alone: its shape now, its numbers when they are asked for."""
        try:
            made = compute(*_with(args, _shaped), **_with(dict(kwargs), _shaped))
        except Exception as error:  # noqa: BLE001  (whatever PyTorch raises, it is told)
            reason = " ".join(str(error).split())[:150]
            raise Unsupported(f"it computes with parameters in a way that is not known: {reason}") from None
        if not isinstance(made, torch.Tensor):
            return made
        key = f"{word}({','.join((*map(_told, args), *_named(kwargs)))})"
        learned = self.used.intersection(_keys((args, kwargs)))
        if learned:
            self.used.add(key)
            self._origins[key] = frozenset(name for each in learned for name in self.origins(each))

        def read() -> Any:
            return array(compute(*_with(args, _tensor), **_with(dict(kwargs), _tensor)))

        return Constant(key, tuple(made.shape), read, learned=bool(learned))


def array(tensor: torch.Tensor) -> Any:
    """Return the numbers of a tensor as a NumPy array, half precision as single."""
    held = tensor.detach().cpu()
    if held.is_floating_point() and held.dtype not in (torch.float32, torch.float64):
        held = held.float()
    return held.numpy()


def _with(held: Any, change: Callable[[Constant], Any]) -> Any:
    if isinstance(held, Constant):
        return change(held)
    if isinstance(held, tuple | list):
        return type(held)(_with(each, change) for each in held)
    if isinstance(held, dict):
        return {key: _with(each, change) for key, each in held.items()}
    return held


def _shaped(constant: Constant) -> torch.Tensor:
    return torch.empty(constant.shape, device="meta")


def _tensor(constant: Constant) -> torch.Tensor:
    return torch.as_tensor(constant.read())


def _keys(held: Any) -> Iterator[str]:
    """Yield the keys of all constants among arguments."""
    if isinstance(held, Constant):
        yield held.key
    elif isinstance(held, Mapping):
        yield from _keys(tuple(held.values()))
    elif isinstance(held, tuple | list):
        yield from (key for each in held for key in _keys(each))


def _told(held: Any) -> str:
    """Return what tells an argument apart from every other."""
    if isinstance(held, Constant):
        return held.key
    if isinstance(held, Mapping):
        return f"{{{','.join(_named(held))}}}"
    if isinstance(held, tuple | list):
        return f"[{','.join(map(_told, held))}]"
    return repr(held)


def _named(held: Mapping[Any, Any]) -> Iterator[str]:
    yield from (f"{name}={_told(each)}" for name, each in held.items())
