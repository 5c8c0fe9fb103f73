"""Heights of the last maps of imported networks: one floor, and right at every size; and the page that shows them."""

from __future__ import annotations

from functools import cache

import pytest

pytestmark = [pytest.mark.peers("torchvision"), pytest.mark.onnx]
EXPECTED = {
    "ResNet-50": "floor((H + 31)/32)",
    "GoogLeNet": "floor((H + 17)/32)",
    "DenseNet-121": "floor((H + 3)/32)",
    "ConvNeXt-Tiny": "floor(H/32)",
    "VGG-16": "floor(H/32)",
    "AlexNet": "floor((H - 31)/32)",
    "`same`, stride 2": "floor((H + 7)/8)",
    "ceil-mode pools": "floor((H + 15)/16)",
}


def forms():
    import closed_forms

    return closed_forms


@cache
def written():
    return forms().PAGE.read_text(encoding="utf-8")


OURS = list(EXPECTED)[-2:]
"""Those that are small enough for every run."""


@pytest.mark.parametrize("source", ["PyTorch", "ONNX"])
@pytest.mark.parametrize(
    "name", [each if each in OURS else pytest.param(each, marks=pytest.mark.full) for each in EXPECTED]
)
def test_the_last_height_is_one_floor_and_right_at_every_size(name: str, source: str) -> None:
    found = forms().height(name, source)

    assert str(found) == EXPECTED[name]
    measured = forms().heights(name)
    assert {at: found.bind({"H": at}) for at in measured} == measured
    assert max(measured) == 300


@pytest.mark.full
@pytest.mark.parametrize("name", EXPECTED)
def test_what_the_page_says_of_a_network_is_current(name: str) -> None:
    assert forms().section(name) in written(), "run python tests/importers/closed_forms.py"


@pytest.mark.full
def test_all_macs_of_resnet_50_stand_on_the_page() -> None:
    assert forms().macs() in written(), "run python tests/importers/closed_forms.py"


def test_the_page_has_all_networks_and_says_around_them_what_the_script_writes() -> None:
    text = written()
    parts = ["## " + part.strip() for part in text.split("\n## ")[1:]]

    assert list(forms().NETWORKS) == list(EXPECTED)
    assert [part.splitlines()[0].removeprefix("## ") for part in parts[:-2]] == list(EXPECTED)
    assert forms().page(parts[:-2], parts[-2]) == text, "run python tests/importers/closed_forms.py"
