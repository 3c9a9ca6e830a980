"""Why a score is what it is, in words that a marketer understands. No names, no dates, no products."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cdp.models.forecast.history import Cut

NOTICEABLE = 0.1  # in the logit: a push below changes a probability by less than 2.5 points
_WORDS = {
    "recency_share": "when in the relation the last purchase was",
    "since_share": "the silence against the length of the relation",
    "since_in_gaps": "the silence against the usual gap",
    "gap_spread": "how regular the gaps are",
    "since_in_longest_gaps": "the silence against the longest gap",
    "last_gap": "the last gap against the usual one",
    "since_weeks": "the weeks since the last purchase",
    "rate_against_model": "the pace of the purchases",
    "last_amount": "the last amount against the usual one",
    "first_amount": "the first amount against the usual one",
    "amount_spread": "how regular the amounts are",
    "mean_amount": "the usual amount",
    "ln_expected_purchases": "the expected purchases",
    "p_any": "the probability to buy",
    "p_alive": "the probability to be a customer still",
    "ln_value": "the expected value of a purchase",
}


def churn_reasons(cut: Cut, scored: pd.DataFrame) -> list[list[str]]:
    """One to four reasons a person for the churn score: the rhythm, and what past customers alike did otherwise."""
    columns = (cut.x, cut.t_x, cut.age, scored["p_alive"], scored["push"], scored["push_on"])
    return [_churn(*row) for row in zip(*(np.asarray(c).tolist() for c in columns), strict=True)]


def ltv_reasons(cut: Cut, scored: pd.DataFrame, horizon_weeks: float) -> list[list[str]]:
    """Two reasons a person for the expected spend: how many purchases, and what each is worth."""
    columns = (scored["expected_purchases"].to_numpy(), scored["expected_value"].to_numpy(), cut.count)
    return [
        [
            f"about {count:.1f} purchase days expected in {horizon_weeks:.0f} weeks",
            f"about {value:.2f} a purchase day, judged from {days:.0f} of them",
        ]
        for count, value, days in zip(*(c.tolist() for c in columns), strict=True)
    ]


def feature_words(name: str) -> str:
    """A feature of the correction in words, e.g. purchase_days_8w: the purchase days of the last 8 weeks."""
    if name in _WORDS:
        return _WORDS[name]
    what, _, weeks = name.rpartition("_")
    return f"the {what.replace('_', ' ')} of the last {weeks.removesuffix('w')} weeks"


def _churn(x: float, t_x: float, age: float, alive: float, push: float, push_on: str) -> list[str]:
    if x == 0:
        reasons = [f"a single purchase, {_weeks(age)} ago"]
    else:
        reasons = [
            f"last purchase {_weeks(age - t_x)} ago, usual gap {_weeks(t_x / x)}",
            f"{x + 1:.0f} purchase days in {_weeks(age)}",
        ]
        if alive < 0.5:
            reasons.append("silent for longer than this person's rhythm explains")
    if abs(push) >= NOTICEABLE:
        reasons.append(f"{'lower' if push > 0 else 'higher'} risk by {feature_words(push_on)}")
    return reasons


def _weeks(weeks: float) -> str:
    if weeks < 2:
        days = round(weeks * 7)
        return "1 day" if days == 1 else f"{days} days"
    return f"{weeks:.0f} weeks"
