"""ONNX's own cases for single operators, as networks: what does not come from outside becomes a weight."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

MODULES = {
    "Conv": "conv",
    "ConvTranspose": "convtranspose",
    "DeformConv": "deformconv",
    "MaxPool": "maxpool",
    "AveragePool": "averagepool",
    "LpPool": "lppool",
    "GlobalAveragePool": "globalaveragepool",
    "GlobalMaxPool": "globalmaxpool",
    "BatchNormalization": "batch_normalization",
    "Gemm": "gemm",
    "Flatten": "flatten",
    "Pad": "pad",
}
"""Where ONNX has the cases of each operator."""
OPERATORS = tuple(MODULES)
MAPS = {"DeformConv": (0, 2, 4)}
"""Which inputs are maps of the network; the first one unless said here. All others are weights."""


@dataclass(frozen=True)
class Excluded:
    """Cases that convmath does not run: why, and the words by which it refuses them."""

    cases: tuple[str, ...]
    why: str
    refused: str


EXCLUDED = (
    Excluded(
        ("test_batchnorm_example_training_mode", "test_batchnorm_epsilon_training_mode"),
        "They take means over a batch; a network of convmath works on one sample, with the means that it has learned.",
        "training_mode asks for the means of a batch",
    ),
    Excluded(
        (
            "test_flatten_axis0",
            "test_flatten_axis2",
            "test_flatten_axis3",
            "test_flatten_negative_axis1",
            "test_flatten_negative_axis2",
            "test_flatten_negative_axis4",
        ),
        "They write samples and features into one axis; convmath keeps samples apart.",
        "makes the batch part of other axes, or leaves it no axis of its own",
    ),
    Excluded(
        ("test_gemm_default_matrix_bias",),
        "Each sample has a bias of its own.",
        "is not one number for each of 4 outputs",
    ),
    Excluded(
        ("test_gemm_transposeA", "test_gemm_all_attributes"),
        "The first axis of the map holds features, and the second one samples.",
        "transA turns the batch into features",
    ),
    Excluded(
        ("test_maxpool_with_argmax_2d_precomputed_pads", "test_maxpool_with_argmax_2d_precomputed_strides"),
        "They also return where the maxima stand; convmath has no such output.",
        "of its outputs only the first is read, but 'z' is used",
    ),
    Excluded(
        ("test_constant_pad", "test_constant_pad_axes", "test_constant_pad_negative_axes"),
        "They pad with 1.2; convmath pads with zeros, or by reflecting, repeating or wrapping around.",
        "it pads with 1.2",
    ),
)


def table() -> str:
    """Return what is left out, as the documentation has it."""
    lines = ["| cases | why convmath does not run them |", "|---|---|"]
    return "\n".join(lines + [f"| {', '.join(f'`{name}`' for name in each.cases)} | {each.why} |" for each in EXCLUDED])


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
    for operator in OPERATORS:
        yield from map(_case, collected(operator))


@cache
def collected(operator: str) -> list[Any]:
    """Return ONNX's own cases for an operator, as ``collect_testcases`` does for all operators in a minute.

    A module of cases makes them while it is imported, and only then, so that it is imported anew.
    """
    from onnx.backend.test.case import node

    full = f"{node.__name__}.{MODULES[operator]}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        node._NodeTestCases, node._existing_names, node._TargetOpType = [], {}, operator
        sys.modules.pop(full, None)
        import_module(full)
    return list(node._NodeTestCases)


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
