"""Stacks with transposed convolutions and up-sampling, against windows that are listed one by one."""

from __future__ import annotations

import json

import pytest
from enumeration import AxisLayer, outputs, transposed, windows
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import analyzed, network
from stacks import Case, enlarging_stacks, resized_cases, window_cases

import convmath as cm
from convmath.errors import SpecError
from convmath.formula import bind
from convmath.numeric.measure import measure_costs
from convmath.report import Field
from convmath.symbolic.compose import derive
from convmath.verification.confront import verify
from convmath.verification.fields import confront_fields
from convmath.verification.tally import Tally

LARGEST = 300


def levels_of(stack: list[Case], axis: int, size: int) -> list[int]:
    return [len(level) for level in outputs([case.axes[axis] for case in stack], size)]


def fits(stack: list[Case], axis: int, size: int) -> bool:
    sizes = levels_of(stack, axis, size)
    return len(sizes) == len(stack) and sizes[-1] > 0


def entries(stack: list[Case]) -> list[dict]:
    return [case.entry for case in stack]


@given(st.data(), st.integers(1, 2))
def test_sizes_are_the_lengths_of_the_lines(data: st.DataObject, rank: int) -> None:
    stack = data.draw(enlarging_stacks(rank))
    sizes = data.draw(st.tuples(*[st.integers(1, 12)] * rank))
    if not all(fits(stack, axis, size) for axis, size in enumerate(sizes)):
        with pytest.raises(SpecError, match="does not fit"):
            analyzed([1, *sizes], entries(stack))
        return

    report = analyzed([1, *sizes], entries(stack))

    for at, layer in enumerate(report.layers):
        assert layer.output_shape[1:] == tuple(levels_of(stack, axis, size)[at] for axis, size in enumerate(sizes))


@given(enlarging_stacks(1))
def test_the_least_valid_size_is_the_smallest_that_runs(stack: list[Case]) -> None:
    conditions = analyzed([1, "L"], entries(stack)).totals.valid_when

    least = int(conditions[0].right) if conditions else 1  # type: ignore[arg-type]

    assert len(conditions) <= 1
    assert fits(stack, 0, least)
    assert least == 1 or not fits(stack, 0, least - 1)


@given(enlarging_stacks(1), st.integers(0, 12))
def test_formulas_agree_with_listing_at_numbers(stack: list[Case], extra: int) -> None:
    report = analyzed([1, "L"], entries(stack))
    least = int(report.totals.valid_when[0].right) if report.totals.valid_when else 1  # type: ignore[arg-type]
    size = least + extra
    assume(size < LARGEST)

    assert [bind(layer.output_shape[1], {"L": size}) for layer in report.layers] == levels_of(stack, 0, size)


def clean_reads(stack: list[Case], size: int) -> list[tuple[int, frozenset[int]]]:
    level = outputs([case.axes[0] for case in stack], size)[-1]
    return [(at, each.reads) for at, each in enumerate(level) if each.clean and each.reads]


def ends(field: Field, at: int, size: int) -> tuple[int, int]:
    assert field.first is not None
    assert field.last is not None
    values = {"i": at, "L": size}
    return bind(field.first[0], values), bind(field.last[0], values)  # type: ignore[return-value]


@given(enlarging_stacks(1), st.integers(8, 60))
def test_clean_outputs_read_within_the_bounds(stack: list[Case], size: int) -> None:
    assume(fits(stack, 0, size))
    field = analyzed([1, "L"], entries(stack)).layers[-1].receptive_field

    for at, reads in clean_reads(stack, size):
        first, last = ends(field, at, size)
        assert first <= min(reads) <= max(reads) <= last
        if field.exact:
            assert (first, last) == (min(reads), max(reads))
        if field.size[0] is not None:
            assert max(reads) - min(reads) + 1 <= bind(field.size[0], {"L": size})  # type: ignore[operator]


@given(
    st.lists(st.one_of(resized_cases(1), window_cases(1)), min_size=1, max_size=3), st.integers(4, 30), st.booleans()
)
def test_resized_images_read_what_is_listed(stack: list[Case], size: int, known: bool) -> None:  # noqa: FBT001
    assume(fits(stack, 0, size))
    field = analyzed([1, size if known else "L"], entries(stack)).layers[-1].receptive_field

    clean = clean_reads(stack, size)
    for at, reads in clean:
        first, last = ends(field, at, size)
        assert first <= min(reads) <= max(reads) <= last
        if field.exact:
            assert (first, last) == (min(reads), max(reads))
    widths = [max(reads) - min(reads) + 1 for _, reads in clean]
    if widths and field.size[0] is not None:
        assert max(widths) <= bind(field.size[0], {"L": size})  # type: ignore[operator]


