"""Which items each customer buys next: of those bought before (repeat) and of those not (explore), in one order.

Both parts give the chance that the item is bought within four weeks, learned on the last finished four weeks, so their
places in the common list follow from measured shares. Each part is judged on three earlier cuts beside its yardstick
(own counts that fade by half in eight weeks; likeness to what was bought times the root of new buyers) and the number
of buyers; what did best there is taken. Nothing after the as-of day is seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from cdp.core.errors import ContractError
from cdp.models.arrays import Floats, Ints
from cdp.models.recommendation.explore_part import BUYERS, Candidates, Neighbours, explore_candidates, find_neighbours
from cdp.models.recommendation.explore_part import LEVEL as EXPLORE_LEVEL
from cdp.models.recommendation.explore_part import YARDSTICK as LIKENESS
from cdp.models.recommendation.purchase_log import PurchaseLog
from cdp.models.recommendation.ranking_logit import RankingLogit, fit_logit
from cdp.models.recommendation.ranking_metrics import order_within, truth_of
from cdp.models.recommendation.repeat_part import BUYERS as REPEAT_BUYERS
from cdp.models.recommendation.repeat_part import LEVEL as REPEAT_LEVEL
from cdp.models.recommendation.repeat_part import YARDSTICK as OWN_COUNTS
from cdp.models.recommendation.repeat_part import (
    Habits,
    Pairs,
    collect_habits,
    collect_pairs,
    next_purchase_day,
    repeat_features,
)

HORIZON_DAYS = 28
MAX_PAIRS = 200_000  # to learn from, in each part: some tens of coefficients do not get better beyond
MIN_BOUGHT = 100  # purchases among those pairs, below which only the yardstick is fitted
BOTH_BY_BUYERS = (1, 1)  # places of the choices
CHUNK = 2_000  # customers at a time: their scores for 4,000 items are 32 MB


@dataclass(frozen=True)
class View:
    """All that is known at the end of the day `pairs.as_of`."""

    pairs: Pairs
    habits: Habits
    near: Neighbours

    @property
    def customers(self) -> Ints:
        """Who had bought by then, sorted."""
        return np.nonzero(np.diff(self.pairs.offsets))[0]


class Scorer(Protocol):
    """What gives both parts scores that can stand in one order."""

    def repeat_scores(self, view: View, chosen: Ints) -> Floats:
        """Of places in the view's pairs."""

    def explore_scores(self, view: View, candidates: Candidates) -> Floats:
        """Of pairs that are no purchase yet."""


@dataclass(frozen=True)
class Recommender:
    """The chance of each part's pairs to be bought in the horizon."""

    repeat: RankingLogit
    explore: RankingLogit

    def repeat_scores(self, view: View, chosen: Ints) -> Floats:
        """Chances of places in the view's pairs."""
        return self.repeat.probability(repeat_features(view.pairs, view.habits, chosen))

    def explore_scores(self, view: View, candidates: Candidates) -> Floats:
        """Chances of pairs that are no purchase yet."""
        return self.explore.probability(candidates.features)

    def to_json(self) -> str:
        """As text, every number whole."""
        return json.dumps({"repeat": self.repeat.to_facts(), "explore": self.explore.to_facts()})

    @staticmethod
    def from_json(text: str) -> Recommender:
        """The inverse of `to_json`."""
        return Recommender(**{part: RankingLogit.from_facts(facts) for part, facts in json.loads(text).items()})


@dataclass(frozen=True)
class Choices:
    """What can stand for each part, the simplest first: its yardstick, the number of buyers alone, all features.

    `popular` stands where both parts go by buyers: fitted on the pairs of both, it ranks all items by them.
    """

    repeat: tuple[RankingLogit, ...]
    explore: tuple[RankingLogit, ...]
    popular: Recommender

    def recommender(self, repeat: int, explore: int) -> Recommender:
        """The two parts by their places."""
        if (repeat, explore) == BOTH_BY_BUYERS:
            return self.popular
        return Recommender(self.repeat[repeat], self.explore[explore])


