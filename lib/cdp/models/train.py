"""Train the value model: when it is due, on which cuts, and whether the result may become champion."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.core.errors import ModelError
from cdp.models.evaluate import MIN_HOLDOUT, Evaluation, evaluate_value, finite
from cdp.models.figures import draw_calibration, draw_frequency
from cdp.models.holdout import collect_holdout
from cdp.models.sufficient import collect_statistics
from cdp.models.value import ValueParameters, fit_value_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORM = "bgnbd+gamma_gamma/1"  # change it with the formulas or the fit, so that old runs are not reused
LONGEST_HORIZON_WEEKS = 13
MIN_HORIZON_WEEKS = 2
MIN_AUC = 0.5
MAX_BIAS = 0.5  # beyond, a new version may not replace a champion; a first one is taken with a warning


@dataclass(frozen=True)
class TrainedValue:
    """The parameters for scoring (fitted on everything), and how the same model did on the later period."""

    params: ValueParameters
    backtest_params: ValueParameters
    evaluation: Evaluation
    figures: dict[str, Figure]

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics on the later period; those without a value are left out."""
        return finite(self.evaluation.metrics)


@dataclass(frozen=True)
class DatasetVersion:
    """The table that a training read: name, path or address, and its version, so that it can be read again."""

    name: str
    path: str
    version: int


@dataclass(frozen=True)
class Decision:
    """Whether a new version becomes champion, and why, in one sentence."""

    is_promoted: bool
    reason: str


def is_training_due(last_trained: date | None, as_of: date, *, every_days: int = 7, has_champion: bool) -> bool:
    """True without a champion, or when the last training is `every_days` old. A date before the last one is not due."""
    if not has_champion or last_trained is None:
        return True
    return (as_of - last_trained).days >= every_days


def choose_horizon_weeks(first_purchase: date | None, as_of: date, *, longest: int = LONGEST_HORIZON_WEEKS) -> int:
    """The horizon that can be tested: a quarter of the history, at most `longest` weeks.

    Raises ModelError when not even two weeks are left, i.e. with less than eight weeks of history.
    """
    weeks = (as_of - first_purchase).days / 7 if first_purchase else 0.0
    horizon = min(longest, math.floor(weeks / 4))
    if horizon < MIN_HORIZON_WEEKS:
        raise ModelError(
            f"cannot train as of {as_of}: {weeks:.1f} weeks of purchases, {4 * MIN_HORIZON_WEEKS} are needed to keep a "
            "later period for the test. Load a longer history."
        )
    return horizon


def find_first_purchase(snapshots: DataFrame, *, as_of: date) -> date | None:
    """The first purchase day of anybody, from the snapshots of one as-of date; None without people. One action."""
    oldest = snapshots.where(F.col("as_of") == F.lit(as_of)).agg(F.max("age_weeks").alias("weeks")).first()
    weeks = oldest["weeks"] if oldest else None
    return None if weeks is None else as_of - timedelta(days=round(weeks * 7))


def training_cuts(as_of: date, horizon_weeks: int) -> tuple[date, date, date]:
    """(before, cut, as_of), a horizon apart: fit at cut and as_of, test on [cut, as_of), repeat [before, cut)."""
    step = timedelta(weeks=horizon_weeks)
    return as_of - 2 * step, as_of - step, as_of


def training_fingerprint(datasets: Sequence[DatasetVersion], *, as_of: date, horizon_weeks: int) -> str:
    """Hash of all that decides a training: equal tables, date, horizon and model form give an equal model."""
    facts = [FORM, as_of.isoformat(), str(horizon_weeks), *sorted(f"{d.name}|{d.path}|{d.version}" for d in datasets)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


def train_value(snapshots: DataFrame, *, as_of: date, horizon_weeks: int) -> TrainedValue:
    """Fit at the cut, test on the period behind it, then fit again on everything for the champion.

    `snapshots` holds rows of gold.snapshots at the three `training_cuts`. Two Spark actions. Raises ModelError when the
    history is too thin to fit or to test: then there is no model, and a champion that exists goes on scoring.
    """
    before, cut, end = training_cuts(as_of, horizon_weeks)
    statistics = collect_statistics(snapshots, as_of_dates=(cut, end))
    try:
        backtest = fit_value_model(statistics[cut], horizon_weeks=horizon_weeks)
    except ModelError as error:
        raise ModelError(f"at the test cut {cut}: {error}") from error
    holdout = collect_holdout(snapshots, before=before, cut=cut, end=end)
    if len(holdout) < MIN_HOLDOUT:
        raise ModelError(
            f"only {len(holdout)} people can be tested on {cut} to {end}; {MIN_HOLDOUT} are needed. "
            "Load more customers or a longer history."
        )
    evaluation = evaluate_value(holdout, backtest, horizon_weeks=horizon_weeks)
    params = fit_value_model(statistics[end], horizon_weeks=horizon_weeks)
    figures = {
        "calibration.png": draw_calibration(evaluation.churn_groups, horizon_weeks),
        "frequency.png": draw_frequency(statistics[end].purchases, params.bgnbd),
    }
    return TrainedValue(params, backtest, evaluation, figures)


def decide_promotion(metrics: Mapping[str, float], *, has_champion: bool) -> Decision:
    """Floors that every version must reach; no comparison, since the champion has seen part of the later period."""
    auc, bias = metrics.get("churn_auc"), metrics.get("purchases_bias")
    if auc is not None and auc < MIN_AUC:
        return Decision(False, f"refused: AUC {auc:.3f} on the later period is below {MIN_AUC}")
    if bias is None:
        return Decision(not has_champion, "nobody bought in the later period, so the level could not be tested")
    if abs(bias) > MAX_BIAS:
        text = f"expected purchases were {bias:+.0%} off on the later period (limit {MAX_BIAS:.0%})"
        return Decision(False, f"refused: {text}") if has_champion else Decision(True, f"first version, though {text}")
    return Decision(
        True,
        f"AUC {auc:.3f}, purchases {bias:+.1%} on the later period"
        if auc is not None
        else f"purchases {bias:+.1%} on the later period",
    )
