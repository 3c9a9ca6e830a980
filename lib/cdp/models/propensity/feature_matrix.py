"""A table of people as one matrix of doubles, by a plan that was learned on the training table."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from cdp.models.arrays import Floats
from cdp.models.propensity.feature_columns import FeatureColumn, FeaturePlan, as_days, as_levels, as_numbers

NEVER = 106_000  # days from 1970: 9999-12-31 and the like say that there is no date
MAX_DATES = 4  # among more dates no differences are made


@dataclass(frozen=True)
class FeatureMatrix:
    """`values`: people x features; NaN is missing. A category holds its level's number, len(levels) for other values.

    `features` describe the columns; besides the plan's there are differences of dates (kind number).
    """

    values: Floats
    features: tuple[FeatureColumn, ...]

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, chosen: np.ndarray) -> FeatureMatrix:
        """The chosen people (numbers or a mask)."""
        return replace(self, values=self.values[chosen])

    def without(self, names: Set[str]) -> FeatureMatrix:
        """Without some features."""
        kept = [i for i, f in enumerate(self.features) if f.name not in names]
        return FeatureMatrix(self.values[:, kept], tuple(self.features[i] for i in kept))


def encode(frame: pd.DataFrame, plan: FeaturePlan) -> FeatureMatrix:
    """The plan's features of `frame`. A column that the frame lacks is missing for everybody."""
    columns = [_encode(frame[c.name], c) if c.name in frame else np.full(len(frame), np.nan) for c in plan.columns]
    features = list(plan.columns)
    dates = [i for i, c in enumerate(plan.columns) if c.kind == "date"]
    for first, second in combinations(dates if len(dates) <= MAX_DATES else [], 2):
        columns.append(columns[second] - columns[first])
        name = f"days from {features[first].name} to {features[second].name}"
        features.append(FeatureColumn(name, "number"))
    values = np.column_stack(columns) if columns else np.empty((len(frame), 0))
    return FeatureMatrix(np.asarray(values, dtype=np.float64), tuple(features))


def _encode(values: pd.Series, column: FeatureColumn) -> Floats:
    if column.kind == "number":
        numbers = as_numbers(values)
        return numbers.where(numbers.between(*column.between)).to_numpy(np.float64)
    if column.kind == "date":
        days = as_days(values, column.date_format).to_numpy(np.float64)
        return np.where(np.abs(days) > NEVER, np.nan, days)
    text = as_levels(values)
    codes = pd.Categorical(text, categories=list(column.levels)).codes.astype(np.float64)
    codes[codes < 0] = len(column.levels)
    codes[text.isna().to_numpy()] = np.nan
    return np.asarray(codes)


def value_words(values: Floats, feature: FeatureColumn) -> list[str]:
    """One feature's encoded values in words, for reasons."""
    if feature.kind == "category":
        words = [*feature.levels, "another value"]
        return ["missing" if v != v else words[int(v)] for v in values.tolist()]
    if feature.kind == "date":
        days = np.floor(np.where(np.isnan(values), 0, values)).astype("datetime64[D]")
        return ["missing" if v != v else str(d) for v, d in zip(values.tolist(), days, strict=True)]
    return ["missing" if v != v else _number(v) for v in values.tolist()]


def _number(value: float) -> str:
    return f"{value:.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"