@dataclass(frozen=True)
class Lists:
    """One row per recommended (customer, item). `rank` runs over both parts, `rank_in_part` within one.

    `expected_day`: days since 1970-01-01 of the next purchase if the item is bought again; -1 where nobody ever did,
    and for all of the explore part.
    """

    customer: Ints
    item: Ints
    score: Floats
    is_repeat: np.ndarray
    rank: Ints
    rank_in_part: Ints
    expected_day: Ints


def view_at(log: PurchaseLog, as_of: int) -> View:
    """Cut the log at the end of a day."""
    pairs = collect_pairs(log.until(as_of), as_of)
    return View(pairs, collect_habits(pairs), find_neighbours(pairs))


def known_log(log: PurchaseLog, as_of: int) -> PurchaseLog:
    """The log up to the as-of day; :class:`ContractError` when that is empty."""
    known = log.until(as_of)
    if not len(known.day):
        first = np.datetime64(int(log.day.min()), "D") if len(log.day) else None
        raise ContractError(
            "no purchase up to the as-of date: " + (f"the first is of {first}" if first else "none at all")
        )
    return known


def learn_from(log: PurchaseLog, view: View) -> Choices:
    """Both parts fitted on all features and on single ones.

    They learn what a sample of the view's customers bought in the horizon behind it, to which the log must reach.
    """
    later = log.between(view.pairs.as_of, view.pairs.as_of + HORIZON_DAYS)
    truth = truth_of(later.customer, later.item, log.n_items)
    repeat, explore = [], []
    for customers in _chunks(_sample(view)):
        chosen = _pairs_of(view.pairs, customers)
        bought = truth.holds(view.pairs.customer[chosen], view.pairs.item[chosen])
        repeat.append((repeat_features(view.pairs, view.habits, chosen), bought))
        candidates = explore_candidates(view.near, view.habits, customers, 0)
        explore.append((candidates.features, truth.holds(candidates.customer, candidates.item)))
    again, first = _stacked(repeat), _stacked(explore)
    return Choices(
        _fit_each(*again, (OWN_COUNTS, REPEAT_BUYERS), REPEAT_LEVEL, is_curved=True),
        _fit_each(*first, (LIKENESS, BUYERS), EXPLORE_LEVEL, is_curved=False),
        _fit_popular(*again, *first),
    )


def _stacked(parts: list[tuple[Floats, np.ndarray]]) -> tuple[Floats, Floats]:
    return np.vstack([f for f, _ in parts]), np.concatenate([b for _, b in parts]).astype(np.float64)


def _fit_popular(repeat: Floats, bought_again: Floats, explore: Floats, bought_first: Floats) -> Recommender:
    """One fit on the number of buyers, and the level, of the pairs of both parts."""
    bought = np.concatenate([bought_again, bought_first])
    has_level = bought.sum() >= MIN_BOUGHT
    places = [(REPEAT_BUYERS, *REPEAT_LEVEL), (BUYERS, *EXPLORE_LEVEL)]
    ours, theirs = (place if has_level else place[:1] for place in places)
    features = np.vstack([repeat[:, ours], explore[:, theirs]])
    logit = fit_logit(features, bought, columns=range(len(ours)), is_curved=False, rises=True)
    return Recommender(replace(logit, columns=ours), replace(logit, columns=theirs))


def _fit_each(
    features: Floats, bought: Floats, alone: tuple[int, ...], level: tuple[int, ...], *, is_curved: bool
) -> tuple[RankingLogit, ...]:
    """Fits on each of the features `alone`, yardstick first, and on all (the yardstick again if little was bought).

    The `level` stands beside each: it moves all items of a customer alike, so their order is the feature's, but they
    come to their place among the other part's.
    """
    if bought.sum() < MIN_BOUGHT:
        level = ()
    single = [fit_logit(features, bought, columns=[column, *level], is_curved=False, rises=True) for column in alone]
    if not level:
        return (*single, single[0])
    return (*single, fit_logit(features, bought, columns=range(features.shape[1]), is_curved=is_curved))


def rank_items(
    view: View, scorer: Scorer, customers: Ints, k: int, on_chunk: Callable[[int], None] = lambda n: None
) -> Lists:
    """Up to `k` items of each part for each of the (sorted) customers; `on_chunk` hears how many are done at a time."""
    found = []
    for chunk in _chunks(customers):
        ready = _ready(view, chunk, k)
        repeat = _best_repeats(ready, scorer.repeat_scores(view, ready.chosen), k)
        explore = _best_explored(ready, scorer.explore_scores(view, ready.candidates), k)
        found.append(_in_one_order(repeat, explore))
        on_chunk(len(chunk))
    return _joined(found)


