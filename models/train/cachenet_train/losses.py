"""The objectives: labels alone, or labels and a teacher's logits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class Labels:
    """Cross-entropy against smoothed labels int64 [N]."""

    labels: torch.Tensor
    smoothing: float = 0.1
    views: int | None = None

    def __call__(self, logits: torch.Tensor, view: int, rows: torch.Tensor) -> torch.Tensor:
        labels = self.labels[rows.to(self.labels.device)].to(logits.device)
        return F.cross_entropy(logits, labels, label_smoothing=self.smoothing)


@dataclass(frozen=True)
class Distilled:
    """Mixes the labels with a teacher's logits [V,N,C] on the same views, softened by temperature.

    A teacher that has seen only the unchanged images gives [1,N,C], used for any number of views.
    """

    labels: torch.Tensor
    teacher: torch.Tensor
    temperature: float = 2.0
    share: float = 0.9
    plain: int = 0  # views, where the teacher has seen none

    @property
    def views(self) -> int:
        """The number of distinct views."""
        return self.plain or len(self.teacher)

    def __call__(self, logits: torch.Tensor, view: int, rows: torch.Tensor) -> torch.Tensor:
        told = self.teacher[view % len(self.teacher), rows.to(self.teacher.device)].to(logits.device)
        soft = (told.float() / self.temperature).softmax(1)
        taught = F.cross_entropy(logits / self.temperature, soft) * self.temperature**2
        labelled = F.cross_entropy(logits, self.labels[rows.to(self.labels.device)].to(logits.device))
        return self.share * taught + (1 - self.share) * labelled
