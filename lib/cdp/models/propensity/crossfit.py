"""Out-of-fold log-odds of every layer, repeated: what stacks, sizes and figures are chosen and judged on.

Anything that is chosen (the number of trees, the stack's weights) is chosen for a fold on the other folds' people, so
that the figures are those of the whole recipe and not of its luckiest setting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cdp.models.arrays import Floats
from cdp.models.propensity.booster import TREES
from cdp.models.propensity.feature_matrix import FeatureMatrix
from cdp.models.propensity.folds import assign_folds, fewest_people
from cdp.models.propensity.layers import STRENGTHS, fit_layers, logistic_paths
from cdp.models.propensity.stack import Stack, fit_stack, log_losses

FOLDS = 5
REPEATS = 3
MIN_FOR_TREES = 20  # of each outcome: below, the logistic alone


@dataclass(frozen=True)
class CrossFit:
    """`folds`: repeats x people; `paths`: for each layer repeats x people x settings log-odds; `strength`: chosen C."""

    label: Floats
    folds: np.ndarray
    paths: tuple[Floats, ...]
    strength: float

    def stack(
        self, layers: int, people: np.ndarray | None = None, *, kept: float = 1.0
    ) -> tuple[tuple[int, ...], Stack]:
        """For each of the first `layers` the setting with the smallest log loss, and their stack, over these people.

        Without `people`: over all. One layer is only recalibrated. `kept`: the share of the stack's weights.
        """
        chosen = np.ones(len(self.label), dtype=bool) if people is None else people
        label = np.tile(self.label[chosen], len(self.folds))
        paths = [path[:, chosen].reshape(len(label), -1) for path in self.paths[:layers]]
        settings = tuple(int(log_losses(path, label[:, None]).mean(axis=0).argmin()) for path in paths)
        design = np.column_stack([path[:, s] for path, s in zip(paths, settings, strict=True)])
        stack = fit_stack(design, label)
        return settings, stack if kept == 1 else stack.shrunk(kept, design, label)

    def stacked(self, layers: int, *, kept: float = 1.0) -> Floats:
        """Honest log-odds of that recipe, repeats x people: settings and weights from the other folds' people."""
        found = np.empty(self.folds.shape)
        for repeat, folds in enumerate(self.folds):
            for fold in range(folds.max() + 1):
                inside = folds == fold
                settings, stack = self.stack(layers, ~inside, kept=kept)
                parts = [path[repeat, inside, s] for path, s in zip(self.paths[:layers], settings, strict=True)]
                found[repeat, inside] = stack.logits(np.column_stack(parts))
        return found


def cross_fit(
    matrix: FeatureMatrix,
    label: Floats,
    ids: pd.Series,
    *,
    repeats: int,
    on_step: Callable[[float], None],
) -> CrossFit:
    """Fit the layers on each repeat's folds; no booster for few people. `on_step` hears the share that is done."""
    fewest = fewest_people(ids, label)
    count, trees = min(FOLDS, fewest), TREES[-1] if fewest >= MIN_FOR_TREES else 0
    folds = np.stack([assign_folds(ids, label, count, salt=repeat) for repeat in range(repeats)])
    strength = choose_strength(matrix, label, ids, folds[0])
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


def choose_strength(matrix: FeatureMatrix, label: Floats, ids: pd.Series, folds: np.ndarray) -> float:
    """The strength of the spline logistic with the smallest log loss out of these folds."""
    losses = np.empty((len(label), len(STRENGTHS)))
    for fold in range(folds.max() + 1):
        inside = folds == fold
        found = logistic_paths(matrix.rows(~inside), label[~inside], ids[~inside], matrix.rows(inside))
        losses[inside] = log_losses(found, label[inside][:, None])
    return STRENGTHS[int(losses.mean(axis=0).argmin())]
