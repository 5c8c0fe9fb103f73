"""Constants and sizes that a model computes with: what is read has ONNX Runtime's values, all else is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx_models import model, node, tensor

import convmath as cm
from convmath.errors import UnsupportedError

pytestmark = [pytest.mark.onnx, pytest.mark.peers]

BOOL, FLOAT, INT8, INT32, INT64 = 9, 1, 3, 6, 7
SHAPE = (1, 4, 6, 8)


def ints(name: str, *numbers: int) -> Any:
    """Return a list of integers."""
    return tensor(name, (len(numbers),), numbers, "INT64")


def one(name: str, number: float, kind: str = "INT64") -> Any:
    """Return a single number."""
    return tensor(name, (), [number], kind)


def real(name: str, dims: tuple[int, ...], *numbers: float) -> Any:
    return tensor(name, dims, numbers)


def check(nodes: list[Any], held: list[Any], shape: tuple[int, ...] = SHAPE, dims: tuple[Any, ...] = ()) -> None:
    """Compare what a model, whose input has *dims*, computes for an input of a shape with ONNX Runtime."""
    import onnxruntime

    made = model(nodes, {"x": dims or shape}, ("y",), held).SerializeToString()
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    [expected] = onnxruntime.InferenceSession(made, options).run(None, {"x": x})
    found = cm.run(cm.from_onnx(made), x[0])
    assert expected.shape == (1, *found.shape)
    np.testing.assert_allclose(found, expected[0], rtol=1e-4, atol=1e-5)


def refuse(nodes: list[Any], held: list[Any], why: str, shape: tuple[Any, ...] = SHAPE, opset: int = 20) -> None:
    with pytest.raises(UnsupportedError, match=why):
        cm.from_onnx(model(nodes, {"x": shape}, ("y",), held, opset=opset).SerializeToString())


def cast(kind: int, *, by: str = "Mul") -> list[Any]:
    """Return what makes a weight one of another type, and a real one again."""
    return [node("Cast", ["w"], ["i"], to=kind), node("Cast", ["i"], ["f"], to=FLOAT), node(by, ["x", "f"], ["y"])]


@pytest.mark.parametrize("kind", [INT8, INT32, INT64, BOOL])
def test_a_weight_that_is_cast_to_integers_is_cut(kind: int) -> None:
    weight = real("w", (2, 4, 1, 1), 1.5, 0.2, 0.3, 2.7, -1.5, 3, 4, -0.1)
    check(cast(kind, by="Conv"), [weight])
    check(cast(kind), [real("w", (4, 1, 1), 1.5, 0.2, 0.3, 2.7)])


def test_a_weight_that_is_cast_to_real_numbers_is_kept() -> None:
    check(cast(FLOAT), [tensor("w", (4, 1, 1), [1, -2, 3, 4], "INT32")])
    check(cast(11), [real("w", (4, 1, 1), 1.5, -2, 3, 4)])
    halves = [node("Cast", ["a"], ["f"], to=FLOAT), node("Div", ["f", "b"], ["c"]), node("Mul", ["x", "c"], ["y"])]
    check(halves, [one("a", 7), one("b", 2.0, "FLOAT")])
    both = [node("Cast", ["b"], ["g"], to=FLOAT), *halves]
    both[2] = node("Div", ["f", "g"], ["c"])
    check(both, [one("a", 7), one("b", 2)])


def test_a_weight_that_does_not_fit_its_type_is_refused() -> None:
    refuse(cast(INT8), [real("w", (4, 1, 1), 1, 2, 3, 300)], "300.0 may have no place among numbers of type INT8")
    refuse(cast(INT64), [real("w", (1,), float("nan"))], "nan may have no place")
    refuse(cast(INT64, by="Conv"), [real("w", (64, 4, 3, 3), *[0.5] * 2304)], "2304 numbers ones of type INT64")


def test_a_type_is_taken_only_from_real_numbers() -> None:
    nodes = [node("CastLike", ["h", "t"], ["k"]), node("Cast", ["k"], ["f"], to=FLOAT), node("Mul", ["x", "f"], ["y"])]
    half = one("h", 1.5, "FLOAT")
    refuse([node("Shape", ["x"], ["t"]), *nodes], [half], "no real numbers")
    refuse(nodes, [half, one("t", 1)], "no real numbers")
    refuse(nodes, [half, tensor("t", (2000,), range(2000), "INT64")], "no real numbers")
    check(nodes, [half, one("t", 1.0, "FLOAT")])
    check(nodes, [half, real("t", (2000,), *[0.5] * 2000)])
    check([node("Identity", ["x"], ["t"]), *nodes], [half])


SCALED = [node("Cast", ["c"], ["f"], to=FLOAT), node("Mul", ["x", "f"], ["y"])]


@pytest.mark.parametrize(("above", "below"), [(7, -2), (-7, 2), (-6, 4), (-7, -2), (7, 2)])
def test_quotients_of_integers_are_cut_and_remainders_have_the_sign_of_the_divisor(above: int, below: int) -> None:
    held = [one("a", above), one("b", below)]
    check([node("Div", ["a", "b"], ["c"]), *SCALED], held)
    check([node("Mod", ["a", "b"], ["c"]), *SCALED], held)
    check([node("Mod", ["a", "b"], ["c"], fmod=1), *SCALED], held)


@pytest.mark.parametrize("factor", [-0.6, 0.6])
def test_a_size_that_is_cast_is_cut(factor: float) -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "three"], ["w"]),
        node("Cast", ["w"], ["r"], to=FLOAT),
        node("Mul", ["r", "h"], ["m"]),
        node("Cast", ["m"], ["c"], to=INT64),
        *SCALED,
    ]
    check(nodes, [one("three", 3), one("h", factor, "FLOAT")])


def resized(*middle: Any) -> list[Any]:
    """Return an enlargement whose sizes are computed as ``q`` from the last size, ``w``."""
    return [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "last"], ["w"]),
        *middle,
        node("Concat", ["front", "q"], ["t"], axis=0),
        node(
            "Resize",
            ["x", "", "", "t"],
            ["y"],
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
    ]


def test_quotients_of_open_sizes_are_read_where_their_sign_is_known() -> None:
    open_ = (1, 4, 6, "W")
    held = [ints("last", 3), ints("front", 1, 4, 6), ints("m", -1), ints("two", 2), ints("many", 90)]
    halves = [node("Div", ["w", "two"], ["d"]), node("Add", ["w", "d"], ["q"])]
    up = [node("Mul", ["w", "m"], ["n"]), node("Div", ["n", "two"], ["d"]), node("Sub", ["w", "d"], ["q"])]
    for middle in (halves, up):
        check(resized(*middle), held, (1, 4, 6, 9), open_)
    unknown = [node("Sub", ["w", "many"], ["n"]), node("Div", ["n", "two"], ["d"]), node("Sub", ["w", "d"], ["q"])]
    refuse(resized(*unknown), held, "is rounded towards zero, and may be below it", open_)


def test_sizes_of_a_map_are_never_negative() -> None:
    held = [ints("last", 3), ints("front", 1, 4, 1), ints("two", 2), real("k", (4, 4, 6, 5), *[0.1] * 480)]
    _, *rest, enlarged = resized(node("Div", ["w", "two"], ["d"]), node("Add", ["w", "d"], ["q"]))
    enlarged.input[0] = "c"
    made = [node("Conv", ["x", "k"], ["c"]), node("Shape", ["c"], ["s"]), *rest, enlarged]
    check(made, held, (1, 4, 6, 11), (1, 4, 6, "W"))


def matrix(*middle: Any) -> list[Any]:
    """Return a map in the shape ``t``, which is made of the halves ``p`` and ``q`` of its own."""
    cuts = [node("Slice", ["s", "zero", "mid"], ["p"]), node("Slice", ["s", "mid", "end"], ["q"])]
    return [node("Shape", ["x"], ["s"]), *cuts, *middle, node("Reshape", ["x", "t"], ["y"])]


HALVES = [ints("zero", 0), ints("one", 1), ints("mid", 2), ints("end", 4), ints("flat", -1), ints("pairs", 2, 2)]


def test_columns_of_sizes_keep_their_order_or_are_refused() -> None:
    def stacked(axis: str, to: int) -> list[Any]:
        parts = [node("Unsqueeze", ["p", axis], ["a"]), node("Unsqueeze", ["q", axis], ["b"])]
        return [*parts, node("Concat", ["a", "b"], ["m"], axis=to)]

    turned = [node("Transpose", ["m"], ["n"], perm=[1, 0]), node("Reshape", ["n", "flat"], ["t"])]
    flat = node("Reshape", ["m", "flat"], ["t"])
    check(matrix(*stacked("zero", 0), *turned), HALVES)
    check(matrix(*stacked("zero", 0), flat), HALVES)
    check(matrix(*stacked("one", 0), flat), HALVES)
    refuse(matrix(*stacked("one", 1), flat), HALVES, r"joins sizes of shapes \[\[2, 1\], \[2, 1\]\] along axis 1")
    row = [node("Reshape", ["s", "pairs"], ["m"]), node("Gather", ["m", "one"], ["t"])]
    refuse(matrix(*row), HALVES, "it picks rows or columns of sizes")


@pytest.mark.parametrize(
    ("attributes", "sizes", "why"),
    [
        ({"axes": [2, 3]}, (12, 16), "enlarges the axes"),
        ({"axes": [0, 1, 3, 2]}, (1, 4, 16, 12), "enlarges the axes"),
        ({"keep_aspect_ratio_policy": "not_larger"}, (1, 4, 12, 24), "keep_aspect_ratio_policy not_larger"),
    ],
)
def test_resizing_some_axes_or_by_one_ratio_is_refused(
    attributes: dict[str, Any], sizes: tuple[int, ...], why: str
) -> None:
    refuse([node("Resize", ["x", "", "", "t"], ["y"], mode="linear", **attributes)], [ints("t", *sizes)], why)


def test_resizing_all_axes_in_their_order_is_read() -> None:
    words: dict[str, Any] = {"mode": "linear", "axes": [0, 1, 2, 3], "keep_aspect_ratio_policy": "stretch"}
    check([node("Resize", ["x", "", "", "t"], ["y"], **words)], [ints("t", 1, 4, 12, 24)])


EXPANDED = [node("Expand", ["c", "t"], ["e"]), node("Mul", ["x", "e"], ["y"])]


@pytest.mark.parametrize(
    ("dims", "numbers", "target", "shape"),
    [
        ((4,), (1, 2, 3, 4), (1,), (1, 4)),
        ((4,), (1, 2, 3, 4), (1, 1), (1, 4)),
        ((1,), (2,), (4, 1, 1), SHAPE),
        ((4, 1, 1), (2, 2, 2, 2), (1,), SHAPE),
        ((1, 1, 1), (2,), (4, 1, 1), SHAPE),
    ],
)
def test_a_constant_is_repeated_to_the_larger_of_both_shapes(
    dims: tuple[int, ...], numbers: tuple[float, ...], target: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    held = [real("c", dims, *numbers), ints("t", *target)]
    if len(dims) > 1:
        refuse(EXPANDED, held, "the numbers it needs", shape)
    else:
        check(EXPANDED, held, shape)


def test_what_cannot_be_repeated_is_refused() -> None:
    refuse(EXPANDED, [real("c", (3,), 1, 2, 3), ints("t", 4)], "which does not fit")
    refuse(EXPANDED, [real("c", (1,), 1), ints("t", -4, 1, 1)], "which does not fit")
    map_ = [node("Expand", ["x", "t"], ["y"])]
    refuse(map_, [ints("t", 1, 1, 1, 1, 1)], "to 5 axes")
    refuse(map_, [ints("t", 1, 4, 6, 4)], "repeats an axis of 8 elements to 4")


@pytest.mark.parametrize("count", [0, 2, 2000])
def test_a_shape_is_filled_with_one_number(count: int) -> None:
    filled = node("ConstantOfShape", ["t"], ["c"], value=tensor("v", (count,), [1.0] * count))
    refuse([filled, node("Mul", ["x", "c"], ["y"])], [ints("t", 4, 1, 1)], f"fills a shape with {count} numbers")


@pytest.mark.parametrize("axes", [(1, 1), (1, -5), (7,), (-6,)])
def test_axes_that_are_put_in_are_different_ones(axes: tuple[int, ...]) -> None:
    why = f"are not {len(axes)} different axes"
    refuse([node("Unsqueeze", ["x", "a"], ["y"])], [ints("a", *axes)], why)
    constant = [node("Unsqueeze", ["c", "a"], ["d"]), node("Mul", ["x", "d"], ["y"])]
    refuse(constant, [ints("a", *axes), real("c", (1, 4, 1, 1), 1, 2, 3, 4)], why)


def test_axes_that_a_constant_loses_have_size_1() -> None:
    squeezed = [node("Squeeze", ["c", "a"], ["d"]), node("Mul", ["x", "d"], ["y"])]
    refuse(squeezed, [ints("a", 0), one("c", 2)], "not axes of size 1")
    refuse(squeezed, [ints("a", 0), real("c", (2,), 1, 2)], "not axes of size 1")
    check(squeezed, [ints("a", 0), real("c", (1, 4, 1, 1), 1, 2, 3, 4)])


def test_attributes_that_the_version_does_not_have_are_refused() -> None:
    cut = node("Slice", ["x", "a", "b"], ["y"], axes="zz")
    refuse([cut], [ints("a", 0), ints("b", 2)], "it has no attribute 'axes' in version 20")
    refuse([node("ReduceMean", ["x"], ["y"], axes=[1.5])], [], "no attribute 'axes' in version 18", opset=18)


def test_sizes_that_no_network_has_are_refused_soon() -> None:
    tower = [node("Shape", ["x"], ["s0"]), *(node("Mul", [f"s{at}", f"s{at}"], [f"s{at + 1}"]) for at in range(40))]
    refuse([*tower, node("Reshape", ["x", "s40"], ["y"])], [], "longer, or larger", ("N", 4, "H", "W"))
    nested = [node("Shape", ["x"], ["s0"])]
    for at in range(40):
        nested.append(node("Add", [f"s{at}", f"s{at}"], [f"d{at}"]))
        nested.append(node("Mul", [f"d{at}", f"s{at}"], [f"m{at}"]))
        nested.append(node("Add", [f"m{at}", f"s{at}"], [f"a{at}"]))
        nested.append(node("Div", [f"a{at}", "three"], [f"s{at + 1}"]))
    refuse([*nested, node("Reshape", ["x", "s40"], ["y"])], [ints("three", 3)], "longer, or larger", ("N", 4, "H", "W"))
    long = [node("Shape", ["x"], ["s0"])]
    long += [node("Concat", [f"s{at}", f"s{at}"], [f"s{at + 1}"], axis=0) for at in range(40)]
    refuse([*long, node("Reshape", ["x", "s40"], ["y"])], [], "it makes a list of 2048 sizes")


def test_an_exponent_of_more_axes_than_the_map_is_refused() -> None:
    square = [node("Pow", ["x", "e"], ["y"])]
    refuse(square, [real("e", (1, 1, 1, 1, 1), 2)], "its exponent has 5 axes")
    check(square, [real("e", (1, 1, 1, 1), 2)])
