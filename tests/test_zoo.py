"""The zoo as a catalogue: what its files say, how they build on one another, and one output of several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convmath.api import analyze, load, load_bytes
from convmath.cli.main import run
from convmath.errors import SpecError, UsageError
from convmath.symbolic.compose import derive
from convmath.zoo import catalogue
from convmath.zoo.catalogue import names, spec_of
from convmath.zoo.published import rows

VARIANTS = {
    path.stem for path in Path(catalogue.__file__).parent.glob("*.yaml") if path.read_text().startswith("base: ")
}


@pytest.mark.parametrize("name", names())
def test_a_printed_spec_is_complete(name: str) -> None:
    spec = spec_of(name)

    assert spec.startswith("convmath: 1\n")
    assert load_bytes(spec.encode(), name) == load(f"zoo:{name}")


@pytest.mark.parametrize("name", names())
def test_a_spec_says_where_it_comes_from(name: str) -> None:
    network = load(f"zoo:{name}")

    assert network.defaults is not None
    assert {"paper", "year", "family"} <= network.about.keys()
    assert all("source" in figure for figure in network.about.get("figures", ()))


def test_names_of_networks_are_unique() -> None:
    titles = [load(f"zoo:{name}").name for name in names()]

    assert len(set(titles)) == len(titles)


def test_a_family_is_one_file() -> None:
    assert {"resnet34", "resnet101", "resnet152", "resnext50_32x4d", "wide_resnet50_2", "resnet101_v1"} <= VARIANTS
    for name in VARIANTS:
        text = (Path(catalogue.__file__).parent / f"{name}.yaml").read_text(encoding="utf-8")
        assert len(text) < len(spec_of(name))


def test_a_variant_keeps_what_it_does_not_replace() -> None:
    base, variant = spec_of("resnet50"), spec_of("resnet101")

    assert "let: {n1: 3, n2: 4, n3: 23, n4: 3, groups: 1, group_width: 64}\n" in variant
    assert (
        variant[variant.index("blocks:") : variant.index("about:")]
        == base[base.index("blocks:") : base.index("about:")]
    )
    assert "base" not in variant
    assert spec_of("resnet101_v1").count("about:") == 1


def test_only_the_zoo_builds_on_other_files() -> None:
    with pytest.raises(SpecError, match="'base' is no key of a spec"):
        load_bytes(b"base: resnet50\nname: mine\n", "mine.yaml")


@pytest.mark.parametrize("name", ["../zoo/lenet5", "/etc/passwd", "lenet5.yaml", "", "."])
def test_names_lead_nowhere_else(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path, **_: pytest.fail(f"{path} is read"))

    with pytest.raises(UsageError, match="the zoo has no"):
        spec_of(name)


def test_sections_that_a_base_lacks_come_before_its_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.yaml").write_text("convmath: 1\nname: One\ninput: [n]\n\nlayers: [relu]\n", encoding="utf-8")
    (tmp_path / "two.yaml").write_text("base: one\nname: Two\nlet: {n: 3}\n", encoding="utf-8")
    monkeypatch.setattr(catalogue, "_HERE", tmp_path)

    assert spec_of("two") == "convmath: 1\nname: Two\ninput: [n]\n\nlet: {n: 3}\nlayers: [relu]\n"
    assert derive(load("zoo:two")).totals.output_shape == (3,)


def test_one_output_has_what_it_needs() -> None:
    inception = load("zoo:inception_v3", numbers=True)
    main, auxiliary = inception.up_to("fc"), inception.up_to("aux")
    both, one = analyze(inception).totals, analyze(main).totals

    assert both.params - one.params == 3_326_696
    assert one.output_shape == (1000,)
    assert {node.name for node in auxiliary.nodes} & {"Mixed_7a.concat1", "fc"} == set()
    with pytest.raises(UsageError, match="there is no layer 'fcc'; did you mean 'fc'"):
        inception.up_to("fcc")


def test_the_command_line_leaves_out_other_outputs(capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for more in ([], ["--output", "fc"]):
        assert run(["analyze", "zoo:inception_v3", "--format", "json", *more]) == 0
        found[len(more)] = json.loads(capsys.readouterr().out)

    assert found[0]["totals"]["output_shape"].keys() == {"fc", "aux"}
    assert found[2]["totals"]["output_shape"] == ["classes"]
    assert found[0]["at"]["totals"]["params"] == 27_161_264
    assert found[2]["at"]["totals"]["macs"] == 5_713_216_096
    assert found[2]["totals"]["valid_when"] == ["H >= 75", "W >= 75"]
    assert run(["verify", "zoo:lenet5", "--output", "s2", "--samples", "2"]) == 0
    assert "c3" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["analyze", "zoo:inception_v3", "--output", "auxx"], "there is no layer 'auxx'; did you mean 'aux'?"),
        (["verify", "--kind", "conv", "--output", "c1"], "--output goes with a SPEC"),
    ],
)
def test_an_output_that_is_not_there(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert run(arguments) == 2
    assert message in capsys.readouterr().err


def test_the_list_goes_family_by_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["zoo"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = [line.split()[0] for line in lines[2:-2]]

    assert sorted(listed) == list(names())
    assert listed[0] == "lenet5"
    assert listed.index("resnet50_v1") < listed.index("resnet18") < listed.index("r3d_18") < listed.index("unet")
    assert max(map(len, lines)) <= 82


def test_a_wrong_rounded_figure_is_noticed() -> None:
    network = load("zoo:inception_v3")
    network.about["figures"][1]["gmacs"] = 5.719  # with the auxiliary head

    assert [(row.published, row.derived) for row in rows("inception_v3", network) if not row.agrees] == [
        ("5.719", "5.713")
    ]


def test_a_field_that_is_a_bound_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    said = {}
    for command in ("zoo", "analyze zoo:shufflenet_v2_x1_0", "formulas zoo:shufflenet_v2_x1_0"):
        assert run(command.split()) == 0
        said[command.split()[0]] = capsys.readouterr().out

    assert "≤ 527" in said["zoo"]
    assert "reads at most 32*i - 263" in " ".join(said["analyze"].split())
    assert "reads at most 32*i - 263" in " ".join(said["formulas"].split())
