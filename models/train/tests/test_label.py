"""Frames sorted by a user's own classifier, whatever its input format and class names."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import draw

from cachenet_train.cli import main
from cachenet_train.label import folder_names
from cachenet_train.teacher import OnnxTeacher

MODELS = Path(__file__).parents[3] / "testdata" / "models"
NAMES = ["red", "green", "blue", "dark"]
COLOURS = {"red": (220, 20, 20), "green": (20, 210, 30), "blue": (10, 20, 230)}


@pytest.fixture
def sequences(tmp_path):
    random = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        for frame in range(3):
            draw(tmp_path / "frames" / f"{name}seq_{frame}.png", colour, random)
    for clutter in ("__MACOSX", "@eaDir", ".thumbnails"):
        draw(tmp_path / "frames" / clutter / "x_1.png", (0, 0, 0), random)
    return tmp_path / "frames"


def run(frames, out, model, names=NAMES, end="\n"):
    classes = out.parent / "classes.txt"
    classes.write_text(end.join(names) + end, newline="")
    return main(["label", str(frames), "--teacher", str(MODELS / model), "--out", str(out), "--classes", str(classes), "--size", "8"])


@pytest.fixture(autouse=True)
def smaller_input(monkeypatch):
    monkeypatch.setattr("cachenet_train.cli._size", lambda text: (int(text), int(text)))


@pytest.mark.parametrize("model", ["plain.onnx", "softmax.onnx", "external.onnx"])
def test_sequences_go_where_the_teacher_says(sequences, tmp_path, capsys, model):
    assert run(sequences, tmp_path / "data", model, end="\r\n") == 0
    for name in COLOURS:
        assert {p.name for p in (tmp_path / "data/train" / name).iterdir()} == {f"{name}seq_{i}.png" for i in range(3)}
    assert "blue\t3" in capsys.readouterr().out


def test_class_names_stay_below_the_output(sequences, tmp_path, capsys):
    names = [str(tmp_path / "escaped" / "airfield"), "../green", "a:b\\c", ".dark"]
    assert run(sequences, tmp_path / "data", "plain.onnx", names) == 0
    assert not (tmp_path / "escaped").exists()
    inside = {p.parent.name for p in (tmp_path / "data").rglob("*.png")}
    assert len(inside) == 3 and all("/" not in name for name in inside) and "a_b_c" in inside
    assert "not a valid folder name" in capsys.readouterr().err


def test_folder_names_are_unique():
    names = ["a/b", "a_b", "A_B", "..", "", "CON\x00", "__MACOSX", "@eaDir", "日本", "x" * 500]
    folders = folder_names(names)
    assert folders["日本"] == "日本" and folders["a/b"] == "a_b"
    assert len({f.casefold() for f in folders.values()}) == len(names)
    for folder in folders.values():
        assert folder and len(folder.encode()) < 256 and not set(folder) & set("/\\\0") and folder[0] not in "._ "


def test_a_teacher_of_batch_1_answers(tmp_path):
    teacher = OnnxTeacher(_batch_1(tmp_path), NAMES, (8, 8))
    import torch

    frames = torch.zeros(3, 8, 8, 3, dtype=torch.uint8)
    assert teacher(frames).shape == (3, 4) and teacher.single


def _batch_1(tmp_path):
    import onnx

    model = onnx.load(MODELS / "plain.onnx")
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(model, tmp_path / "one.onnx")
    return tmp_path / "one.onnx"


def test_a_teacher_with_nan_is_reported(sequences, tmp_path, capsys):
    assert run(sequences, tmp_path / "data", "nan.onnx") == 0
    assert "NaN" in capsys.readouterr().err
    assert not list((tmp_path / "data").rglob("*.png"))


def test_fewer_names_than_outputs(sequences, tmp_path, capsys):
    assert run(sequences, tmp_path / "data", "plain.onnx", NAMES[:3]) == 1
    assert "4,) outputs for 3 classes" in capsys.readouterr().err


def test_labels_name_their_model(sequences, tmp_path):
    assert run(sequences, tmp_path / "data", "plain.onnx") == 0
    teacher = OnnxTeacher(MODELS / "plain.onnx", NAMES, (8, 8))
    assert json.loads((tmp_path / "data/labelled-by.json").read_text()) == {"sha256": teacher.digest}
    assert run(sequences, tmp_path / "data", "softmax.onnx") == 1  # of another model


def test_a_separate_split(sequences, tmp_path):
    options = ["--teacher", str(MODELS / "plain.onnx"), "--out", str(tmp_path / "data"), "--size", "8", "--split", "val"]
    (tmp_path / "classes.txt").write_text("\n".join(NAMES))
    assert main(["label", str(sequences), *options, "--classes", str(tmp_path / "classes.txt")]) == 0
    assert len(list((tmp_path / "data/val/red").iterdir())) == 3 and not (tmp_path / "data/train").exists()


def test_folders_are_those_of_pack_build():
    for case in json.loads((MODELS.parent / "folders.json").read_text()):
        assert [*folder_names(case["Classes"]).values()] == case["Folders"]
