"""Single amounts so far above all others that they would set the level of everybody's spend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cdp.models.forecast.history import Purchases, iso_day

FAR = 10_000.0  # times the median day: a wholesaler among consumers is nearer, a slipped point or a filler is not


def temper(purchases: Purchases) -> tuple[Purchases, list[str]]:
    """The purchases with no day worth more than `FAR` times the median one, and a warning if there was any.

    The purchases come back as they are where none is, and where amounts are not known.
    """
    median = float(np.median(purchases.amount)) if len(purchases.amount) else 0.0
    limit = FAR * median
    far = int(np.count_nonzero(purchases.amount > limit))
    if not far:
        return purchases, []
    largest = int(np.argmax(purchases.amount))
    told = (
        f"amount: {far:,} purchase days are worth more than {FAR:,.0f} times the median of {median:,.2f} (the largest "
        f"{purchases.amount[largest]:,.6g}, on {iso_day(int(purchases.day[largest]))}); each counts as {limit:,.2f}. "
        "Are they mistakes?"
    )
    return replace(purchases, amount=np.minimum(purchases.amount, limit)), [told]
