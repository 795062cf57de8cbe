"""How often a classifier repeats its answer on frames that look the same."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cachenet_train.cli import main
from cachenet_train.folder import DataError
from cachenet_train.stability import BEFORE, CHANGES, stability, table

MODELS = Path(__file__).parents[3] / "testdata" / "models"


class Parity:
    """Answers whether the mean brightness is odd: unstable under + 1, stable under nothing else on plain frames."""

    def of_images(self, paths):
        for path in paths:
            yield torch.tensor([0.0, float(round(np.asarray(Image.open(path)).mean()) % 2) - 0.5])


@pytest.fixture
def grey(tmp_path):
    """Two folders of plain grey frames; in `b` the grey changes from frame to frame."""
    for folder, step in (("a", 0), ("b", 1)):
        (tmp_path / folder).mkdir()
        for frame in range(5):
            Image.new("RGB", (16, 16), (100 + step * frame,) * 3).save(tmp_path / folder / f"0_{frame}.png")
    return tmp_path


def test_a_change_that_matters_is_told_from_those_that_do_not(grey):
    shares = stability(grey, Parity(), 1000)
    assert shares["brightness + 1 of 255"][""] == 0
    for change in ("none (saved as PNG)", "shifted by 1 pixel"):
        assert shares[change] == {"": 1, "a": 1, "b": 1}
    assert shares[BEFORE] == {"": 0.5, "a": 1, "b": 0}
    assert set(shares) == {*CHANGES, BEFORE}


def test_the_table_names_folders(grey):
    text = table(stability(grey, Parity(), 4)).splitlines()
    assert text[0].split() == ["change", "all", "a", "b"] and text[-1].split()[-3:] == ["%", "0.0", "%"]


def test_an_image_that_does_not_decode_is_left_out(grey):
    (grey / "a" / "0_5.png").write_text("no image")
    assert stability(grey, Parity(), 1000)[BEFORE]["a"] == 1


def test_a_folder_without_frames_is_reported(tmp_path):
    with pytest.raises(DataError, match="no folder with two"):
        stability(tmp_path, Parity(), 10)


def test_the_command_asks_a_model(grey, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("cachenet_train.cli._size", lambda text: (int(text), int(text)))
    (tmp_path / "classes.txt").write_text("red\ngreen\nblue\ndark\n")
    model = ["--teacher", str(MODELS / "plain.onnx"), "--classes", str(tmp_path / "classes.txt")]
    assert main(["stability", str(grey), *model, "--size", "8", "--most", "3"]) == 0
    assert "JPEG quality 90" in capsys.readouterr().out
    assert main(["stability", str(grey), *model, "--most", "0"]) == 1
