"""How alike two texts are, worked out once for each distinct pair of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA, JaroWinkler

from cdp.identity.linkage.text import Codes

Scores = npt.NDArray[np.float32]
Texts = npt.NDArray[np.object_]


def on_distinct_pairs(
    values: Texts, left: Codes, right: Codes, function: Callable[[Texts, Texts], npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    """Apply a symmetric function to pairs of values, each unordered pair of codes once; codes are not null."""
    low, high = np.minimum(left, right).astype(np.int64), np.maximum(left, right).astype(np.int64)
    keys, back = np.unique(low * len(values) + high, return_inverse=True)
    return function(values[keys // len(values)], values[keys % len(values)])[back]


def jaro_winkler(left: Texts, right: Texts) -> Scores:
    """Jaro-Winkler similarity, 0 to 1, of each pair of texts."""
    return _each(left, right, JaroWinkler.similarity)


def edits(left: Texts, right: Texts) -> Scores:
    """Insertions, deletions, changes and swaps of neighbours (optimal string alignment); 3 stands for 3 or more."""
    return _each(left, right, OSA.distance, score_cutoff=2)


def token_overlap(left: Texts, right: Texts) -> Scores:
    """How far the words agree in any order, 0 to 1."""
    return _each(left, right, fuzz.token_sort_ratio) / np.float32(100)


def _each(left: Texts, right: Texts, scorer: Any, **options: Any) -> Scores:
    if not len(left):
        return np.empty(0, np.float32)
    return process.cpdist(left, right, scorer=scorer, dtype=np.float32, workers=1, **options)
