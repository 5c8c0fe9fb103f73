"""Files of ONNX that hold what no layer can: each is refused when it is read, not when it is written or run."""

from __future__ import annotations

from importlib.util import find_spec
from math import inf, nan
from typing import Any

import pytest
from onnx_models import model, node, tensor

import convmath as cm
from convmath.errors import SpecError, UnsupportedError
from convmath.spec.graph import Network

pytestmark = pytest.mark.onnx

IMAGE = (1, 3, 8, 8)


def read(made: Any) -> Network:
    return cm.from_onnx(made.SerializeToString())


def number(name: str, value: float) -> Any:
    return tensor(name, (), [value])


ONES = tensor("one", (3,), [1.0] * 3)


@pytest.mark.parametrize(
    ("made", "held", "why"),
    [
        (node("LeakyRelu", ["x"], ["y"], alpha=nan), [], "its negative_slope is nan"),
        (node("Mul", ["x", "a"], ["y"]), [number("a", inf)], "its scale is inf"),
        (node("Clip", ["x", "a", "b"], ["y"]), [number("a", 5), number("b", -5)], "'min_val' is 5.0, which is above"),
        (node("BatchNormalization", ["x", *["one"] * 4], ["y"], epsilon=-1.0), [ONES], "its eps is -1.0, not between"),
        (node("Celu", ["x"], ["y"], alpha=0.0), [], "'alpha' is 0"),
        (
            node("Resize", ["x", "", "a"], ["y"]),
            [tensor("a", (4,), [1.0, 1.0, 1e30, 1e30])],
            "its scale_factor has more than 18 digits",
        ),
    ],
)
def test_fields_that_no_spec_could_have_are_refused(made: Any, held: list[Any], why: str) -> None:
    with pytest.raises(UnsupportedError, match=why):
        read(model([made], {"x": IMAGE}, ("y",), held))


def beyond(kind: str, payload: str, dims: list[int], elements: list[Any]) -> Any:
    """Return a tensor whose dims and elements need not agree."""
    if not find_spec("onnx"):
        return None
    from onnx import TensorProto

    found = TensorProto(name="w", dims=dims, data_type=getattr(TensorProto, kind))
    if payload == "raw_data":
        found.raw_data = bytes(elements)
    else:
        getattr(found, payload).extend(elements)
    return found


@pytest.mark.parametrize(
    "weight",
    [
        beyond("FLOAT", "raw_data", [2**31, 3, 3, 3], []),
        beyond("FLOAT", "float_data", [2**31, 3, 3, 3], []),
        beyond("FLOAT", "raw_data", [4, 3, 3, 3], [0] * 8),
        beyond("FLOAT", "float_data", [4, 3, 3, 3], [0.5] * 107),
        beyond("FLOAT", "float_data", [2**31, 3, 3, 3], [0.5] * 5000),
        beyond("FLOAT", "float_data", [64, 3, 3, 3], [0.5] * 1729),
        beyond("DOUBLE", "double_data", [64, 3, 3, 3], [0.5] * 1727),
        beyond("FLOAT16", "int32_data", [2**31, 3, 3, 3], [7] * 5000),
        beyond("FLOAT8E4M3FN", "raw_data", [2**31, 3, 3, 3], [0] * 8),
        beyond("STRING", "string_data", [2**31, 3, 3, 3], []),
    ],
)
def test_weights_that_are_not_as_large_as_they_say_are_refused(weight: Any) -> None:
    with pytest.raises(SpecError, match=r"the tensor 'w' has the dims .* bytes of elements"):
        read(model([node("Conv", ["x", "w"], ["y"])], {"x": IMAGE}, ("y",), [weight]))


@pytest.mark.parametrize(
    "weight",
    [
        beyond("FLOAT", "float_data", [64, 3, 3, 3], [0.5] * 1728),
        beyond("DOUBLE", "double_data", [64, 3, 3, 3], [0.5] * 1728),
        beyond("FLOAT16", "int32_data", [64, 3, 3, 3], [14336] * 1728),
        beyond("FLOAT16", "int32_data", [1, 3, 1, 1], [14336] * 3),
        beyond("FLOAT", "raw_data", [64, 3, 3, 3], [0] * 4 * 1728),
    ],
)
def test_weights_that_are_as_large_as_they_say_are_read(weight: Any) -> None:
    net = read(model([node("Conv", ["x", "w"], ["y"])], {"x": IMAGE}, ("y",), [weight]))

    assert cm.analyze(net).totals.params == weight.dims[0] * 3 * weight.dims[2] * weight.dims[3]


def typed(kind: str, *nodes: Any) -> Any:
    from onnx import TensorProto

    made = model(nodes, {"x": IMAGE}, ("y",), [tensor("w", (4, 3, 1, 1), [0.5] * 12)])
    made.graph.input[0].type.tensor_type.elem_type = getattr(TensorProto, kind)
    return made


