"""How often a classifier repeats its own answer after changes that nobody sees: what caching can reach at most."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from .folder import EXTENSIONS, DataError, is_clutter
from .pixels import Unreadable

CHUNK = 128
"""Frames whose changed copies are on disk at a time."""

BEFORE = "the frame before"

CHANGES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str, int]] = {
    "none (saved as PNG)": (lambda pixels: pixels, "png", 0),
    "JPEG quality 95": (lambda pixels: pixels, "jpg", 95),
    "JPEG quality 90": (lambda pixels: pixels, "jpg", 90),
    "shifted by 1 pixel": (lambda pixels: np.concatenate([pixels[:, :1], pixels[:, :-1]], 1), "png", 0),
    "brightness + 1 of 255": (lambda pixels: np.minimum(pixels, 254) + 1, "png", 0),
}
"""Name → (change of RGB pixels uint8 [H,W,3], file type, JPEG quality)."""


def stability(source: Path, teacher, most: int) -> dict[str, dict[str, float]]:
    """Returns change → folder → share of frames with the same best class as the frame itself; folder "" is all of them.

    Asks about at most `most` images below source, evenly spaced, and, for "the frame before", about the file before
    each in its folder. An image that does not decode is left out.
    """
    pairs = _pairs(source, most)
    same: dict[str, dict[str, list[bool]]] = {change: {} for change in (*CHANGES, BEFORE)}
    with tqdm(total=len(pairs), desc="stability", unit="image", mininterval=1) as bar, tempfile.TemporaryDirectory() as room:
        for chunk in _chunks(pairs):
            kept = [(path, before, pixels) for path, before in chunk if (pixels := _pixels(path)) is not None]
            own = _best(teacher, [path for path, _, _ in kept])
            for change in CHANGES:
                copies = [_changed(change, pixels, Path(room) / f"{i}") for i, (_, _, pixels) in enumerate(kept)]
                _compare(same[change], kept, own, _best(teacher, copies))
            _compare(same[BEFORE], kept, own, _best(teacher, [before for _, before, _ in kept]))
            bar.update(len(chunk))
    return {change: _shares(folders) for change, folders in same.items()}


def table(shares: dict[str, dict[str, float]]) -> str:
    """The shares as aligned text in percent, one change per line, with a column for each of up to 8 folders."""
    folders = sorted({folder for row in shares.values() for folder in row})
    folders = folders if len(folders) <= 9 else [""]
    rows = [("change", *(folder or "all" for folder in folders))]
    rows += [(change, *(f"{100 * row[folder]:.1f} %" if folder in row else "" for folder in folders)) for change, row in shares.items()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def _pairs(source: Path, most: int) -> list[tuple[Path, Path]]:
    """(image, the one before it in its folder), evenly spaced over all."""
    images = sorted(
        path for path in source.rglob("*")
        if path.suffix.lower() in EXTENSIONS and not any(is_clutter(part) for part in path.relative_to(source).parts) and path.is_file()
    )
    pairs = [(b, a) for a, b in zip(images, images[1:]) if a.parent == b.parent]
    if not pairs:
        raise DataError(f"read frames: {source} contains no folder with two JPEG or PNG: give a folder of images")
    return [pairs[i] for i in np.linspace(0, len(pairs) - 1, min(most, len(pairs))).astype(int)]


def _chunks(items: list) -> Iterator[list]:
    items = iter(items)
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def _pixels(path: Path) -> np.ndarray | None:
    try:
        return np.asarray(Image.open(path).convert("RGB"))
    except (OSError, ValueError):
        return None


def _changed(change: str, pixels: np.ndarray, target: Path) -> Path:
    alter, kind, quality = CHANGES[change]
    path = target.with_suffix(f".{kind}")
    Image.fromarray(alter(pixels)).save(path, **({"quality": quality} if quality else {}))
    return path


def _best(teacher, paths: list[Path]) -> list[int | None]:
    return [None if isinstance(got, Unreadable) else int(torch.argmax(got)) for got in teacher.of_images(paths)]


def _compare(same: dict[str, list[bool]], kept, own: list[int | None], other: list[int | None]) -> None:
    for (path, _, _), mine, theirs in zip(kept, own, other, strict=True):
        if mine is not None and theirs is not None:
            for folder in ("", path.parent.name):
                same.setdefault(folder, []).append(mine == theirs)


def _shares(folders: dict[str, list[bool]]) -> dict[str, float]:
    return {folder: sum(same) / len(same) for folder, same in folders.items()}
