"""Running networks: exact integers, seeds, given weights, graph order, and errors by their text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numeric_cases import image, network

from convmath.errors import SpecError, UsageError
from convmath.numeric import kernels
from convmath.numeric.execute import run, run_layers, walk
from convmath.numeric.values import Values
from convmath.numeric.weights import Numbers, Weights
from convmath.spec.graph import Node
from convmath.spec.layer import core_kinds

A = [[0, 50, 0, 29], [0, 80, 31, 2], [33, 90, 0, 75], [0, 9, 0, 95]]
B = [
    [3, 3, 5, 1, 2, 3],
    [3, 4, 0, 1, 4, 5],
    [5, 1, 2, 3, 2, 0],
    [5, 0, 4, 5, 2, 1],
    [3, 4, 3, 1, 0, 2],
    [2, 0, 4, 3, 5, 1],
]
C = [[4, 4, 3, 2], [2, 3, 4, 4], [1, 1, 3, 2], [1, 2, 2, 2]]
SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
CROSS = [[0, 1, 0], [-1, 2, -1], [0, 1, 0]]
CONV = {"name": "c", "out_channels": 1, "kernel_size": 3, "bias": False}


@pytest.mark.parametrize(
    ("picture", "kernel", "stride", "expected"),
    [
        (A, SOBEL, 1, [[29, -192], [-35, -22]]),
        (B, CROSS, 1, [[9, 2, 2, 6], [-1, 4, 8, 7], [-4, 8, 8, 0], [2, 9, 7, 4]]),
        (B, CROSS, 2, [[9, 2], [-4, 8]]),
        (C, CROSS, 1, [[5, 7], [3, 9]]),
    ],
)
def test_worked_numbers_of_the_lectures(picture: Any, kernel: Any, stride: int, expected: Any) -> None:
    size = len(picture)

    out = run(network([1, size, size], {"conv": CONV | {"stride": stride}}), [picture], {"c": {"weight": [[kernel]]}})

    assert out.tolist() == [expected]
    assert out.dtype == np.int64


def test_small_unsigned_images_do_not_wrap_around() -> None:
    out = run(network([1, 4, 4], {"conv": CONV}), np.array([A], dtype=np.uint8), {"c": {"weight": [[SOBEL]]}})

    assert out.tolist() == [[[29, -192], [-35, -22]]]


def test_integers_beyond_64_bits_stay_exact() -> None:
    big = 2**62
    net = network([2], {"dense": {"name": "d", "out_features": 1}}, "relu")

    assert run(net, [big, 1], {"d": {"weight": [[big, 3]], "bias": [5]}}).tolist() == [2**124 + 8]
    assert run(net, [2, 2], {"d": {"weight": [[big, big]], "bias": [1]}}).tolist() == [2**64 + 1]
    assert run(net, [1, 1], {"d": {"weight": [[big, big - 1]], "bias": [big]}}).tolist() == [3 * 2**62 - 1]
    assert run(net, [1, 1], {"d": {"weight": [[big, big]], "bias": [0]}}).tolist() == [2**63]
    assert run(net, [1, 0], {"d": {"weight": [[big, 1]], "bias": [2**63 - 1]}}).tolist() == [2**63 - 1 + big]
    assert run(network([1, 2], {"avg_pool": 2}), [[2**63 - 1, 1]]).tolist() == [[2.0**62]]


def test_integers_that_arrive_beyond_64_bits_stay_exact() -> None:
    assert run(network([2], "relu"), [10**30, -1]).tolist() == [10**30, 0]
    assert run(network([2], "relu"), np.array([2**64 - 1, 0], dtype=np.uint64)).tolist() == [2**64 - 1, 0]
    assert run(network([1], "tanh"), [10**30]).tolist() == [1.0]
    assert run(network([1, 2], {"max_pool": {"kernel_size": 2, "padding": 1}}), [[-(10**30), 10**30]]).tolist() == [
        [-(10**30), 10**30]
    ]


def test_sums_just_beyond_64_bits_stay_exact() -> None:
    net = network([1], {"dense": {"name": "d", "out_features": 1}})

    assert run(net, [1], {"d": {"weight": [[2**62]], "bias": [2**62]}}).tolist() == [2**63]


def test_integers_stay_integers_where_layers_leave_them_whole() -> None:
    net = network(
        [1, 4], {"max_pool": {"kernel_size": 2, "padding": 1}}, {"pad": 1}, "relu", "hard_tanh", "relu6", "flatten"
    )

    out = run(net, [[-5, -7, 3, 9]])

    assert out.dtype == np.int64
    assert out.tolist() == [0, 0, 1, 1, 0]


def test_padding_never_wins() -> None:
    net = network([1, 3], {"max_pool": {"kernel_size": 2, "stride": 2, "padding": 1, "ceil_mode": True}})

    assert run(net, [[-5.0, -7.0, -6.0]]).tolist() == [[-5.0, -6.0]]
    assert run(net, [[-5, -7, -6]]).tolist() == [[-5, -6]]


def test_shared_kernels_are_the_same_for_all_channels() -> None:
    x = image([3, 5, 5])
    shared = network([3, 5, 5], {"depthwise_conv": {"name": "d", "kernel_size": 3, "shared": True, "multiplier": 2}})
    own = network([3, 5, 5], {"depthwise_conv": {"name": "d", "kernel_size": 3, "multiplier": 2}})
    weight, bias = image([2, 1, 3, 3], 1), image([2], 2)

    ours = run(shared, x, {"d": {"weight": weight, "bias": bias}})

    expected = run(own, x, {"d": {"weight": np.tile(weight, (3, 1, 1, 1)), "bias": np.tile(bias, 3)}})
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_seeded_weights_are_the_same_in_every_run() -> None:
    net = network([2, 6], {"conv": {"out_channels": 2, "kernel_size": 3}}, "flatten", {"dense": 3})
    x = image([2, 6])

    assert (run(net, x) == run(net, x)).all()
    assert (run(net, x, seed=1) != run(net, x)).all()
    assert (run(net, x, {}, 1) == run(net, x, seed=1)).all()


def test_seeded_weights_differ_between_layers_and_parameters() -> None:
    filled = [
        Numbers(layer, {}, 0)(name, (3,), 0.0, 1.0).read().tolist()
        for layer, name in (("a", "weight"), ("a", "bias"), ("b", "weight"))
    ]

    assert len({tuple(each) for each in filled}) == 3


def test_single_precision_stays_single() -> None:
    net = network(
        [2, 6],
        {"conv": {"out_channels": 2, "kernel_size": 3}},
        "batch_norm",
        "gelu",
        "softmax",
        {"local_response_norm": 3},
        {"avg_pool": 2},
    )

    assert run(net, image([2, 6]).astype(np.float32)).dtype == np.float32
    assert run(net, image([2, 6])).dtype == np.float64
    assert run(net, image([2, 6]).astype(np.float16)).dtype == np.float64


def test_layers_are_returned_by_name() -> None:
    net = network([1, 2], {"pad": {"name": "wide", "amount": 1}}, {"relu": {"name": "cut"}})

    seen = run_layers(net, [[-1, 2]])

    assert {name: out.tolist() for name, out in seen.items()} == {"wide": [[0, -1, 2, 0]], "cut": [[0, 0, 2, 0]]}


def test_outputs_never_share_memory_with_what_was_given() -> None:
    x = image([3])

    out = run(network([3], "identity"), x)

    assert not np.shares_memory(out, x)
    assert out.flags.writeable


def test_inputs_can_be_given_by_name() -> None:
    net = network([2], "relu")

    assert run(net, {"input": [-1, 1]}).tolist() == [0, 1]
    with pytest.raises(UsageError, match="inputs are given for image; the network has input"):
        run(net, {"image": [-1, 1]})


def test_arrays_are_let_go_after_their_last_use() -> None:
    """A node without a reader, and one that is read late: 4 is in use until the third layer."""
    net = network([4], {"identity": {"name": "a"}}, {"relu": {"name": "b"}}, {"relu": {"name": "c"}})
    nodes = (*net.nodes[:2], replace(net.nodes[2], inputs=(0,)))

    alive = [
        step.alive
        for step in walk(replace(net, nodes=nodes), [Values(np.zeros(4))], lambda _: Weights(Numbers("", {}, 0)))
    ]

    assert alive == [4, 8, 8]


def test_channels_that_arrive_are_known_to_later_layers() -> None:
    net = network(
        [3, 4], {"conv": {"out_channels": "2*in_channels", "kernel_size": 1}}, {"depthwise_conv": {"kernel_size": 1}}
    )

    assert run(net, image([3, 4])).shape == (6, 4)


def test_every_core_kind_has_a_kernel() -> None:
    assert {cls.__name__ for cls in kernels.kernel} == {cls.__name__ for cls in core_kinds()}


def refused(net: Any, x: Any, weights: Any = None) -> str:
    with pytest.raises(SpecError) as caught:
        run(net, x, weights)
    return str(caught.value)


def zeros(net: Any) -> np.ndarray:
    return np.zeros(net.inputs[0].shape)


@pytest.mark.parametrize(
    ("shape", "layer", "message"),
    [
        (
            [1, 6, 4],
            {"conv": {"name": "c3", "out_channels": 1, "kernel_size": 3, "dilation": 2}},
            "c3 (conv): the window does not fit: axis 1: padded size 4 < extent 5 = dilation 2 * (kernel 3 - 1) + 1",
        ),
        (
            [3, 4],
            {"conv": {"out_channels": 4, "kernel_size": 1, "groups": 2}},
            "conv1 (conv): 2 groups do not divide the 3 channels that arrive",
        ),
        (
            [4, 4],
            {"conv": {"out_channels": 3, "kernel_size": 1, "groups": 2}},
            "conv1 (conv): 2 groups do not divide the 3 out_channels",
        ),
        (
            [4, 4],
            {"locally_connected": {"out_channels": 3, "kernel_size": 1, "groups": 2}},
            "2 groups do not divide the 3 out_channels",
        ),
        (
            [1, 3],
            {"pad": {"amount": 3, "mode": "reflect"}},
            "pad1 (pad): axis 0: reflect padding of 3 needs a size of 4 or more, but it is 3",
        ),
        (
            [1, 3],
            {"pad": {"amount": 4, "mode": "circular"}},
            "axis 0: circular padding of 4 needs a size of 4 or more, but it is 3",
        ),
        (
            [1, 9],
            {"max_pool": {"kernel_size": 2, "padding": 2}},
            "axis 0: padding 2 must be less than the window's extent 2",
        ),
        (
            [1, 9],
            {"avg_pool": {"kernel_size": 2, "padding": 2}},
            "axis 0: padding 2 must be less than the window's extent 2",
        ),
        (
            [1, 1],
            {"avg_pool": {"kernel_size": 2, "dilation": 2, "padding": 1, "count_include_pad": False}},
            "avg_pool1 (avg_pool): the window at (0) holds nothing but padding, which has no mean",
        ),
        ([3, 4], {"prelu": {"num_parameters": 2}}, "2 slopes for 3 channels: there must be one, or one per channel"),
        ([3, 4], {"dense": 2}, "dense1 (dense): it takes a vector, but an image of 3 × 4 arrives"),
        (
            [3, 4],
            {"conv": {"out_channels": "in_channels/2", "kernel_size": 1}},
            "out_channels is 3/2, which is no integer",
        ),
        (
            [3, 4],
            {"conv": {"out_channels": "in_channels - 3", "kernel_size": 1}},
            "out_channels is 0, but must be 1 or more",
        ),
    ],
)
def test_layers_that_do_not_fit(shape: list[int], layer: Any, message: str) -> None:
    net = network(shape, layer)

    assert message in refused(net, zeros(net))


def test_messages_say_what_arrived() -> None:
    net = network([2, 6, 4], {"relu": {"name": "r"}}, {"conv": {"out_channels": 1, "kernel_size": 5}})

    assert "padded size 4 < extent 5 = dilation 1 * (kernel 5 - 1) + 1, at input 2 × 6 × 4" in refused(net, zeros(net))


def test_windows_of_ceil_mode_need_not_fit() -> None:
    layer = {"max_pool": {"kernel_size": 3, "stride": 2, "ceil_mode": True}}

    assert run(network([1, 2], layer), [[4, 5]]).tolist() == [[5]]
    assert "padded size 2 < extent 3" in refused(network([1, 1], layer), [[4]])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            {"weight": np.zeros((1, 1, 2, 3))},
            "'weight' must have the shape 1 × 1 × 3 × 3, but the one given has 1 × 1 × 2 × 3",
        ),
        ({"wieght": np.zeros((1, 1, 3, 3))}, "c (conv): 'wieght' is given, but the layer has weight"),
        ({"bias": [1]}, "'bias' is given, but the layer has weight"),
        ({"weight": [[1, 2], [3]]}, "'weight' is no array: its rows differ in length"),
        ({"weight": "kernel"}, "'weight' holds <U6 elements, but must hold real numbers"),
    ],
)
def test_weights_that_do_not_fit(weights: Any, message: str) -> None:
    assert message in refused(network([1, 4, 4], {"conv": CONV}), [A], {"c": weights})


def test_weights_for_no_layer() -> None:
    with pytest.raises(
        UsageError, match="weights are given for 'conv', but no layer has this name; did you mean 'conv1'"
    ):
        run(network([1, 4], {"conv": {"out_channels": 1, "kernel_size": 1}}), np.zeros((1, 4)), {"conv": {}})


def test_inputs_that_do_not_fit() -> None:
    net = network([3, 4], "relu")

    assert "the input 'input' must have the shape 3 × 4, but the one given has 4 × 3" in refused(net, np.zeros((4, 3)))
    assert "the input 'input' holds complex128 elements, but must hold real numbers" in refused(
        net, np.zeros((3, 4), complex)
    )
    with pytest.raises(UsageError, match="the seed is -1, but must be 0 or more"):
        run(net, np.zeros((3, 4)), seed=-1)


def test_symbols_without_a_value() -> None:
    message = refused(network([1, "H"], {"conv": {"out_channels": "K", "kernel_size": 1}}), [[1]])

    assert "the network cannot run while symbols have no value: H, K" in message
    assert "network.bind({'H': 32})" in message


def test_a_kind_without_a_kernel_is_an_error() -> None:
    class Unknown(type(network([1], "relu").nodes[0].layer)):
        """No layer of the vocabulary."""

    net = network([1], "relu")
    nodes = (Node("u", Unknown(), (0,), "unknown"),)

    with pytest.raises(LookupError, match="no kernel for Unknown; there is one for: AdaptiveAvgPool"):
        run(replace(net, nodes=nodes), [1])
