"""Published figures, row by row, against what the zoo's networks give."""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from pathlib import Path

import pytest

from convmath.api import load
from convmath.formula import Formula
from convmath.report import NetworkReport
from convmath.symbolic.compose import derive
from convmath.zoo.catalogue import names
from convmath.zoo.published import rows

REFERENCE = Path(__file__).parent / "reference"
WIDTHS = {"MobileNetV1 1.0": 32, "MobileNetV1 0.75": 24, "MobileNetV1 0.5": 16, "MobileNetV1 0.25": 8}
OTHERS = {"LeNet-5": {"modern": "lenet5"}, "U-Net": {"original": "unet", "same": "unet_same"}}
"""Names of the zoo by network and the first word of a variant."""
MAIN_OUTPUT = {"inception_v3": "fc"}
"""Whose MACs are published without the auxiliary head, which the parameters include."""
LAST_MAP = "last conv feature map"
LAST_MAPS = {"MobileNet": "Conv2d_13_pointwise", "ResNet": "block4"}
FIELDS = {
    ("alexnet_v2", "TF-Slim (2014)"): "tfslim_alexnet_v2",
    ("vgg_16", "TF-Slim (2014)"): "tfslim_vgg_16",
    ("mobilenet_v1", "TF-Slim (2017)"): "tfslim_mobilenet_v1",
    ("resnet_v1_50", "TF-Slim (2015)"): "tfslim_resnet_v1_50",
    ("resnet_v1_101", "TF-Slim (2015)"): "tfslim_resnet_v1_101",
    ("alexnet_v2", "TF-Slim"): "tfslim_alexnet_v2",
    ("vgg_a", "TF-Slim"): "tfslim_vgg_a",
    ("vgg_16", "TF-Slim"): "tfslim_vgg_16",
    ("mobilenet_v1", "TF-Slim"): "tfslim_mobilenet_v1",
    ("resnet_v1_50", "TF-Slim"): "tfslim_resnet_v1_50",
    ("resnet_v1_101", "TF-Slim"): "tfslim_resnet_v1_101",
    ("resnet18", "torchvision"): "resnet18",
    ("resnet50", "torchvision (v1.5: stride in 3x3)"): "resnet50",
    ("resnet50", "original paper v1 (stride in first 1x1)"): "resnet50_v1",
    ("alexnet", "torchvision"): "alexnet",
    ("vgg11", "torchvision"): "vgg11",
    ("vgg16", "torchvision"): "vgg16",
    ("lenet5", "LeCun 1998"): "lenet5",
}


def table(name: str) -> list[dict[str, str]]:
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def counted() -> list[tuple[str, dict[str, int], dict[str, str]]]:
    """Return the rows of networks in the zoo: name, values of the symbols, published figures."""
    found = []
    for row in table("params_macs.csv"):
        name = OTHERS.get(row["network"], {}).get(re.split(r"\W", row["variant"])[0], row["network"].lower())
        if row["network"] in WIDTHS:
            found.append(("mobilenet_v1", {"H": 224, "W": 224, "width": WIDTHS[row["network"]]}, row))
        elif name in names() and row["variant"] != "paper":
            found.append((name, {"H": int(row["input"]), "W": int(row["input"])}, row))
    return found


