"""What users do with models of ONNX beyond analyzing them: parts of them, their weights, variants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx_models import model, node, tensor

import convmath as cm
from convmath.cli.main import run
from convmath.errors import UnsupportedError, UsageError

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
    assert "analyze, convert and verify --output NAME read what one node needs" in capsys.readouterr().err
    assert status("analyze", str(detector), "--output", "second", "--columns", "name,params") == 0
    assert "512" in capsys.readouterr().out  # 8*(27 + 1) + 4*72


def test_a_part_of_a_model_that_cannot_be_read_is_refused_with_the_reason() -> None:
    made = model([node("Relu", ["x"], ["a"], name="/stem/Relu"), node("Unique", ["a"], ["y"], name="/head/Unique")])

    with pytest.raises(UnsupportedError, match="Unique: the operator is unknown"):
        cm.from_onnx(made.SerializeToString(), output="/stem")


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


def gated(slope: float) -> object:
    """Return squeeze-and-excitation whose gate rises by *slope*."""
    nodes = [
        node("GlobalAveragePool", ["x"], ["m"]),
        node("Conv", ["m", "w1", "b1"], ["s"]),
        node("Relu", ["s"], ["r"]),
        node("Conv", ["r", "w2", "b2"], ["e"]),
        node("HardSigmoid", ["e"], ["g"], alpha=slope),
        node("Mul", ["x", "g"], ["y"]),
    ]
    held = [weight("w1", 2, 3, 1, 1), weight("b1", 2), weight("w2", 3, 2, 1, 1), weight("b2", 3)]
    return model(nodes, initializers=held)


@pytest.mark.parametrize(("slope", "times"), [(1 / 6, 1), (0.2, 0)])
def test_a_gate_that_the_shorthand_has_no_word_for_is_written_out(slope: float, times: int) -> None:
    net = cm.from_onnx(gated(slope).SerializeToString())
    text = cm.to_spec(net)
    again = cm.api.load_bytes(text.encode(), "again.yaml")

    assert text.count("squeeze_excitation") == times
    [gate, other] = [each.layer for one in (net, again) for each in one.nodes if each.layer.kind == "hard_sigmoid"]
    assert gate == other


def test_weights_of_shared_layers_are_written_once(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]), node("Conv", ["a", "w"], ["y"], pads=[1, 1, 1, 1])]
    path, spec, weights = tmp_path / "twice.onnx", tmp_path / "twice.yaml", tmp_path / "twice.npz"
    path.write_bytes(model(nodes, initializers=[weight("w", 3, 3, 3, 3)]).SerializeToString())

    assert status("convert", str(path), "-o", str(spec), "--weights", str(weights)) == 0
    x = np.random.default_rng(2).standard_normal((3, 5, 6))
    found = cm.run(cm.load(spec), x, cm.api.read_weights(weights))
    np.testing.assert_array_equal(found, cm.run(cm.from_onnx(path), x))


def test_a_model_whose_weights_stand_elsewhere_is_confirmed(tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "far.onnx"
    held = tensor("w", (4, 3, 3, 3), [0.5] * 108, raw=True)
    made = model([node("Conv", ["x", "w"], ["y"])], initializers=[held])
    onnx.save(made, str(path), save_as_external_data=True, size_threshold=0, location="far.bin")
    net = cm.from_onnx(path)

    assert cm.verify(net, samples=3).confirmed
    with pytest.raises(cm.SpecError, match="has its elements in another file"):
        cm.run(net, np.zeros((3, 5, 5)))


def test_a_norm_of_everything_takes_the_shape_of_its_weights_alone() -> None:
    nodes = [node("LayerNormalization", ["x", "g", "b"], ["y"], axis=1)]
    held = [weight("g", 3, 4, 8), weight("b", 3, 4, 8)]
    fits = model(nodes, inputs={"x": (1, 3, 4, 8)}, initializers=held)
    assert cm.analyze(cm.from_onnx(fits.SerializeToString())).totals.params == 2 * 96

    for dims in ((1, 3, 4, 7), (1, 3, "H", "W")):
        wrong = model(nodes, inputs={"x": dims}, initializers=held)
        with pytest.raises(UnsupportedError, match="it is for 3 × 4 × 8 alone"):
            cm.from_onnx(wrong.SerializeToString())


def test_a_batch_is_told_from_a_wrong_size(detector: Path) -> None:
    net = cm.from_onnx(detector, output="norm")

    message = "must have the shape 3 × H × W, but the one given has 1 × 3 × 8 × 8"
    with pytest.raises(cm.SpecError, match=message):
        cm.run(net, np.zeros((1, 3, 8, 8)))


def test_a_layer_is_run_by_what_the_model_calls_its_output() -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"], name="/Conv"),
        node("Add", ["c", "b"], ["sum"], name="/Add"),
        node("Relu", ["sum"], ["other"], name="/Relu"),
    ]
    held = [weight("w", 4, 3, 1, 1), tensor("b", (4, 1, 1), [1.0, -1.0, 2.0, 0.5])]
    net = cm.from_onnx(model(nodes, outputs=("other", "sum"), initializers=held).SerializeToString())
    x = np.random.default_rng(1).standard_normal((3, 5, 6))

    found = cm.run(net, x)
    assert list(found) == ["/Relu", "/Conv"]  # which has the sum for its bias
    np.testing.assert_array_equal(cm.run(net, x, layer="sum"), found["/Conv"])
    np.testing.assert_array_equal(cm.run(net, x, layer="other"), np.maximum(found["/Conv"], 0))
    with pytest.raises(UsageError, match="there is no layer 'othr'; did you mean 'other'"):
        cm.run(net, x, layer="othr")
