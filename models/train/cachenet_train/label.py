"""Sorts unlabelled frames into an image folder by a user's own classifier, sequence by sequence."""

from __future__ import annotations

import json
import shutil
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .folder import EXTENSIONS, DataError, folder_names, is_clutter
from .pixels import Unreadable
from .teacher import OnnxTeacher, PackTeacher

LABELS = "labelled-by.json"
"""Names the model that labelled an image folder; `cachenet pack build` then measures agreement with it."""
ANSWERS = "answers.npz"
"""Its answer to each image, so that training need not ask again: paths relative to the folder, logits float32 [N,K]."""


def label(source: Path, out: Path, teacher: OnnxTeacher | PackTeacher, say, split: str = "train") -> dict[str, int]:
    """Copies the images below source to out/<split>/<class>/ and returns the number of images by class.

    All frames of a sequence get one class, that of the highest mean probability. An image that does not
    decode, or that the classifier answers with NaN or infinity, is skipped, and named through say. The answers are kept in out.
    """
    images = [
        path for path in sorted(source.rglob("*"))
        if path.suffix.lower() in EXTENSIONS and not any(is_clutter(part) for part in path.relative_to(source).parts) and path.is_file()
    ]
    if not images:
        raise DataError(f"read frames: {source} contains no JPEG or PNG: give a folder of images")
    images.sort(key=lambda path: _sequence(path.relative_to(source)))
    folders = folder_names(teacher.classes)
    for name, folder in folders.items():
        if name != folder:
            say(f"warning: class {name!r} becomes the folder {folder}: its name is not a valid folder name")
    _sign(out, teacher)
    counts: dict[str, int] = {}
    kept: dict[str, torch.Tensor] = {}
    answers = tqdm(teacher.of_images(images), total=len(images), desc="label", unit="image", mininterval=1)
    for _, sequence in groupby(zip(images, answers, strict=True), key=lambda one: _sequence(one[0].relative_to(source))):
        answered = {}
        for path, got in sequence:
            if isinstance(got, Unreadable):
                say(f"warning: {path} is skipped: {got}")
            else:
                answered[path] = got
        if answered:
            mean = torch.stack([*answered.values()]).softmax(1).mean(0)
            folder = folders[teacher.classes[int(mean.argmax())]]
            kept |= _copy(answered, source, out, f"{split}/{folder}")
            counts[folder] = counts.get(folder, 0) + len(answered)
    _keep(out, kept)
    return counts


def answers_of(root: Path, teacher: OnnxTeacher | PackTeacher) -> dict[str, np.ndarray] | None:
    """The answers float32 [K] that teacher gave while it labelled the image folder root, by path; None if it did not label it."""
    signed = root / LABELS
    if not signed.exists() or json.loads(signed.read_text()).get("sha256") != teacher.digest:
        return None
    if not (root / ANSWERS).exists():
        return {}
    with np.load(root / ANSWERS) as kept:
        return dict(zip(kept["paths"].tolist(), kept["logits"], strict=True))


def _keep(out: Path, answered: dict[str, torch.Tensor]) -> None:
    """Adds answers to those of earlier calls; an image that was copied again has the new one."""
    if not answered:
        return
    everything = {path: logits.float().numpy() for path, logits in answered.items()}
    if (out / ANSWERS).exists():
        with np.load(out / ANSWERS) as before:
            everything = dict(zip(before["paths"].tolist(), before["logits"], strict=True)) | everything
    partial = out / f".{ANSWERS}"
    with partial.open("wb") as file:
        np.savez(file, paths=np.array([*everything]), logits=np.stack([*everything.values()]))
    partial.replace(out / ANSWERS)


def _sign(out: Path, teacher: OnnxTeacher | PackTeacher) -> None:
    path, mine = out / LABELS, {"sha256": teacher.digest}
    if path.exists() and json.loads(path.read_text()) != mine:
        raise DataError(f"label: {out} was labelled by another model: choose another folder, so that labels are not mixed")
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(mine))


def _sequence(path: Path) -> str:
    return str(path.with_name(path.stem.rpartition("_")[0] or path.stem))


def _copy(answered: dict[Path, torch.Tensor], source: Path, out: Path, folder: str) -> dict[str, torch.Tensor]:
    """Copies images to a folder of out, and returns their answers by the path there."""
    (out / folder).mkdir(parents=True, exist_ok=True)
    copies = {f"{folder}/{'-'.join(path.relative_to(source).parts)}": path for path in answered}
    for copy, path in copies.items():
        shutil.copyfile(path, out / copy)
    return {copy: answered[path] for copy, path in copies.items()}
