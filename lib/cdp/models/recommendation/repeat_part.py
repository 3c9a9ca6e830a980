"""What a customer bought before and may buy again: counts that fade, beside the item's and the customer's rhythm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.models.arrays import Floats, Ints
from cdp.models.recommendation.purchase_log import PurchaseLog, distinct

HALF_LIVES_DAYS = (7, 28, 56, 112)
MONTH, QUARTER = 28, 91  # days
TYPICAL_GAP_DAYS = 60.0  # stands for one observed gap of every item, so that an item's first gap does not decide alone
FLOOR = 1e-3  # of a faded count before its logarithm
OF_ITEMS = ("item_buyers", "item_returned", "item_month", "item_month_pace")  # Habits.of_items
OF_CUSTOMERS = ("customer_days_month", "customer_days_quarter", "customer_idle", "customer_basket", "customer_variety")
FEATURES = (  # repeat_features
    *(f"own_count_{days}d" for days in HALF_LIVES_DAYS),
    "own_count",
    "own_idle",
    "own_age",
    "own_share_of_days",
    "own_idle_in_gaps",
    "own_gap",
    *OF_ITEMS,
    "item_quarter_pace",
    *OF_CUSTOMERS,
)
YARDSTICK = FEATURES.index("own_count_56d")
BUYERS = FEATURES.index("item_buyers")
LEVEL = tuple(FEATURES.index(name) for name in OF_CUSTOMERS)  # the same for all of a customer's items


@dataclass(frozen=True)
class Pairs:
    """Every (customer, item) bought up to the day `as_of`, sorted so; all ages in days, seen from the day after.

    `first`, `last`: age of the first and the last purchase. `count`: purchase days. `begin`: place of the first one in
    the log; `offsets[c]:offsets[c + 1]` are the pairs of customer c. `faded`: by half-life of `HALF_LIVES_DAYS`, pairs:
    purchase days, each worth half as much per half-life.
    """

    as_of: int
    log: PurchaseLog
    customer: Ints
    item: Ints
    begin: Ints
    count: Ints
    first: Floats
    last: Floats
    offsets: Ints
    faded: Floats


@dataclass(frozen=True)
class Habits:
    """What items and customers do in all. By item: buyers, share who came back for it, days between purchases,
    purchases in the last month, the last quarter and in all. By customer: purchase days in all, month and quarter, age
    of the last one, items a day, distinct among all. `history_days`: from the first purchase of all to the cut."""

    buyers: Floats
    returned: Floats
    gap: Floats
    month: Floats
    quarter: Floats
    bought: Floats
    days: Floats
    days_month: Floats
    days_quarter: Floats
    idle: Floats
    basket: Floats
    variety: Floats
    history_days: float

    def of_items(self, item: Ints) -> list[Floats]:
        """`OF_ITEMS` of these items, none of them 0."""
        month, quarter = self.month[item], self.quarter[item]
        return [
            self.buyers[item],
            self.returned[item],
            month + 0.5,
            (month + 0.5) / (quarter * self._part(MONTH, QUARTER) + 0.5),
        ]

    def pace_of_items(self, item: Ints) -> Floats:
        """The last quarter's purchases over what the whole history has in a quarter: 1 where it is no longer."""
        return np.asarray((self.quarter[item] + 0.5) / (self.bought[item] * self._part(QUARTER, np.inf) + 0.5))

    def _part(self, of: float, whole: float) -> float:
        """The part of the last `whole` days that the last `of` days are, as far as the history goes.

        A history shorter than a look-back would else give a feature another meaning than it has a month later.
        """
        return min(of, self.history_days) / min(whole, self.history_days)

    def of_customers(self, customer: Ints) -> list[Floats]:
        """`OF_CUSTOMERS` of these customers, none of them 0."""
        return [
            self.days_month[customer] + 0.5,
            self.days_quarter[customer] + 0.5,
            self.idle[customer],
            self.basket[customer],
            self.variety[customer],
        ]


