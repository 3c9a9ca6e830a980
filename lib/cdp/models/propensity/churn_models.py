"""The two methods for the churn of contracts, fitted as of one day: survival, and a spline logistic a horizon.

Both learn from all years, know which, and speak of the last, from a contract's own date; what they say is brought to
the day's level (`drift.py`) and to who is still there in the month that runs (`running_month.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from cdp.models.arrays import Floats
from cdp.models.propensity.contracts import ID, MOVES, TURNS, Contracts, follow
from cdp.models.propensity.crossfit import FOLDS, choose_strength
from cdp.models.propensity.drift import Drift, learn_drift
from cdp.models.propensity.feature_columns import learn_columns
from cdp.models.propensity.feature_matrix import encode
from cdp.models.propensity.folds import assign_folds, fewest_people
from cdp.models.propensity.layers import fit_layers
from cdp.models.propensity.propensity import MIN_OUTCOMES, person_order, sample_rows
from cdp.models.propensity.propensity_metrics import base_rate
from cdp.models.propensity.propensity_model import PropensityModel, unusual_shares
from cdp.models.propensity.running_month import RunningMonth, learn_running_month
from cdp.models.propensity.stack import Stack
from cdp.models.propensity.survival import (
    MONTHS,
    YEARS_BACK,
    SurvivalModel,
    fit_survival,
    leavers_due,
    score_survival,
)

SURVIVAL, LOGISTIC, MEAN = "survival", "spline logistic", "mean of both"
MONTHS_SEEN, HAS_LEFT = "months seen of a snapshot", "has left in the last of them"  # names that no feature has
ALWAYS = 1e-6  # probabilities stay this far inside (0, 1) where a logit is taken

Logits = dict[str, dict[int, Floats]]  # method -> horizon in months -> log-odds of having left by then


@dataclass(frozen=True)
class ChurnModels:
    """Both methods, fitted as of one day; for a horizon without a logistic, survival stands in."""

    survival: SurvivalModel
    logistics: Mapping[int, PropensityModel]
    running_month: RunningMonth
    drift: Drift

    def score(self, contracts: Contracts, day: np.datetime64) -> tuple[Logits, pd.Series]:
        """Log-odds of each contract that runs at the end of `day` by method and horizon, and the survival's reasons.

        They count from the contract's own date; the reasons are those of the next month.
        """
        frame = contracts.snapshot(contracts.left_in(day)[0])
        scored = score_survival(self.survival, frame, id_column=ID)
        survival = {k: _logit(scored[f"p_left_by_{k}"].to_numpy()) for k in MONTHS}
        found = {SURVIVAL: survival}
        if self.logistics:
            now = frame.assign(**{YEARS_BACK: 0})
            logistic = survival | {k: model.logits(model.encode(now)) for k, model in self.logistics.items()}
            found |= {LOGISTIC: logistic, MEAN: {k: (survival[k] + z) / 2 for k, z in logistic.items()}}
        gone, trend = self.running_month.gone(contracts, day), self.drift.trend
        return {name: _as_of_now(by_month, gone, trend) for name, by_month in found.items()}, scored["reasons"]


def fit_models(
    contracts: Contracts, day: np.datetime64, *, repeats: int, on_step: Callable[[float], None]
) -> ChurnModels:
    """Both methods on what was known at the end of `day`; no logistic for a horizon that hardly anybody left in."""
    known = follow(contracts, day, block=MONTHS[-1])
    people = known.frame.assign(**{MONTHS_SEEN: known.months, HAS_LEFT: known.has_left, YEARS_BACK: known.years_back})
    survival = fit_survival(
        people, id_column=ID, months=MONTHS_SEEN, left=HAS_LEFT, clocks=MOVES, turns=TURNS, years_back=YEARS_BACK,
        repeats=repeats, on_step=lambda share: on_step(0.7 * share),
    )  # fmt: skip
    drift = learn_drift(known.years_back, leavers_due(survival, known.frame, known.months), known.has_left)
    logistics = {}
    for i, months in enumerate(MONTHS):
        if (model := _fit_logistic(contracts, day, months)) is not None:
            logistics[months] = model
        on_step(0.7 + 0.3 * (i + 1) / len(MONTHS))
    return ChurnModels(survival, logistics, learn_running_month(contracts, day), drift)


def _fit_logistic(contracts: Contracts, day: np.datetime64, months: int) -> PropensityModel | None:
    """The spline logistic of "left within `months`" on all snapshots that far back with the time behind them."""
    known = follow(contracts, day, block=months)
    frame = known.frame.assign(**{YEARS_BACK: known.years_back})[known.is_whole]
    label = known.has_left[known.is_whole].astype(np.float64)
    order = person_order(frame, frame[ID])
    frame, label, ids = frame.iloc[order], label[order], frame[ID].iloc[order].reset_index(drop=True)
    fewest = fewest_people(ids, label)
    plan = learn_columns(frame, exclude=frozenset({ID}))
    if fewest < MIN_OUTCOMES or not plan.columns:
        return None
    matrix = encode(frame, plan)
    part = sample_rows(matrix, ids, fewest)
    folds = assign_folds(ids[part], label[part], min(FOLDS, fewest), salt=0)
    strength = choose_strength(matrix.rows(part), label[part], ids[part], folds)
    layers = fit_layers(matrix, label, ids, strength=strength, trees=0)
    return PropensityModel(plan, frozenset(), layers, Stack(0.0, np.ones(1)), base_rate(label), unusual_shares(matrix))


def _as_of_now(logits: Mapping[int, Floats], gone: Floats, trend: float) -> dict[int, Floats]:
    """The log-odds, never falling with the horizon: hazards times `trend`, of whom the running month has not taken."""
    log_stays = np.minimum.accumulate(trend * special.log_expit(-np.stack([logits[k] for k in MONTHS])), axis=0)
    stays = np.exp(log_stays)
    there = np.maximum(1 - (1 - stays[0]) * gone, ALWAYS)
    return dict(zip(MONTHS, _logit(1 - stays / there), strict=True))


def _logit(p: Floats) -> Floats:
    return np.asarray(special.logit(np.clip(p, ALWAYS, 1 - ALWAYS)))
