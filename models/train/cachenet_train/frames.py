"""Decodes images once into a memory-mapped uint8 array that every net trains from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .folder import DataError, Image
from .pixels import Unreadable, decode, read_image

DECODER = "cachenet 1"
"""Changes when the same images would decode to other pixels, so that no outdated cache is read."""

__all__ = ["Frames", "load", "read_image"]


@dataclass(frozen=True)
class Frames:
    """Decoded images: pixels uint8 [N,H,W,3] RGB, labels int64 [N], paths relative to DATA, a key of it all."""

    pixels: torch.Tensor
    labels: torch.Tensor
    paths: list[str]
    key: str

    def __len__(self) -> int:
        return len(self.paths)


def load(root: Path, split: str, images: list[Image], size: tuple[int, int], cache: Path, say) -> Frames:
    """Returns the frames of a split at size (width, height), from the cache when it is current.

    An image that does not decode is skipped, and named through say.
    """
    key = _fingerprint(root, images, size)
    pixels, index = cache / f"{split}-{key}.npy", cache / f"{split}-{key}.json"
    if not index.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _decode(root, split, images, size, pixels, index)
    kept = json.loads(index.read_text())
    for path, reason in kept["unreadable"]:
        say(f"warning: {root / path} is skipped: {reason}")
    if not kept["rows"]:
        raise DataError(f"read {split}: none of {len(images)} images decodes: check the files of {root / split}")
    array = np.load(pixels, mmap_mode="r+")[: len(kept["rows"])]
    labels = torch.tensor([images[i].label for i in kept["rows"]])
    return Frames(torch.from_numpy(array), labels, [images[i].path for i in kept["rows"]], key)


def _decode(root, split, images, size, pixels: Path, index: Path) -> None:
    array = np.lib.format.open_memmap(pixels, "w+", np.uint8, (len(images), size[1], size[0], 3))
    rows: list[int] = []
    unreadable: list[tuple[str, str]] = []
    decoded = decode((root / image.path for image in images), size)
    for i, got in enumerate(tqdm(decoded, total=len(images), desc=f"decode {split}", unit="image", mininterval=1)):
        if isinstance(got, Unreadable):
            unreadable.append((images[i].path, str(got)))
        else:
            array[len(rows)] = got
            rows.append(i)
    if len(rows) + len(unreadable) != len(images):
        raise DataError(f"read {split}: {len(rows) + len(unreadable)} of {len(images)} images came back: try again")
    array.flush()
    partial = index.with_suffix(".partial")
    partial.write_text(json.dumps({"rows": rows, "unreadable": unreadable}))
    partial.replace(index)


def _fingerprint(root: Path, images: list[Image], size: tuple[int, int]) -> str:
    digest = hashlib.sha256(f"{DECODER} {size!r}".encode())
    for image in images:
        stat = (root / image.path).stat()
        digest.update(f"{image.path}\0{image.label}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
