"""Divides the classes into groups that are confused with each other: one specialist each."""

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
    """Merges the most confused groups (average linkage) until count are left, most of at most 1.5 times the mean size.

    The result is ordered by smallest class, each group ascending.
    """
    likeness = (confused + confused.T) / 2
    groups = [[c] for c in range(len(confused))]
    most = max(2, round(1.5 * len(confused) / count))
    while len(groups) > count:
        groups = _merge_closest(groups, likeness, most)
    return sorted(sorted(group) for group in groups)


def _merge_closest(groups: list[list[int]], likeness: np.ndarray, most: int) -> list[list[int]]:
    pairs = [(a, b) for a in range(len(groups)) for b in range(a)]
    # When every union is too large, the smallest one is taken.
    fitting = [(a, b) for a, b in pairs if len(groups[a]) + len(groups[b]) <= most]
    if fitting:
        a, b = max(fitting, key=lambda p: likeness[np.ix_(groups[p[0]], groups[p[1]])].mean())
    else:
        a, b = min(pairs, key=lambda p: len(groups[p[0]]) + len(groups[p[1]]))
    return [g for i, g in enumerate(groups) if i not in (a, b)] + [groups[a] + groups[b]]
