"""Models on the command line: every command takes them, and other formats are never opened."""

from __future__ import annotations

import io
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from onnx_models import conv_model, field, model, node

import convmath as cm
from convmath.cli.main import run
from convmath.errors import UnsupportedError, UsageError
from convmath.importers.formats import NEVER_OPENED

pytestmark = pytest.mark.onnx


class Marker:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def status(*arguments: str) -> int:
    return run(list(arguments))


@pytest.mark.parametrize("ending", NEVER_OPENED)
def test_other_formats_are_never_opened(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, marker = tmp_path / f"net{ending.upper()}", tmp_path / "marker"
    path.write_bytes(pickle.dumps(Marker(marker)))
    path.chmod(0)

    assert status("analyze", str(path)) == 4
    assert f"convmath never opens {ending} files" in (message := capsys.readouterr().err)
    assert "onnx" in message
    assert not marker.exists()
    assert status("analyze", str(tmp_path / f"missing{ending}")) == 2


@pytest.mark.parametrize(
    ("name", "raw", "wanted", "message"),
    [
        ("net.onnx", b"garbage", 3, "no ONNX model, or a damaged one"),
        ("net.onnx", b"", 3, "the file is empty"),
        ("net.ONNX", field(7, field(1, b"") * 100_001), 5, "--max-onnx-nodes raises the limit"),
    ],
)
def test_faulty_models_have_an_exit_status(
    name: str, raw: bytes, wanted: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(raw)

    assert status("analyze", str(tmp_path / name)) == wanted
    assert message in capsys.readouterr().err


def test_what_is_no_file_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()

    for name, message in (
        ("folder.onnx", "is a directory"),
        ("none.onnx", "does not exist"),
        ("a\0.onnx", "a.x00.onnx"),
    ):
        with pytest.raises(UsageError, match=message):
            cm.load(tmp_path / name)


def test_a_missing_extra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)

    with pytest.raises(UnsupportedError, match=r"pip install 'convmath\[onnx\]'") as caught:
        cm.from_onnx(b"\x08\x0a")
    assert caught.value.exit_status == 4


@pytest.fixture
def imported(tmp_path: Path) -> str:
    path = tmp_path / "net.onnx"
    path.write_bytes(conv_model().SerializeToString())
    return str(path)


def test_an_imported_network_takes_settings(imported: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cm.load(imported, {"H": 32, "W": "2*H"}).inputs[0].shape == (3, 32, 64)
    assert cm.load(imported, {"H": 32, "W": 64}, numbers=True).symbols == ()
    turned = cm.load(imported, {"H": "W", "W": "2*n"})
    assert [str(size) for size in turned.inputs[0].shape] == ["3", "2*n", "2*n"]
    assert [each.name for each in turned.symbols] == ["n"]
    assert [str(size) for size in cm.load(imported, {"H": "H + 1"}).inputs[0].shape] == ["3", "H + 1", "W"]

    for settings_, wanted, message in (
        (["--set", "h=3"], 2, "the network has no symbol 'h' to set; it has H, W"),
        (["--set", "H=("], 2, "H=(: "),
        (["--set", "H=0"], 3, "must be 1 or more"),
        (["--set", "H=i"], 3, "--set H=i: 'i' numbers the output positions"),
        (["--set", "H=W", "--set", "W=H"], 3, "depends on itself"),
        (["--numbers"], 3, "no default for H, W"),
        (["--numbers", "--set", "H=9"], 3, "no default for W"),
        (["--max-symbols", "1"], 5, "more than 1 symbols"),
    ):
        assert status("analyze", imported, *settings_) == wanted
        assert message in capsys.readouterr().err


def test_every_command_takes_a_model(imported: str, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("--set", "H=9", "--set", "W=9")
    for arguments in (
        ["analyze", imported], ["verify", imported, "--samples", "1"], ["solve", imported, "--output", "7x7"],
        ["formulas", imported], ["pixels", imported, *at], ["draw", imported, *at, "--what", "network"],
        ["compare", imported, imported, *at],
    ):  # fmt: skip
        assert status(*arguments) == 0, capsys.readouterr().err
    unknown = model([node("Mystery", ["x"], ["y"])])
    unknown.graph.output[0].type.CopyFrom(unknown.graph.input[0].type)
    Path(imported).write_bytes(unknown.SerializeToString())

    for arguments in (["analyze", imported], ["formulas", imported], ["compare", imported, imported]):
        capsys.readouterr()
        assert status(*arguments) == 4
        assert "Mystery" in capsys.readouterr().err
        assert status(*arguments, "--allow-opaque") == 0, capsys.readouterr().err


def test_a_converted_model_still_says_what_its_macs_are_without(
    imported: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = model([node("Mystery", ["x"], ["y"], name="secret")])
    unknown.graph.output[0].type.CopyFrom(unknown.graph.input[0].type)
    Path(imported).write_bytes(unknown.SerializeToString())
    spec = tmp_path / "model.yaml"
    assert status("convert", imported, "--allow-opaque", "-o", str(spec)) == 0

    for arguments in ([imported, "--allow-opaque"], [str(spec)]):
        assert status("analyze", *arguments) == 0
        assert "MACs without 1 opaque layer, which declares none: secret" in capsys.readouterr().out


def test_a_model_may_come_from_standard_input(
    imported: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stdin:
        buffer = io.BytesIO(Path(imported).read_bytes() + field(14, bytes(2 << 20)))  # more than a spec may have

    monkeypatch.setattr(sys, "stdin", Stdin)

    assert status("analyze", "-", "--set", "H=9", "--set", "W=9", "--format", "csv") == 0
    assert ",conv," in capsys.readouterr().out


def test_a_model_from_standard_input_has_a_limit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stdin:
        buffer = io.BytesIO(b"\x08\x0a" + bytes(3 << 20))

    monkeypatch.setattr(sys, "stdin", Stdin)

    assert status("analyze", "-", "--max-onnx-bytes", "2MiB") == 5
    assert "<stdin>: error[too-large]: the file has more than 2097152 bytes" in capsys.readouterr().err
