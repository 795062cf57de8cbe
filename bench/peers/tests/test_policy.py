import json
from pathlib import Path

import numpy as np
import pytest

from cachenet_peers.policy import WindowPolicy

CASES = json.loads(Path(__file__).with_name("decisions.json").read_text())


def decide(case, chunk):
    """Plays a case in chunks of frames of all streams, and returns the decision on each frame."""
    policy = WindowPolicy(case["settings"], case["classes"], case["temperature"], case["full_temperature"])
    frames, decided = case["frames"], [None] * len(case["frames"])
    for start in range(0, len(frames), chunk):
        places = {}
        for i in range(start, min(start + chunk, len(frames))):
            places.setdefault(frames[i]["stream"], []).append(i)
        rows = list(places.values())

        def full(missed):
            return np.array([frames[rows[run][at]]["full"] for run, at in missed], np.float32)

        runs = [(str(stream), np.array([frames[i]["small"] for i in at], np.float32)) for stream, at in places.items()]
        for at, (classes, confidences, hits) in zip(rows, policy.decide(runs, full)):
            for i, *d in zip(at, classes.tolist(), confidences.tolist(), hits.tolist()):
                decided[i] = d
    return decided


@pytest.mark.parametrize("chunk", [1, 7, 80])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_decides_as_the_go_policy(case, chunk):
    for i, ((c, confidence, hit), f) in enumerate(zip(decide(case, chunk), case["frames"], strict=True)):
        assert (c, hit) == (f["class"], f["hit"]), f"frame {i}"
        assert confidence == pytest.approx(f["confidence"], abs=2e-5), f"frame {i}"


def test_refuses_unsupported_settings():
    with pytest.raises(ValueError, match="guard"):
        WindowPolicy({**CASES[0]["settings"], "guard": 0.4}, 5, 1, 1)
