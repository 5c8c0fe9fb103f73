"""What users do with models of ONNX beyond analyzing them: parts of them, their weights, variants."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import convmath as cm
from convmath.cli.main import run
from convmath.errors import UnsupportedError, UsageError

sys.path.insert(0, str(Path(__file__).parent.parent))
from onnx_models import model, node, tensor

pytestmark = pytest.mark.onnx


def status(*arguments: str) -> int:
    return run(list(arguments))


def weight(name: str, *dims: int) -> object:
    numbers = np.random.default_rng(len(name)).standard_normal(int(np.prod(dims))) / 7
    return tensor(name, dims, [float(each) for each in numbers])


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """Return a model of two convolutions and a norm, with boxes behind them that nobody can read."""
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["a"], name="first", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], ["r"], name="act"),
        node("Conv", ["r", "w2"], ["c"], name="second"),
        node("BatchNormalization", ["c", "g", "o", "m", "v"], ["n"], name="norm", epsilon=1e-3),
        node("NonMaxSuppression", ["n", "n"], ["y"], name="boxes"),
    ]
    channel = [weight(name, 4) for name in ("g", "o", "m")] + [tensor("v", (4,), [1.0, 2.0, 0.5, 0.25])]
    weights = [weight("w1", 8, 3, 3, 3), weight("b1", 8), weight("w2", 4, 8, 3, 3), *channel]
    path = tmp_path / "detector.onnx"
    path.write_bytes(model(nodes, initializers=weights).SerializeToString())
    return path


def test_an_output_is_read_without_what_stands_behind_it(detector: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnsupportedError, match="NonMaxSuppression: the operator is unknown"):
        cm.from_onnx(detector)
    by_node, by_tensor = cm.from_onnx(detector, output="norm"), cm.from_onnx(detector, output="n")
    assert [each.name for each in by_node.nodes] == ["first", "act", "second", "norm"]
    assert by_tensor == by_node
    with pytest.raises(UsageError, match="there is no layer 'nrm'; did you mean 'norm'"):
        cm.load(str(detector), output="nrm", allow_opaque=True)

    assert status("analyze", str(detector)) == 4
    assert "--output NAME reads only what one node needs" in capsys.readouterr().err
    assert status("analyze", str(detector), "--output", "second", "--columns", "name,params") == 0
    assert "512" in capsys.readouterr().out  # 8*(27 + 1) + 4*72


def test_the_numbers_of_single_precision_are_those_that_were_written(detector: Path) -> None:
    assert cm.from_onnx(detector, output="norm").nodes[-1].layer.eps == 1e-3


def test_a_converted_model_computes_the_same_with_its_weights(detector: Path, tmp_path: Path) -> None:
    spec, weights = tmp_path / "net.yaml", tmp_path / "net.npz"

    assert status("convert", str(detector), "--output", "norm", "-o", str(spec), "--weights", str(weights)) == 0
    assert status("convert", str(detector), "--output", "norm", "--weights", "net.txt") == 2
    x = np.random.default_rng(1).standard_normal((3, 7, 9))
    found = cm.run(cm.load(spec), x, cm.api.read_weights(weights))
    np.testing.assert_array_equal(found, cm.run(cm.from_onnx(detector, output="norm"), x))
    assert np.abs(found - cm.run(cm.load(spec), x)).max() > 0.1  # other weights give something else


def test_a_network_without_weights_has_none_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status("convert", "zoo:lenet5", "--weights", str(tmp_path / "w.npz")) == 2
    assert "LeNet-5 holds no weights" in capsys.readouterr().err


def test_a_model_has_variants_and_parts(detector: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert status("compare", str(detector), "zoo:lenet5") == 4
    path = detector.with_name("plain.onnx")
    path.write_bytes(
        model([node("Conv", ["x", "w"], ["y"])], initializers=[weight("w", 8, 3, 3, 3)]).SerializeToString()
    )

    assert status("compare", str(path), "--replace", "conv=separable_conv") == 0
    assert "with separable_conv" in capsys.readouterr().out
    net = cm.from_onnx(path)
    assert cm.analyze(net).totals.params == 216
    assert cm.verify(net, samples=3).confirmed


def test_parts_of_a_model_are_confirmed_like_those_of_a_spec() -> None:
    nodes = [
        node("Conv", ["x", "w1"], ["a"], name="/stem/first/Conv"),
        node("Relu", ["a"], ["b"], name="/stem/act/Relu"),
        node("Conv", ["b", "w2"], ["y"], name="/head/Conv"),
    ]
    net = cm.from_onnx(
        model(nodes, initializers=[weight("w1", 8, 3, 3, 3), weight("w2", 4, 8, 3, 3)]).SerializeToString()
    )

    assert [each.name for each in net.groups] == ["/stem"]
    assert cm.verify(net, samples=4).confirmed
    assert cm.analyze(net)["/stem"].params == 216
