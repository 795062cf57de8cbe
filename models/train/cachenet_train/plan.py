"""Presets: the nets of a pack, and how many frames each is trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .fit import Recipe


@dataclass(frozen=True)
class Plan:
    """Net notations (see nets), learning rates, and budgets in frames seen, before scaling by effort."""

    full: str
    smalls: tuple[str, ...]
    selector: str
    shift: float = 0.125
    cutout: float = 0.25
    light: float = 0.0
    lr: float = 0.008
    distilled_lr: float = 0.04
    full_frames: int = 300_000
    small_frames: int = 900_000
    selector_frames: int = 300_000
    specialist_frames: int = 150_000
    views: int = 6
    batch: int = 256


CIFAR = Plan(
    full="32 64p+2 128p+2 256p+2",
    smalls=("16/2 64/2+2 128/2+2", "16/2 48/2+2 80/2+2"),
    selector="16/2 64/2+2 128/2+2",
    cutout=0.0,
    full_frames=720_000,
    small_frames=1_800_000,
    selector_frames=360_000,
    specialist_frames=300_000,
)

PRESETS = {
    "scenes": Plan(
        full="16 48/2+2 96p+2 192p+2",
        smalls=("16/2 32/2+2 64/2+2", "16/2 32/2+1 64/2+1"),
        selector="16/2 48/2+2 96/2+2",
        light=0.15,
    ),
    "cifar": CIFAR,
    "cifar-long": replace(  # for a GPU
        CIFAR,
        cutout=Plan.cutout,
        lr=0.011,
        distilled_lr=0.055,
        full_frames=2_250_000,
        small_frames=4_050_000,
        selector_frames=1_350_000,
        specialist_frames=600_000,
        views=15,
        batch=512,
    ),
}

MOST_EPOCHS = 300


def quick(plan: Plan) -> Plan:
    """Budgets of minutes: enough to try a pipeline, below the accuracy that the nets can reach."""
    return replace(
        plan, full_frames=110_000, small_frames=220_000, selector_frames=100_000, specialist_frames=50_000, views=3
    )


def scaled(plan: Plan, effort: float) -> Plan:
    """The plan with all budgets, and below 1 the views, multiplied by effort."""
    return replace(
        plan,
        full_frames=int(plan.full_frames * effort),
        small_frames=int(plan.small_frames * effort),
        selector_frames=int(plan.selector_frames * effort),
        specialist_frames=int(plan.specialist_frames * effort),
        views=max(2, round(plan.views * min(1.0, effort))),
    )


def faded(plan: Plan, share: float) -> Plan:
    """The plan with shifts, boxes and changes of light multiplied by share; 0 leaves frames as they are."""
    return replace(plan, shift=share * plan.shift, cutout=share * plan.cutout, light=share * plan.light)


def recipe(frames: int, per_epoch: int, lr: float, batch: int = 256) -> Recipe:
    """A recipe that sees about the given number of frames."""
    return Recipe(epochs=min(MOST_EPOCHS, max(2, round(frames / max(1, per_epoch)))), batch=batch, lr=lr)
