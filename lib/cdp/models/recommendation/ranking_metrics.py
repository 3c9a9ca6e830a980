"""How good ranked lists are: NDCG@10 and Recall@10 per customer, and the interval of a gain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cdp.models.arrays import Floats, Ints
from cdp.models.recommendation.purchase_log import distinct

LENGTH = 10
DRAWS = 1_000


@dataclass(frozen=True)
class Truth:
    """Distinct (customer, item) pairs that were bought, as sorted keys; n_items makes the keys."""

    keys: Ints
    n_items: int

    def without(self, customer: Ints, item: Ints) -> Truth:
        """The truth less some pairs: what was new to the customers."""
        others = truth_of(customer, item, self.n_items)
        return Truth(self.keys[~_is_among(self.keys, others.keys)], self.n_items)

    def key(self, customer: Ints, item: Ints) -> Ints:
        """One number for each pair."""
        return customer * self.n_items + item

    def holds(self, customer: Ints, item: Ints) -> NDArray[np.bool_]:
        """Which of the pairs were bought."""
        return _is_among(self.key(customer, item), self.keys)


def truth_of(customer: Ints, item: Ints, n_items: int) -> Truth:
    """The truth of purchases, repeated or not."""
    return Truth(distinct(customer * n_items + item), n_items)


def _is_among(keys: Ints, known: Ints) -> NDArray[np.bool_]:
    """Which keys are among the known ones, which are sorted."""
    if not len(known):
        return np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.asarray(known[place] == keys)


def order_within(customer: Ints, score: Floats, item: Ints) -> tuple[Ints, Ints]:
    """(order, rank): rows by customer, best score first, equal scores by item; and the rank from 1 in that order."""
    order = np.lexsort((item, -score, customer))
    sorted_customer = customer[order]
    first = np.searchsorted(sorted_customer, sorted_customer)
    return order, np.arange(len(order)) - first + 1


def judge_lists(customers: Ints, customer: Ints, item: Ints, rank: Ints, truth: Truth) -> tuple[Floats, Floats]:
    """(NDCG@10, Recall@10) of each of `customers` (sorted), NaN for those who bought nothing.

    The ideal list has min(10, items bought) hits at its top.
    """
    top = rank <= LENGTH
    customer, item, rank = customer[top], item[top], rank[top]
    hit = truth.holds(customer, item)
    at = np.searchsorted(customers, customer[hit])
    gain = np.bincount(at, weights=1 / np.log2(rank[hit] + 1.0), minlength=len(customers))
    hits = np.bincount(at, minlength=len(customers))
    size = np.searchsorted(truth.keys, (customers + 1) * truth.n_items) - np.searchsorted(
        truth.keys, customers * truth.n_items
    )
    ideal = np.append(np.nan, np.cumsum(1 / np.log2(np.arange(LENGTH) + 2.0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return gain / ideal[np.minimum(size, LENGTH)], np.where(size > 0, hits / size, np.nan)


def gain_interval(better: Floats, baseline: Floats) -> tuple[float, float, float]:
    """(mean gain, low, high): 95 % by a paired bootstrap over customers; NaN where neither list could be judged."""
    gain = (better - baseline)[~np.isnan(better) & ~np.isnan(baseline)]
    if not len(gain):
        return float("nan"), float("nan"), float("nan")
    random = np.random.default_rng(0)
    means = [gain[random.integers(0, len(gain), len(gain))].mean() for _ in range(DRAWS)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(gain.mean()), float(low), float(high)
