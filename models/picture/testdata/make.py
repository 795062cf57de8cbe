"""Makes the corpus: pictures of every kind that a frame may be, and beside each what Pillow reads in it.

Run in the training environment, in this folder; ffmpeg makes the one picture that Pillow cannot write.
NAME.EXT is a picture, NAME.pillow.png what Pillow's BILINEAR makes of it at 32x32, upright, colours as stored.
"""

import io
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

OUT = Path("corpus")


def scene(width: int, height: int) -> Image.Image:
    """A picture with gradients, edges, fine texture and a little noise, the same each time."""
    random = np.random.default_rng(width * 10_007 + height)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    base = np.stack([120 + 100 * np.sin(5 * x), 90 + 120 * y, 140 + 80 * np.cos(4 * (x + y))], -1)
    image = Image.fromarray(np.clip(base, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for i in range(7):
        left, top = random.integers(0, width), random.integers(0, height)
        side = int(random.integers(1, 1 + max(1, min(width, height) // 3)))
        draw.rectangle([left, top, left + side, top + side // 2], fill=tuple(int(v) for v in random.integers(0, 256, 3)))
    for i in range(0, width, 16):
        draw.line([i, 0, i // 2, height], fill=(240, 240, 230))
    noisy = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), float) + random.normal(0, 2.5, (height, width, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def jpeg(image: Image.Image, **how) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **{"quality": 90, **how})
    return out.getvalue()


def png(image: Image.Image, **how) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", **how)
    return out.getvalue()


def segments(data: bytes):
    """Yields (marker, start, end) of every segment before the scan."""
    at = 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at + 1], at, end
        at = end


def without_tables(data: bytes) -> bytes:
    for marker, start, end in reversed(list(segments(data))):
        if marker == 0xC4:
            data = data[:start] + data[end:]
    return data


def written_by_hand(rows: np.ndarray, depth: int, colour: int, more: bytes = b"") -> bytes:
    """A PNG that Pillow does not write: rows of samples, with other chunks before the data."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    raw = b"".join(b"\0" + row.tobytes() for row in rows.astype(">u2" if depth == 16 else np.uint8))
    header = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def transparent(colour: tuple[int, ...]) -> bytes:
    body = struct.pack(f">{len(colour)}H", *colour)
    return struct.pack(">I", len(body)) + b"tRNS" + body + struct.pack(">I", zlib.crc32(b"tRNS" + body))


def pictures() -> dict[str, tuple[bytes, Image.Image]]:
    """Name → the file, and the picture as it stands upright with its stored colours."""
    small, wide, camera = scene(96, 64), scene(75, 50), scene(640, 480)
    read = lambda data: Image.open(io.BytesIO(data)).convert("RGB")
    out = {}

    def add(name, data, shown=None):
        out[name] = (data, shown or read(data))

    for name, how in {"420": 2, "422": 1, "444": 0}.items():
        add(f"jpeg-{name}.jpg", jpeg(small, subsampling=how))
    add("jpeg-camera.jpg", jpeg(camera, quality=80))
    add("jpeg-camera-wide.jpg", jpeg(scene(960, 540), quality=60))
    add("jpeg-exact.jpg", jpeg(scene(32, 32)))
    add("jpeg-progressive.jpg", jpeg(camera, progressive=True, quality=60))
    add("jpeg-restart.jpg", jpeg(small, restart_marker_rows=1))
    middle = scene(322, 241)
    add("jpeg-optimised.jpg", jpeg(middle, optimize=True, quality=35))
    add("jpeg-restart-422.jpg", jpeg(middle, restart_marker_blocks=7, subsampling=1, quality=75))
    add("jpeg-grey-camera.jpg", jpeg(middle.convert("L"), optimize=True, quality=95))
    add("jpeg-rgb.jpg", jpeg(small, keep_rgb=True))
    add("jpeg-grey.jpg", jpeg(small.convert("L")))
    add("jpeg-odd.jpg", jpeg(scene(37, 23)))
    add("jpeg-1x1.jpg", jpeg(Image.new("RGB", (1, 1), (30, 160, 90))))
    add("jpeg-tall.jpg", jpeg(scene(24, 200)))
    add("jpeg-cmyk.jpg", jpeg(small.convert("CMYK")))
    plain = jpeg(small)
    add("jpeg-no-tables.jpg", without_tables(plain))
    add("jpeg-no-end.jpg", plain[:-2], read(plain))
    add("jpeg-zeros-behind.jpg", plain + bytes(500))
    add("jpeg-two.jpg", plain + jpeg(wide))
    for o in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = o
        data = jpeg(wide, exif=exif)
        add(f"jpeg-orientation-{o}.jpg", data, ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    raw = subprocess.run(
        "ffmpeg -v error -i - -f image2pipe -c:v mjpeg -pix_fmt yuvj411p -q:v 2 -".split(),
        input=png(small), capture_output=True, check=True,
    ).stdout
    add("jpeg-411.jpg", raw)

    add("png-rgb.png", png(small))
    add("png-grey.png", png(small.convert("L")))
    add("png-bilevel.png", png(small.convert("1")))
    add("png-palette.png", png(small.quantize(40)))
    alpha = np.concatenate([np.asarray(small), np.zeros((64, 96, 1), np.uint8)], -1)
    alpha[:, 30:60, 3], alpha[:, 60:, 3] = 64, 255
    add("png-rgba.png", png(Image.fromarray(alpha)), small)
    grey = np.asarray(small.convert("L"))
    add("png-grey-alpha.png", png(Image.fromarray(np.stack([grey, grey[::-1]], -1), "LA")), small.convert("L").convert("RGB"))
    few = small.quantize(8)
    add("png-palette-transparent.png", png(few, transparency=bytes([0, 60, 120, 255])), few.convert("RGB"))
    colour = tuple(int(v) for v in np.asarray(small)[10, 10])
    add("png-rgb-transparent.png", written_by_hand(np.asarray(small), 8, 2, transparent(colour)), small)
    deep = np.asarray(small, np.uint16) * 257
    add("png-rgb16.png", written_by_hand(deep, 16, 2), small)
    add("png-grey16.png", written_by_hand(np.asarray(small.convert("L"), np.uint16) * 256 + 200, 16, 0), small.convert("L").convert("RGB"))
    return out


def main() -> None:
    OUT.mkdir(exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    for name, (data, shown) in pictures().items():
        (OUT / name).write_bytes(data)
        shown.resize((32, 32), Image.Resampling.BILINEAR).save(OUT / f"{Path(name).stem}.pillow.png")


if __name__ == "__main__":
    main()
