"""The level of a forecast: by how much its total is scaled, and on what evidence.

Who buys more and who buys less is learned from past cuts; how much all of them buy together is mostly the season's, and
one season seen is no evidence. So the level stays that of the BTYD model unless the same season of the year before, or
all past cuts alike, say otherwise. Ratios are ln(actual total / expected total), one per past cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cdp.models.arrays import Floats

MIN_CUTS = 3
MAX_RANGE = 0.5  # of the mean: past ratios that differ by more may show a season or luck, not a bias
YEAR_WEEKS = 52.0


@dataclass(frozen=True)
class Level:
    """A factor in logs (0: as the model has it) and the reason in a few words."""

    log_factor: float
    reason: str


@dataclass(frozen=True)
class LastYear:
    """What the same season of the year before says; `log_factor` 0 when it is not to be trusted.

    `seen`: ln(actual / expected) of those weeks themselves, NaN where that is not known.
    """

    log_factor: float
    seen: float = float("nan")


def settle_level(
    ratios: Sequence[float],
    *,
    tolerance: float,
    span_weeks: float,
    window_weeks: float,
    last_year: LastYear | None = None,
) -> Level:
    """The level from the ratios of the past cuts, newest first, the oldest `span_weeks` before the newest.

    A consistent miss is corrected by its smallest size: when at least three cuts that do not all share one window
    (`window_weeks`) are off in the same direction, each by more than `tolerance`, and differ by less than a season
    would make them (see `_range_of_bias`). What the year before says counts above `tolerance` too.
    """
    if last_year is not None and abs(last_year.log_factor) > tolerance:
        return Level(last_year.log_factor, "the same season of the year before")
    seen = _measured(ratios)
    if len(seen) < MIN_CUTS or span_weeks < window_weeks:
        return Level(0.0, "the model's own: too few past cuts to judge it")
    smallest = least_miss(ratios)
    if smallest > tolerance and np.ptp(seen) <= _range_of_bias(seen, span_weeks):
        return Level(float(np.sign(seen[0])) * smallest, "past cuts were all off in the same direction")
    return Level(0.0, "the model's own: no consistent miss on past cuts")


def usual_miss(misses: Sequence[float]) -> float:
    """What three in four misses, NaN apart, exceed on the side of their median; 0 where they lie on both sides.

    For misses that carry no season: one cut that differs from the others says nothing against these.
    """
    seen = _measured(misses)
    if len(seen) < MIN_CUTS:
        return 0.0
    side = float(np.sign(np.median(seen)))
    return side * max(0.0, float(np.quantile(side * seen, 0.25)))


def least_miss(misses: Sequence[float]) -> float:
    """The size of the smallest miss, NaN apart, where all lie on one side; else 0."""
    seen = _measured(misses)
    return float(np.abs(seen).min()) if len(seen) and np.ptp(np.sign(seen)) == 0 else 0.0


def _measured(misses: Sequence[float]) -> Floats:
    return np.array([m for m in misses if np.isfinite(m)])


def _range_of_bias(seen: Floats, span_weeks: float) -> float:
    """By how much ratios (newest first) may differ that show a bias: `MAX_RANGE` of their mean at least.

    A season that makes all of them alike in sign passes its peak within their span, and a yearly wave differs there by
    a known part of its mean. Ratios that differ less are no such wave; those that fade, as a season's do that is on its
    way back, must differ less by half.
    """
    mean = abs(float(seen.mean()))
    half = np.pi / 2 * min(2 * span_weeks / YEAR_WEEKS, 1.0)  # from the peak to either end of the span, as an angle
    wave = float((1 - np.cos(half)) * half / np.sin(half)) if half > 0 else 0.0
    fades = abs(float(seen[0])) < mean
    return max(MAX_RANGE, wave / 2 if fades else wave) * mean


def same_season(now: float, pairs: Sequence[tuple[float, float]]) -> LastYear:
    """The year-before ratio `now`, trusted as far as year-before ratios explained past ones.

    `pairs`: (ratio of a past cut, ratio 52 weeks before it), three at least. The share of the past ratios' mean square
    that the year before explains is the share of `now` that is taken.
    """
    if len(pairs) < MIN_CUTS or not np.isfinite(now):
        return LastYear(0.0, now)
    then, before = np.array(pairs).T
    explained = 1 - float(np.sum((then - before) ** 2) / max(float(np.sum(then**2)), 1e-12))
    return LastYear(now * explained if explained > 0 else 0.0, now)
