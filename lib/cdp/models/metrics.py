"""The figures that a forecast of counts, money or probabilities is judged by. Plain numpy, ties without luck."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import stats

from cdp.models.arrays import Floats

GROUPS = 10


def aggregate_bias(predicted: Floats, actual: Floats) -> float:
    """Sum of predictions over sum of actuals, minus 1. NaN when nothing happened."""
    total = float(actual.sum())
    return float(predicted.sum()) / total - 1 if total else float("nan")


def rmse(predicted: Floats, actual: Floats) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


def mae(predicted: Floats, actual: Floats) -> float:
    """Mean absolute error. Rewards forecasts that are too low when most people do nothing: read it beside the bias."""
    return float(np.mean(np.abs(predicted - actual)))


def normalised_gini(predicted: Floats, actual: Floats) -> float:
    """Gini of the actuals in the order of the predictions, over that in their own order: 1 perfect, 0 random."""
    best = _gini(actual, actual)
    return _gini(predicted, actual) / best if best else float("nan")


def _gini(predicted: Floats, actual: Floats) -> float:
    ascending = _level_ties(predicted, actual)[np.argsort(predicted)]
    total = ascending.sum()
    if total == 0:
        return 0.0
    n = len(ascending)
    share = np.cumsum(ascending) / total
    return float(1 - 2 * (share.sum() - 0.5) / n)


def _level_ties(predicted: Floats, actual: Floats) -> Floats:
    """The actuals, averaged within tied predictions: otherwise the order of the rows decides."""
    _, group = np.unique(predicted, return_inverse=True)
    return np.asarray((np.bincount(group, weights=actual) / np.bincount(group))[group])


def spearman(predicted: Floats, actual: Floats) -> float:
    """Rank correlation; NaN when either side is constant."""
    if np.ptp(predicted) == 0 or np.ptp(actual) == 0:
        return float("nan")
    return float(stats.spearmanr(predicted, actual).statistic)


def auc(predicted: Floats, happened: Floats) -> float:
    """Area under the ROC curve, ties counted half; NaN when only one outcome occurred."""
    yes = happened > 0.5
    n_yes, n_no = int(yes.sum()), int((~yes).sum())
    if not n_yes or not n_no:
        return float("nan")
    ranks = stats.rankdata(predicted)
    return float((ranks[yes].sum() - n_yes * (n_yes + 1) / 2) / (n_yes * n_no))


def weighted_auc(score: Floats, yes: Floats, no: Floats) -> float:
    """The same where each row stands for `yes` cases that happened and `no` that did not."""
    _, level = np.unique(score, return_inverse=True)
    yes_at, no_at = np.bincount(level, weights=yes), np.bincount(level, weights=no)
    n_yes, n_no = yes.sum(), no.sum()
    if not n_yes or not n_no:
        return float("nan")
    no_below = np.cumsum(no_at) - no_at
    return float(yes_at @ (no_below + no_at / 2) / (n_yes * n_no))


def brier(predicted: Floats, happened: Floats) -> float:
    """Mean squared error of a probability. Its yardstick is base * (1 - base), that of the base rate for everybody."""
    return float(np.mean((predicted - happened) ** 2))


def groups_by_prediction(predicted: Floats, actual: Floats, groups: int = GROUPS) -> list[tuple[int, float, float]]:
    """(people, mean predicted, mean actual) of equally large groups, lowest predictions first."""
    order, level = np.argsort(predicted), _level_ties(predicted, actual)
    return [
        (len(part), float(predicted[part].mean()), float(level[part].mean()))
        for part in np.array_split(order, groups)
        if len(part)
    ]


def expected_calibration_error(predicted: Floats, happened: Floats) -> float:
    """Mean distance of observed from predicted shares over ten equally large groups by prediction."""
    parts = groups_by_prediction(predicted, happened)
    return sum(n * abs(p - a) for n, p, a in parts) / sum(n for n, _, _ in parts)


def decile_mape(predicted: Floats, actual: Floats) -> float:
    """Mean over ten groups of |mean predicted - mean actual| / mean actual; groups where nothing happened left out."""
    errors = [abs(p - a) / abs(a) for _, p, a in groups_by_prediction(predicted, actual) if a]
    return float(np.mean(errors)) if errors else float("nan")


def top_share(predicted: Floats, actual: Floats, share: float = 0.1) -> float:
    """Share of the actual total that the best-scored tenth brought."""
    total = float(actual.sum())
    best = np.argsort(-predicted)[: max(1, round(len(predicted) * share))]
    return float(_level_ties(predicted, actual)[best].sum()) / total if total else float("nan")


def coverage(lo: Floats, hi: Floats, actual: Floats) -> float:
    """Share of actuals inside [lo, hi]."""
    return float(np.mean((actual >= lo) & (actual <= hi)))


def finite(figures: dict[str, float]) -> dict[str, float]:
    """The metrics that have a value: NaN (nothing happened, one class only) is no number to store."""
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def over_cuts(cuts: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Mean over the cuts, and the standard deviation as `_sd`; what has no number on a cut counts on the others."""
    found = {"cuts": float(len(cuts))}
    for name in dict.fromkeys(name for figures in cuts.values() for name in figures):
        values = np.array([figures[name] for figures in cuts.values() if name in figures])
        found |= {name: float(values.mean()), f"{name}_sd": float(values.std())}
    return found
