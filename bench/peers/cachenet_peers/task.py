"""A peer's task: the nets, and how hits are distinguished from misses. The harness writes it from the pack's manifest."""

import json
from dataclasses import dataclass


@dataclass
class Net:
    file: str
    temperature: float


@dataclass
class Task:
    classes: list[str]
    width: int  # of every net's input
    height: int
    resize: str  # of frames of another shape: stretch, or crop, the largest centred part of the input's shape
    full: Net
    small: Net
    policy: dict  # the window policy's settings
    cascade_threshold: float  # for the small net without a window, calibrated to the same accuracy budget

    @classmethod
    def read(cls, path: str) -> "Task":
        with open(path) as f:
            t = json.load(f)
        return cls(**{**t, "full": Net(**t["full"]), "small": Net(**t["small"])})
