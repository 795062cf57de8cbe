"""The whole command, from image folder to nets that ONNX Runtime reproduces."""

import base64
import json
import shutil

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from cachenet_train.cli import main

from conftest import COLOURS, draw

TINY = ["--full", "8/2 16/2", "--small", "8/2 8/2", "--small", "4/2 8/2", "--selector", "8/2 12/2", "--effort", "0.003"]


def train(data, out, *more):
    return main(["train", str(data), "--out", str(out), "--name", "colours", *TINY, *more])


@pytest.fixture(scope="module")
def trained(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("nets")
    assert train(photos, out) == 0
    return out


def run(path, frames):
    return onnxruntime.InferenceSession(str(path)).run(["logits"], {"frames": frames})[0]


def test_catalogue_names_every_file(trained):
    listed = json.loads((trained / "nets.json").read_text())
    assert listed["classes"] == sorted(COLOURS)
    assert listed["input"] == {"width": 32, "height": 32}
    files = [net["file"] for net in listed["nets"]]
    assert files == ["full.onnx", "small-00.onnx", "small-01.onnx", "selector.onnx", "specialists/00.onnx", "specialists/01.onnx"]
    assert {str(p.relative_to(trained)) for p in trained.rglob("*.onnx")} == set(files)


def test_vectors_are_reproduced_for_any_batch(trained):
    for path in trained.rglob("*.onnx"):
        vectors = json.loads(path.with_suffix(".vectors.json").read_text())
        frames = np.frombuffer(base64.b64decode(vectors["frames_base64"]), np.uint8).reshape(4, 32, 32, 3)
        for count in (1, 3, 4):
            np.testing.assert_allclose(run(path, frames[:count]), np.array(vectors["logits"])[:count], atol=1e-3)


def test_full_net_knows_the_colours(trained, photos):
    for label, name in enumerate(sorted(COLOURS)):
        with Image.open(photos / "test" / name / "t0_0.png") as image:
            frame = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR))[None]
        assert run(trained / "full.onnx", frame).argmax() == label


def test_specialists_divide_the_classes_and_know_what_is_not_theirs(trained, photos):
    nets = json.loads((trained / "nets.json").read_text())["nets"]
    specialists = [net for net in nets if net["role"] == "specialist"]
    assert sorted(c for net in specialists for c in net["classes"]) == [0, 1, 2, 3]
    names = sorted(COLOURS)
    for net in specialists:
        session = onnxruntime.InferenceSession(str(trained / net["file"]))
        outputs = json.loads(session.get_modelmeta().custom_metadata_map["cachenet.classes"])
        assert outputs == [names[c] for c in net["classes"]] + ["__other__"]
        for name in names:
            with Image.open(photos / "test" / name / "t0_0.png") as image:
                frame = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR))[None]
            answer = outputs[session.run(None, {"frames": frame})[0].argmax()]
            assert answer == (name if name in outputs else "__other__")


def test_held_out_images_are_whole_sequences_of_train(trained, photos):
    held = json.loads((trained / "nets.json").read_text())["split"]["val"]
    sequences = {path.rpartition("_")[0] for path in held}
    assert len(held) == 4 * len(sequences) and len(sequences) == 4
    assert all((photos / path).is_file() for path in held)


def test_second_run_finds_every_net_trained(trained, photos, capsys):
    before = (trained / "nets.json").read_text()
    assert train(photos, trained) == 0
    assert capsys.readouterr().err.count("already trained") == 6
    assert (trained / "nets.json").read_text() == before


def test_same_seed_gives_the_same_nets(trained, photos, tmp_path):
    assert train(photos, tmp_path) == 0
    assert (tmp_path / "nets.json").read_text() == (trained / "nets.json").read_text()


def test_onnx_teacher_becomes_the_full_net(trained, photos, tmp_path, capsys):
    assert train(photos, tmp_path, "--teacher", str(trained / "full.onnx")) == 0
    vectors = json.loads((tmp_path / "full.vectors.json").read_text())
    frames = np.frombuffer(base64.b64decode(vectors["frames_base64"]), np.uint8).reshape(4, 32, 32, 3)
    np.testing.assert_allclose(run(tmp_path / "full.onnx", frames), run(trained / "full.onnx", frames), atol=1e-5)
    assert "full" not in [line.split(":")[0] for line in capsys.readouterr().err.splitlines()]


def test_bad_images_are_named_and_left_out(photos, tmp_path, capsys):
    data = tmp_path / "photos"
    shutil.copytree(photos, data)
    (data / "train" / "amber" / "s9_0.png").write_bytes(b"no image")
    (data / "train" / "empty").mkdir()
    draw(data / "train" / "single" / "s0_0.png", (0, 0, 0), np.random.default_rng(1))
    draw(data / "test" / "unknown" / "s0_0.png", (0, 0, 0), np.random.default_rng(1))
    assert train(data, tmp_path / "nets") == 0
    said = capsys.readouterr().err
    for name in ("s9_0.png", "empty", "single (1)", "unknown"):
        assert name in said
    assert "single" in json.loads((tmp_path / "nets" / "nets.json").read_text())["classes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing"], "missing is not a folder"),
        (["{photos}/train"], "train is not a folder"),
        (["{photos}", "--teacher", "no.onnx"], "no.onnx is not a file"),
        (["{photos}", "--device", "abacus"], "--device abacus"),
        (["{photos}", "--groups", "1"], "--groups 1"),
        (["{photos}", "--specialist-size", "7"], "--specialist-size 7"),
    ],
)
def test_wrong_input_is_one_clear_line(photos, tmp_path, capsys, arguments, said):
    data, *more = [a.format(photos=photos) for a in arguments]
    assert train(data, tmp_path, *more) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("cachenet_train: ") and said in last
