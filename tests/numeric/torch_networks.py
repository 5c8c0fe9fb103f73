"""Networks that torchvision does not have, as one would write them in PyTorch.

Modules are made in the order in which the specs have their layers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def same(kernel: int, stride: int, size: int) -> tuple[int, int]:
    """Return TensorFlow's padding before and after."""
    surplus = max(kernel - (size % stride or stride), 0)
    return surplus // 2, surplus - surplus // 2


def pool_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pool as TensorFlow does."""
    height, width = x.shape[-2:]
    padding = (*same(kernel, stride, width), *same(kernel, stride, height))
    return functional.max_pool2d(functional.pad(x, padding, value=-torch.inf), kernel, stride)


class Branches(nn.Module):
    """A body, and what runs beside it: the sum of both."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))


class PoolSame(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return pool_same(x, 3, 2)


def xception(middle: int) -> nn.Module:
    """Return Keras' Xception, with so many middle blocks."""

    def norm(channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels, eps=0.001)

    def separable(arriving: int, channels: int) -> list[nn.Module]:
        depthwise = nn.Conv2d(arriving, arriving, 3, padding=1, groups=arriving, bias=False)
        return [depthwise, nn.Conv2d(arriving, channels, 1, bias=False), norm(channels)]

    def half(arriving: int, narrow: int, channels: int, *, activated: bool = False) -> nn.Module:
        first = [] if activated else [nn.ReLU()]
        body = [*first, *separable(arriving, narrow), nn.ReLU(), *separable(narrow, channels), PoolSame()]
        shortcut = nn.Sequential(nn.Conv2d(arriving, channels, 1, stride=2, bias=False), norm(channels))
        return Branches(nn.Sequential(*body), shortcut)

    def keeping() -> nn.Module:
        return Branches(nn.Sequential(*(part for _ in range(3) for part in (nn.ReLU(), *separable(728, 728)))))

    return nn.Sequential(
        *(nn.Conv2d(3, 32, 3, stride=2, bias=False), norm(32), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3, bias=False), norm(64), nn.ReLU()),
        half(64, 128, 128, activated=True),
        half(128, 256, 256),
        half(256, 728, 728),
        *(keeping() for _ in range(middle)),
        half(728, 728, 1024),
        *(*separable(1024, 1536), nn.ReLU(), *separable(1536, 2048), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000)),
    )


class Causal(nn.Conv1d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x, (self.dilation[0] * (self.kernel_size[0] - 1), 0)))


def tcn(levels: int, hidden: int, kernel: int) -> nn.Module:
    """Return a temporal convolutional network for 88 keys."""
    parts: list[nn.Module] = []
    for level in range(levels):
        arriving = hidden if level else 88
        first = Causal(arriving, hidden, kernel, dilation=2**level)
        body = nn.Sequential(first, nn.ReLU(), Causal(hidden, hidden, kernel, dilation=2**level), nn.ReLU())
        parts += [Branches(body, None if level else nn.Conv1d(88, hidden, 1)), nn.ReLU()]
    return nn.Sequential(*parts, nn.Conv1d(hidden, 88, 1))


