"""Published figures, row by row, against what the zoo's networks give."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from convmath.api import load
from convmath.formula import Formula
from convmath.report import NetworkReport
from convmath.symbolic.compose import derive
from convmath.zoo.catalogue import names
from convmath.zoo.published import rows

REFERENCE = Path(__file__).parent / "reference"
TORCHVISION = {"AlexNet": "alexnet", "VGG11": "vgg11", "VGG16": "vgg16", "VGG16_BN": "vgg16_bn"}
WIDTHS = {"MobileNetV1 1.0": 32, "MobileNetV1 0.75": 24, "MobileNetV1 0.5": 16, "MobileNetV1 0.25": 8}
LAST_MAP = "last conv feature map"
FIELDS = {
    ("alexnet_v2", "TF-Slim (2014)"): "tfslim_alexnet_v2",
    ("vgg_16", "TF-Slim (2014)"): "tfslim_vgg_16",
    ("mobilenet_v1", "TF-Slim (2017)"): "tfslim_mobilenet_v1",
    ("alexnet_v2", "TF-Slim"): "tfslim_alexnet_v2",
    ("vgg_a", "TF-Slim"): "tfslim_vgg_a",
    ("vgg_16", "TF-Slim"): "tfslim_vgg_16",
    ("mobilenet_v1", "TF-Slim"): "tfslim_mobilenet_v1",
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
        if row["network"] in TORCHVISION and row["variant"] != "paper":
            found.append((TORCHVISION[row["network"]], {"H": int(row["input"]), "W": int(row["input"])}, row))
        elif row["network"] in WIDTHS:
            found.append(("mobilenet_v1", {"H": 224, "W": 224, "width": WIDTHS[row["network"]]}, row))
        elif row["network"] == "LeNet-5" and row["variant"].startswith("modern"):
            found.append(("lenet5", {"H": 32, "W": 32}, row))
    return found


@pytest.mark.parametrize(
    ("name", "values", "row"), counted(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_parameters_and_macs_are_exactly_the_published_ones(
    name: str, values: dict[str, int], row: dict[str, str]
) -> None:
    totals = derive(load(f"zoo:{name}").bind(values)).totals

    assert totals.params == int(row["params"])
    if row["macs"]:
        assert totals.macs == int(row["macs"])
    if row["macs_G"]:
        digits = len(row["macs_G"].partition(".")[2])
        assert round(int(totals.macs) / 1e9, digits) == float(row["macs_G"])


def test_the_rows_of_the_zoo_are_all_there() -> None:
    assert len(counted()) == 10
    assert len(field_rows()) == 153


def field_rows() -> list[tuple[str, dict[str, str]]]:
    return [
        (FIELDS[row["network"], row["variant"]], row)
        for row in table("receptive_fields.csv")
        if (row["network"], row["variant"]) in FIELDS
    ]


def layer_of(report: NetworkReport, endpoint: str) -> str:
    """Return the layer that an endpoint names: the last part of its path, ``features`` before a fixed size."""
    if endpoint == LAST_MAP:
        return "Conv2d_13_pointwise" if report.network.startswith("MobileNet") else "pool5"
    last = endpoint.rsplit("/", maxsplit=1)[-1].split(" ", maxsplit=1)[0]
    if last == "features":
        fixed = next(at for at, layer in enumerate(report.layers) if layer.kind.startswith("adaptive"))
        return report.layers[fixed - 1].name
    return next(layer.name for layer in report.layers if layer.name.lower() == last.lower())


@pytest.mark.parametrize("name", sorted(set(FIELDS.values())))
def test_receptive_fields_are_the_published_ones(name: str) -> None:
    network = load(f"zoo:{name}")
    symbolic = derive(network)
    for row in [row for zoo_name, row in field_rows() if zoo_name == name]:
        report = symbolic
        if row["input_resolution"]:
            size = int(row["input_resolution"])
            report = derive(network.bind({each.name: size for each in network.symbols}))
        field = report.layer(layer_of(report, row["endpoint"])).receptive_field

        assert field.size == (int(row["rf"]),) * 2, row
        assert field.jump == (int(row["stride"]),) * 2, row
        if row["padding"] == "None":
            assert all(isinstance(each, Formula) for each in field.start), (
                row
            )  # it depends on the size: the formula says so
        else:
            assert field.start == (-int(row["padding"]),) * 2, row


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
