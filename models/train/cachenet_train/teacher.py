"""The teacher's logits on numbered views, computed once and shared by every net that learns from it."""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from tqdm import tqdm

from .export import LEAST, OTHER
from .fit import Place, logits_of
from .folder import DataError
from .pixels import Unreadable, answers, decode
from .views import Views


BATCH = 16
"""Frames per call of a teacher."""


COARSE = 0.05
"""Tolerance of the sum of low-precision probabilities."""


class NotFinite(DataError):
    """A teacher's output contains NaN or infinity."""


class OnnxTeacher:
    """A user's own classifier: one uint8 input [N,H,W,3] in RGB, one float output [N,K] of logits or probabilities.

    classes are its outputs in order; None takes them from the model's `cachenet.classes` metadata. For probabilities
    it returns the logarithms, which are logits of the same probabilities. N may be fixed to 1.
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
            raise DataError(f"read teacher: {path} does not name its classes: give --classes FILE, one name per line")
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
        """Logits float32 [N,K] of frames uint8 [N,H,W,3]; raises NotFinite if an output is not a number."""
        answers = self._run(frames.cpu())
        if not answers.isfinite().all():
            raise NotFinite("the teacher answers NaN or an infinity")
        if self.probabilities and not ((answers >= 0).all() and ((answers.sum(1) - 1).abs() < COARSE).all()):
            raise NotFinite("the teacher answers probabilities that do not sum to 1")
        return answers.clamp(min=LEAST).log() if self.probabilities else answers

    def of_images(self, paths: list[Path]):
        """Yields for each image the logits float32 [K], or the reason why there are none."""
        for batch in batched(decode(paths, self.size), BATCH):
            readable = [torch.from_numpy(got.copy()) for got in batch if not isinstance(got, Unreadable)]
            answered = iter(self._each(readable))
            for got in batch:
                yield got if isinstance(got, Unreadable) else next(answered)

    def _each(self, frames: list[torch.Tensor]) -> list[torch.Tensor | Unreadable]:
        """Answers all frames in one call, or one by one if that gives an answer that is not a number."""
        try:
            return list(self(torch.stack(frames))) if frames else []
        except NotFinite as err:
            return [one for frame in frames for one in self._each([frame])] if len(frames) > 1 else [Unreadable(str(err))]

    def _run(self, frames: torch.Tensor) -> torch.Tensor:
        batches = frames.split(1) if self.single else [frames]
        return torch.cat([torch.from_numpy(self.session.run(None, {self.input: b.numpy()})[0]).float() for b in batches])


class PackTeacher:
    """The full model of a pack made by `cachenet pack import`: it has its own input size and format.

    classes are those of the pack, digest the sha256 of the model, entry its entry in the pack's manifest.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            manifest = json.loads((path / "manifest.json").read_text())
            self.classes, self.entry = manifest["classes"], manifest["full"]
        except (OSError, ValueError, KeyError) as err:
            raise DataError(f"read teacher: {path} is not a pack: make one of your model with `cachenet pack import`") from err
        self.entry.setdefault("input", dict(manifest["input"]))
        self.digest = self.entry["sha256"]

    @property
    def file(self) -> Path:
        """The model's file."""
        return self.path / self.entry["file"]

    def of_images(self, paths: list[Path]):
        """Yields for each image the logits float32 [K], or the reason why there are none."""
        for got in answers(self.path, paths, len(self.classes)):
            yield got if isinstance(got, Unreadable) else torch.from_numpy(got.copy())


def batched(items, count: int):
    """Lists of up to count items, in order."""
    items = iter(items)
    while batch := list(islice(items, count)):
        yield batch


def taught_views(teacher, key: str, views: Views, count: int, classes: int, place: Place) -> torch.Tensor:
    """Logits float16 [count,N,K] of teacher on views 0..count-1; kept in one file per view, under key."""
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
