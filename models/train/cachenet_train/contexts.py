"""Divides frames into contexts: by what they show and where they come from. One specialist learns each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

COVERED = 0.98
"""Share of a context's frames whose class its specialist knows; the rarest classes are left to the full model."""
WHERE = 2.0
"""Weight of the camera of a sequence, against 1 for what the sequence shows: one odd moment does not make another context."""
ROUNDS = 50


@dataclass(frozen=True)
class Context:
    """The rows of its frames, and the classes that they show, both ascending."""

    rows: np.ndarray
    classes: list[int]


def sequence_of(path: str) -> str:
    """The sequence that an image <sequence>_<frame>.jpg belongs to."""
    stem = PurePosixPath(path).stem
    return stem.rpartition("_")[0] or stem


def camera_of(sequence: str) -> str:
    """The camera of a sequence <camera>-<number>, as `label` names them; "" if the name tells none."""
    camera, _, number = sequence.rpartition("-")
    return camera if number.isdigit() else ""


def contexts(probabilities: np.ndarray, paths: list[str], count: int, seed: int) -> list[Context]:
    """Divides frames with teacher probabilities [N,K] into at most count contexts, by k-means over sequences.

    A sequence is described by the mean of its frames' probabilities and by that of all frames of its camera, each as
    square roots: Euclidean distances are then proportional to Hellinger distances, in which rare classes count.
    """
    names = [sequence_of(path) for path in paths]
    sequences, member = np.unique(names, return_inverse=True)
    cameras, of = np.unique([camera_of(name) for name in sequences], return_inverse=True)
    shown = np.sqrt(_means(probabilities, member, len(sequences)))
    usual = np.sqrt(_means(probabilities, of[member], len(cameras)))
    group = _k_means(np.concatenate([shown, WHERE * usual[of]], 1), count, np.random.default_rng(seed))[member]
    labels = probabilities.argmax(1)
    found = [np.flatnonzero(group == g) for g in range(count)]
    return [Context(rows, _covering(labels[rows])) for rows in found if len(rows)]


def _covering(labels: np.ndarray) -> list[int]:
    """The fewest classes that make up COVERED of the labels."""
    classes, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    enough = np.searchsorted(np.cumsum(counts[order]), COVERED * len(labels)) + 1
    return sorted(classes[order[:enough]].tolist())


def _means(values: np.ndarray, member: np.ndarray, groups: int) -> np.ndarray:
    total = np.zeros((groups, values.shape[1]))
    np.add.at(total, member, values)
    return total / np.bincount(member, minlength=groups)[:, None]


def _k_means(points: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """The cluster of each point; starts from points far apart (k-means++)."""
    centres = points[[random.integers(len(points))]]
    for _ in range(1, min(count, len(points))):
        far = _distances(points, centres).min(1)
        if far.sum() <= 1e-12:
            break
        centres = np.concatenate([centres, points[[random.choice(len(points), p=far / far.sum())]]])
    nearest = None
    for _ in range(ROUNDS):
        before, nearest = nearest, _distances(points, centres).argmin(1)
        if before is not None and (before == nearest).all():
            break
        for c in np.unique(nearest):
            centres[c] = points[nearest == c].mean(0)
    return nearest


def _distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances [P,C]."""
    squares = (points**2).sum(1)[:, None] - 2 * points @ centres.T + (centres**2).sum(1)
    return squares.clip(0)
