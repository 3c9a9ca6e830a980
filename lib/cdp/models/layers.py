"""The two layers of a propensity: a spline logistic and a small booster.

Both give log-odds as sums over features, and so does any weighted sum of them. (A booster that starts from the
logistic's log-odds was tried as third layer: nothing gained beside these two, for half as much again in time.)
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm
import numpy as np
import pandas as pd

from cdp.models import booster as boosting
from cdp.models.bgnbd import Floats
from cdp.models.feature_matrix import FeatureMatrix
from cdp.models.folds import assign_folds
from cdp.models.level_rates import PARTS, LevelRates, fit_rates
from cdp.models.spline_logistic import SplineLogistic, fit_path

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # of the logistic that compete, strict to loose
_SALT = 99  # of the fifths in which the rates of many-valued categories are cross-fitted


@dataclass(frozen=True)
class Layers:
    """The fitted layers; `trees`: how many of the booster score (0: there is no booster)."""

    rates: LevelRates
    logistic: SplineLogistic
    booster: lightgbm.Booster | None
    trees: int

    def paths(self, matrix: FeatureMatrix) -> list[Floats]:
        """For each layer log-odds, people x settings: one for the logistic, one a number of trees for the booster."""
        prepared = self.rates.apply(matrix)
        found = [self.logistic.logits(prepared)[:, None]]
        if self.booster is not None:
            trees = [boosting.booster_logits(self.booster, prepared, t) for t in boosting.TREES if t <= self.trees]
            found.append(np.column_stack(trees))
        return found

    def contributions(self, matrix: FeatureMatrix) -> list[Floats]:
        """For each layer people x (features + 1) log-odds against the average person, who is the last column."""
        prepared = self.rates.apply(matrix)
        found = [self.logistic.contributions(prepared)]
        if self.booster is not None:
            found.append(boosting.booster_contributions(self.booster, prepared, self.trees))
        return found


def fit_layers(matrix: FeatureMatrix, label: Floats, ids: pd.Series, *, strength: float, trees: int) -> Layers:
    """Fit the logistic at `strength` and, unless `trees` is 0, the booster with that many trees."""
    rates, prepared = fit_rates(matrix, label, assign_folds(ids, label, PARTS, salt=_SALT))
    logistic = fit_path(prepared, label, (strength,))[0]
    return Layers(rates, logistic, boosting.fit_booster(prepared, label, trees) if trees else None, trees)


def logistic_paths(matrix: FeatureMatrix, label: Floats, ids: pd.Series, tested: FeatureMatrix) -> Floats:
    """Log-odds of `tested` people under a logistic of each strength: people x `STRENGTHS`."""
    rates, prepared = fit_rates(matrix, label, assign_folds(ids, label, PARTS, salt=_SALT))
    new = rates.apply(tested)
    return np.column_stack([m.logits(new) for m in fit_path(prepared, label, STRENGTHS)])
