"""Purchase histories as arrays: what was known of each customer at a cut, and what came behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdp.core.dates import EPOCH
from cdp.models.arrays import Floats, Ints


@dataclass(frozen=True)
class Purchases:
    """All purchase days of a shop, sorted by customer and day; one element is one customer on one day.

    `customer`: 0 .. n-1. `day`: days since 1970-01-01, UTC. `amount`: the day's net spend, > 0; all 1 where the amounts
    are not known (`has_amounts` false).
    """

    customer: Ints
    day: Ints
    amount: Floats
    has_amounts: bool = True

    def of(self, chosen: NDArray[np.bool_]) -> Purchases:
        """The purchases where `chosen`."""
        return Purchases(self.customer[chosen], self.day[chosen], self.amount[chosen], self.has_amounts)

    def capped(self, most: float) -> Purchases:
        """The purchases with no day worth more than `most`."""
        return replace(self, amount=np.minimum(self.amount, most))

    def until(self, day: int) -> Purchases:
        """The purchases up to and including `day`: the only door through which a cut sees the data."""
        return self.of(self.day <= day)


@dataclass(frozen=True)
class Cut:
    """What is known of every customer with a purchase up to a day, one element per customer.

    `customer`: ids of `Purchases`. `x`, `t_x`, `age`: as in bgnbd.py, weeks. `mean`: mean net value of a purchase day.
    `days`: the purchases themselves, with `start` the first and `count` the number of each customer's elements.
    """

    as_of: int
    customer: Ints
    x: Floats
    t_x: Floats
    age: Floats
    mean: Floats
    days: Purchases
    start: Ints
    count: Ints

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True)
class Outcome:
    """What the customers of a cut did in the weeks behind it: purchase days and their net spend."""

    purchases: Floats
    spend: Floats


def cut_at(purchases: Purchases, day: int) -> Cut:
    """The histories up to and including `day`."""
    known = purchases.until(day)
    customer, start, count = np.unique(known.customer, return_index=True, return_counts=True)
    first, last = known.day[start], known.day[start + count - 1]
    spend = np.add.reduceat(known.amount, start) if len(start) else np.zeros(0)
    return Cut(
        as_of=day,
        customer=customer,
        x=count.astype(np.float64) - 1,
        t_x=(last - first) / 7.0,
        age=(day - first) / 7.0,
        mean=spend / count,
        days=known,
        start=start,
        count=count,
    )


def outcome_of(purchases: Purchases, cut: Cut, weeks: float) -> Outcome:
    """Purchases of the cut's customers in the `weeks` after its day (that day excluded, the last one included)."""
    later = (purchases.day > cut.as_of) & (purchases.day <= cut.as_of + 7 * weeks)
    customer, amount = purchases.customer[later], purchases.amount[later]
    size = int(cut.customer[-1]) + 1 if len(cut) else 0
    known = customer < size
    bought = np.bincount(customer[known], minlength=size)[cut.customer]
    spent = np.bincount(customer[known], weights=amount[known], minlength=size)[cut.customer]
    return Outcome(bought.astype(np.float64), spent.astype(np.float64))


def equal_histories(cut: Cut) -> pd.DataFrame:
    """Unique (x, t_x, age) with the number of people, sorted: the statistics that the fits take.

    Customers whose first purchase is on the as-of day itself say nothing about rates and are left out.
    """
    told = cut.age > 0
    days = np.round(np.stack([cut.x[told], cut.t_x[told] * 7, cut.age[told] * 7])).astype(np.int64)
    most = days.max(axis=1, initial=0) + 1
    unique, people = np.unique((days[0] * most[1] + days[1]) * most[2] + days[2], return_counts=True)
    rest, age = np.divmod(unique, most[2])
    x, t_x = np.divmod(rest, most[1])
    return pd.DataFrame({"x": x.astype(float), "t_x": t_x / 7.0, "age": age / 7.0, "people": people.astype(float)})


def equal_values(cut: Cut) -> pd.DataFrame:
    """Unique (n purchase days, m mean value to three significant digits) with the number of people, sorted."""
    step = 10.0 ** (np.floor(np.log10(cut.mean)) - 2)
    pairs = np.stack([cut.count.astype(np.float64), np.round(cut.mean / step) * step])
    unique, people = np.unique(pairs, axis=1, return_counts=True)
    return pd.DataFrame({"n": unique[0], "m": unique[1], "people": people.astype(float)})


def iso_day(day: int) -> str:
    """A day count since 1970 as YYYY-MM-DD."""
    return (EPOCH + timedelta(days=day)).isoformat()