@pytest.mark.parametrize(
    ("name", "values", "row"), counted(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_parameters_and_macs_are_exactly_the_published_ones(
    name: str, values: dict[str, int], row: dict[str, str]
) -> None:
    network = load(f"zoo:{name}", values, numbers=True)
    counted = network.up_to(MAIN_OUTPUT[name]) if name in MAIN_OUTPUT else network
    macs = derive(counted).totals.macs

    assert derive(network).totals.params == int(row["params"])
    if row["macs"]:
        assert macs == int(row["macs"])
    if row["macs_G"]:
        assert round(Fraction(int(macs), 10**9), 3) == Fraction(row["macs_G"])


def test_the_rows_of_the_zoo_are_all_there() -> None:
    assert len(counted()) == 38
    assert len(field_rows()) == 191
    left_out = {row["network"] for row in table("params_macs.csv")} - {row["network"] for _, _, row in counted()}
    assert left_out == {"Keras ResNet50", "Keras MobileNet", "LocallyConnected2D"}  # of other counts and no networks


def field_rows() -> list[tuple[str, dict[str, str]]]:
    return [
        (FIELDS[row["network"], row["variant"]], row)
        for row in table("receptive_fields.csv")
        if (row["network"], row["variant"]) in FIELDS
    ]


def layer_of(report: NetworkReport, endpoint: str) -> str:
    """Return the layer that an endpoint names: the last part of its path, ``features`` before a fixed size."""
    if endpoint == LAST_MAP:
        return next((layer for family, layer in LAST_MAPS.items() if report.network.startswith(family)), "pool5")
    last = endpoint.rsplit("/", maxsplit=1)[-1].split(" ", maxsplit=1)[0]
    if last == "features":
        fixed = next(at for at, layer in enumerate(report.layers) if layer.kind.startswith("adaptive"))
        return report.layers[fixed - 1].name
    return next(each.name for each in (*report.layers, *report.groups) if each.name.lower() == last.lower())


@pytest.mark.parametrize("name", sorted(set(FIELDS.values())))
def test_receptive_fields_are_the_published_ones(name: str) -> None:
    network = load(f"zoo:{name}")
    symbolic = derive(network)
    for row in [row for zoo_name, row in field_rows() if zoo_name == name]:
        report = symbolic
        if row["input_resolution"]:
            size = int(row["input_resolution"])
            report = derive(load(f"zoo:{name}", {"H": size, "W": size}, numbers=True))
        field = report.layer(layer_of(report, row["endpoint"])).receptive_field

        assert field.size == (int(row["rf"]),) * 2, row
        assert field.jump == (int(row["stride"]),) * 2, row
        if row["padding"] == "None":
            assert all(isinstance(each, Formula) for each in field.start), (
                row
            )  # it depends on the size: the formula says so
        else:
            assert field.start == (-int(row["padding"]),) * 2, row


@pytest.mark.parametrize(("stacks", "size"), [(1, 1025), (3, 3071), (5, 5117)])
def test_wavenet_sees_what_its_stacks_and_the_first_convolution_see(stacks: int, size: int) -> None:
    wanted = f"{stacks} block(s) + initial causal conv k=2"
    [row] = [each for each in table("receptive_fields.csv") if each["variant"].endswith(wanted)]

    field = derive(load("zoo:wavenet", {"stacks": stacks})).totals.receptive_field

    # The published padding, 0, is that of the stack without any; a causal one has all before.
    assert (field.size, field.jump, field.start) == ((int(row["rf"]),), (int(row["stride"]),), (1 - size,))


@pytest.mark.parametrize(("levels", "kernel"), [(4, 5), (8, 7), (1, 2)])
def test_tcn_sees_what_the_paper_says(levels: int, kernel: int) -> None:
    field = derive(load("zoo:tcn", {"levels": levels, "kernel": kernel})).totals.receptive_field

    assert field.size == (1 + 2 * (kernel - 1) * (2**levels - 1),)


@pytest.mark.parametrize("name", names())
def test_the_figures_in_the_zoo_agree(name: str) -> None:
    disagreeing = [row for row in rows(name, load(f"zoo:{name}")) if not row.agrees]

    assert disagreeing == []


def test_a_wrong_figure_is_noticed() -> None:
    network = load("zoo:lenet5")
    network.about["figures"][0]["macs"] += 1  # type: ignore[index]
    network.about["receptive_fields"]["any"]["c3"][2] += 1  # type: ignore[index]

    disagreeing = [row.what for row in rows("lenet5", network) if not row.agrees]

    assert disagreeing == ["macs", "c3 *"]


def test_closed_forms_of_famous_networks() -> None:
    alexnet, vgg = derive(load("zoo:alexnet")), derive(load("zoo:vgg16"))

    assert [str(each) for each in alexnet.layer("pool5").output_shape] == [
        "256",
        "floor((H - 31)/32)",
        "floor((W - 31)/32)",
    ]
    assert [str(each) for each in alexnet.totals.valid_when] == ["H >= 63", "W >= 63"]
    assert [str(each) for each in vgg.layer("pool5").output_shape] == ["512", "floor(H/32)", "floor(W/32)"]
    assert str(vgg.totals.macs) == (
        "38592*H*W + 221184*floor(H/2)*floor(W/2) + 1474560*floor(H/4)*floor(W/4) "
        "+ 5898240*floor(H/8)*floor(W/8) + 7077888*floor(H/16)*floor(W/16) + 123633664"
    )
    assert str(vgg.totals.peak_activations) == "128*H*W"
    assert vgg.totals.peak_layer == "conv1_2"
    assert derive(load("zoo:vgg16", numbers=True)).totals.activations == 28_667_880


@pytest.mark.parametrize("count", [2_000, pytest.param(20_000, marks=pytest.mark.full)])
def test_a_long_chain_has_one_floor(count: int) -> None:
    from networks import analyzed

    layers = [{"conv": {"out_channels": 2, "kernel_size": 3}} for _ in range(count)]
    layers[count // 3] = {"conv": {"out_channels": 2, "kernel_size": 3, "stride": 2}}

    report = analyzed([2, "H"], layers)

    size = report.totals.output_shape[1]
    assert str(size).count("floor") == 1
    # Each convolution takes 2 away: count//3 of them and half of the strided one's before the halving, the rest after.
    before, after = 2 * (count // 3), 2 * (count - count // 3 - 1)
    for height in (10 * count, 10 * count + 1):
        assert bind_height(size, height) == (height - before - 1) // 2 - after


def bind_height(size: object, height: int) -> int:
    assert isinstance(size, Formula)
    bound = size.bind({"H": height})
    assert isinstance(bound, int)
    return bound
