"""What cannot be read of a module of PyTorch, or is asked for in a wrong way: the words and the exit status."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

import convmath as cm
from convmath.errors import UnsupportedError, UsageError

if find_spec("torch"):
    from torch import nn

pytestmark = pytest.mark.peers


def module(forward, **layers):
    """Return a module of layers with this forward."""

    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            for name, each in layers.items():
                setattr(self, name, each)

    Made.forward = forward
    return Made().eval()


def refusal(made, shape=(3, "H", "W"), **options):
    with pytest.raises(UnsupportedError) as refused:
        cm.from_torch(made, shape, **options)
    assert refused.value.exit_status == 4
    return str(refused.value)


@pytest.mark.parametrize(
    ("made", "told"), [(None, "None"), ({}, "an empty dict"), ("text", "a str"), ([None, 3], "a list")]
)
def test_a_module_that_returns_no_map_is_refused(made, told):
    assert f"it returns {told}, and no map" in refusal(module(lambda self, x: made))


def test_a_layer_without_sizes_is_refused():
    assert "the parameter '0.weight' has no size yet" in refusal(nn.Sequential(nn.LazyConv2d(4, 3)))
    assert "the parameter 'running_mean' has no size yet" in refusal(nn.LazyBatchNorm2d(affine=False))


def test_code_that_ends_the_program_is_refused():
    def ends(error):
        raise error

    assert "it ends the program, with sys.exit(0)" in refusal(module(lambda self, x: ends(SystemExit(0))))
    with pytest.raises(KeyboardInterrupt):
        cm.from_torch(module(lambda self, x: ends(KeyboardInterrupt())))


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((3, "H", "W"), "takes 'left', 'right', 'mask' if you like; 1 shape is given"),
        ([(3, "H", "W")] * 4, "'mask' if you like; 4 shapes are given"),
        ({"left": (3, 8, 8), "rihgt": (3, 8, 8)}, "2 shapes are given for 'left', 'rihgt'"),
    ],
)
def test_shapes_that_forward_does_not_take_are_wrong_usage(shape, told):
    with pytest.raises(UsageError) as refused:
        cm.from_torch(module(lambda self, left, right, mask=None: left + right), shape)
    assert told in str(refused.value)
    assert refused.value.exit_status == 2


def test_the_exporter_writes_nothing_of_its_own(capfd):
    said = refusal(module(lambda self, x: x if x.sum() > 0 else -x))
    assert "it takes the sum over the batch" in said
    assert capfd.readouterr() == ("", "")
