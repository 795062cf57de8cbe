"""Class groups, contexts and one small net on frames that trained none of them: `compare.py DATA SPLIT TEACHER NETS...`.

DATA is an image folder that `cachenet_train label` made with the pack TEACHER; each NETS a folder of `cachenet_train train --groups --contexts`,
one per seed. Prints the share of frames that each could answer at most if 1, 5 or 10 points of agreement may be lost, with the best threshold in
hindsight: an upper bound of what a policy without a prior can reach. As in a run, the specialist of a frame is the one that knows most of the
stream's last answers; "the right one" is told the frame's own class.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from cachenet_train.contexts import camera_of, sequence_of
from cachenet_train.label import answers_of
from cachenet_train.pixels import decode
from cachenet_train.teacher import PackTeacher

LOST = (0.01, 0.05, 0.10)
WINDOW = 16  # answers of the full model


def answered(nets: Path, net: dict, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most probable class of a net's own for each frame, and its probability, of which "other" takes its share."""
    session = onnxruntime.InferenceSession(nets / net["file"], providers=["CPUExecutionProvider"])
    logits = np.concatenate([session.run(None, {"frames": pixels[i:i + 64]})[0] for i in range(0, len(pixels), 64)])
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    own = p[:, :len(net["classes"])]
    return np.array(net["classes"])[own.argmax(1)], own.max(1)


def routed(groups: list[list[int]], streams: list[str], truth: np.ndarray, told: bool) -> np.ndarray:
    """The specialist of each frame, -1 for none."""
    chosen, window = np.full(len(truth), -1), {}
    for i, stream in enumerate(streams):
        last = [truth[i]] if told else window.get(stream, [])
        knows = [np.isin(last, group).sum() for group in groups]
        if last and max(knows) > 0:
            chosen[i] = int(np.argmax(knows))
        window[stream] = [*window.get(stream, []), truth[i]][-WINDOW:]
    return chosen


def could(given: np.ndarray, sure: np.ndarray, truth: np.ndarray) -> list[float]:
    """Share of the frames that are answered at the best threshold for each loss."""
    order = np.argsort(-np.where(given < 0, -1, sure), kind="stable")
    order = order[given[order] >= 0]
    lost = np.cumsum(given[order] != truth[order])
    return [float(np.searchsorted(lost, share * len(truth), side="right") / len(truth)) for share in LOST]


def rows(nets: Path, pixels: np.ndarray, truth: np.ndarray, streams: list[str]) -> dict[str, list[float]]:
    """For each way to answer: share of right answers, then that of frames it could answer."""
    every = json.loads((nets / "nets.json").read_text())["nets"]
    table = {}

    def add(name: str, given: np.ndarray, sure: np.ndarray) -> None:
        table[name] = [float((given == truth).mean()), *could(given, sure, truth)]

    add("one small net", *answered(nets, next(net for net in every if net["role"] == "small"), pixels))
    for role, name in (("specialist", "class groups"), ("context", "contexts")):
        own = [net for net in every if net["role"] == role]
        if not own:
            continue
        answers = [answered(nets, net, pixels) for net in own]
        for told in (False, True):
            by = routed([net["classes"] for net in own], streams, truth, told)
            pick = np.arange(len(truth))
            given = np.where(by < 0, -1, np.stack([a[0] for a in answers])[by, pick])
            add(name + (", the right one" if told else ""), given, np.stack([a[1] for a in answers])[by, pick])
    return table


def main(data: Path, split: str, teacher: Path, *seeds: Path) -> None:
    told = {path: logits for path, logits in answers_of(data, PackTeacher(teacher)).items() if path.startswith(f"{split}/")}
    paths = sorted(told, key=lambda path: path.rpartition("/")[2])
    size = json.loads((seeds[0] / "nets.json").read_text())["input"]
    pixels = np.stack([*decode([data / path for path in paths], (size["width"], size["height"]))])
    truth, streams = np.array([told[path].argmax() for path in paths]), [camera_of(sequence_of(path)) for path in paths]
    tables = [rows(nets, pixels, truth, streams) for nets in seeds]
    print(f"{len(paths)} frames, {len(set(streams))} streams, {len(set(truth.tolist()))} classes\n\n| | agrees | hits at −1 | at −5 | at −10 |\n|---|---|---|---|---|")
    for name in tables[0]:
        each = [[f"{100 * table[name][i]:.0f}" for table in tables] for i in range(1 + len(LOST))]
        print(f"| {name} | " + " | ".join(" / ".join(values) + " %" for values in each) + " |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(Path, sys.argv[3:]))
