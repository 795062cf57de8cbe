"""The one net architecture, and the short notation its variants are written in.

A net is written stage by stage, for example `32 64/2+2 128p+2`: a stem of 32 channels; 64 channels at
stride 2, then a residual block of 2 convolutions; 128 channels, a 2x2 maximum pool, another block.
"""

from __future__ import annotations

import re

import torch
from torch import nn
from torch.nn import functional as F

MEAN = (0.485, 0.456, 0.406)
STD = (0.25, 0.25, 0.25)
HEAD_GAIN = 0.125  # keeps the first logits, and so the head's first steps, small after max pooling

_STAGE = re.compile(r"(\d+)(?:/(\d)|(p))?(?:\+(\d))?")


class Residual(nn.Module):
    """x + depth convolutions of x, at the same width."""

    def __init__(self, width: int, depth: int):
        super().__init__()
        self.body = nn.Sequential(*(conv(width, width) for _ in range(depth)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class Net(nn.Module):
    """Classifies uint8 frames [N,H,W,3] (RGB) into float32 logits [N,C]; normalises inside."""

    def __init__(self, body: nn.Module, features: int, classes: int):
        super().__init__()
        # Frames are 0..255; one scale and offset replace (x / 255 - mean) / std.
        self.register_buffer("scale", 1 / (255 * torch.tensor(STD)).view(1, 3, 1, 1))
        self.register_buffer("offset", -(torch.tensor(MEAN) / torch.tensor(STD)).view(1, 3, 1, 1))
        self.body = body
        self.head = nn.Linear(features, classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        x = frames.permute(0, 3, 1, 2).float() * self.scale + self.offset
        return self.head(HEAD_GAIN * pool(self.body(x)))


def pool(x: torch.Tensor) -> torch.Tensor:
    """Maximum over the whole plane: [N,C,H,W] to [N,C]."""
    return F.max_pool2d(x, x.shape[2:]).flatten(1)


def conv(inputs: int, outputs: int, stride: int = 1, padding: int = 1) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU: folded into one node when exported."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


@torch.no_grad()
def whiten(net: Net, frames: torch.Tensor) -> None:
    """Fixes the stem to the leading principal components of 3x3 patches of frames uint8 [N,H,W,3], scaled to unit variance.

    Each component occurs twice, once per sign, so that ReLU loses nothing. The first epochs are then not
    spent on decorrelating neighbouring pixels (Jordan, "94% on CIFAR-10 in 3.29 Seconds", arXiv 2404.00498).
    """
    stem = net.body[0][0]
    variance, components = torch.linalg.eigh(_patch_moment(net, frames))
    leading = (components / (variance + 5e-4).sqrt()).T.flip(0)[: stem.out_channels // 2]
    filters = torch.cat([leading, -leading]).view(-1, 3, 3, 3)
    stem.weight[: len(filters)] = filters.to(stem.weight)
    stem.weight.requires_grad_(False)


def _patch_moment(net: Net, frames: torch.Tensor) -> torch.Tensor:
    """Second moment [27,27] of the 3x3 patches of normalised frames, a few frames at a time."""
    total, count = torch.zeros(27, 27, dtype=torch.float64), 0
    for some in frames.split(max(1, 2**17 // frames[0, :, :, 0].numel())):
        pixels = some.permute(0, 3, 1, 2).float() * net.scale.cpu() + net.offset.cpu()
        patches = F.unfold(pixels, 3).transpose(1, 2).flatten(0, 1).double()
        total, count = total + patches.T @ patches, count + len(patches)
    return total / count


def build(notation: str, classes: int) -> Net:
    """Builds a net with random weights; raises ValueError if the notation is invalid."""
    layers: list[nn.Module] = []
    width = 3
    for stage in notation.split() or [""]:
        match = _STAGE.fullmatch(stage)
        if not match:
            raise ValueError(f"net {notation!r}: stage {stage!r} is not WIDTH, WIDTH/STRIDE or WIDTHp, then +DEPTH")
        wider, stride, depth = int(match[1]), int(match[2] or 1), int(match[4] or 0)
        # A strided stem has no padding, so that the mean can be folded into its bias.
        layers.append(conv(width, wider, stride, padding=0 if width == 3 and stride > 1 else 1))
        width = wider
        if match[3]:
            layers.append(nn.MaxPool2d(2))
        if depth:
            layers.append(Residual(width, depth))
    return Net(nn.Sequential(*layers), width, classes)
