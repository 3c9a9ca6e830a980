"""Recommendations of a purchase log from beginning to end: try on earlier cuts, learn, rank, and say how good it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from cdp.core.dates import EPOCH
from cdp.models.recommendation import explore_part, repeat_part
from cdp.models.recommendation.backtest_lists import plan_cuts, run_backtest, summarise
from cdp.models.recommendation.purchase_log import PurchaseLog
from cdp.models.recommendation.ranking_logit import RankingLogit
from cdp.models.recommendation.recommend import HORIZON_DAYS, Lists, Recommender, known_log, rank_items, view_at
from cdp.models.recommendation.share_scores import ShareScores, repeat_share

CHANCE = f"chance that the item is bought within {HORIZON_DAYS} days"
SHARE = "share of the customer's next purchases"
_YARDSTICK = "its yardstick"


@dataclass(frozen=True)
class Recommendations:
    """`rows`: customer_id, rank, item_id, score, part (repeat or explore), rank_in_part, expected_on (null where nobody
    bought the item twice, and for explore); by customer and rank. `summary`: what was done, and metrics."""

    rows: pa.Table
    summary: dict[str, Any]


def recommend_purchases(
    log: PurchaseLog, as_of: date, k: int, *, on_step: Callable[[str], None] = lambda text: None
) -> Recommendations:
    """Up to `k` items of each part for every customer with a purchase up to the end of the as-of day.

    Learned from the log itself, see `rank_purchases`. :class:`ContractError` when there is no purchase up to that day.
    """
    day = (as_of - EPOCH).days
    known = known_log(log, day)
    tried = run_backtest(
        known, plan_cuts(known, day), lambda cut: on_step(f"trying it as of {np.datetime64(cut, 'D')}")
    )
    found = rank_purchases(known, as_of, k, tried.best, on_step=on_step)
    return replace(found, summary={**found.summary, "metrics": summarise(tried)})


def rank_purchases(
    log: PurchaseLog,
    as_of: date,
    k: int,
    model: Recommender | None,
    *,
    on_step: Callable[[str], None] = lambda text: None,
) -> Recommendations:
    """The lists of `recommend_purchases` by a model that was learned before.

    Without one (no finished horizon to learn from), items share the customer's next purchases by counts, see
    share_scores.py. :class:`ContractError` when there is no purchase up to the as-of day.
    """
    day = (as_of - EPOCH).days
    known = known_log(log, day)
    view = view_at(known, day)
    share, parts = repeat_share(view.pairs), name_parts(model)
    lists = rank_items(view, model or ShareScores(share), view.customers, k, _counter(len(view.customers), on_step))
    summary = {
        "as_of": as_of.isoformat(),
        "customers": len(view.customers),
        "items": int(np.count_nonzero(view.habits.buyers)),
        "purchases": len(known.day),
        "rows_left_out": log.incomplete,
        "repeat_share": float(share[view.customers].mean()),
        "repeat_by": parts["repeat"],
        "explore_by": parts["explore"],
        "score": CHANCE if model else SHARE,
    }
    return Recommendations(_rows(log, lists), summary)


def name_parts(model: Recommender | None) -> dict[str, str]:
    """What each part ranks by, in words; None: by its yardstick."""
    if model is None:
        return dict.fromkeys(("repeat", "explore"), _YARDSTICK)
    return {"repeat": _name(model.repeat, repeat_part), "explore": _name(model.explore, explore_part)}


def _name(part: RankingLogit, its: ModuleType) -> str:
    if len(part.columns) == len(its.FEATURES):
        return "all features"
    return "the number of buyers" if part.columns[0] == its.BUYERS else _YARDSTICK


def _counter(total: int, on_step: Callable[[str], None]) -> Callable[[int], None]:
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        on_step(f"ranking: {done:,} of {total:,} customers")

    return count


def _rows(log: PurchaseLog, lists: Lists) -> pa.Table:
    expected = pa.array(lists.expected_day.astype(np.int32), mask=lists.expected_day < 0).cast(pa.date32())
    return pa.table({
        "customer_id": log.customer_ids.take(pa.array(lists.customer)),
        "rank": pa.array(lists.rank.astype(np.int32)),
        "item_id": log.item_ids.take(pa.array(lists.item)),
        "score": lists.score,
        "part": pa.array(["explore", "repeat"]).take(pa.array(lists.is_repeat.astype(np.int8))),
        "rank_in_part": pa.array(lists.rank_in_part.astype(np.int32)),
        "expected_on": expected,
    })  # fmt: skip
