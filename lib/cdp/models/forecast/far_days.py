"""Days so long before all others that they stand for an unknown time, as 1900-01-01 and 1970-01-01 do.

Each would be somebody's first purchase, and a few customers of a hundred years are enough to set everybody's rates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cdp.models.arrays import Ints

SILENCE_DAYS = 5 * 365  # of all customers together: a history that was told goes on within less


def is_far(days: Ints) -> NDArray[np.bool_]:
    """Which of the days lie before a silence of all customers, as long as most of the days lie behind it."""
    distinct, count = np.unique(days, return_counts=True)
    before = np.cumsum(count)[:-1]
    is_end = (np.diff(distinct) > SILENCE_DAYS) & (2 * before < len(days))
    return np.asarray(days <= distinct[:-1][is_end].max(initial=np.iinfo(np.int64).min))
