"""Why a propensity is what it is: the features that push a person's log-odds most, in words.

A reason reads ``contract = Month-to-month raises (+0.81)``: the feature, this person's value, the direction, and the
change of the log-odds (natural log) against the average person of the training table.
"""

from __future__ import annotations

import numpy as np

from cdp.models.arrays import Floats
from cdp.models.propensity.feature_matrix import FeatureMatrix, value_words

MAX_REASONS = 3
SMALLEST = 0.01  # log-odds; less is no reason


def push_reasons(matrix: FeatureMatrix, pushes: Floats) -> list[list[str]]:
    """Up to three reasons a person, strongest first (ties by the features' order); `pushes`: people x features."""
    people, count = pushes.shape
    reasons: list[list[str]] = [[] for _ in range(people)]
    if not count:
        return reasons
    top = np.argsort(-np.abs(pushes), axis=1, kind="stable")[:, :MAX_REASONS]
    texts = np.full((people, top.shape[1]), None, dtype=object)
    for i, feature in enumerate(matrix.features):
        rows, places = np.nonzero((top == i) & (np.abs(pushes[:, [i]]) >= SMALLEST))
        words = value_words(matrix.values[rows, i], feature)
        sizes = pushes[rows, i].tolist()
        texts[rows, places] = [
            f"{feature.name} = {w} {'raises' if s > 0 else 'lowers'} ({s:+.2f})"
            for w, s in zip(words, sizes, strict=True)
        ]
    return [[t for t in row if t is not None] for row in texts.tolist()]
