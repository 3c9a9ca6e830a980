"""The last step of a forecast: corrected terms of single customers, put on the level that was settled for all.

The factors are found once, over all customers of a cut, and are then the same for everybody: a customer scored alone
gets the score that the customer gets among a million.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.models.arrays import Floats
from cdp.models.forecast.correction import logit, sigmoid


@dataclass(frozen=True)
class Amounts:
    """The forecast of each customer of a cut, before intervals."""

    purchases: Floats
    spend: Floats
    p_any: Floats


@dataclass(frozen=True)
class Factors:
    """Factors in logs (purchases, spend) and a shift of the logit (P(any)); all 0 leave the terms as they are."""

    purchases: float = 0.0
    spend: float = 0.0
    p_any: float = 0.0

    def apply(self, purchases: Floats, spend: Floats, p_any: Floats) -> Amounts:
        """The forecast; P(any) is never above the expected purchases."""
        count = purchases * np.exp(self.purchases)
        share = np.clip(sigmoid(logit(p_any) + self.p_any), 1e-9, 1 - 1e-9)
        return Amounts(count, spend * np.exp(self.spend), np.minimum(share, count))
