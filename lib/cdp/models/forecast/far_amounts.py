"""Single amounts so far above all others that they would set the level of everybody's spend."""

from __future__ import annotations

import numpy as np

from cdp.models.forecast.history import Cut, Purchases, cut_at, iso_day

FAR = 10_000.0  # times the median day: a wholesaler among consumers is nearer, a slipped point or a filler is not


def limit_of(purchases: Purchases) -> float:
    """What no purchase day counts above: `FAR` times the median one, whether or not they are capped; 0 for none."""
    return FAR * float(np.median(purchases.amount)) if len(purchases.amount) else 0.0


def temper(purchases: Purchases) -> tuple[Purchases, list[str]]:
    """The purchases with no day worth more than `limit_of` them, and a warning if there was any.

    The purchases come back as they are where none is, and where amounts are not known.
    """
    limit = limit_of(purchases)
    far = int(np.count_nonzero(purchases.amount > limit))
    if not far:
        return purchases, []
    largest = int(np.argmax(purchases.amount))
    told = (
        f"amount: {far:,} purchase days are worth more than {FAR:,.0f} times the median of {limit / FAR:,.2f} (the "
        f"largest {purchases.amount[largest]:,.6g}, on {iso_day(int(purchases.day[largest]))}); each counts as "
        f"{limit:,.2f}. Are they mistakes?"
    )
    return purchases.capped(limit), [told]


def temper_cut(cut: Cut, limit: float) -> Cut:
    """The cut with no purchase day worth more than the `limit` of a training; as it is where none was."""
    return cut_at(cut.days.capped(limit), cut.as_of) if (cut.days.amount > limit).any() else cut
