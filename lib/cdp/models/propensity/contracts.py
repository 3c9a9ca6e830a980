"""Contracts in their own months: how long each was seen as of a day, and who was still there.

A contract's months begin on the day of the month on which it started (the last day of a shorter month). Month 1 is the
first. A contract that ends on such a day has left in the month before it; one that ends within a month, in that month.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from cdp.core.errors import ContractError
from cdp.models.propensity.feature_columns import as_days, as_text, find_date_format

ID, START, END = "customer_id", "started_on", "ended_on"
LONGEST_DAYS = 36_525  # 0001-01-01 and 1900-01-01 say that a start is not known; each year of a contract is a row
UNLIKELY = 10  # starts and ends that were due in a silence, and did not come
TENURE, YEAR_MONTH = "tenure_months", "month_of_contract_year"
MOVES = {TENURE: 1.0, YEAR_MONTH: 1.0}  # what a month changes
TURNS = {YEAR_MONTH: 12.0}  # what begins again: 0 .. 11


@dataclass(frozen=True)
class Contracts:
    """One element a contract. `start`, `end`: days (datetime64[D], NaT: runs on); `features`: the other columns."""

    ids: pd.Series
    start: np.ndarray
    end: np.ndarray
    features: pd.DataFrame
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.start)

    def rows(self, chosen: np.ndarray) -> Contracts:
        """The chosen contracts (numbers or a mask)."""
        return replace(
            self,
            ids=self.ids.loc[chosen].reset_index(drop=True),
            start=self.start[chosen],
            end=self.end[chosen],
            features=self.features.loc[chosen].reset_index(drop=True),
        )

    def running(self, day: np.datetime64) -> Contracts:
        """Those that had started by the end of `day` and had not ended."""
        return self.rows((self.start <= day) & ~(self.end <= day))

    def snapshot(self, tenure: np.ndarray) -> pd.DataFrame:
        """The features of each contract after `tenure` months, with its id."""
        own = {ID: self.ids.to_numpy(), TENURE: tenure, YEAR_MONTH: tenure % 12}
        return self.features.assign(**own)

    def left_in(self, day: np.datetime64) -> tuple[np.ndarray, np.ndarray]:
        """Months that were over by `day`, and the one in which the contract left (0: in none of them).

        A month that is not over counts for nobody: neither for those who left in it nor for those who stay.
        """
        whole = months_between(self.start, np.full(len(self), day))
        has_end = ~np.isnat(self.end)
        left = np.maximum(months_between(self.start, np.where(has_end, self.end, day) - 1) + 1, 1)
        return whole, np.where(has_end & (left <= whole), left, 0)


def read_contracts(frame: pd.DataFrame, *, as_of: date) -> Contracts:
    """One row a contract: `customer_id`, `started_on`, `ended_on` (empty: it runs on), other columns are features.

    What came after `as_of` is not looked at: later starts are left out, later ends have not happened. Rows without id
    or start, that end before they start, with a filler for a start, or that repeat another row, are left out with a
    warning; so is a file in which nothing happened for long before `as_of`. ContractError for absent columns, or when
    no row is left.
    """
    for name in (ID, START, END):
        if name not in frame:
            raise ContractError(f"there is no column {name!r}; there are {', '.join(sorted(map(str, frame.columns)))}")
    ids, start, end = as_text(frame[ID]), _days(frame[START]), _days(frame[END])
    day = np.datetime64(as_of, "D")
    bad = {
        f"no {ID}": ids.isna().to_numpy(),
        f"no readable {START}": np.isnat(start),
        f"an unreadable {END}": np.isnat(end) & as_text(frame[END]).notna().to_numpy(),
        f"{END} before {START}": end < start,
        f"a {START} more than a hundred years ago": start < day - np.timedelta64(LONGEST_DAYS, "D"),
        "a row that was there before": _repeats(frame, pd.DataFrame({ID: ids, START: start, END: end})),
    }
    warnings = [f"{n} contracts with {why} were left out" for why, rows in bad.items() if (n := int(rows.sum()))]
    kept = ~np.any(list(bad.values()), axis=0) & (start <= day)
    if not kept.any():
        told = "; ".join(warnings) or f"none of {len(frame)} had started"
        raise ContractError(f"no usable contract as of {as_of}: {told}")
    counted = [name for name in (TENURE, YEAR_MONTH) if name in frame]
    warnings += [f"column {name} is left out: it is counted from {START}" for name in counted]
    features = frame.drop(columns=[ID, START, END, *counted])
    end = np.where(end <= day, end, np.datetime64("NaT", "D"))
    warnings += _silence(np.concatenate([start[kept], end[kept]]), day)
    ids, features = ids.reset_index(drop=True), features.reset_index(drop=True)
    return replace(Contracts(ids, start, end, features).rows(kept), warnings=tuple(warnings))


def _repeats(frame: pd.DataFrame, read: pd.DataFrame) -> np.ndarray:
    """Rows that an earlier one equals in every column: a file that was delivered twice."""
    found = read.duplicated(keep=False).to_numpy()
    found[found] = frame[found].astype(str).duplicated().to_numpy()
    return found


def _silence(dates: np.ndarray, day: np.datetime64) -> list[str]:
    """A warning where, at the pace of the year before it, so long a silence up to `day` is no chance."""
    last = np.nanmax(dates)
    silent, pace = int((day - last).astype(np.int64)), int((dates > last - 365).sum())
    if silent * pace < UNLIKELY * 365:
        return []
    return [
        f"no contract began or ended in the {silent} days up to {day}, {pace} did in the year before: if the file is "
        "older than that, who has left since counts as still there"
    ]


@dataclass(frozen=True)
class Followed:
    """Snapshots and what came of each. `months` it was followed; `has_left` in the last of them; `is_whole`: its block.

    One element a snapshot; `frame` are the features as of it; `years_back`: whole years from its block to the day.
    """

    frame: pd.DataFrame
    months: np.ndarray
    has_left: np.ndarray
    is_whole: np.ndarray
    years_back: np.ndarray


def follow(contracts: Contracts, day: np.datetime64, *, block: int) -> Followed:
    """What was known at the end of `day` of all contracts that had started.

    A snapshot is taken at a contract's start and at its own dates 1, 2, ... `block`s of months before `day`, and is
    followed up to the next: each month of each contract is in exactly one. The start's block may be a short one.
    """
    started = contracts.rows(contracts.start <= day)
    whole, left = started.left_in(day)
    seen, first = np.where(left > 0, left, whole), whole % block
    blocks = 1 + whole // block
    row = np.repeat(np.arange(len(started)), blocks)
    number = np.arange(len(row)) - np.repeat(np.cumsum(blocks) - blocks, blocks)
    begin = np.where(number > 0, first[row] + block * (number - 1), 0)
    over = np.minimum(first[row] + block * number, seen[row])
    used = over > begin
    row, begin, over, number = row[used], begin[used], over[used], number[used]
    has_left = (left[row] > 0) & (over == seen[row])
    years_back = (blocks[row] - 1 - number) * block // 12
    return Followed(started.rows(row).snapshot(begin), over - begin, has_left, number > 0, years_back)


def day_of_month(day: np.ndarray) -> np.ndarray:
    """1 .. 31."""
    return np.asarray((day - day.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1)


def own_date(start: np.ndarray, months: np.ndarray) -> np.ndarray:
    """The own date `months` after (negative: before) each start: the same day of the month, or its last."""
    month = start.astype("datetime64[M]") + months
    last = (month + 1).astype("datetime64[D]") - 1
    own = month.astype("datetime64[D]") + (start - start.astype("datetime64[M]").astype("datetime64[D]"))
    return np.asarray(np.minimum(own, last))


def months_between(start: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Whole months from each start to each day: the number of own dates in (start, day]; negative before the start."""
    whole = (day.astype("datetime64[M]") - start.astype("datetime64[M]")).astype(np.int64)
    return np.asarray(whole - (day < own_date(start, whole)))


def _days(values: pd.Series) -> np.ndarray:
    days = as_days(values, find_date_format(as_text(values).dropna()))
    return np.floor(days).to_numpy().astype("datetime64[D]")
