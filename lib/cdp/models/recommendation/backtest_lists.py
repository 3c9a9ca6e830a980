"""How good the recommendations would have been: three earlier cuts, each learned on what was finished before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cdp.models.arrays import Floats, Ints
from cdp.models.metrics import expected_calibration_error
from cdp.models.recommendation.purchase_log import PurchaseLog
from cdp.models.recommendation.ranking_metrics import LENGTH, Truth, gain_interval, judge_lists, truth_of
from cdp.models.recommendation.recommend import (
    HORIZON_DAYS,
    Choices,
    Lists,
    Recommender,
    View,
    learn_from,
    rank_choices,
    rank_items,
    view_at,
)

CUTS = 3
MAX_JUDGED = 1_500  # customers a cut: enough for two digits of NDCG
_POPULAR = 1_000  # of these, those that a customer has not bought are the popular new items

_NAMES, _KINDS = ("ndcg", "recall"), ("all", "new")
MEASURES = tuple(f"{name}_at_10_{items}" for name in _NAMES for items in _KINDS)
_NOTHING: dict[str, float | None] = {"mean": None, "low": None, "high": None}

Judged = dict[
    str, tuple[Floats, Floats]
]  # list -> NDCG@10 and Recall@10 of each customer, NaN where nothing was bought
Said = tuple[Floats, Floats]  # scores, and 1 where the item was bought


@dataclass(frozen=True)
class Cut:
    """One earlier as-of day. `lists`: how the recommendations did, `yardsticks` and `popular` what they compare with,
    `champion` what scores by now, if that was asked for (it may have learned from this day's horizon).

    Judged are `all` (the first ten of the common list), `repeat` (of that part, beside all that was bought) and `new`
    (of the explore part, beside what was bought and new to the customer), for the `customers` (places in the log).
    `said`: the score of each item of the lists, and whether it was bought.
    """

    as_of: int
    customers: Ints
    lists: Judged
    yardsticks: Judged
    popular: Judged
    champion: Judged | None
    said: Said


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


def run_backtest(
    log: PurchaseLog,
    days: list[int],
    on_cut: Callable[[int], None] = lambda day: None,
    *,
    champion: Recommender | None = None,
) -> Backtest:
    """Judge each day but the oldest by what the one before it taught, beside `champion`; `on_cut` hears of each.

    From the oldest on, so that no more than two views are held and the last is learned from.
    """
    if not days:
        return Backtest([], None)
    tried: list[_Tried] = []
    earlier = view_at(log, days[-1])
    for day in reversed(days[:-1]):
        on_cut(day)
        later = view_at(log, day)
        tried.append(_try(log, later, learn_from(log.until(day), earlier), champion))
        earlier = later
    choices = learn_from(log, earlier)
    repeat = _best([t.repeat for t in tried], len(choices.repeat))
    explore = _best([t.new for t in tried], len(choices.explore))
    cuts = [t.cut(repeat, explore) for t in reversed(tried)]
    return Backtest(cuts, choices.recommender(repeat, explore))


@dataclass(frozen=True)
class _Tried:
    """One cut: how each choice of a part did, and each choice of both in one list (`whole`); see `Cut`."""

    as_of: int
    customers: Ints
    repeat: list[tuple[Floats, Floats]]
    new: list[tuple[Floats, Floats]]
    whole: dict[tuple[int, int], tuple[Floats, Floats]]
    popular: Judged
    champion: Judged | None
    said: dict[tuple[int, int], Said]

    def cut(self, repeat: int, explore: int) -> Cut:
        """The cut of the two choices."""
        lists, yardsticks, said = self.of(repeat, explore), self.of(0, 0), self.said[repeat, explore]
        return Cut(self.as_of, self.customers, lists, yardsticks, self.popular, self.champion, said)

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
    figures = [figures_of(cut.lists) for cut in cuts]
    measured = {name: _mean_and_spread([f.get(name) for f in figures]) for name in MEASURES}
    errors = _mean_and_spread([calibration_error(cut) for cut in cuts])
    return {
        **measured,
        "calibration_error": errors,
        "gains": gains_of(cuts),
        "cuts": [_summarise_cut(cut) for cut in cuts],
    }


def gains_of(cuts: list[Cut]) -> dict[str, dict[str, float | None]]:
    """Mean, low and high of the gain in NDCG@10 over what the lists compare with; empty without a cut."""
    if not cuts:
        return {}
    return {
        f"ndcg_at_10_{items}_over_{against}": _gain(cuts, items, against)
        for against in ("yardsticks", "popular")
        for items in _KINDS
    }


def calibration_error(cut: Cut) -> float:
    """How far the chances of the listed items are from the shares that were bought (expected calibration error)."""
    return expected_calibration_error(*cut.said)


def figures_of(judged: Judged) -> dict[str, float]:
    """NDCG@10 and Recall@10 of the common list and of new items, means over the customers; unknown ones left out."""
    means = {f"{name}_at_10_{items}": _mean(judged[items][n]) for n, name in enumerate(_NAMES) for items in _KINDS}
    return {name: mean for name, mean in means.items() if mean is not None}


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


def _try(log: PurchaseLog, view: View, choices: Choices, champion: Recommender | None) -> _Tried:
    customers, (bought, new) = _judged_customers(view), _truths(log, view)
    lists = rank_choices(view, choices, customers, LENGTH)

    def judge(of: Lists, chosen: np.ndarray, rank: Ints, truth: Truth) -> tuple[Floats, Floats]:
        return judge_lists(customers, of.customer[chosen], of.item[chosen], rank[chosen], truth)

    def judge_repeat(of: Lists) -> tuple[Floats, Floats]:
        return judge(of, of.is_repeat, of.rank_in_part, bought)

    def judge_new(of: Lists) -> tuple[Floats, Floats]:
        return judge(of, ~of.is_repeat, of.rank_in_part, new)

    def judge_whole(of: Lists) -> tuple[Floats, Floats]:
        return judge(of, np.ones(len(of.rank), dtype=bool), of.rank, bought)

    its = rank_items(view, champion, customers, LENGTH) if champion else None
    return _Tried(
        view.pairs.as_of,
        customers,
        [judge_repeat(lists[i, 0]) for i in range(len(choices.repeat))],
        [judge_new(lists[0, j]) for j in range(len(choices.explore))],
        {place: judge_whole(of) for place, of in lists.items()},
        _judge_popular(log, view),
        {"all": judge_whole(its), "repeat": judge_repeat(its), "new": judge_new(its)} if its else None,
        {place: (of.score, bought.holds(of.customer, of.item).astype(np.float64)) for place, of in lists.items()},
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
