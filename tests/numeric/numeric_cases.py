"""What the tests of the executor share: networks from plain data, and random windows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from convmath.spec.document import Document
from convmath.spec.graph import Network
from convmath.spec.parse import parse

MODES = ("zeros", "reflect", "replicate", "circular")


def network(shape: list[int | str], *layers: Any, **values: int) -> Network:
    """Return a bound network: ``network([1, "H"], {"conv": …}, H=5)``."""
    data = {"convmath": 1, "input": list(shape), "layers": list(layers)}
    return parse(Document("<test>", "", data)).bind(values)


def image(shape: list[int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


class Case(NamedTuple):
    """A windowed layer's fields and an input that it fits."""

    fields: dict[str, Any]
    shape: list[int]

    @property
    def rank(self) -> int:
        return len(self.shape) - 1


@st.composite
def axis_windows(
    draw: st.DrawFn, *, pooling: bool = False, dilated: bool = True
) -> tuple[int, int, int, list[int], int]:
    """Draw kernel, stride, dilation, padding and a size that fits: stride > kernel and kernel == input included."""
    kernel = draw(st.integers(1, 4))
    stride = draw(st.integers(1, 5))
    dilation = draw(st.integers(1, 3)) if dilated else 1
    extent = dilation * (kernel - 1) + 1
    most = kernel // 2 if pooling else 3
    before = draw(st.integers(0, most))
    after = before if pooling else draw(st.integers(0, most))
    least = max(1, extent - before - after)
    size = draw(st.integers(least, least + 6))
    return kernel, stride, dilation, [before, after], size


@st.composite
def windowed(
    draw: st.DrawFn, *, rank: int | None = None, channels: int = 1, pooling: bool = False, dilated: bool = True
) -> Case:
    """Draw the fields of a layer with windows, and the shape of its input."""
    rank = rank or draw(st.integers(1, 3))
    axes = [draw(axis_windows(pooling=pooling, dilated=dilated)) for _ in range(rank)]
    kernel, stride, dilation, padding, sizes = map(list, zip(*axes, strict=True))
    fields = {"kernel_size": kernel, "stride": stride, "padding": padding}
    if dilated:
        fields["dilation"] = dilation
    return Case(fields, [channels, *sizes])


@st.composite
def convolutions(draw: st.DrawFn) -> Case:
    """Draw a convolution with groups, any rank, any padding mode that its input has elements for."""
    groups = draw(st.integers(1, 3))
    channels, kernels = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    case, mode = draw(windowed(channels=channels)), draw(st.sampled_from(MODES))
    # A mirror has one element less than the image, a circle as many: where that is too little, the image grows.
    spare = {"reflect": 1, "circular": 0}.get(mode, -3)
    sizes = [
        max(size, *(each + spare for each in pair))
        for size, pair in zip(case.shape[1:], case.fields["padding"], strict=True)
    ]
    return Case(case.fields | {"out_channels": kernels, "groups": groups, "padding_mode": mode}, [channels, *sizes])
