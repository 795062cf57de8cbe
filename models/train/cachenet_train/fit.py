"""One training loop for every net: averaged weights, one linear schedule, a checkpoint per epoch."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from .optimiser import Optimiser
from .views import Views


SHOWN = 20
"""Steps between two readings of the loss."""


@dataclass(frozen=True)
class Recipe:
    """Length and learning rates of a training; average is the share of old weights kept per step."""

    epochs: int
    batch: int = 256
    lr: float = 0.01
    warm_up: float = 0.2
    average: float = 0.997


@dataclass(frozen=True)
class Place:
    """Where training runs: device, bf16 autocast or not, seed, checkpoint folder, where messages go."""

    device: torch.device
    bf16: bool
    seed: int
    checkpoints: Path
    say: Callable[[str], None] = tqdm.write

    def keep(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor on a CUDA device if it takes at most a quarter of the free memory there; otherwise where it is."""
        if self.device.type != "cuda" or 4 * tensor.nbytes > torch.cuda.mem_get_info(self.device)[0]:
            return tensor
        return tensor.to(self.device)

    def autocast(self):
        """Mixed precision, where it is faster."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


def fit(name: str, key: str, net: nn.Module, views: Views, loss, order, recipe: Recipe, place: Place) -> nn.Module:
    """Trains net on random views and returns it with its averaged weights, in evaluation mode.

    loss(logits, view, rows) is the objective; loss.views, if not None, bounds the distinct views.
    order(epoch) gives the rows of an epoch. A finished net of the same key is read back; an interrupted
    one resumes from its last complete epoch.
    """
    done, state = place.checkpoints / f"{name}-{key}.pt", place.checkpoints / f"{name}-{key}.epoch.pt"
    net = net.to(place.device, memory_format=torch.channels_last)
    if done.exists():
        net.load_state_dict(torch.load(done, map_location=place.device, weights_only=True))
        place.say(f"{name}: already trained")
        return net.eval()
    run = _Run(net, views, loss, order, recipe, place)
    if state.exists():
        run.load_state_dict(torch.load(state, map_location=place.device, weights_only=True))
        place.say(f"{name}: resumes after epoch {run.epoch} of {recipe.epochs}")
    started, first = time.monotonic(), run.epoch
    while run.epoch < recipe.epochs:
        run.train_epoch(name)
        _save(run.state_dict(), state)
    net.load_state_dict(run.average.module.state_dict())
    _save(net.state_dict(), done)
    state.unlink(missing_ok=True)
    seconds, epochs = time.monotonic() - started, max(1, recipe.epochs - first)
    place.say(f"{name}: {seconds:.0f} s, {seconds / epochs:.1f} s per epoch, peak memory {peak_memory_mb()} MB")
    return net.eval()


class _Run:
    """The state of one training."""

    def __init__(self, net: nn.Module, views: Views, loss, order, recipe: Recipe, place: Place):
        self.net, self.views, self.loss, self.order = net, views, loss, order
        self.recipe, self.place, self.epoch = recipe, place, 0
        self.batch = max(2, min(recipe.batch, len(order(0)) // 4))
        steps = recipe.epochs * max(1, len(order(0)) // self.batch)
        self.optimiser = Optimiser(net, steps, recipe.lr, recipe.warm_up)
        keep = min(recipe.average, 1 - 10 / max(20, steps))
        self.average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(keep), use_buffers=True)

    def train_epoch(self, name: str) -> None:
        """One pass over the rows of the epoch, each in the epoch's view."""
        batches = [rows for rows in self.order(self.epoch).split(self.batch) if len(rows) == self.batch]
        view = self.epoch % self.loss.views if self.loss.views else self.epoch
        self.net.train()
        total = 0.0
        bar = tqdm(batches, desc=f"{name} {self.epoch + 1}/{self.recipe.epochs}", mininterval=2, unit="batch")
        for count, rows in enumerate(bar, 1):
            total += self._step(view, rows)
            if count % SHOWN == 0:  # reading it waits for the device
                bar.set_postfix(loss=f"{float(total) / count:.3f}", refresh=False)
        self.epoch += 1

    def _step(self, view: int, rows: torch.Tensor) -> torch.Tensor:
        frames = self.views.view(view, rows).to(self.place.device)
        with self.place.autocast():
            logits = self.net(frames)
        value = self.loss(logits.float(), view, rows)
        self.net.zero_grad()
        value.backward()
        self.optimiser.step()
        self.average.update_parameters(self.net)
        return value.detach()

    def state_dict(self) -> dict:
        return {
            "epoch": self.epoch,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: dict) -> None:
        self.epoch = state["epoch"]
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])


@torch.no_grad()
def logits_of(net, views: Views, place: Place, view: int | None = None, batch: int = 512) -> torch.Tensor:
    """Logits float32 [N,C] of net on every frame of a split: unchanged, or in a numbered view."""
    net.eval()
    parts = []
    for rows in torch.arange(len(views.frames)).split(batch):
        frames = views.plain(rows) if view is None else views.view(view, rows)
        with place.autocast():
            parts.append(net(frames.to(place.device)).float().cpu())
    return torch.cat(parts)


def peak_memory_mb() -> int:
    """The peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _save(state, path: Path) -> None:
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
