"""What a customer's purchases look like at a cut, in measures that mean the same at every cut.

Left out on purpose: the age of the relation, lifetime counts and sums. Where the history begins for everybody on one
day they grow from cut to cut, and a tree that learned them on older cuts is wrong on newer ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cdp.models.arrays import Floats
from cdp.models.btyd.btyd import Terms
from cdp.models.forecast.history import Cut

_RHYTHM = ("recency_share", "since_share", "since_in_gaps", "gap_spread", "since_in_longest_gaps", "last_gap",
           "since_weeks", "rate_against_model")  # fmt: skip
_AMOUNTS = ("last_amount", "first_amount", "amount_spread", "mean_amount")
_TERMS = ("ln_expected_purchases", "p_any", "p_alive", "ln_value")


def feature_names(look_backs: Sequence[int]) -> list[str]:
    """The names of the columns of `features_at`, in their order."""
    recent = [f"{what}_{weeks}w" for weeks in look_backs for what in ("purchase_days", "spend")]
    return [*_RHYTHM, *recent, *_AMOUNTS, *_TERMS]


def features_at(cut: Cut, terms: Terms, value: Floats, weeks: float, look_backs: Sequence[int]) -> Floats:
    """One row per customer of `cut`; NaN where there is nothing to measure (no second purchase, no gap).

    Shares of the relation, gaps in units of the customer's own mean gap, counts and spend of the last `look_backs`
    weeks, the shape of the amounts, and the terms of the BTYD model and of the purchase `value` themselves.
    """
    columns = [*_rhythm(cut, terms, weeks, look_backs), *_recent(cut, look_backs), *_amounts(cut)]
    columns += [np.log(terms.expected), terms.p_any, terms.p_alive, np.log(np.maximum(value, 1e-6))]
    return np.column_stack(columns)


def _rhythm(cut: Cut, terms: Terms, weeks: float, look_backs: Sequence[int]) -> list[Floats]:
    since, age, repeat = cut.age - cut.t_x, np.maximum(cut.age, 1 / 7), cut.x > 0
    gap = np.where(repeat, cut.t_x / np.maximum(cut.x, 1), np.nan)
    who = np.repeat(np.arange(len(cut)), cut.count)
    same = who[1:] == who[:-1]
    gaps, owner = (np.diff(cut.days.day) / 7.0)[same], who[1:][same]
    squares = np.bincount(owner, weights=gaps**2, minlength=len(cut))
    longest = np.zeros(len(cut))
    np.maximum.at(longest, owner, gaps)
    last = np.full(len(cut), np.nan)
    end = (cut.start + cut.count - 1)[repeat]
    last[repeat] = (cut.days.day[end] - cut.days.day[end - 1]) / 7.0
    variance = np.where(cut.x > 1, squares / np.maximum(cut.x, 1) - np.where(repeat, gap, 0.0) ** 2, np.nan)
    return [
        cut.t_x / age,
        since / age,
        since / gap,
        np.sqrt(np.maximum(variance, 0.0)) / gap,
        np.where(repeat, since / np.where(longest > 0, longest, 1.0), np.nan),
        last / gap,
        np.minimum(since, look_backs[-1]),
        np.log(weeks / gap / terms.expected),  # the naive rate against the model's
    ]


def _recent(cut: Cut, look_backs: Sequence[int]) -> list[Floats]:
    who = np.repeat(np.arange(len(cut)), cut.count)
    columns: list[Floats] = []
    for weeks in look_backs:
        recent = cut.days.day > cut.as_of - 7 * weeks
        columns.append(np.bincount(who[recent], minlength=len(cut)).astype(np.float64))
        spent = np.bincount(who[recent], weights=cut.days.amount[recent], minlength=len(cut))
        columns.append(spent.astype(np.float64))
    return columns


def _amounts(cut: Cut) -> list[Floats]:
    amount = cut.days.amount
    squares = np.add.reduceat(amount**2, cut.start) / cut.count
    spread = np.sqrt(np.maximum(squares - cut.mean**2, 0.0)) / cut.mean
    last, first = amount[cut.start + cut.count - 1], amount[cut.start]
    return [last / cut.mean, first / cut.mean, np.where(cut.x > 0, spread, np.nan), cut.mean]
