"""The command line as a user meets it: exit statuses, where text goes, what is left behind."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import network

from convmath.api import Report, load
from convmath.cli.main import COMMANDS, run
from convmath.cli.output import coloured
from convmath.spec.expressions import parse_expression
from convmath.zoo.catalogue import names

LENET = "zoo:lenet5"


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error of a call."""
    status = run(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def written(folder: Path, text: str, name: str = "net.yaml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_alone_it_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capsys)

    assert (status, err) == (0, "")
    assert "convmath analyze zoo:vgg16" in out
    assert "convmath zoo" in out


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    status, out, _ = call(capsys, command, "--help")

    assert status == 0
    assert "Exit status" in out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nosuch"], 2, "No such command"),
        (["analyze"], 2, "Missing argument"),
        (["analyze", "nosuch.yaml"], 2, "nosuch.yaml does not exist"),
        (["analyze", "."], 2, "is a directory"),
        (["analyze", ""], 2, "the SPEC is empty"),
        (["analyze", "mynets", "--trust"], 2, "--trust takes package.module:callable"),
        (["analyze", "n" * 300, "--trust"], 2, "--trust takes package.module:callable"),
        (["draw", "zoo:lenet5"], 2, "Choose from: arithmetic, weights, receptive-field, network\n"),
        (["analyze", "zoo:vgg61"], 2, "did you mean vgg"),
        (["analyze", LENET, "--nosuch"], 2, "No such option"),
        (["analyze", LENET, "--format", "xml"], 2, "xml"),
        (["analyze", LENET, "--set", "h=3"], 2, "it has H, W"),
        (["analyze", LENET, "--set", "H"], 2, "write NAME=EXPR"),
        (["analyze", LENET, "--set", "H=2*"], 2, "no expression"),
        (["analyze", LENET, "--set", "H=3", "--set", "H=4"], 2, "given twice"),
        (["analyze", LENET, "--columns", "nosuch"], 2, "no column"),
        (["analyze", LENET, "--columns", "params", "--format", "json"], 2, "JSON always has everything"),
        (["analyze", LENET, "--columns", "params.foo"], 2, "'foo' is no quantity here; there is one value only"),
        (["analyze", LENET, "--columns", "macs.foo", "--formulas"], 2, "there is one value only"),
        (["analyze", LENET, "--columns", "operations.foo"], 2, "there are additions, comparisons, elementwise"),
        (["analyze", LENET, "--columns", "output_shape.foo"], 2, "there are the entries [0] to [2]"),
        (["analyze", LENET, "--columns", "output_shape[9]"], 2, "no entry [9]; there are the entries [0] to [2]"),
        (["analyze", LENET, "--columns", "params[0]", "--format", "csv"], 2, "there is one value only"),
        (["analyze", LENET, "--assert", "parms < 5"], 2, "did you mean 'params'"),
        (["analyze", LENET, "--assert", "params"], 2, "compares nothing"),
        (["analyze", LENET, "--assert", 'layers["c9"].macs < 5'], 2, "there is no layer 'c9'"),
        (["analyze", LENET, "-o", "/nosuch/x.txt"], 2, "cannot be written"),
        (["analyze", LENET, "--set", "H=31"], 3, "c5 (conv): the window does not fit; axis 0: padded size 4 < window"),
        (["analyze", LENET, "--set", "H=31"], 3, "needs an input of 32 or more on axis 0"),
        (["analyze", LENET, "--set", "H=0"], 3, "must be 1 or more"),
        (["analyze", LENET, "--set", "H=-4"], 3, "must be 1 or more"),
        (["analyze", LENET, "--set", "H=1/2"], 3, "no integer"),
        (["analyze", LENET, "--max-layers", "3"], 5, "--max-layers raises the limit"),
        (["analyze", LENET, "--max-spec-bytes", "30"], 5, "--max-spec-bytes raises the limit"),
        (["zoo", "nosuch"], 2, "the zoo has no 'nosuch'"),
    ],
)  # fmt: skip
def test_exit_statuses(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str) -> None:
    found, out, err = call(capsys, *arguments)

    assert found == status
    assert out == ""
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("budget", "status"),
    [
        ("params < 5e6", 0),
        ("params < 61706", 1),
        ("params <= 61706", 0),
        ("receptive_field >= 32", 0),
        ("receptive_field.size[0] > 32", 1),
        ('layers["c3"].macs == 240000', 0),
        ("layers['c3'].output_shape[1] == 10", 0),
        ("H % 2 == 0 and macs > params", 0),
        ("2*macs > flops", 1),
    ],
)
def test_budgets(capsys: pytest.CaptureFixture[str], budget: str, status: int) -> None:
    found, out, err = call(capsys, "analyze", LENET, "--assert", budget)

    assert found == status
    assert out.startswith("LeNet-5")
    assert ("assertion failed" in err) == (status == 1)


