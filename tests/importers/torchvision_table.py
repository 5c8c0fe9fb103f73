"""Writes ``docs/torchvision.md``: every network of torchvision, as it comes in from PyTorch and from ONNX.

python tests/importers/torchvision_table.py            writes the page
python tests/importers/torchvision_table.py --check    only tells whether it is stale, with exit status 1
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import torch
from light_exports import exported
from page import main
from torch.utils.flop_counter import FlopCounterMode
from torchvision_models import light, models

import convmath as cm
from convmath.api.loading import load_bytes
from convmath.errors import UnsupportedError
from convmath.formula import Formula, symbol

PAGE = Path(__file__).parent.parent.parent / "docs" / "torchvision.md"
ATTENTION = re.compile("vit_|swin|maxvit|mvit")
REFUSED_IN_ONNX = ("vit_b_16", "swin_t", "maxvit_t", "mvit_v1_b")
"""One of each family: exports of attention take long, and refusals are alike."""
VIDEO, SEGMENTATION = models.video, models.segmentation
FRAMES = 16
TRACED = {"inception_v3": (3, 96, 96), "s3d": (3, 16, 224, 224)}
"""Sizes at which a network is exported where 64 is too small for it."""
FIXED = re.compile("alexnet|vgg")
"""They average to a number of places that the exporter wants to divide the map, so that sizes must be known."""
SETTINGS = {"googlenet": {"aux_logits": False}, "inception_v3": {"aux_logits": False}}


def networks():
    """Return the names of all classifiers, segmentations and networks for video, without detectors and optical flow."""
    found = [name for module in (models, SEGMENTATION, VIDEO) for name in models.list_models(module=module)]
    return [name for name in found if not ATTENTION.match(name)]


def refused():
    """Return the names of those that are not convolutional."""
    found = [name for module in (models, VIDEO) for name in models.list_models(module=module)]
    return [name for name in found if ATTENTION.match(name)]


def module(name):
    """Return the network as its figures were published, but for GoogLeNet's and Inception's auxiliary heads."""
    heads = {"aux_loss": True} if name.startswith(("deeplab", "fcn")) else SETTINGS.get(name, {})
    return light(name, **heads)


def entries(name):
    """Return what was published for each size of the input, with the size."""
    found = {}
    for each in models.get_model_weights(name):
        transforms = each.transforms()
        size = getattr(transforms, "crop_size", transforms.resize_size)
        found.setdefault((3, *[FRAMES] * is_video(name), size[0], size[-1]), each.meta)
    return found


def is_video(name):
    return name in models.list_models(module=VIDEO)


def symbols(shape):
    return "DHW"[4 - len(shape) :]


def rows(name):
    """Return the lines of a network, one for each size; Raises ``AssertionError`` where two sources differ."""
    made, published = module(name), entries(name)
    params = sum(each.numel() for each in made.parameters())
    fixed = FIXED.match(name)
    shapes = list(published)
    axes = symbols(shapes[0])
    open_torch = cm.analyze(cm.from_torch(made, (3, *axes)))
    traced = TRACED.get(name, shapes[0] if fixed else (3, *[4] * is_video(name), 64, 64))
    raw = exported(made, traced, sizes=not fixed)
    lines = []
    for shape, meta in published.items():
        at = dict(zip(axes, shape[1:], strict=True))
        ours = open_torch.at(**at).totals
        theirs = cm.analyze(load_bytes(raw, name, {} if fixed else at)).totals
        assert params == ours.params == theirs.params == without_head(name, meta), name
        assert ours.macs == theirs.macs == counted(made, shape), name
        assert bound(open_torch.analysis.report.totals.macs, at) == ours.macs, name
        assert round(ours.macs / 1e9, 3) == meta["_ops"], name
        assert ours.output_shape == theirs.output_shape, name
        cells = [
            f"`{name}`", " × ".join(map(str, shape)), f"{params:,}", f"{ours.macs:,}",
            f"{meta['num_params']:,}", f"{meta['_ops']:.3f}", str(len(open_torch.layers)),
            f"`{last_height(open_torch)}`",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def bound(value, at):
    return value.bind(at) if isinstance(value, Formula) else value


def last_height(analyzed):
    """Return the height of the last map that is neither averaged away nor enlarged to the image, as it is printed."""
    shapes = [each.output_shape for each in analyzed.analysis.report.layers]
    heights = [shape[-2] for shape in shapes if len(shape) > 2 and isinstance(shape[-2], Formula)]
    return [each for each in heights if each != symbol("H")][-1]


def without_head(name, meta):
    """Return the published number of parameters without Inception's auxiliary head, which its MACs leave out."""
    if name != "inception_v3":
        return meta["num_params"]
    trained = light(name, aux_logits=True).train()
    brought = cm.analyze(cm.from_torch(trained, (3, 299, 299))).totals.params
    assert brought == meta["num_params"]
    return brought - sum(each.numel() for each in trained.AuxLogits.parameters())


