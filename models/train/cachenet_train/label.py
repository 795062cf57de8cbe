"""Sorts unlabelled frames into an image folder by what a user's own classifier says of each sequence."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .folder import EXTENSIONS, DataError
from .frames import UNREADABLE, read_image
from .teacher import OnnxTeacher


def label(source: Path, out: Path, teacher: OnnxTeacher, say) -> dict[str, int]:
    """Copies the images below source to out/train/<class>/ and returns the number of images by class.

    All frames of a sequence get one class, that of the highest mean probability. An image that does not
    decode is left out, and named through say.
    """
    sequences: dict[str, list[Path]] = {}
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith("."):
            sequences.setdefault(_sequence(path.relative_to(source)), []).append(path)
    if not sequences:
        raise DataError(f"read frames: {source} holds no JPEG or PNG: give a folder of images")
    counts: dict[str, int] = {}
    for paths in tqdm(sequences.values(), desc="label", unit="sequence", mininterval=1):
        readable = _decoded(paths, teacher.size, say)
        if readable:
            probabilities = teacher(torch.from_numpy(np.stack([*readable.values()]))).softmax(1)
            name = teacher.classes[int(probabilities.mean(0).argmax())]
            _copy(readable, source, out / "train" / name)
            counts[name] = counts.get(name, 0) + len(readable)
    return counts


def _sequence(path: Path) -> str:
    return str(path.with_name(path.stem.rpartition("_")[0] or path.stem))


def _decoded(paths: list[Path], size: tuple[int, int], say) -> dict[Path, np.ndarray]:
    decoded = {}
    for path in paths:
        try:
            decoded[path] = read_image(path, size)
        except UNREADABLE as err:
            say(f"warning: {path} is left out: {err}")
    return decoded


def _copy(paths, source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.copyfile(path, target / "-".join(path.relative_to(source).parts))
