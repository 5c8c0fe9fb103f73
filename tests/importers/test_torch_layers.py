"""Modules of PyTorch run by the executor and by PyTorch itself, in double precision."""

from __future__ import annotations

import copy
from importlib.util import find_spec
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convmath as cm

if find_spec("torch"):
    import torch
    import torch_cases as cases

    from convmath.importers.torch.calls import MODULES

    NAMES = tuple(cases.CASES)
else:
    NAMES = ()

pytestmark = pytest.mark.peers

SIZES = ({"L": 9, "D": 7, "H": 8, "W": 11}, {"L": 16, "D": 8, "H": 13, "W": 10})


def agree(module, shape, sizes, network=None):
    """Run a module both ways on the same numbers."""
    module = copy.deepcopy(module).double().eval()
    network = network or cm.from_torch(module, shape, weights=True)
    concrete = tuple(sizes.get(each, each) for each in shape)
    x = np.random.default_rng(crc32(str(concrete).encode())).standard_normal(concrete)
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)[None])[0].numpy()
    found = cm.run(network, x)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
    params = cm.analyze(network).totals.params
    assert params == sum(each.numel() for each in module.parameters())


@pytest.mark.parametrize("sizes", SIZES, ids=("one size", "another"))
@pytest.mark.parametrize("name", NAMES)
def test_a_module_gives_what_pytorch_gives(name, sizes):
    torch.manual_seed(0)
    agree(*cases.CASES[name], sizes)


def test_every_layer_of_the_table_has_a_case():
    made = {type(each).__name__ for module, _ in cases.LAYERS.values() for each in module.modules()}
    beside = {"NonDynamicallyQuantizableLinear", "DeformConv2d", "FrozenBatchNorm2d"}
    beside |= {"StochasticDepth", "DropBlock2d", "DropBlock3d"}  # torchvision's; see test_torchvision
    assert set(MODULES.names()) == made - {"Sequential"} | beside


def triple(rank, least, most):
    return st.tuples(*[st.integers(least, most)] * rank)


@st.composite
def convolutions(draw):
    rank = draw(st.integers(1, 3))
    groups = draw(st.sampled_from((1, 2, 4)))
    kernel = draw(triple(rank, 1, 3))
    return getattr(torch.nn, f"Conv{rank}d")(
        4,
        4 * draw(st.integers(1, 2)),
        kernel,
        draw(triple(rank, 1, 3)),
        draw(triple(rank, 0, 3)),
        draw(triple(rank, 1, 2)),
        groups,
        draw(st.booleans()),
        draw(st.sampled_from(("zeros", "replicate"))),
    ), cases.SPACE[rank]


@st.composite
def transposed(draw):
    rank = draw(st.integers(1, 3))
    stride = draw(triple(rank, 1, 3))
    return getattr(torch.nn, f"ConvTranspose{rank}d")(
        4,
        4,
        draw(triple(rank, 2, 3)),
        stride,
        draw(triple(rank, 0, 1)),
        tuple(each - 1 for each in stride),
        draw(st.sampled_from((1, 2, 4))),
        draw(st.booleans()),
        draw(triple(rank, 1, 2)),
    ), cases.SPACE[rank]


@st.composite
def pools(draw):
    rank = draw(st.integers(1, 3))
    kernel = draw(st.integers(2, 4))
    stride, padding = draw(st.integers(1, 4)), draw(st.integers(0, kernel // 2))
    ceil = draw(st.booleans())
    if draw(st.booleans()):
        made = getattr(torch.nn, f"MaxPool{rank}d")(kernel, stride, padding, draw(st.integers(1, 2)), ceil_mode=ceil)
    else:
        made = getattr(torch.nn, f"AvgPool{rank}d")(kernel, stride, padding, ceil, draw(st.booleans()))
    return made, cases.SPACE[rank]


@pytest.mark.parametrize("kind", [convolutions, transposed, pools])
def test_a_layer_with_any_fields_gives_what_pytorch_gives(kind):
    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(kind(), st.sampled_from(SIZES))
    def holds(case, sizes):
        agree(*case, sizes)

    holds()


@pytest.mark.parametrize("factor", [1.3, (1.3, 2.0, 1.0), (1.2, 1.5, 1.3), 0.7])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_an_axis_whose_size_stays_is_resized_as_pytorch_does(rank, mode, factor):
    name = mode if mode == "nearest" else ("linear", "bilinear", "trilinear")[rank - 1]
    given = factor[:rank] if isinstance(factor, tuple) else factor
    agree(torch.nn.Upsample(scale_factor=given, mode=name), (2, 3, 4, 3)[: rank + 1], {})
