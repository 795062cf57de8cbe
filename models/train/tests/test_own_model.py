"""From a user's own ONNX classifier and frames without labels to small nets that agree with it."""

import json
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import draw

from cachenet_train.cli import main
from cachenet_train.folder import DataError
from cachenet_train.label import answers_of
from cachenet_train.pixels import Unreadable, decode, program
from cachenet_train.teacher import PackTeacher

MODELS = Path(__file__).parents[3] / "testdata" / "models"
NAMES = ["red", "green", "blue", "dark"]
COLOURS = {"red": (220, 20, 20), "green": (20, 210, 30), "blue": (10, 20, 230)}


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """A pack of a model that takes normalised float32 NCHW of 8x8."""
    root = tmp_path_factory.mktemp("own")
    (root / "labels.txt").write_text("\n".join(NAMES))
    command = [program(), "pack", "import", MODELS / "nchw-normalised.onnx", "--labels", root / "labels.txt", "--out", root / "pack"]
    subprocess.run(command, check=True, capture_output=True)
    return root / "pack"


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    root, random = tmp_path_factory.mktemp("frames"), np.random.default_rng(0)
    for name, colour in COLOURS.items():
        for sequence in range(6):
            for frame in range(4):
                draw(root / f"{name}{sequence}_{frame}.png", colour, random)
    return root


def test_a_pack_answers_as_its_model_does(pack, frames):
    paths = sorted(frames.iterdir())[:5]
    session = onnxruntime.InferenceSession(str(MODELS / "plain.onnx"))
    for got, pixels in zip(PackTeacher(pack).of_images(paths), decode(paths, (8, 8)), strict=True):
        np.testing.assert_allclose(got.numpy(), session.run(None, {"frames": pixels[None]})[0][0], atol=1e-3)


def test_small_nets_learn_from_a_pack(pack, frames, tmp_path, capsys):
    assert main(["label", str(frames), "--teacher", str(pack), "--out", str(tmp_path / "data")]) == 0
    assert {p.name for p in (tmp_path / "data/train").iterdir()} == set(COLOURS)
    nets = ["--small", "4/2 8/2", "--selector", "8/2 12/2", "--specialist-size", "0", "--groups", "2", "--contexts", "2"]
    options = ["--out", str(tmp_path / "nets"), "--name", "own", "--threads", "1", "--effort", "0.01", "--size", "16", *nets]
    assert main(["train", str(tmp_path / "data"), "--teacher", str(pack), *options]) == 0
    listed = json.loads((tmp_path / "nets/nets.json").read_text())
    full = listed["nets"][0]
    assert listed["classes"] == NAMES and listed["input"] == {"width": 16, "height": 16}
    assert full["role"] == "full" and full["val_accuracy"] == 1 and full["input"]["layout"] == "nchw" and full["input"]["type"] == "float32"
    assert (tmp_path / "nets/full.onnx").read_bytes() == (pack / "full.onnx").read_bytes()
    contexts = [n for n in listed["nets"] if n["role"] == "context"]
    assert len(contexts) == 2 and sorted(c for n in contexts for c in n["classes"]) == [0, 1, 2] and all(n["other"] for n in contexts)
    small = onnxruntime.InferenceSession(str(tmp_path / "nets/small-00.onnx"))
    for name in COLOURS:
        (pixels,) = decode([frames / f"{name}0_0.png"], (16, 16))
        assert NAMES[small.run(None, {"frames": pixels[None]})[0].argmax()] == name


def test_a_folder_without_a_pack_is_reported(tmp_path):
    with pytest.raises(DataError, match="cachenet pack import"):
        PackTeacher(tmp_path)


def test_an_image_without_an_answer_is_reported(pack, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    (got,) = PackTeacher(pack).of_images([tmp_path / "text.png"])
    assert isinstance(got, Unreadable) and "text/plain" in str(got)


def test_logits_hold_for_any_number_of_views():
    from cachenet_train.losses import Distilled

    labels, logits = torch.tensor([0, 1]), torch.tensor([[[4.0, 0.0], [0.0, 4.0]]])
    loss = Distilled(labels, logits, plain=6)
    rows = torch.tensor([0, 1])
    assert loss.views == 6 and loss(logits[0], 5, rows) == loss(logits[0], 0, rows)


def test_no_view_hides_what_the_teacher_saw():
    from cachenet_train.frames import Frames
    from cachenet_train.train import slight
    from cachenet_train.views import Augment, Views

    pixels = torch.zeros(8, 48, 48, 3, dtype=torch.uint8)
    pixels[:, 2:5, 40:43] = 255  # near a corner
    rows = torch.arange(8)
    views = Views(Frames(pixels, rows, [""] * 8, "key"), slight(Augment()), seed=1)
    for number in range(20):
        assert ((views.view(number, rows) == 255).flatten(1).sum(1) >= 9).all()


def test_training_does_not_ask_again_what_label_was_told(pack, frames, tmp_path, capsys, monkeypatch):
    data = tmp_path / "data"
    assert main(["label", str(frames), "--teacher", str(pack), "--out", str(data)]) == 0
    told = answers_of(data, PackTeacher(pack))
    images = sorted(p for p in (data / "train").rglob("*.png"))
    assert sorted(told) == [str(p.relative_to(data)) for p in images]
    for path, answer in zip(images, PackTeacher(pack).of_images(images), strict=True):
        np.testing.assert_array_equal(told[str(path.relative_to(data))], answer.numpy())
    draw(data / "train/red/added_1.png", COLOURS["blue"], np.random.default_rng(1))
    asked = []
    of_images = PackTeacher.of_images
    monkeypatch.setattr(PackTeacher, "of_images", lambda self, paths: of_images(self, asked.extend(paths) or paths))
    nets = ["--small", "4/2 8/2", "--selector", "8/2 12/2", "--specialist-size", "0", "--groups", "2", "--effort", "0.001", "--size", "16"]
    assert main(["train", str(data), "--teacher", str(pack), "--out", str(tmp_path / "nets"), "--threads", "1", *nets]) == 0
    assert asked == [data / "train/red/added_1.png"]
    full = json.loads((tmp_path / "nets/nets.json").read_text())["nets"][0]
    assert full["val_accuracy"] == 1  # an image counts by its own answer, not by the class of its folder


def test_answers_of_two_recordings_are_kept_together(pack, frames, tmp_path):
    data, teacher = tmp_path / "data", PackTeacher(pack)
    for split in ("train", "val"):
        assert main(["label", str(frames), "--teacher", str(pack), "--out", str(data), "--split", split]) == 0
    assert {p.split("/")[0] for p in answers_of(data, teacher)} == {"train", "val"}
    (data / "labelled-by.json").write_text('{"sha256": "another"}')
    assert answers_of(data, teacher) is None
