"""What is derived, against windows that are listed one by one."""

from __future__ import annotations

from math import prod

import pytest
from enumeration import AxisLayer, outputs, windows
from hypothesis import assume, given
from hypothesis import strategies as st
from networks import analyzed, network
from stacks import Case, stacks

from convmath.errors import SpecError
from convmath.formula import bind
from convmath.report import Field
from convmath.symbolic.compose import derive

SIZES = st.integers(1, 30)
LARGEST = 400


def levels_of(stack: list[Case], axis: int, size: int) -> list[int]:
    """Return the sizes after every layer, by listing windows; shorter than the stack where none fits."""
    return [len(level) for level in outputs([case.axes[axis] for case in stack], size)]


def fits(stack: list[Case], axis: int, size: int) -> bool:
    sizes = levels_of(stack, axis, size)
    return len(sizes) == len(stack) and sizes[-1] > 0


@given(st.data(), st.integers(1, 3))
def test_sizes_are_the_numbers_of_windows(data: st.DataObject, rank: int) -> None:
    stack = data.draw(stacks(rank, adaptive=True))
    sizes = data.draw(st.tuples(*[SIZES] * rank))
    entries = [case.entry for case in stack]
    fitting = all(fits(stack, axis, size) for axis, size in enumerate(sizes))

    if not fitting:
        with pytest.raises(SpecError, match="does not fit"):
            analyzed([1, *sizes], entries)
        return
    report = analyzed([1, *sizes], entries)

    for at, layer in enumerate(report.layers):
        assert layer.output_shape[1:] == tuple(levels_of(stack, axis, size)[at] for axis, size in enumerate(sizes))


@given(stacks(1))
def test_the_least_valid_size_is_the_smallest_that_runs(stack: list[Case]) -> None:
    report = analyzed([1, "L"], [case.entry for case in stack])

    conditions = report.totals.valid_when

    least = int(conditions[0].right) if conditions else 1  # type: ignore[arg-type]
    assert len(conditions) <= 1
    assert fits(stack, 0, least)
    assert least == 1 or not fits(stack, 0, least - 1)


@given(stacks(1, most=4, adaptive=True), st.integers(0, 12))
def test_formulas_in_a_symbol_agree_with_listing_at_numbers(stack: list[Case], extra: int) -> None:
    assume(fits(stack, 0, LARGEST))
    report = analyzed([1, "L"], [case.entry for case in stack])
    least = int(report.totals.valid_when[0].right) if report.totals.valid_when else 1  # type: ignore[arg-type]
    size = least + extra
    assume(size < LARGEST)

    listed = levels_of(stack, 0, size)

    assert [bind(layer.output_shape[1], {"L": size}) for layer in report.layers] == listed


def check_field(stack: list[Case], field: Field, size: int) -> int:
    """Hold first, last and size against what clean outputs read; return how many there were."""
    level = outputs([case.axes[0] for case in stack], size)[-1]
    clean = [(at, each.reads) for at, each in enumerate(level) if each.clean and each.reads]
    assert field.first is not None
    assert field.last is not None
    for at, reads in clean:
        assert bind(field.first[0], {"i": at, "L": size}) == min(reads)
        assert bind(field.last[0], {"i": at, "L": size}) == max(reads)
        assert max(reads) - min(reads) + 1 <= bind(field.size[0], {"L": size})  # type: ignore[arg-type]
    return len(clean)


@given(stacks(1, most=4), st.integers(0, 40))
def test_clean_outputs_read_from_first_to_last(stack: list[Case], extra: int) -> None:
    report = analyzed([1, "L"], [case.entry for case in stack])
    field = report.layers[-1].receptive_field
    size = bind(field.size[0], {}) + extra if isinstance(field.size[0], int) else 60  # type: ignore[operator]
    assume(size < LARGEST and fits(stack, 0, size))

    check_field(stack, field, size)


@given(stacks(1, most=3), st.integers(1, 4))
def test_the_size_of_a_field_is_reached(stack: list[Case], extra: int) -> None:
    report = analyzed([1, "L"], [case.entry for case in stack])
    field = report.layers[-1].receptive_field
    reach = bind(field.size[0], {"L": 1})  # type: ignore[arg-type]
    jump = int(bind(field.jump[0], {}))  # type: ignore[arg-type, index]
    size = int(reach) + (extra + 6) * jump + 60
    assume(size < LARGEST)

    level = outputs([case.axes[0] for case in stack], size)[-1]
    clean = [each.reads for each in level if each.clean]

    assume(clean)
    assert max(max(reads) - min(reads) + 1 for reads in clean) == reach


@given(stacks(1, most=2, adaptive=True), st.integers(4, 40))
def test_fields_behind_a_pooling_to_a_fixed_size(stack: list[Case], size: int) -> None:
    assume(fits(stack, 0, size))
    entries = [case.entry for case in stack]
    numbers = analyzed([1, size], entries).layers[-1].receptive_field
    symbols = analyzed([1, "L"], entries).layers[-1].receptive_field

    check_field(stack, numbers, size)
    check_field(stack, symbols, size)

    level = outputs([case.axes[0] for case in stack], size)[-1]
    if all(each.clean for each in level):
        widest = max(max(each.reads) - min(each.reads) + 1 for each in level)
        assert numbers.size[0] == widest


