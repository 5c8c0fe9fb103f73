"""Cases that other tools get wrong, as far as the layers here reach them."""

from __future__ import annotations

import pytest
from networks import analyzed, network

from convmath.errors import ExpressionError, SpecError
from convmath.formula import Formula, bind
from convmath.spec.expressions import parse_expression
from convmath.symbolic.compose import derive


@pytest.mark.parametrize(("size", "out"), [(5, 3), (7, 4), (225, 113)])
def test_same_with_stride_two_and_a_symbolic_height(size: int, out: int) -> None:
    """ONNX Runtime's symbolic inference and OnnxSlim say 2, 3, 112."""
    report = analyzed([1, "H", "W"], [{"conv": {"out_channels": 1, "kernel_size": 3, "stride": 2, "padding": "same"}}])

    assert bind(report.totals.output_shape[1], {"H": size}) == out


def test_a_ceil_mode_window_must_begin_inside() -> None:
    """ONNX Runtime's symbolic inference, onnx-tool and Netscope say 2."""
    pool = {"max_pool": {"kernel_size": 1, "stride": 3, "ceil_mode": True}}

    assert analyzed([1, 3], [pool]).totals.output_shape == (1, 1)
    assert bind(analyzed([1, "L"], [pool]).totals.output_shape[1], {"L": 3}) == 1


def test_same_with_an_even_kernel_keeps_the_size() -> None:
    """calflops says H - 1."""
    report = analyzed([1, "H"], [{"conv": {"out_channels": 1, "kernel_size": 2, "padding": "same"}}])

    assert str(report.totals.output_shape[1]) == "H"


def test_a_dilated_kernel_of_three_sees_five() -> None:
    """google-research/receptive_field and RFA-Toolbox say 3."""
    report = analyzed([1, "H"], [{"conv": {"out_channels": 1, "kernel_size": 3, "dilation": 2}}])

    assert report.totals.receptive_field.size == (5,)


def test_the_centre_of_a_dilated_field() -> None:
    """pytorch-receptive-field forgets the dilation: ((k - 1)/2 - p)*j instead of ((k - 1)*d/2 - p)*j."""
    layers = [
        {"max_pool": 2},
        {"conv": {"out_channels": 1, "kernel_size": 3, "dilation": 4, "padding": 1}},
    ]
    field = analyzed([1, "H"], layers).totals.receptive_field

    assert field.start == (-2,)
    assert field.size == (18,)  # so its centre is at 6.5 = ((3 - 1)*4/2 - 1)*2 + 0.5


def test_a_kernel_of_one_by_three_is_not_turned() -> None:
    """ZigZag swaps height and width."""
    report = analyzed([1, 8, 8], [{"conv": {"out_channels": 1, "kernel_size": [1, 3]}}])

    assert report.totals.output_shape == (1, 8, 6)


def test_a_max_pool_of_three_by_three_compares_eight_times() -> None:
    """torchscan says 2."""
    report = analyzed([1, 3, 3], [{"max_pool": 3}])

    assert report.totals.operations.comparisons == 8


def test_padding_as_large_as_the_window_is_refused() -> None:
    """onnx drops one window once and says 9."""
    pool = {"max_pool": {"kernel_size": 1, "stride": 1, "padding": [[3, 4]], "ceil_mode": True}}

    with pytest.raises(SpecError, match="padding 3 is not smaller than the window, which spans 1"):
        analyzed([1, 3], [pool])


