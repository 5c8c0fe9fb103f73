"""``convmath formulas`` as a user meets it, and the display in notebooks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile import NAMES, carrier
from jsonschema import validate
from networks import network
from test_cli import call, written
from test_hostile_names import seen

from convmath.api import Report, formulas, load, sharing_scale, sheet
from convmath.formula import bind, symbol
from convmath.formula.text import write
from convmath.quantity import parse_quantity
from convmath.render.cells import to_ascii
from convmath.spec.expressions import parse_expression
from convmath.spec.kinds import ALIASES, VOCABULARY
from convmath.symbolic.compose import derive
from convmath.zoo.catalogue import names

LENET = "zoo:lenet5"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "name a SPEC, or a kind"),
        ([LENET, "--kind", "conv"], 2, "one of them"),
        (["--kind", "conv", "--sharing"], 2, "one of them"),
        (["--kind", "konv"], 2, "there is no kind 'konv'; did you mean 'conv'?"),
        (["--kind", "Zebra"], 2, "the kinds are"),
        (["--kind", "conv", "--layer", "c1"], 2, "go with a SPEC"),
        (["--sharing", "--steps"], 2, "go with a SPEC"),
        (["--kind", "conv", "--set", "H=3"], 2, "go with a SPEC"),
        ([LENET, "--layer", "c11"], 2, "there is no layer 'c11'; did you mean 'c1'?"),
        ([LENET, "--layer", "zebra"], 2, "there is no layer 'zebra'"),
        ([LENET, "--format", "csv"], 2, "csv"),
        ([LENET, "--set", "h=3"], 2, "it has H, W"),
        (["zoo:vgg61"], 2, "did you mean vgg"),
        (["nosuch.yaml"], 2, "nosuch.yaml does not exist"),
        ([LENET, "-o", "/nosuch/x.txt"], 2, "cannot be written"),
        ([LENET, "--set", "H=8"], 3, "does not fit"),
        ([LENET, "--max-layers", "3"], 5, "--max-layers raises the limit"),
    ],
)
def test_exit_statuses(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str) -> None:
    found, out, err = call(capsys, "formulas", *arguments)

    assert (found, out) == (status, "")
    assert message in " ".join(err.split())
    assert "Traceback" not in err


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("steps", [False, True])
def test_text_keeps_to_the_width(name: str, steps: bool) -> None:  # noqa: FBT001
    text = formulas(load(f"zoo:{name}"), steps=steps).to_text()

    assert max(map(len, text.splitlines())) <= 80
    assert not any(line != line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("kind", VOCABULARY)
def test_the_sheet_keeps_to_the_width(kind: str) -> None:
    assert max(map(len, sheet(kind).to_text().splitlines())) <= 80


def test_the_scale_keeps_to_the_width() -> None:
    assert max(map(len, sharing_scale().to_text().splitlines())) <= 80


def test_long_names_and_many_symbols_keep_to_the_width() -> None:
    fields = {"out_channels": "K", "kernel_size": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g"}
    layers = [{"conv": {"name": "N" * 60, **fields}}, {"max_pool": "q"}, "flatten", {"dense": "n"}]
    text = formulas(network(["C", "H", "W"], layers), steps=True).to_text()

    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "html", "json"])
@pytest.mark.parametrize("what", [["--kind", "conv"], ["--sharing"], [LENET], [LENET, "--layer", "s4", "--steps"]])
def test_every_format_goes_to_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, what: list[str], form: str
) -> None:
    _, shown, _ = call(capsys, "formulas", *what, "--format", form)
    status, out, _ = call(capsys, "formulas", *what, "--format", form, "-o", str(tmp_path / "x"))

    assert (status, out) == (0, "")
    assert (tmp_path / "x").read_text(encoding="utf-8") == shown


@pytest.mark.parametrize("what", [["--kind", "max_pool"], ["--sharing"], ["zoo:alexnet", "--steps"]])
def test_ascii_on_request(capsys: pytest.CaptureFixture[str], what: list[str]) -> None:
    _, plain, _ = call(capsys, "formulas", *what, "--ascii")
    _, shown, _ = call(capsys, "formulas", *what)

    assert plain.isascii()
    words, glyphs = (re.sub("-{3,}", "", each).split() for each in (plain, to_ascii(shown)))
    assert words == glyphs
    assert max(map(len, plain.splitlines())) <= 80


def test_the_reader_of_the_pipe_goes_away() -> None:
    code = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-m', 'convmath', 'formulas', 'zoo:vgg16', '--steps'],"
        " stdout=subprocess.PIPE, stderr=subprocess.PIPE)\n"
        "p.stdout.close()\n"
        "print(p.stderr.read().decode(), p.wait())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["141"]


@pytest.mark.parametrize("arguments", [["zoo:vgg16"], ["zoo:vgg16", "--steps"], ["--kind", "conv"], ["--sharing"]])
def test_neither_sympy_nor_numpy_is_loaded(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from convmath.cli.main import run\n"
        f"status = run(['formulas', *{arguments!r}])\n"
        "sys.exit(f\"loaded {set(sys.modules) & {'sympy', 'numpy'}}\""
        " if status or {'sympy', 'numpy'} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_an_alias_has_the_sheet_of_its_kind() -> None:
    for alias, kind in ALIASES.items():
        assert sheet(alias).to_text() == sheet(kind).to_text()


FORMULA = {"type": ["integer", "string", "null"]}
QUANTITY = {
    "type": "object",
    "required": ["quantity", "formula", "valid_when", "steps"],
    "additionalProperties": False,
    "properties": {
        "quantity": {"type": "string"},
        "formula": FORMULA,
        "valid_when": {"type": "array", "items": {"type": "string"}},
        "laws": {"type": "array", "items": {"type": "string"}},
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["layers"],
                "properties": {"layers": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
                "additionalProperties": {
                    "type": "object",
                    "required": ["forms", "laws"],
                    "additionalProperties": False,
                    "properties": {
                        "forms": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                        "laws": {"type": "array", "items": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["schema", "network", "layer", "quantities"],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": 1},
        "network": {"type": "string"},
        "layer": {"type": ["string", "null"]},
        "quantities": {"type": "array", "items": QUANTITY, "minItems": 1},
    },
}


@pytest.mark.parametrize("layer", [None, "s4", "f6"])
@pytest.mark.parametrize("steps", [False, True])
def test_json_has_its_schema_and_every_path_and_formula_is_read_back(layer: str | None, steps: bool) -> None:  # noqa: FBT001
    net = load(LENET)
    held = json.loads(formulas(net, layer, steps=steps).to_json())
    report = derive(net)

    validate(held, SCHEMA)
    assert (held["network"], held["layer"]) == ("LeNet-5", layer)
    for each in held["quantities"]:
        path = parse_quantity(each["quantity"])
        summed = layer is not None and each["quantity"] in ("params", "macs") and bool(each["steps"])
        record: Any = report if path.steps[0] == "layers" else report.totals if layer is None else report.layer(layer)
        record = derive(net.up_to(layer)).totals if layer is not None and summed else record
        formula = each["formula"]
        value = parse_expression(formula).evaluate(symbol) if isinstance(formula, str) else formula
        assert value == path.of(record), each["quantity"]
        for form in (form for step in each["steps"] for key in step if key != "layers" for form in step[key]["forms"]):
            parse_expression(form)


def test_the_steps_of_json_end_in_its_formula() -> None:
    held = json.loads(formulas(load("zoo:alexnet"), "pool5", steps=True).to_json())
    size = next(each for each in held["quantities"] if each["quantity"] == "output_shape[1]" and each["steps"])

    assert size["steps"][-1]["size so far"]["forms"][-1] == size["formula"] == "floor((H - 31)/32)"
    assert size["laws"][0].startswith("floor(x/a) + c = floor((x + a*c)/a)")
    assert bind(parse_expression(size["formula"]).evaluate(symbol), {"H": 224}) == 6


def test_strange_names_of_layers_can_be_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    name = "a|b {x} é"
    conv = f"conv: {{name: {json.dumps(name)}, out_channels: 2, kernel_size: 3}}"
    spec = written(tmp_path, f"convmath: 1\ninput: [1, H, W]\nlayers: [{conv}]\n")

    status, out, _ = call(capsys, "formulas", spec, "--layer", name, "--steps")

    assert status == 0
    assert out.startswith(f"{name} in ")


# Notebooks.


@pytest.mark.parametrize(
    "shown",
    [formulas(load(LENET), steps=True), formulas(carrier(NAMES)), sheet("conv"), sharing_scale(), Report(load(LENET))],
    ids=["formulas", "hostile", "sheet", "scale", "report"],
)
def test_a_notebook_gets_every_form_and_nothing_active(shown: Any) -> None:
    bundle = shown._repr_mimebundle_()

    page = bundle["text/html"]
    assert set(bundle) == {"text/plain", "text/html", "text/markdown", "text/latex"}
    assert page.startswith('<div class="convmath">')
    assert page.endswith("</div>")
    tags = {tag for tag, _ in seen(page).tags}
    assert tags.isdisjoint({"html", "head", "body", "meta", "title", "script", "a", "img", "link", "iframe"})
    assert {name for _, held in seen(page).tags for name, _ in held} <= {"class", "form"}


def test_a_report_shows_its_totals_in_plain_text() -> None:
    report = Report(load(LENET))

    assert report._repr_mimebundle_()["text/plain"] == repr(report)
    assert write(derive(load(LENET)).totals.params) in repr(report)
