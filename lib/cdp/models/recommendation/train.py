"""Train the model of a list: chosen and judged on earlier days, learned on the newest finished four weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cdp.core.dates import EPOCH
from cdp.core.errors import ModelError
from cdp.models import metrics
from cdp.models.forecast.history import iso_day
from cdp.models.gain import GROUPS, Gain, Losses, gains_over
from cdp.models.propensity.folds import hash_keys
from cdp.models.recommendation import explore_part, repeat_part
from cdp.models.recommendation.backtest_lists import (
    MEASURES,
    Cut,
    Judged,
    calibration_error,
    figures_of,
    gains_of,
    plan_cuts,
    run_backtest,
)
from cdp.models.recommendation.pictures import draw
from cdp.models.recommendation.purchase_log import PurchaseLog
from cdp.models.recommendation.ranking_logit import RankingLogit
from cdp.models.recommendation.recommend import HORIZON_DAYS, Recommender
from cdp.models.recommendation.recommendations import name_parts
from cdp.models.train import Decision, refuse_worse

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORM = "recommender/1"  # change it with the features, the fit or what is stored: old versions rank no more then
LISTS, YARDSTICKS, POPULAR = "lists", "yardsticks", "most popular"
HORIZON_WEEKS = HORIZON_DAYS // 7
_ENDS = {"mean": "", "low": "_low", "high": "_high"}  # of an interval


@dataclass(frozen=True)
class TrainedList:
    """The model, its figures on the earlier days, and the sentence that says what each part ranks by.

    `metrics`: means over the days and `_sd`; `yardsticks_*` and `popular_*` are the simple lists' there, `gain_*` the
    gains over them with the ends of the 95 % interval. `candidates`: name -> day -> figures. `losses`: what is missing
    to an NDCG@10 of 1, `champion_gains` the gains over the champion of before there (empty without one). `importance`:
    feature -> mean absolute push on the log-odds, the largest first.
    """

    recommender: Recommender
    as_of: date
    customers: int
    items: int
    purchases: int
    metrics: dict[str, float]
    candidates: dict[str, dict[str, dict[str, float]]]
    losses: Losses
    champion_gains: Mapping[str, Gain]
    importance: dict[str, float]
    figures: Mapping[str, Figure]
    chosen: str

    def describe(self) -> dict[str, Any]:
        """What a ledger keeps of a training beside its metrics."""
        return {
            "method": self.chosen,
            "horizon_weeks": HORIZON_WEEKS,
            "customers": self.customers,
            "items": self.items,
            "purchases": self.purchases,
        }


def train_list(log: PurchaseLog, *, as_of: date, champion: Recommender | None = None) -> TrainedList:
    """Learn from what was bought before the start of `as_of`; the `champion` is judged on the same days.

    Raises ModelError where the history is too short to learn from: no model then.
    """
    known = log.until((as_of - EPOCH).days - 1)
    days = plan_cuts(known, (as_of - EPOCH).days - 1) if len(known.day) else []
    tried = run_backtest(known, days, champion=champion)
    if tried.best is None:
        raise ModelError(
            f"fewer than {2 * HORIZON_WEEKS} weeks of purchases are known: half to see, half to learn what came"
        )
    losses = _losses(known, [(cut, cut.lists) for cut in tried.cuts])
    of_champion = _losses(known, [(cut, cut.champion) for cut in tried.cuts if cut.champion])
    candidates = {
        LISTS: {
            _day(cut): {**figures_of(cut.lists), "calibration_error": calibration_error(cut)} for cut in tried.cuts
        },
        YARDSTICKS: {_day(cut): figures_of(cut.yardsticks) for cut in tried.cuts},
        POPULAR: {_day(cut): figures_of(cut.popular) for cut in tried.cuts},
    }
    importance = importance_of(tried.best)
    newest = metrics.groups_by_prediction(*tried.cuts[0].said) if tried.cuts else []
    return TrainedList(
        recommender=tried.best,
        as_of=as_of,
        customers=len(np.unique(known.customer)),
        items=len(np.unique(known.item)),
        purchases=len(known.day),
        metrics=metrics.over_cuts(candidates[LISTS]) | _simple(candidates) | _gains(gains_of(tried.cuts)),
        candidates=candidates,
        losses=losses,
        champion_gains=gains_over(losses, of_champion),
        importance=importance,
        figures=draw({name: candidates[name] for name in (YARDSTICKS, LISTS)}, newest, importance),
        chosen=", ".join(f"{part} by {by}" for part, by in name_parts(tried.best).items()),
    )


def decide(trained: TrainedList) -> Decision:
    """A new version becomes champion unless it is worse than the champion beyond doubt (train.WORSE)."""
    if refused := refuse_worse(trained.champion_gains):
        return refused
    reached, over = (trained.metrics.get(name) for name in ("ndcg_at_10_all", "gain_ndcg_at_10_all_over_popular"))
    if reached is None or over is None:
        return Decision(True, f"too little history to be judged on earlier days; {trained.chosen}")
    cuts = len(trained.candidates[LISTS])
    return Decision(
        True, f"NDCG@10 {reached:.3f} on {cuts} earlier days, {over:+.3f} over the most popular; {trained.chosen}"
    )


def importance_of(recommender: Recommender) -> dict[str, float]:
    """Part and feature -> mean absolute push on the log-odds, the largest first."""
    parts: tuple[tuple[str, RankingLogit, tuple[str, ...]], ...] = (
        ("repeat", recommender.repeat, repeat_part.FEATURES),
        ("explore", recommender.explore, explore_part.FEATURES),
    )
    found = {
        f"{part}: {names[column]}": size for part, logit, names in parts for column, size in logit.push_sizes().items()
    }
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _day(cut: Cut) -> str:
    """The day at whose start the cut's purchases were known."""
    return iso_day(cut.as_of + 1)


def _losses(log: PurchaseLog, cuts: Sequence[tuple[Cut, Judged]]) -> Losses:
    """What is missing to an NDCG@10 of 1, by day and group of customers (gain.py)."""
    sums, people = {}, {}
    for cut, judged in cuts:
        ids = pd.Series(log.customer_ids.take(cut.customers).to_pylist(), dtype=object).astype(str)
        group = (hash_keys(ids, 0) % GROUPS).astype(np.int64)
        missing = {kind: np.nan_to_num(1 - judged[kind][0]) for kind in ("all", "new")}  # who bought nothing lacks none
        sums[_day(cut)] = {
            f"ndcg_shortfall_{kind}": np.bincount(group, lacks, GROUPS).astype(np.float64)
            for kind, lacks in missing.items()
        }
        people[_day(cut)] = np.bincount(group[~np.isnan(judged["all"][0])], minlength=GROUPS).astype(np.float64)
    return Losses(sums, people)


def _simple(candidates: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, float]:
    """The means of what the lists compare with."""
    means = {name: metrics.over_cuts(candidates[name]) for name in (YARDSTICKS, POPULAR)}
    return {
        f"{short}_{measure}": means[name][measure]
        for name, short in ((YARDSTICKS, "yardsticks"), (POPULAR, "popular"))
        for measure in MEASURES
        if measure in means[name]
    }


def _gains(found: Mapping[str, Mapping[str, float | None]]) -> dict[str, float]:
    return {
        f"gain_{name}{end}": value
        for name, interval in found.items()
        for key, end in _ENDS.items()
        if (value := interval[key]) is not None
    }
