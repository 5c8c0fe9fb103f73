"""Modules of PyTorch on the command line: only with --trust, because importing runs code."""

from __future__ import annotations

import json
import sys
from typing import NamedTuple

import pytest

from convmath.cli.main import run

pytestmark = pytest.mark.peers

SOURCE = """
print("importing")
import torch
from torch import nn

made = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))

def make():
    return made

class Two(nn.Module):
    def forward(self, left, right):
        return left + nn.functional.relu(right)

def broken():
    return made[7]

def needing(width):
    return made

class Needing(nn.Module):
    def __init__(self, width):
        super().__init__()

def number():
    return 7

def leaving():
    raise SystemExit(0)

class Leaving(nn.Module):
    def forward(self, x):
        raise SystemExit(0)

class Wasteful(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.never = nn.Conv2d(3, 4, 1), nn.Linear(1000, 1000)
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))

    def forward(self, x):
        return self.used(x - self.mean)

def behind():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.Fold((4, 4), 2))

def attentive():
    return nn.TransformerEncoderLayer(4, 2)
"""


class Answer(NamedTuple):
    status: int
    stdout: str
    stderr: str


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """Return what runs a command in a folder with one module of Python: its status and what it wrote."""
    (tmp_path / "mynets_of_a_test.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)

    def asked(*words):
        status = run([*words])
        return Answer(status, *capsys.readouterr())

    yield asked
    sys.modules.pop("mynets_of_a_test", None)
    assert sys.path == before


def test_a_callable_of_the_current_directory_is_read(ask):
    result = ask("analyze", "mynets_of_a_test:make", "--trust", "--set", "H=32", "--set", "W=32", "--format", "json")
    assert result.status == 0
    assert result.stderr == "importing\n"
    totals = json.loads(result.stdout)["totals"]
    assert (totals["params"], totals["macs"]) == (3 * 8 * 9 + 8 + 8 * 2 + 2, 216 * 30 * 30 + 16)


def test_a_module_that_is_there_is_read(ask):
    result = ask("analyze", "mynets_of_a_test:made", "--trust", "--input-shape", "3,N,N", "--format", "json")
    assert json.loads(result.stdout)["inputs"][0]["shape"] == [3, "N", "N"]


def test_inputs_have_their_shapes_by_name(ask):
    shapes = ("--input-shape", "left=2,H,W", "--input-shape", "right=2,H,W")
    result = ask("analyze", "mynets_of_a_test:Two", "--trust", *shapes, "--format", "json")
    assert [each["name"] for each in json.loads(result.stdout)["inputs"]] == ["left", "right"]


def test_an_output_is_read_without_what_is_refused_behind_it(ask):
    result = ask("analyze", "mynets_of_a_test:behind", "--trust", "--output", "0", "--format", "json")
    assert result.status == 0
    assert json.loads(result.stdout)["totals"]["params"] == 3 * 4 + 4


@pytest.mark.parametrize("form", ["table", "json"])
def test_parameters_that_are_not_what_they_seem_are_noted_on_a_terminal(ask, monkeypatch, form):
    words = ("analyze", "mynets_of_a_test:Wasteful", "--trust", "--all", "--format", form)
    assert ask(*words).stderr == "importing\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert ask(*words).stderr == (
        "\n1,001,000 parameters of the model are in no layer here: never 1,001,000.\n"
        "\n3 of the parameters are buffers, which the model does not learn: mean 3.\n"
    )


def test_without_trust_nothing_is_imported(ask):
    result = ask("analyze", "mynets_of_a_test:make")
    assert result.status == 2
    assert "importing it runs it; add --trust" in result.stderr
    assert "mynets_of_a_test" not in sys.modules


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("mynets_of_a_test:broken",), 3, "its code fails at mynets_of_a_test.py:"),
        (("mynets_of_a_test:needing",), 3, "its code fails at mynets_of_a_test.py:18: TypeError: needing() missing 1"),
        (("mynets_of_a_test:Needing",), 3, "its code fails at mynets_of_a_test.py:22: TypeError: Needing.__init__()"),
        (("mynets_of_a_test:leaving",), 3, "SystemExit"),
        (("mynets_of_a_test:Leaving",), 4, "it ends the program"),
        (("mynets_of_a_test:Two", "--input-shape", "2,H,W"), 2, "forward takes 'left', 'right'; 1 shape is given"),
        (("mynets_of_a_test:number",), 2, "makes int, which is no torch.nn.Module"),
        (("mynets_of_a_test:nothing",), 2, "has no 'nothing'"),
        (("nowhere_at_all:make",), 2, "there is no Python module 'nowhere_at_all'"),
        (("mynets_of_a_test:attentive", "--input-shape", "4"), 4, "as attention does"),
        (("mynets_of_a_test:make", "--input-shape", "3,,W"), 2, "is no shape"),
        (
            ("mynets_of_a_test:make", "--input-shape", "3x64x64"),
            2,
            "3x64x64 is no shape; write channels and sizes with",
        ),
        (("mynets_of_a_test:Two", "--input-shape", "3,H", "--input-shape", "x=3,H"), 2, "name all of them"),
        (("zoo:lenet5", "--input-shape", "3,H,W"), 2, "--input-shape goes with --trust"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(ask, words, status, told):
    result = ask("analyze", *words, "--trust")
    assert result.status == status
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_a_run_uses_the_weights_of_the_module(ask, tmp_path):
    import numpy as np
    import torch

    x = np.random.default_rng(0).standard_normal((3, 8, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    result = ask("run", "mynets_of_a_test:make", "--trust", "--input", "x.npy", "-o", "y.npy")
    assert result.status == 0
    with torch.no_grad():
        wanted = sys.modules["mynets_of_a_test"].made(torch.from_numpy(x)[None])[0].numpy()
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), wanted, rtol=1e-4, atol=1e-5)