def collect_pairs(log: PurchaseLog, as_of: int) -> Pairs:
    """The pairs of a log that was cut at `as_of`."""
    is_first = np.ones(len(log.day), dtype=bool)
    is_first[1:] = (np.diff(log.customer) != 0) | (np.diff(log.item) != 0)
    begin = np.nonzero(is_first)[0]
    count = np.diff(np.append(begin, len(log.day)))
    customer = log.customer[begin]
    offsets = np.searchsorted(customer, np.arange(log.n_customers + 1))
    first, last = ((as_of + 1 - log.day[at]).astype(np.float64) for at in (begin, begin + count - 1))
    age = as_of + 1 - log.day
    faded = np.array([np.add.reduceat(np.exp2(-age / days), begin) for days in HALF_LIVES_DAYS])
    return Pairs(as_of, log, customer, log.item[begin], begin, count, first, last, offsets, faded)


def collect_habits(pairs: Pairs) -> Habits:
    """Counts of every item and every customer up to the cut."""
    log, n_items, n_customers = pairs.log, pairs.log.n_items, pairs.log.n_customers
    age = pairs.as_of + 1 - log.day
    buyers = np.bincount(pairs.item, minlength=n_items).astype(float)
    again = pairs.count > 1
    gaps = np.bincount(pairs.item, weights=pairs.count - 1, minlength=n_items)
    spans = np.bincount(pairs.item, weights=pairs.first - pairs.last, minlength=n_items)
    visits = distinct(log.customer * 2**32 + age)
    visitor, visit_age = visits >> 32, visits & (2**32 - 1)
    idle = np.full(n_customers, np.inf)
    np.minimum.at(idle, visitor, visit_age)
    days = np.bincount(visitor, minlength=n_customers).astype(float)
    lines = np.bincount(log.customer, minlength=n_customers)
    n_own_items = np.bincount(pairs.customer, minlength=n_customers)
    return Habits(
        buyers=buyers,
        returned=(np.bincount(pairs.item[again], minlength=n_items) + 0.5) / (buyers + 2),
        gap=(spans + TYPICAL_GAP_DAYS) / (gaps + 1),
        month=np.bincount(log.item[age <= MONTH], minlength=n_items).astype(float),
        quarter=np.bincount(log.item[age <= QUARTER], minlength=n_items).astype(float),
        bought=np.bincount(log.item, minlength=n_items).astype(float),
        days=days,
        days_month=np.bincount(visitor[visit_age <= MONTH], minlength=n_customers).astype(float),
        days_quarter=np.bincount(visitor[visit_age <= QUARTER], minlength=n_customers).astype(float),
        idle=idle,
        basket=lines / np.maximum(days, 1),
        variety=n_own_items / np.maximum(lines, 1),
        history_days=float(age.max(initial=1)),
    )


def own_gap(pairs: Pairs, habits: Habits, chosen: Ints) -> Floats:
    """Days between two purchases of the pair: its own mean, with the item's as one more observation."""
    count = pairs.count[chosen]
    return np.asarray((pairs.first[chosen] - pairs.last[chosen] + habits.gap[pairs.item[chosen]]) / count)


def repeat_features(pairs: Pairs, habits: Habits, chosen: Ints) -> Floats:
    """Pairs x `FEATURES`, all in logarithms."""
    customer, item = pairs.customer[chosen], pairs.item[chosen]
    count, first, last = pairs.count[chosen], pairs.first[chosen], pairs.last[chosen]
    gap = own_gap(pairs, habits, chosen)
    h = habits
    ratios = [
        *(faded[chosen] + FLOOR for faded in pairs.faded),
        count,
        last + 1,
        first,
        count / h.days[customer],
        (last + 1) / gap,
        gap,
        *h.of_items(item),
        h.pace_of_items(item),
        *h.of_customers(customer),
    ]
    return np.log(np.column_stack(ratios))


def next_purchase_day(pairs: Pairs, habits: Habits, chosen: Ints) -> Ints:
    """The day on which the pair's rhythm beats next after the cut; -1 where nobody ever bought the item twice.

    Last purchase plus the gap; where that is over already, plus as many gaps as it takes.
    """
    gap = np.maximum(own_gap(pairs, habits, chosen), 1.0)
    last = pairs.last[chosen]
    ahead = np.maximum(np.ceil(np.ceil(last / gap) * gap - last), 0.0)
    is_known = habits.returned[pairs.item[chosen]] * (habits.buyers[pairs.item[chosen]] + 2) > 0.75
    return np.where(is_known, pairs.as_of + 1 + ahead, -1).astype(np.int64)
