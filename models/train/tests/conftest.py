"""A small image folder of plain colours that any working training learns."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

COLOURS = {"amber": (250, 180, 20), "blue": (20, 40, 220), "coral": (250, 60, 90), "green": (20, 160, 60)}


def draw(path: Path, colour, random: np.random.Generator, size=(40, 36)) -> None:
    """Saves one noisy plain image."""
    pixels = np.clip(np.array(colour) + random.normal(0, 25, (size[1], size[0], 3)), 0, 255)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """train/ with 4 classes of 8 sequences of 4 frames each, and a test/."""
    root, random = tmp_path_factory.mktemp("data") / "photos", np.random.default_rng(0)
    for name, colour in COLOURS.items():
        for sequence in range(8):
            for frame in range(4):
                draw(root / "train" / name / f"s{sequence}_{frame}.png", colour, random)
        draw(root / "test" / name / "t0_0.png", colour, random)
    return root


@pytest.fixture
def own_photos(photos, tmp_path) -> Path:
    """A copy that a test may corrupt."""
    return shutil.copytree(photos, tmp_path / "photos")


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Nets this small are slower on several threads."""
    torch.set_num_threads(1)
