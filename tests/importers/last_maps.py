"""Networks up to their last map, whose height is asked of several tools: six of torchvision, and two of our own."""

from __future__ import annotations

import onnx
import torch
from light_exports import exported
from onnx import TensorProto, helper
from torch import nn
from torch.nn import functional
from torchvision_models import light


class Same(nn.Module):
    """A convolution with stride 2 whose padding depends on the size, as TensorFlow's ``same`` has it."""

    def __init__(self, before, after, kernel, stride=2):
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, bias=False)
        self.kernel, self.stride = kernel, stride

    def forward(self, x):
        missing = [max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0) for size in x.shape[2:]]
        (top, bottom), (left, right) = [(each // 2, each - each // 2) for each in missing]
        return self.conv(functional.pad(x, (left, right, top, bottom)))


CHANNELS, KERNELS = (3, 8, 16, 32), (3, 5, 1)


def same():
    return nn.Sequential(*map(Same, CHANNELS, CHANNELS[1:], KERNELS))


def same_in_onnx():
    """Return the same layers as ONNX has them: ``auto_pad``."""
    nodes, weights, at = [], [], "x"
    for index, kernel in enumerate(KERNELS):
        shape = [CHANNELS[index + 1], CHANNELS[index], kernel, kernel]
        weights.append(helper.make_tensor(f"w{index}", TensorProto.FLOAT, shape, bytes(4 * _count(shape)), raw=True))
        nodes.append(helper.make_node("Conv", [at, f"w{index}"], [f"y{index}"], auto_pad="SAME_UPPER", strides=[2, 2]))
        at = f"y{index}"
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, "H", "W"])
    made = helper.make_tensor_value_info(at, TensorProto.FLOAT, ["N", CHANNELS[-1], None, None])
    graph = helper.make_graph(nodes, "same", [given], [made], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _count(shape):
    result = 1
    for each in shape:
        result *= each
    return result


def ceiling():
    """Return pools that round up, among them one whose last window would begin beyond the map."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, bias=False),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
        nn.MaxPool2d(1, 2, ceil_mode=True),
    )


def classifier(name):
    """Return a classifier of torchvision up to its last map."""
    made = light(name, **({"aux_logits": False} if name == "googlenet" else {}))
    if hasattr(made, "features"):
        return made.features
    heads = {"avgpool", "fc", "dropout", "aux1", "aux2"}
    return nn.Sequential(*(each for key, each in made.named_children() if key not in heads))


NETWORKS = {
    "ResNet-50": lambda: classifier("resnet50"),
    "GoogLeNet": lambda: classifier("googlenet"),
    "DenseNet-121": lambda: classifier("densenet121"),
    "ConvNeXt-Tiny": lambda: classifier("convnext_tiny"),
    "VGG-16": lambda: classifier("vgg16"),
    "AlexNet": lambda: classifier("alexnet"),
    "`same`, stride 2": same,
    "ceil-mode pools": ceiling,
}
TRACED = (3, 96, 96)


def in_onnx(name, module):
    """Return a network as a model of ONNX with open sizes."""
    return same_in_onnx() if name == "`same`, stride 2" else exported(module, TRACED)


def with_zeros(raw):
    """Return a model with its weights in it, for tools that read them: all zero."""
    model = onnx.load_from_string(raw)
    for each in model.graph.initializer:
        if each.data_location == TensorProto.EXTERNAL:
            del each.external_data[:]
            each.data_location = TensorProto.DEFAULT
            each.raw_data = bytes(_count(each.dims) * helper.tensor_dtype_to_np_dtype(each.data_type).itemsize)
    return model


def executed(module, least, most):
    """Return the height of the last map by that of the image, as PyTorch makes it.

    Two heights are had of one image, one of them as its width.
    """
    heights = list(range(least, most + 1))
    half = (len(heights) + 1) // 2
    found = {}
    for height, width in zip(heights[:half], heights[-half:], strict=True):
        with torch.no_grad():
            made = module(torch.empty(1, 3, height, width, device="meta" if _light(module) else "cpu"))
        found[height], found[width] = made.shape[2:]
    return dict(sorted(found.items()))


def _light(module):
    return next(module.parameters()).is_meta