def rank_choices(view: View, choices: Choices, customers: Ints, k: int) -> dict[tuple[int, int], Lists]:
    """The lists of every choice of the two parts, by their places; each part's features are made once."""
    found: dict[tuple[int, int], list[Lists]] = {}
    for chunk in _chunks(customers):
        ready = _ready(view, chunk, k)
        features = repeat_features(view.pairs, view.habits, ready.chosen)
        *repeats, by_buyers = (
            _best_repeats(ready, part.probability(features), k) for part in (*choices.repeat, choices.popular.repeat)
        )
        *explored, new_by_buyers = (
            _best_explored(ready, part.probability(ready.candidates.features), k)
            for part in (*choices.explore, choices.popular.explore)
        )
        for place in np.ndindex(len(repeats), len(explored)):
            both = (by_buyers, new_by_buyers) if place == BOTH_BY_BUYERS else (repeats[place[0]], explored[place[1]])
            found.setdefault(place, []).append(_in_one_order(*both))
    return {place: _joined(lists) for place, lists in found.items()}


@dataclass(frozen=True)
class _Ready:
    """What can be recommended to some customers: `chosen` places in the view's pairs, and `candidates`."""

    customer: Ints
    item: Ints
    chosen: Ints
    expected: Ints
    candidates: Candidates


def _ready(view: View, customers: Ints, k: int) -> _Ready:
    pairs, chosen = view.pairs, _pairs_of(view.pairs, customers)
    expected = next_purchase_day(pairs, view.habits, chosen)
    candidates = explore_candidates(view.near, view.habits, customers, k)
    return _Ready(pairs.customer[chosen], pairs.item[chosen], chosen, expected, candidates)


_Best = tuple[Ints, Ints, Floats, Ints, Ints]  # customer, item, score, rank, expected day


def _best_repeats(ready: _Ready, score: Floats, k: int) -> _Best:
    return _best(ready.customer, ready.item, score, k, ready.expected)


def _best_explored(ready: _Ready, score: Floats, k: int) -> _Best:
    return _best(ready.candidates.customer, ready.candidates.item, score, k, np.full(len(score), -1))


def _best(customer: Ints, item: Ints, score: Floats, k: int, expected: Ints) -> _Best:
    """The `k` rows of each customer with the highest scores."""
    order, rank = order_within(customer, score, item)
    best, rank = order[rank <= k], rank[rank <= k]
    return customer[best], item[best], score[best], rank, expected[best]


def _in_one_order(repeat: _Best, explore: _Best) -> Lists:
    customer, item, score, rank_in_part, expected = (np.concatenate(c) for c in zip(repeat, explore, strict=True))
    is_repeat = np.arange(len(customer)) < len(repeat[0])
    order, rank = order_within(customer, score, item)
    columns = (a[order] for a in (rank_in_part, expected))
    return Lists(customer[order], item[order], score[order], is_repeat[order], rank, *columns)


def _joined(lists: list[Lists]) -> Lists:
    return Lists(*(np.concatenate([getattr(part, name) for part in lists]) for name in Lists.__dataclass_fields__))


def _pairs_of(pairs: Pairs, customers: Ints) -> Ints:
    """Places of all pairs of the customers, in order."""
    begin, size = pairs.offsets[customers], pairs.offsets[customers + 1] - pairs.offsets[customers]
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    return np.repeat(begin, size) + within


def _sample(view: View) -> Ints:
    """Evenly spaced customers with `MAX_PAIRS` pairs or candidates in all."""
    customers = view.customers
    mean_pairs = max(len(view.pairs.item) / len(customers), 100)
    wanted = min(len(customers), max(1, int(MAX_PAIRS / mean_pairs)))
    return customers[np.linspace(0, len(customers) - 1, wanted).astype(np.int64)]


def _chunks(customers: Ints) -> Iterator[Ints]:
    for begin in range(0, len(customers), CHUNK):
        yield customers[begin : begin + CHUNK]
