"""A fitted propensity: probability and reasons for any table of people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from cdp.core.errors import ContractError, no_rows
from cdp.models.arrays import Floats
from cdp.models.propensity.feature_columns import FeaturePlan, as_text
from cdp.models.propensity.feature_matrix import FeatureMatrix, encode
from cdp.models.propensity.layers import Layers
from cdp.models.propensity.pushes import push_reasons
from cdp.models.propensity.spline_logistic import NumberTerm
from cdp.models.propensity.stack import Stack

CHUNK = 50_000  # people scored at once
NEW_SHARE = 0.1  # of people with a value that training did not know, or with a new gap, from which it is said


@dataclass(frozen=True)
class PropensityModel:
    """The plan of the columns, those left out as leaks, the layers and their stack; without layers the base rate."""

    plan: FeaturePlan
    left_out: frozenset[str]
    layers: Layers | None
    stack: Stack | None
    base_rate: float
    unusual: Floats  # share of gaps and of other values of each feature of the plan in training

    def encode(self, frame: pd.DataFrame) -> FeatureMatrix:
        """The matrix that the layers read."""
        return encode(frame, self.plan).without(self.left_out)

    def logits(self, matrix: FeatureMatrix) -> Floats:
        """Log-odds of each person, without the cost of reasons."""
        if self.layers is None or self.stack is None:
            return np.full(len(matrix), special.logit(self.base_rate))
        logits = self.stack.logits(np.column_stack([path[:, -1] for path in self.layers.paths(matrix)]))
        rows = np.flatnonzero(self.layers.unheard(matrix).any(axis=1))
        if len(rows):
            logits[rows] = self.pushes(matrix.rows(rows)).sum(axis=1)
        return logits

    def pushes(self, matrix: FeatureMatrix) -> Floats:
        """people x (features + 1) log-odds; a row's sum is the person's log-odds, the last column the average's.

        A gap or value of a kind that training never had pushes nobody, and the person is as uncertain as what it might
        have pushed: the log-odds of the mean probability, by MacKay 1992, "The evidence framework applied to
        classification networks", Neural Computation 4(5), are nearer to even than the mean log-odds.
        """
        if self.layers is None or self.stack is None:
            return np.full((len(matrix), 1), special.logit(self.base_rate))
        pushes, unheard = self.stack.pushes(self.layers.contributions(matrix)), self.layers.unheard(matrix)
        pushes[:, :-1][unheard] = 0.0
        return np.asarray(pushes / np.sqrt(1 + np.pi / 8 * (unheard @ self.layers.logistic.variances))[:, None])


def score_propensity(model: PropensityModel, frame: pd.DataFrame, *, id_column: str) -> pd.DataFrame:
    """One row a row of `frame` that has an id, in its order: id (text), probability, reasons (list of text).

    A feature that the frame lacks counts as missing. Reasons: see `pushes.py`; empty where the base rate scores.
    """
    ids = read_ids(frame, id_column)
    frame, ids = frame[ids.notna().to_numpy()], ids.dropna()
    probability: list[Floats] = []
    reasons: list[list[str]] = []
    for chunk in _chunks(frame):
        matrix = model.encode(chunk)
        pushes = model.pushes(matrix)
        probability.append(special.expit(pushes.sum(axis=1)))
        reasons += push_reasons(matrix, pushes[:, :-1])
    scored = {"id": ids.to_numpy(), "probability": np.concatenate(probability) if probability else np.empty(0)}
    return pd.DataFrame({**scored, "reasons": pd.Series(reasons, dtype=object)})


def check_scored(model: PropensityModel, frame: pd.DataFrame, *, id_column: str) -> list[str]:
    """Warnings on ids, absent columns, new values, gaps and ranges. ContractError when no feature is there at all."""
    ids = read_ids(frame, id_column)
    used = {i: c for i, c in enumerate(model.plan.columns) if c.name not in model.left_out}
    absent = [c.name for c in used.values() if c.name not in frame]
    if used and len(absent) == len(used):
        raise ContractError(f"none of the {len(used)} features of the training is there: {', '.join(absent)}")
    warnings = [f"column {name} is absent: it counts as missing for everybody" for name in absent]
    if gone := int(ids.isna().sum()):
        warnings.append(f"{gone} rows without an id were not scored")
    if doubled := int(ids.dropna().duplicated().sum()):
        warnings.append(f"{doubled} rows repeat an id: each row was scored")
    unusual = unusual_shares(encode(frame, model.plan))
    for i, column in used.items():
        if column.name in frame and unusual[i] > model.unusual[i] + NEW_SHARE:
            told = f"{unusual[i]:.0%} of the people have no value or one that training did not know"
            warnings.append(f"column {column.name}: {told}, {model.unusual[i]:.0%} in training")
    return warnings + _out_of_range(model, frame)


def _out_of_range(model: PropensityModel, frame: pd.DataFrame) -> list[str]:
    """Numbers and dates that went elsewhere since: the model knows nothing there and takes the nearest it knew."""
    if model.layers is None:
        return []
    matrix = model.encode(frame)
    warnings = []
    for feature, term, values in zip(matrix.features, model.layers.logistic.terms, matrix.values.T, strict=True):
        if feature.kind != "category" and isinstance(term, NumberTerm):
            share = float(((values < term.low) | (values > term.high)).mean())
            if share > NEW_SHARE:
                warnings.append(f"column {feature.name}: {share:.0%} of the people lie outside the training's range")
    return warnings


def unusual_shares(matrix: FeatureMatrix) -> Floats:
    """For each feature the share of people with a gap or, in a category, another value than the known ones."""
    odd = [
        np.isnan(matrix.values[:, i]) | ((f.kind == "category") & (matrix.values[:, i] == len(f.levels)))
        for i, f in enumerate(matrix.features)
    ]
    return np.array([o.mean() for o in odd])


def read_ids(frame: pd.DataFrame, id_column: str) -> pd.Series:
    """The ids as text (``7``, never ``7.0``), NaN where there is none. ContractError without the column or any row."""
    if id_column not in frame:
        raise ContractError(f"there is no column {id_column!r}; there are {', '.join(sorted(map(str, frame.columns)))}")
    if not len(frame):
        raise no_rows("the table")
    return as_text(frame[id_column])


def _chunks(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, len(frame), CHUNK):
        yield frame.iloc[start : start + CHUNK]
