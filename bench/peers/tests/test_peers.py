import json
import struct
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from simplejpeg import encode_jpeg

from cachenet_peers import loop, recording
from cachenet_peers.decode import Decoder
from cachenet_peers.policy import WindowPolicy
from cachenet_peers.rows import BUFFERED, Rows
from cachenet_peers.source import Frame


def gradient(width, height):
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([x, y, 255 - x], axis=2).astype(np.uint8)


@pytest.mark.parametrize("size", [(32, 32), (640, 480), (1280, 720)])
@pytest.mark.parametrize("scale", ["whole", "reduced"])
def test_every_scale_shows_the_same_picture(size, scale):
    pixels = Decoder(32, 32, "stretch", scale)([encode_jpeg(gradient(*size), quality=95)] * 2)
    assert pixels.shape == (2, 32, 32, 3) and pixels.dtype == np.uint8
    assert np.abs(pixels[1].astype(int) - gradient(32, 32)).mean() < 4


@pytest.mark.parametrize("scale", ["whole", "reduced"])
def test_a_crop_shows_the_middle(scale):
    wide = np.zeros((480, 640, 3), np.uint8)
    wide[:, 80:560] = gradient(480, 480)
    pixels = Decoder(32, 32, "crop", scale)([encode_jpeg(wide, quality=95)])
    assert np.abs(pixels[0].astype(int) - gradient(32, 32)).mean() < 6


def frames(n):
    return [Frame(f"stream-{i % 3}", i // 3, 0, i, 1_000 + i, "b", b"") for i in range(n)]


def test_rows_round_trip(tmp_path):
    n = BUFFERED + 5
    rows, all_frames = Rows(tmp_path, 0, ["a", "b"]), frames(n)
    hits = np.arange(n) % 2 == 0
    for part in (slice(0, BUFFERED), slice(BUFFERED, n)):
        rows.add(all_frames[part], np.ones(n, np.int64)[part], np.full(n, 0.5, np.float32)[part], hits[part])
    rows.close()
    table = pq.read_table(tmp_path / "outcomes").to_pydict()
    assert table["offset"] == list(range(n)) and set(table["label"]) == {"b"}
    assert [o == "hit" for o in table["outcome"]] == hits.tolist()
    assert table["event_time"][0].timestamp() == 1.0


class Echo:
    """A net whose logits are encoded in the first pixel of a frame."""

    def __init__(self, margin):
        self.margin, self.calls = margin, []

    def __call__(self, pixels):
        self.calls.append(len(pixels))
        return np.eye(4, dtype=np.float32)[pixels[:, 0, 0, 0]] * np.float32(self.margin)


def window(small, full):
    w = object.__new__(loop.Window)
    settings = {"kind": "window", "score": "confidence", "teacher": "full", "threshold": 0.9, "alpha": 0.5, "decay": 0.5}
    w.small, w.full, w.policy = Echo(small), Echo(full), WindowPolicy(settings, 4, 1.0, 1.0)
    return w


def test_answers_are_in_the_order_of_the_frames():
    some = frames(12)
    pixels = np.zeros((12, 2, 2, 3), np.uint8)
    pixels[:, 0, 0, 0] = shown = [0, 1, 2, 1, 1, 3, 0, 0, 2, 2, 1, 3]
    w = window(small=1.0, full=9.0)  # never confident: the full model answers all, three streams at a time
    classes, confidences, hits = w(some, pixels)
    assert classes.tolist() == shown and not hits.any() and (confidences > 0.99).all()
    assert w.small.calls == [12] and w.full.calls == [3, 3, 3, 3]
    classes, _, hits = window(small=9.0, full=9.0)(some, pixels)
    assert classes.tolist() == shown and hits.all()


def test_cascade_calls_the_full_model_only_on_misses():
    c = object.__new__(loop.Cascade)
    c.small, c.temperature, c.threshold = Echo(2.0), 1.0, 0.8
    c.full = lambda _, pixels: (np.full(len(pixels), 3), np.full(len(pixels), 0.99, np.float32), None)
    classes, _, hits = c(frames(2), np.zeros((2, 2, 2, 3), np.uint8))
    assert classes.tolist() == [3, 3] and not hits.any()
    c.threshold = 0.5
    classes, _, hits = c(frames(2), np.zeros((2, 2, 2, 3), np.uint8))
    assert classes.tolist() == [0, 0] and hits.all()


def test_recording_is_shared_out(tmp_path):
    path = tmp_path / "frames"
    body = b"".join(struct.pack("<4I", s, q, 1, 3) + bytes([s, q, 9]) for q in range(4) for s in range(5))
    path.write_bytes(json.dumps({"classes": ["a", "b"]}).encode() + b"\n" + body)
    shares = [list(recording.read(str(path), share, 2, 3)) for share in range(2)]
    assert [len(s) for s in shares] == [9, 6]
    assert {(f.stream, f.sequence, f.image, f.truth) for s in shares for f in s} == {
        (f"stream-{s:05d}", q, bytes([s, q, 9]), "b") for q in range(3) for s in range(5)
    }


def test_a_worker_that_fails_fails_the_run(monkeypatch):
    monkeypatch.setattr(loop, "work", lambda *_: (_ for _ in ()).throw(RuntimeError("no model")))
    monkeypatch.setattr(loop.source, "partitions", lambda *_: [0, 1])
    monkeypatch.setattr(loop.Task, "read", lambda _: SimpleNamespace())
    monkeypatch.setattr("sys.argv", ["loop", "--task", "t", "--policy", "full", "--brokers", "b", "--topic", "t", "--out", "o"])
    with pytest.raises(SystemExit, match="a process failed"):
        loop.main()
