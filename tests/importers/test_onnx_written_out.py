"""Layers that the exporters of PyTorch write as several operators: one layer again, or refused."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx_models import model, node, tensor
from written_models import bounded, joined, logarithm, responses, softplus

import convmath as cm
from convmath.errors import UnsupportedError

pytestmark = [pytest.mark.onnx, pytest.mark.peers]


@pytest.mark.parametrize(
    ("make", "of", "kinds"), [(softplus, 20, {"relu", "softplus", "add"}), (logarithm, "Sigmoid", {"log_sigmoid"})]
)
def test_they_are_one_layer(make: Callable[[Any], bytes], of: Any, kinds: set[str]) -> None:
    import onnxruntime

    made = make(of)
    net = cm.from_onnx(made)
    x: Any = np.linspace(-6, 30, 18, dtype=np.float32).reshape(2, 3, 3)
    [[expected]] = onnxruntime.InferenceSession(made).run(None, {"x": x[None]})

    assert {each.kind for each in net.nodes} == kinds
    np.testing.assert_allclose(cm.run(net, x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("make", "of"), [(softplus, (1,)), (softplus, (20, "h")), (logarithm, ("Tanh",))])
def test_what_only_looks_like_them_is_refused(make: Callable[..., bytes], of: tuple[Any, ...]) -> None:
    made = make(*of)

    with pytest.raises(UnsupportedError, match=r"operator is unknown|no part of a layer that is known"):
        cm.from_onnx(made)


EXPORTED = [
    ("LocalResponseNorm", {"size": 5, "alpha": 0.1, "beta": 0.7, "k": 2.0}, (7, 6, 5), "local_response_norm"),
    ("LocalResponseNorm", {"size": 4, "alpha": 0.5}, (6, 6, 6), "local_response_norm"),
    ("LocalResponseNorm", {"size": 3}, (4, 9), "local_response_norm"),
    ("LocalResponseNorm", {"size": 3, "alpha": 0.3}, (4, 3, 5, 4), "local_response_norm"),
    ("LPPool2d", {"norm_type": 2, "kernel_size": (3, 2), "stride": 2}, (3, 8, 7), "lp_pool"),
    ("LPPool1d", {"norm_type": 4, "kernel_size": 3}, (3, 11), "lp_pool"),
    ("Softplus", {"beta": 2.0}, (2, 5, 5), "softplus"),
    ("Softplus", {"beta": 0.5, "threshold": 30}, (2, 5), "softplus"),
]


@pytest.mark.parametrize("newer", [False, True], ids=["classic", "newer"])
@pytest.mark.parametrize(("name", "fields", "shape", "kind"), EXPORTED)
def test_what_an_exporter_writes_out_is_one_layer_with_its_outputs(
    name: str, fields: dict[str, Any], shape: tuple[int, ...], kind: str, *, newer: bool
) -> None:
    import torch

    module = torch.nn.Sequential(torch.nn.Tanh(), getattr(torch.nn, name)(**fields)).eval()
    x = 4 * torch.randn(1, *shape, generator=torch.Generator().manual_seed(5))
    made = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), made, dynamo=newer, verbose=False)
    net = cm.from_onnx(made.getvalue())

    assert [each.kind for each in net.nodes] == ["tanh", kind]
    np.testing.assert_allclose(cm.run(net, x[0].numpy()), module(x)[0], rtol=1e-4, atol=1e-5)


UNOPTIMIZED = [
    ("GroupNorm", (2, 8), "group_norm", 16),
    ("GroupNorm", (2, 8, 1e-3, False), "group_norm", 16),
    ("GroupNorm", (34, 68), "group_norm", 136),
    ("InstanceNorm2d", (8,), "instance_norm", 16),
    ("BatchNorm2d", (40, 1e-5, 0.1, False), "batch_norm", 80),
    ("Softplus", (), "softplus", 0),
    ("Softplus", (2.0,), "softplus", 0),
    ("Hardtanh", (-0.5, 0.75), "hard_tanh", 0),
]


@pytest.mark.parametrize(
    ("name", "fields", "kind", "params", "optimize"),
    [*((*each, False) for each in UNOPTIMIZED), *((*each, True) for each in UNOPTIMIZED[:2])],
)
def test_the_newer_exporter_may_leave_numbers_to_be_worked_out(
    name: str, fields: tuple[Any, ...], kind: str, params: int, *, optimize: bool
) -> None:
    import onnxruntime
    import torch

    module = getattr(torch.nn, name)(*fields).eval()
    generator = torch.Generator().manual_seed(5)
    for each in (*module.parameters(), *(held for held in module.buffers() if held.dim())):
        each.data.uniform_(0.5, 2, generator=generator)
    x = 4 * torch.randn(1, fields[name == "GroupNorm"] if params else 3, 5, 4, generator=generator)
    made = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), made, dynamo=True, verbose=False, optimize=optimize, input_names=["x"])
    net = cm.from_onnx(made.getvalue())
    [[expected]] = onnxruntime.InferenceSession(made.getvalue()).run(None, {"x": x.numpy()})

    assert [each.kind for each in net.nodes] == [kind]
    assert cm.analyze(net).totals.params == params
    np.testing.assert_allclose(cm.run(net, x[0].numpy()), expected, rtol=1e-4, atol=1e-5)


BOUNDS = [
    ((("Max", -1.0), ("Min", 2.0)), ["hard_tanh"]),
    ((("Min", 2.0), ("Max", -1.0)), ["hard_tanh"]),
    ((("Max", 0.0), ("Min", 6.0)), ["relu6"]),
    ((("Max", 0.0),), ["relu"]),
    ((("Max", 0.0), ("Max", 0.0)), ["relu", "relu"]),
    ((("Max", -3.0), ("Min", 3.0), ("Max", -2.0), ("Min", 1.0)), ["hard_tanh", "hard_tanh"]),
]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("steps", "kinds"), BOUNDS)
def test_a_maximum_and_a_minimum_are_bounds(
    steps: tuple[tuple[str, float], ...], kinds: list[str], *, turned: bool
) -> None:
    import onnxruntime

    made = bounded(*steps, turned=turned)
    x: Any = np.linspace(-7, 9, 18, dtype=np.float32).reshape(2, 3, 3)
    [[expected]] = onnxruntime.InferenceSession(made).run(None, {"x": x[None]})
    net = cm.from_onnx(made)

    assert [each.kind for each in net.nodes] == kinds
    np.testing.assert_array_equal(cm.run(net, x), expected)


@pytest.mark.parametrize(
    "steps",
    [
        (("Max", 1.0),),
        (("Min", 0.0),),
        (("Max", 2.0), ("Min", 1.0)),
        (("Min", -1.0), ("Max", 2.0)),
        (("Max", -1.0), ("Min", 2.0), ("Max", 1.0)),
    ],
)
def test_one_bound_alone_is_refused(steps: tuple[tuple[str, float], ...]) -> None:
    with pytest.raises(UnsupportedError, match="there is no layer for m"):
        cm.from_onnx(bounded(*steps))


@pytest.mark.parametrize(("rank", "padding"), [(1, 2), (2, (1, 2)), (2, (0, 3))])
def test_circular_padding_of_the_classic_exporter_has_its_outputs(rank: int, padding: Any) -> None:
    import torch

    kinds = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d}
    module = kinds[rank](2, 3, 3, stride=2, padding=padding, padding_mode="circular").eval()
    x = torch.randn(1, 2, *(7, 6)[:rank], generator=torch.Generator().manual_seed(5))
    made = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (x,),
            made,
            dynamo=False,
            input_names=["x"],
            dynamic_axes={"x": {at: f"s{at}" for at in (2, rank + 1)}},
        )
    net = cm.from_onnx(made.getvalue())

    with torch.no_grad():
        np.testing.assert_allclose(cm.run(net, x[0].numpy()), module(x)[0], rtol=1e-4, atol=1e-5)


END = 2**63 - 1


@pytest.mark.parametrize(("start", "stop", "turned"), [(0, 2, False), (-3, END, True)])
def test_a_join_with_the_other_end_is_a_circular_padding(start: int, stop: int, *, turned: bool) -> None:
    import onnxruntime

    made = joined(start, stop, turned=turned)
    x: Any = np.arange(14, dtype=np.float32).reshape(2, 7)
    [[expected]] = onnxruntime.InferenceSession(made).run(None, {"x": x[None]})

    np.testing.assert_array_equal(cm.run(cm.from_onnx(made), x), expected)


@pytest.mark.parametrize(
    "made",
    [
        lambda: joined(0, 2, turned=True),
        lambda: joined(-2, END),
        lambda: joined(1, 3),
        lambda: joined(-3, -1, turned=True),
        lambda: joined(0, 2, of="h"),
        lambda: joined(0, END),
    ],
)
def test_other_joins_along_space_are_refused(made: Callable[[], bytes]) -> None:
    with pytest.raises(UnsupportedError, match="only channels can be joined"):
        cm.from_onnx(made())


@pytest.mark.parametrize("axis", [1, -2])
def test_channels_that_are_joined_with_some_of_their_own_are_joined(axis: int) -> None:
    import onnxruntime

    held = [tensor(name, (1,), [value], "INT64") for name, value in (("start", -2), ("stop", END), ("axis", axis))]
    nodes = [
        node("Slice", ["x", "start", "stop", "axis"], ["e"]),
        node("Concat", ["e", "x"], ["y"], axis=axis),
    ]
    made = model(nodes, {"x": (1, 4, 5)}, ("y",), held).SerializeToString()
    x: Any = np.arange(20, dtype=np.float32).reshape(4, 5)
    [[expected]] = onnxruntime.InferenceSession(made).run(None, {"x": x[None]})

    np.testing.assert_array_equal(cm.run(cm.from_onnx(made), x), expected)


def test_bounds_of_a_size_stay_sizes() -> None:
    sizes = (("two", 2), ("one", 1), ("most", 12), ("all", -1), ("first", 0))
    held = [tensor(name, (1,), [value], "INT64") for name, value in sizes]
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "two"], ["h"], axis=0),
        node("Max", ["h", "one"], ["l"]),
        node("Min", ["l", "most"], ["m"]),
        node("Concat", ["one", "m", "all"], ["t"], axis=0),
        node("Reshape", ["x", "t"], ["y"]),
    ]
    made = model(nodes, {"x": (1, 4, 6, 5)}, ("y",), held)

    assert cm.analyze(cm.from_onnx(made.SerializeToString())).totals.output_shape == (6, 20)


def test_a_maximum_of_three_maps_is_read_as_two() -> None:
    nodes = [node("Tanh", ["x"], ["h"]), node("Relu", ["x"], ["r"]), node("Max", ["x", "h", "r"], ["y"])]

    net = cm.from_onnx(model(nodes, {"x": (1, 4, 6, 5)}).SerializeToString())
    assert [each.kind for each in net.nodes].count("maximum") == 2


def test_a_norm_by_neighbouring_channels_is_one_layer() -> None:
    import onnxruntime

    made = responses()
    x: Any = np.linspace(-3, 4, 36, dtype=np.float32).reshape(4, 3, 3)
    [[expected]] = onnxruntime.InferenceSession(made).run(None, {"x": x[None]})
    net = cm.from_onnx(made)

    assert [each.kind for each in net.nodes] == ["local_response_norm"]
    np.testing.assert_allclose(cm.run(net, x), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "changed",
    [
        {"pads": (0, 0, 2, 0, 0, 0, 0, 0, 0, 0)},
        {"pads": (0, 0, 0, 1, 0, 0, 0, 2, 1, 0)},
        {"kernel_shape": [3, 3, 1], "pads": (0, 0, 1, 1, 0, 0, 0, 1, 1, 0)},
        {"strides": [1, 1, 2]},
        {"dilations": [2, 1, 1], "pads": (0, 0, 2, 0, 0, 0, 0, 2, 0, 0)},
        {"auto_pad": "SAME_UPPER", "pads": (0,) * 10},
        {"middle": "x"},
        {"value": 5.0},
        {"apart": (1, 1, 4, 9, 1)},
        {"apart": (1, 4, 1, 3, 3), "taken": 2},
        {"beta": (1, 1, 1, 1, 1)},
        {"batch": 2, "apart": (1, 1, 4, 6, 3)},
    ],
)
def test_what_only_looks_like_a_norm_by_channels_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError):
        cm.from_onnx(responses(**changed))
