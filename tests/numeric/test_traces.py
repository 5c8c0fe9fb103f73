"""Spans and read sets against a trace by brute force: change the input, and see which outputs change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from numeric_cases import axis_windows, network

from convmath.errors import SpecError, UsageError
from convmath.numeric.execute import run_layers, walk
from convmath.numeric.measure import measure_fields, measure_reads
from convmath.numeric.traces import Reads, Spans
from convmath.numeric.weights import Weights, shapeless

KINDS = ("conv", "locally_connected", "max_pool", "avg_pool")


@st.composite
def stacks(draw: st.DrawFn, rank: int) -> list[Any]:
    """Draw up to three layers with windows, paddings and adaptive poolings; they need not fit."""
    layers = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from([*KINDS, "pad", "adaptive_avg_pool", "adaptive_max_pool"]))
        if kind == "pad":
            layers.append({kind: {"amount": [[draw(st.integers(0, 2)), draw(st.integers(0, 2))] for _ in range(rank)]}})
        elif kind.startswith("adaptive"):
            layers.append({kind: {"output_size": [draw(st.integers(1, 5)) for _ in range(rank)]}})
        else:
            pooling = kind.endswith("pool")
            axes = [draw(axis_windows(pooling=pooling)) for _ in range(rank)]
            kernel, stride, dilation, padding, _ = map(list, zip(*axes, strict=True))
            padding = draw(st.sampled_from([padding, padding, "same"]))
            fields: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "dilation": dilation, "padding": padding}
            fields |= {"ceil_mode": draw(st.booleans())} if pooling else {"out_channels": 1, "bias": False}
            layers.append({kind: fields})
    return layers


def positive_weights(net: Any) -> dict[str, dict[str, np.ndarray]]:
    """Return weights in which every tap counts, by the shapes that the kernels ask for."""
    arrays = [Spans.of(net.inputs[0].shape, 0)]
    found = {}
    for step in walk(net, arrays, lambda _: Weights(shapeless)):
        random = np.random.default_rng(len(found))
        found[step.node.name] = {
            name: 0.5 + random.random(each.shape) for name, each in step.weights.parameters.items()
        }
    return found


def reads_by_perturbation(net: Any, axis: int) -> list[list[int]]:
    """Return, per layer, the bit mask of what the positions along *axis* react to.

    One slice of the input after the other is raised far above all else, so that it also
    wins every maximum over windows that hold it.
    """
    weights = positive_weights(net)
    shape = net.inputs[0].shape
    x = np.random.default_rng(1).random(shape)
    before = run_layers(net, x, weights)
    masks: dict[str, list[int]] = {}
    for index in range(shape[axis + 1]):
        raised = x.copy()
        raised[(slice(None),) * (axis + 1) + (index,)] += 1e4
        for name, after in run_layers(net, raised, weights).items():
            changed = after != before[name]
            others = tuple(each for each in range(changed.ndim) if changed.ndim > 1 and each != axis + 1)
            line = changed.any(axis=others)
            known = masks.setdefault(name, [0] * len(line))
            masks[name] = [mask | int(bit) << index for mask, bit in zip(known, line, strict=True)]
    return list(masks.values())


def span_of(mask: int, size: int) -> tuple[int, int]:
    return ((mask & -mask).bit_length() - 1, mask.bit_length() - 1) if mask else (size, -1)


def bound(shape: list[int], layers: list[Any]) -> Any:
    """Return the network, unless its layers do not fit one another."""
    net = network(shape, *layers)
    try:
        measure_fields(net, 0)
    except SpecError:
        reject()
    return net


@given(st.integers(1, 2), st.data())
@settings(max_examples=300, deadline=None)
def test_traces_agree_with_perturbation(rank: int, data: st.DataObject) -> None:
    shape = [1, *(data.draw(st.integers(1, 12)) for _ in range(rank))]
    net = bound(shape, data.draw(stacks(rank)))

    for axis in range(rank):
        expected = reads_by_perturbation(net, axis)
        reads = measure_reads(net, axis)
        fields = measure_fields(net, axis)
        others = [measure_reads(net, other) for other in range(rank) if other != axis]
        for at, masks in enumerate(expected):
            if any(mask == 0 for other in others for mask in other[at].masks):
                break  # where all of another axis is padding, nothing reacts to anything, here and below
            assert list(reads[at].masks) == masks
            spans = [span_of(mask, shape[axis + 1]) for mask in masks]
            assert list(zip(fields[at].first.tolist(), fields[at].last.tolist(), strict=True)) == spans
            assert tuple(fields[at].clean.tolist()) == reads[at].clean
            if 0 in masks:
                break  # a maximum over padding alone is minus infinity, and so is every mean with it


def trace_by_hand(layers: list[Any], size: int) -> list[tuple[set[int], bool]]:
    """Return what each output of windows on one axis reads, and whether it met padding, in loops."""
    elements: list[tuple[set[int], bool]] = [({index}, False) for index in range(size)]
    for layer in layers:
        [fields] = layer.values()
        kernel, stride, dilation = (fields[key][0] for key in ("kernel_size", "stride", "dilation"))
        before, after = fields["padding"][0]
        padding: tuple[set[int], bool] = (set(), True)
        padded = [padding] * before + elements + [padding] * after
        windows = []
        begin = 0
        while begin + dilation * (kernel - 1) < len(padded):
            taps = [padded[begin + dilation * tap] for tap in range(kernel)]
            windows.append((set().union(*(read for read, _ in taps)), any(met for _, met in taps)))
            begin += stride
        elements = windows
    return elements


@given(st.integers(1, 20), st.lists(axis_windows(), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_traces_agree_with_a_walk_by_hand(size: int, windows: list[Any]) -> None:
    layers = [
        {"conv": {"out_channels": 2, "kernel_size": [k], "stride": [s], "dilation": [d], "padding": [pads]}}
        for k, s, d, pads, _ in windows
    ]
    net = bound([1, size], layers)

    expected = trace_by_hand(layers, size)

    reads, field = measure_reads(net, 0)[-1], measure_fields(net, 0)[-1]
    assert reads.masks == tuple(sum(1 << index for index in read) for read, _ in expected)
    assert reads.clean == tuple(not met for _, met in expected)
    assert field.clean.tolist() == [not met for _, met in expected]
    assert list(zip(field.first.tolist(), field.last.tolist(), strict=True)) == [
        (min(read, default=size), max(read, default=-1)) for read, _ in expected
    ]


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_that_repeats_the_image_is_read_and_marked(mode: str) -> None:
    net = network([1, 4], {"conv": {"out_channels": 1, "kernel_size": 1, "padding": 2, "padding_mode": mode}})

    [reads] = measure_reads(net, 0)

    mirrored = np.pad(np.arange(4), 2, {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode])
    assert reads.masks == tuple(1 << int(index) for index in mirrored)
    assert reads.clean == (False, False, True, True, True, True, False, False)


def test_two_convolutions_see_five_pixels() -> None:
    net = network([1, 9, 9], *[{"conv": {"out_channels": 1, "kernel_size": 3}}] * 2)

    _, field = measure_fields(net, 1)

    assert field.first.tolist() == [0, 1, 2, 3, 4]
    assert field.last.tolist() == [4, 5, 6, 7, 8]
    assert field.clean.all()


def test_dilation_leaves_holes() -> None:
    [reads] = measure_reads(network([1, 7], {"conv": {"out_channels": 1, "kernel_size": 3, "dilation": 3}}), 0)

    assert [f"{mask:b}" for mask in reads.masks] == ["1001001"]


@pytest.mark.parametrize(
    "last", [["global_avg_pool"], ["flatten", {"dense": 3}], ["global_max_pool", "flatten", {"dense": 2}]]
)
def test_whole_image_is_read(last: list[Any]) -> None:
    net = network([2, 8, 6], {"conv": {"out_channels": 3, "kernel_size": 3, "padding": 1}}, "relu", *last)

    for axis, size in enumerate((8, 6)):
        field = measure_fields(net, axis)[-1]
        assert set(field.first.tolist()) == {0}
        assert set(field.last.tolist()) == {size - 1}
        assert not field.clean.any()


def test_whole_image_is_cut_to_what_windows_reach() -> None:
    net = network([1, 6], {"conv": {"out_channels": 1, "kernel_size": 3, "stride": 2}}, "global_avg_pool")

    *_, field = measure_fields(net, 0)

    assert (field.first.tolist(), field.last.tolist(), field.clean.tolist()) == ([0], [4], [True])


def test_flattened_elements_keep_their_own_fields() -> None:
    net = network([2, 2, 3], "flatten")

    [rows], [columns] = measure_fields(net, 0), measure_fields(net, 1)

    assert rows.first.tolist() == [0, 0, 0, 1, 1, 1] * 2
    assert columns.last.tolist() == [0, 1, 2] * 4


def test_softmax_of_a_vector_reads_all_of_it() -> None:
    *_, field = measure_fields(network([1, 4], "flatten", "softmax"), 0)

    assert (field.first.tolist(), field.last.tolist()) == ([0] * 4, [3] * 4)


@pytest.mark.parametrize(
    "layer", [{"local_response_norm": 3}, "batch_norm", "softmax", {"prelu": {"num_parameters": 2}}]
)
def test_pointwise_layers_read_their_own_position_only(layer: Any) -> None:
    [field] = measure_fields(network([2, 3, 4], layer), 1)

    assert field.first.tolist() == field.last.tolist() == [0, 1, 2, 3]
    assert field.clean.all()


def test_masks_wider_than_64_bits_stay_exact() -> None:
    layers = [
        {"conv": {"out_channels": 1, "kernel_size": 3, "padding": 1}},
        {"max_pool": 2},
        {"avg_pool": {"kernel_size": 100}},
    ]

    *_, reads = measure_reads(network([1, 200], *layers), 0)

    assert reads.masks == ((1 << 200) - 1,)


def test_sums_of_two_arrays_have_read_what_both_have() -> None:
    spans, reads = Spans.of((1, 5), 0), Reads.of((1, 5), 0)

    assert [plane.tolist() for plane in (spans[:, 0:3] + spans[:, 2:5]).line()] == [[0, 1, 2], [2, 3, 4], [False] * 3]
    assert (reads[:, 0:3] + reads[:, 2:5]).line()[0].tolist() == [5, 10, 20]


def test_only_spatial_axes_can_be_followed() -> None:
    with pytest.raises(UsageError, match="axis 1 does not exist: the input is 1 × 4"):
        measure_fields(network([1, 4], "relu"), 1)
