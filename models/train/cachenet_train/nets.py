"""The net architectures: a residual net for accuracy, narrow early-strided nets for speed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.25, 0.25, 0.25)
HEAD_GAIN = 0.125  # keeps first logits small after max pooling, and the head's steps with them


class Residual(nn.Module):
    """x + two convolutions of x, at the same width."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(conv(width, width), conv(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class Net(nn.Module):
    """Classifies uint8 frames [N,H,W,3] (RGB) into float32 logits [N,C]; normalises inside."""

    def __init__(self, body: nn.Module, features: int, classes: int):
        super().__init__()
        # Frames are 0..255; one scale and offset stand for (x / 255 - mean) / std.
        self.register_buffer("scale", 1 / (255 * torch.tensor(STD)).view(1, 3, 1, 1))
        self.register_buffer("offset", -(torch.tensor(MEAN) / torch.tensor(STD)).view(1, 3, 1, 1))
        self.body = body
        self.head = nn.Linear(features, classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        x = frames.permute(0, 3, 1, 2).float() * self.scale + self.offset
        return self.head(HEAD_GAIN * self.body(x).amax((2, 3)))


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU: folded into one node when exported."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def full_net(widths: Sequence[int], classes: int) -> Net:
    """A residual net over a full-resolution stem; each further width halves the resolution."""
    stem, first, *deeper = widths
    layers = [conv(3, stem), conv(stem, first, stride=2), Residual(first)]
    width = first
    for wider in deeper:
        layers += [conv(width, wider), nn.MaxPool2d(2), Residual(wider)]
        width = wider
    return Net(nn.Sequential(*layers), width, classes)
