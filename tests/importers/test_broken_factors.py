"""Broken factors of foreign models: 0.7 stands for 7/10, and sizes and values are PyTorch's and ONNX Runtime's."""

from __future__ import annotations

from fractions import Fraction
from importlib.util import find_spec
from math import ceil, floor
from struct import pack, unpack
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_models import model, node, tensor

import convmath as cm
from convmath.errors import UnsupportedError
from convmath.importers.factors import meant

if find_spec("torch"):
    import torch
    from torch import nn
    from torch.nn import functional as F  # noqa: N812

FACTORS = [
    Fraction(*each) for each in ((3, 10), (3, 5), (7, 10), (11, 10), (13, 10), (3, 2), (17, 10), (23, 10), (5, 3))
]
SIZES = [4, 9, 10, 15, 20, 30, 40, 60]
WAYS: dict[str, dict[str, str]] = {
    "nearest": {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
}


def single(number: float) -> float:
    return unpack("f", pack("f", number))[0]  # type: ignore[no-any-return]


@given(st.fractions(min_value=Fraction(1, 100), max_value=10, max_denominator=1000))
def test_a_fraction_is_found_from_what_it_is_rounded_to(factor: Fraction) -> None:
    number = factor.numerator / factor.denominator

    assert meant(single(number), "f") == meant(number, "f") == meant(number, "d") == factor
    assert meant(-number, "d") == -factor


@given(st.floats(min_value=2**-10, max_value=2**10, width=32))
def test_no_simpler_fraction_is_rounded_to_the_same_number(number: float) -> None:
    found = Fraction(meant(number, "f"))

    assert single(found.numerator / found.denominator) == number
    for denominator in range(1, min(found.denominator, 200)):
        near = (floor(number * denominator) / denominator, ceil(number * denominator) / denominator)
        assert number not in map(single, near)


@pytest.mark.parametrize(("number", "precision"), [(3.0, "f"), (-2.0, "d"), (1e300, "f"), (0.0, "f"), (1e-50, "f")])
def test_whole_numbers_stay_and_what_is_too_small_is_nothing(number: float, precision: str) -> None:
    assert meant(number, precision) == int(number)


def assert_close(ours: np.ndarray, theirs: np.ndarray, factor: Fraction, mode: str) -> None:
    """Hold values against others; the element nearest to an output on the border of two is left to rounding."""
    outputs = np.arange(theirs.shape[1])
    clear = (outputs * factor.denominator % factor.numerator != 0) | (outputs == 0) | (mode != "nearest")

    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours[:, clear][:, :, clear], theirs[:, clear][:, :, clear], rtol=1e-4, atol=2e-5)


def image(size: int) -> np.ndarray:
    return np.random.default_rng(size).standard_normal((1, size, size)).astype(np.float32)


def by_runtime(made: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(made, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x[None]})[0][0]


def resized(factor: float, mode: str, sizes: tuple[Any, Any] = ("H", "W")) -> bytes:
    scales = tensor("scales", (4,), [1.0, 1.0, factor, factor])
    made = node("Resize", ["x", "", "scales"], ["y"], **WAYS[mode])
    return bytes(model([made], {"x": (1, 1, *sizes)}, ("y",), [scales]).SerializeToString())


@pytest.mark.onnx
@pytest.mark.peers
@pytest.mark.parametrize("mode", WAYS)
@pytest.mark.parametrize("factor", FACTORS)
def test_resize_by_a_broken_scale(factor: Fraction, mode: str) -> None:
    made = resized(float(factor), mode)
    network, run = cm.from_onnx(made), by_runtime(made)

    assert network.nodes[0].layer.scale_factor == (factor, factor)  # type: ignore[attr-defined]
    for size in SIZES:
        x = image(size)
        theirs = run(x)
        if theirs.shape == x.shape:
            np.testing.assert_array_equal(theirs, x)
            assert cm.run(network, x).shape == x.shape
        else:
            assert_close(cm.run(network, x), theirs, factor, mode)


@pytest.mark.peers
@pytest.mark.parametrize("mode", WAYS)
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("anew", [False, True])
def test_interpolate_by_a_broken_factor(factor: Fraction, mode: str, *, anew: bool) -> None:
    made = nn.Upsample(scale_factor=float(factor), mode=mode, recompute_scale_factor=anew).eval()
    network = cm.from_torch(made, (1, "H", "W"))

    for size in SIZES:
        x = image(size)
        theirs = made(torch.from_numpy(x)[None])[0].numpy()
        ours = cm.run(network, x)
        if anew or theirs.shape != x.shape:
            assert_close(ours, theirs, Fraction(theirs.shape[1], size) if anew else factor, mode)
        else:
            np.testing.assert_array_equal(theirs, x)
            assert ours.shape == x.shape


@pytest.mark.peers
def test_a_factor_for_each_axis_and_a_jump_that_reads_well() -> None:
    network = cm.from_torch(nn.Upsample(scale_factor=(0.7, 5 / 3), mode="bilinear").eval(), (1, "H", "W"))

    report = cm.analyze(network)

    assert report.layers[0].receptive_field.jump == (Fraction(10, 7), Fraction(3, 5))
    assert [str(each) for each in report.totals.output_shape] == ["1", "floor(7*H/10)", "W + floor(2*W/3)"]


