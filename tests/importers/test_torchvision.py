"""torchvision's networks: parameters as the module has them, MACs as published and as PyTorch's own counter finds."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import convmath as cm
from convmath.errors import UnsupportedError

if find_spec("torch") and find_spec("torchvision"):
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from torchvision_models import light, models, published

    IMAGES = tuple(models.list_models(module=models))
else:
    IMAGES = ()

pytestmark = pytest.mark.peers("torchvision")

SEGMENTATION = (
    "deeplabv3_mobilenet_v3_large",
    "deeplabv3_resnet101",
    "deeplabv3_resnet50",
    "fcn_resnet101",
    "fcn_resnet50",
    "lraspp_mobilenet_v3_large",
)
VIDEO = ("mc3_18", "r2plus1d_18", "r3d_18", "s3d")
ATTENTIVE_VIDEO = ("mvit_v1_b", "mvit_v2_s", "swin3d_t", "swin3d_s", "swin3d_b")
ATTENTIVE = ("maxvit_t", *(name for name in IMAGES if name.startswith(("vit_", "swin"))))
CLASSIFIERS = tuple(name for name in IMAGES if name not in ATTENTIVE)
QUICK = (
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "inception_v3",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "vgg11_bn",
    "fcn_resnet50",
    "deeplabv3_mobilenet_v3_large",
    "lraspp_mobilenet_v3_large",
    "r2plus1d_18",
)
"""One of each family, which are tried every time."""
REST = tuple(name for name in (*CLASSIFIERS, *SEGMENTATION, *VIDEO) if name not in QUICK)
FRAMES = 16
UNUSED = {"googlenet": {"aux1", "aux2"}, "inception_v3": {"AuxLogits"}}
"""What only training uses."""


def published_form(name):
    """Return a model with the heads that its published weights have."""
    return light(name, **({"aux_loss": True} if name.startswith(("fcn", "deeplab")) else {}))


def sizes_of(name):
    """Return the sizes at which a model's MACs are published."""
    transforms = published(name).transforms()
    crop = getattr(transforms, "crop_size", None) or transforms.resize_size * 2
    return ({"T": FRAMES} if name in VIDEO else {}) | {"H": crop[0], "W": crop[-1]}


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.full) for name in REST)])
def test_a_network_has_the_published_numbers(name):
    module, sizes = published_form(name), sizes_of(name)
    network = cm.from_torch(module, (3, *sizes))
    totals = cm.analyze(network).at(**sizes).totals
    unused = network.about.get("unused_parameters", {})
    assert set(unused) == UNUSED.get(name, set())
    assert totals.params + sum(unused.values()) == sum(each.numel() for each in module.parameters())
    assert round(totals.macs / 1e9, 3) == published(name).meta["_ops"]
    assert 2 * totals.macs == flops(module, sizes)


def flops(module, sizes):
    """Return what PyTorch's counter finds: the products and sums of convolutions and matrices."""
    with FlopCounterMode(display=False) as counter:
        module(torch.empty(1, 3, *sizes.values(), device="meta"))
    return counter.get_total_flops()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("vit_b_16", "swin_v2_t", "maxvit_t") else pytest.mark.full)
        for name in (*ATTENTIVE, *ATTENTIVE_VIDEO)
    ],
)
def test_attention_is_refused_in_clear_words(name):
    with pytest.raises(UnsupportedError, match="as attention does") as refused:
        cm.from_torch(light(name), (3, "T", "H", "W") if name in ATTENTIVE_VIDEO else (3, "H", "W"))
    assert refused.value.exit_status == 4
    assert "Attention" in str(refused.value).splitlines()[1]


def test_every_network_for_images_is_tried():
    assert (len(CLASSIFIERS), len(ATTENTIVE)) == (68, 12)


def test_training_brings_the_auxiliary_heads():
    module = light("googlenet")
    network = cm.from_torch(module.train())
    assert "unused_parameters" not in network.about
    assert [network.nodes[at].name for at in network.outputs] == ["fc", "aux2.fc2", "aux1.fc2"]
    assert cm.analyze(network).totals.params == sum(each.numel() for each in module.parameters())


def test_an_input_that_the_model_shifts_itself_comes_in():
    shifted = cm.from_torch(light("googlenet", transform_input=True))
    assert [node.kind for node in shifted.nodes[:4]] == ["slice_channels", "rescaling", "rescaling", "slice_channels"]
    plain = cm.analyze(cm.from_torch(light("googlenet"))).totals
    assert (cm.analyze(shifted).totals.params, cm.analyze(shifted).totals.macs) == (plain.params, plain.macs)


@pytest.mark.parametrize(
    ("name", "layer", "form"),
    [
        ("resnet50", "layer4.2.conv3", "floor(H/32 + 31/32)"),
        ("densenet121", "features.norm5", "floor(H/32 + 3/32)"),
        ("googlenet", "inception5b.cat", "floor(H/32 + 17/32)"),
        ("convnext_tiny", "features.7.2.block.0", "floor(H/32)"),
    ],
)
def test_closed_forms_are_collapsed(name, layer, form):
    assert str(cm.analyze(cm.from_torch(light(name)))[layer].output_shape[1]) == form


def test_names_are_those_of_the_model():
    module = light("resnet18")
    network = cm.from_torch(module)
    names = {node.name for node in network.nodes}
    layers = {name for name, each in module.named_modules() if not list(each.children())}
    assert {name for name in layers if not name.endswith("relu")} - names == set()
    assert {"layer1.0.add", "layer1.0.relu", "layer1.0.relu_2"} <= names
    assert {"layer1", "layer1.0"} <= {group.name for group in network.groups}


@pytest.mark.parametrize("masked", [False, True])
def test_a_deformable_convolution_takes_its_offsets_from_a_map(masked):
    from torchvision.ops import DeformConv2d

    class Deformed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.offset = torch.nn.Conv2d(4, 2 * 2 * 9, 3, padding=1)
            self.mask = torch.nn.Conv2d(4, 2 * 9, 3, padding=1)
            self.conv = DeformConv2d(4, 6, 3, padding=1)

        def forward(self, x):
            return self.conv(x, self.offset(x), self.mask(x).sigmoid() if masked else None)

    network = cm.from_torch(Deformed(), (4, "H", "W"))
    layer = network.nodes[-1].layer
    assert (layer.offset_groups, layer.modulated) == (2, masked)
    assert cm.analyze(network)["conv"].params == 4 * 6 * 9 + 6


SIZES = {"inception_v3": ((80, 75), (107, 96)), "r2plus1d_18": ((5, 17, 16), (4, 24, 33))}
RUN = ("resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1")
"""Those that are run every time; the others of each family take longer."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in RUN else pytest.mark.full) for name in QUICK])
def test_the_executor_puts_out_what_the_model_does(name):
    from torch_weights import drawn

    options = {"init_weights": False} if name in UNUSED else {}
    options |= {"weights_backbone": None} if name in SEGMENTATION else {}
    module = drawn(models.get_model(name, weights=None, **options)).double().eval()
    network = cm.from_torch(module, (3, *(("T",) if name in VIDEO else ()), "H", "W"), weights=True)
    for sizes in SIZES.get(name, ((65, 64), (72, 97))):
        x = np.random.default_rng(sum(sizes)).standard_normal((3, *sizes))
        with torch.no_grad():
            found = module(torch.from_numpy(x)[None])
        wanted = found["out"] if isinstance(found, dict) else found
        np.testing.assert_allclose(cm.run(network, x), wanted[0].numpy(), rtol=1e-6, atol=1e-9)
