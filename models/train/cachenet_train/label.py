"""Sorts unlabelled frames into an image folder by a user's own classifier, sequence by sequence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import torch
from tqdm import tqdm

from .folder import EXTENSIONS, DataError, folder_names, is_clutter
from .pixels import Unreadable
from .teacher import OnnxTeacher, PackTeacher

LABELS = "labelled-by.json"
"""Names the model that labelled an image folder; `cachenet pack build` then measures agreement with it."""


def label(source: Path, out: Path, teacher: OnnxTeacher | PackTeacher, say, split: str = "train") -> dict[str, int]:
    """Copies the images below source to out/<split>/<class>/ and returns the number of images by class.

    All frames of a sequence get one class, that of the highest mean probability. An image that does not
    decode, or that the classifier answers with NaN or infinity, is skipped, and named through say.
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
            _copy(answered, source, out / split / folder)
            counts[folder] = counts.get(folder, 0) + len(answered)
    return counts


def _sign(out: Path, teacher: OnnxTeacher | PackTeacher) -> None:
    path, mine = out / LABELS, {"sha256": teacher.digest}
    if path.exists() and json.loads(path.read_text()) != mine:
        raise DataError(f"label: {out} was labelled by another model: choose another folder, so that labels are not mixed")
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(mine))


def _sequence(path: Path) -> str:
    return str(path.with_name(path.stem.rpartition("_")[0] or path.stem))


def _copy(paths: Iterable[Path], source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.copyfile(path, target / "-".join(path.relative_to(source).parts))
