"""What cannot be read of a module of PyTorch, or is asked for in a wrong way: the words and the exit status."""

from __future__ import annotations

from importlib.util import find_spec
from operator import attrgetter

import numpy as np
import pytest

import convmath as cm
from convmath.errors import UnsupportedError, UsageError

if find_spec("torch"):
    import torch
    from torch import nn
    from torch.nn.utils import prune  # noqa: F401  (torch.nn.utils does not import it by itself)

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


class Detector(nn.Module if find_spec("torch") else object):
    """A backbone that can be read, before what cannot."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.SiLU())
        self.label = nn.Conv2d(8, 6, 1)
        self.attention = nn.MultiheadAttention(6, 2)
        self.head = nn.Sequential(nn.Linear(6, 6), nn.ReLU())

    def forward(self, x):
        x = self.body(x)
        y = self.label(x)
        z = y.flatten(2).permute(2, 0, 1)
        z = self.attention(z, z, z)[0]
        return {"boxes": self.head(z), "features": [x, y], "square": y**3}


@pytest.mark.parametrize(
    ("output", "params"),
    [("label", 3 * 8 * 9 + 8 + 8 * 6 + 6), ("body", 3 * 8 * 9 + 8), ("features.0", 3 * 8 * 9 + 8), ("body.0", 224)],
)
def test_an_output_does_not_need_what_is_refused_elsewhere(output, params):
    network = cm.from_torch(Detector().eval(), output=output)
    assert cm.analyze(network).totals.params == params
    assert network.nodes[-1].name == {"body": "body.1", "features.0": "body.1"}.get(output, output)


@pytest.mark.parametrize("output", ["boxes", "head", "attention", "square", "nothing"])
def test_an_output_that_needs_what_is_refused_is_refused(output):
    said = refusal(Detector().eval(), output=output)
    assert "as attention does" in said or "pow" in said


def test_what_stands_before_a_branch_can_be_read():
    def forward(self, x):
        y = self.first(x)
        return self.second(y if x.shape[2] % 2 else -y)

    made = module(forward, first=nn.Conv2d(3, 4, 1), second=nn.Conv2d(4, 4, 1))
    assert "such as 'first'" in refusal(made)
    assert "such as 'first'" in refusal(made, output="second")
    assert [node.name for node in cm.from_torch(made, output="first").nodes] == ["first"]


def test_a_part_of_which_something_is_missing_is_refused():
    made = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Fold((4, 4), 2), nn.ReLU()), nn.ReLU())
    assert "Fold" in refusal(made, output="0")
    assert [node.name for node in cm.from_torch(made, output="0.0").nodes] == ["0.0"]


@pytest.mark.parametrize("branches", [False, True])
def test_keys_of_what_a_module_returns_name_outputs(branches):
    def forward(self, x):
        y = self.first(x)
        y = -y if branches and x.shape[2] > 5 else y
        return {"flow": self.second(y), "all": {"deep": y}}

    made = module(forward, first=nn.Conv2d(3, 4, 1), second=nn.Conv2d(4, 2, 1))
    totals = {output: cm.analyze(cm.from_torch(made, output=output)).totals for output in ("flow", "all.deep")}
    assert {output: each.params for output, each in totals.items()} == {"flow": 16 + 10, "all.deep": 16}
    with pytest.raises(UsageError, match="there is no layer 'flwo'"):
        cm.from_torch(made, output="flwo")


def test_advice_is_what_helps():
    flat = nn.Sequential(nn.Conv2d(3, 6, 5), nn.Flatten(), nn.Linear(6 * 28 * 28, 10))
    said = refusal(flat)
    assert "numbers in the place of H, W may settle it, as in --input-shape 3,32,32" in said
    assert "--allow-opaque" not in said
    assert len(cm.from_torch(flat, (3, 32, 32)).nodes) == 3
    assert "--allow-opaque" in refusal(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Fold((4, 4), 2)))
    assert "help:" not in refusal(nn.TransformerEncoderLayer(4, 2), (4,))


@pytest.mark.parametrize("shape", [5, None, "3,8,8", 2.5])
def test_a_shape_that_is_none_is_wrong_usage(shape):
    with pytest.raises(UsageError, match="write channels and sizes without the batch, as in") as refused:
        cm.from_torch(nn.ReLU(), shape)
    assert refused.value.exit_status == 2


def test_whole_numbers_of_any_type_are_sizes():
    assert cm.from_torch(nn.ReLU(), (3, np.int64(8), "W")).inputs[0].shape[:2] == (3, 8)
    assert cm.from_torch(nn.ReLU(), {"input": [np.uint8(3)]}).inputs[0].shape == (3,)
    for wrong in (True, 8.0, np.float64(8)):
        with pytest.raises(UsageError):
            cm.from_torch(nn.ReLU(), (3, wrong, 8))


def test_a_shape_with_the_batch_is_told_to_leave_it_out():
    layers = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 4, 3))
    assert "leave out the batch, as in (3, 64, 'W')" in refusal(layers, (1, 3, 64, "W"))
    assert "leave out the batch" not in refusal(layers, (2, 3, 64, 64))
    assert "leave out the batch" not in refusal(layers, (1, 64))


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("spectral_norm", "torch.nn.utils.remove_spectral_norm(layer)"),
        ("weight_norm", "torch.nn.utils.remove_weight_norm(layer)"),
        ("parametrizations.spectral_norm", "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')"),
        ("parametrizations.weight_norm", "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')"),
        ("prune.identity", "torch.nn.utils.prune.remove(layer, 'weight')"),
    ],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_all_layers_whose_weights_are_computed_are_listed_with_what_helps(way, told):
    change = attrgetter(way)(nn.utils)
    more = ("weight",) if way.startswith("prune") else ()
    made = nn.Sequential(*(change(nn.Conv2d(3, 3, 3), *more) for _ in range(3)), nn.ReLU(), nn.Conv2d(3, 3, 1)).eval()
    said = refusal(made)
    assert told in said
    assert "(at 0, 1, 2)" in said


def test_a_new_axis_before_the_batch_is_named():
    assert "along an axis before the batch" in refusal(module(lambda self, x: torch.stack([x, x], 0).sum(0)))
    assert "along an axis before the batch" in refusal(module(lambda self, x: torch.stack([x, x], -5).sum(0)))


@pytest.mark.parametrize("product", ["einsum", "matmul"])
def test_a_product_with_numbers_of_the_model_is_no_attention(product):
    def forward(self, x):
        return torch.einsum("bchw,oc->bohw", x, self.g) if product == "einsum" else torch.matmul(self.g, x)

    said = refusal(module(forward, g=nn.Parameter(torch.rand(8, 3 if product == "einsum" else 8))), (3, 8, 8))
    assert f"{product}: it multiplies a map with numbers of the model" in said
    assert "attention" not in said
    assert "as attention does" in refusal(module(lambda self, x: torch.matmul(x, x)), (3, 8, 8))


def test_numbers_that_are_repeated_by_a_size_are_told_in_words():
    def repeated(x):
        return torch.linspace(-1, 1, 8).view(1, 1, 1, 8).expand(x.shape[0], 1, x.shape[2], -1)

    said = refusal(module(lambda self, x: x + repeated(x)), (3, 8, 8))
    assert "it makes a map of numbers of the model, which depends on the sizes of the input" in said
    assert "N@" not in said


@pytest.mark.parametrize(
    "computed",
    [lambda x: torch.pow(x, 3), lambda x: torch.where(x > 0, 0.0, x), lambda x: torch.remainder(2, x)],
)
def test_functions_that_take_a_number_first_are_refused_in_words(computed):
    assert "cannot be read as a network" in refusal(module(lambda self, x: computed(x)))


def test_a_single_channel_that_is_added_to_many_is_refused_where_it_is_read():
    made = module(lambda self, x: self.wide(x) + self.single(x), wide=nn.Conv2d(3, 8, 1), single=nn.Conv2d(3, 1, 1))

    assert "add: maps of 8 × H × W and 1 × H × W meet; only a product" in refusal(made)


TYPES = {
    "to": lambda x: x.to(torch.int32).float(),
    "to, by name": lambda x: x.to(dtype=torch.uint8).float(),
    "type": lambda x: x.type(torch.int64).float(),
    "type, as a word": lambda x: x.type("torch.LongTensor").float(),
    "type, of tensors": lambda x: x.type(torch.ShortTensor).float(),
    "to, where nothing is left of it": lambda x: x.to("cpu", torch.bool).float(),
}


@pytest.mark.parametrize("way", TYPES)
def test_a_map_that_becomes_whole_numbers_is_refused(way):
    made = module(lambda self, x: TYPES[way](self.conv(x)), conv=nn.Conv2d(3, 4, 3))
    assert "it makes whole numbers of a map" in refusal(made)


def test_other_types_and_places_change_nothing():
    def forward(self, x):
        return self.conv(x).to(torch.float64).to("cpu").type(torch.float32).to(x.device, dtype=x.dtype).type_as(x)

    assert [node.kind for node in cm.from_torch(module(forward, conv=nn.Conv2d(3, 4, 3)), (3, 9, 9)).nodes] == ["conv"]
