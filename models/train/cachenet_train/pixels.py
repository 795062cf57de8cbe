"""Reads images through the `cachenet` program, so that training and serving see the same pixels."""

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
"""Environment variable that names the program; otherwise bin/cachenet of this tree, then `cachenet` in PATH."""


class Unreadable(Exception):
    """An image that cannot be decoded; the message is the reason."""


def program() -> str:
    """Returns the path of the `cachenet` program."""
    named = os.environ.get(PROGRAM)
    beside = Path(__file__).parents[3] / "bin" / "cachenet"
    found = named or (str(beside) if beside.is_file() else shutil.which("cachenet"))
    if not found:
        raise DataError(f"read images: the cachenet program was not found: run `make build`, or set {PROGRAM} to it")
    return found


def decode(paths: Iterable[Path], size: tuple[int, int]) -> Iterator[np.ndarray | Unreadable]:
    """Yields for each path uint8 [H,W,3] in RGB at size (width, height), or the reason why it cannot be read."""
    width, height = size
    for record in _records(["pixels", "--input", f"{width}x{height}"], paths, width * height * 3):
        yield record if isinstance(record, Unreadable) else np.frombuffer(record, np.uint8).reshape(height, width, 3)


def answers(pack: Path, paths: Iterable[Path], classes: int) -> Iterator[np.ndarray | Unreadable]:
    """Yields for each path the logits float32 [classes] of a pack's full model, or the reason why there are none."""
    for record in _records(["answers", str(pack)], paths, 4 * classes):
        yield record if isinstance(record, Unreadable) else np.frombuffer(record, "<f4")


def read_image(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Decodes one image to uint8 [H,W,3] at size (width, height), as in serving; raises Unreadable with the reason."""
    (pixels,) = decode([path], size)
    if isinstance(pixels, Unreadable):
        raise pixels
    return pixels


def _records(arguments: list[str], paths: Iterable[Path], size: int) -> Iterator[bytes | Unreadable]:
    """Runs `cachenet pack` over images and yields a record of size bytes for each."""
    command = [program(), "pack", *arguments]
    with tempfile.TemporaryFile() as names, tempfile.TemporaryFile() as said:
        names.write(b"\0".join(os.fsencode(path) for path in paths))
        names.seek(0)
        try:
            process = subprocess.Popen(command, stdin=names, stdout=subprocess.PIPE, stderr=said)
        except OSError as err:
            raise DataError(f"read images: {command[0]} does not run: {err}") from err
        with process:
            try:
                while kind := process.stdout.read(1):
                    if kind == b"\0":
                        yield _whole(process.stdout, size)
                    else:
                        length = int.from_bytes(_whole(process.stdout, 4), "big")
                        yield Unreadable(_whole(process.stdout, length).decode(errors="replace"))
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            said.seek(0)
            reason = said.read().decode(errors="replace").strip()
            raise DataError(f"read images: {reason or f'{command[0]} ended with {process.returncode}'}")


def _whole(stream, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise DataError("read images: the cachenet program ended in the middle of an image")
    return data
