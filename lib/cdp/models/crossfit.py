"""Out-of-fold log-odds of every layer, repeated: what stacks, sizes and figures are chosen and judged on.

Anything that is chosen (the number of trees, the stack's weights) is chosen for a fold on the other folds' people, so
that the figures are those of the whole recipe and not of its luckiest setting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cdp.models.bgnbd import Floats
from cdp.models.booster import TREES
from cdp.models.feature_matrix import FeatureMatrix
from cdp.models.folds import assign_folds
from cdp.models.layers import STRENGTHS, fit_layers, logistic_paths
from cdp.models.stack import Stack, fit_stack, log_losses

FOLDS = 5
REPEATS = 3
MIN_FOR_TREES = 50  # of each outcome: below, the logistic alone


@dataclass(frozen=True)
class CrossFit:
    """`folds`: repeats x people; `paths`: for each layer repeats x people x settings log-odds; `strength`: chosen C."""

    label: Floats
    folds: np.ndarray
    paths: tuple[Floats, ...]
    strength: float

    def best_settings(self, among: np.ndarray | None = None) -> tuple[int, ...]:
        """For each layer the setting with the smallest log loss over `among` (repeats x people; default all)."""
        chosen = np.ones(self.folds.shape, dtype=bool) if among is None else among
        label = np.broadcast_to(self.label, self.folds.shape)[chosen][:, None]
        return tuple(int(log_losses(p[chosen], label).mean(axis=0).argmin()) for p in self.paths)

    def stack(self) -> tuple[tuple[int, ...], Stack]:
        """The settings and the stack that score new people: chosen on everybody's out-of-fold log-odds."""
        settings = self.best_settings()
        return settings, fit_stack(self._layers(settings, np.ones(self.folds.shape, dtype=bool)), self._labels())

    def _labels(self) -> Floats:
        return np.tile(self.label, len(self.folds))

    def _layers(self, settings: tuple[int, ...], chosen: np.ndarray) -> Floats:
        return np.column_stack([p[chosen][:, s] for p, s in zip(self.paths, settings, strict=True)])

    def stacked(self) -> Floats:
        """Honest log-odds of the whole recipe, repeats x people: settings and weights from the other folds."""
        found = np.empty(self.folds.shape)
        for repeat in range(len(self.folds)):
            for fold in range(self.folds.max() + 1):
                inside = np.zeros(self.folds.shape, dtype=bool)
                inside[repeat] = self.folds[repeat] == fold
                others = np.zeros(self.folds.shape, dtype=bool)
                others[repeat] = ~inside[repeat]
                settings = self.best_settings(others)
                stack = fit_stack(self._layers(settings, others), self.label[others[repeat]])
                found[inside] = stack.logits(self._layers(settings, inside))
        return found


def cross_fit(
    matrix: FeatureMatrix,
    label: Floats,
    ids: pd.Series,
    *,
    repeats: int = REPEATS,
    on_step: Callable[[float], None],
) -> CrossFit:
    """Fit the layers on each repeat's folds; no booster for few people. `on_step` hears the share that is done."""
    fewest = int(min(label.sum(), len(label) - label.sum()))
    count, trees = min(FOLDS, fewest), TREES[-1] if fewest >= MIN_FOR_TREES else 0
    folds = np.stack([assign_folds(ids, label, count, salt=repeat) for repeat in range(repeats)])
    strength = _choose_strength(matrix, label, ids, folds[0])
    steps = repeats * count + 1
    on_step(1 / steps)
    paths: list[Floats] = []
    for step, (repeat, fold) in enumerate(np.ndindex(repeats, count)):
        inside = folds[repeat] == fold
        layers = fit_layers(matrix.rows(~inside), label[~inside], ids[~inside], strength=strength, trees=trees)
        found = layers.paths(matrix.rows(inside))
        paths = paths or [np.empty((*folds.shape, p.shape[1])) for p in found]
        for path, part in zip(paths, found, strict=True):
            path[repeat, inside] = part
        on_step((step + 2) / steps)
    return CrossFit(label, folds, tuple(paths), strength)


def _choose_strength(matrix: FeatureMatrix, label: Floats, ids: pd.Series, folds: np.ndarray) -> float:
    losses = np.empty((len(label), len(STRENGTHS)))
    for fold in range(folds.max() + 1):
        inside = folds == fold
        found = logistic_paths(matrix.rows(~inside), label[~inside], ids[~inside], matrix.rows(inside))
        losses[inside] = log_losses(found, label[inside][:, None])
    return STRENGTHS[int(losses.mean(axis=0).argmin())]