SIZES = [("H", "W"), ("ceil(H/8)", "2*W"), ("H + 3", "W//2 + 1"), ("floor(H/2)", 5)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "aligned"])
def test_sizes_in_symbols_of_the_input_are_confirmed(size: tuple[str | int, ...], mode: str) -> None:
    conv = {"conv": {"out_channels": 2, "kernel_size": 3, "padding": 1, "stride": 2}}
    fields = {"mode": "nearest" if mode == "nearest" else "bilinear", "align_corners": mode == "aligned"}
    layers = [conv, {"conv": {"out_channels": 1, "kernel_size": 3}}, {"upsample": {"size": [*size], **fields}}]

    found = verify(network([1, "H", "W"], [*layers, {"conv": {"out_channels": 1, "kernel_size": 2}}]), samples=8)

    assert found.confirmed
    assert {check.quantity.partition(".")[2] for check in found.checks if check.layer == "upsample1"} >= {
        "first[0]",
        "last[1]",
    }


def test_a_factor_may_be_a_ratio_or_a_decimal() -> None:
    halved, decimal, ratio = (
        analyzed([1, "H"], [{"upsample": {"scale_factor": each, "mode": "bilinear"}}]) for each in ("1/2", 1.5, "3/2")
    )

    assert (str(halved.totals.output_shape[1]), str(decimal.totals.output_shape[1])) == ("floor(H/2)", "H + floor(H/2)")
    assert decimal.totals == ratio.totals
    assert (halved.totals.receptive_field.size, halved.totals.receptive_field.jump) == ((2,), (2,))
    assert [str(each) for each in halved.totals.valid_when] == ["H >= 2"]


def test_broken_factors_are_confirmed_in_a_stack() -> None:
    conv = {"conv": {"out_channels": 2, "kernel_size": 3, "stride": 2}}
    layers = [conv, {"upsample": {"scale_factor": ["3/2", "2/3"], "mode": "bilinear"}}, {"upsample": "5/4"}, conv]

    assert verify(network([1, "H", "W"], layers), samples=8).confirmed


def test_an_image_of_one_pixel_is_resized_to_the_input() -> None:
    layers = ["global_avg_pool", {"upsample": {"size": ["H", "W"], "mode": "bilinear"}}]
    report = analyzed([3, "H", "W"], layers)

    assert str(report.layers[-1].output_shape[1]) == "H"
    assert report.layers[-1].receptive_field.whole
    assert verify(network([3, "H", "W"], layers), samples=8).confirmed


def test_joins_behind_a_resized_image_are_solved() -> None:
    """Two of H elements are lost to the window, and halved and doubled H - 2 comes out where H is even."""
    window = {"conv": {"out_channels": 1, "kernel_size": 3}}
    there_and_back = [{"max_pool": 3}, {"upsample": {"size": ["H"]}}, window, {"max_pool": 2}, {"upsample": 2}]
    net = network([1, "H"], [{"parallel": {"merge": "add", "branches": [there_and_back, [{"crop": 1}]]}}])

    report = derive(net)

    assert [str(each) for each in report.totals.valid_when] == ["H % 2 == 0", "H >= 4"]
    assert verify(net, samples=8).confirmed


def test_a_resized_image_must_have_room_for_a_window() -> None:
    net = network([1, "H"], [{"upsample": {"size": ["H//2 + 1"]}}, {"max_pool": 5}, {"max_pool": 2}])

    report = derive(net)

    assert [str(each) for each in report.totals.valid_when] == ["H >= 18"]
    assert verify(net, samples=8).confirmed


def test_an_image_resized_to_its_own_size_joins_the_image() -> None:
    """``H`` is reached again, whatever H is: nothing is asked of it."""
    back = {"upsample": {"size": ["H"], "mode": "bilinear"}}
    layers = [{"residual": [{"max_pool": {"kernel_size": 2, "ceil_mode": True}}, back]}]

    report = analyzed([1, "H"], layers)

    assert report.totals.output_shape[1] == report.inputs[0].shape[1]
    assert report.totals.valid_when == ()
    assert verify(network([1, "H"], layers), samples=8).confirmed


