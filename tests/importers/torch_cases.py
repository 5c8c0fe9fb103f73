"""Modules of PyTorch for every entry of the tables: how each is made, and the shapes of its input without the batch."""

from __future__ import annotations

import operator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

LINE, IMAGE, VOLUME, VECTOR = (4, "L"), (4, "H", "W"), (4, "D", "H", "W"), (6,)
SPACE = {1: LINE, 2: IMAGE, 3: VOLUME}


class Fn(nn.Module):
    """A module of one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Learned(nn.Module):
    """A module of one function and learned numbers."""

    def __init__(self, function, *shape):
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.rand(shape) + 0.5)

    def forward(self, x):
        return self.function(x, self.weight)


def _layers():  # noqa: PLR0915  (one line each)
    yield "Linear", nn.Linear(6, 3), VECTOR
    yield "Linear without bias", nn.Linear(6, 3, bias=False), VECTOR
    for rank, shape in SPACE.items():
        conv, transposed = getattr(nn, f"Conv{rank}d"), getattr(nn, f"ConvTranspose{rank}d")
        yield f"Conv{rank}d", conv(4, 6, 3, 2, 1, 2, 2), shape
        yield f"Conv{rank}d same", conv(4, 5, 4, padding="same", dilation=2, bias=False), shape
        yield f"Conv{rank}d valid", conv(4, 5, 2, padding="valid"), shape
        for mode in ("reflect", "replicate", "circular"):
            if (mode, rank) != ("reflect", 3):
                yield f"Conv{rank}d {mode}", conv(4, 4, 3, padding=2, padding_mode=mode), shape
        yield f"Conv{rank}d same reflect", conv(4, 4, 4, padding="same", padding_mode="replicate"), shape
        yield f"ConvTranspose{rank}d", transposed(4, 6, 3, 2, 1, 1, 2, dilation=2), shape
        for name in ("BatchNorm", "InstanceNorm"):
            for affine in (True, False):
                made = getattr(nn, f"{name}{rank}d")(4, affine=affine, track_running_stats=True)
                yield f"{name}{rank}d {affine}", _moved(made), shape
        yield f"InstanceNorm{rank}d by itself", getattr(nn, f"InstanceNorm{rank}d")(4, affine=True), shape
        yield f"MaxPool{rank}d", getattr(nn, f"MaxPool{rank}d")(3, 2, 1, ceil_mode=True), shape
        yield f"AvgPool{rank}d", getattr(nn, f"AvgPool{rank}d")(3, 2, 1, count_include_pad=False), shape
        yield f"LPPool{rank}d", getattr(nn, f"LPPool{rank}d")(2, 3, 2), shape
        yield f"AdaptiveAvgPool{rank}d", getattr(nn, f"AdaptiveAvgPool{rank}d")(3), shape
        yield f"AdaptiveMaxPool{rank}d", getattr(nn, f"AdaptiveMaxPool{rank}d")(2), shape
        yield f"Dropout{rank}d", getattr(nn, f"Dropout{rank}d")(), shape
        pads = (1, 2, 0, 1, 2, 1)[: 2 * rank]
        for name in ("Zero", "Reflection", "Replication", "Circular"):
            yield f"{name}Pad{rank}d", getattr(nn, f"{name}Pad{rank}d")(pads), shape
        yield f"ConstantPad{rank}d", getattr(nn, f"ConstantPad{rank}d")(1, 0.0), shape
    yield "SyncBatchNorm", _moved(nn.SyncBatchNorm(4)), IMAGE
    yield "BatchNorm1d of a vector", _moved(nn.BatchNorm1d(6)), VECTOR
    yield "LayerNorm", nn.LayerNorm(6), VECTOR
    yield "LayerNorm of all", nn.LayerNorm((4, 5, 6)), (4, 5, 6)
    yield "GroupNorm", nn.GroupNorm(2, 4), IMAGE
    yield "LocalResponseNorm", nn.LocalResponseNorm(3, 0.1, 0.6, 1.5), IMAGE
    yield "PReLU", nn.PReLU(4), IMAGE
    yield "Flatten", nn.Flatten(), IMAGE
    yield "Unflatten", nn.Unflatten(1, (2, 3)), VECTOR
    yield "Identity", nn.Sequential(nn.Identity(), nn.ReLU()), IMAGE
    yield "PixelShuffle", nn.PixelShuffle(2), IMAGE
    yield "PixelUnshuffle", nn.Sequential(nn.Upsample(scale_factor=2), nn.PixelUnshuffle(2)), IMAGE
    yield "ChannelShuffle", nn.ChannelShuffle(2), IMAGE
    yield "Softmax", nn.Softmax(1), IMAGE
    yield "Softmax2d", nn.Softmax2d(), IMAGE
    yield "LogSoftmax", nn.LogSoftmax(1), VECTOR
    yield "GLU", nn.GLU(1), IMAGE
    yield "Upsample", nn.Upsample(scale_factor=2), LINE
    yield "Upsample to a size", nn.Upsample(size=(9, 13), mode="bilinear", align_corners=True), IMAGE
    yield "UpsamplingNearest2d", nn.UpsamplingNearest2d(scale_factor=3), IMAGE
    yield "UpsamplingBilinear2d", nn.UpsamplingBilinear2d(scale_factor=2), IMAGE
    for name in ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Hardsigmoid", "Hardswish", "Softsign"):
        yield name, getattr(nn, name)(), IMAGE
    for name in ("LogSigmoid", "LeakyReLU", "RReLU", "CELU", "ELU", "GELU", "Softplus", "Hardtanh"):
        yield name, getattr(nn, name)(), IMAGE
    yield "GELU by tanh", nn.GELU("tanh"), IMAGE
    yield "ELU of 2", nn.ELU(2.0), IMAGE
    yield "CELU of 2", nn.CELU(2.0), IMAGE
    yield "Softplus of 2", nn.Softplus(2.0), IMAGE
    yield "Hardtanh of its own", nn.Hardtanh(-0.5, 0.75), IMAGE
    for name in ("Dropout", "AlphaDropout", "FeatureAlphaDropout"):
        yield name, getattr(nn, name)(), IMAGE


def _moved(norm):
    """Return a norm whose running statistics are not those of a new one."""
    with torch.no_grad():
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
        if norm.weight is not None:
            norm.weight.uniform_(0.5, 2)
            norm.bias.uniform_(-1, 1)
    return norm


def _functions():  # noqa: PLR0915  (one line each)
    yield "add", lambda x: x + F.relu(x), IMAGE
    yield "iadd", lambda x: operator.iadd(x * 1.5, F.relu(x)), IMAGE
    yield "sub", lambda x: torch.sub(x, F.relu(x)), IMAGE
    yield "mul", lambda x: x.mul(torch.sigmoid(x + 1)), IMAGE
    yield "div", lambda x: x / (torch.sigmoid(x) + 1), IMAGE
    yield "maximum", lambda x: torch.maximum(x, 0.5 - x), IMAGE
    yield "minimum", lambda x: torch.minimum(x, -x), IMAGE
    yield "max of two", lambda x: torch.max(x, 2 * x), IMAGE
    yield "constants", lambda x: 2 - (3 * x - 1) / 4, IMAGE
    yield "gate", lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(), IMAGE
    yield (
        "spatial gate",
        lambda x: x * torch.sigmoid(torch.cat([x.mean(1, keepdim=True), x.amax(1, True)], 1)[:, :1]),
        IMAGE,
    )
    yield "max along channels", lambda x: x * x.max(1, keepdim=True)[0].tanh(), IMAGE
    yield "mean of everything", lambda x: x.mean([2, 3]), IMAGE
    yield "mean, twice", lambda x: x.mean(3).mean(2), (4, 5, 6)
    yield "view", lambda x: x.view(x.size(0), -1), IMAGE
    yield "reshape", lambda x: x.reshape(x.shape[0], x.shape[1] * x.shape[2], x.shape[3]), (4, 3, 5)
    yield "flatten", lambda x: torch.flatten(x, 1), IMAGE
    yield "shuffle", lambda x: _shuffle(x, 2), IMAGE
    yield "permuted norm", lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(0, 3, 1, 2), IMAGE
    yield "transposed", lambda x: F.gelu(x.transpose(1, 2)).transpose(1, 2), IMAGE
    yield "moved", lambda x: F.silu(x.movedim(1, -1)).movedim(-1, 1), IMAGE
    yield "chunk", lambda x: torch.cat(x.chunk(2, 1)[::-1], 1), IMAGE
    yield "split", lambda x: torch.cat([part + at for at, part in enumerate(x.split([1, 3], 1))], 1), IMAGE
    yield "split by a size", lambda x: torch.concat(x.split(3, dim=1)[::-1], dim=1), IMAGE
    yield "slices", lambda x: x[:, 1:3, 1:-1, ::2], IMAGE
    yield "an ellipsis", lambda x: x[..., 2:], IMAGE
    yield "one channel", lambda x: x[:, 2].unsqueeze(1) * 2, IMAGE
    yield "channels, turned", lambda x: torch.cat([torch.unsqueeze(x[:, at], 1) * (at + 1) for at in (3, 0)], 1), IMAGE
    yield "stacked channels", lambda x: torch.stack([x[:, 0] + 1, x[:, 3]], 1), IMAGE
    yield "unbound channels", lambda x: torch.stack(x.unbind(1)[::-1], dim=1), IMAGE
    yield "hidden channel, flat", lambda x: x[:, 1].flatten(1), IMAGE
    yield "narrow", lambda x: x.narrow(1, 1, 2), IMAGE
    yield "squeeze", lambda x: F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1), IMAGE
    yield "unsqueeze", lambda x: x * x.mean((2, 3)).unsqueeze(-1).unsqueeze(-1), IMAGE
    yield "none", lambda x: x * x.mean((2, 3))[:, :, None, None], IMAGE
    yield "interpolate", lambda x: F.interpolate(F.avg_pool2d(x, 2), size=x.shape[-2:], mode="bilinear"), IMAGE
    yield "interpolate by 2", lambda x: F.interpolate(x, scale_factor=2.0), IMAGE
    yield "pad", lambda x: F.pad(x, (1, 2, 0, 3)), IMAGE
    yield "negative pad", lambda x: F.pad(x, (-1, 2)), IMAGE
    yield "reflected pad", lambda x: F.pad(x, (1, 2, 2, 1), mode="reflect"), IMAGE
    yield "expand", lambda x: x + x.mean((2, 3), keepdim=True).expand(-1, -1, x.shape[2], x.shape[3]), IMAGE
    yield "clamp", lambda x: x.clamp(-0.25, 0.5), IMAGE
    yield "clamp below", lambda x: torch.clamp(x, min=0), IMAGE
    yield "swish by hand", lambda x: x * torch.sigmoid(x), IMAGE
    yield "hard swish by hand", lambda x: x * F.relu6(x + 3) / 6, IMAGE
    yield "mish by hand", lambda x: x * torch.tanh(F.softplus(x)), IMAGE
    yield "gelu by hand", lambda x: 0.5 * x * (1 + torch.erf(x / 2**0.5)), IMAGE
    yield "copies", lambda x: F.relu(x.contiguous().to(x.dtype).clone().detach()), IMAGE
    yield "in place", lambda x: (x * 1).relu_().add_(1), IMAGE
    yield "max pool", lambda x: F.max_pool2d(x, 2), IMAGE
    yield "dropout", lambda x: F.dropout(F.relu(x), 0.5, training=False), IMAGE
    yield "softmax", lambda x: F.softmax(x.flatten(1), dim=-1), (4, 2, 3)
    yield "a size from two", lambda x: F.interpolate(x, size=(x.shape[2] // 2 + 1, x.shape[3])), IMAGE
    yield "pixel shuffle", lambda x: F.pixel_shuffle(x, 2), IMAGE


def _shuffle(x, groups):
    batch, channels, height, width = x.size()
    x = x.view(batch, groups, channels // groups, height, width)
    return torch.transpose(x, 1, 2).contiguous().view(batch, -1, height, width)


def _learned():
    yield "scale", Learned(lambda x, w: x * w, 4, 1, 1), IMAGE
    yield "bias", Learned(lambda x, w: x + w.view(1, -1, 1, 1), 4), IMAGE
    yield "difference", Learned(lambda x, w: w - x, 1, 4, 1, 1), IMAGE
    yield "convolution", Learned(lambda x, w: F.conv2d(x, w, stride=2, padding=1), 5, 4, 3, 3), IMAGE
    yield "matrix", Learned(F.linear, 5, 6), VECTOR
    yield (
        "matrix on channels last",
        Learned(lambda x, w: F.linear(x.permute(0, 2, 3, 1), w).permute(0, 3, 1, 2), 5, 4),
        IMAGE,
    )
    yield "slope", Learned(F.prelu, 4), IMAGE


LAYERS = {name: (module, shape) for name, module, shape in _layers()}
FUNCTIONS = {name: (Fn(function), shape) for name, function, shape in _functions()}
LEARNED = {name: (module, shape) for name, module, shape in _learned()}
CASES = {
    f"{group}: {name}": case
    for group, cases in {"layer": LAYERS, "function": FUNCTIONS, "learned": LEARNED}.items()
    for name, case in cases.items()
}
