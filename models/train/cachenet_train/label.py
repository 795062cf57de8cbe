"""Sorts unlabelled frames into an image folder by what a user's own classifier says of each sequence."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from itertools import groupby, islice
from pathlib import Path

import torch
from tqdm import tqdm

from .folder import EXTENSIONS, DataError, is_clutter
from .pixels import Unreadable, decode
from .teacher import NotFinite, OnnxTeacher

BATCH = 16
"""Frames that the teacher is asked about at once."""


def label(source: Path, out: Path, teacher: OnnxTeacher, say) -> dict[str, int]:
    """Copies the images below source to out/train/<class>/ and returns the number of images by class.

    All frames of a sequence get one class, that of the highest mean probability. An image that does not
    decode, or that the classifier answers with no numbers, is left out, and named through say.
    """
    images = [
        path for path in sorted(source.rglob("*"))
        if path.suffix.lower() in EXTENSIONS and not any(is_clutter(part) for part in path.relative_to(source).parts)
    ]
    if not images:
        raise DataError(f"read frames: {source} holds no JPEG or PNG: give a folder of images")
    images.sort(key=lambda path: _sequence(path.relative_to(source)))
    folders = folder_names(teacher.classes)
    for name, folder in folders.items():
        if name != folder:
            say(f"warning: class {name!r} becomes the folder {folder}: its name cannot be one")
    counts: dict[str, int] = {}
    seen = zip(images, tqdm(decode(images, teacher.size), total=len(images), desc="label", unit="image", mininterval=1), strict=True)
    for _, sequence in groupby(seen, key=lambda one: _sequence(one[0].relative_to(source))):
        answered = _answers(sequence, teacher, say)
        if answered:
            mean = torch.stack([*answered.values()]).softmax(1).mean(0)
            folder = folders[teacher.classes[int(mean.argmax())]]
            _copy(answered, source, out / "train" / folder)
            counts[folder] = counts.get(folder, 0) + len(answered)
    return counts


def folder_names(classes: Iterable[str]) -> dict[str, str]:
    """Class name → a folder name of its own: no path, no name that is passed over, none taken twice."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for name in classes:
        kept = "".join("_" if c in '/\\:' or not c.isprintable() else c for c in name).strip("_. ")
        kept = kept.encode()[:200].decode(errors="ignore") or "class"
        if is_clutter(kept):
            kept = f"class {kept}"
        folder, count = kept, 2
        while folder.casefold() in taken:
            folder, count = f"{kept} {count}", count + 1
        taken.add(folder.casefold())
        names[name] = folder
    return names


def _sequence(path: Path) -> str:
    return str(path.with_name(path.stem.rpartition("_")[0] or path.stem))


def _answers(sequence, teacher: OnnxTeacher, say) -> dict[Path, torch.Tensor]:
    """Path → logits of the images of one sequence that can be answered."""
    answered = {}
    for batch in batched(sequence, BATCH):
        readable = {path: torch.from_numpy(got.copy()) for path, got in batch if not isinstance(got, Unreadable)}
        for path, got in batch:
            if isinstance(got, Unreadable):
                say(f"warning: {path} is left out: {got}")
        answered |= _ask(readable, teacher, say)
    return answered


def _ask(frames: dict[Path, torch.Tensor], teacher: OnnxTeacher, say) -> dict[Path, torch.Tensor]:
    """Asks about all frames at once, and one by one where that gives an answer that is no number."""
    if not frames:
        return {}
    try:
        return dict(zip(frames, teacher(torch.stack([*frames.values()])), strict=True))
    except NotFinite as err:
        if len(frames) > 1:
            return {path: logits for one in frames.items() for path, logits in _ask(dict([one]), teacher, say).items()}
        say(f"warning: {next(iter(frames))} is left out: {err}")
        return {}


def batched(items, count: int):
    """Lists of up to count items, in order."""
    items = iter(items)
    while batch := list(islice(items, count)):
        yield batch


def _copy(paths: Iterable[Path], source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.copyfile(path, target / "-".join(path.relative_to(source).parts))
