"""Judge a fitted value model on a later period, beside two forecasts that need no model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cdp.models import metrics as m
from cdp.models.arrays import Floats
from cdp.models.value import INPUTS, ValueParameters, score_value

MIN_HOLDOUT = 30


@dataclass(frozen=True)
class Evaluation:
    """Metrics by name (README of each: metrics.py), and the ten groups behind the pictures.

    Names: `purchases_*` and `spend_*` for the amounts, `churn_*` for the probability of any purchase; `last_period_*`
    and `recency_*` are the same figures for the baselines "the same as in the period before" and "who bought last".
    """

    metrics: dict[str, float]
    churn_groups: list[tuple[int, float, float]]
    spend_groups: list[tuple[int, float, float]]


def evaluate_value(holdout: pd.DataFrame, params: ValueParameters, *, horizon_weeks: float) -> Evaluation:
    """Score the holdout of `collect_holdout` and compare with what happened; the parameters are fitted at its cut."""
    scored = score_value(holdout[list(INPUTS)], params, horizon_weeks=horizon_weeks)
    bought = holdout["actual_purchases"].to_numpy(dtype="float64")
    spent = holdout["actual_spend"].to_numpy(dtype="float64")
    came = (bought > 0).astype("float64")
    any_, ltv = scored["p_any"].to_numpy(), scored["ltv"].to_numpy()
    recency = -(holdout["age_weeks"] - holdout["recency_weeks"]).to_numpy(dtype="float64")
    base = float(came.mean())
    figures = {
        "people": float(len(holdout)),
        **_amounts("purchases", scored["expected_purchases"].to_numpy(), bought),
        **_amounts("spend", ltv, spent),
        "spend_coverage": m.coverage(scored["ltv_lo"].to_numpy(), scored["ltv_hi"].to_numpy(), spent),
        "churn_auc": m.auc(any_, came),
        "churn_brier": m.brier(any_, came),
        "churn_ece": m.expected_calibration_error(any_, came),
        "churn_rate": 1 - base,
        "churn_rate_predicted": 1 - float(any_.mean()),
        "churn_brier_of_base_rate": base * (1 - base),
        **_amounts("last_period_purchases", holdout["last_purchases"].to_numpy(dtype="float64"), bought),
        **_amounts("last_period_spend", holdout["last_spend"].to_numpy(dtype="float64"), spent),
        "recency_churn_auc": m.auc(recency, came),
        "recency_purchases_spearman": m.spearman(recency, bought),
    }
    return Evaluation(figures, m.groups_by_prediction(any_, came), m.groups_by_prediction(ltv, spent))


def _amounts(name: str, predicted: Floats, actual: Floats) -> dict[str, float]:
    wanted: dict[str, Callable[[Floats, Floats], float]] = {
        "bias": m.aggregate_bias,
        "rmse": m.rmse,
        "mae": m.mae,
        "gini": m.normalised_gini,
        "spearman": m.spearman,
        "decile_mape": m.decile_mape,
        "top10_share": m.top_share,
    }
    return {f"{name}_{key}": measure(predicted, actual) for key, measure in wanted.items()}


def finite(figures: dict[str, float]) -> dict[str, float]:
    """The metrics that have a value: NaN (nothing happened, one class only) is no number to store."""
    return {name: value for name, value in figures.items() if np.isfinite(value)}
