"""Costs against tiny cases counted by hand, and against loops that count one operation at a time."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric_cases import Case, convolutions, network, windowed

from convmath.numeric import weights
from convmath.numeric.execute import run
from convmath.numeric.measure import measure_costs

# layer, input, then params, buffers, macs, additions, comparisons, element-wise operations, activations
BY_HAND = [
    ({"conv": {"out_channels": 3, "kernel_size": 2}}, [2, 4, 4], (27, 0, 27 * 8, 27, 0, 0, 27)),
    ({"conv": {"out_channels": 3, "kernel_size": 2, "bias": False}}, [2, 4, 4], (24, 0, 27 * 8, 0, 0, 0, 27)),
    ({"conv": {"out_channels": 4, "kernel_size": 3, "padding": 1, "groups": 2}}, [2, 5], (16, 0, 60, 20, 0, 0, 20)),
    ({"depthwise_conv": {"kernel_size": 3}}, [3, 3, 3], (30, 0, 27, 3, 0, 0, 3)),
    ({"depthwise_conv": {"kernel_size": 3, "shared": True}}, [3, 3, 3], (10, 0, 27, 3, 0, 0, 3)),
    ({"depthwise_conv": {"kernel_size": 3, "shared": True, "multiplier": 2}}, [3, 3, 3], (20, 0, 54, 6, 0, 0, 6)),
    ({"locally_connected": {"out_channels": 1, "kernel_size": 3}}, [1, 6], (16, 0, 12, 4, 0, 0, 4)),
    ({"locally_connected": {"out_channels": 2, "kernel_size": 2, "groups": 2}}, [4, 3], (20, 0, 16, 4, 0, 0, 4)),
    ({"dense": 4}, [3], (16, 0, 12, 4, 0, 0, 4)),
    ({"dense": {"out_features": 4, "bias": False}}, [3], (12, 0, 12, 0, 0, 0, 4)),
    ({"max_pool": 3}, [2, 6, 6], (0, 0, 0, 0, 64, 0, 8)),
    ({"max_pool": {"kernel_size": 3, "padding": 1, "stride": 1}}, [1, 2, 2], (0, 0, 0, 0, 32, 0, 4)),
    ({"max_pool": {"kernel_size": 2, "ceil_mode": True}}, [1, 3], (0, 0, 0, 0, 2, 0, 2)),
    ({"avg_pool": 2}, [1, 4, 4], (0, 0, 0, 12, 0, 4, 4)),
    ({"adaptive_max_pool": 2}, [1, 3, 3], (0, 0, 0, 0, 4 * 3, 0, 4)),
    ({"adaptive_avg_pool": 3}, [2, 5], (0, 0, 0, 2 * (1 + 2 + 1), 0, 6, 6)),
    ("global_avg_pool", [2, 3, 4], (0, 0, 0, 22, 0, 2, 2)),
    ("global_max_pool", [2, 3, 4], (0, 0, 0, 0, 22, 0, 2)),
    ("batch_norm", [3, 2, 2], (6, 6, 0, 0, 0, 24, 12)),
    ({"batch_norm": {"affine": False}}, [3, 2], (0, 6, 0, 0, 0, 12, 6)),
    ({"local_response_norm": 5}, [3, 2, 2], (0, 0, 0, 48, 0, 60, 12)),
    ("relu", [3, 2], (0, 0, 0, 0, 0, 6, 6)),
    ("softmax", [3, 2], (0, 0, 0, 0, 0, 6, 6)),
    ("prelu", [3, 2], (1, 0, 0, 0, 0, 6, 6)),
    ({"prelu": {"num_parameters": 3}}, [3, 2], (3, 0, 0, 0, 0, 6, 6)),
    ("flatten", [3, 2], (0, 0, 0, 0, 0, 0, 0)),
    ("dropout", [3, 2], (0, 0, 0, 0, 0, 0, 0)),
    ("identity", [3, 2], (0, 0, 0, 0, 0, 0, 0)),
    ({"pad": 1}, [3, 2], (0, 0, 0, 0, 0, 0, 12)),
    ({"pad": 0}, [3, 2], (0, 0, 0, 0, 0, 0, 6)),
]


@pytest.mark.parametrize(("layer", "shape", "expected"), BY_HAND, ids=lambda each: str(each)[:60])
def test_costs_counted_by_hand(layer: Any, shape: list[int], expected: tuple[int, ...]) -> None:
    [seen] = measure_costs(network(shape, layer)).layers

    costs = (seen.params, seen.buffers, seen.macs, seen.additions, seen.comparisons, seen.elementwise, seen.activations)
    assert costs == expected
    assert seen.by_identity


def products_of_ones(case: Case, kind: str) -> int:
    """Return the number of products: with weights and elements that are all 1 each output is how many it sums.

    Replicated padding makes the padding ones as well, so that its products are seen.
    """
    channels, kernel = case.shape[0] // case.fields["groups"], case.fields["kernel_size"]
    net = network(case.shape, {kind: case.fields | {"name": "c", "bias": False, "padding_mode": "replicate"}})
    [seen] = measure_costs(net).layers
    positions = seen.output_shape[1:] if kind == "locally_connected" else ()
    weight = np.ones((case.fields["out_channels"], channels, *positions, *kernel), dtype=int)
    out = run(net, np.ones(case.shape, dtype=int), {"c": {"weight": weight}})
    return int(out.sum())


@pytest.mark.parametrize("kind", ["conv", "locally_connected"])
@given(case=convolutions())
@settings(max_examples=60, deadline=None)
def test_macs_are_the_products_that_are_summed(kind: str, case: Case) -> None:
    [seen] = measure_costs(network(case.shape, {kind: case.fields})).layers

    assert seen.macs == products_of_ones(case, kind)


@given(case=windowed(channels=2, pooling=True), ceil_mode=st.booleans())
@settings(max_examples=100, deadline=None)
def test_counting_finds_the_shapes_of_running(case: Case, *, ceil_mode: bool) -> None:
    net = network(case.shape, {"max_pool": case.fields | {"ceil_mode": ceil_mode}})

    [pooled] = measure_costs(net).layers

    assert pooled.output_shape == run(net, np.zeros(case.shape)).shape
    assert pooled.comparisons == np.prod(pooled.output_shape) * (np.prod(case.fields["kernel_size"]) - 1)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3))
@settings(deadline=None)
def test_adaptive_pooling_counts_its_real_windows(axes: list[tuple[int, int]]) -> None:
    shape, sizes = [2, *(x for x, _ in axes)], [m for _, m in axes]

    [seen] = measure_costs(network(shape, {"adaptive_avg_pool": {"output_size": sizes}})).layers

    extents = [[-(-(i + 1) * x // m) - i * x // m for i in range(m)] for x, m in axes]
    assert seen.additions == 2 * sum(int(np.prod(window)) - 1 for window in product(*extents))
    assert seen.elementwise == 2 * np.prod(sizes)


def test_sharing_is_observed() -> None:
    """The lecture's three layers from 12 to 10 numbers: dense n·m, 3-local k·m, convolution k."""
    local = {"out_channels": 1, "kernel_size": 3, "bias": False}

    counted = [
        measure_costs(network(shape, layer)).total("params")
        for shape, layer in (
            ([12], {"dense": {"out_features": 10, "bias": False}}),
            ([1, 12], {"locally_connected": local}),
            ([1, 12], {"conv": local}),
        )
    ]

    assert counted == [120, 30, 3]


