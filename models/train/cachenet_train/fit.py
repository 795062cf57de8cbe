"""One training loop for every net: one-cycle SGD, averaged weights, a checkpoint an epoch."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from .views import Views, epoch_order


@dataclass(frozen=True)
class Recipe:
    """How long and how hard a net is trained."""

    epochs: int
    batch: int = 256
    peak_lr: float = 0.2
    weight_decay: float = 5e-4
    warm_up: float = 0.2
    ema: float = 0.998


@dataclass(frozen=True)
class Workplace:
    """Where training runs: device, bf16 autocast or not, seed, checkpoint folder, reporter."""

    device: torch.device
    bf16: bool
    seed: int
    checkpoints: Path
    say: object = print

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


@dataclass(frozen=True)
class LabelLoss:
    """Cross-entropy against the labels, smoothed."""

    labels: torch.Tensor
    smoothing: float = 0.1
    views: int | None = None

    def __call__(self, logits: torch.Tensor, view: int, rows: torch.Tensor) -> torch.Tensor:
        labels = self.labels[rows].to(logits.device)
        return F.cross_entropy(logits, labels, label_smoothing=self.smoothing)


def fit(name: str, net: nn.Module, views: Views, loss, recipe: Recipe, place: Workplace) -> nn.Module:
    """Trains net on random views and returns it with its averaged weights.

    Goes on from the last finished epoch when the checkpoint folder holds one.
    loss(logits, view, rows) is the objective; loss.views, if set, bounds the number of distinct views.
    """
    done, state = place.checkpoints / f"{name}.pt", place.checkpoints / f"{name}.epoch.pt"
    net = net.to(place.device, memory_format=torch.channels_last)
    if done.exists():
        net.load_state_dict(torch.load(done, map_location=place.device, weights_only=True))
        return net.eval()
    run = _Run(net, views, recipe, place)
    if state.exists():
        run.restore(torch.load(state, map_location=place.device, weights_only=True))
        place.say(f"{name}: goes on after epoch {run.epoch}")
    started, first = time.monotonic(), run.epoch
    while run.epoch < recipe.epochs:
        run.train_epoch(name, loss)
        _save(run.state(), state)
    net.load_state_dict(run.average.module.state_dict())
    _save(net.state_dict(), done)
    state.unlink(missing_ok=True)
    seconds = time.monotonic() - started
    place.say(
        f"{name}: {recipe.epochs - first} epochs in {seconds:.0f} s "
        f"({seconds / max(1, recipe.epochs - first):.1f} s each), peak memory {peak_memory_mb()} MB"
    )
    return net.eval()


class _Run:
    """The moving parts of one training: weights, their average, optimiser, schedule, epoch."""

    def __init__(self, net: nn.Module, views: Views, recipe: Recipe, place: Workplace):
        self.net, self.views, self.recipe, self.place, self.epoch = net, views, recipe, place, 0
        self.labels = views.frames.labels
        steps = max(1, len(self.labels) // recipe.batch)
        self.average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema), use_buffers=True)
        decayed = [p for p in net.parameters() if p.ndim > 1]
        plain = [p for p in net.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.SGD(groups, lr=recipe.peak_lr, momentum=0.9, nesterov=True)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            recipe.peak_lr,
            total_steps=steps * recipe.epochs + 1,
            pct_start=recipe.warm_up,
            div_factor=10,
            final_div_factor=1000,
            cycle_momentum=False,
            anneal_strategy="linear",
        )

    def train_epoch(self, name: str, loss) -> None:
        order = epoch_order(self.labels, self.place.seed, self.epoch)
        batches = order.split(self.recipe.batch)
        if len(batches) > 1 and len(batches[-1]) < self.recipe.batch:
            batches = batches[:-1]
        view = self.epoch % loss.views if loss.views else self.epoch
        self.net.train()
        total = 0.0
        bar = tqdm(batches, desc=f"{name} {self.epoch + 1}/{self.recipe.epochs}", mininterval=10, unit="batch")
        for count, rows in enumerate(bar, 1):
            total += self._step(loss, view, rows)
            bar.set_postfix(loss=f"{total / count:.3f}", refresh=False)
        self.epoch += 1

    def _step(self, loss, view: int, rows: torch.Tensor) -> float:
        frames = self.views.view(view, rows).to(self.place.device)
        with self.place.autocast():
            logits = self.net(frames)
        value = loss(logits.float(), view, rows)
        self.optimiser.zero_grad()
        value.backward()
        self.optimiser.step()
        self.schedule.step()
        self.average.update_parameters(self.net)
        return value.item()

    def state(self) -> dict:
        return {
            "epoch": self.epoch,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
        }

    def restore(self, state: dict) -> None:
        self.epoch = state["epoch"]
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])


@torch.no_grad()
def logits_of(net, batch_of, rows: torch.Tensor, place: Workplace, batch: int = 512) -> torch.Tensor:
    """Logits float32 [len(rows),C] of net on batch_of(rows), in evaluation mode."""
    net.eval()
    parts = []
    for part in rows.split(batch):
        with place.autocast():
            parts.append(net(batch_of(part).to(place.device)).float().cpu())
    return torch.cat(parts)


def accuracy(net, views: Views, place: Workplace) -> float:
    """Share of a split's frames that net labels correctly, as they are."""
    logits = logits_of(net, views.plain, torch.arange(len(views.frames)), place)
    return (logits.argmax(1) == views.frames.labels).float().mean().item()


def peak_memory_mb() -> int:
    """Most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _save(state: dict, path: Path) -> None:
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