@pytest.mark.parametrize("size", range(1, 20))
def test_same_pooling_with_dilation(size: int) -> None:
    """ONNX Runtime ignores the dilation; the size is ceil(x/s), the field spans the dilated extent."""
    pool = {"max_pool": {"kernel_size": 3, "stride": 2, "dilation": 2, "padding": "same"}}
    report = analyzed([1, size], [pool])

    assert report.totals.output_shape[1] == -(-size // 2)
    assert report.totals.receptive_field.size == (5,)


def test_macs_of_a_transposed_convolution_are_those_of_its_input_positions() -> None:
    """torchinfo says 208."""
    layer = {"conv_transpose": {"out_channels": 1, "kernel_size": 2, "stride": 2}}
    totals = analyzed([3, 2, 2], [layer]).totals

    assert (totals.macs, totals.operations.additions) == (48, 16)


def test_macs_of_a_transposed_convolution_on_one_pixel() -> None:
    """onnx-tool says 81."""
    assert analyzed([32, 1, 1], [{"conv_transpose": {"out_channels": 1, "kernel_size": 3}}]).totals.macs == 288


def test_macs_of_a_depthwise_transposed_convolution() -> None:
    """calflops and DeepSpeed say 0."""
    layer = {"conv_transpose": {"out_channels": "C", "kernel_size": "k", "stride": 2, "groups": "C"}}

    assert str(analyzed(["C", "H", "W"], [layer]).totals.macs) == "C*H*W*k**2"


def test_a_transposed_convolution_widens_the_field_by_the_strides_in_its_kernel() -> None:
    """torchscan shrinks it by 4, netharn adds 2; kernel 4 at stride 2 adds 1."""
    layer = {"conv_transpose": {"out_channels": 1, "kernel_size": 4, "stride": 2, "padding": 1}}

    assert analyzed([1, "H"], [layer]).totals.receptive_field.size == (2,)
    assert analyzed([1, "H"], [{"conv": {"out_channels": 1, "kernel_size": 3}}, layer]).totals.receptive_field.size == (
        4,
    )


def test_a_tower_of_powers_is_refused_at_once() -> None:
    """onnx-ir's parser never returns."""
    with pytest.raises(ExpressionError, match="bits"):
        parse_expression("9**9**9").evaluate(lambda _: 0)


def test_minus_binds_less_than_power() -> None:
    """onnx-ir's parser says 4."""
    assert parse_expression("-2**2").evaluate(lambda _: 0) == -4


@pytest.mark.parametrize("height", [224, 321])
def test_the_start_under_same_padding_depends_on_the_size(height: int) -> None:
    """One number for MobileNetV1's padding is meaningless: it is 126 at 224 and 157 at 321."""
    layers = []
    for stride in (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1):
        layers.append({"conv": {"out_channels": 1, "kernel_size": 3, "stride": stride, "padding": "same"}})
    symbolic = network([1, "H"], layers)

    start = derive(symbolic).totals.receptive_field.start[0]

    assert str(start) == "H - 32*floor((H + 31)/32) - 126"
    assert isinstance(start, Formula)
    assert start.bind({"H": height}) == {224: -126, 321: -157}[height]
    assert derive(symbolic.bind({"H": height})).totals.receptive_field.start[0] == start.bind({"H": height})


@pytest.mark.parametrize(
    ("layers", "height", "least"),
    [
        (
            [
                {"conv": {"out_channels": 1, "kernel_size": 11, "stride": 4, "padding": 2}},
                {"max_pool": {"kernel_size": 3, "stride": 2}},
                {"conv": {"out_channels": 1, "kernel_size": 5, "padding": 2}},
                {"max_pool": {"kernel_size": 3, "stride": 2}},
                {"max_pool": {"kernel_size": 3, "stride": 2}},
            ],
            "floor((H - 31)/32)",
            63,
        ),
        (
            [
                {"conv": {"out_channels": 1, "kernel_size": 3, "stride": 2}},
                {"conv": {"out_channels": 1, "kernel_size": 3}},
                {"conv": {"out_channels": 1, "kernel_size": 3, "padding": 1}},
                {"max_pool": {"kernel_size": 3, "stride": 2}},
                {"conv": {"out_channels": 1, "kernel_size": 1}},
                {"conv": {"out_channels": 1, "kernel_size": 3}},
                {"max_pool": {"kernel_size": 3, "stride": 2}},
            ],
            "floor((H - 19)/8)",
            27,
        ),
        ([{"max_pool": 2}] * 5, "floor(H/32)", 32),
    ],
    ids=["AlexNet", "Inception stem", "VGG-16"],
)
def test_nested_floors_are_collapsed(layers: list, height: str, least: int) -> None:
    """torch.export and ONNX Runtime leave them nested, or in another symbol."""
    totals = analyzed([1, "H"], layers).totals

    assert str(totals.output_shape[1]) == height
    assert [str(each) for each in totals.valid_when] == [f"H >= {least}"]
