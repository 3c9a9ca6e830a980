"""How much more, or less, is left in the last year than a model of all years says.

A model of five years speaks of their mean, and the year to come is more like the last: prices and rivals change.
That year's own ratio is believed as far as years differ by more than chance: DerSimonian, Laird 1986, "Meta-analysis
in clinical trials", Controlled Clinical Trials 7(3). Where they do not, the ratio is 1.
"""

from __future__ import annotations

import numpy as np

from cdp.models.arrays import Floats

MIN_EXPECTED = 5.0  # leavers of a year, below which it says nothing


def last_year_ratio(years_back: np.ndarray, expected: Floats, left: Floats) -> float:
    """By what the hazards of the last year (0 back) differ; one element a piece of a contract's life."""
    due, came = np.bincount(years_back, expected), np.bincount(years_back, left)
    enough = due >= MIN_EXPECTED
    if not enough[0]:
        return 1.0
    excess = ((came - due)[enough] ** 2 / due[enough]).sum() - (enough.sum() - 1)
    spread = max(0.0, excess) / due[enough].sum()  # variance of the years' true ratios
    belief = spread * due[0] / (spread * due[0] + 1)
    return float(((came[0] + 0.5) / (due[0] + 0.5)) ** belief)
