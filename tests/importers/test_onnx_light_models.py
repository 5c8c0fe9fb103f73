"""The real networks inside the package of ONNX: their parameters and MACs are the published ones."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

import convmath as cm

pytestmark = pytest.mark.onnx

TWICE = ("densenet121",)
"""Their norms have factors and biases beside those of the layers behind them, as Caffe separates the two."""
PUBLISHED: dict[str, tuple[int, str]] = {
    "bvlc_alexnet": (60_965_224, "0.655"),
    "densenet121": (7_978_856, "2.834"),
    "inception_v1": (6_998_552, "1.43"),
    "resnet50": (25_557_032, "4.089"),
    "squeezenet": (1_235_496, "0.349"),
    "vgg19": (143_667_240, "19.632"),
}
"""Parameters as torchvision and Caffe's model zoo publish them, and billions of MACs as torchvision's ``_ops``.

Those of GoogLeNet, which torchvision changed, are from Sze et al. 2017, table II; those of AlexNet in groups for an
image of 224 pixels are the sum over its layers:
54²·96·363 + 26²·256·1200 + 12²·(384·2304 + 384·1728 + 256·1728) + 9216·4096 + 4096·4096 + 4096·1000.
"""
OTHERS = ("inception_v2", "shufflenet", "zfnet512")


def path_of(name: str) -> Path:
    found = find_spec("onnx")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "backend" / "test" / "data" / "light" / f"light_{name}.onnx"


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones(name: str) -> None:
    totals = cm.analyze(cm.from_onnx(path_of(name))).totals

    twice = totals.buffers if name in TWICE else 0
    params, billions = PUBLISHED[name]
    assert totals.params - twice == params
    assert f"{totals.macs / 10**9:.{len(billions.partition('.')[2])}f}" == billions


@pytest.mark.parametrize("name", [*PUBLISHED, *OTHERS])
def test_shapes_are_those_that_the_models_tell(name: str) -> None:
    import onnx

    graph = onnx.load(path_of(name)).graph
    found = {each.name: each.output_shape for each in cm.analyze(cm.from_onnx(path_of(name))).layers}
    told = {each.name: each.type.tensor_type.shape.dim for each in (*graph.output, *graph.value_info)}
    makers = {output: node.name or output for node in graph.node for output in node.output}

    assert graph.output[0].name in told
    for name_, dims in told.items():
        assert found[makers[name_]] == tuple(each.dim_value for each in dims)[1:]


def test_every_light_model_is_here() -> None:
    folder = path_of("vgg19").parent
    assert {each.stem.removeprefix("light_") for each in folder.glob("*.onnx")} == {*PUBLISHED, *OTHERS}
