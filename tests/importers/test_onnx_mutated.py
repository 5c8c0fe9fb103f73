"""Graphs of ONNX with something wrong in them: read, or refused in words; never an error of Python, never for long."""

from __future__ import annotations

import random
import warnings
from importlib.util import find_spec

import pytest
from written_models import bounded, joined, logarithm, responses, softplus

import convmath as cm
from convmath.errors import ConvmathError

if find_spec("onnx"):
    import onnx

pytestmark = [pytest.mark.onnx, pytest.mark.full]  # ONNX takes half a minute to make its cases

INTEGERS = (0, -1, 1, 2, 3, 7, -7, 10**6, 10**12, 2**31, 2**62, -(2**63))
WORDS = (b"SAME_UPPER", b"SAME_LOWER", b"DCR", b"linear", b"\xff", b"x")
FREE = ("H", "x y", "9**9**9", "i", "<script>")
OPERATORS = (
    *(
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "LpPool",
        "Gemm",
        "Flatten",
        "Pad",
        "Resize",
        "Slice",
        "Split",
    ),
    *(
        "Concat",
        "Reshape",
        "Transpose",
        "Squeeze",
        "Unsqueeze",
        "ReduceMean",
        "DepthToSpace",
        "Clip",
        "Gather",
        "Expand",
    ),
    *("LRN", "GroupNormalization", "LayerNormalization", "Softmax", "PRelu", "Add", "Mul", "Shape", "ConstantOfShape"),
    *("SplitToSequence", "ReduceMax", "SpaceToDepth", "Pow", "Div", "Max", "Mod", "Cast", "Dropout"),
    *("Sub", "Sqrt", "Where", "Greater", "Softplus", "Relu"),
)
MUTANTS = 150


@pytest.fixture(scope="module")
def models():
    """Return ONNX's own cases of single operators, all inputs but the first as constants, and layers written out."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    found = []
    for case in cases:
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in OPERATORS:
            model = onnx.ModelProto.FromString(case.model.SerializeToString())
            for each, array in list(zip(model.graph.input, case.data_sets[0][0], strict=False))[1:]:
                if getattr(array, "dtype", None) is not None:
                    model.graph.initializer.append(onnx.numpy_helper.from_array(array, each.name))
            found.append(model.SerializeToString())
    written = [softplus(20), responses(), joined(0, 2), bounded(("Max", 0.0), ("Min", 6.0)), logarithm("Sigmoid")]
    return found + written * (len(found) // 20)


def attribute(chance, node, graph):
    del graph
    if not node.attribute:
        return
    each = chance.choice(node.attribute)
    if each.type == each.INT:
        each.i = chance.choice(INTEGERS)
    elif each.type == each.INTS and each.ints:
        each.ints[chance.randrange(len(each.ints))] = chance.choice(INTEGERS)
    elif each.type == each.FLOAT:
        each.f = chance.choice((0, -1, float("nan"), float("inf"), 1e30))
    elif each.type == each.STRING:
        each.s = chance.choice(WORDS)


def length(chance, node, graph):
    del graph
    if not node.attribute:
        return
    each = chance.choice(node.attribute)
    if each.type != each.INTS:
        node.attribute.remove(each)
    elif chance.random() < 0.5 or not each.ints:
        each.ints.append(chance.choice(INTEGERS))
    else:
        del each.ints[-1]


def fewer_inputs(chance, node, graph):
    del graph
    if node.input:
        del node.input[chance.randrange(len(node.input))]


def other_inputs(chance, node, graph):
    names = [*node.input, "", graph.input[0].name, *(each.name for each in graph.initializer)]
    if node.input:
        node.input[chance.randrange(len(node.input))] = chance.choice(names)


def weights(chance, node, graph):
    del node
    if not graph.initializer:
        return
    each = chance.choice(graph.initializer)
    dims = list(each.dims)
    if dims and chance.random() < 0.5:
        dims[chance.randrange(len(dims))] = chance.choice(INTEGERS)
    elif chance.random() < 0.5:
        dims.append(1)
    else:
        chance.shuffle(dims)
    del each.dims[:]
    each.dims.extend(dims)


def operator(chance, node, graph):
    del graph
    node.op_type = chance.choice(OPERATORS)


def sizes(chance, node, graph):
    del node
    shape = graph.input[0].type.tensor_type.shape
    if not shape.dim:
        return
    each = chance.choice(shape.dim)
    if chance.random() < 0.4:
        each.dim_param = chance.choice(FREE)
    elif chance.random() < 0.7:
        each.dim_value = chance.choice(INTEGERS)
    else:
        del shape.dim[-1]


MUTATIONS = (attribute, length, fewer_inputs, other_inputs, weights, operator, sizes)


@pytest.mark.parametrize("seed", range(6))
def test_a_mutated_graph_is_read_or_refused(models, seed):
    chance = random.Random(seed)
    refused = 0
    for _ in range(MUTANTS):
        model = onnx.ModelProto.FromString(chance.choice(models))
        for _ in range(chance.randint(1, 3)):
            chance.choice(MUTATIONS)(chance, chance.choice(model.graph.node), model.graph)
        try:
            cm.analyze(cm.from_onnx(model.SerializeToString(), allow_opaque=chance.random() < 0.2))
        except ConvmathError:
            refused += 1

    assert 0 < refused < MUTANTS


def test_every_mutation_changes_something(models):
    for mutate in MUTATIONS:
        changed = 0
        for seed in range(40):
            chance = random.Random(seed)
            model = onnx.ModelProto.FromString(chance.choice(models))
            before = model.SerializeToString()
            mutate(chance, model.graph.node[0], model.graph)
            changed += model.SerializeToString() != before
        assert changed > 5, mutate.__name__
