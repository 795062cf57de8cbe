"""The whole command, from image folder to nets that ONNX Runtime reproduces."""

import base64
import hashlib
import json
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import COLOURS
from PIL import Image

from cachenet_train.cli import main
from cachenet_train.plan import PRESETS, faded

NAMES = sorted(COLOURS)
NETS = ["--full", "8/2 16/2", "--small", "4/2 8/2", "--selector", "8/2 12/2", "--specialist-size", "0"]


def train(data, out, *more):
    return main(["train", str(data), "--out", str(out), "--name", "colours", "--threads", "1", *more])


@pytest.fixture(scope="module")
def trained(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("nets")
    assert train(photos, out, *NETS, "--effort", "0.01") == 0
    return out


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def frame_of(photos, name):
    with Image.open(photos / "test" / name / "t0_0.png") as image:
        return np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR))[None]


def test_catalogue_names_every_file(trained):
    listed = json.loads((trained / "nets.json").read_text())
    assert listed["format"] == 1 and listed["name"] == "colours" and listed["seed"] == 1
    assert listed["classes"] == NAMES
    assert listed["input"] == {"width": 32, "height": 32}
    files = [net["file"] for net in listed["nets"]]
    assert files == ["full.onnx", "small-00.onnx", "selector.onnx", "specialists/00.onnx", "specialists/01.onnx"]
    assert {str(p.relative_to(trained)) for p in trained.rglob("*.onnx")} == set(files)


def test_vectors_are_reproduced_for_any_batch(trained):
    for path in trained.rglob("*.onnx"):
        vectors = json.loads(path.with_suffix(".vectors.json").read_text())
        frames = np.frombuffer(base64.b64decode(vectors["frames_base64"]), np.uint8).reshape(4, 32, 32, 3)
        for count in (1, 3, 4):
            logits = session(path).run(["logits"], {"frames": frames[:count]})[0]
            np.testing.assert_allclose(logits, np.array(vectors["logits"])[:count], atol=1e-3)


def integers(path):
    return any(node.op_type == "DequantizeLinear" for node in onnx.load(path).graph.node)


def test_all_nets_but_the_full_one_are_int8(trained):
    for net in json.loads((trained / "nets.json").read_text())["nets"]:
        assert (net.get("weights") == "int8") == integers(trained / net["file"]) == (net["role"] != "full"), net["file"]
        assert net["sha256"] == hashlib.sha256((trained / net["file"]).read_bytes()).hexdigest()


def test_nets_trained_before_are_quantised(photos, tmp_path, capsys):
    floats = tmp_path / "floats"
    assert train(photos, floats, *NETS, "--effort", "0.01", "--float32") == 0
    assert not any(integers(path) for path in floats.rglob("*.onnx"))
    listed = json.loads((floats / "nets.json").read_text())
    pack = tmp_path / "pack"  # the same nets as a pack lists them
    shutil.copytree(floats, pack)
    (pack / "nets.json").unlink()
    roles = {net["role"]: {key: net[key] for key in ("file", "sha256", "mflops", "params")} for net in listed["nets"]}
    (pack / "manifest.json").write_text(
        json.dumps(
            {"name": "colours", "classes": NAMES, "input": {"width": 32, "height": 32, "resize": "crop"}, "full": roles["full"]}
            | {"selector": roles["selector"], "specialists": [roles["small"]]}
        )
    )
    for source in (floats, pack):
        out = tmp_path / f"int8-{source.name}"
        assert main(["quantise", str(source), "--data", str(photos), "--out", str(out)]) == 0
        written = json.loads((out / "nets.json").read_text())
        assert [net["role"] for net in written["nets"]][:2] == ["full", "small" if source == floats else "selector"]
        assert {net["file"]: integers(out / net["file"]) for net in written["nets"]} == {net["file"]: net["role"] != "full" for net in written["nets"]}
        assert written["input"] == json.loads((source / ("nets.json" if source == floats else "manifest.json")).read_text())["input"]
    assert json.loads((tmp_path / "int8-floats" / "nets.json").read_text())["split"] == listed["split"]
    capsys.readouterr()
    again = ["quantise", str(tmp_path / "int8-floats"), "--data", str(photos)]
    assert main([*again, "--out", str(tmp_path / "again")]) == 0
    assert "small-00.onnx stays as it is: it is quantised already" in capsys.readouterr().err
    assert main([*again, "--out", str(tmp_path / "int8-floats")]) == 1
    assert "choose another folder" in capsys.readouterr().err
    assert main(["quantise", str(photos), "--data", str(photos), "--out", str(tmp_path / "none")]) == 1
    assert "contains neither nets.json nor the manifest of a pack" in capsys.readouterr().err


