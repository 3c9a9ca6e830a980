"""90 % intervals of one customer's spend that hold on past cuts: conformal prediction within groups of alike customers.

The score is the ratio of the actual to the expected spend. Customers are grouped by expected purchases (a ratio is wild
where few are expected), and each group's quantiles of past ratios, times the expected spend, are the interval. Where
more than a twentieth of a group buys nothing the interval begins at 0 and all misses are above it.

Vovk, Gammerman, Shafer 2005, Algorithmic Learning in a Random World (Mondrian conformal prediction).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cdp.models.arrays import Floats

COVERAGE = 0.90
GIVE_WAY = 0.04  # by which groups may cover less where others, that buy nothing, cannot but cover more
STRETCHED = 0.75
PER_GROUP = 250
MAX_GROUPS = 20


@dataclass(frozen=True)
class SpendBands:
    """Groups by expected purchases (`edges` between them) and their lower and upper ratios to the expected spend."""

    edges: Floats
    low: Floats
    high: Floats

    def interval(self, expected: Floats, spend: Floats, stretch: float = 1.0) -> tuple[Floats, Floats]:
        """(low, high) per customer; the expected spend itself always lies inside.

        `stretch`: the horizon of the expectations in windows that the bands were fitted on. A customer's ratio in a
        longer time is as wide as that of somebody who buys less often in one window: chance averages out (that alone
        would be a power of 1/2), a change of habit does not (a power of 1).
        """
        group = np.searchsorted(self.edges, expected * stretch**-STRETCHED, side="right")
        return np.minimum(self.low[group] * spend, spend), np.maximum(self.high[group] * spend, spend)


def fit_bands(expected: Floats, spend: Floats, actual: Floats, coverage: float = COVERAGE) -> SpendBands:
    """Bands from customers of past cuts: expected purchases and spend as forecast at the cut, and the actual spend."""
    groups = int(np.clip(len(expected) // PER_GROUP, 1, MAX_GROUPS))
    edges = np.unique(np.quantile(expected, np.arange(1, groups) / groups)) if groups > 1 else np.zeros(0)
    group = np.searchsorted(edges, expected, side="right")
    parts = [np.sort((actual / spend)[group == g]) for g in range(len(edges) + 1)]

    def bands(of_group: float) -> SpendBands:
        limits = [_limits(ratios, of_group) for ratios in parts]
        return SpendBands(edges, *(np.array(side) for side in zip(*limits, strict=True)))

    low, high = coverage - GIVE_WAY, coverage
    for _ in range(20):
        middle = (low + high) / 2
        lo, hi = bands(middle).interval(expected, spend)
        low, high = (low, middle) if np.mean((actual >= lo) & (actual <= hi)) > coverage else (middle, high)
    return bands(high)


def _limits(ratios: Floats, coverage: float) -> tuple[float, float]:
    """Quantiles of sorted ratios with the finite-sample correction (n + 1)."""
    n = len(ratios)
    if n == 0:
        return 0.0, 1.0
    tail = (1 - coverage) / 2
    if np.mean(ratios <= 0) > tail:
        return 0.0, float(ratios[min(int(np.ceil((n + 1) * coverage)), n) - 1])
    low, high = int(np.floor((n + 1) * tail)), int(np.ceil((n + 1) * (1 - tail)))
    return (float(ratios[low - 1]) if low else 0.0), float(ratios[min(high, n) - 1])
