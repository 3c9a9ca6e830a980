"""How good the recommendations would have been: three earlier cuts, each learned on what was finished before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cdp.models.arrays import Floats, Ints
from cdp.models.recommendation.purchase_log import PurchaseLog
from cdp.models.recommendation.ranking_metrics import Truth, gain_interval, judge_lists, truth_of
from cdp.models.recommendation.recommend import HORIZON_DAYS, Recommender, View, learn_from, rank_items, view_at

CUTS = 3
MAX_JUDGED = 1_500  # customers a cut: enough for two digits of NDCG
_POPULAR = 1_000  # of these, those that a customer has not bought are the popular new items

_NOTHING: dict[str, float | None] = {"mean": None, "low": None, "high": None}

Judged = dict[
    str, tuple[Floats, Floats]
]  # list -> NDCG@10 and Recall@10 of each customer, NaN where nothing was bought


@dataclass(frozen=True)
class Cut:
    """One earlier as-of day. `lists`: how the recommendations did, `yardsticks` and `popular` what they compare with.

    Judged are `all` (the first ten of the common list), `repeat` (of that part, beside all that was bought) and `new`
    (of the explore part, beside what was bought and new to the customer).
    """

    as_of: int
    lists: Judged
    yardsticks: Judged
    popular: Judged


@dataclass(frozen=True)
class Backtest:
    """`is_learned`: whether learning beat the yardstick of (repeat, explore)."""

    cuts: list[Cut]
    is_learned: tuple[bool, bool]


def plan_cuts(log: PurchaseLog, as_of: int) -> list[int]:
    """As-of days of finished horizons, newest first: `CUTS` to judge and one more to learn from, as far as they go.

    The horizons end where the data do, if that is before the as-of day. Before the oldest lies one horizon of history.
    """
    end = min(as_of, int(log.day.max()))
    days = [end - HORIZON_DAYS * n for n in range(1, CUTS + 2)]
    return [day for day in days if day >= log.day.min() + HORIZON_DAYS - 1]


def run_backtest(log: PurchaseLog, days: list[int], on_cut: Callable[[int], None] = lambda day: None) -> Backtest:
    """Judge each day but the oldest by recommenders that were learned on the one before it; `on_cut` hears of each."""
    learned: list[Judged] = []
    yardsticks: list[Judged] = []
    popular: list[Judged] = []
    models = []
    for view, both in _learned_cuts(log, days):
        on_cut(view.pairs.as_of)
        models.append(both)
        learned.append(_judge(log, view, both[0]))
        yardsticks.append(_judge(log, view, both[1]))
        popular.append(_judge_popular(log, view))
    is_learned = (_is_better(learned, yardsticks, "repeat"), _is_better(learned, yardsticks, "new"))
    lists = learned if is_learned[0] else yardsticks
    if is_learned[0] != is_learned[1]:
        chosen = (choose_parts(*both, is_learned) for both in models)
        lists = [_judge(log, view_at(log, day), model) for day, model in zip(days, chosen, strict=False)]
    cuts = [Cut(*columns) for columns in zip(days, lists, yardsticks, popular, strict=False)]
    return Backtest(cuts, is_learned)


def _learned_cuts(log: PurchaseLog, days: list[int]) -> Iterator[tuple[View, tuple[Recommender, Recommender]]]:
    """Each day's view, newest first, with what was learned on the day before; no more than two views are held."""
    later = view_at(log, days[0]) if days else None
    for day in days[1:]:
        earlier = view_at(log, day)
        assert later is not None
        yield later, learn_from(log.until(later.pairs.as_of), earlier)
        later = earlier


def _is_better(learned: list[Judged], yardsticks: list[Judged], part: str) -> bool:
    """Whether learning beat the yardstick on average over the cuts; where none could be judged it is trusted."""
    means = [(_mean(better[part][0]), _mean(plain[part][0])) for better, plain in zip(learned, yardsticks, strict=True)]
    gains = [better - plain for better, plain in means if better is not None and plain is not None]
    return not gains or float(np.mean(gains)) > 0


