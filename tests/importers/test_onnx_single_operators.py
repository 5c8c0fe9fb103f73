"""Single operators of ONNX with random attributes: the values are those of ONNX Runtime.

Where that is wrong or refuses, as docs/onnx.md tells, they are those of ONNX's reference evaluator.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from onnx_models import model, node, tensor

import convmath as cm
from convmath.errors import ConvmathError

pytestmark = [pytest.mark.onnx, pytest.mark.peers]

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
LOWEST = np.finfo(np.float32).min
"""What ONNX Runtime takes for the maximum of padding; there is none."""
quick = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@dataclass
class Single:
    """A model of one operator: what arrives, the constants beside it, and its attributes."""

    kind: str
    shape: tuple[int, ...]
    constants: list[Any] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    opset: int = 22
    free: bool = False
    """Whether the sizes of the image are left open in the model."""

    def bytes(self) -> bytes:
        names, held = ["x"], []
        for at, each in enumerate(self.constants):
            names.append("" if each is None else f"c{at}")
            if each is not None:
                array = np.asarray(each)
                kind = "INT64" if array.dtype == np.int64 else "FLOAT"
                held.append(tensor(f"c{at}", array.shape, array.ravel().tolist(), kind))
        sizes = [f"s{at}" if self.free else size for at, size in enumerate(self.shape[1:])]
        dims = (2, self.shape[0], *sizes)
        made = model([node(self.kind, names, ["y"], **self.attributes)], {"x": dims}, ("y",), held, opset=self.opset)
        return bytes(made.SerializeToString())

    def x(self) -> np.ndarray:
        return np.random.default_rng(0).standard_normal((2, *self.shape)).astype(np.float32)

    def by_runtime(self) -> np.ndarray:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(self.bytes(), options, providers=["CPUExecutionProvider"])
        return session.run(None, {"x": self.x()})[0]  # type: ignore[no-any-return]


def assert_same(
    single: Single, peer: Single | None = None, *, refused: tuple[str, ...] = (), held: tuple[int, ...] | None = None
) -> None:
    """Hold the values of one operator against ONNX Runtime's; *peer* says the same in other words.

    *refused* is why convmath may refuse it. An axis of one channel stays, so that the map is *held* in another shape.
    """
    try:
        net = cm.from_onnx(single.bytes())
        found = np.stack([cm.run(net, sample) for sample in single.x()])
    except ConvmathError as error:
        if not any(each in str(error) for each in refused):
            raise
        event("refused")
        return
    wanted = (peer or single).by_runtime()
    wanted = np.where(wanted <= LOWEST, -np.inf, wanted)
    assert found.shape == (held or wanted.shape)
    found = found.reshape(wanted.shape)
    np.testing.assert_allclose(found, wanted, **TOLERANCE)


def numbers(draw: st.DrawFn, *shape: int) -> np.ndarray:
    seed = draw(st.integers(0, 1000))
    return np.random.default_rng(seed).uniform(-1, 1, shape)


@st.composite
def windows(draw: st.DrawFn, *, below_kernel: bool) -> dict[str, Any]:
    """Draw the attributes of a window, with sizes on which it may or may not fit."""
    rank = draw(st.integers(1, 3))

    def each(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank))

    kernel = each(1, 4)
    found: dict[str, Any] = {"kernel_shape": kernel, "strides": each(1, 3), "dilations": each(1, 2)}
    word = draw(st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if word == "NOTSET":
        highest = [min(2, size - 1) if below_kernel else 2 for size in kernel] * 2
        found["pads"] = [draw(st.integers(0, high)) for high in highest]
    else:
        found["auto_pad"] = word
    sizes = each(1, 9 if rank < 3 else 5)
    return {"sizes": tuple(sizes), "attributes": found}


def fits(sizes: tuple[int, ...], attributes: dict[str, Any]) -> bool:
    """Tell whether the window fits into what arrives, with its padding."""
    if attributes.get("auto_pad", "").startswith("SAME"):
        return True
    rank = len(sizes)
    pads = attributes.get("pads", [0] * 2 * rank)
    spans = zip(sizes, attributes["kernel_shape"], attributes["dilations"], pads[:rank], pads[rank:], strict=True)
    return all(dilation * (kernel - 1) + 1 <= size + one + two for size, kernel, dilation, one, two in spans)


def runtime_errs(attributes: dict[str, Any]) -> bool:
    """Tell whether ONNX Runtime does not do what the definition says.

    That is SAME with dilations, or with a kernel shorter than the stride.
    """
    if not attributes.get("auto_pad", "").startswith("SAME"):
        return False
    short = any(k < s for k, s in zip(attributes["kernel_shape"], attributes["strides"], strict=True))
    return short or max(attributes["dilations"]) > 1


def written_out(single: Single) -> Single:
    """Return the same operator with the padding that SAME means, as ONNX defines it, in numbers."""
    attributes = dict(single.attributes)
    word, before, after = attributes.pop("auto_pad"), [], []
    for size, kernel, stride, dilation in zip(
        single.shape[1:], *(attributes[each] for each in ("kernel_shape", "strides", "dilations")), strict=True
    ):
        total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        half = total // 2
        before.append(half if word == "SAME_UPPER" else total - half)
        after.append(total - before[-1])
    return replace(single, attributes={**attributes, "pads": before + after})


def why_refused(sizes: tuple[int, ...], attributes: dict[str, Any], *, free: bool) -> tuple[str, ...]:
    """Return what convmath may say of a window that does not fit, or whose padding depends on the size."""
    found = () if fits(sizes, attributes) else ("does not fit",)
    return (*found, "SAME_LOWER at stride") if free and attributes.get("auto_pad") == "SAME_LOWER" else found


@quick
@given(st.data())
def test_convolutions(data: st.DataObject) -> None:
    made, draw = data.draw(windows(below_kernel=False)), data.draw
    groups, free = draw(st.sampled_from([1, 1, 2, 3])), draw(st.booleans())
    arriving, leaving = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel = made["attributes"]["kernel_shape"]
    constants = [numbers(draw, leaving, arriving // groups, *kernel)]
    constants += [numbers(draw, leaving)] if draw(st.booleans()) else []
    single = Single("Conv", (arriving, *made["sizes"]), constants, {**made["attributes"], "group": groups}, free=free)

    peer = written_out(single) if runtime_errs(made["attributes"]) else None
    assert_same(single, peer, refused=why_refused(made["sizes"], made["attributes"], free=free))


@quick
@given(st.data(), st.sampled_from(["MaxPool", "AveragePool", "LpPool"]))
def test_poolings(data: st.DataObject, kind: str) -> None:
    made, draw = data.draw(windows(below_kernel=True)), data.draw
    attributes, free = dict(made["attributes"]), draw(st.booleans())
    attributes["ceil_mode"] = draw(st.integers(0, 1))
    if kind == "AveragePool":
        attributes["count_include_pad"] = draw(st.integers(0, 1))
    if kind == "LpPool":
        attributes["p"] = draw(st.integers(1, 3))
    single = Single(kind, (2, *made["sizes"]), [], attributes, free=free)

    peer = written_out(single) if runtime_errs(made["attributes"]) else None
    peer = peer and replace(peer, attributes={**peer.attributes, "ceil_mode": 0})
    why = why_refused(made["sizes"], made["attributes"], free=free)
    assert_same(single, peer, refused=(*why, "holds nothing but padding, which has no mean"))


@quick
@given(st.data())
def test_transposed_convolutions(data: st.DataObject) -> None:
    made, draw = data.draw(windows(below_kernel=False)), data.draw
    attributes, free, groups = dict(made["attributes"]), draw(st.booleans()), draw(st.sampled_from([1, 1, 2]))
    arriving, leaving = groups * draw(st.integers(1, 2)), draw(st.integers(1, 2))
    if draw(st.booleans()) and "auto_pad" not in attributes:
        attributes["output_padding"] = [draw(st.integers(0, stride - 1)) for stride in attributes["strides"]]
    constants = [numbers(draw, arriving, leaving, *attributes["kernel_shape"])]
    constants += [numbers(draw, leaving * groups)] if draw(st.booleans()) else []
    single = Single("ConvTranspose", (arriving, *made["sizes"]), constants, {**attributes, "group": groups}, free=free)

    extents = [d * (k - 1) + 1 for k, d in zip(attributes["kernel_shape"], attributes["dilations"], strict=True)]
    short = any(extent < s for extent, s in zip(extents, attributes["strides"], strict=True))
    short = short and attributes.get("auto_pad", "").startswith("SAME")
    if not short and gives_nothing(single):
        with pytest.raises(ConvmathError, match="does not fit"):
            cm.run(cm.from_onnx(single.bytes()), single.x()[0])
        return
    assert_same(single, refused=("defined by no two readers alike",) if short else ())


def gives_nothing(single: Single) -> bool:
    """Tell whether ONNX Runtime refuses a model, or puts out no element."""
    try:
        return single.by_runtime().size == 0
    except Exception:  # noqa: BLE001  (its errors have no common class)
        return True


@quick
@given(st.data())
def test_transposed_convolutions_to_a_size(data: st.DataObject) -> None:
    draw = data.draw
    rank = draw(st.integers(1, 2))
    kernel, strides = (draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank)) for _ in range(2))
    sizes = draw(st.lists(st.integers(1, 5), min_size=rank, max_size=rank))
    most = [s * (n - 1) + k for n, k, s in zip(sizes, kernel, strides, strict=True)]
    wanted = [draw(st.integers(max(1, high - 3), high)) for high in most]
    attributes = {"kernel_shape": kernel, "strides": strides, "output_shape": wanted}
    if draw(st.booleans()):
        attributes["auto_pad"] = draw(st.sampled_from(["SAME_UPPER", "SAME_LOWER"]))

    assert_same(Single("ConvTranspose", (2, *sizes), [numbers(draw, 2, 3, *kernel)], attributes))


@quick
@given(st.data())
def test_matrices(data: st.DataObject) -> None:
    draw = data.draw
    features, outputs, turned = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(0, 1))
    shape = (outputs, features) if turned else (features, outputs)
    alpha, beta = draw(st.sampled_from([1.0, 0.5])), draw(st.sampled_from([1.0, 2.0]))
    bias = draw(st.sampled_from([None, (), (1,), (outputs,), (1, outputs)]))
    constants = [numbers(draw, *shape), *([] if bias is None else [numbers(draw, *bias)])]

    assert_same(Single("Gemm", (features,), constants, {"transB": turned, "alpha": alpha, "beta": beta}))


@quick
@given(st.data())
def test_norms(data: st.DataObject) -> None:
    draw = data.draw
    kind = draw(st.sampled_from(["BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN"]))
    channels = draw(st.integers(1, 3)) * 2
    shape = (channels, *draw(st.lists(st.integers(2, 5), min_size=1, max_size=3)))
    attributes: dict[str, Any] = {"epsilon": draw(st.sampled_from([1e-5, 0.1]))}
    constants = [numbers(draw, channels) for _ in range(2)]
    if kind == "BatchNormalization":
        constants += [numbers(draw, channels), numbers(draw, channels) + 1.5]
    if kind == "GroupNormalization":
        attributes["num_groups"] = draw(st.sampled_from([1, 2, channels]))
    if kind == "LRN":
        constants, attributes = [], {"size": draw(st.sampled_from([1, 3, 5])), "alpha": 0.3, "beta": 0.6, "bias": 1.2}
        shape = (*shape, 2, 2)[:3]

    assert_same(Single(kind, shape, constants, attributes))


@quick
@given(st.data())
def test_paddings(data: st.DataObject) -> None:
    draw = data.draw
    rank = draw(st.integers(1, 3))
    sizes = draw(st.lists(st.integers(3, 5), min_size=rank, max_size=rank))
    mode = draw(st.sampled_from(["constant", "reflect", "edge", "wrap"]))
    low = -1 if mode == "constant" else 0
    pads = [draw(st.integers(low, 2)) for _ in range(2 * rank)]
    axes = draw(st.permutations(range(2, rank + 2)))
    if draw(st.booleans()):
        constants = [np.array(pads), None, np.array(axes) - draw(st.sampled_from([0, rank + 2]))]
    else:
        constants = [np.array([0, 0, *pads[:rank], 0, 0, *pads[rank:]])]

    assert_same(Single("Pad", (2, *sizes), constants, {"mode": mode}, free=draw(st.booleans())))


@quick
@given(st.data())
def test_slices(data: st.DataObject) -> None:
    draw = data.draw
    shape = (4, *draw(st.lists(st.integers(2, 7), min_size=1, max_size=3)))
    axes = draw(st.lists(st.integers(1, len(shape)), min_size=1, max_size=2, unique=True))
    starts, ends, steps = [], [], []
    for axis in axes:
        size = shape[axis - 1]
        start = draw(st.integers(0, size - 1))
        end = draw(st.integers(start + 1, size))
        starts.append(draw(st.sampled_from([start, start - size])))
        ends.append(draw(st.sampled_from([end, end - size] if end < size else [size, size + 3, 2**31 - 1, 2**62])))
        steps.append(1 if axis == 1 else draw(st.integers(1, 3)))
    constants = [np.array(each, dtype=np.int64) for each in (starts, ends, axes, steps)]

    assert_same(Single("Slice", shape, constants, {}))


@pytest.mark.parametrize("end", [2**31 - 1, 2**63 - 1])
def test_slices_to_the_end_of_an_open_size(end: int) -> None:
    constants = [np.array([each], dtype=np.int64) for each in (1, end, 2)]

    assert_same(Single("Slice", (2, 5), constants, {}, free=True))


@quick
@given(st.data())
def test_blocks(data: st.DataObject) -> None:
    draw = data.draw
    block, sizes = draw(st.integers(1, 3)), draw(st.lists(st.integers(1, 3), min_size=2, max_size=2))
    if draw(st.booleans()):
        mode = draw(st.sampled_from(["DCR", "CRD"]))
        channels = 2 * block**2
        assert_same(Single("DepthToSpace", (channels, *sizes), [], {"blocksize": block, "mode": mode}))
    else:
        shape = (draw(st.integers(1, 3)), *(block * size for size in sizes))
        assert_same(Single("SpaceToDepth", shape, [], {"blocksize": block}))


@quick
@given(st.data())
def test_means_and_maxima(data: st.DataObject) -> None:
    draw = data.draw
    rank = draw(st.integers(1, 3))
    shape = (3, *draw(st.lists(st.integers(2, 4), min_size=rank, max_size=rank)))
    space = list(range(2, rank + 2))
    axes = draw(st.sampled_from([space, [1], *([each] for each in space)]))
    axes = [axis - draw(st.sampled_from([0, rank + 2])) for axis in axes]
    kind, keep = draw(st.sampled_from(["ReduceMean", "ReduceMax"])), draw(st.integers(0, 1))

    single = Single(kind, shape, [np.array(axes)], {"keepdims": keep})
    assert_same(single, held=(2, 1, *shape[1:]) if not keep and rank > 1 and axes in ([1], [1 - rank - 2]) else None)


@quick
@given(st.data())
def test_bounds(data: st.DataObject) -> None:
    draw = data.draw
    numbers_ = st.sampled_from([-1.0, -0.5, 0.0, 0.7, 6.0])
    low, high = sorted(draw(st.lists(numbers_, min_size=2, max_size=2, unique=True)))
    bounds = draw(st.sampled_from([[low, high], [0.0], [0.0, 6.0], [low, float("inf")]]))
    refused = ("it has one bound only",) if bounds[1:] == [float("inf")] and low != 0 else ()
    if draw(st.booleans()) and len(bounds) == 2:
        assert_same(Single("Clip", (2, 5), [], {"min": bounds[0], "max": bounds[1]}, opset=10), refused=refused)
    else:
        assert_same(Single("Clip", (2, 5), [np.array(each) for each in bounds]), refused=refused)


@quick
@given(st.data())
def test_resizing(data: st.DataObject) -> None:
    draw = data.draw
    sizes = draw(st.lists(st.integers(2, 5), min_size=2, max_size=2))
    modes = [
        ("nearest", "asymmetric", "floor"),
        ("nearest", "half_pixel", "round_prefer_floor"),
        ("linear", "half_pixel", "floor"),
        ("linear", "pytorch_half_pixel", "floor"),
        ("linear", "align_corners", "floor"),
    ]
    mode, way, rounding = draw(st.sampled_from(modes))
    attributes = {"mode": mode, "coordinate_transformation_mode": way, "nearest_mode": rounding}
    if draw(st.booleans()) or (mode, way) == ("nearest", "half_pixel"):
        constants = [None, np.array([1.0, 1.0, *(draw(st.integers(1, 3)) for _ in sizes)])]
    else:
        constants = [None, None, np.array([2, 2, *(draw(st.integers(size, 3 * size)) for size in sizes)])]

    assert_same(Single("Resize", (2, *sizes), constants, attributes))