@pytest.mark.peers
@pytest.mark.parametrize("mode", WAYS)
@pytest.mark.parametrize("sizes", [(8, 8), (8, 15), (15, 9)])
def test_an_axis_whose_known_size_stays_is_copied(sizes: tuple[int, int], mode: str) -> None:
    made = nn.Upsample(scale_factor=1.1, mode=mode).eval()
    x = np.random.default_rng(0).standard_normal((1, *sizes)).astype(np.float32)

    theirs = made(torch.from_numpy(x)[None])[0].numpy()

    np.testing.assert_allclose(cm.run(cm.from_torch(made, x.shape), x), theirs, rtol=1e-4, atol=2e-5)


@pytest.mark.onnx
@pytest.mark.peers
@pytest.mark.parametrize("mode", WAYS)
@pytest.mark.parametrize("sizes", [(8, 8), (8, 15), (15, 9)])
def test_onnx_runtime_copies_a_map_whose_sizes_stay(sizes: tuple[int, int], mode: str) -> None:
    x = np.random.default_rng(0).standard_normal((1, *sizes)).astype(np.float32)
    made = resized(1.1, mode, sizes)

    np.testing.assert_allclose(cm.run(cm.from_onnx(made), x), by_runtime(made)(x), rtol=1e-4, atol=2e-5)


@pytest.mark.peers
@pytest.mark.parametrize("factor", [-1.5, float("inf"), float("nan")])
def test_factors_that_enlarge_nothing_are_refused(factor: float) -> None:
    with pytest.raises(UnsupportedError, match="a factor is above 0"):
        cm.from_torch(nn.Upsample(scale_factor=factor).eval(), (1, "H", "W"))


@pytest.mark.peers
def test_a_size_that_pytorch_rounds_otherwise_is_refused() -> None:
    made = nn.Upsample(scale_factor=2.3).eval()
    anew = nn.Upsample(scale_factor=2.3, recompute_scale_factor=True).eval()

    with pytest.raises(UnsupportedError, match=r"makes \(114, 114\) of \(50, 50\) by \(2.3, 2.3\), not \(115, 115\)"):
        cm.from_torch(made, (1, 50, 50))
    assert cm.analyze(cm.from_torch(anew, (1, 50, 50))).totals.output_shape == F.interpolate(
        torch.zeros(1, 1, 50, 50), scale_factor=2.3
    ).shape[1:]  # fmt: skip


@pytest.mark.onnx
@pytest.mark.peers
@pytest.mark.parametrize("sizes", [(15, 15), ("H", "W")])
@pytest.mark.parametrize("factor", [factor for factor in FACTORS if factor > 1])
def test_scales_that_are_quotients_of_sizes(factor: Fraction, sizes: tuple[Any, Any]) -> None:
    made = quotients(factor, sizes)
    network, run = cm.from_onnx(made), by_runtime(made)

    for size in (15,) if sizes[0] == 15 else (9, 10, 15, 20):
        x = image(size)
        theirs = run(x)
        assert_close(cm.run(network, x), theirs, Fraction(theirs.shape[1], size), "nearest")


@pytest.mark.onnx
@pytest.mark.parametrize("sizes", [(15, 15), ("H", "W")])
def test_older_versions_shrink_to_other_elements(sizes: tuple[Any, Any]) -> None:
    """So does ONNX Runtime: of four elements by 3/5 it keeps the first and the third."""
    with pytest.raises(UnsupportedError, match="before version 11 ONNX reads the element above"):
        cm.from_onnx(quotients(Fraction(3, 5), sizes))


def quotients(factor: Fraction, sizes: tuple[Any, Any]) -> bytes:
    """Return a model as older exports are: they divide the size that they want by that of the map, both as floats."""
    nodes = [
        node("Shape", ["x"], ["all"]),
        node("Slice", ["all", "two", "four", "zero"], ["sizes"]),
        node("Cast", ["sizes"], ["floats"], to=1),
        node("Mul", ["floats", "factor"], ["products"]),
        node("Floor", ["products"], ["wanted"]),
        node("Div", ["wanted", "floats"], ["scales"]),
        node("Concat", ["ones", "scales"], ["each"], axis=0),
        node("Resize", ["x", "each"], ["y"], mode="nearest"),
    ]
    whole = [tensor(name, (1,), [number], "INT64") for name, number in {"zero": 0, "two": 2, "four": 4}.items()]
    held = [*whole, tensor("factor", (1,), [float(factor)]), tensor("ones", (2,), [1.0, 1.0])]
    return bytes(model(nodes, {"x": (1, 1, *sizes)}, ("y",), held, opset=10).SerializeToString())


@pytest.mark.onnx
def test_scales_that_follow_from_no_size_are_refused() -> None:
    nodes = [
        node("Shape", ["x"], ["all"]),
        node("Cast", ["all"], ["floats"], to=1),
        node("Div", ["ones", "floats"], ["inverse"]),
        node("Slice", ["inverse", "two", "four", "zero"], ["scales"]),
        node("Mul", ["scales", "scales"], ["squares"]),
        node("Concat", ["pair", "squares"], ["each"], axis=0),
        node("Resize", ["x", "each"], ["y"], mode="nearest"),
    ]
    whole = [tensor(name, (1,), [number], "INT64") for name, number in {"zero": 0, "two": 2, "four": 4}.items()]
    held = [*whole, tensor("ones", (4,), [1.0] * 4), tensor("pair", (2,), [1.0, 1.0])]

    with pytest.raises(UnsupportedError, match="which are no quotients by its sizes"):
        cm.from_onnx(bytes(model(nodes, {"x": (1, 1, "H", "W")}, ("y",), held, opset=10).SerializeToString()))


@pytest.mark.onnx
def test_a_negative_scale_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="its scale_factor is -3/2, but must be above 0"):
        cm.from_onnx(resized(-1.5, "bilinear"))
