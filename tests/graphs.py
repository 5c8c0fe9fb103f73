"""Random networks with branches, as plain entries of a spec."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Entry = dict[str, Any]

CHANNELS = 2


@st.composite
def keeping(draw: st.DrawFn) -> Entry:
    """Draw a layer that keeps the size: padding makes up for the window, evenly or not."""
    kernel, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    reach = dilation * (kernel - 1)
    before = draw(st.integers(0, reach))
    window = {"kernel_size": kernel, "stride": 1, "dilation": dilation, "padding": [[before, reach - before]]}
    if draw(st.booleans()) and max(before, reach - before) < reach + 1:
        return {draw(st.sampled_from(["max_pool", "avg_pool"])): window}
    return {"conv": {"out_channels": CHANNELS, **window}}


@st.composite
def detour(draw: st.DrawFn) -> list[Entry]:
    """Draw a way down and up again, by the same factor."""
    factor = draw(st.integers(2, 3))
    down = draw(st.sampled_from(["max_pool", "conv"]))
    fields = {"kernel_size": factor, "stride": factor}
    up = draw(st.sampled_from(["upsample", "conv_transpose"]))
    return [
        {down: fields | ({"out_channels": CHANNELS} if down == "conv" else {})},
        *draw(st.lists(keeping(), max_size=1)),
        {"upsample": factor} if up == "upsample" else {"conv_transpose": {"out_channels": CHANNELS, **fields}},
    ]


def branch(depth: int) -> st.SearchStrategy[list[Entry]]:
    """Draw layers that end with the size that they begin with."""
    piece = st.one_of(keeping().map(lambda each: [each]), detour(), *([fork(depth - 1)] if depth else []))
    return st.lists(piece, max_size=2).map(lambda pieces: [each for piece in pieces for each in piece])


@st.composite
def fork(draw: st.DrawFn, depth: int) -> list[Entry]:
    """Draw branches and what joins them; behind a concatenation the channels are as before."""
    merge = draw(st.sampled_from(["add", "multiply", "concat", "residual"]))
    if merge == "residual":
        return [{"residual": draw(branch(depth))}]
    branches = draw(st.lists(branch(depth), min_size=1, max_size=3))
    mixed = [{"pointwise_conv": CHANNELS}] if merge == "concat" else []
    return [{"parallel": {"merge": merge, "branches": branches}}, *mixed]


@st.composite
def graphs(draw: st.DrawFn) -> list[Entry]:
    """Draw a network with at least one fork; a stride may stand before or behind."""
    strided = {"conv": {"out_channels": CHANNELS, "kernel_size": draw(st.integers(1, 4)), "stride": 2}}
    before = [strided] if draw(st.booleans()) else draw(branch(0))
    return [*before, *draw(fork(1)), *draw(branch(1)), *([strided] if draw(st.booleans()) else [])]
