"""Muon on the convolutions, SGD on everything else: fewer epochs to the same accuracy than SGD alone."""

from __future__ import annotations

import torch
from torch import nn


class Optimiser:
    """Steps a net's trainable parameters on one linear schedule: up over warm_up of the steps, then down to 0."""

    def __init__(self, net: nn.Module, steps: int, lr: float, warm_up: float):
        learning = [p for p in net.parameters() if p.requires_grad]
        self._convs = [p for p in learning if p.ndim == 4]
        # Muon needs matrices: these share the convolutions' storage, which is channels-last.
        self._matrices = [nn.Parameter(_matrix(p.data)) for p in self._convs]
        if any(m.data_ptr() != p.data_ptr() for m, p in zip(self._matrices, self._convs)):
            raise ValueError("the net's convolutions have to be in channels_last memory format")
        rest = [p for p in learning if p.ndim != 4]
        self._optimisers = [
            torch.optim.Muon(
                self._matrices, lr=lr, weight_decay=0.1, momentum=0.9, adjust_lr_fn="match_rms_adamw"
            ),
            torch.optim.SGD(rest, lr=20 * lr, momentum=0.9, nesterov=True),
        ]
        rise = max(1, round(warm_up * steps))
        self._schedules = [
            torch.optim.lr_scheduler.LambdaLR(
                o, lambda t: min((t + 1) / rise, max(0.0, (steps - t) / max(1, steps - rise)))
            )
            for o in self._optimisers
        ]

    def step(self) -> None:
        """Applies the gradients and moves the schedule on."""
        for weight, matrix in zip(self._convs, self._matrices):
            matrix.grad = _matrix(weight.grad)
        for part in self._optimisers + self._schedules:
            part.step()

    def state_dict(self) -> list[dict]:
        """The state that a resumed training needs."""
        return [part.state_dict() for part in self._optimisers + self._schedules]

    def load_state_dict(self, state: list[dict]) -> None:
        """Restores a state_dict."""
        for part, saved in zip(self._optimisers + self._schedules, state, strict=True):
            part.load_state_dict(saved)


def _matrix(weight: torch.Tensor) -> torch.Tensor:
    return weight.permute(0, 2, 3, 1).flatten(1)
