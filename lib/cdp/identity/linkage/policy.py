"""What policy forbids: two clear values of what a person has one of, more values than a person has in a while."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.linkage.birth_dates import DAY_FIRST, parse_date, vote_order
from cdp.identity.linkage.clusters import cross_pairs, members_of
from cdp.identity.linkage.levels import Rows
from cdp.identity.linkage.parts import Part, Parts
from cdp.identity.linkage.similarity import Texts, edits, on_distinct_pairs
from cdp.identity.linkage.text import distinct
from cdp.identity.rules import ONE_VALUE, OneValue, Policy, ValueLimit

#: So many letters may be miswritten before two national ids are clearly two (`edits` counts no further).
_SLIPS = 2
#: How every reason of a link that policy refuses begins.
POLICY = "policy"
#: What rows without a date count as: within every window.
ALWAYS = (np.iinfo(np.int32).min, np.iinfo(np.int32).max)
Days = npt.NDArray[np.int64]
Stances = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Refusals:
    """The policy over the records of one run; records are numbered in the order of the frame.

    days: when each record was last changed, in days of the era, -1 where it does not say.
    """

    policy: Policy
    parts: Parts
    days: Days

    def stances(self, left: Rows, right: Rows) -> Stances:
        """For each pair of records 1 where they clearly differ in one of `one_value`, -1 where they agree, else 0.

        Who agrees in the birth date or the national id, but for slips, does not differ in the other: one is wrong.
        """
        found = np.zeros(len(left), np.int8)
        for name in ONE_VALUE if self.policy.one_value else ():
            if name in self.parts:
                alike, differ = _alike_or_apart(name, self.parts[name], left, right)
                found[alike] = -1
                if name in self.policy.one_value:
                    found[differ & (found == 0)] = 1
        return found

    def crowded(self, label: Rows) -> npt.NDArray[np.bool_]:
        """For each label whether its records hold more values than some limit allows, at whatever time."""
        over = np.zeros(len(label), bool)
        for n_values, limit in self.values_held(label):
            over |= n_values > limit.values
        return over

    def values_held(self, label: Rows) -> list[tuple[Rows, ValueLimit]]:
        """For each limit how many different values each label's records hold."""
        found = []
        for name, limit in self._limits():
            rows, places = np.nonzero(self.parts[name].codes >= 0)
            held = np.unique(np.stack([label[rows], self.parts[name].codes[rows, places]]), axis=1)
            found.append((np.bincount(held[0], minlength=len(label)), limit))
        return found

    def exceeded(self, rows: Rows) -> str | None:
        """The identifier type of which these records, taken as one person, hold too many values; None for none."""
        for name, limit in self._limits():
            codes = self.parts[name].codes[rows]
            at, places = np.nonzero(codes >= 0)
            values, own = np.unique(codes[at, places], return_inverse=True)
            day = self.days[rows[at]]
            first, last = np.full(len(values), ALWAYS[1]), np.full(len(values), ALWAYS[0])
            np.minimum.at(first, own, np.where(day < 0, ALWAYS[0], day))
            np.maximum.at(last, own, np.where(day < 0, ALWAYS[1], day))
            if most_at_once(first, last, limit.days) > limit.values:
                return name
        return None

    def _limits(self) -> list[tuple[str, ValueLimit]]:
        return [(name, limit) for name, limit in self.policy.at_most.items() if name in self.parts]


def most_at_once(first: Days, last: Days, days: int) -> int:
    """The most values in use within any so many days; each was in use from its first to its last day."""
    # a window with the most values may begin on the last day of one of them
    return int(((first[:, None] <= last + days - 1) & (last[:, None] >= last)).sum(axis=0).max(initial=0))


