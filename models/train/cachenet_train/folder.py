"""Reads the layout `DATA/{train,val,test}/<class>/<sequence>_<frame>.<ext>` into lists of images."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

EXTENSIONS = {".jpg", ".jpeg", ".png"}
MIN_CLASSES, MAX_CLASSES = 2, 1000
CLUTTER = {
    "__macosx", "@eadir", "@tmp", "#recycle", "$recycle.bin", "lost+found", "system volume information", "thumbs.db", "desktop.ini", "icon\r",
    "#snapshot", "@recycle", "@recently-snapshot", "found.000", "ehthumbs.db",
}
"""Files that archivers, operating systems and file servers create, in lower case; a Go test (models/picture) holds this list to its own."""


class DataError(Exception):
    """The image folder cannot be trained on; the message says what to do."""


@dataclass(frozen=True)
class Image:
    """One labelled image: its path relative to DATA, its class index and its sequence."""

    path: str
    label: int
    sequence: str


@dataclass(frozen=True)
class Folder:
    """An image folder as scanned: class names in label order, images by split, warnings."""

    root: Path
    classes: list[str]
    splits: dict[str, list[Image]]
    warnings: list[str]


def is_clutter(name: str) -> bool:
    """Whether a file or folder of that name is metadata, neither image nor class."""
    return name.startswith(".") or name.lower() in CLUTTER


def folder_names(classes: Iterable[str]) -> dict[str, str]:
    """Class name → a unique folder name: not a path, not an ignored name."""
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


def scan(root: Path, val_share: float, seed: int, classes: list[str] | None = None) -> Folder:
    """Lists the images of a folder; without `val`, holds out val_share of the train sequences.

    classes, if given, are a teacher's, whether or not they have images; otherwise they are the folders.
    """
    root = Path(root)
    if not (root / "train").is_dir():
        raise DataError(
            f"read data: {root / 'train'} is not a folder: "
            "arrange images as DATA/train/<class>/<sequence>_<frame>.png"
        )
    warnings: list[str] = []
    if classes is None:
        folders = sorted(p.name for p in (root / "train").iterdir() if p.is_dir() and not is_clutter(p.name))
        folders, train = _without_empty(root, folders, _images(root, "train", folders, warnings), warnings)
    else:
        folders = list(folder_names(classes).values())
        _check_known(root, folders)
        train = _images(root, "train", folders, warnings)
        _check_count(root, len({image.label for image in train}))
    splits = {"train": train}
    for split in ("val", "test"):
        if (root / split).is_dir():
            splits[split] = _images(root, split, folders, warnings)
    if not splits.get("val"):
        splits["train"], splits["val"] = _hold_out(splits["train"], val_share, seed)
    if not splits["val"]:
        raise DataError(
            f"read data: no class of {root / 'train'} has two sequences: "
            "nothing can be held out; add images, or a val folder"
        )
    _warn_scarce(folders, splits["train"], warnings)
    return Folder(root, classes or folders, splits, warnings)


def _check_known(root: Path, folders: list[str]) -> None:
    """Refuses folders that are none of a teacher's classes: their frames would silently be missing."""
    present = [p.name for p in sorted((root / "train").iterdir()) if p.is_dir() and not is_clutter(p.name)]
    strange = [name for name in present if name not in set(folders)]
    if strange:
        known = ", ".join(folders[:5]) + (", …" if len(folders) > 5 else "")
        raise DataError(
            f"read data: {root / 'train' / strange[0]} is not a class of the model, which has {known}: "
            "rename the folder, or sort the frames with `cachenet_train label`"
        )


def _images(root: Path, split: str, classes: list[str], warnings: list[str]) -> list[Image]:
    index = {name: i for i, name in enumerate(classes)}
    found = []
    for folder in sorted(p for p in (root / split).iterdir() if p.is_dir() and not is_clutter(p.name)):
        if folder.name not in index:
            warnings.append(f"{folder} is not one of the trained classes: its images are skipped")
            continue
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in EXTENSIONS and not is_clutter(path.name) and path.is_file():
                sequence = f"{folder.name}/{path.stem.rpartition('_')[0] or path.stem}"
                found.append(Image(str(path.relative_to(root)), index[folder.name], sequence))
    return found


def _without_empty(root, classes, images, warnings) -> tuple[list[str], list[Image]]:
    counts = Counter(image.label for image in images)
    kept = [i for i in range(len(classes)) if counts[i]]
    warnings += [
        f"{root / 'train' / name} contains no JPEG or PNG: the class is skipped"
        for i, name in enumerate(classes)
        if not counts[i]
    ]
    _check_count(root, len(kept))
    renumber = {old: new for new, old in enumerate(kept)}
    images = [Image(im.path, renumber[im.label], im.sequence) for im in images]
    return [classes[i] for i in kept], images


def _check_count(root: Path, count: int) -> None:
    if not MIN_CLASSES <= count <= MAX_CLASSES:
        raise DataError(
            f"read data: {root / 'train'} has {count} classes with images: "
            f"between {MIN_CLASSES} and {MAX_CLASSES} are needed"
        )


def _hold_out(images: list[Image], share: float, seed: int) -> tuple[list[Image], list[Image]]:
    """Splits by whole sequences, class by class, and leaves every class at least one to train on."""
    held: set[str] = set()
    by_class: dict[int, list[str]] = {}
    for image in images:
        names = by_class.setdefault(image.label, [])
        if not names or names[-1] != image.sequence:
            names.append(image.sequence)
    for label, names in sorted(by_class.items()):
        names = sorted(set(names))
        take = min(len(names) - 1, max(1, round(share * len(names))))
        held.update(random.Random(f"{seed}/{label}").sample(names, take))
    train = [image for image in images if image.sequence not in held]
    return train, [image for image in images if image.sequence in held]


def _warn_scarce(classes, images, warnings) -> None:
    counts = Counter(image.label for image in images)
    scarce = [f"{name} ({counts[i]})" for i, name in enumerate(classes) if 0 < counts[i] < 10]
    if scarce:
        warnings.append(f"classes with fewer than 10 images to train on: {', '.join(scarce)}")
