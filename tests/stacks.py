"""Random stacks of layers: as plain entries of a spec, and as lists of windows per axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from enumeration import AxisLayer
from hypothesis import strategies as st


@dataclass(frozen=True)
class Case:
    """One layer: its entry in a spec, and what it does along each axis."""

    entry: dict[str, Any]
    axes: tuple[AxisLayer, ...]


@st.composite
def window_cases(draw: st.DrawFn, rank: int) -> Case:
    """Draw a convolution or a pooling: stride above kernel, uneven padding, dilation, ceil mode, same."""
    kind = draw(st.sampled_from(["conv", "max_pool", "avg_pool", "depthwise_conv", "locally_connected"]))
    pooling = kind.endswith("pool")
    axes = []
    for _ in range(rank):
        kernel, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3))
        most = dilation * (kernel - 1) if pooling else 6
        before, after = draw(st.integers(0, most)), draw(st.integers(0, most))
        axes.append(AxisLayer("window", kernel, draw(st.integers(1, 5)), dilation, before, after))
    same = draw(st.integers(0, 4)) == 0
    ceil = pooling and draw(st.booleans())
    fields: dict[str, Any] = {
        "kernel_size": [axis.kernel for axis in axes],
        "stride": [axis.stride for axis in axes],
        "dilation": [axis.dilation for axis in axes],
        "padding": "same" if same else [[axis.before, axis.after] for axis in axes],
    }
    if pooling:
        fields["ceil_mode"] = ceil
    elif kind == "depthwise_conv":
        fields["multiplier"] = draw(st.integers(1, 2))
    else:
        fields["out_channels"] = draw(st.integers(1, 3))
    if not pooling:
        fields["bias"] = draw(st.booleans())
    shown = tuple(AxisLayer(**{**axis.__dict__, "ceil": ceil, "same": same}) for axis in axes)
    return Case({kind: fields}, shown)


@st.composite
def pad_cases(draw: st.DrawFn, rank: int) -> Case:
    """Draw padding of its own."""
    axes = tuple(AxisLayer("pad", before=draw(st.integers(0, 4)), after=draw(st.integers(0, 4))) for _ in range(rank))
    return Case({"pad": {"amount": [[axis.before, axis.after] for axis in axes]}}, axes)


@st.composite
def adaptive_cases(draw: st.DrawFn, rank: int) -> Case:
    """Draw a pooling to a fixed size."""
    axes = tuple(AxisLayer("adaptive", count=draw(st.integers(2, 5))) for _ in range(rank))
    kind = draw(st.sampled_from(["adaptive_avg_pool", "adaptive_max_pool"]))
    return Case({kind: {"output_size": [axis.count for axis in axes]}}, axes)


@st.composite
def crop_cases(draw: st.DrawFn, rank: int) -> Case:
    """Draw a crop."""
    axes = tuple(AxisLayer("crop", before=draw(st.integers(0, 3)), after=draw(st.integers(0, 3))) for _ in range(rank))
    return Case({"crop": {"amount": [[axis.before, axis.after] for axis in axes]}}, axes)


@st.composite
def upsample_cases(draw: st.DrawFn, rank: int) -> Case:
    """Draw an up-sampling."""
    mode = draw(st.sampled_from(["nearest", "bilinear"]))
    axes = tuple(AxisLayer(mode, count=draw(st.integers(1, 4))) for _ in range(rank))
    return Case({"upsample": {"scale_factor": [axis.count for axis in axes], "mode": mode}}, axes)


@st.composite
def resized_cases(draw: st.DrawFn, rank: int) -> Case:
    """Draw an up-sampling to a size, which may also be smaller than what arrives."""
    mode = draw(st.sampled_from(["nearest", "bilinear", "aligned"]))
    axes = tuple(AxisLayer("resized", count=draw(st.integers(1, 12)), mode=mode) for _ in range(rank))
    fields = {"mode": "nearest" if mode == "nearest" else "bilinear", "align_corners": mode == "aligned"}
    return Case({"upsample": {"size": [axis.count for axis in axes], **fields}}, axes)


@st.composite
def transposed_cases(draw: st.DrawFn, rank: int, *, gapless: bool = False) -> Case:
    """Draw a transposed convolution; *gapless* ones have a kernel of the stride or more, and no dilation."""
    same = draw(st.integers(0, 4)) == 0
    axes = []
    for _ in range(rank):
        stride, dilation = draw(st.integers(1, 4)), 1 if gapless else draw(st.integers(1, 3))
        kernel = draw(st.integers(stride if gapless else 1, 6))
        kept = draw(st.integers(0, max(stride, dilation) - 1))
        if same and dilation * (kernel - 1) + 1 + kept < stride:
            kernel = stride
        before, after = draw(st.integers(0, 4)), draw(st.integers(0, 4))
        axes.append(AxisLayer("transposed", kernel, stride, dilation, before, after, same=same, kept=kept))
    fields = {
        "out_channels": draw(st.integers(1, 3)),
        "kernel_size": [axis.kernel for axis in axes],
        "stride": [axis.stride for axis in axes],
        "dilation": [axis.dilation for axis in axes],
        "padding": "same" if same else [[axis.before, axis.after] for axis in axes],
        "output_padding": [axis.kept for axis in axes],
        "bias": draw(st.booleans()),
    }
    return Case({"conv_transpose": fields}, tuple(axes))


def enlarging_stacks(rank: int, *, most: int = 4, gapless: bool = False) -> st.SearchStrategy[list[Case]]:
    """Draw a stack in which layers enlarge the image as well."""
    kinds = [window_cases(rank), transposed_cases(rank, gapless=gapless), upsample_cases(rank), crop_cases(rank)]
    return st.lists(st.one_of(*kinds, pointwise_cases(rank)), min_size=1, max_size=most)


def pointwise_cases(rank: int) -> st.SearchStrategy[Case]:
    """Draw a layer that keeps every position."""
    return st.sampled_from(["relu", "batch_norm", "dropout", "softmax", "identity"]).map(
        lambda kind: Case({kind: None}, (AxisLayer("window"),) * rank)
    )


def stacks(rank: int, *, most: int = 5, adaptive: bool = False) -> st.SearchStrategy[list[Case]]:
    """Draw a stack of layers; with *adaptive* one pooling to a fixed size may stand in it."""
    plain = st.lists(
        st.one_of(window_cases(rank), window_cases(rank), pad_cases(rank), pointwise_cases(rank)),
        min_size=1,
        max_size=most,
    )
    if not adaptive:
        return plain
    return st.tuples(plain, adaptive_cases(rank), st.lists(window_cases(rank), max_size=1)).map(
        lambda parts: [*parts[0], parts[1], *parts[2]]
    )
