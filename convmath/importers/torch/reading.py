"""From a module to a network: by following its code, or by an export where its code cannot be followed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from convmath.errors import ConvmathError, UnsupportedError, UsageError, inert
from convmath.formula import Formula, Value
from convmath.importers import layers
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import ATTENTION, BATCH_SIZE, OPEN, Tensor
from convmath.importers.torch.calls import NO_LAYER
from convmath.importers.torch.exported import export
from convmath.importers.torch.modules import COMPUTED
from convmath.importers.torch.parameters import Parameters
from convmath.importers.torch.tracing import Tracer
from convmath.limits import Limits
from convmath.spec.graph import Input, Network, SymbolInfo, inside

BUFFERS = ("running_mean", "running_var")
FINAL = (ATTENTION, *COMPUTED.values())
"""Reasons that no export does away with."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: the name of the network, its inputs, and how it is read."""

    name: str
    inputs: tuple[Input, ...]
    symbols: tuple[SymbolInfo, ...]
    by_name: bool
    weights: bool
    output: str | None
    allow_opaque: bool
    limits: Limits

    def sketch(self) -> Sketch:
        """Return an empty network of these inputs."""
        return Sketch(self.name, self.inputs, self.limits)


def read(module: torch.nn.Module, wanted: Wanted) -> Network:
    """Return the network that a module is.

    Its code is followed with stand-ins for maps; where that asks for numbers that are
    not known, it is exported instead.

    Where only one output is asked for, what was written before its code failed may be enough.

    Raises ``UnsupportedError`` where neither way leads through, with both reasons.
    """
    sketch = wanted.sketch()
    tracer = Tracer(sketch, module, allow_opaque=wanted.allow_opaque)
    sources = [sketch.source(at) for at in range(len(wanted.inputs))]
    named = {each.name: x for each, x in zip(wanted.inputs, sources, strict=True)}
    reason = None
    made: Any = ()
    try:
        made = tracer.run(*(((), named) if wanted.by_name else (sources, {})))
    except ConvmathError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever the code of the module raises, it is told)
        reason = _reason(error)
    if reason is None and not sketch.refused:
        return finished(sketch, tracer.parameters, made, wanted)
    if wanted.output is not None and (only := _before(sketch, made, wanted.output)) is not None:
        return cut(sketch, tracer.parameters, only, wanted)
    final = any(each.why in FINAL for each in sketch.refused)
    try:
        if not final:
            return _exported(module, wanted)
        failure = ""
    except UsageError:
        raise
    except UnsupportedError as error:
        failure = _listed(str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001  (the same for the exporter)
        failure = _reason(error)
    if sketch.refused:
        return finished(sketch, tracer.parameters, (), wanted)
    message = f"{inert(wanted.name)} cannot be read as a network:"
    help_ = f"\n  = help: {inert(advice)}" if (advice := _advice(sketch, wanted)) else ""
    raise UnsupportedError(f"{message}\n  following its code: {reason}\n  torch.export: {failure}{help_}")


def _exported(module: torch.nn.Module, wanted: Wanted) -> Network:
    sketch, parameters = wanted.sketch(), Parameters(module)
    made, symbols = export(sketch, module, parameters, wanted.symbols, by_name=wanted.by_name)
    return finished(sketch, parameters, made, replace(wanted, symbols=symbols))


def finished(sketch: Sketch, parameters: Parameters, made: Any, wanted: Wanted) -> Network:
    """Return the network of a sketch whose outputs are among what the module returned."""
    about: dict[str, Any] = {"source": "PyTorch"}
    unused = dict(parameters.unused()) | dict(_uncounted(sketch, parameters))
    if unused:
        about["unused_parameters"] = unused
    kept = dict(_kept_as_parameters(sketch, parameters))
    if kept:
        about["buffers_counted_as_parameters"] = kept
    returned = list(dict.fromkeys(maps(made)))
    if not returned and not sketch.refused:
        raise UnsupportedError(
            f"{inert(wanted.name)} cannot be read as a network: it returns {_kind(made)}, and no map"
        )
    sketch.refused.sort(key=lambda each: each.why != ATTENTION)
    sketch.advice = _advice(sketch, wanted)
    only = None if wanted.output is None else dict(keyed(made)).get(wanted.output, wanted.output)
    network = sketch.network(returned, wanted.symbols, about, only)
    return network if wanted.weights else replace(network, weights={})


def cut(sketch: Sketch, parameters: Parameters, only: Tensor, wanted: Wanted) -> Network:
    """Return the network of a part of a sketch, whatever was refused elsewhere."""
    sketch.refused.clear()
    sketch.advice = ""
    kept = dict(_kept_as_parameters(sketch, parameters))
    about = {"source": "PyTorch"} | ({"buffers_counted_as_parameters": kept} if kept else {})
    network = sketch.network((), wanted.symbols, about, only)
    return network if wanted.weights else replace(network, weights={})


def _before(sketch: Sketch, made: Any, output: str) -> Tensor | None:
    """Return what is called *output*, if nothing of it was refused or depends on what was."""
    found = dict(keyed(made)).get(output)
    if found is not None:
        return found
    for at, draft in enumerate(sketch.drafts):
        if draft.node.name == output:
            return sketch.put_out(at)
    if any(each == output or inside(each, output) for each in sketch.passed):
        return None
    part = [at for at, draft in enumerate(sketch.drafts) if inside(draft.node.name, output)]
    return sketch.put_out(part[-1]) if part else None


def _advice(sketch: Sketch, wanted: Wanted) -> str:
    """Return what helps where something is refused."""
    found = []
    if wanted.output is not None:
        found.append(f"'{wanted.output}' is not among what could be read")
    names = [each.node.name for each in sketch.drafts if each.given] or [each.node.name for each in sketch.drafts]
    if names:
        found.append(f"--output NAME reads only what one layer needs, such as '{names[-1]}'")
    unknown = {each.operator for each in sketch.refused if each.why == NO_LAYER}
    if not wanted.allow_opaque and any(hasattr(torch.nn, each) for each in unknown):
        found.append("--allow-opaque lets an unknown layer of torch.nn stand where all sizes are numbers")
    symbols = ", ".join(each.name for each in wanted.symbols)
    if symbols and any(each.why.endswith(OPEN) for each in sketch.refused):
        found.append(f"numbers in the place of {symbols} may settle it, as in --input-shape 3,32,32")
    for at, each in enumerate(sketch.inputs):
        if each.shape[0] == 1 and any(layers.off_rank(sketch.source(at), refusal.why) for refusal in sketch.refused):
            found.insert(0, f"leave out the batch, as in {_written(each.shape[1:])}")
    return "; ".join(found)


def _written(shape: Sequence[Value]) -> str:
    return f"({', '.join(repr(str(each)) if isinstance(each, Formula) else str(each) for each in shape)})"


def _uncounted(sketch: Sketch, parameters: Parameters) -> Iterator[tuple[str, int]]:
    """Yield parameters of which layers have fewer numbers, as of a part or a product, and how many are in none.

    Parameters that are computed with one another stand together. Layers that make more
    numbers of them are refused, as ``a`` and ``1 - a`` are: they count once.
    """
    given = [
        (draft, origins, each.size)
        for draft in sketch.drafts
        if draft.node.share is None
        for each in draft.given.values()
        if (origins := parameters.origins(each.key))
    ]
    together: dict[str, dict[str, int]] = {}
    for _, origins, _ in given:
        if any(together.get(name) is not together.get(next(iter(origins)), ()) for name in origins):
            merged = dict(origins)
            for name in origins:
                merged |= together.get(name, {})
            together |= dict.fromkeys(merged, merged)
    counted: dict[str, int] = {}
    for draft, origins, made in given:
        group = together[next(iter(origins))]
        names, size = ", ".join(sorted(group)), sum(group.values())
        counted[names] = counted.get(names, 0) + made
        if counted[names] > size:
            why = f"of the {size} numbers of '{names}' layers make {counted[names]}, which are no parameters each"
            sketch.refuse(draft.node.kind, draft.node.name, why)
    for group in {id(each): each for each in together.values()}.values():
        names, size = ", ".join(sorted(group)), sum(group.values())
        if counted[names] < size:
            yield names, size - counted[names]


def _kept_as_parameters(sketch: Sketch, parameters: Parameters) -> Iterator[tuple[str, int]]:
    """Yield the tensors that the module does not learn, in the place of layers' parameters, with their sizes."""
    found: dict[str, int] = {}
    for draft in sketch.drafts:
        for name, each in draft.given.items():
            if name not in BUFFERS and each.key not in parameters.used and draft.node.share is None:
                found[each.key] = found.get(each.key, 0) + each.size
    yield from found.items()


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


def keyed(held: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the maps that a module returned under keys, by these: ``out``, ``features.0`` within a list."""
    if isinstance(held, Mapping):
        for key, each in held.items():
            yield from keyed(each, f"{path}.{key}".removeprefix("."))
    elif isinstance(held, Tensor):
        if path:
            yield path, held
    elif path and isinstance(held, Sequence) and not isinstance(held, str):
        for at, each in enumerate(held):
            yield from keyed(each, f"{path}.{at}")


def _listed(message: str) -> str:
    """Return what a refusal lists, without what stands around it."""
    lines = [line.strip() for line in message.splitlines()]
    return "; ".join(line for line in lines[1:] if not line.startswith("= help")) or message


def _kind(made: Any) -> str:
    if isinstance(made, Mapping | Sequence) and not made:
        return f"an empty {type(made).__name__}"
    return "None" if made is None else inert(f"a {type(made).__name__}".lower())


def _reason(error: Exception | SystemExit) -> str:
    text = " ".join(str(error).split()).replace(repr(BATCH_SIZE), "batch")
    if isinstance(error, SystemExit):
        return inert(f"it ends the program, with sys.exit({text[:100]})")
    return inert(f"{text[:300] or type(error).__name__}")
