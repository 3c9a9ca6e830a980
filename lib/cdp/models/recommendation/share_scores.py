"""Scores without any finished horizon to learn from: items share the customer's next purchases by counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.models.arrays import Floats, Ints
from cdp.models.recommendation.explore_part import YARDSTICK as LIKENESS
from cdp.models.recommendation.explore_part import Candidates
from cdp.models.recommendation.recommend import View
from cdp.models.recommendation.repeat_part import YARDSTICK as OWN_COUNTS
from cdp.models.recommendation.repeat_part import Pairs

PRIOR = 5.0  # purchases that everybody's share stands for beside a customer's own


@dataclass(frozen=True)
class ShareScores:
    """`repeat_share`: by customer, the share of purchases that were of items bought before."""

    repeat_share: Floats

    def repeat_scores(self, view: View, chosen: Ints) -> Floats:
        """The repeat share, parted by own faded counts."""
        customer = view.pairs.customer[chosen]
        return self.repeat_share[customer] * _parted(view.pairs.faded[OWN_COUNTS][chosen], customer)

    def explore_scores(self, view: View, candidates: Candidates) -> Floats:
        """The rest, parted by likeness to what the customer bought times the root of new buyers."""
        customer = candidates.customer
        return (1 - self.repeat_share[customer]) * _parted(np.exp(candidates.features[:, LIKENESS]), customer)


def repeat_share(pairs: Pairs) -> Floats:
    """By customer: the share of purchases after the first day that were of items bought before, drawn to everybody's.

    Half where nobody has come back yet.
    """
    log = pairs.log
    since = np.full(log.n_customers, np.iinfo(np.int64).max)
    np.minimum.at(since, log.customer, log.day)
    is_repeat = np.ones(len(log.day), dtype=bool)
    is_repeat[pairs.begin] = False
    later = log.day > since[log.customer]
    repeats = np.bincount(log.customer[is_repeat], minlength=log.n_customers)
    chances = np.bincount(log.customer[later], minlength=log.n_customers)
    overall = (repeats.sum() + 1) / (chances.sum() + 2)
    return np.asarray((repeats + PRIOR * overall) / (chances + PRIOR))


def _parted(weight: Floats, customer: Ints) -> Floats:
    """Each row's part of the sum of its customer's rows (which lie together); equal parts where all have faded to 0."""
    if not len(weight):
        return weight
    _, row, rows = np.unique(customer, return_inverse=True, return_counts=True)
    total = np.bincount(row, weights=weight)[row]
    return np.divide(weight, total, out=1 / rows[row], where=total > 0)
