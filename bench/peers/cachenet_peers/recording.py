"""Reads the benchmark's file of frames; its format is in bench/recording."""

import json
import mmap
import struct
from collections.abc import Iterator

from .source import Frame


def read(path: str, share: int, of: int, per_stream: int) -> Iterator[Frame]:
    """The first per_stream frames of each stream whose number is share modulo of, from memory."""
    with open(path, "rb") as f:
        data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    at = data.find(b"\n") + 1
    classes = json.loads(data[:at])["classes"]
    while at < len(data):
        stream, sequence, label, length = struct.unpack_from("<4I", data, at)
        at += 16
        if sequence < per_stream and stream % of == share:
            yield Frame(f"stream-{stream:05d}", sequence, 0, 0, 0, classes[label], data[at : at + length])
        at += length
