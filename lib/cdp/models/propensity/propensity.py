"""Propensity for any event or label: train on a table of people, choose what scores, say how good it is.

Spline logistic and booster are stacked on out-of-fold log-odds. Where the stack does not beat the spline
logistic out of fold, the logistic scores; where it does not beat the base rate, everybody gets that, and where it does,
but not beyond doubt, it is drawn there. No class is weighted, nothing is resampled: probabilities stay probabilities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cdp.core.errors import ContractError, ModelError
from cdp.models.arrays import Floats
from cdp.models.propensity.crossfit import REPEATS, cross_fit
from cdp.models.propensity.feature_columns import learn_columns
from cdp.models.propensity.feature_matrix import FeatureMatrix, encode
from cdp.models.propensity.folds import fewest_people, hash_keys
from cdp.models.propensity.labels import read_label
from cdp.models.propensity.layers import Layers, fit_layers
from cdp.models.propensity.leakage import find_leaks
from cdp.models.propensity.propensity_choice import choose_recipe
from cdp.models.propensity.propensity_metrics import base_rate, plain
from cdp.models.propensity.propensity_model import PropensityModel, read_ids, unusual_shares
from cdp.models.propensity.stack import Stack

MIN_OUTCOMES = 10  # of each kind: below, everybody gets the base rate
MAX_CELLS = 600_000  # rows x features of the cross-validation: three repeats of five folds stay a matter of minutes
ENOUGH_OUTCOMES = 500  # of the rarer kind in the cross-validation, even if it takes more rows than that


@dataclass(frozen=True)
class TrainedPropensity:
    """The model, and what is known about it: a document for summary.json, described in `fit_propensity`."""

    model: PropensityModel
    report: dict[str, Any]


@dataclass(frozen=True)
class TrainingTable:
    """A training table put in order: labelled rows only, sorted by person, so that no result depends on row order."""

    ids: pd.Series
    label: Floats
    frame: pd.DataFrame
    warnings: tuple[str, ...]


def fit_propensity(
    train: pd.DataFrame, *, label: str, id_column: str, on_step: Callable[[float], None] = lambda share: None
) -> TrainedPropensity:
    """Train on one row a person (or several: they are kept together in the folds) with a yes/no label.

    The report: rows, people, positives, base_rate; method and why; metrics by method (mean and sd over repeats and
    folds); gain of the chosen method over the simple ones (mean, 95 % interval, over persons); reliability by tenths;
    importance (mean absolute log-odds) and kind of each feature; dropped (why); settings; warnings. Raises
    ContractError for a missing column or a label that is not yes/no, ModelError when all labels are equal.
    """
    table = read_training(train, label, id_column)
    plan = learn_columns(table.frame, exclude=frozenset({label, id_column}))
    matrix = encode(table.frame, plan)
    leaks, leak_warnings = find_leaks(matrix, table.label)
    unusual, matrix = unusual_shares(matrix), matrix.without(set(leaks))
    outcome = fit_matrix(matrix, table.label, table.ids, on_step, REPEATS)
    model = PropensityModel(plan, frozenset(leaks), outcome.layers, outcome.stack, base_rate(table.label), unusual)
    report = {
        **_counts(table),
        **outcome.report,
        "features": _features(model, matrix),
        "dropped": {**plan.dropped, **leaks},
        "warnings": [*table.warnings, *plan.warnings, *leak_warnings, *outcome.warnings],
    }
    return TrainedPropensity(model, plain(report))


def read_training(train: pd.DataFrame, label: str, id_column: str) -> TrainingTable:
    """Check the two columns, drop rows without a label or an id, and sort by person."""
    ids = read_ids(train, id_column)
    if label not in train:
        raise ContractError(f"there is no column {label!r}; there are {', '.join(sorted(map(str, train.columns)))}")
    labels = read_label(train[label])
    warnings = []
    for name, gone in (("label", int(np.isnan(labels).sum())), ("id", int(ids.isna().sum()))):
        if gone:
            warnings.append(f"{gone} rows without {name} were left out of the training")
    kept = ~np.isnan(labels) & ids.notna().to_numpy()
    if len(np.unique(labels[kept])) < 2:
        raise ModelError(
            f"label column {label}: {kept.sum()} labelled rows, all with the same label. There is nothing to tell "
            "apart: give rows of people who did and of people who did not."
        )
    frame, ids, labels = train[kept], ids[kept], labels[kept]
    order = person_order(frame, ids)
    return TrainingTable(
        ids.iloc[order].reset_index(drop=True),
        labels[order],
        frame.iloc[order].reset_index(drop=True),
        tuple(warnings),
    )


def person_order(frame: pd.DataFrame, ids: pd.Series) -> np.ndarray:
    """The rows by id, those of one person by what is in them."""
    if not ids.duplicated().any():
        return np.argsort(ids.to_numpy(dtype=str), kind="stable")
    row = np.zeros(len(frame), dtype=np.uint64)
    for i, name in enumerate(sorted(frame.columns)):
        row += hash_keys(frame[name].astype(str), i)
    return np.lexsort((row, ids.to_numpy(dtype=str)))


@dataclass(frozen=True)
class Outcome:
    """What was chosen on one matrix: the layers and stack that score (none: the base rate), figures and warnings."""

    layers: Layers | None
    stack: Stack | None
    report: dict[str, Any]
    warnings: tuple[str, ...] = ()


def fit_matrix(
    matrix: FeatureMatrix, label: Floats, ids: pd.Series, on_step: Callable[[float], None], repeats: int
) -> Outcome:
    """Cross-fit, choose, and fit what was chosen on all rows; rows of one id are kept together."""
    fewest = fewest_people(ids, label)
    if fewest < MIN_OUTCOMES or not matrix.features:
        why = "no feature is left" if fewest >= MIN_OUTCOMES else f"only {fewest} people of the rarer outcome"
        on_step(1.0)
        return Outcome(None, None, {"method": "base rate", "why": f"{why}: everybody gets the base rate"}, (why,))
    sample = sample_rows(matrix, ids, fewest)
    crossed = cross_fit(
        matrix.rows(sample), label[sample], ids[sample], repeats=repeats, on_step=lambda share: on_step(share * 0.9)
    )
    recipe, report = choose_recipe(crossed, ids[sample])
    report["evaluated_on_rows"] = int(sample.sum())
    layers = fit_layers(matrix, label, ids, strength=recipe.strength, trees=recipe.trees) if recipe else None
    on_step(1.0)
    return Outcome(layers, recipe.stack if recipe else None, report)


def sample_rows(matrix: FeatureMatrix, ids: pd.Series, fewest: int) -> np.ndarray:
    """The rows that a cross-validation looks at: whole people, by hash, as many as its time allows."""
    most = max(5_000, MAX_CELLS // len(matrix.features), ENOUGH_OUTCOMES * len(matrix) // fewest)
    if len(matrix) <= most:
        return np.ones(len(matrix), dtype=bool)
    keys = hash_keys(ids, 0)
    return np.asarray(keys <= np.quantile(keys, most / len(matrix)))


def _counts(table: TrainingTable) -> dict[str, Any]:
    positives = int(table.label.sum())
    return {
        "rows": len(table.label),
        "people": int(table.ids.nunique()),
        "positives": positives,
        "base_rate": positives / len(table.label),
    }


def _features(model: PropensityModel, matrix: FeatureMatrix) -> dict[str, dict[str, Any]]:
    step = -(-len(matrix) // 10_000)
    pushes = np.abs(model.pushes(matrix.rows(np.arange(0, len(matrix), step)))[:, :-1])
    importance = pushes.mean(axis=0) if pushes.shape[1] else np.zeros(len(matrix.features))
    ranked = sorted(zip(matrix.features, importance.tolist(), strict=True), key=lambda f: (-f[1], f[0].name))
    return {f.name: {"kind": f.kind, "importance": size} for f, size in ranked}