def test_a_budget_over_symbols_is_proved_or_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec = written(tmp_path, "convmath: 1\ninput: [3, H]\nlayers: [conv: {out_channels: 4, kernel_size: 3}]\n")

    assert call(capsys, "analyze", spec, "--assert", "macs < 36*H")[0] == 0
    assert call(capsys, "analyze", spec, "--assert", "macs > 36*H")[0] == 1
    status, _, err = call(capsys, "analyze", spec, "--assert", "macs < 1000")
    assert (status, "depends on H; give values" in err) == (2, True)


def test_json_is_the_documented_schema(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "analyze", LENET, "--format", "json")

    data = json.loads(out)

    assert list(data) == ["schema", "network", "symbols", "inputs", "layers", "totals", "at"]
    assert data["symbols"][0] == {"name": "H", "min": 1, "max": None, "default": 32}
    assert data["inputs"] == [{"name": "input", "shape": [1, "H", "W"]}]
    assert data["totals"]["valid_when"] == ["H >= 32", "W >= 32"]
    assert data["at"]["symbols"] == {"H": 32, "W": 32}
    assert data["at"]["totals"]["params"] == 61706
    field = data["layers"][0]["receptive_field"]
    assert field == {
        "size": [5, 5],
        "jump": [1, 1],
        "start": [0, 0],
        "first": ["i", "i"],
        "last": ["i + 4"] * 2,
        "whole": False,
    }
    assert data["layers"][-1]["receptive_field"]["whole"] is True
    assert data["layers"][-1]["receptive_field"]["jump"] is None


def test_formulas_in_json_are_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "analyze", "zoo:mobilenet_v1", "--format", "json")
    data = json.loads(out)
    values = data["at"]["symbols"]

    for quantity in ("params", "macs", "flops", "activations", "peak_activations"):
        formula = str(data["totals"][quantity])
        if len(formula) <= 500:
            assert parse_expression(formula).evaluate(values.__getitem__) == data["at"]["totals"][quantity]


FORMS = [
    (form, more) for form in ("table", "json", "csv") for more in ((), ("--formulas",), ("--all",), ("--numbers",))
]
MANY_FORMED = ("lenet5", "mobilenet_v1", "inception_v3", "r3d_18", "unet", "wavenet")


@pytest.mark.parametrize(
    ("name", "form", "more"),
    [(name, form, more) for name in names() for form, more in (FORMS if name in MANY_FORMED else FORMS[::5])],
)
def test_every_network_in_every_form(
    capsys: pytest.CaptureFixture[str], name: str, form: str, more: tuple[str, ...]
) -> None:
    status, out, err = call(capsys, "analyze", f"zoo:{name}", "--format", form, *more)

    assert (status, err) == (0, "")
    assert out.strip()


def test_chosen_columns_have_a_title_and_totals(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "analyze", LENET, "--columns", "name,output_shape[2],macs")

    lines = out.splitlines()
    assert status == 0
    assert lines[:3] == [
        "LeNet-5   input 1 × H × W   numbers at H = 32, W = 32",
        "",
        "name   output_shape[2]    macs",
    ]
    assert lines[-3] == "output                     840"  # a vector has no such axis
    assert lines[-2] == lines[3] == "─" * len(lines[2])
    assert lines[-1] == "total                  416,520"


def test_columns_without_sums_have_no_total(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "analyze", LENET, "--columns", "name,jump")

    assert "total" not in out
    assert out.count("\n─") == 1