@given(st.data(), st.integers(1, 3), st.integers(1, 3))
def test_parameters_and_operations_are_counted_window_by_window(data: st.DataObject, rank: int, channels: int) -> None:
    stack = data.draw(stacks(rank, most=3, adaptive=True))
    sizes = data.draw(st.tuples(*[st.integers(1, 9)] * rank))
    assume(all(fits(stack, axis, size) for axis, size in enumerate(sizes)))
    report = analyzed([channels, *sizes], [case.entry for case in stack])

    for case, layer in zip(stack, report.layers, strict=True):
        [(kind, fields)] = case.entry.items()
        per_axis = [windows(axis, size) for axis, size in zip(case.axes, sizes, strict=True)]
        positions = prod(map(len, per_axis))
        read = prod(sum(map(len, each)) for each in per_axis)
        expected = counted(kind, fields or {}, channels, positions, read)
        assert (layer.params, layer.macs, layer.flops) == expected
        channels = int(layer.output_shape[0])  # type: ignore[arg-type]
        sizes = tuple(map(len, per_axis))


def counted(kind: str, fields: dict, channels: int, positions: int, read: int) -> tuple[int, int, int]:
    """Return parameters, MACs and FLOPs of a layer whose windows were listed: *read* is their total length."""
    elements = channels * positions
    if kind in ("conv", "locally_connected", "depthwise_conv"):
        deep = 1 if kind == "depthwise_conv" else channels
        kernels = channels * fields["multiplier"] if kind == "depthwise_conv" else fields["out_channels"]
        places = positions if kind == "locally_connected" else 1
        taps = prod(fields["kernel_size"]) * deep
        macs = kernels * deep * read
        bias = kernels * positions if fields["bias"] else 0
        return kernels * places * (taps + fields["bias"]), macs, 2 * macs + bias
    joins = channels * read - elements
    operations = {
        "max_pool": joins,
        "adaptive_max_pool": joins,
        "avg_pool": joins + elements,
        "adaptive_avg_pool": joins + elements,
        "relu": elements,
        "softmax": elements,
        "batch_norm": 2 * elements,
    }
    return (2 * channels if kind == "batch_norm" else 0), 0, operations.get(kind, 0)


@given(st.data(), st.integers(1, 2))
def test_numbers_and_formulas_are_the_same_report(data: st.DataObject, rank: int) -> None:
    stack = data.draw(stacks(rank, most=4, adaptive=True))
    sizes = data.draw(st.tuples(*[st.integers(1, 40)] * rank))
    assume(all(fits(stack, axis, size) for axis, size in enumerate(sizes)))
    names = [f"S{axis}" for axis in range(rank)]
    values = dict(zip(names, sizes, strict=True))
    entries = [*(case.entry for case in stack), "flatten", {"dense": 3}]
    symbolic = network([2, *names], entries)

    formulas, numbers = derive(symbolic), derive(symbolic.bind(values))

    for one, other in zip(formulas.layers, numbers.layers, strict=True):
        for quantity in ("params", "macs", "flops", "activations", "buffers"):
            assert bind(getattr(one, quantity), values) == getattr(other, quantity)
        for mine, theirs in zip(one.receptive_field.size, other.receptive_field.size, strict=True):
            assert mine is None or bind(mine, values) == theirs
    assert bind(formulas.totals.peak_activations, values) == numbers.totals.peak_activations


@given(stacks(1, most=5), st.integers(0, 30))
def test_what_a_dense_layer_sees_is_what_reaches_the_map(stack: list[Case], extra: int) -> None:
    entries = [*(case.entry for case in stack), "flatten", {"dense": 1}]
    symbolic = network([1, "L"], entries)
    report = derive(symbolic)
    least = int(report.totals.valid_when[0].right) if report.totals.valid_when else 1  # type: ignore[arg-type]
    size = least + extra
    assume(size < LARGEST)
    field = report.layers[-1].receptive_field
    level = outputs([case.axes[0] for case in stack], size)[-1]
    reads = frozenset().union(*(each.reads for each in level))
    assume(reads)

    reached = max(reads) - min(reads) + 1

    assert field.whole
    assert derive(symbolic.bind({"L": size})).layers[-1].receptive_field.size[0] == bind(field.size[0], {"L": size})
    if field.exact:
        assert bind(field.size[0], {"L": size}) == reached
    else:
        assert reached <= bind(field.size[0], {"L": size})  # type: ignore[operator]


def test_the_listing_itself_knows_ceil_mode_and_same() -> None:
    assert len(windows(AxisLayer("window", 1, 3, ceil=True), 3)) == 1
    assert len(windows(AxisLayer("window", 3, 2, ceil=True), 2)) == 1
    assert len(windows(AxisLayer("window", 2, same=True), 5)) == 5
    assert windows(AxisLayer("window", 3, 2, same=True), 4) == [[0, 1, 2], [2, 3, None]]