def test_full_net_knows_the_colours(trained, photos):
    net = session(trained / "full.onnx")
    for label, name in enumerate(NAMES):
        assert net.run(None, {"frames": frame_of(photos, name)})[0].argmax() == label


def test_specialists_divide_the_classes_and_answer_other_for_the_rest(trained, photos):
    nets = json.loads((trained / "nets.json").read_text())["nets"]
    specialists = [net for net in nets if net["role"] == "specialist"]
    assert sorted(c for net in specialists for c in net["classes"]) == [0, 1, 2, 3]
    for net in specialists:
        loaded = session(trained / net["file"])
        outputs = json.loads(loaded.get_modelmeta().custom_metadata_map["cachenet.classes"])
        assert net["other"] and outputs == [NAMES[c] for c in net["classes"]] + ["__other__"]
        for name in NAMES:
            answer = outputs[loaded.run(None, {"frames": frame_of(photos, name)})[0].argmax()]
            assert answer == (name if name in outputs else "__other__")


def test_held_out_images_are_whole_sequences_of_train(trained, photos):
    held = json.loads((trained / "nets.json").read_text())["split"]["val"]
    sequences = {path.rpartition("_")[0] for path in held}
    assert len(sequences) == 4 and len(held) == 4 * len(sequences)
    assert all((photos / path).is_file() for path in held)


def test_frames_without_labels_are_sorted_by_sequence(trained, photos, tmp_path, capsys):
    frames = tmp_path / "frames"
    for name in ("blue", "green"):
        for frame in range(3):
            frames.joinpath("day").mkdir(parents=True, exist_ok=True)
            shutil.copy(photos / "train" / name / f"s0_{frame}.png", frames / "day" / f"{name}_{frame}.png")
    # One green frame strays into the blue sequence, and one does not decode.
    shutil.copy(photos / "train" / "green" / "s1_0.png", frames / "day" / "blue_3.png")
    (frames / "day" / "blue_4.png").write_bytes(b"nothing")
    command = ["label", str(frames), "--teacher", str(trained / "full.onnx"), "--out", str(tmp_path / "data")]
    assert main(command) == 0
    said = capsys.readouterr()
    assert said.out == "blue\t4\ngreen\t3\n" and "blue_4.png" in said.err
    assert (tmp_path / "data" / "train" / "blue" / "day-blue_3.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing"], "missing is not a folder"),
        (["{photos}/train"], "train is not a folder"),
        (["{photos}", "--teacher", "no.onnx"], "no.onnx is not a file"),
        (["{photos}", "--teacher", "{photos}/test/blue/t0_0.png"], "t0_0.png does not load"),
        (["{photos}", "--device", "abacus"], "--device abacus"),
        (["{photos}", "--groups", "1"], "--groups 1"),
        (["{photos}", "--contexts", "1"], "--contexts 1"),
        (["{photos}", "--specialist-size", "7"], "--specialist-size 7"),
        (["{photos}", "--effort", "-1"], "--effort -1"),
        (["{photos}", "--augment", "-1"], "--augment -1"),
    ],
)
def test_errors_are_one_line(photos, tmp_path, capsys, arguments, said):
    data, *more = [a.format(photos=photos) for a in arguments]
    assert train(data, tmp_path, *more) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("cachenet_train: ") and said in last


def test_augmentation_is_scaled():
    plan = PRESETS["scenes"]
    none, half = faded(plan, 0), faded(plan, 0.5)
    assert (none.shift, none.cutout, none.light) == (0, 0, 0)
    assert (half.shift, half.cutout, half.light) == (plan.shift / 2, plan.cutout / 2, plan.light / 2)
    assert half.small_frames == plan.small_frames
