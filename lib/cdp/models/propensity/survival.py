"""Churn of subscribers: the probability to have left by month k, from a person's own date on.

Discrete-time survival: each person is as many rows as months were observed, each with the question whether he left in
that month; people who are still there (censored) count for the months that they stayed. The hazard is a propensity on
these rows, with the month as a feature: P(left by k) = 1 - product over j <= k of (1 - hazard_j).
Singer, Willett 1993, "It's about time: using discrete-time survival analysis", J. Educational Statistics 18(2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cdp.core.errors import ContractError
from cdp.models.arrays import Floats
from cdp.models.propensity.crossfit import REPEATS
from cdp.models.propensity.feature_columns import FeatureColumn, FeaturePlan, as_numbers, learn_columns
from cdp.models.propensity.feature_matrix import FeatureMatrix, encode
from cdp.models.propensity.labels import read_label
from cdp.models.propensity.leakage import find_leaks
from cdp.models.propensity.propensity import fit_matrix, person_order
from cdp.models.propensity.propensity_metrics import base_rate, plain
from cdp.models.propensity.propensity_model import CHUNK, PropensityModel, read_ids, unusual_shares
from cdp.models.propensity.pushes import push_reasons

MONTHS = (1, 3, 6, 12)
MONTH = "months from the own date"  # 1 .. 12
YEARS_BACK = "years before the day that is scored"  # of a row's own date: hazards change over the years


@dataclass(frozen=True)
class SurvivalModel:
    """The hazard of a month; `clocks` and `turns`: features that move by themselves; what is known about it."""

    hazard: PropensityModel
    clocks: Mapping[str, float]
    turns: Mapping[str, float]
    report: dict[str, Any]


def fit_survival(
    people: pd.DataFrame,
    *,
    id_column: str,
    months: str,
    left: str,
    clocks: Mapping[str, float] | None = None,
    turns: Mapping[str, float] | None = None,
    years_back: str | None = None,
    repeats: int = REPEATS,
    on_step: Callable[[float], None] = lambda share: None,
) -> SurvivalModel:
    """Fit on one row a person and date of its own (such as a contract's), with features as of that date.

    `months`: how many months after it were observed, whole numbers from 1 on; where `left` is yes, the person left in
    the last of them. `clocks` names number features that move with time, as change a month: ``{"tenure_months": 1,
    "months_to_renewal": -1}``; `turns` those that begin again, with their length: ``{"months_to_renewal": 12}``.
    `years_back`: how old a row's follow-up is, whole years; scores are those of the last year (0), so that what changed
    since, for all or for some, is not averaged. The hazard is cross-validated `repeats` times. The report is that of
    `fit_propensity`, about person-months. ContractError for absent columns, months that are none, a left that is not
    yes or no.
    """
    told_by = {months, left} | ({years_back} if years_back else set())
    for column in sorted(told_by):
        if column not in people:
            raise ContractError(
                f"there is no column {column!r}; there are {', '.join(sorted(map(str, people.columns)))}"
            )
    ids = read_ids(people, id_column)
    order = person_order(people, ids.fillna(""))
    people, ids = people.iloc[order], ids.iloc[order].fillna("")
    back = people[years_back].to_numpy() if years_back else np.zeros(len(people))
    seen, has_left = _read_follow_up(people[months], people[left])
    plan = _with_clocks(learn_columns(people, exclude=frozenset({id_column, *told_by})), clocks or {})
    whole = encode(people, plan)
    leaks, told = find_leaks(whole, has_left)
    rows, step = np.repeat(np.arange(len(people)), seen), _steps(seen)
    matrix = at_month(whole.without(set(leaks)).rows(rows), step, clocks or {}, turns or {}, back[rows])
    label = np.where(step == seen[rows], has_left[rows], 0.0)
    outcome = fit_matrix(matrix, label, ids.iloc[rows].reset_index(drop=True), on_step, repeats)
    hazard = PropensityModel(
        plan, frozenset(leaks), outcome.layers, outcome.stack, base_rate(label), unusual_shares(whole)
    )
    report = {
        "people": len(people),
        "person_months": len(rows),
        "left": int(label.sum()),
        **outcome.report,
        "dropped": {**plan.dropped, **leaks},
        "warnings": [*plan.warnings, *told, *outcome.warnings],
    }
    return SurvivalModel(hazard, dict(clocks or {}), dict(turns or {}), plain(report))


def score_survival(
    model: SurvivalModel, people: pd.DataFrame, *, id_column: str, months: Sequence[int] = MONTHS
) -> pd.DataFrame:
    """One row a person with an id: id (text), p_left_by_1, _3, _6, _12 months (never falling), reasons (`pushes.py`).

    The reasons are those of the first month's hazard.
    """
    ids = read_ids(people, id_column)
    people, ids = people[ids.notna().to_numpy()], ids.dropna()
    by_month: Floats = np.empty((len(people), max(months)))
    reasons: list[list[str]] = []
    for start in range(0, len(people), CHUNK):
        matrix = model.hazard.encode(people.iloc[start : start + CHUNK])
        by_month[start : start + CHUNK] = _left_by(model, matrix, max(months))
        first = at_month(matrix, np.ones(len(matrix)), model.clocks, model.turns)
        reasons += push_reasons(matrix, model.hazard.pushes(first)[:, :-3])  # without the month, the year, the base
    scored = {"id": ids.to_numpy(), **{f"p_left_by_{k}": by_month[:, k - 1] for k in months}}
    return pd.DataFrame({**scored, "reasons": pd.Series(reasons, dtype=object)})


def leavers_due(model: SurvivalModel, people: pd.DataFrame, months: np.ndarray) -> Floats:
    """For each person the sum of his hazards over so many months: how many such people leave in the last year."""
    rows, step = np.repeat(np.arange(len(people)), months), _steps(months)
    due = np.zeros(len(people))
    matrix = model.hazard.encode(people)
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        moved = at_month(matrix.rows(rows[part]), step[part], model.clocks, model.turns)
        due += np.bincount(rows[part], special.expit(model.hazard.logits(moved)), minlength=len(people))
    return due


def at_month(
    matrix: FeatureMatrix,
    step: np.ndarray,
    clocks: Mapping[str, float],
    turns: Mapping[str, float],
    years_back: np.ndarray | None = None,
) -> FeatureMatrix:
    """Each row as of the start of its month `step` (1 is the first): clocks moved on, month and year as features."""
    unknown = {*clocks, *turns} - {f.name for f in matrix.features if f.kind == "number"}
    if unknown:
        raise ContractError(f"clocks that are no number features: {', '.join(sorted(unknown))}")
    change = np.array([clocks.get(f.name, 0.0) for f in matrix.features])
    values = matrix.values + (step - 1)[:, None] * change
    for i, feature in enumerate(matrix.features):
        if feature.name in turns:
            values[:, i] %= turns[feature.name]
    back = np.zeros(len(matrix)) if years_back is None else years_back
    features = (*matrix.features, FeatureColumn(MONTH, "number"), FeatureColumn(YEARS_BACK, "number"))
    return FeatureMatrix(np.column_stack([values, step, back]), features)


def _read_follow_up(months: pd.Series, left: pd.Series) -> tuple[np.ndarray, Floats]:
    seen, has_left = as_numbers(months).to_numpy(), read_label(left)
    bad = int((~(seen >= 1) | (seen != np.round(seen)) | np.isnan(has_left)).sum())
    if bad:
        raise ContractError(
            f"columns {months.name}, {left.name}: {bad} of {len(seen)} rows lack a whole number of months from 1 on, "
            "or whether the person left"
        )
    last = MONTHS[-1]
    return np.minimum(seen, last).astype(int), np.where(seen <= last, has_left, 0.0)


def _with_clocks(plan: FeaturePlan, clocks: Mapping[str, float]) -> FeaturePlan:
    """A clock that stands alike for everybody on the first day moves on, and tells."""
    still = {name for name in clocks if name in plan.dropped}
    columns = [*plan.columns, *(FeatureColumn(name, "number") for name in still)]
    dropped = {name: why for name, why in plan.dropped.items() if name not in still}
    return FeaturePlan(tuple(sorted(columns, key=lambda c: c.name)), dropped, plan.warnings)


def _steps(seen: np.ndarray) -> np.ndarray:
    """1 .. seen of each person, one after the other."""
    ends = np.cumsum(seen)
    return np.arange(ends[-1]) - np.repeat(ends - seen, seen) + 1


def _left_by(model: SurvivalModel, start: FeatureMatrix, last: int) -> Floats:
    stays = np.empty((len(start), last))
    for step in range(1, last + 1):
        moved = at_month(start, np.full(len(start), step), model.clocks, model.turns)
        stays[:, step - 1] = special.log_expit(-model.hazard.logits(moved))
    return np.asarray(-np.expm1(np.cumsum(stays, axis=1)))
