"""Augmented views that depend only on (seed, view, image), so that teacher logits can be cached."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .frames import Frames


@dataclass(frozen=True)
class Augment:
    """The augmentation of a view: shift and cutout as shares of the side, light as a share of the range."""

    shift: float = 0.125
    cutout: float = 0.25
    flip: bool = False
    light: float = 0.0


class Views:
    """Draws batches of a split, plain or as a numbered random view."""

    def __init__(self, frames: Frames, augment: Augment, seed: int, keep=lambda tensor: tensor):
        self.frames, self.augment, self.seed = frames, augment, seed
        self._pixels = keep(frames.pixels)  # views are drawn where it keeps the frames
        self._sides = torch.rand(len(frames), generator=torch.Generator().manual_seed(seed)).to(self._pixels.device)

    def plain(self, rows: torch.Tensor) -> torch.Tensor:
        """Unchanged frames: uint8 [B,H,W,3]."""
        return self._pixels[rows.to(self._pixels.device)]

    def view(self, number: int, rows: torch.Tensor) -> torch.Tensor:
        """The numbered view of the given frames: uint8 [B,H,W,3]."""
        device = self._pixels.device
        rows = rows.to(device)
        draw = self._draws(number)[rows]
        _, height, width, _ = self._pixels.shape
        down = _shifts(draw[:, 0], self.augment.shift * height)
        right = _shifts(draw[:, 1], self.augment.shift * width)
        y = _reflect(torch.arange(height, device=device) + down[:, None], height)
        x = _reflect(torch.arange(width, device=device) + right[:, None], width)
        if self.augment.flip:
            # Flipped in every other view: over two epochs each image is seen both ways (arXiv 2404.00498).
            turned = (self._sides[rows] < 0.5) ^ bool(number % 2)
            x = torch.where(turned[:, None], width - 1 - x, x)
        pixels = self._pixels[rows[:, None, None], y[:, :, None], x[:, None, :]]
        return self._cut(self._lit(pixels, draw), draw)

    def _draws(self, number: int) -> torch.Tensor:
        """Uniform draws [N,6] of a view; kept for the view in use."""
        if getattr(self, "_number", None) != number:
            random = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
            drawn = torch.rand(len(self.frames), 6, generator=random)  # on the CPU: the same on every device
            self._number, self._uniform = number, drawn.to(self._pixels.device)
        return self._uniform

    def _lit(self, pixels: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
        if not self.augment.light:
            return pixels
        gain = 1 + self.augment.light * (2 * draw[:, 4] - 1)
        offset = 255 * self.augment.light * (draw[:, 5] - 0.5)
        lit = pixels.float() * gain[:, None, None, None] + offset[:, None, None, None]
        return lit.clamp_(0, 255).to(torch.uint8)

    def _cut(self, pixels: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
        """Greys out one box per frame, partly outside at times."""
        if not self.augment.cutout:
            return pixels
        _, height, width, _ = pixels.shape
        y = _inside(draw[:, 2], self.augment.cutout, height)
        x = _inside(draw[:, 3], self.augment.cutout, width)
        box = y[:, :, None, None] & x[:, None, :, None]
        return pixels.masked_fill_(box, 128)


def _shifts(uniform: torch.Tensor, most: float) -> torch.Tensor:
    reach = round(most)
    return (uniform * (2 * reach + 1)).long() - reach


def _reflect(index: torch.Tensor, length: int) -> torch.Tensor:
    return (length - 1) - ((length - 1) - index.abs()).abs()


def _inside(uniform: torch.Tensor, share: float, length: int) -> torch.Tensor:
    side = max(1, round(share * length))
    start = (uniform * (length + side)).long() - side // 2 - side // 2
    position = torch.arange(length, device=uniform.device)[None]
    return (position >= start[:, None]) & (position < start[:, None] + side)


def epoch_order(labels: torch.Tensor, seed: int, epoch: int) -> torch.Tensor:
    """Rows of one epoch: a permutation, or square-root-weighted draws when classes are uneven."""
    random = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    counts = torch.bincount(labels)
    present = counts[counts > 0]
    if present.max() <= 1.5 * present.min():
        return torch.randperm(len(labels), generator=random)
    weight = counts.double().clamp(min=1).rsqrt()[labels]
    return torch.multinomial(weight, len(labels), replacement=True, generator=random)
