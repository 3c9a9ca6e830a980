"""Categories with many values as one number each: the shrunk log-odds of the label among people with that value.

Rates of a person's own training row would give its label away, so training rows get rates from the other fifths of the
training rows (cross-fitting); everybody else gets the rates of all of them.
Micci-Barreca 2001, "A preprocessing scheme for high-cardinality categorical attributes", SIGKDD Explorations 3(1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cdp.models.arrays import Floats
from cdp.models.propensity.feature_columns import FeatureColumn
from cdp.models.propensity.feature_matrix import FeatureMatrix

PRIOR_ROWS = 20.0  # a value's rate counts as much as that many average people
PARTS = 5


@dataclass(frozen=True)
class LevelRates:
    """For each many-valued feature (by position) the log-odds of its levels; the last entry is for other values."""

    by_feature: dict[int, Floats]

    def apply(self, matrix: FeatureMatrix) -> FeatureMatrix:
        """Put the rates in the place of level numbers; missing stays missing."""
        values = matrix.values.copy() if self.by_feature else matrix.values
        for i, rates in self.by_feature.items():
            codes = values[:, i]
            known = ~np.isnan(codes)
            values[known, i] = rates[codes[known].astype(int)]
        return FeatureMatrix(values, _as_numbers(matrix.features, self.by_feature))


def fit_rates(
    matrix: FeatureMatrix, label: Floats, parts: np.ndarray, *, above: int
) -> tuple[LevelRates, FeatureMatrix]:
    """The rates of all rows for categories of more than `above` levels, and the training matrix with cross-fitted ones.

    `parts`: each row's fifth.
    """
    many = [i for i, f in enumerate(matrix.features) if f.kind == "category" and len(f.levels) > above]
    if not many:
        return LevelRates({}), matrix
    encoded = matrix.values.copy()
    for part in range(PARTS):
        inside = parts == part
        rates = _rates(matrix.rows(~inside), label[~inside], many)
        encoded[inside] = rates.apply(matrix.rows(inside)).values
    rates = _rates(matrix, label, many)
    return rates, FeatureMatrix(encoded, _as_numbers(matrix.features, rates.by_feature))


def _rates(matrix: FeatureMatrix, label: Floats, many: list[int]) -> LevelRates:
    base = (label.sum() + 0.5) / (len(label) + 1)
    found = {}
    for i in many:
        size = len(matrix.features[i].levels) + 1
        known = ~np.isnan(matrix.values[:, i])
        codes = matrix.values[known, i].astype(int)
        rows = np.bincount(codes, minlength=size)
        hits = np.bincount(codes, weights=label[known], minlength=size)
        rate = (hits + PRIOR_ROWS * base) / (rows + PRIOR_ROWS)
        found[i] = np.log(rate / (1 - rate))
    return LevelRates(found)


def _as_numbers(features: tuple[FeatureColumn, ...], many: dict[int, Floats]) -> tuple[FeatureColumn, ...]:
    return tuple(replace(f, kind="number", levels=()) if i in many else f for i, f in enumerate(features))