def refused_pairs(refusals: Refusals, label: Rows, left: Rows, right: Rows) -> list[str | None]:
    """For pairs of records of two people each: the rule that keeps these people apart, None where none does."""
    if not len(left):
        return []
    ends = np.sort(np.stack([label[left], label[right]]), axis=0)
    pairs, back = np.unique(ends, axis=1, return_inverse=True)
    members = members_of(label, pairs.ravel())
    one, other, starts = cross_pairs(members, pairs[0], pairs[1])
    is_apart = np.add.reduceat(refusals.stances(one, other).astype(np.int64), starts) > 0
    told: list[str | None] = [told_one_value(refusals.policy.one_value) if apart else None for apart in is_apart]
    for n_values, limit in refusals.values_held(label):
        may_exceed = ~is_apart & (n_values[pairs[0]] + n_values[pairs[1]] > limit.values)
        for at in np.flatnonzero(may_exceed).tolist():
            name = refusals.exceeded(np.concatenate([members[int(pairs[side, at])] for side in (0, 1)]))
            told[at] = None if name is None else told_at_most(name, refusals.policy.at_most[name])
    return [told[at] for at in back.ravel().tolist()]


def told_one_value(names: tuple[OneValue, ...]) -> str:
    """The reason of a link that `one_value` refuses."""
    what = " or ".join(names).replace("_", " ")
    return f"{POLICY} one_value: most of their records that tell it differ clearly in {what}"


def told_at_most(name: str, limit: ValueLimit) -> str:
    """The reason of a link that `at_most` refuses."""
    return f"{POLICY} at_most: more than {limit.values} {name.replace('_', ' ')} values within {limit.days} days"


def days_of(texts: npt.NDArray[np.object_]) -> Days:
    """The day of the era of each date text, -1 where it is none."""
    codes, values = distinct(pd.Series(texts, dtype=object))
    order = vote_order(dict.fromkeys(values, 1)) if values else DAY_FIRST
    days = [_day_number(parse_date(text, order)) for text in values]
    return np.array([*days, -1], np.int64)[codes]


def _day_number(date: int | None) -> int:
    if date is None or date % 100 == 0:
        return -1
    return dt.date(date // 10_000, date // 100 % 100, date % 100).toordinal()


def _alike_or_apart(
    name: str, part: Part, left: Rows, right: Rows
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(whether both records hold a clear value alike but for slips, whether all their clear values differ by more)."""
    is_clear = part.of_values("clear", _is_clear_date if name == "birth_date" else lambda _: 1).astype(bool)
    apart = _dates_apart if name == "birth_date" else _apart
    alike, known = np.zeros(len(left), bool), np.zeros(len(left), bool)
    for x in part.codes.T:
        for y in part.codes.T:
            a, b = x[left], y[right]
            at = np.flatnonzero((a >= 0) & (b >= 0))
            at = at[is_clear[a[at]] & is_clear[b[at]]]
            known[at] = True
            alike[at] |= ~on_distinct_pairs(part.values, a[at], b[at], apart)
    return alike, known & ~alike


def _is_clear_date(date: str) -> int:
    """Whether a date is told whole; the first of January is what is written for a year alone."""
    return int(not date.endswith("00") and not date.endswith("0101"))


def _apart(x: Texts, y: Texts) -> npt.NDArray[np.bool_]:
    return edits(x, y) > _SLIPS


def _dates_apart(x: Texts, y: Texts) -> npt.NDArray[np.bool_]:
    """Whether at least two of year, month and day differ by more than a slip, also with day and month swapped."""
    a, b = (
        np.array([[date[:4], date[4:6], date[6:]] for date in side], dtype=object).reshape(-1, 3) for side in (x, y)
    )
    direct = sum(_part_apart(a[:, at], b[:, at]).astype(int) for at in range(3))
    swapped = sum(_part_apart(a[:, at], b[:, to]).astype(int) for at, to in ((0, 0), (1, 2), (2, 1)))
    return np.minimum(direct, swapped) >= 2


def _part_apart(x: Texts, y: Texts) -> npt.NDArray[np.bool_]:
    """More than one digit and more than one unit apart: 1799 and 1800 are a slip."""
    return (edits(x, y) > 1) & (np.abs(x.astype(np.int64) - y.astype(np.int64)) > 1)
