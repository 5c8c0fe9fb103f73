"""Deformable convolutions with offsets of their own: ONNX's reference evaluator, and what they read."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric_cases import image, network

from convmath.errors import SpecError
from convmath.formula import bind
from convmath.numeric.execute import run
from convmath.symbolic.compose import derive

CASES = list(product((1, 2), (1, 2), (1, 2), (False, True), (False, True)))


@pytest.mark.peers
@pytest.mark.parametrize(("stride", "dilation", "parts", "modulated", "predicted"), CASES)
def test_values_are_those_of_the_reference_evaluator(
    stride: int, dilation: int, parts: int, *, modulated: bool, predicted: bool
) -> None:
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    shape, kernels, kernel = [4, 6, 5], 2, [2, 3]
    x, weight, bias = image(shape), image([kernels, 2, *kernel], 1), image([kernels], 2)
    window = {"kernel_size": kernel, "stride": stride, "dilation": dilation, "padding": 1}
    given_weights = {"weight": weight, "bias": bias}
    taps = 6 * parts
    channels = taps * (3 if modulated else 2)
    if predicted:
        extra = {"offset_weight": image([channels, 4, *kernel], 3), "offset_bias": image([channels], 4)}
        conv = {"conv": {"name": "c", "out_channels": channels, **window}}
        raw = run(network(shape, conv), x, {"c": {"weight": extra["offset_weight"], "bias": extra["offset_bias"]}})
    else:
        moves, mask = [image([parts, *kernel], 3 + axis) for axis in range(2)], image([parts, *kernel], 5)
        extra = {"offset_1": moves[0], "offset_2": moves[1]} | ({"mask": mask} if modulated else {})
        conv = {"conv": {"out_channels": 1, **window}}
        positions = derive(network(shape, conv)).totals.output_shape[1:]
        flat = np.concatenate([np.stack(moves, -1).reshape(-1), mask.reshape(-1) if modulated else []])
        raw = np.broadcast_to(flat[:, None, None], (channels, *positions))
    inputs = {"X": x, "W": weight, "offset": raw[: 2 * taps], "B": bias}
    if modulated:
        inputs["mask"] = 1 / (1 + np.exp(-raw[2 * taps :]))
    inputs = {name: each.astype(np.float64) if name in "WB" else each[None] for name, each in inputs.items()}
    attributes = {
        "kernel_shape": kernel,
        "strides": [stride] * 2,
        "dilations": [dilation] * 2,
        "pads": [1] * 4,
        "group": 2,
        "offset_group": parts,
    }
    node = helper.make_node("DeformConv", list(inputs), ["Y"], **attributes)
    infos = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, each.shape) for name, each in inputs.items()]
    graph = helper.make_graph([node], "d", infos, [helper.make_tensor_value_info("Y", TensorProto.DOUBLE, None)])
    theirs = ReferenceEvaluator(helper.make_model(graph)).run(None, inputs)[0][0]

    fields = {"out_channels": kernels, "groups": 2, "offset_groups": parts, "modulated": modulated, "max_offset": 9}
    words = {"offsets": "predicted" if predicted else "learned"}
    ours = run(
        network(shape, {"deformable_conv": {"name": "d", **window, **fields, **words}}), x, {"d": given_weights | extra}
    )

    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


@given(st.integers(0, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 1), st.sampled_from([-1, 1]))
@settings(max_examples=60)
def test_an_output_reads_no_pixel_outside_its_field_and_reaches_its_ends(
    reach: int, kernel: int, stride: int, padding: int, sign: int
) -> None:
    """Every pixel is nudged in turn, with all offsets at their utmost, whole and broken."""
    fields = {"out_channels": 1, "kernel_size": kernel, "stride": stride, "padding": min(padding, kernel - 1)}
    net = network([1, 14], {"deformable_conv": {"name": "d", "max_offset": reach, "bias": False, **fields}})
    field = derive(net).layers[0].receptive_field
    x, weight = image([1, 14]), np.ones((1, 1, kernel))
    reads: dict[int, set[int]] = {}
    for share in (1.0, 0.5):
        weights = {"d": {"weight": weight, "offset_1": np.full((1, kernel), sign * reach * share)}}
        before = run(net, x, weights)
        for pixel in range(14):
            nudged = x.copy()
            nudged[0, pixel] += 1
            for at in np.flatnonzero(run(net, nudged, weights)[0] != before[0]):
                reads.setdefault(int(at), set()).add(pixel)

    for at, pixels in reads.items():
        first, last = (int(bind(each[0], {"i": at})) for each in (field.first, field.last))  # type: ignore[index, arg-type]
        assert first <= min(pixels)
        assert max(pixels) <= last
        end = first if sign < 0 else last
        if 0 <= end < 14:
            assert end in pixels


def test_offsets_that_are_no_numbers_are_refused() -> None:
    net = network([1, 4], {"deformable_conv": {"name": "d", "out_channels": 1, "kernel_size": 1, "max_offset": 1}})

    for bad in (np.inf, np.nan):
        with pytest.raises(SpecError, match="no finite number"):
            run(net, image([1, 4]), {"d": {"offset_1": [[bad]]}})
    assert (run(net, image([1, 4]), {"d": {"offset_1": [[1e300]], "bias": [0.0]}}) == 0).all()


def test_parameters_of_both_kinds_of_offsets() -> None:
    """The lecture's 2·p·q per offset group, and the 2·p·q output channels of Dai et al. 2017."""
    fields = {"out_channels": "K", "kernel_size": ["p", "q"], "offset_groups": "G"}
    common = "C*K*p*q + K"

    def params(**more: Any) -> Any:
        from networks import analyzed

        return analyzed(["C", "H", "W"], [{"deformable_conv": {**fields, **more}}]).totals.params

    from networks import analyzed

    plain = analyzed(["C", "H", "W"], [{"conv": {"out_channels": "K", "kernel_size": ["p", "q"]}}]).totals.params
    assert str(plain) in (common, "K*(C*p*q + 1)")
    assert str(params() - plain) == "2*G*p*q"
    assert str(params(modulated=True) - plain) == "3*G*p*q"
    values = {"C": 4, "K": 2, "p": 3, "q": 2, "G": 2}
    assert bind(params(offsets="predicted") - plain, values) == 24 * (4 * 6 + 1)
    assert bind(params(offsets="predicted", modulated=True) - plain, values) == 36 * (4 * 6 + 1)
