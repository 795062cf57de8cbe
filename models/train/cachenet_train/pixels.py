"""Reads images through the `cachenet` program, so that nets are trained on the pixels that they will be asked about."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from .folder import DataError

PROGRAM = "CACHENET"
"""Environment variable that names the program; else bin/cachenet of this tree, else `cachenet` of PATH."""


class Unreadable(Exception):
    """An image that cannot be decoded; the message is the reason."""


def program() -> str:
    """Returns the path of the `cachenet` program."""
    named = os.environ.get(PROGRAM)
    beside = Path(__file__).parents[3] / "bin" / "cachenet"
    found = named or (str(beside) if beside.is_file() else shutil.which("cachenet"))
    if not found:
        raise DataError(f"read images: the cachenet program is not there: run `make build`, or set {PROGRAM} to it")
    return found


def decode(paths: Iterable[Path], size: tuple[int, int]) -> Iterator[np.ndarray | Unreadable]:
    """Yields for each path uint8 [H,W,3] in RGB at size (width, height), or why it cannot be read."""
    width, height = size
    command = [program(), "pack", "pixels", "--input", f"{width}x{height}"]
    with tempfile.TemporaryFile() as names:
        names.write(b"\0".join(os.fsencode(path) for path in paths))
        names.seek(0)
        try:
            process = subprocess.Popen(command, stdin=names, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as err:
            raise DataError(f"read images: {command[0]} does not run: {err}") from err
    with process:
        try:
            yield from _records(process.stdout, width, height)
        except BaseException:
            process.kill()
            raise
        said = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise DataError(f"read images: {said or f'{command[0]} ended with {process.returncode}'}")


def read_image(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Decodes one image to uint8 [H,W,3] at size (width, height), as it is served; Unreadable says why not."""
    (pixels,) = decode([path], size)
    if isinstance(pixels, Unreadable):
        raise pixels
    return pixels


def _records(stream, width: int, height: int) -> Iterator[np.ndarray | Unreadable]:
    while kind := stream.read(1):
        if kind == b"\0":
            pixels = np.frombuffer(_whole(stream, height * width * 3), np.uint8)
            yield pixels.reshape(height, width, 3)
        else:
            yield Unreadable(_whole(stream, int.from_bytes(_whole(stream, 4), "big")).decode(errors="replace"))


def _whole(stream, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise DataError("read images: the cachenet program ended in the middle of an image")
    return data
