"""Training reads images as serving does: through the cachenet program."""

import struct
import zlib

import numpy as np
import pytest
from conftest import draw
from PIL import Image

from cachenet_train import pixels
from cachenet_train.folder import DataError


def test_pixels_equal_pillows_within_two_levels(photos):
    paths = sorted(photos.rglob("*.png"))[:20]
    for path, got in zip(paths, pixels.decode(paths, (24, 18)), strict=True):
        with Image.open(path) as image:
            want = np.asarray(image.resize((24, 18), Image.Resampling.BILINEAR), float)
        assert got.shape == (18, 24, 3) and np.abs(got - want).mean() <= 2


def test_names_of_every_kind_keep_their_order(tmp_path):
    random = np.random.default_rng(0)
    names = ["a b.png", "ü\nß.png", "-x.png", "'.png"]
    for i, name in enumerate(names):
        draw(tmp_path / name, (60 * i, 0, 0), random)
    means = [got[..., 0].mean() for got in pixels.decode((tmp_path / name for name in names), (16, 16))]
    assert means == sorted(means)


def test_a_dark_sixteen_bit_frame_stays_dark(tmp_path):
    raw = b"".join(b"\0" + np.full(20, 0x0F80, ">u2").tobytes() for _ in range(20))
    body = [(b"IHDR", struct.pack(">IIBBBBB", 20, 20, 16, 0, 0, 0, 0)), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in body]
    (tmp_path / "dark.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    assert (pixels.read_image(tmp_path / "dark.png", (16, 16)) == 0x0F).all()


def test_invalid_images_are_reported(tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    draw(tmp_path / "good.png", (0, 200, 0), np.random.default_rng(0))
    bad, good, gone = pixels.decode([tmp_path / n for n in ("text.jpg", "good.png", "gone.png")], (16, 16))
    assert "text/plain" in str(bad) and good.shape == (16, 16, 3) and "no such file" in str(gone)
    with pytest.raises(pixels.Unreadable, match="text/plain"):
        pixels.read_image(tmp_path / "text.jpg", (16, 16))


def test_a_program_that_fails_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CACHENET", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="nowhere does not run"):
        list(pixels.decode([], (16, 16)))
    monkeypatch.setenv("CACHENET", pixels.shutil.which("false"))
    with pytest.raises(DataError, match="ended with 1"):
        list(pixels.decode([], (16, 16)))


def test_stopping_early_ends_the_program(photos):
    decoded = pixels.decode(sorted(photos.rglob("*.png")) * 20, (64, 64))
    next(decoded)
    decoded.close()
