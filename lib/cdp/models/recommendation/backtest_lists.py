"""How good the recommendations would have been: three earlier cuts, each learned on what was finished before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cdp.models.arrays import Floats, Ints
from cdp.models.recommendation.purchase_log import PurchaseLog
from cdp.models.recommendation.ranking_metrics import Truth, gain_interval, judge_lists, truth_of
from cdp.models.recommendation.recommend import (
    HORIZON_DAYS,
    Choices,
    Lists,
    Recommender,
    View,
    learn_from,
    rank_choices,
    view_at,
)

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
    """The cuts, newest first, and the parts that did best there, learned on the newest finished horizon, if any."""

    cuts: list[Cut]
    best: Recommender | None


def plan_cuts(log: PurchaseLog, as_of: int) -> list[int]:
    """As-of days of finished horizons, newest first: `CUTS` to judge and one more to learn from, as far as they go.

    The horizons end where the data do, if that is before the as-of day. Before the oldest lies one horizon of history.
    """
    end = min(as_of, int(log.day.max()))
    days = [end - HORIZON_DAYS * n for n in range(1, CUTS + 2)]
    return [day for day in days if day >= log.day.min() + HORIZON_DAYS - 1]


def run_backtest(log: PurchaseLog, days: list[int], on_cut: Callable[[int], None] = lambda day: None) -> Backtest:
    """Judge each day but the oldest by what was learned on the one before it; `on_cut` hears of each.

    From the oldest on, so that no more than two views are held and the last is learned from.
    """
    if not days:
        return Backtest([], None)
    tried: list[_Tried] = []
    earlier = view_at(log, days[-1])
    for day in reversed(days[:-1]):
        on_cut(day)
        later = view_at(log, day)
        tried.append(_try(log, later, learn_from(log.until(day), earlier)))
        earlier = later
    choices = learn_from(log, earlier)
    repeat = _best([t.repeat for t in tried], len(choices.repeat))
    explore = _best([t.new for t in tried], len(choices.explore))
    cuts = [Cut(t.as_of, t.of(repeat, explore), t.of(0, 0), t.popular) for t in reversed(tried)]
    return Backtest(cuts, choices.recommender(repeat, explore))


@dataclass(frozen=True)
class _Tried:
    """One cut: how each choice of a part did, and each choice of both in one list (`whole`)."""

    as_of: int
    repeat: list[tuple[Floats, Floats]]
    new: list[tuple[Floats, Floats]]
    whole: dict[tuple[int, int], tuple[Floats, Floats]]
    popular: Judged

    def of(self, repeat: int, explore: int) -> Judged:
        """The choice's figures."""
        return {"repeat": self.repeat[repeat], "new": self.new[explore], "all": self.whole[repeat, explore]}


def _best(tried: list[list[tuple[Floats, Floats]]], choices: int) -> int:
    """The choice with the highest mean NDCG over the cuts, the simplest of equals; the last where none was judged."""
    means = [[_mean(ndcg) for ndcg, _ in of_cut] for of_cut in tried]
    judged = [[m for m in of_cut if m is not None] for of_cut in means if None not in of_cut]
    return int(np.argmax(np.mean(judged, axis=0))) if judged else choices - 1


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


def _try(log: PurchaseLog, view: View, choices: Choices) -> _Tried:
    customers, (bought, new) = _judged_customers(view), _truths(log, view)
    lists = rank_choices(view, choices, customers, 10)

    def judge(of: Lists, chosen: np.ndarray, rank: Ints, truth: Truth) -> tuple[Floats, Floats]:
        return judge_lists(customers, of.customer[chosen], of.item[chosen], rank[chosen], truth)

    repeats = [lists[i, 0] for i in range(len(choices.repeat))]
    explored = [lists[0, j] for j in range(len(choices.explore))]
    return _Tried(
        view.pairs.as_of,
        [judge(of, of.is_repeat, of.rank_in_part, bought) for of in repeats],
        [judge(of, ~of.is_repeat, of.rank_in_part, new) for of in explored],
        {place: judge(of, np.ones(len(of.rank), dtype=bool), of.rank, bought) for place, of in lists.items()},
        _judge_popular(log, view),
    )


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
