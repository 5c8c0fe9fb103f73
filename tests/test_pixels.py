"""Single positions: which pixels an output reads, holes included, and which outputs read a pixel."""

from __future__ import annotations

import pytest
from graphs import CHANNELS, Entry, graphs
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import network
from stacks import Case, stacks

from convmath.cli.main import run
from convmath.errors import SpecError, UsageError
from convmath.numeric.measure import measure_reads
from convmath.report import AxisPixels
from convmath.spec.graph import Network
from convmath.symbolic.pixels import outputs_that_read, pixels_of

SIZE = 48


def mask(axis: AxisPixels) -> int:
    return sum(1 << at for first, last in axis.runs for at in range(first, last + 1))


def check_both_ways(drawn: Network) -> None:
    """Hold what outputs read, and what reads a pixel, against traces of every pixel."""
    traced = measure_reads(drawn, 0)
    middle = SIZE // 2
    seen = {each.layer: each.axes[0] for each in outputs_that_read(drawn, (middle,))}
    for node, read in zip(drawn.nodes, traced, strict=True):
        for at in {0, len(read.masks) // 2, len(read.masks) - 1}:
            found = pixels_of(drawn, node.name, (at,))
            assert found.exact
            assert mask(found.inputs[0][1][0]) == read.masks[at]
        readers = sum(1 << at for at, each in enumerate(read.masks) if each >> middle & 1)
        assert (mask(seen[node.name]) if node.name in seen else 0) == readers


@given(graphs())
@settings(max_examples=150)
def test_graphs_read_what_tracing_sees(layers: list[Entry]) -> None:
    drawn = network([CHANNELS, SIZE], layers)
    try:
        measure_reads(drawn, 0)
    except SpecError:
        assume(False)

    check_both_ways(drawn)


@given(stacks(1, most=4), st.integers(0, 2))
@settings(max_examples=150)
def test_stacks_read_what_tracing_sees(layers: list[Case], extra: int) -> None:
    drawn = network([2, SIZE], [*(case.entry for case in layers), *["relu"] * extra])
    try:
        measure_reads(drawn, 0)
    except SpecError:
        assume(False)

    check_both_ways(drawn)


def test_dilations_leave_a_grid() -> None:
    conv = {"conv": {"out_channels": 1, "kernel_size": 3, "dilation": 2}}

    [(_, (axis,))] = pixels_of(network([1, 20], [conv, conv]), "conv2", (3,)).inputs

    assert axis.runs == ((3, 3), (5, 5), (7, 7), (9, 9), (11, 11))
    assert (axis.count, axis.span) == (5, 9)


def test_gaps_of_a_transposed_convolution_make_a_bound() -> None:
    gappy = {"conv_transpose": {"out_channels": 1, "kernel_size": 2, "stride": 1, "dilation": 2}}

    assert not pixels_of(network([1, 9], [gappy]), "conv_transpose1", (4,)).exact


def test_a_dense_layer_reads_all_that_reaches_it() -> None:
    layers = [{"max_pool": {"kernel_size": 2, "stride": 3}}, "flatten", {"dense": 1}]

    [(_, (axis,))] = pixels_of(network([1, 9], layers), "dense1", ()).inputs

    assert axis.runs == ((0, 1), (3, 4), (6, 7))


def test_the_command_shows_holes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pixels", "zoo:unet", "--at", "100,7"]) == 0
    assert "204 96…299" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zoo:lenet5", "--layer", "c9"], "there is no layer 'c9'"),
        (["zoo:lenet5", "--layer", "c3", "--at", "99,1"], "it has 10 × 10"),
        (["zoo:lenet5", "--pixel", "x"], "write positions as in 100,100"),
        (["zoo:lenet5", "--pixel", "1,1", "--at", "1,1"], "leave out --layer and --at"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pixels", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_symbols_need_values() -> None:
    with pytest.raises(UsageError, match="give a value to L"):
        pixels_of(network([1, "L"], ["relu"]), "relu1", (0,))
