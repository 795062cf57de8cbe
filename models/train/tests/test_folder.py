"""Realistic image folders: uneven, incomplete, damaged."""

import numpy as np
import pytest
from conftest import draw

from cachenet_train import frames
from cachenet_train.folder import DataError, scan


def test_holds_out_whole_sequences_and_leaves_every_class_one(own_photos):
    draw(own_photos / "train" / "single" / "s0_0.png", (0, 0, 0), np.random.default_rng(1))
    data = scan(own_photos, 0.25, seed=3)
    train, val = ({im.sequence for im in data.splits[s]} for s in ("train", "val"))
    assert not train & val and len(val) == 4 * 2
    assert {im.label for im in data.splits["train"]} == set(range(5))
    assert any("single (1)" in w for w in data.warnings)


def test_split_depends_on_the_seed_alone(photos):
    held = [tuple(im.path for im in scan(photos, 0.25, seed).splits["val"]) for seed in (1, 1, 2)]
    assert held[0] == held[1] != held[2]


def test_given_val_is_kept(own_photos):
    (own_photos / "test").rename(own_photos / "val")
    data = scan(own_photos, 0.25, seed=1)
    assert len(data.splits["val"]) == 4 and len(data.splits["train"]) == 4 * 8 * 4


def test_a_name_without_frame_number_is_its_own_sequence(own_photos):
    for name in ("0001", "0002"):
        draw(own_photos / "train" / "blue" / f"{name}.png", (0, 0, 0), np.random.default_rng(1))
    sequences = {im.sequence for split in scan(own_photos, 0.1, 1).splits.values() for im in split}
    assert {"blue/0001", "blue/0002"} <= sequences


def test_classes_unknown_to_train_and_empty_ones_are_named(own_photos):
    draw(own_photos / "test" / "unknown" / "s0_0.png", (0, 0, 0), np.random.default_rng(1))
    (own_photos / "train" / "empty").mkdir()
    data = scan(own_photos, 0.1, 1)
    assert data.classes == ["amber", "blue", "coral", "green"]
    for path in (own_photos / "test" / "unknown", own_photos / "train" / "empty"):
        assert any(str(path) in w for w in data.warnings)


def test_one_class_is_refused(tmp_path):
    for i in range(3):
        draw(tmp_path / "train" / "alone" / f"s{i}_0.png", (0, 0, 0), np.random.default_rng(1))
    with pytest.raises(DataError, match="1 classes"):
        scan(tmp_path, 0.1, 1)


def test_damaged_image_is_named_and_left_out(own_photos, tmp_path):
    damaged = own_photos / "train" / "amber" / "s0_0.png"
    damaged.write_bytes(damaged.read_bytes()[:60])
    images, said = scan(own_photos, 0.1, 1).splits["train"], []
    for _ in range(2):  # decoded, then from the cache
        loaded = frames.load(own_photos, "train", images, (32, 24), tmp_path / "cache", said.append)
        assert "train/amber/s0_0.png" not in loaded.paths
        assert loaded.pixels.shape == (len(images) - 1, 24, 32, 3)
    assert len(said) == 2 and all(str(damaged) in line for line in said)


def test_changed_image_is_decoded_again(own_photos, tmp_path):
    images = scan(own_photos, 0.1, 1).splits["train"]
    before = frames.load(own_photos, "train", images, (32, 32), tmp_path / "cache", print)
    draw(own_photos / images[0].path, (255, 255, 255), np.random.default_rng(9), size=(50, 50))
    after = frames.load(own_photos, "train", images, (32, 32), tmp_path / "cache", print)
    assert before.key != after.key and (before.pixels[0] != after.pixels[0]).any()


def test_a_folder_without_one_readable_image_is_refused(own_photos, tmp_path):
    images = scan(own_photos, 0.1, 1).splits["test"]
    for image in images:
        (own_photos / image.path).write_bytes(b"nothing")
    with pytest.raises(DataError, match="none of 4 images decodes"):
        frames.load(own_photos, "test", images, (32, 32), tmp_path / "cache", print)


def test_a_folder_that_is_no_class_of_the_model_is_refused(photos):
    folders = sorted(p.name for p in (photos / "train").iterdir())
    with pytest.raises(DataError, match=f"{folders[0]} is not a class of the model, which has {folders[1]}"):
        scan(photos, 0.25, 1, folders[1:])
    assert scan(photos, 0.25, 1, [*folders, "without images"]).classes == [*folders, "without images"]
