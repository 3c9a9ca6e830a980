"""Purchase histories as the models take them: two lists a person, and the arrays made of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cdp.models.forecast.history import Cut, Purchases, cut_at

#: per person, oldest first: whole days from a purchase day to the last day that is known (0: on it), and its net amount
INPUTS = ("days_ago", "amounts")


def cut_of(people: pd.DataFrame) -> Cut:
    """The columns `INPUTS` of people who bought at least once, as a cut at day 0; one element per row, in order.

    ValueError for a row without a purchase.
    """
    days, amounts = (people[name].tolist() for name in INPUTS)
    counts = np.array([len(d) for d in days], dtype=np.int64)
    if len(counts) and counts.min() == 0:
        raise ValueError(
            f"{int((counts == 0).sum())} rows have no purchase: the model speaks of people who bought once"
        )
    customer = np.repeat(np.arange(len(counts)), counts)
    return cut_at(Purchases(customer, -_flat(days).astype(np.int64), _flat(amounts)), 0)


def _flat(lists: Sequence[Sequence[float]]) -> np.ndarray:
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in lists]) if len(lists) else np.zeros(0)
