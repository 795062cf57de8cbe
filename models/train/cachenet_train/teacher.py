"""The teacher's logits on numbered views, computed once and shared by every net that learns from it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from tqdm import tqdm

from .export import LEAST, OTHER
from .fit import Place, logits_of
from .folder import DataError
from .views import Views


class NotFinite(DataError):
    """A teacher answered NaN or an infinity."""


class OnnxTeacher:
    """A user's own classifier: one uint8 input [N,H,W,3] in RGB, one float output [N,K] of logits or probabilities.

    classes are its outputs in order; None takes them from the model's `cachenet.classes` metadata. Of probabilities
    it answers the logarithms, which are logits of the same probabilities. N may be fixed to 1.
    """

    def __init__(self, path: Path, classes: list[str] | None, size: tuple[int, int]):
        if not path.is_file():
            raise DataError(f"read teacher: {path} is not a file: give an ONNX model")
        try:
            self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as err:  # ONNX Runtime's exceptions share no narrower type
            raise DataError(f"read teacher: {path} does not load: {str(err).splitlines()[0]}") from err
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1 or inputs[0].type != "tensor(uint8)":
            raise DataError(
                f"read teacher: {path} has to take one uint8 tensor [N,H,W,3] and give one of logits [N,classes]: "
                "put casting and normalisation into the graph"
            )
        self.input, self.size = inputs[0].name, size
        self.single = inputs[0].shape[0] == 1
        self.probabilities = False
        self.digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.classes = self._agreed(path, classes)
        self._try(path)

    def _agreed(self, path: Path, classes: list[str] | None) -> list[str]:
        named = self.session.get_modelmeta().custom_metadata_map.get("cachenet.classes")
        if classes is None and named is None:
            raise DataError(f"read teacher: {path} does not name its classes: give --classes FILE, one name a line")
        if classes and named and json.loads(named) != classes:
            raise DataError(f"read teacher: {path} names other classes, or in another order, than were given")
        return classes or json.loads(named)

    def _try(self, path: Path) -> None:
        width, height = self.size
        try:
            noise = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (4, height, width, 3), np.uint8))
            answers = self._run(torch.cat([torch.zeros(1, height, width, 3, dtype=torch.uint8), noise]))
        except Exception as err:  # as above
            raise DataError(f"read teacher: {path} does not run on {width}x{height} frames: give --size") from err
        if answers.shape != (5, len(self.classes)):
            raise DataError(
                f"read teacher: {path} gives {tuple(answers.shape)[1:]} outputs for {len(self.classes)} classes: "
                "give --classes FILE with one name a line for each output"
            )
        self.probabilities = bool((answers >= 0).all() and ((answers.sum(1) - 1).abs() < 5e-3).all())

    def eval(self) -> None:
        """Does nothing: an ONNX model is always in evaluation mode."""

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Logits float32 [N,K] of frames uint8 [N,H,W,3]; NotFinite where it answers no numbers."""
        answers = self._run(frames.cpu())
        if not answers.isfinite().all():
            raise NotFinite("the teacher answers NaN or an infinity")
        return answers.clamp(min=LEAST).log() if self.probabilities else answers

    def _run(self, frames: torch.Tensor) -> torch.Tensor:
        batches = frames.split(1) if self.single else [frames]
        return torch.cat([torch.from_numpy(self.session.run(None, {self.input: b.numpy()})[0]).float() for b in batches])


def taught_views(teacher, key: str, views: Views, count: int, classes: int, place: Place) -> torch.Tensor:
    """Logits float16 [count,N,K] of teacher on views 0..count-1; kept in a file a view, under key."""
    folder = place.checkpoints / f"teacher-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    taught = torch.empty(count, len(views.frames), classes, dtype=torch.float16)
    for number in tqdm(range(count), desc="teacher", unit="view"):
        path = folder / f"{number}.npy"
        if not path.exists():
            logits = logits_of(teacher, views, place, view=number).numpy().astype(np.float16)
            partial = path.with_suffix(".partial.npy")
            np.save(partial, logits)
            partial.replace(path)
        taught[number] = torch.from_numpy(np.load(path))
    return taught


def narrowed(logits: torch.Tensor, group: list[int]) -> torch.Tensor:
    """Logits [...,K] as a specialist sees them, [...,len(group)+1]: its classes, then all others as one."""
    rest = [c for c in range(logits.shape[-1]) if c not in set(group)]
    other = logits[..., rest].float().logsumexp(-1, keepdim=True).to(logits.dtype)
    return torch.cat([logits[..., group], other], -1)


def narrowed_labels(labels: torch.Tensor, group: list[int], classes: int) -> torch.Tensor:
    """Labels as positions in a specialist's outputs; classes outside its group become the last output."""
    position = torch.full((classes,), len(group))
    position[torch.tensor(group)] = torch.arange(len(group))
    return position[labels]


def output_names(classes: list[str], group: list[int], other: bool) -> list[str]:
    """Names of a net's outputs in order."""
    return [classes[c] for c in group] + ([OTHER] if other else [])