@given(enlarging_stacks(1, most=3, gapless=True), st.integers(30, 60))
def test_without_gaps_the_hull_is_exact_and_its_size_is_the_largest_of_a_period(stack: list[Case], size: int) -> None:
    assume(fits(stack, 0, size))
    field = analyzed([1, size], entries(stack)).layers[-1].receptive_field
    clean = dict(clean_reads(stack, size))
    period = field.period[0]  # type: ignore[index]
    runs = [at for at in clean if all(at + step in clean for step in range(period))]
    assume(runs)

    widths = [max(clean[at]) - min(clean[at]) + 1 for at in range(runs[0], runs[0] + period)]

    assert field.exact
    assert field.size[0] == max(widths)
    for at in runs:
        if at + period in clean:
            shift = {min(clean[at + period]) - min(clean[at]), max(clean[at + period]) - max(clean[at])}
            assert shift == {period * field.jump[0]}  # type: ignore[index]


@given(enlarging_stacks(1, most=4), st.integers(0, 20))
def test_what_a_dense_layer_sees_behind_enlarging_layers(stack: list[Case], extra: int) -> None:
    symbolic = network([1, "L"], [*entries(stack), "flatten", {"dense": 1}])
    report = derive(symbolic)
    least = int(report.totals.valid_when[0].right) if report.totals.valid_when else 1  # type: ignore[arg-type]
    size = least + extra
    assume(size < LARGEST)
    field = report.layers[-1].receptive_field
    level = outputs([case.axes[0] for case in stack], size)[-1]
    reads = frozenset().union(*(each.reads for each in level))
    assume(reads)

    reached = max(reads) - min(reads) + 1

    if field.exact:
        assert bind(field.size[0], {"L": size}) == reached
    else:
        assert reached <= bind(field.size[0], {"L": size})  # type: ignore[operator]


def test_the_phase_of_a_field_and_its_period() -> None:
    """Kernel 3, stride 2, padding 1: even outputs read one element, odd ones two."""
    layers = [{"conv_transpose": {"out_channels": 1, "kernel_size": 3, "stride": 2, "padding": 1}}]

    field = analyzed([1, "L"], layers).totals.receptive_field

    assert (str(field.first[0]), str(field.last[0])) == ("floor(i/2)", "floor((i + 1)/2)")
    assert (field.size, field.period, field.exact) == ((2,), (2,), True)
    assert str(field.jump[0]) == "1/2"


@pytest.mark.parametrize("fields", [{"kernel_size": 2, "stride": 3}, {"kernel_size": 3, "dilation": 2}])
def test_gaps_are_told(fields: dict) -> None:
    field = analyzed([1, "L"], [{"conv_transpose": {"out_channels": 1, **fields}}]).totals.receptive_field

    assert not field.exact


def test_an_encoder_and_decoder_see_by_phase() -> None:
    conv = {"conv": {"out_channels": 1, "kernel_size": 3, "padding": 1}}
    layers = [conv, {"max_pool": 2}, conv, {"upsample": 2}, conv]

    field = analyzed([1, "L"], layers).totals.receptive_field

    assert (field.size, field.period) == ((10,), (2,))


def test_the_listing_itself_knows_transposed_convolutions() -> None:
    layer = AxisLayer("transposed", kernel=3, stride=2)

    assert transposed(layer, 2) == [[None, 0], [0], [0, 1], [1], [1, None]]
    assert windows(AxisLayer("bilinear", count=2), 2) == [[None, 0], [0, 1], [0, 1], [1, None]]
    assert windows(AxisLayer("bilinear", count=3), 1) == [[None, 0], [0], [0, None]]


def test_a_table_tells_the_period_and_what_is_a_bound() -> None:
    def shown(**fields: int) -> str:
        net = cm.stack(cm.ConvTranspose(1, padding=1, **fields), input=(1, "L"))
        return cm.analyze(net).to_table()

    assert "reads floor(i/2) … floor((i + 1)/2) (period 2)" in shown(kernel_size=3, stride=2)
    assert "reads at most " in shown(kernel_size=3, stride=4)
    assert "period" not in shown(kernel_size=3, stride=1)
    data = json.loads(cm.analyze(cm.stack(cm.ConvTranspose(1, 3, stride=2), input=(1, "L"))).to_json())
    assert data["totals"]["receptive_field"]["period"] == [2]


