"""A plain Python loop: frames from Kafka, answers to Parquet.

    python -m cachenet_peers.loop --task task.json --policy window|cascade|full --brokers HOST:PORT --topic T --out DIR
"""

import argparse
import multiprocessing

import numpy as np

from . import source
from .decode import Decoder
from .nets import Net
from .policy import WindowPolicy, softmax
from .rows import Rows
from .task import Task


class Full:
    """The full model answers every frame."""

    def __init__(self, task: Task, o):
        self.net, self.temperature = Net(task.full.file, o.threads, o.batch), task.full.temperature

    def __call__(self, frames, pixels):
        p = softmax(self.net(pixels), self.temperature)
        best = p.argmax(axis=1)
        return best, p[np.arange(len(p)), best], np.zeros(len(p), bool)


class Cascade:
    """The small net answers the frames it is confident of, the full model the rest."""

    def __init__(self, task: Task, o):
        self.small, self.temperature = Net(task.small.file, o.threads, o.batch), task.small.temperature
        self.threshold, self.full = task.cascade_threshold, Full(task, o)

    def __call__(self, frames, pixels):
        p = softmax(self.small(pixels), self.temperature)
        best = p.argmax(axis=1)
        confidence = p[np.arange(len(p)), best]
        hits = confidence >= self.threshold
        missed = np.flatnonzero(~hits)
        if len(missed):
            best[missed], confidence[missed], _ = self.full(None, pixels[missed])
        return best, confidence, hits


class Window:
    """The window policy: the same decisions as the pipeline's."""

    def __init__(self, task: Task, o):
        self.small, self.full = Net(task.small.file, o.threads, o.batch), Net(task.full.file, o.threads, o.batch)
        self.policy = WindowPolicy(task.policy, len(task.classes), task.small.temperature, task.full.temperature)

    def __call__(self, frames, pixels):
        logits = self.small(pixels)
        places: dict[str, list[int]] = {}
        for i, f in enumerate(frames):
            places.setdefault(f.stream, []).append(i)
        rows = list(places.values())
        decided = self.policy.decide(
            [(name, logits[at]) for name, at in places.items()],
            lambda missed: self.full(pixels[[rows[run][frame] for run, frame in missed]]),
        )
        order = np.concatenate(rows)
        out = [np.empty(len(frames), dtype) for dtype in (np.int64, np.float32, bool)]
        for i, column in enumerate(out):
            column[order] = np.concatenate([d[i] for d in decided])
        return out


POLICIES = {"full": Full, "cascade": Cascade, "window": Window}


def work(o, task: Task, share: int, partitions: list[int]) -> None:
    """Answers the frames of the given partitions."""
    answer, decode, rows = POLICIES[o.policy](task, o), Decoder(task.width, task.height, task.resize, o.scale), Rows(o.out, share, task.classes)
    for frames in source.read(o.brokers, o.topic, partitions):
        rows.add(frames, *answer(frames, decode([f.image for f in frames])))
    rows.close()


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("--task", required=True)
    a.add_argument("--policy", choices=POLICIES, required=True)
    a.add_argument("--brokers", required=True)
    a.add_argument("--topic", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--processes", type=int, default=2)
    a.add_argument("--threads", type=int, default=1, help="of ONNX Runtime within a call")
    a.add_argument("--batch", type=int, default=16, help="frames in a call at most")
    a.add_argument("--scale", choices=("whole", "reduced"), default="reduced", help="at which a JPEG is decoded")
    o = a.parse_args()
    task, partitions = Task.read(o.task), source.partitions(o.brokers, o.topic)
    if o.processes == 1:
        return work(o, task, 0, partitions)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work, args=(o, task, i, partitions[i :: o.processes])) for i in range(o.processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    if any(w.exitcode for w in workers):
        raise SystemExit(f"a process failed: {[w.exitcode for w in workers]}")


if __name__ == "__main__":
    main()
