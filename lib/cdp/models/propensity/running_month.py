"""The month that runs: who is still there within it has outstayed those who left in the part of it that is over.

Models speak from a contract's own date on. Where people leave on any day, a share F of a month's leavers has gone by
the day that is scored, and P(left by k | still there) = 1 - (1 - p_k) / (1 - p_1 F). Where all leave at a month's end,
F is 0 and nothing changes. F is that of people whose months begin near the same day: ends of calendar months count too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.models.arrays import Floats
from cdp.models.propensity.contracts import Contracts, day_of_month, own_date

NEAR_DAYS = 2  # months that begin so many days apart are alike
PRIOR = 20.0  # all leavers together count as much as that many near ones


@dataclass(frozen=True)
class RunningMonth:
    """Of those who left: `begins`, the day of the month on which theirs begin, and the share of it that they stayed."""

    begins: np.ndarray
    stayed: Floats

    def gone(self, contracts: Contracts, day: np.datetime64) -> Floats:
        """F of each running contract at the end of `day`."""
        tenure, _ = contracts.left_in(day)
        over = _share_over(contracts.start, tenure, np.full(len(contracts), day))
        begins = day_of_month(contracts.start)
        of_all, found = np.sort(self.stayed), np.empty(len(contracts))
        for first in np.unique(begins):
            away = np.abs(self.begins - first)
            near = np.sort(self.stayed[np.minimum(away, 31 - away) <= NEAR_DAYS])
            rows = begins == first
            gone = np.searchsorted(of_all, over[rows], side="right") / max(len(of_all), 1)
            found[rows] = (np.searchsorted(near, over[rows], side="right") + PRIOR * gone) / (len(near) + PRIOR)
        return found


def learn_running_month(contracts: Contracts, day: np.datetime64) -> RunningMonth:
    """From all whose last month is over at the end of `day`."""
    _, left = contracts.left_in(day)
    gone = contracts.rows(left > 0)
    return RunningMonth(day_of_month(gone.start), _share_over(gone.start, left[left > 0] - 1, gone.end))


def _share_over(start: np.ndarray, tenure: np.ndarray, day: np.ndarray) -> Floats:
    """What share of the month after `tenure` months is over at the end of `day`."""
    begin, end = own_date(start, tenure), own_date(start, tenure + 1)
    return np.asarray((day - begin) / (end - begin))