@pytest.mark.parametrize(
    "columns", ["name,macs,output", "name,kind,inputs,params", "name,kind,receptive_field,flops", "inputs,jump,sees"]
)
def test_chosen_columns_keep_to_the_width(capsys: pytest.CaptureFixture[str], tmp_path: Path, columns: str) -> None:
    conv = f"conv: {{name: {'L' * 190}, out_channels: K, kernel_size: k, stride: s, padding: p}}"
    spec = written(tmp_path, f"convmath: 1\nname: {'N' * 190}\ninput: [C, H, W]\nlayers:\n  - {conv}\n  - relu\n")

    status, out, _ = call(capsys, "analyze", spec, "--all", "--columns", columns)

    assert status == 0
    assert max(map(len, out.splitlines())) <= 80
    assert out.startswith("N" * 52 + "…")


def test_a_long_name_of_a_network_is_cut_in_the_title(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("N" * 190, "a b " * 47, "((, " * 47 + "x"):
        spec = written(tmp_path, f"convmath: 1\nname: {json.dumps(name)}\ninput: [3, H, W]\nlayers: [relu]\n")

        _, out, _ = call(capsys, "analyze", spec)

        assert max(map(len, out.splitlines())) <= 80


def test_csv_lists_every_layer_and_starts_no_formula(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    active = ["=1+1", "@x", "-x", "+x", "a,b", 'say "x"', "tab\tx"[:3]]
    layers = "".join(f"  - relu: {{name: {json.dumps(name)}}}\n" for name in active)
    spec = written(tmp_path, f"convmath: 1\ninput: [3, 8]\nlayers:\n{layers}")

    _, out, _ = call(capsys, "analyze", spec, "--format", "csv", "--columns", "name,params,output_shape[1]")

    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0] == ["name", "params", "output_shape[1]"]
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'@x", "'-x", "'+x", "a,b", 'say "x"', "tab"]
    assert {row[2] for row in rows[1:]} == {"8"}


def test_a_result_goes_to_a_file_whole_or_not_at_all(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "out.json"

    status, out, _ = call(capsys, "analyze", LENET, "--format", "json", "-o", str(target))

    assert (status, out) == (0, "")
    assert json.loads(target.read_text(encoding="utf-8"))["network"] == "LeNet-5"
    assert [each.name for each in tmp_path.iterdir()] == ["out.json"]
    assert call(capsys, "analyze", LENET, "--set", "H=3", "-o", str(target))[0] == 3
    assert json.loads(target.read_text(encoding="utf-8"))["network"] == "LeNet-5"


@pytest.mark.parametrize(
    "text",
    [
        "convmath: 1\ninput: [1, 8]\nlayers: [relu]\n",
        '{"convmath": 1, "input": [1, 8], "layers": ["relu"]}',
        'convmath = 1\ninput = [1, 8]\nlayers = ["relu"]\n',
    ],
)
def test_standard_input_in_each_format(text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "convmath", "analyze", "-", "--format", "json"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["layers"][0]["kind"] == "relu"


def test_the_reader_of_the_pipe_goes_away() -> None:
    code = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-m', 'convmath', 'analyze', 'zoo:vgg16', '--format', 'json'],"
        " stdout=subprocess.PIPE, stderr=subprocess.PIPE)\n"
        "p.stdout.close()\n"
        "print(p.stderr.read().decode(), p.wait())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["141"]


def test_ascii_where_unicode_cannot_be_shown() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(
        [sys.executable, "-m", "convmath", "analyze", LENET], capture_output=True, env=environment, check=True
    )

    text = done.stdout.decode("ascii")

    assert "input 1 x H x W" in text
    assert "For every H >= 32, W >= 32:" in text
    assert "-----" in text


def test_ascii_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "analyze", LENET, "--ascii")

    assert out.isascii()


def test_names_from_files_never_reach_the_terminal_raw(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = ["\x1b[31mred", "a\u202eb", "bell\x07", "c\u009b31m", "line\nbreak"]
    for text in bad:
        spec = written(
            tmp_path, f"convmath: 1\nname: {json.dumps(text)}\ninput: [1, 8]\nlayers: [relu, {json.dumps(text)}]\n"
        )
        status, out, err = call(capsys, "analyze", spec)
        assert status == 3
        assert all(letter.isprintable() or letter == "\n" for letter in out + err), text


def test_only_verdicts_are_coloured_and_none_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert coloured("total 3 ✓ ✗") == "total 3 \x1b[32m✓\x1b[0m \x1b[31m✗\x1b[0m"

    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured("total 3 ✓ ✗") == "total 3 ✓ ✗"


def test_a_pipe_gets_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "zoo", "--check", "lenet5")

    assert "✓" in out
    assert "\x1b" not in out


def test_a_device_is_written_to_and_stays_a_device(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)

    status, out, _ = call(capsys, "analyze", LENET, "-o", str(pipe))

    assert (status, out) == (0, "")
    assert reader.communicate()[0].decode().startswith("LeNet-5")
    assert pipe.is_fifo()


def test_a_dash_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "analyze", LENET, "-o", "-")[1].startswith("LeNet-5")
    assert not Path("-").exists()


def test_an_interrupt_has_its_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("convmath.api.load", interrupted)

    assert call(capsys, "analyze", LENET)[0] == 130


def test_an_internal_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AssertionError("of all things")

    monkeypatch.setattr("convmath.api.load", broken)

    status, _, err = call(capsys, "analyze", LENET)

    assert status == 70
    assert err.count("\n") == 1
    assert "report" in err


def test_the_table_of_vgg16_is_the_one_people_know(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "analyze", "zoo:vgg16")
    lines = out.splitlines()

    assert lines[0] == "VGG-16 (torchvision)   input 3 × H × W   numbers at H = 224, W = 224"
    assert lines[2] == "layer   kind                       output      params           MACs sees jump"
    assert lines[3] == "─" * 78
    assert lines[4] == "conv1_1 conv + relu        64 × 224 × 224       1,792     86,704,128    3    1"
    assert lines[23] == "fc6     dense + relu                 4096 102,764,544    102,760,448  all    ·"
    assert lines[27] == "total                                1000 138,357,544 15,470,264,320"
    assert lines[28] == "peak activations 6,422,528 (conv1_2 running: its input and its output)"
    assert lines[30] == "For every H ≥ 32, W ≥ 32:"
    assert lines[31] == "  pool5 height   floor(H/32)"
    assert lines[-1] == "  output i of pool5 reads 32*i - 90 … 32*i + 121"


def test_all_lists_every_layer(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "analyze", "zoo:vgg16", "--all")

    assert sum(line.startswith("relu") for line in out.splitlines()) == 15


@settings(max_examples=30)
@given(
    st.integers(60, 200),
    st.sampled_from(["zoo:vgg16_bn", "zoo:mobilenet_v1", "zoo:tfslim_mobilenet_v1", "zoo:alexnet"]),
    st.booleans(),
)
def test_tables_keep_to_the_width(width: int, spec: str, formulas: bool) -> None:  # noqa: FBT001
    from convmath.render.table import render

    text = render(Report(load(spec)).analysis, width=max(width, 80), formulas=formulas)

    assert max(map(len, text.splitlines())) <= max(width, 80)


def test_tables_of_symbolic_networks_keep_to_the_width() -> None:
    conv = {
        "conv": {"out_channels": "K", "kernel_size": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g"}
    }
    text = Report(network(["C", "H", "W"], [conv, "relu", {"max_pool": 2}, "flatten", {"dense": 10}])).to_table()

    assert max(map(len, text.splitlines())) <= 80


def test_zoo_lists_prints_and_checks(capsys: pytest.CaptureFixture[str]) -> None:
    _, listed, _ = call(capsys, "zoo")
    _, printed, _ = call(capsys, "zoo", "lenet5")
    status, checked, _ = call(capsys, "zoo", "--check")

    assert "vgg16 " in listed
    assert printed.startswith("convmath: 1\n")
    assert status == 0
    assert checked.splitlines()[-1].endswith("published figures agree")
    assert "✗" not in checked
