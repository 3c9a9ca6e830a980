"""Days so long before all others that they stand for an unknown time, as 1900-01-01 and 1970-01-01 do.

Each would be somebody's first purchase, and a few customers of a hundred years are enough to set everybody's rates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cdp.models.arrays import Ints
from cdp.models.forecast.history import Cut, cut_at, iso_day
from cdp.models.forecast.ledger import Ledger

SILENCE_DAYS = 5 * 365  # of all customers together: a history that was told goes on within less


def is_far(days: Ints) -> NDArray[np.bool_]:
    """Which of the days lie before a silence of all customers, as long as most of the days lie behind it."""
    distinct, count = np.unique(days, return_counts=True)
    before = np.cumsum(count)[:-1]
    is_end = (np.diff(distinct) > SILENCE_DAYS) & (2 * before < len(days))
    return np.asarray(days <= distinct[:-1][is_end].max(initial=np.iinfo(np.int64).min))


def leave_out(ledger: Ledger) -> tuple[Ledger, list[str]]:
    """The ledger without its far days, and a warning if there was any; as it is where there is none."""
    far = is_far(ledger.pieces.day)
    if not far.any():
        return ledger, []
    told = (
        f"time: {len(np.unique(ledger.pieces.customer[far])):,} people have purchases up to "
        f"{iso_day(int(ledger.pieces.day[far].max()))}, five years and more before all others: an unknown time that "
        "the model does not look at"
    )
    return Ledger.of_pieces(ledger.pieces.of(~far)), [told]


def longest_ago(cut: Cut) -> int:
    """Days before a later day beyond which a purchase is a far one, for a model trained on the cut."""
    return cut.as_of - int(cut.days.day.min()) + SILENCE_DAYS


def leave_out_of_cut(cut: Cut, days: int) -> Cut:
    """The cut without purchases more than `days` ago, but for the last of each customer; as it is where none is."""
    far = cut.days.day < cut.as_of - days
    if not far.any():
        return cut
    far[cut.start + cut.count - 1] = False
    return cut_at(cut.days.of(~far), cut.as_of)
