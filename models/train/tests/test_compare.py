"""The example that compares class groups, contexts and one small net."""

import importlib.util
from pathlib import Path

import numpy as np

spec = importlib.util.spec_from_file_location("compare", Path(__file__).parents[1] / "examples" / "compare.py")
compare = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compare)


def test_frames_are_answered_until_too_many_are_wrong():
    truth = np.zeros(100, int)
    given, sure = truth.copy(), np.linspace(1, 0, 100)
    given[[10, 20, 30]] = 1  # the surest wrong answers; one of a hundred may be wrong at -1
    assert compare.could(given, sure, truth) == [0.20, 1.0, 1.0]


def test_a_frame_without_a_specialist_is_never_answered():
    truth = np.zeros(4, int)
    assert compare.could(np.array([0, -1, 0, -1]), np.array([0.1, 1, 0.1, 1]), truth) == [0.5, 0.5, 0.5]


def test_specialists_follow_the_last_answers_of_their_stream():
    groups, truth = [[0, 1], [2, 3]], np.array([0, 2, 1, 3, 0, 9])
    streams = ["a", "b", "a", "b", "a", "c"]
    assert compare.routed(groups, streams, truth, told=False).tolist() == [-1, -1, 0, 1, 0, -1]
    assert compare.routed(groups, streams, truth, told=True).tolist() == [0, 1, 0, 1, 0, -1]
