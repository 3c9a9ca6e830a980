"""How the level of churn moved from year to year, and where it is on the day that is scored.

The models know the years and are asked about the last (0 back); its level is that of its middle, half a year before the
day. Where it rose or fell alike every year, half a year's change brings it to the day; the time after is not guessed.
The mean yearly change is believed as far as it exceeds its standard error: James, Stein 1961, "Estimation with
quadratic loss". Whole years are compared, so that no season is taken for a trend.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.models.arrays import Floats

MIN_EXPECTED = 5.0  # leavers of a year, below which it says nothing
MIN_CHANGES = 3  # from year to year: two may be alike by luck


@dataclass(frozen=True)
class Drift:
    """`last_year`: its hazards against those of all years; `trend`: by what those of the day differ from its."""

    last_year: float
    trend: float


def learn_drift(years_back: np.ndarray, expected: Floats, left: Floats) -> Drift:
    """From pieces of contracts' lives, one element each; `expected`: leavers, were every year like the last."""
    due, came = np.bincount(years_back, expected), np.bincount(years_back, left)
    years = int(np.argmin(np.append(due, 0.0) >= MIN_EXPECTED))  # up to the first that says nothing
    if not years:
        return Drift(1.0, 1.0)
    level = (came + 0.5) / (due + 0.5)
    last_year = float(level[0] * due.sum() / max(came.sum(), 1.0))
    if years <= MIN_CHANGES:
        return Drift(last_year, 1.0)
    changes, by_luck = -np.diff(np.log(level[:years])), 1 / (came[:years] + 0.5)
    variance = max(changes.var(ddof=1), (by_luck[1:] + by_luck[:-1]).mean()) / len(changes)
    change = changes.mean()
    belief = max(0.0, 1 - variance / change**2) if change else 0.0
    return Drift(last_year, float(np.exp(belief * change / 2)))