def counted(made, shape):
    """Return what PyTorch counts while the network runs on a map without elements."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        made(torch.empty(1, *shape, device="meta"))
    flops, rest = divmod(counter.get_total_flops(), 2)
    assert rest == 0
    return flops


def refusal(name):
    """Return the line of a network that is refused: what is named first, from PyTorch and from ONNX."""
    shape = min(entries(name))
    part = attentive(lambda: cm.from_torch(light(name), shape))
    in_onnx = "–"
    if name in REFUSED_IN_ONNX:
        raw = exported(light(name), shape, sizes=False)
        in_onnx = f"`{attentive(lambda: load_bytes(raw, name))}`"
    return f"| `{name}` | `{part}` | {in_onnx} |"


def attentive(reading):
    """Return what a refusal names first; Raises ``AssertionError`` where that is for another reason."""
    try:
        reading()
    except UnsupportedError as error:
        part, _, why = str(error).splitlines()[1].partition(" (at ")[0].strip().partition(": ")
        assert why == REASON
        return part
    raise AssertionError


def page(lines, refusals):
    """Return the page around its lines."""
    return f"""\
# torchvision, from PyTorch and from ONNX

<!-- generated by tests/importers/torchvision_table.py -->

{INTRO}
| network | input | parameters | MACs | `num_params` | `_ops` | layers | height of the last map |
|---|---|---:|---:|---:|---:|---:|---|
{lines}

{BELOW}
## What is refused

{REFUSED}
| network | module in PyTorch | operator in ONNX |
|---|---|---|
{refusals}

{REPRODUCE}"""


INTRO = f"""\
All networks of torchvision 0.28 for classification, segmentation and video that are convolutional.
Each is read twice: the live module by `from_torch` and its export by `from_onnx`.
For every row, the number of parameters of the module, those read from PyTorch and those read from ONNX are the same
number.
MACs are the same from PyTorch, from ONNX, and as `torch.utils.flop_counter` counts them while the module runs, halved.
Beside them stands what torchvision publishes with its weights: `num_params`, and `_ops` in units of 10⁹, which is the
number of MACs rounded to three decimals.
A network stands once for every size of the image at which weights were published; for video, {FRAMES} frames.
The last column is the height of the last map that is neither averaged away nor enlarged to the image, for every
height `H` that the network takes.
"""

BELOW = """\
- **GoogLeNet** is read without its two auxiliary heads (`aux_logits=False`), as its parameters were published.
- **Inception v3**: the published parameters include the auxiliary head, the published MACs do not.
  The row is without it; `from_torch(module.train())` brings it in and gives 27,161,264 parameters.
- **DeepLab and FCN** are read with their auxiliary head, in parameters and in MACs, as both were published.
- Detectors, optical flow and quantized networks are not in the table: boxes and correlation are no layers.
"""

REASON = "it multiplies two maps with one another, as attention does; no layer of a convolutional network says that"
REFUSED = f"""\
Networks with attention are refused, with exit status 4 on the command line, and each part is named with its reason:

> {REASON}

Both importers name attention first, then whatever else they do not know around it.
Exports of attention take long, so that one network of each family stands for all.
"""

REPRODUCE = """\
## How to reproduce

```text
pip install torch==2.13.0 'convmath[onnx,torch]' pillow
pip install --no-deps 'torchvision==0.28.*'
python tests/importers/torchvision_table.py --check
```

Weights have shapes and no elements: in PyTorch they are on the device `meta`, and the export keeps them in a file
beside the model, which convmath never opens.
Height and width are open in the export, but for AlexNet and VGG, whose pooling the exporter can only write for a
fixed size.
"""


def current():
    """Return the page as it should be."""
    lines = [line for name in networks() for line in rows(name)]
    return page("\n".join(lines), "\n".join(map(refusal, refused())))


if __name__ == "__main__":
    sys.exit(main(PAGE, current, sys.argv[1:]))