def test_large_parameters_are_measured_as_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network([12], {"dense": 10})
    one_by_one = measure_costs(net)
    monkeypatch.setattr(weights, "IDENTITY_LIMIT", 5)

    by_array = measure_costs(net)

    assert one_by_one.layers[0].by_identity
    assert not by_array.layers[0].by_identity
    assert by_array.total("params") == one_by_one.total("params") == 130


def test_parameters_that_are_not_read_do_not_count() -> None:
    given = weights.Weights(weights.identified)
    parameter = given.parameter("weight", (4, 3))

    parameter.reshape((3, 4)).read()
    untouched = given.parameter("bias", (4,))

    assert (parameter.ledger.read, untouched.ledger.read) == (12, 0)


def test_peak_counts_inputs_outputs_and_no_views() -> None:
    """Alive at once: 32 and 64 in the convolution, 64 and 64 in the activation, 64 and 16 in the pooling."""
    net = network(
        [2, 4, 4],
        {"conv": {"out_channels": 4, "kernel_size": 3, "padding": 1}},
        "relu",
        "dropout",
        {"max_pool": 2},
        "flatten",
        {"dense": 3},
    )

    costs = measure_costs(net)

    assert costs.peak_activations == 128
    assert [each.activations for each in costs.layers] == [64, 64, 0, 16, 0, 3]


def test_peak_counts_the_input_of_the_network() -> None:
    assert measure_costs(network([100], {"dense": 2})).peak_activations == 102
    assert measure_costs(network([100], "identity", "dropout")).peak_activations == 100


def test_huge_layers_are_counted_without_data() -> None:
    net = network(
        [4096, 1000, 1000],
        {"conv": {"out_channels": 4096, "kernel_size": 7, "padding": 3}},
        "flatten",
        {"dense": 10**9},
    )

    costs = measure_costs(net)

    assert costs.layers[0].macs == 4096 * 4096 * 49 * 10**6
    assert costs.layers[2].params == 4096 * 10**15 + 10**9


def test_flops_are_two_per_mac_and_the_rest() -> None:
    costs = measure_costs(network([3], {"dense": 4}, "relu"))

    assert [each.flops for each in costs.layers] == [2 * 12 + 4, 4]
