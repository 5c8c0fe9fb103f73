"""Reads a module through torch.export, for code that stand-ins cannot follow: operators of ATen, not functions."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from itertools import product
from typing import Any

import torch

from convmath.formula import Formula, Value
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import Unsupported
from convmath.importers.torch import layers, shapes
from convmath.importers.torch.calls import Call, Table, word_of
from convmath.importers.torch.carried import carried_out
from convmath.importers.torch.memory import PARTS, WRITTEN, Share
from convmath.importers.torch.modules import is_leaf
from convmath.importers.torch.parameters import Parameters
from convmath.spec.graph import SymbolInfo

ATEN = Table()
"""Operators of ATen whose arguments stand in another order than those of the functions with their names."""
FIRST = 224
"""The size of an example, where a symbol has no default; every further symbol is a little larger."""
TRIED = (2_001, 2_002, 2_003, 2_005, 2_016, 2_048, 3_001, 4_093)
"""Sizes at which what an export takes for granted must hold, so that it holds for all but the smallest."""


class Assumed(Exception):  # noqa: N818  (it tells of the model, not of a fault)
    """The export holds for some sizes only."""


def export(
    sketch: Sketch, module: torch.nn.Module, parameters: Parameters, symbols: Sequence[SymbolInfo], *, by_name: bool
) -> tuple[Any, tuple[SymbolInfo, ...]]:
    """Write what the exported program does on a sketch; return what it puts out, and the symbols in their ranges.

    Raises whatever PyTorch raises where it cannot export the module, and ``Assumed`` where
    the program would be right for some sizes only.
    """
    sizes = _examples(symbols)
    first = next((each for each in module.parameters() if each.is_floating_point()), torch.zeros(1))
    dtype, device = first.dtype, first.device
    shapes_given = [tuple(_number(size, sizes) for size in each.shape) for each in sketch.inputs]
    examples = [torch.zeros(2, *shape, dtype=dtype, device=device) for shape in shapes_given]
    dynamic = [
        {0: torch.export.Dim.DYNAMIC}
        | {at + 1: torch.export.Dim.DYNAMIC for at, size in enumerate(each.shape) if isinstance(size, Formula)}
        for each in sketch.inputs
    ]
    names = [each.name for each in sketch.inputs]
    with _silently(), torch.no_grad():
        program = torch.export.export(
            module,
            () if by_name else tuple(examples),
            dict(zip(names, examples, strict=True)) if by_name else None,
            dynamic_shapes=dict(zip(names, dynamic, strict=True)) if by_name else tuple(dynamic),
            strict=False,
        )
    carried = _Program(sketch, module, parameters, program)
    made, form = carried.run(), program.call_spec.out_spec
    if form is not None and form.num_leaves == len(made):
        made = torch.utils._pytree.tree_unflatten(made, form)  # noqa: SLF001  (nothing else gives outputs their keys)
    return made, tuple(map(carried.ranged, symbols))


@contextmanager
def _silently() -> Iterator[None]:
    """Keep the exporter from writing its own reports of a failure, which the message sums up."""
    level = logging.root.manager.disable
    nowhere = StringIO()
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(nowhere), redirect_stderr(nowhere):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _examples(symbols: Sequence[SymbolInfo]) -> dict[str, int]:
    return {each.name: each.default or max(each.minimum, FIRST + 32 * at) for at, each in enumerate(symbols)}


def _number(size: Value, sizes: Mapping[str, int]) -> int:
    return sizes[next(iter(size.names))] if isinstance(size, Formula) else int(size)


class _Program:
    """An exported program, carried out on maps without data."""

    def __init__(self, sketch: Sketch, module: torch.nn.Module, parameters: Parameters, program: Any) -> None:
        self._sketch = sketch
        self._module = module
        self._parameters = parameters
        self._program = program
        self._values: dict[Any, Any] = {}
        self._shares: dict[Any, Share] = {}
        self._free: dict[Any, str] = {}
        self._shape_env: Any = None

    def ranged(self, info: SymbolInfo) -> SymbolInfo:
        """Return a symbol with the range in which the program is right; one element is no case of its own here."""
        for free, name in self._free.items():
            if name == info.name:
                held = self._program.range_constraints[free]
                least = int(held.lower) if held.lower > 2 else info.minimum
                info = replace(info, minimum=max(info.minimum, least))
                if held.upper < sys.maxsize:
                    info = replace(info, maximum=min(int(held.upper), info.maximum or int(held.upper)))
        return info

    def run(self) -> list[Any]:
        """Carry out every node, and return what the program puts out."""
        sources = iter(range(len(self._sketch.inputs)))
        kinds = {each.arg.name: each for each in self._program.graph_signature.input_specs}
        for node in self._program.graph.nodes:
            if node.op == "placeholder":
                self._values[node] = self._arriving(node, kinds[node.name], sources)
            elif node.op == "call_function":
                self._values[node] = self._called(node)
            elif node.op == "get_attr":
                raise Assumed(f"it holds the part {node.target}")
            else:
                returned = set(self._program.graph_signature.user_outputs)
                self._check_guards()
                if any(self._shares[each].is_stale for each in node.all_input_nodes if each in self._shares):
                    raise Assumed(WRITTEN)
                return [
                    self._values[each]
                    for each in node.args[0]
                    if getattr(each, "name", None) in returned and each in self._values
                ]
        raise Assumed("it returns nothing")

    def _arriving(self, node: Any, told: Any, sources: Iterator[int]) -> Any:
        match told.kind.name:
            case "USER_INPUT":
                at = next(sources)
                self._note(node.meta["val"], at)
                return self._sketch.source(at)
            case "PARAMETER":
                return self._parameters.constant(self._module.get_parameter(told.target))
            case "BUFFER":
                return self._parameters.constant(self._module.get_buffer(told.target))
            case "CONSTANT_TENSOR":
                return self._parameters.constant(self._program.constants[told.target])
        raise Assumed(f"a {told.kind.name.lower().replace('_', ' ')} arrives")

    def _note(self, example: Any, at: int) -> None:
        """Note which symbol of the export is which size of the input."""
        self._shape_env = example.fake_mode.shape_env
        wanted: list[Any] = [None, *self._sketch.inputs[at].shape]
        for size, meant in zip(example.shape, wanted, strict=True):
            if isinstance(size, torch.SymInt):
                self._free[size.node.expr] = "batch" if meant is None else str(meant)

    def _check_guards(self) -> None:
        """Refuse a program that takes for granted what does not hold for all sizes."""
        if self._shape_env is None:
            return
        names = sorted(set(self._free.values()))
        for guard in self._shape_env.guards:
            for drawn in product(TRIED[: 4 if len(names) > 2 else None], repeat=len(names)):
                values = dict(zip(names, drawn, strict=True))
                held = guard.expr.subs({free: values[name] for free, name in self._free.items()})
                if held == False:  # noqa: E712  (SymPy's own truth values)
                    text = str(guard.expr)
                    for free, name in self._free.items():
                        text = text.replace(str(free), name)
                    raise Assumed(f"control flow depends on {text}")

    def _called(self, node: Any) -> Any:
        word = word_of(node.target)
        args = torch.fx.map_arg(tuple(node.args), self._values.__getitem__)
        kwargs = torch.fx.map_arg(dict(node.kwargs), self._values.__getitem__)
        self._share(node, word)
        call = Call(self._sketch, self._place(node, word), word, self._parameters)
        return carried_out(call, node.target, _plain(args), _plain(kwargs), ATEN)

    def _share(self, node: Any, word: str) -> None:
        """Note whose memory a node shows or changes, which the operators of ATen tell, and refuse what is no more."""
        told = getattr(getattr(node.target, "_schema", None), "arguments", ())
        shown = [each for each in told if each.alias_info]
        first = node.args[0] if node.args else None
        if word == "getitem" and first in self._shares:
            self._shares[node] = Share(self._shares[first], part=True)
            return
        if not word.startswith("sym_") and any(
            self._shares[each].is_stale for each in node.all_input_nodes if each in self._shares
        ):
            raise Assumed(WRITTEN)
        if not shown or not isinstance(first, torch.fx.Node):
            return
        share = self._shares.setdefault(first, Share())
        if any(each.alias_info.is_write for each in shown):
            share.written()
            self._shares[node] = share
        else:
            self._shares[node] = Share(share, part=word in PARTS)

    def _place(self, node: Any, word: str) -> str:
        """Return the path of the layer that a node is, or that of the part where it stands with its own name."""
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        path = stack[-1][0] if stack and isinstance(stack[-1][0], str) and not stack[-1][0].startswith("_empty") else ""
        try:
            owner = self._module.get_submodule(path)
        except AttributeError:
            return word
        if path and is_leaf(owner):
            return path
        return f"{path}.{word}" if path else word


def _plain(held: Any) -> Any:
    """Return what a node holds with ordinary lists and mappings."""
    if isinstance(held, tuple | list):
        made = [_plain(each) for each in held]
        return tuple(made) if isinstance(held, tuple) else made
    if isinstance(held, Mapping):
        return {key: _plain(each) for key, each in held.items()}
    return held


@ATEN("batch_norm")
def _batch_norm(
    call: Call,
    input: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    training: Any,
    momentum: Any,
    eps: float,
    *_: Any,
) -> Any:
    return layers.batch_norm(call, input, mean, variance, weight, bias, training, momentum, eps)


@ATEN("instance_norm")
def _instance_norm(
    call: Call,
    input: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    by_input: Any,
    momentum: Any,
    eps: float,
    *_: Any,
) -> Any:
    return layers.instance_norm(call, input, mean, variance, weight, bias, by_input, momentum, eps)


@ATEN("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")
def _nearest(call: Call, input: Any, size: Any, factors: Any = None) -> Any:
    return shapes.interpolate(call, input, size, factors)


@ATEN("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")
def _linear(call: Call, input: Any, size: Any, align_corners: Any, factors: Any = None) -> Any:
    return shapes.interpolate(call, input, size, factors, mode="linear", align_corners=align_corners)


@ATEN("max_pool2d_with_indices", "max_pool3d_with_indices")
def _with_indices(call: Call, input: Any, *args: Any) -> Any:
    del call, input, args
    raise Unsupported("it returns where the greatest elements stand")
