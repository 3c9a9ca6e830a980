"""What a customer has not bought yet: items that others with the same items bought, and that people begin to buy now.

Cosine between items on who bought them (Sarwar et al. 2001, WWW10), on the items that most people newly bought of late.
Dacrema et al. 2019 and Rendle et al. 2021 (arXiv 2110.14037): tuned neighbours match far larger models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cdp.models.arrays import Floats, Ints
from cdp.models.recommendation.repeat_part import OF_CUSTOMERS, OF_ITEMS, Habits, Pairs

MAX_ITEMS = 4_000  # the similarities are a dense matrix of these: 64 MB
CANDIDATES = 100  # per customer
HALF_LIVES_DAYS = (14, 28, 56)
LATELY = HALF_LIVES_DAYS.index(28)
FEATURES = (
    "likeness_to_own_by_new_buyers",
    "likeness_to_own",
    *(f"new_buyers_{days}d" for days in HALF_LIVES_DAYS),
    *OF_ITEMS,
    *OF_CUSTOMERS,
)
YARDSTICK = 0  # of the features: likeness times the root of new buyers, which also chooses the candidates
BUYERS = FEATURES.index("item_buyers")
LEVEL = tuple(FEATURES.index(name) for name in OF_CUSTOMERS)  # the same for all of a customer's items
POPULAR = 10  # of each customer's candidates, the unbought items with the most buyers
FLOOR = 0.02  # of a faded count of new buyers before its logarithm
SCORE_FLOOR = 1e-3  # of the similarity, whose highest for each customer is 1


@dataclass(frozen=True)
class Neighbours:
    """`items`: those that can be recommended. `bought`: customers x these items, ones. `alike`: items x items cosine,
    0 on the diagonal. `new_buyers`: by half-life, items: first purchases, faded."""

    items: Ints
    bought: sparse.csr_array
    alike: np.ndarray
    new_buyers: Floats


@dataclass(frozen=True)
class Candidates:
    """Pairs that are no purchase yet, by customer, with their `FEATURES`, all in logarithms."""

    customer: Ints
    item: Ints
    features: Floats


def find_neighbours(pairs: Pairs) -> Neighbours:
    """The items that people began to buy most, and how alike they are."""
    n_items, n_customers = pairs.log.n_items, pairs.log.n_customers
    new = np.array([np.bincount(pairs.item, weights=np.exp2(-pairs.first / d), minlength=n_items)
                    for d in HALF_LIVES_DAYS])  # fmt: skip
    order = np.lexsort((np.arange(n_items), -new[LATELY]))
    items = np.sort(order[: min(MAX_ITEMS, np.count_nonzero(new[LATELY]))])
    place = np.full(n_items, -1)
    place[items] = np.arange(len(items))
    kept = place[pairs.item] >= 0
    bought = sparse.csr_array(
        (np.ones(kept.sum(), dtype=np.float32), (pairs.customer[kept], place[pairs.item[kept]])),
        shape=(n_customers, len(items)),
    )
    together = (bought.T @ bought).toarray()
    root = np.sqrt(together.diagonal())
    alike = together / np.outer(root, root)
    np.fill_diagonal(alike, 0.0)
    return Neighbours(items, bought, alike, new[:, items])


def explore_candidates(near: Neighbours, habits: Habits, customers: Ints, at_least: int) -> Candidates:
    """The best unbought items of each customer by likeness times the root of new buyers, and by buyers; features."""
    likeness = near.bought[customers] @ near.alike
    likeness /= np.maximum(likeness.max(axis=1, keepdims=True, initial=0.0), 1e-9)
    likeness += SCORE_FLOOR
    score = likeness * np.sqrt(near.new_buyers[LATELY] + FLOOR).astype(np.float32)
    owned = near.bought[customers].tocoo()
    score[owned.row, owned.col] = -1.0
    width = min(max(CANDIDATES, at_least), score.shape[1])
    is_free = score >= 0
    is_chosen = _most_bought(near, habits, is_free, max(POPULAR, at_least))
    if width:
        np.put_along_axis(is_chosen, np.argpartition(-score, width - 1, axis=1)[:, :width], True, axis=1)
    row, place = np.nonzero(is_chosen & is_free)
    features = _features(near, habits, customers[row], place, likeness[row, place])
    return Candidates(customers[row], near.items[place], features)


def _most_bought(near: Neighbours, habits: Habits, is_free: np.ndarray, count: int) -> np.ndarray:
    """customers x items: the `count` free ones with the most buyers, equal ones in their order."""
    order = np.lexsort((near.items, -habits.buyers[near.items]))
    ranked = is_free[:, order]
    found = np.zeros_like(is_free)
    found[:, order] = ranked & (np.cumsum(ranked, axis=1, dtype=np.int32) <= count)
    return found


def _features(near: Neighbours, habits: Habits, customer: Ints, place: Ints, likeness: Floats) -> Floats:
    ratios = [
        likeness * np.sqrt(near.new_buyers[LATELY][place] + FLOOR),
        likeness,
        *(new[place] + FLOOR for new in near.new_buyers),
        *habits.of_items(near.items[place]),
        *habits.of_customers(customer),
    ]
    return np.log(np.column_stack(ratios))
