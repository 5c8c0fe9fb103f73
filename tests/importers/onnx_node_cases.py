"""ONNX's own cases for single operators, as networks: what does not come from outside becomes a weight."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

OPERATORS = (
    "Conv",
    "ConvTranspose",
    "DeformConv",
    "MaxPool",
    "AveragePool",
    "LpPool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "BatchNormalization",
    "Gemm",
    "Flatten",
    "Pad",
)
MAPS = {"DeformConv": (0, 2, 4)}
"""Which inputs are maps of the network; the first one unless said here. All others are weights."""


@dataclass(frozen=True)
class Case:
    """One case: the model as bytes, the maps that go in by name, and what must come out."""

    name: str
    operator: str
    model: bytes
    maps: dict[str, np.ndarray]
    expected: list[np.ndarray]


def cases() -> Iterator[Case]:
    """Yield the cases of all operators above."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = collect_testcases(None)
    for each in found:
        nodes = each.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in OPERATORS and nodes[0].domain == "":
            yield _case(each)


def _case(test: Any) -> Case:
    model = onnx.ModelProto.FromString(test.model.SerializeToString())
    [node] = model.graph.node
    arriving, expected = test.data_sets[0]
    given = dict(zip([each.name for each in model.graph.input], arriving, strict=True))
    maps = [node.input[at] for at in MAPS.get(node.op_type, (0,)) if at < len(node.input) and node.input[at]]
    for name, held in given.items():
        if name not in maps:
            array = held if isinstance(held, np.ndarray | np.generic) else numpy_helper.to_array(held)
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
    kept = [each for each in model.graph.input if each.name in maps]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    del model.graph.value_info[:]
    return Case(
        test.name, node.op_type, model.SerializeToString(), {name: given[name] for name in maps}, list(expected)
    )
