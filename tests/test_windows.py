"""Running on real data: files in, files out, and every element of the lectures' examples as the sum that it is."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cli import call, written

import convmath as cm
from convmath.spec.named import ANY_SIZE, FIXED, NAMES, named_kernel

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
A, B, C = (EXAMPLES / f"image-{letter}.csv" for letter in "abc")
CONV = """
convmath: 1
name: net
input: [1, H, W]
layers:
  - conv: {name: c, out_channels: 1, kernel_size: 3, bias: false}
"""


def example(name: str, **settings: int | str) -> Any:
    return cm.load(EXAMPLES / f"{name}.yaml", settings)


def image(path: Path) -> list[list[int]]:
    return [[int(cell) for cell in line.split(",")] for line in path.read_text(encoding="utf-8").split()]


def run(network: Any, *pictures: Path) -> Any:
    return cm.run(network, [image(each) for each in pictures]).tolist()


# The lectures' numbers, from the files of their rows.


def test_l01_from_a_file() -> None:
    assert run(example("L01-worked"), A) == [[[29, -192], [-35, -22]]]


def test_l02_images_b_and_c() -> None:
    assert run(example("L02-worked"), B) == [[[9, 2, 2, 6], [-1, 4, 8, 7], [-4, 8, 8, 0], [2, 9, 7, 4]]]
    assert run(example("L02-worked", s=2), B) == [[[9, 2], [-4, 8]]]
    assert run(example("L02-worked"), C) == [[[5, 7], [3, 9]]]


def test_l03_and_l04_one_map_and_three() -> None:
    deep, flat = run(example("L03-worked"), A, C, C), run(example("L04-worked"), C, A, C)

    assert deep == [[[29 + 5 + 5, -192 + 7 + 7], [-35 + 3 + 3, -22 + 9 + 9]]]
    assert len(flat) == 3
    assert flat[0] == flat[2] == [[5, 7], [3, 9]]


def test_l05_a_picture_as_a_vector() -> None:
    text = cm.worked(example("L05-worked"), [[[5, 6], [7, 8]]]).to_text()

    assert "Y[0]                  (5 × 1) + (6 × 2) + (7 × 3) + (8 × 4) + 10 = 80" in text
    assert "Y[1]                  (5 × 1) + (6 × -1) + (7 × 1) + (8 × -1) + 0 = -2" in text


def test_l06_windows_written_out() -> None:
    largest = cm.worked(example("L06-max", h=2, w=2), [image(C)]).to_text()
    mean = cm.worked(example("L06-avg", h=2, w=2), [image(C)]).to_text()

    assert "max(4, 4, 2, 3) = 4" in largest
    assert "max(3, 2, 2, 2) = 3" in largest
    assert "(4 + 4 + 2 + 3)/4 = 3.25" in mean


def test_l28_both_edges_and_both_forms() -> None:
    corner = [[[10 if row >= 3 and column >= 3 else 0 for column in range(6)] for row in range(6)]]

    vertical = cm.run(example("L28-vertical"), corner).tolist()
    horizontal = cm.run(example("L28-horizontal"), corner).tolist()

    assert vertical == [[[0, 0, 0, 0], [0, -10, -10, 0], [0, -30, -30, 0], [0, -40, -40, 0]]]
    assert horizontal == [[[0, 0, 0, 0], [0, -10, -30, -40], [0, -10, -30, -40], [0, 0, 0, 0]]]
    assert FIXED["sobel_x"] == ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))
    assert FIXED["sobel_x_flipped"] == ((1, 0, -1), (2, 0, -2), (1, 0, -1))
    assert FIXED["sobel_y_flipped"] == ((1, 2, 1), (0, 0, 0), (-1, -2, -1))


def test_the_first_sum_reads_as_in_the_lecture() -> None:
    text = cm.worked(example("L01-worked"), [image(A)], at=[(0, 0)], layer="edges").to_text(width=200)

    said = "(0 × -1) + (50 × 0) + (0 × 1) + (0 × -2) + (80 × 0) + (31 × 2) + (33 × -1) + (90 × 0) + (0 × 1) = 29"
    assert said in text


# Named kernels.


def test_flipped_kernels_are_turned_by_half_a_turn() -> None:
    for name in ("sobel_x", "sobel_y"):
        assert FIXED[f"{name}_flipped"] == tuple(row[::-1] for row in FIXED[name][::-1])


@pytest.mark.parametrize("name", sorted(FIXED))
def test_kernels_of_edges_are_blind_to_flat_pictures(name: str) -> None:
    assert sum(map(sum, FIXED[name])) == (1 if name == "sharpen" else 0)


@pytest.mark.parametrize("size", [(3,), (3, 3), (3, 5), (1, 1, 3)])
def test_kernels_of_any_size(size: tuple[int, ...]) -> None:
    for name in sorted(ANY_SIZE):
        numbers = np.array(named_kernel(name, size))
        assert numbers.shape == size
        assert np.isclose(numbers.sum(), numbers.size if name == "sum" else 1)
        assert (numbers == np.flip(numbers)).all()


def test_the_gaussian_is_binomial_and_exact() -> None:
    assert named_kernel("gaussian", (3,)) == (1 / 4, 2 / 4, 1 / 4)


def test_every_named_kernel_stands_in_the_documentation() -> None:
    page = (EXAMPLES.parent / "windows.md").read_text(encoding="utf-8")

    for name in NAMES:
        assert f"| `{name}` |" in page
    for name, rows in FIXED.items():
        [line] = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert " / ".join(" ".join(map(str, row)) for row in rows) in line


# Weights in the spec.


def conv(**fields: Any) -> Any:
    return cm.stack(cm.Conv(1, 3, **fields), input=(1, 4, 4))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weight": "sobelx"}, "did you mean 'sobel_x'"),
        ({"weight": [[1, 2], [3]]}, "rows differ in length"),
        ({"weight": [[1, 2], [3, 4]]}, "the weights are 2 × 2, but kernel_size is 3 × 3"),
        ({"weight": []}, "an empty list holds no numbers"),
        ({"weight": [["x", 2, 3]] * 3}, "'x' is no number"),
        ({"weight": [[True, 2, 3]] * 3}, "true is no number"),
        ({"weight": "1/0"}, "'1/0' is no kernel"),
        ({"bias_value": 1, "bias": False}, "the layer has 'bias: false'"),
        ({"bias_value": "box"}, "'box' is no number"),
    ],
)
def test_faulty_numbers_are_refused_at_their_place(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(cm.SpecError, match=re.escape(message)):
        conv(**fields)


def test_a_named_kernel_of_one_size_needs_that_size() -> None:
    with pytest.raises(cm.SpecError, match="'sobel_x' is a kernel of 3 × 3, but kernel_size is 5 × 5"):
        cm.stack(cm.Conv(1, 5, weight="sobel_x"), input=(1, 9, 9))


def test_weights_repeat_over_the_axes_that_are_left_out() -> None:
    kernel = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    short = cm.stack(cm.Conv(2, 3, weight=kernel), input=(2, 4, 4))
    full = cm.stack(cm.Conv(2, 3, weight=[[kernel] * 2] * 2, bias_value=[0, 0]), input=(2, 4, 4))

    assert cm.run(short, [image(A), image(C)]).tolist() == cm.run(full, [image(A), image(C)]).tolist()


def test_a_shape_that_does_not_fit_is_told_with_both_shapes() -> None:
    with pytest.raises(cm.SpecError, match=r"'weight' is 2 × 1 × 3 × 3, but the layer needs 1 × 1 × 3 × 3"):
        cm.run(conv(weight=[[[[1] * 3] * 3]] * 2), [image(A)])


def test_written_weights_change_no_formula() -> None:
    assert cm.analyze(conv(weight="sobel_x")).totals.params == cm.analyze(conv()).totals.params


def test_given_weights_win_over_written_ones() -> None:
    given = {"conv1": {"weight": np.zeros((1, 1, 3, 3), np.int64), "bias": [7]}}

    assert set(cm.run(conv(weight="sobel_x"), [image(A)], given).flat) == {7}


def test_numbers_of_a_file_stay_exact() -> None:
    found = cm.run(cm.stack(cm.Dense(1, weight=[[10**17, "1/2"]]), input=(2,)), [10**17, 2])

    assert found.dtype == np.float64  # one weight is no integer
    assert cm.run(cm.stack(cm.Dense(1, weight=10**17), input=(2,)), [10**17, 1]).tolist() == [10**34 + 10**17]


# Files.


def files(folder: Path) -> tuple[str, str]:
    (folder / "w.json").write_text(json.dumps({"c": {"weight": [[FIXED["sobel_x"]]]}}), encoding="utf-8")
    return written(folder, CONV), str(folder / "w.json")


def test_a_csv_goes_in_and_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec, weights = files(tmp_path)

    assert call(capsys, "run", spec, "--input", str(A), "--weights", weights) == (0, "29,-192\n-35,-22\n", "")


@pytest.mark.parametrize("ending", ["csv", "npy", "png"])
def test_every_format_is_read_as_it_was_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, ending: str
) -> None:
    spec = written(tmp_path, CONV.replace("- conv: {name: c, out_channels: 1, kernel_size: 3, bias: false}", "- relu"))
    out = str(tmp_path / f"out.{ending}")

    assert call(capsys, "run", spec, "--input", str(A), "-o", out) == (0, "", "")

    assert call(capsys, "run", spec, "--input", out)[1] == A.read_text(encoding="utf-8")


def test_channels_of_a_csv_stand_one_below_the_other(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec = written(tmp_path, "convmath: 1\ninput: [C, H, W]\nlayers: [relu]")
    data = written(tmp_path, "1,2\n3,4\n\n\n5,6\n-7,8.5\n", "x.csv")

    assert call(capsys, "run", spec, "--input", data) == (0, "1.0,2.0\n3.0,4.0\n\n5.0,6.0\n0.0,8.5\n", "")


def test_a_picture_is_scaled_where_its_numbers_are_none_of_a_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    spec, weights = files(tmp_path)
    out = tmp_path / "out.png"

    call(capsys, "run", spec, "--input", str(A), "--weights", weights, "-o", str(out))

    relu = written(tmp_path, "convmath: 1\ninput: [1, H, W]\nlayers: [relu]", "relu.yaml")
    assert call(capsys, "run", relu, "--input", str(out))[1] == "255,0\n181,196\n"


def test_colours_are_three_channels(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec = written(tmp_path, "convmath: 1\ninput: [3, H, W]\nlayers: [relu]")
    data = written(tmp_path, "1\n\n2\n\n3\n", "x.csv")
    picture = str(tmp_path / "x.png")

    assert call(capsys, "run", spec, "--input", data, "-o", picture) == (0, "", "")

    assert call(capsys, "run", spec, "--input", picture)[1] == "1\n\n2\n\n3\n"


def test_weights_from_an_archive(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec = written(tmp_path, CONV)
    np.savez(tmp_path / "w.npz", **{"c.weight": np.array([[FIXED["sobel_x"]]])})

    assert call(capsys, "run", spec, "--input", str(A), "--weights", str(tmp_path / "w.npz"))[1] == "29,-192\n-35,-22\n"


def npy(array: Any, **settings: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **settings)
    return stream.getvalue()


def huge() -> bytes:
    """Return an array whose header promises far more than there is."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (1, 10**9, 10**9)})
    return stream.getvalue()


def bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("c.weight.npy", npy(np.zeros(10**6)))
    return stream.getvalue()


HOSTILE: dict[str, tuple[str, bytes, int, str]] = {
    "a word": ("x.csv", b"1,2\n3,four\n", 3, "line 2, column 2: 'four' is no number"),
    "an empty cell": ("x.csv", b"1,2\n3,\n", 3, "line 2, column 2: an empty cell"),
    "uneven rows": ("x.csv", b"1,2\n3\n", 3, "rows differ in length"),
    "not a number": ("x.csv", b"1,nan\n", 3, "'nan' is no number"),
    "infinity by its size": ("x.csv", b"1,1e999\n", 3, "'1e999' is no number"),
    "nothing": ("x.csv", b"\n\n", 3, "holds no numbers"),
    "no text": ("x.csv", b"\xff\xfe", 3, "is no UTF-8"),
    "too small": ("x.csv", b"1,2\n3,4\n", 3, "the window does not fit"),
    "objects": ("x.npy", npy(np.array([{}], dtype=object), allow_pickle=True), 3, "must hold real numbers"),
    "complex": ("x.npy", npy(np.ones((1, 4, 4)) * 1j), 3, "must hold real numbers"),
    "a lie about the size": ("x.npy", huge(), 3, "but has 0 bytes"),
    "no array": ("x.npy", b"\x93NUMPY\x09\x00", 3, "its version is unknown"),
    "noise": ("x.npy", b"noise", 3, "no array in NumPy's format"),
    "not finite": ("x.npy", npy(np.full((1, 4, 4), np.nan)), 3, "not finite"),
    "no picture": ("x.png", b"noise", 3, "no PNG that can be read"),
    "another ending": ("x.pkl", b"", 2, "the ending must be one of .csv, .npy, .png"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_inputs(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    file, raw, status, message = HOSTILE[name]
    (tmp_path / file).write_bytes(raw)

    found, out, err = call(capsys, "run", written(tmp_path, CONV), "--input", str(tmp_path / file))

    assert (found, out) == (status, "")
    assert message in err


WEIGHTS: dict[str, tuple[str, bytes, int, str]] = {
    "another layer": ("w.json", b'{"d": {"weight": 1}}', 2, "no layer has this name"),
    "another array": ("w.json", b'{"c": {"wait": 1}}', 3, "the layer has weight"),
    "another shape": (
        "w.json",
        b'{"c": {"weight": [1, 2]}}',
        3,
        "must have the shape 1 × 1 × 3 × 3, but the one given",
    ),
    "no mapping": ("w.json", b"[1]", 3, "this is no mapping"),
    "no name": ("w.json", b'{"c": 1}', 3, "names no layer and array"),
    "words": ("w.json", b'{"c.weight": ["x"]}', 3, "must hold real numbers"),
    "deep": ("w.json", b"[" * 10_000, 5, "nested more than"),
    "broken": ("w.json", b"{", 3, "bad-json"),
    "no archive": ("w.npz", b"PK", 3, "no .npz archive"),
    "pickles": ("w.npz", b"", 3, "no .npz archive"),
    "a bomb": ("w.npz", bomb(), 5, "--max-data-bytes raises the limit"),
    "another ending": ("w.pt", b"", 2, "the ending must be one of .json, .npz"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_hostile_weights(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    file, raw, status, message = WEIGHTS[name]
    (tmp_path / file).write_bytes(raw)
    limit = ("--max-data-bytes", "1MiB")

    found, out, err = call(
        capsys, "run", written(tmp_path, CONV), "--input", str(A), "--weights", str(tmp_path / file), *limit
    )

    assert (found, out) == (status, "")
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--input", "nosuch.csv"], 2, "does not exist"),
        (["--input", str(A), "--weights", "nosuch.json"], 2, "does not exist"),
        (["--input", "."], 2, "ending must be one of"),
        (["--input", str(A), "-o", "x.txt"], 2, "must be .csv, .npy or .png"),
        (["--input", str(A), "--all"], 2, "go with --steps"),
        (["--input", str(A), "--input", str(A)], 2, "the input 'input' is given twice"),
        (["--input", str(A), "--layer", "d"], 2, "no layer 'd'"),
        (["--input", str(A), "--steps", "--layer", "d"], 2, "no layer 'd'"),
        (["--input", str(A), "--steps", "--at", "0,0"], 2, "--at goes with --layer"),
        (["--input", str(A), "--steps", "--layer", "c", "--at", "x"], 2, "write indices from 0 on"),
        (["--input", str(A), "--steps", "--layer", "c", "--at", "5,5"], 2, "whose output is 1 × 2 × 2"),
        (["--input", str(A), "--steps", "--layer", "c", "--at", "5"], 2, "has 1 numbers"),
        (["--input", str(A), "--max-data-bytes", "9"], 5, "--max-data-bytes raises the limit"),
        (["--input", str(A), "--max-macs", "5"], 5, "--max-macs raises the limit"),
        (["--input", str(A), "--max-memory", "1"], 5, "--max-memory raises the limit"),
    ],
)
def test_statuses(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], status: int, message: str
) -> None:
    found, out, err = call(capsys, "run", written(tmp_path, CONV), *arguments)

    assert (found, out) == (status, "")
    assert message in err


def test_without_pillow_pictures_are_a_missing_extra(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    (tmp_path / "x.png").write_bytes(b"")

    status, _, err = call(capsys, "run", written(tmp_path, CONV), "--input", str(tmp_path / "x.png"))

    assert status == 4
    assert "pip install 'convmath[image]'" in err


def test_a_file_that_cannot_hold_the_result_is_not_begun(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec = written(tmp_path, CONV.replace("out_channels: 1", "out_channels: 2"))
    out = tmp_path / "out.png"

    status, _, err = call(capsys, "run", spec, "--input", str(A), "-o", str(out))

    assert status == 2
    assert "a picture has one map or three, but the result is 2 × 2 × 2" in err
    assert not out.exists()


def test_symbols_take_the_sizes_of_the_data_and_else_their_defaults() -> None:
    wide = {"n": {"default": 2}, "H": {"default": 99}}
    net = cm.stack(cm.Conv("n", 3), input=(1, "H", "W"), symbols=wide)

    assert cm.run(net, [image(B)]).shape == (2, 4, 4)
    with pytest.raises(cm.SpecError, match="no value for k"):
        cm.run(cm.stack(cm.Conv("k", 3), input=(1, "H", "W")), [image(B)])


GRAPH = """
convmath: 1
name: two
inputs: {left: [1, H, W], right: [1, H, W]}
layers:
  - conv: {name: a, from: left, out_channels: 1, kernel_size: 1, weight: 2}
  - conv: {name: b, from: right, out_channels: 1, kernel_size: 1, weight: 3, bias_value: 1}
  - add: {name: both, from: [a, b]}
outputs: [b, both]
"""


def test_inputs_and_outputs_by_their_names(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec, left, right = (
        written(tmp_path, text, name) for text, name in ((GRAPH, "g.yaml"), ("1,2\n", "l.csv"), ("5,6\n", "r.csv"))
    )
    both = ["--input", f"left={left}", "--input", f"right={right}"]

    assert call(capsys, "run", spec, *both, "--layer", "both") == (0, "18,23\n", "")
    assert call(capsys, "run", spec, *both, "--layer", "a") == (0, "2,4\n", "")
    assert "2 + 16 = 18" in call(capsys, "run", spec, *both, "--steps", "--layer", "both")[1]
    assert "the outputs b, both; name one with --layer" in call(capsys, "run", spec, *both)[2]
    assert "write NAME=FILE; the inputs are left, right" in call(capsys, "run", spec, "--input", left)[2]
    assert call(capsys, "run", spec, "--input", f"left={left}")[0] == 2


def test_json_has_every_number_that_was_read() -> None:
    found = json.loads(cm.worked(example("L01-worked"), [image(A)]).to_json())

    first = found["layers"][0]["elements"][0]
    assert first["value"] == 29
    assert sum(a["value"] * b["value"] for a, b in first["terms"]) == 29


@pytest.mark.parametrize("form", ["markdown", "latex", "html", "json"])
def test_every_form_shows_the_result(capsys: pytest.CaptureFixture[str], form: str) -> None:
    path = str(EXAMPLES / "L01-worked.yaml")

    status, out, err = call(capsys, "run", path, "--input", str(A), "--steps", "--format", form)

    assert (status, err) == (0, "")
    assert "192" in out
    assert "edges" in out
