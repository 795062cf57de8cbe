"""The window policy of models/policy, in numpy, for packs of one small net that knows all classes.

A hit that teaches nothing leaves a stream's state unchanged, so all frames up to the next miss are decided at once, and
the misses at which several streams stop go to the full model in one batch. Decisions are those of the Go policy;
tests/test_policy.py compares them.
"""

from dataclasses import dataclass, field

import numpy as np


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Rows of probabilities, float32 [n, K]."""
    p = np.exp((logits - logits.max(axis=1, keepdims=True)) / np.float32(temperature))
    p /= p.sum(axis=1, keepdims=True)
    return p


@dataclass
class Stream:
    """A stream's state between frames."""

    window: np.ndarray
    slow: np.ndarray
    credit: tuple[float, float]
    prior: np.ndarray = field(default=None)  # K times the prior of each class, made when a state changes


class WindowPolicy:
    """Decides as policy.Policy does with kind window, score confidence and one global small net."""

    def __init__(self, settings: dict, classes: int, temperature: float, full_temperature: float):
        unsupported = [k for k in ("guard",) if settings.get(k)]
        if settings["kind"] != "window" or settings["score"] != "confidence" or settings["teacher"] != "full" or unsupported:
            raise ValueError(f"policy {settings}: this port supports kind window, score confidence, teacher full, no guard")
        self.classes, self.temperature, self.full_temperature = classes, temperature, full_temperature
        self.threshold = np.float32(settings["threshold"])
        self.alpha, self.decay = settings["alpha"], settings["decay"]
        self.trust, self.share, self.slow = settings.get("trust", 0), settings.get("share", 0), settings.get("slow", 0)
        self.streams: dict[str, Stream] = {}

    def stream(self, name: str) -> Stream:
        s = self.streams.get(name)
        if s is None:
            guess = np.full(self.classes, 1 / self.classes, dtype=np.float32)
            s = self.streams[name] = Stream(guess, guess, self._fresh())
            self._weigh(s)
        return s

    def decide(self, runs: list[tuple[str, np.ndarray]], full):
        """Decides runs of consecutive frames, each of another stream: pairs of a stream's name and the small net's logits
        [n, K]. full maps a list of (run, frame) to the full model's logits [len, K]. Returns for each run the arrays
        class, confidence and hit."""
        out, waiting = [], []
        for i, (name, logits) in enumerate(runs):
            n = len(logits)
            out.append((np.empty(n, np.int64), np.empty(n, np.float32), np.zeros(n, bool)))
            waiting.append((i, self.stream(name), softmax(logits, self.temperature), 0))
        while waiting:
            missed = []
            for i, stream, raw, start in waiting:
                stop = self._hits(stream, raw, start, out[i])
                if stop < len(raw):
                    missed.append((i, stream, raw, stop))
            waiting = []
            if missed:
                answers = softmax(full([(i, at) for i, _, _, at in missed]), self.full_temperature)
                best = answers.argmax(axis=1)
                for (i, stream, raw, at), q, c in zip(missed, answers, best.tolist()):
                    out[i][0][at], out[i][1][at] = c, q[c]
                    self._teach(stream, q)
                    if at + 1 < len(raw):
                        waiting.append((i, stream, raw, at + 1))
        return out

    def _hits(self, s: Stream, raw: np.ndarray, start: int, out) -> int:
        """Fills in the hits from frame start on, and returns the first frame that is not a hit."""
        classes, confidences, hits = out
        n = len(raw)
        while start < n:
            p = raw[start:] * s.prior
            best = p.argmax(axis=1)
            confidence = p[np.arange(n - start), best] / p.sum(axis=1)
            sure = confidence >= self.threshold
            miss = int(sure.argmin())
            stop = n - start if sure[miss] else miss
            taught = self._first_sure(raw[start : start + stop], best[:stop])
            if taught >= 0:
                stop = taught + 1
            classes[start : start + stop] = best[:stop]
            confidences[start : start + stop] = confidence[:stop]
            hits[start : start + stop] = True
            start += stop
            if taught < 0:
                return start
            q = np.zeros(self.classes, np.float32)
            q[best[taught]] = 1
            self._teach(s, q)
        return n

    def _first_sure(self, raw: np.ndarray, best: np.ndarray) -> int:
        """The first frame of which the net alone is confident enough to teach, -1 if there is none."""
        if self.trust <= 0 or not len(raw):
            return -1
        sure = (raw.max(axis=1) >= np.float32(self.trust)) & (raw.argmax(axis=1) == best)
        first = int(sure.argmax())
        return first if sure[first] else -1

    def _fresh(self) -> tuple[float, float]:
        return (1 / 3, 1 / 3) if self.slow > 0 else (1 / 2, 0.0)

    def _teach(self, s: Stream, q: np.ndarray) -> None:
        """Moves the windows, and their credit, towards the teacher's distribution q [K]."""
        if self.share > 0:
            guess, a = 1 / self.classes, self.alpha
            mass = float(q.sum())
            fast = s.credit[0] * ((1 - a) * float(q @ s.window) + a * guess * mass)
            slow = s.credit[1] * ((1 - a) * float(q @ s.slow) + a * guess * mass)
            total = fast + slow + (1 - s.credit[0] - s.credit[1]) * guess
            fresh = self._fresh()
            s.credit = tuple((1 - self.share) * v / total + self.share * f for v, f in zip((fast, slow), fresh))
        s.window = np.float32(self.decay) * s.window + np.float32(1 - self.decay) * q
        s.slow = np.float32(self.slow) * s.slow + np.float32(1 - self.slow) * q
        self._weigh(s)

    def _weigh(self, s: Stream) -> None:
        fast, slow = 1 - self.alpha, 0.0
        if self.share > 0:
            fast, slow = fast * s.credit[0], fast * s.credit[1]
        prior = np.float32(fast) * s.window + np.float32((1 - fast - slow) / self.classes)
        if slow:
            prior += np.float32(slow) * s.slow
        s.prior = prior * np.float32(self.classes)