@pytest.mark.parametrize(
    "fields", [{"kernel_size": 3, "stride": 10**15}, {"kernel_size": 1, "stride": 10**15, "dilation": 10**15}]
)
def test_a_huge_stride_on_one_element_lays_down_no_more_than_its_kernel(fields: dict) -> None:
    net = network([2, 1, 1], [{"conv_transpose": {"out_channels": 1, **fields}}])

    assert measure_costs(net).layers[0].output_shape == derive(net).totals.output_shape


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kernel_size": 2, "output_padding": 1}, "output_padding 1 is not smaller than stride 1 or dilation 1"),
        (
            {"kernel_size": 2, "stride": 3, "padding": "same"},
            "'same' needs a window of 3 = stride or more, but it spans 2",
        ),
        ({"kernel_size": 2, "padding": "causal"}, "'causal' is no amount here"),
        ({"kernel_size": 2, "padding": 9}, "the window does not fit"),
        ({"kernel_size": 2, "groups": 3}, "3 groups do not divide"),
        ({"kernel_size": 0}, "is 0, but must be 1 or more"),
        ({"kernel_size": 2, "output_padding": -1}, "is -1, but must be 0 or more"),
        ({"kernel_size": 2, "stride": "9**9**9"}, "bits"),
    ],
)
def test_faulty_transposed_convolutions_are_refused(fields: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        derive(network([2, 3, 3], [{"conv_transpose": {"out_channels": 2, **fields}}]))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"upsample": 0}, "is 0, but must be 1 or more"),
        ({"upsample": {"size": [3, 0]}}, "is 0, but must be 1 or more"),
        ({"upsample": {"size": [3]}}, "1 entry for 2 spatial axes"),
        ({"upsample": {"size": 3, "scale_factor": 2}}, "are both given"),
        ({"upsample": {"mode": "bilinear"}}, "needs 'scale_factor' or 'size'"),
        ({"upsample": {"size": 3, "align_corners": True}}, "goes with mode: bilinear, but the mode is nearest"),
        ({"upsample": "-3/2"}, "is -3/2, but must be above 0"),
        ({"upsample": 0.0}, "is 0, but must be 1 or more"),
        ({"upsample": "1/4"}, "the window does not fit"),
        ({"upsample": "n/2"}, "is n/2, but only a ratio of numbers may be broken"),
        ({"upsample": {"size": "3/2"}}, "is 3/2, which is no integer"),
        ({"upsample": {"size": 1.5}}, "is no integer and no expression"),
        ({"upsample": {"scale_factor": 2, "mode": "cubic"}}, "'cubic' is not one of nearest, bilinear"),
        ({"crop": 2}, "does not fit"),
        ({"crop": "same"}, "'same' is no amount here"),
        ({"pixel_shuffle": [1, 2, 3]}, "3 entries for 2 spatial axes"),
        ({"slice_channels": 3}, "is not a list of 2 numbers"),
        ({"slice_channels": [0, 1, 2]}, "is not a list of 2 numbers"),
        ({"lp_pool": {"kernel_size": 2, "norm_type": 0.5}}, "is not between 1 and inf"),
        ({"layer_norm": "rows"}, "'rows' is not one of all, channels"),
        (
            {"deformable_conv": {"out_channels": 1, "kernel_size": 1, "offset_groups": 3}},
            "3 offset groups do not divide",
        ),
        ({"deformable_conv": {"out_channels": 1, "kernel_size": 1, "max_offset": -1}}, "is -1, but must be 0 or more"),
        (
            {"deformable_conv": {"out_channels": 1, "kernel_size": 1, "offsets": "none"}},
            "is not one of learned, predicted, given",
        ),
    ],
)
def test_faulty_layers_are_refused(entry: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        derive(network([2, 3, 3], [entry]))


@given(enlarging_stacks(2, most=3), st.tuples(st.integers(3, 14), st.integers(3, 14)))
@settings(max_examples=60)
def test_the_executor_traces_what_is_derived(stack: list[Case], size: tuple[int, int]) -> None:
    assume(all(fits(stack, axis, each) for axis, each in enumerate(size)))
    net = network([2, "H", "W"], entries(stack))
    values = dict(zip("HW", size, strict=True))
    tally = Tally()

    confront_fields(net, derive(net), values, tally)

    assert tally.entries
    assert tally.refuted() == set()