def choose_parts(learned: Recommender, yardsticks: Recommender, is_learned: tuple[bool, bool]) -> Recommender:
    """Each part from the recommender that did better."""
    repeat, explore = ((learned if is_better else yardsticks) for is_better in is_learned)
    return Recommender(repeat.repeat, explore.explore)


def summarise(backtest: Backtest) -> dict[str, Any]:
    """Means over the cuts with their spread, the gain over what they compare with, with its interval, and each cut.

    Empty without a cut; None where nobody bought anything to be judged by.
    """
    cuts = backtest.cuts
    if not cuts:
        return {}
    measured = {
        f"{name}_at_10_{items}": _mean_and_spread([_mean(cut.lists[items][n]) for cut in cuts])
        for n, name in enumerate(("ndcg", "recall"))
        for items in ("all", "new")
    }
    gains = {
        f"ndcg_at_10_{items}_over_{against}": _gain(cuts, items, against)
        for against in ("yardsticks", "popular")
        for items in ("all", "new")
    }
    return {**measured, "gains": gains, "cuts": [_summarise_cut(cut) for cut in cuts]}


def _gain(cuts: list[Cut], items: str, against: str) -> dict[str, float | None]:
    ours, theirs = (np.concatenate([getattr(c, which)[items][0] for c in cuts]) for which in ("lists", against))
    return dict(zip(("mean", "low", "high"), map(_known, gain_interval(ours, theirs)), strict=True))


def _summarise_cut(cut: Cut) -> dict[str, Any]:
    means = {
        f"ndcg_at_10_{items}_{which}": _mean(getattr(cut, which)[items][0])
        for which in ("lists", "yardsticks", "popular")
        for items in ("all", "new")
    }
    return {"as_of": str(np.datetime64(int(cut.as_of), "D")), "customers": len(cut.lists["all"][0]), **means}


def _mean_and_spread(means: list[float | None]) -> dict[str, float | None]:
    known = [m for m in means if m is not None]
    return {"mean": float(np.mean(known)), "low": min(known), "high": max(known)} if known else _NOTHING


def _mean(values: Floats) -> float | None:
    judged = values[~np.isnan(values)]
    return float(judged.mean()) if len(judged) else None


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _judge(log: PurchaseLog, view: View, model: Recommender) -> Judged:
    customers, (bought, new) = _judged_customers(view), _truths(log, view)
    lists = rank_items(view, model, customers, 10)
    parts = {
        "repeat": (lists.is_repeat, lists.rank_in_part, bought),
        "new": (~lists.is_repeat, lists.rank_in_part, new),
        "all": (np.ones(len(lists.rank), dtype=bool), lists.rank, bought),
    }
    return {
        name: judge_lists(customers, lists.customer[rows], lists.item[rows], rank[rows], truth)
        for name, (rows, rank, truth) in parts.items()
    }


def _judge_popular(log: PurchaseLog, view: View) -> Judged:
    """What most people had bought by then: for everybody the same, and for each the ones not bought yet."""
    customers, (bought, new) = _judged_customers(view), _truths(log, view)
    order = np.lexsort((np.arange(log.n_items), -view.habits.buyers))[:_POPULAR]
    customer, item = np.repeat(customers, len(order)), np.tile(order, len(customers))
    place = np.tile(np.arange(1, len(order) + 1), len(customers))
    own = truth_of(view.pairs.customer, view.pairs.item, log.n_items)
    is_new = ~own.holds(customer, item)
    rank_new = np.cumsum(is_new.reshape(len(customers), -1), axis=1).ravel()
    return {
        "all": judge_lists(customers, customer, item, place, bought),
        "new": judge_lists(customers, customer[is_new], item[is_new], rank_new[is_new].astype(np.int64), new),
    }


def _judged_customers(view: View) -> Ints:
    customers = view.customers
    return customers[np.linspace(0, len(customers) - 1, min(MAX_JUDGED, len(customers))).astype(np.int64)]


def _truths(log: PurchaseLog, view: View) -> tuple[Truth, Truth]:
    """All that was bought in the horizon, and what of it was new to the customer."""
    later = log.between(view.pairs.as_of, view.pairs.as_of + HORIZON_DAYS)
    bought = truth_of(later.customer, later.item, log.n_items)
    return bought, bought.without(view.pairs.customer, view.pairs.item)
