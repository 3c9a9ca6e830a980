"""Why a score is what it is, in words that a marketer understands. No names, no dates, no products."""

from __future__ import annotations

import pandas as pd

from cdp.models.arrays import Floats


def churn_reasons(x: Floats, t_x: Floats, age: Floats, alive: Floats) -> list[list[str]]:
    """One to three reasons a person for the churn score."""
    return [_churn(*row) for row in zip(x.tolist(), t_x.tolist(), age.tolist(), alive.tolist(), strict=True)]


def ltv_reasons(scored: pd.DataFrame, horizon_weeks: float) -> list[list[str]]:
    """Two reasons a person for the expected spend: how many purchases, and what each is worth."""
    columns = (scored["expected_purchases"], scored["expected_value"], scored["purchase_days"])
    return [
        [
            f"about {count:.1f} purchase days expected in {horizon_weeks:.0f} weeks",
            f"about {value:.2f} a purchase day, judged from {days:.0f} of them",
        ]
        for count, value, days in zip(*(c.tolist() for c in columns), strict=True)
    ]


def _churn(x: float, t_x: float, age: float, alive: float) -> list[str]:
    if x == 0:
        return [f"a single purchase, {_weeks(age)} ago"]
    gap = t_x / x
    reasons = [
        f"last purchase {_weeks(age - t_x)} ago, usual gap {_weeks(gap)}",
        f"{x + 1:.0f} purchase days in {_weeks(age)}",
    ]
    if alive < 0.5:
        reasons.append("silent for longer than this person's rhythm explains")
    return reasons


def _weeks(weeks: float) -> str:
    if weeks < 2:
        days = round(weeks * 7)
        return "1 day" if days == 1 else f"{days} days"
    return f"{weeks:.0f} weeks"
