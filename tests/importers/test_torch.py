"""Modules of PyTorch in every style: names, shared layers, several inputs and outputs, sizes in symbols, refusals."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pytest

import convmath as cm
from convmath.errors import LimitError, UnsupportedError, UsageError

if find_spec("torch"):
    import torch
    import torch_cases as cases
    from torch import nn
    from torch.nn import functional as F  # noqa: N812

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


def names(network):
    return [node.name for node in network.nodes]


def refusal(made, shape=(4, "H", "W"), **options):
    with pytest.raises(UnsupportedError) as refused:
        cm.from_torch(made, shape, **options)
    assert refused.value.exit_status == 4
    return str(refused.value)


def same_values(made, shape, sizes):
    """Require that the network puts out what the module does."""
    made = made.double()
    x = np.random.default_rng(1).standard_normal(sizes)
    with torch.no_grad():
        wanted = made(torch.from_numpy(x)[None])[0].numpy()
    np.testing.assert_allclose(cm.run(cm.from_torch(made, shape, weights=True), x), wanted, rtol=1e-9, atol=1e-9)


def test_a_layer_used_twice_shares_its_weights():
    def forward(self, x):
        return self.conv(F.relu(self.conv(x)))

    made = module(forward, conv=nn.Conv2d(4, 4, 3))
    network = cm.from_torch(made, (4, "H", "W"))
    assert [node.share for node in network.nodes] == [None, None, 0]
    assert names(network) == ["conv", "relu", "conv_2"]
    assert cm.analyze(network).totals.params == 4 * 4 * 9 + 4
    same_values(made, (4, "H", "W"), (4, 9, 8))


def test_weights_under_two_names_are_counted_once():
    one, two = nn.Linear(6, 6), nn.Linear(6, 6)
    two.weight = one.weight
    made = nn.Sequential(one, nn.ReLU(), two)
    assert "it shares its weight '0.weight' with 0, but not all of its parameters" in refusal(made, (6,))
    two.bias = one.bias
    network = cm.from_torch(made, (6,))
    assert cm.analyze(network).totals.params == 6 * 6 + 6


def test_layers_that_only_an_export_takes_apart_come_in():
    network = cm.from_torch(nn.Sequential(nn.Conv2d(4, 4, 3), nn.Softmin(1)), (4, "H", "W"))
    assert [node.kind for node in network.nodes] == ["conv", "rescaling", "softmax"]
    assert "unused_parameters" not in network.about


def test_several_inputs_take_the_names_of_their_arguments():
    def forward(self, left, right, mask=None):
        assert mask is None
        return self.conv(left) + right

    made = module(forward, conv=nn.Conv2d(3, 4, 3, padding=1))
    for shapes in (((3, "H", "W"), (4, "H", "W")), {"right": (4, "H", "W"), "left": (3, "H", "W")}):
        network = cm.from_torch(made, shapes)
        assert {each.name: each.channels for each in network.inputs} == {"left": 3, "right": 4}
        assert str(cm.analyze(network).totals.macs) == "108*H*W"


def test_outputs_come_out_of_mappings_sequences_and_dataclasses():
    @dataclass
    class Found:
        mask: object
        label: object
        loss: object = None

    def forward(self, x):
        x = self.stem(x)
        return Found({"mask": self.mask(x)}, [self.label(x.mean((2, 3)))])

    made = module(forward, stem=nn.Conv2d(3, 4, 3), mask=nn.Conv2d(4, 1, 1), label=nn.Linear(4, 10))
    network = cm.from_torch(made)
    assert [network.nodes[at].name for at in network.outputs] == ["mask", "label"]


def test_what_a_model_does_not_use_is_noted():
    made = module(lambda self, x: self.used(x), used=nn.Conv2d(3, 4, 1), head=nn.Linear(5, 7))
    network = cm.from_torch(made)
    assert network.about["unused_parameters"] == {"head": 5 * 7 + 7}
    assert cm.analyze(network).totals.params == 16


def test_what_a_model_holds_without_learning_it_is_noted_where_it_counts():
    made = module(lambda self, x: self.conv(x - self.mean), conv=nn.Conv2d(3, 4, 1))
    made.register_buffer("mean", torch.rand(1, 3, 1, 1))
    network = cm.from_torch(made)
    assert network.about["buffers_counted_as_parameters"] == {"mean": 3}
    assert cm.analyze(network).totals.params == 16 + 3
    same_values(made, (3, "H", "W"), (3, 5, 6))


def test_what_is_computed_of_parameters_is_learned():
    made = cases.LEARNED["bias"][0]
    assert cm.from_torch(made, (4, "H", "W")).about == {"source": "PyTorch"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own, of what it compiles with
def test_what_is_compiled_is_read_from_what_it_was_made_of():
    inner = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())
    assert names(cm.from_torch(torch.compile(inner), (4, "H", "W"))) == ["0", "1"]


def test_numbers_in_the_shape_decide_what_symbols_leave_open():
    def forward(self, x):
        return self.wide(x) if x.shape[-1] > 8 and len(x.shape) == 4 and x.dim() == 4 else self.narrow(x)

    made = module(forward, wide=nn.Conv2d(3, 4, 3), narrow=nn.Conv2d(3, 4, 1))
    assert names(cm.from_torch(made, (3, 16, 16))) == ["wide"]
    assert names(cm.from_torch(made, (3, 8, 8))) == ["narrow"]


def test_a_branch_on_a_symbol_bounds_it():
    def forward(self, x):
        return self.wide(x) if x.shape[-1] > 8 else self.narrow(x)

    made = module(forward, wide=nn.Conv2d(3, 4, 3), narrow=nn.Conv2d(3, 4, 1))
    network = cm.from_torch(made, symbols={"W": {"default": 32}})
    [width] = [each for each in network.symbols if each.name == "W"]
    assert (names(network), width.minimum, width.default) == (["wide"], 9, 32)


def test_a_branch_on_parity_is_refused_with_both_reasons():
    made = module(lambda self, x: F.relu(x) if x.shape[2] % 2 else torch.sigmoid(x))
    told = refusal(made)
    assert "following its code: control flow depends on the size H - 2*floor(H/2)" in told
    assert "torch.export: control flow depends on" in told


def test_a_branch_on_data_is_refused():
    told = refusal(module(lambda self, x: F.relu(x) if x.sum() > 0 else x))
    assert "sum: there is no layer for the sum over axes" in told or "it takes the sum over the batch" in told


def test_everything_that_is_unknown_is_listed_once():
    def forward(self, x):
        x = self.shrink(torch.fft.fft(x))
        return self.odd(self.conv(x)), torch.cumsum(self.conv(x), 1)

    told = refusal(module(forward, conv=nn.Conv2d(4, 4, 3), shrink=nn.Hardshrink(), odd=nn.FractionalMaxPool2d(2, 2)))
    assert "fft_fft" in told
    assert told.count("Hardshrink") == told.count("FractionalMaxPool2d") == 1
    assert "(at shrink)" in told


@pytest.mark.parametrize(
    ("forward", "word"),
    [
        (lambda self, x: x.flatten(2) @ x.flatten(2).transpose(1, 2), "matmul"),
        (lambda self, x: torch.einsum("bchw,bdhw->bcd", x, x), "einsum"),
        (lambda self, x: self.layer(x.flatten(2).transpose(1, 2), 1, 2)[0], "MultiheadAttention"),
    ],
)
def test_attention_is_refused_as_such(forward, word):
    told = refusal(module(forward, layer=nn.MultiheadAttention(4, 2)))
    assert f"{word}: it multiplies two maps with one another, as attention does" in told


def test_weights_that_are_computed_are_refused():
    told = refusal(nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3)))
    assert "its weights are computed before every call" in told


def test_an_unknown_layer_stands_as_opaque_where_sizes_are_numbers():
    made = nn.Sequential(nn.Conv2d(4, 8, 3), nn.FractionalMaxPool2d(2, 3), nn.Conv2d(8, 2, 1)).eval()
    network = cm.from_torch(made, (4, 10, 10), allow_opaque=True)
    assert [node.kind for node in network.nodes] == ["conv", "opaque", "pointwise_conv"]
    assert cm.analyze(network).totals.output_shape == (2, 3, 3)
    assert "only where all sizes are numbers" in refusal(made, allow_opaque=True)


def test_weights_are_the_live_ones():
    made = nn.Conv2d(4, 4, 3).eval()
    network = cm.from_torch(made, (4, "H", "W"), weights=True)
    with torch.no_grad():
        made.weight.fill_(2)
    assert (network.weights[network.nodes[0].name]["weight"] == 2).all()
    assert cm.from_torch(made, (4, "H", "W")).weights == {}
    half = cm.from_torch(made.half(), (4, "H", "W"), weights=True)
    assert half.weights[half.nodes[0].name]["bias"].dtype == np.float32


def test_the_module_is_left_as_it_was():
    made = nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4))
    before = {name: each.clone() for name, each in made.state_dict().items()}
    called = nn.Module.__call__
    cm.from_torch(made, (4, "H", "W"))
    with pytest.raises(UnsupportedError):
        cm.from_torch(module(lambda self, x: x.unknown_method()), (4, "H", "W"))
    assert nn.Module.__call__ is called
    assert made.training
    assert all((each == before[name]).all() for name, each in made.state_dict().items())


EXPORTED = (
    "layer: Conv2d",
    "layer: Conv2d same",
    "layer: ConvTranspose2d",
    "layer: BatchNorm2d True",
    "layer: InstanceNorm2d by itself",
    "layer: LayerNorm",
    "layer: GroupNorm",
    "layer: MaxPool2d",
    "layer: AvgPool2d",
    "layer: AdaptiveAvgPool2d",
    "layer: PReLU",
    "layer: PixelShuffle",
    "layer: Upsample to a size",
    "layer: Hardtanh of its own",
    "layer: GELU by tanh",
    "layer: ReflectionPad2d",
    "function: chunk",
    "function: slices",
    "function: interpolate",
    "function: shuffle",
    "function: gate",
    "function: pad",
    "learned: scale",
)


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_module_gives_what_pytorch_gives(name):
    """Through torch.export: the code asks first for the size of the batch, which stand-ins do not have."""
    torch.manual_seed(0)
    inner, shape = cases.CASES[name]

    def forward(self, x):
        assert x.shape[0] != 7
        return self.inner(x)

    sizes = tuple({"H": 8, "W": 11}.get(each, each) for each in shape)
    same_values(module(forward, inner=inner), shape, sizes)


@pytest.mark.parametrize("shape", [(3, "2H"), (3, "i"), (3, 0), (3, -1), (3, 1.5), (), "HW", [[]], {}, (True, 3)])
def test_a_shape_that_is_none_is_refused(shape):
    with pytest.raises(UsageError):
        cm.from_torch(nn.Conv2d(3, 3, 1), shape)


def test_a_symbol_that_is_none_is_refused():
    with pytest.raises(UsageError, match="'K' is no symbol"):
        cm.from_torch(nn.Conv2d(3, 3, 1), symbols={"K": {"default": 3}})
    with pytest.raises(UsageError, match="not step"):
        cm.from_torch(nn.Conv2d(3, 3, 1), symbols={"H": {"step": 3}})


def test_what_is_no_module_is_refused():
    with pytest.raises(UsageError, match="call the class to make one"):
        cm.from_torch(nn.ReLU, (3, "H", "W"))


def test_limits_hold():
    with pytest.raises(LimitError, match="more than 3 layers"):
        cm.from_torch(nn.Sequential(*[nn.ReLU()] * 5), limits=cm.Limits(layers=3))


def test_channels_that_do_not_meet_are_refused():
    assert "take 3 channels, but 4 arrive" in refusal(nn.Conv2d(3, 4, 1))


@pytest.mark.parametrize("affine", [True, False])
def test_a_norm_of_everything_takes_one_shape_alone(affine):
    norm = torch.nn.LayerNorm([4, 8], elementwise_affine=affine)

    assert cm.analyze(cm.from_torch(norm, (4, 8))).totals.params == 64 * affine
    for shape in ((4, 7), (4, "L")):
        with pytest.raises(cm.UnsupportedError, match="it is for 4 × 8 alone"):
            cm.from_torch(norm, shape)


def test_numbers_that_are_used_as_they_are_and_turned_are_not_mixed_up():
    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            self.held = nn.Parameter(torch.tensor([[[2.0]], [[3.0]], [[5.0]], [[7.0]]]))

        def forward(self, x):
            return torch.relu(x * self.held) / self.held

    assert "it shares its weight 'held' with mul" in refusal(Made())


@pytest.mark.parametrize(
    "fields",
    [
        {"out_channels": 8, "kernel_size": 1, "groups": 2},
        {"out_channels": 8, "kernel_size": 3, "groups": 4, "padding": 1, "padding_mode": "reflect"},
        {"out_channels": 8, "kernel_size": 3, "groups": 4, "padding": 1},
        {"out_channels": 8, "kernel_size": 1, "dilation": 2},
        {"out_channels": 8, "kernel_size": 1, "stride": 2},
        {"out_channels": 8, "kernel_size": 1, "padding": 1},
    ],
)
def test_a_convolution_is_called_what_its_spec_calls_it(fields):
    net = cm.from_torch(nn.Sequential(nn.Conv2d(4, **fields)), (4, 8, 8))
    back = cm.api.load_bytes(cm.to_spec(net).encode(), "net.yaml")

    assert [each.kind for each in back.nodes] == [each.kind for each in net.nodes]
