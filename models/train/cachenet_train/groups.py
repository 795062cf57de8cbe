"""Divides the classes into groups that are confused with each other, one per specialist."""

from __future__ import annotations

import numpy as np


def confusion(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean probability [K,K] that a net gives class j on frames of class i; empty classes give zeros."""
    classes = probabilities.shape[1]
    total = np.zeros((classes, classes))
    np.add.at(total, labels, probabilities)
    return total / np.maximum(1, np.bincount(labels, minlength=classes))[:, None]


def group_count(classes: int) -> int:
    """The default number of groups: about eight classes each, at least two groups."""
    return max(2, round(classes / 8))


def divide(confused: np.ndarray, count: int) -> list[list[int]]:
    """Merges the most confused groups (average linkage) until count are left, mostly of at most 1.5 times the mean size.

    The result is ordered by smallest class, each group ascending.
    """
    likeness = (confused + confused.T) / 2
    np.fill_diagonal(likeness, -np.inf)
    groups = [[c] for c in range(len(confused))]
    most = max(2, round(1.5 * len(confused) / count))
    while len(groups) > count:
        a, b = _closest(likeness, np.array([len(g) for g in groups]), most)
        likeness = _merged(likeness, a, b, len(groups[a]), len(groups[b]))
        groups[a] += groups.pop(b)
    return sorted(sorted(group) for group in groups)


def _closest(likeness: np.ndarray, sizes: np.ndarray, most: int) -> tuple[int, int]:
    """The pair a < b to merge: the most similar one that fits or, if none does, the smallest union."""
    union = sizes[:, None] + sizes
    apart = ~np.eye(len(sizes), dtype=bool)
    fitting = apart & (union <= most)
    score = np.where(fitting, likeness, -np.inf) if fitting.any() else np.where(apart, -union, -np.inf)
    a, b = np.unravel_index(score.argmax(), score.shape)
    return min(a, b), max(a, b)


def _merged(likeness: np.ndarray, a: int, b: int, size_a: int, size_b: int) -> np.ndarray:
    row = (size_a * likeness[a] + size_b * likeness[b]) / (size_a + size_b)
    row[a] = -np.inf
    likeness[a], likeness[:, a] = row, row
    return np.delete(np.delete(likeness, b, 0), b, 1)