class YoloV3(nn.Module):
    """Darknet-53, and three heads on what its stages and one another see."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList([self.stage(*each) for each in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4))])
        self.stages[0].insert(0, self.unit(3, 32, 3))
        boxes = 3 * (5 + classes)
        self.parts = nn.ModuleDict()
        for size, arriving, channels in (("large", 1024, 512), ("medium", 768, 256), ("small", 384, 128)):
            if size != "large":
                self.parts[f"{size}_lateral"] = self.unit(2 * channels, channels, 1)
            self.parts[f"{size}_neck"] = nn.Sequential(
                self.unit(arriving, channels, 1),
                *(self.unit(*each) for each in 2 * ((channels, 2 * channels, 3), (2 * channels, channels, 1))),
            )
            head = nn.Conv2d(2 * channels, boxes, 1)
            self.parts[size] = nn.Sequential(self.unit(channels, 2 * channels, 3), head)

    @staticmethod
    def unit(arriving: int, channels: int, kernel: int, stride: int = 1) -> nn.Module:
        conv = nn.Conv2d(arriving, channels, kernel, stride, kernel // 2, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.LeakyReLU(0.1))

    def stage(self, channels: int, times: int) -> nn.Sequential:
        half = channels // 2
        bodies = (nn.Sequential(self.unit(channels, half, 1), self.unit(half, channels, 3)) for _ in range(times))
        return nn.Sequential(self.unit(half, channels, 3, 2), *map(Branches, bodies))

    def forward(self, x: Tensor) -> list[Tensor]:
        seen: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            seen.append(x)
        found: list[Tensor] = []
        for size, beside in (("large", None), ("medium", seen[3]), ("small", seen[2])):
            if beside is not None:
                x = functional.interpolate(self.parts[f"{size}_lateral"](x), scale_factor=2, mode="nearest")
                x = torch.cat((x, beside), 1)
            x = self.parts[f"{size}_neck"](x)
            found.append(self.parts[size](x))
        return found


class Subsampling(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[..., ::2, ::2]


def tfslim_resnet(repeats: tuple[int, int, int, int], width: int) -> nn.Module:
    """Return TF-Slim's ResNet v1, which strides in the last unit of its first three blocks."""

    def body(arriving: int, channels: int, stride: int = 1) -> nn.Module:
        return nn.Sequential(
            *(nn.Conv2d(arriving, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()),
            *(nn.Conv2d(channels, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()),
            *(nn.Conv2d(channels, 4 * channels, 1, bias=False), nn.BatchNorm2d(4 * channels)),
        )

    units: list[nn.Module] = []
    arriving = width
    for at, times in enumerate(repeats):
        channels = width << at
        wide = nn.Sequential(nn.Conv2d(arriving, 4 * channels, 1, bias=False), nn.BatchNorm2d(4 * channels))
        units += [Branches(body(arriving, channels), wide), nn.ReLU()]
        arriving = 4 * channels
        for unit in range(1, times):
            last = unit == times - 1 and at < 3
            shortcut = Subsampling() if last else None
            units += [Branches(body(arriving, channels, 2 if last else 1), shortcut), nn.ReLU()]
    return nn.Sequential(
        *(nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), PoolSame()),
        *units,
        *(nn.AdaptiveAvgPool2d(1), nn.Conv2d(arriving, 1000, 1), nn.Flatten()),
    )


class UNet(nn.Module):
    """The U-Net of 2015, whose skips are cropped, or with padded convolutions, where there is nothing to crop."""

    def __init__(self, width: int, *, padded: bool) -> None:
        super().__init__()

        def double(arriving: int, channels: int) -> nn.Module:
            convs = (nn.Conv2d(each, channels, 3, padding=int(padded)) for each in (arriving, channels))
            return nn.Sequential(*(part for conv in convs for part in (conv, nn.ReLU())))

        sizes = [width << level for level in range(5)]
        self.down = nn.ModuleList([double(*pair) for pair in zip([1, *sizes], sizes, strict=False)])
        self.up = nn.ModuleList()
        for channels in sizes[-2::-1]:
            up = nn.ConvTranspose2d(2 * channels, channels, 2, stride=2)
            self.up.append(nn.ModuleList([up, double(2 * channels, channels)]))
        self.out = nn.Conv2d(width, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for part in self.down:
            x = part(functional.max_pool2d(x, 2) if skips else x)
            skips.append(x)
        for (up, double), skip in zip(self.up, skips[-2::-1], strict=True):
            x = up(x)
            cut = (skip.shape[-1] - x.shape[-1]) // 2
            inner = skip[..., cut : skip.shape[-2] - cut, cut : skip.shape[-1] - cut]
            x = double(torch.cat((inner, x), 1))
        return self.out(x)


class WaveNet(nn.Module):
    """Gated causal convolutions with growing dilations; the skips of all layers are summed."""

    def __init__(self, stacks: int, depth: int, residual: int, skip: int) -> None:
        super().__init__()
        self.first = Causal(256, residual, 2, bias=False)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    Causal(residual, residual, 2, dilation=2**level),
                    Causal(residual, residual, 2, dilation=2**level),
                    nn.Conv1d(residual, skip, 1),
                    nn.Conv1d(residual, residual, 1),
                ]
            )
            for _ in range(stacks)
            for level in range(depth)
        )
        self.post1, self.post2 = nn.Conv1d(skip, skip, 1), nn.Conv1d(skip, 256, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        skips: list[Tensor] = []
        for taken, gate, skip, dense in self.layers:
            gated = torch.tanh(taken(x)) * torch.sigmoid(gate(x))
            skips.append(skip(gated))
            x = x + dense(gated)
        return self.post2(torch.relu(self.post1(torch.relu(torch.stack(skips).sum(0)))))
