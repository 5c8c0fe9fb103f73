"""From a module to a network: by following its code, or by an export where its code cannot be followed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from convmath.errors import ConvmathError, UnsupportedError, inert
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Tensor
from convmath.importers.torch.calls import ATTENTION
from convmath.importers.torch.exported import export
from convmath.importers.torch.parameters import Parameters
from convmath.importers.torch.tracing import Tracer
from convmath.limits import Limits
from convmath.spec.graph import Input, Network, SymbolInfo


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: the name of the network, its inputs, and how it is read."""

    name: str
    inputs: tuple[Input, ...]
    symbols: tuple[SymbolInfo, ...]
    by_name: bool
    weights: bool
    allow_opaque: bool
    limits: Limits

    def sketch(self) -> Sketch:
        """Return an empty network of these inputs."""
        return Sketch(self.name, self.inputs, self.limits)


def read(module: torch.nn.Module, wanted: Wanted) -> Network:
    """Return the network that a module is.

    Its code is followed with stand-ins for maps; where that asks for numbers that are
    not known, it is exported instead.

    Raises ``UnsupportedError`` where neither way leads through, with both reasons.
    """
    sketch = wanted.sketch()
    tracer = Tracer(sketch, module, allow_opaque=wanted.allow_opaque)
    sources = [sketch.source(at) for at in range(len(wanted.inputs))]
    named = {each.name: x for each, x in zip(wanted.inputs, sources, strict=True)}
    try:
        made = tracer.run(*(((), named) if wanted.by_name else (sources, {})))
    except ConvmathError:
        raise
    except Exception as error:
        if sketch.refused:
            return finished(sketch, tracer.parameters, (), wanted)
        return _exported(module, wanted, _reason(error))
    return finished(sketch, tracer.parameters, made, wanted)


def _exported(module: torch.nn.Module, wanted: Wanted, reason: str) -> Network:
    sketch, parameters = wanted.sketch(), Parameters(module)
    try:
        made, symbols = export(sketch, module, parameters, wanted.symbols, by_name=wanted.by_name)
    except ConvmathError:
        raise
    except Exception as error:
        raise UnsupportedError(
            f"{inert(wanted.name)} cannot be read as a network:\n"
            f"  following its code: {reason}\n"
            f"  torch.export: {_reason(error)}"
        ) from error
    return finished(sketch, parameters, made, replace(wanted, symbols=symbols))


def finished(sketch: Sketch, parameters: Parameters, made: Any, wanted: Wanted) -> Network:
    """Return the network of a sketch whose outputs are among what the module returned."""
    about: dict[str, Any] = {"source": "PyTorch"}
    unused = dict(parameters.unused())
    if unused:
        about["unused_parameters"] = unused
    sketch.refused.sort(key=lambda each: each.why != ATTENTION)
    network = sketch.network(list(dict.fromkeys(maps(made))), wanted.symbols, about)
    if not wanted.weights:
        return replace(network, weights={})
    return network


def maps(held: Any) -> Iterator[Tensor]:
    """Yield every map in what a module returned, in order."""
    if isinstance(held, Tensor):
        yield held
    elif isinstance(held, Mapping):
        for each in held.values():
            yield from maps(each)
    elif isinstance(held, Sequence) and not isinstance(held, str):
        for each in held:
            yield from maps(each)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return inert(f"{text[:300] or type(error).__name__}")
