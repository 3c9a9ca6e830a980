"""The two layers of a propensity: a spline logistic and a small booster.

Both give log-odds as sums over features, and so does any weighted sum of them. (A booster that starts from the
logistic's log-odds was tried as third layer: nothing gained beside these two, for half as much again in time.)
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import lightgbm
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdp.models.arrays import Floats
from cdp.models.propensity import booster as boosting
from cdp.models.propensity.feature_matrix import FeatureMatrix
from cdp.models.propensity.folds import assign_folds
from cdp.models.propensity.level_rates import PARTS, LevelRates, fit_rates
from cdp.models.propensity.spline_logistic import SplineLogistic, fit_path

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # of the logistic that compete, strict to loose
ONE_COLUMN_EACH = 100  # levels up to which the logistic takes each for itself: its ridge shrinks the rare ones
MOST_COLUMNS = 400  # of all categories together, up to which it does so with more levels
ROWS_A_COLUMN = 10  # at least, for that: a rate, shrunk by itself, takes fewer better
NATIVE_LEVELS = 20  # likewise the trees, which would sort more of them by luck
_SALT = 99  # of the fifths in which the rates of many-valued categories are cross-fitted


@dataclass(frozen=True)
class Layers:
    """The fitted layers, each with its rates; `trees`: how many of the booster score (0: there is no booster)."""

    logistic_rates: LevelRates
    logistic: SplineLogistic
    booster_rates: LevelRates
    booster: lightgbm.Booster | None
    trees: int

    def paths(self, matrix: FeatureMatrix) -> list[Floats]:
        """For each layer log-odds, people x settings: one for the logistic, one a number of trees for the booster."""
        found = [self.logistic.logits(self.logistic_rates.apply(matrix))[:, None]]
        if self.booster is not None:
            prepared = self.booster_rates.apply(matrix)
            trees = [boosting.booster_logits(self.booster, prepared, t) for t in boosting.TREES if t <= self.trees]
            found.append(np.column_stack(trees))
        return found

    def unheard(self, matrix: FeatureMatrix) -> NDArray[np.bool_]:
        """people x features: where training had nothing of the kind (a gap, a new value)."""
        return self.logistic.unheard(self.logistic_rates.apply(matrix))

    def contributions(self, matrix: FeatureMatrix) -> list[Floats]:
        """For each layer people x (features + 1) log-odds against the average person, who is the last column."""
        found = [self.logistic.contributions(self.logistic_rates.apply(matrix))]
        if self.booster is not None:
            prepared = self.booster_rates.apply(matrix)
            found.append(boosting.booster_contributions(self.booster, prepared, self.trees))
        return found


def fit_layers(matrix: FeatureMatrix, label: Floats, ids: pd.Series, *, strength: float, trees: int) -> Layers:
    """Fit the logistic at `strength` and, unless `trees` is 0, the booster with that many trees."""
    parts = assign_folds(ids, label, PARTS, salt=_SALT)
    logistic_rates, prepared = fit_rates(matrix, label, parts, above=_one_column_each(matrix))
    logistic = fit_path(prepared, label, (strength,))[0]
    booster_rates, prepared = fit_rates(matrix, label, parts, above=NATIVE_LEVELS)
    booster = boosting.fit_booster(prepared, label, trees) if trees else None
    return Layers(logistic_rates, logistic, booster_rates, booster, trees)


def logistic_paths(matrix: FeatureMatrix, label: Floats, ids: pd.Series, tested: FeatureMatrix) -> Floats:
    """Log-odds of `tested` people under a logistic of each strength: people x `STRENGTHS`."""
    parts = assign_folds(ids, label, PARTS, salt=_SALT)
    rates, prepared = fit_rates(matrix, label, parts, above=_one_column_each(matrix))
    new = rates.apply(tested)
    return np.column_stack([m.logits(new) for m in fit_path(prepared, label, STRENGTHS)])


def _one_column_each(matrix: FeatureMatrix) -> int:
    """Up to how many levels of a category the logistic takes each for itself.

    A column's coefficient is what the level adds to the other features, a rate is what they say once more; but the
    normal equations grow with the square of the columns.
    """
    sizes = sorted(len(f.levels) for f in matrix.features if f.kind == "category")
    most = min(MOST_COLUMNS, len(matrix) // ROWS_A_COLUMN)
    affordable = (size for size, columns in zip(sizes, accumulate(sizes), strict=True) if columns <= most)
    return max(ONE_COLUMN_EACH, *affordable, 0)
