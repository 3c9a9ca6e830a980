"""Judge a value model on later periods, beside forecasts that need no model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cdp.models import metrics as m
from cdp.models.arrays import Floats
from cdp.models.forecast.conformal import SpendBands
from cdp.models.forecast.factors import Amounts
from cdp.models.forecast.history import Cut, iso_day
from cdp.models.forecast.learned import Tested, bands_of

MIN_HOLDOUT = 30


@dataclass(frozen=True)
class Evaluation:
    """Metrics by name (what each is: metrics.py), and the ten groups behind the pictures (newest cut).

    `metrics` are means over the cuts, `<name>_sd` their standard deviation. Names: `purchases_*` and `spend_*` for the
    amounts, `churn_*` for the probability of any purchase; `last_period_*` and `recency_*` are the same figures for
    the baselines "the same as in the period before" and "who bought last". `cuts`: ISO day -> metrics of that cut.
    """

    metrics: dict[str, float]
    cuts: dict[str, dict[str, float]]
    churn_groups: list[tuple[int, float, float]]
    spend_groups: list[tuple[int, float, float]]


def evaluate_value(tested: Sequence[Tested], *, window_weeks: float) -> Evaluation:
    """Compare what was said on past cuts, newest first, with what happened; intervals are those of the other cuts."""
    cuts = {}
    for i, t in enumerate(tested):
        others = [*tested[:i], *tested[i + 1 :]]
        cuts[iso_day(t.past.cut.as_of + 1)] = m.finite(_figures(t, bands_of(others or [t]), window_weeks))
    shared = [name for name in next(iter(cuts.values())) if all(name in figures for figures in cuts.values())]
    mean = {name: float(np.mean([figures[name] for figures in cuts.values()])) for name in shared}
    spread = {f"{name}_sd": float(np.std([figures[name] for figures in cuts.values()])) for name in shared}
    newest = tested[0]
    came = (newest.past.outcome.purchases > 0).astype(np.float64)
    return Evaluation(
        mean | spread | {"cuts": float(len(cuts))},
        cuts,
        m.groups_by_prediction(newest.amounts.p_any, came),
        m.groups_by_prediction(newest.amounts.spend, newest.past.outcome.spend),
    )


def _figures(tested: Tested, bands: SpendBands, window_weeks: float) -> dict[str, float]:
    cut, said, outcome = tested.past.cut, tested.amounts, tested.past.outcome
    came = (outcome.purchases > 0).astype(np.float64)
    base, recency = float(came.mean()), cut.t_x - cut.age
    last = last_period(cut, window_weeks)
    lo, hi = bands.interval(said.purchases, said.spend)
    return {
        "people": float(len(cut)),
        **_amounts("purchases", said.purchases, outcome.purchases),
        **_amounts("spend", said.spend, outcome.spend),
        "spend_coverage": m.coverage(lo, hi, outcome.spend),
        "churn_auc": m.auc(said.p_any, came),
        "churn_brier": m.brier(said.p_any, came),
        "churn_ece": m.expected_calibration_error(said.p_any, came),
        "churn_rate": 1 - base,
        "churn_rate_predicted": 1 - float(said.p_any.mean()),
        "churn_brier_of_base_rate": base * (1 - base),
        **_amounts("last_period_purchases", last.purchases, outcome.purchases),
        **_amounts("last_period_spend", last.spend, outcome.spend),
        "recency_churn_auc": m.auc(recency, came),
        "recency_purchases_spearman": m.spearman(recency, outcome.purchases),
    }


def last_period(cut: Cut, weeks: float) -> Amounts:
    """What the simplest forecast says: the purchases and the spend of the `weeks` before the cut, once more."""
    recent = cut.days.day > cut.as_of - 7 * weeks
    who = np.repeat(np.arange(len(cut)), cut.count)[recent]
    count = np.bincount(who, minlength=len(cut)).astype(np.float64)
    spend = np.bincount(who, cut.days.amount[recent], len(cut)).astype(np.float64)
    return Amounts(count, spend, np.minimum(count, 1.0))


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