@pytest.mark.parametrize("kind", ["INT64", "STRING", "UINT8", "BOOL"])
def test_an_input_that_holds_no_real_numbers_is_refused(kind: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"input: it holds elements of type {kind}, and no Cast .* \(at x\)"):
        read(typed(kind, node("Conv", ["x", "w"], ["y"])))


def test_pixels_in_bytes_that_a_model_makes_real_are_read() -> None:
    turned = node("Transpose", ["x"], ["t"], perm=[0, 1, 3, 2])
    cast = node("Cast", ["t"], ["c"], to=1)
    back = node("Transpose", ["c"], ["r"], perm=[0, 1, 3, 2])

    assert [each.kind for each in read(typed("UINT8", turned, cast, back, node("Conv", ["r", "w"], ["y"]))).nodes] == [
        "pointwise_conv"
    ]


def test_maxima_of_integers_are_integers_that_a_cast_may_make_real() -> None:
    pool = node("MaxPool", ["x"], ["p"], kernel_shape=[2, 2], strides=[2, 2])
    cast = node("Cast", ["p"], ["c"], to=1)

    assert read(typed("UINT8", pool, cast, node("Conv", ["c", "w"], ["y"]))).nodes[0].kind == "max_pool"
    with pytest.raises(UnsupportedError, match="elements of type UINT8"):
        read(typed("UINT8", pool, node("Conv", ["p", "w"], ["y"])))


def test_an_input_in_parts_that_is_put_out_as_it_is_is_refused() -> None:
    parts = tensor("parts", (5,), [1, 3, 1, 8, 8], "INT64")
    with pytest.raises(UnsupportedError, match=r"output: the axes .* channels, channels, .* \(at x\)"):
        read(model([node("Reshape", ["x", "parts"], ["y"])], {"x": IMAGE}, ("y",), [parts]))


def test_a_dropout_whose_ratio_the_model_does_not_hold_is_refused() -> None:
    drop = node("Dropout", ["x", "r"], ["y"])
    with pytest.raises(UnsupportedError, match="Dropout: its ratio is no single number"):
        read(model([drop], {"x": IMAGE}, ("y",), [tensor("r", (2,), [0.5, 0.5])]))


def test_a_cast_that_rounds_a_map_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="it makes a map one of type INT32, which rounds"):
        read(model([node("Cast", ["x"], ["c"], to=6), node("Relu", ["c"], ["y"])], {"x": IMAGE}))


@pytest.mark.parametrize(("axis", "at", "why"), [(1, 7, "channel 7 of 3"), (3, -9, "position -9 of 8")])
def test_a_place_that_is_not_there_is_named(axis: int, at: int, why: str) -> None:
    with pytest.raises(UnsupportedError, match=f"Gather: there is no {why}"):
        read(
            model(
                [node("Gather", ["x", "i"], ["y"], axis=axis)], {"x": IMAGE}, ("y",), [tensor("i", (), [at], "INT64")]
            )
        )


def test_advice_is_what_helps() -> None:
    relu, inner = node("Relu", ["x"], ["r"]), node("Max", ["r", "c"], ["y"])
    one = [tensor("c", (), [1.0])]

    def complaint(*nodes: Any, **options: Any) -> str:
        with pytest.raises(UnsupportedError) as caught:
            cm.from_onnx(model(nodes, initializers=one).SerializeToString(), **options)
        return str(caught.value)

    unknown = complaint(relu, node("Hardmax", ["r"], ["y"]))
    assert "--output NAME" in unknown
    assert "--allow-opaque" in unknown
    known = complaint(relu, inner)
    assert "--output NAME" in known
    assert "--allow-opaque" not in known
    assert "--allow-opaque" not in complaint(relu, node("Hardmax", ["r"], ["y"]), allow_opaque=True)
    assert "help" not in complaint(node("Max", ["x", "c"], ["y"]))


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ((1, 3, 1), None),
        ((2, 0, -1), None),
        ((-(2**63), 2**63 - 1, 1), "it makes 18446744073709551615 numbers"),
        ((1, 3, 0), "it counts from no number to another one"),
    ],
)
def test_axes_may_be_counted(limits: tuple[int, ...], found: str | None) -> None:
    held = [tensor(f"l{at}", (), [value], "INT64") for at, value in enumerate(limits)]
    nodes = [
        node("Range", ["l0", "l1", "l2"], ["axes"]),
        node("Unsqueeze", ["w", "axes"], ["v"]),
        node("Mul", ["x", "v"], ["y"]),
    ]
    made = model(nodes, initializers=[*held, tensor("w", (3,), [1.0, 2.0, 3.0])])

    if found is None:
        assert [each.kind for each in read(made).nodes] == ["scale"]
    else:
        with pytest.raises(UnsupportedError, match=found):
            read(made)


def test_numbers_that_are_no_real_ones_are_no_weights() -> None:
    huge = [node("Constant", [], ["n0"], value_float=1e20), node("Mul", ["n0", "n0"], ["n1"])]
    with pytest.raises(UnsupportedError, match="a weight of the model is needed"):
        read(model([*huge, node("Pow", ["x", "n1"], ["y"])]))
