"""Contexts: frames that show the same and come from the same cameras."""

import numpy as np
import pytest

from cachenet_train.contexts import camera_of, contexts, sequence_of


def shown(classes, count, total=6):
    """Probabilities of frames that show the given classes in turn."""
    rows = np.full((count, total), 0.02)
    for i in range(count):
        rows[i, classes[i % len(classes)]] = 0.9
    return rows / rows.sum(1, keepdims=True)


def paths(camera, count, per_sequence=5):
    return [f"train/x/cam-{camera}-{i // per_sequence:05d}_{i:07d}.jpg" for i in range(count)]


@pytest.mark.parametrize(
    ("path", "sequence", "camera"),
    [
        ("train/a/cam-gate-00003_0000031.jpg", "cam-gate-00003", "cam-gate"),
        ("train/a/red0_1.png", "red0", ""),
        ("a/one.jpg", "one", ""),
        ("train/a/cam-gate_1.jpg", "cam-gate", ""),
    ],
)
def test_names_tell_sequence_and_camera(path, sequence, camera):
    assert sequence_of(path) == sequence and camera_of(sequence) == camera


def test_cameras_that_show_different_classes_are_different_contexts():
    probabilities = np.concatenate([shown([0, 1], 40), shown([3, 4], 40)])
    found = contexts(probabilities, paths("a", 40) + paths("b", 40), 2, seed=1)
    assert sorted(c.classes for c in found) == [[0, 1], [3, 4]]
    assert sorted(c.rows.tolist() for c in found) == [list(range(40)), list(range(40, 80))]


def test_the_camera_counts_where_a_moment_looks_alike():
    # Camera b shows class 0 as camera a does, but only in its first sequence.
    probabilities = np.concatenate([shown([0], 40), shown([0], 5), shown([4], 35)])
    found = contexts(probabilities, paths("a", 40) + paths("b", 40), 2, seed=1)
    assert sorted(c.rows.tolist() for c in found) == [list(range(40)), list(range(40, 80))]


def test_the_rarest_classes_of_a_context_are_left_out():
    probabilities = np.concatenate([shown([2], 199), shown([5], 1), shown([0], 200)])
    found = contexts(probabilities, paths("a", 200) + paths("b", 200), 2, seed=1)
    assert sorted(c.classes for c in found) == [[0], [2]]


def test_no_more_contexts_than_there_are_differences():
    found = contexts(shown([0], 20), paths("a", 20), 4, seed=1)
    assert len(found) == 1 and found[0].classes == [0] and len(found[0].rows) == 20
