"""Features that give the label away: known only once it has happened, so that a model on them is right on paper alone.

Two degrees. A feature whose few values, or whose gaps, are the label is left out: a cancellation date, a status. One
that ranks the label nearly without error is kept, with a warning: it may be a rule, and only a person can tell.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from cdp.models import metrics
from cdp.models.arrays import Floats
from cdp.models.propensity.feature_matrix import FeatureMatrix

FEW_VALUES = 10
SAME = 0.99  # of the positives found and of those found positive, from which a feature is the label
SUSPICIOUS_AUC = 0.98
RULE_AUC = 0.9995
MIN_ROWS = 10  # of each outcome, below which agreement may be luck
MIN_FILLED = 20
CHANCE = 1e-6  # that a feature without a say is filled in like that


def find_leaks(matrix: FeatureMatrix, label: Floats) -> tuple[dict[str, str], list[str]]:
    """The features to leave out with the reason, and warnings on others."""
    out: dict[str, str] = {}
    warnings: list[str] = []
    if min(label.sum(), len(label) - label.sum()) < MIN_ROWS:
        return out, warnings
    for i, feature in enumerate(matrix.features):
        values = matrix.values[:, i]
        known = ~np.isnan(values)
        distinct, codes = np.unique(np.where(known, values, np.inf), return_inverse=True)
        if len(distinct) <= FEW_VALUES and _is_label(codes, label):
            out[feature.name] = "leakage: its values are the label"
        elif _is_label(known.astype(int), label):
            out[feature.name] = "leakage: it is filled or empty exactly as the label is"
        elif (~known).any() and known.sum() >= MIN_FILLED and label[known].mean() >= SAME > 2 * label.mean():
            warnings.append(f"leakage? {feature.name} is filled in only where the label is 1")
        elif feature.kind != "category" and _auc(values[known], label[known]) > SUSPICIOUS_AUC:
            warnings.append(f"leakage? {feature.name} alone ranks the label nearly without error: was it known before?")
    return out, warnings + [f"{name} is left out: {why}" for name, why in out.items()]


def find_afterthoughts(matrix: FeatureMatrix, label: Floats) -> dict[str, str]:
    """Features filled in for a part of the positives and for hardly anybody else, more than chance does.

    Such as a reason that only some gave who left: of a person who has not left it says nothing but that.
    """
    found = {}
    for i, feature in enumerate(matrix.features):
        known = ~np.isnan(matrix.values[:, i])
        filled, hits = int(known.sum()), float(label[known].sum())
        is_luck = stats.binom.sf(hits - 1, filled, label.mean()) > CHANCE
        if (~known).any() and filled >= MIN_FILLED and hits >= SAME * filled and not is_luck:
            found[feature.name] = "leakage: it is filled in only where the label is 1"
    return found


def find_rules(matrix: FeatureMatrix, label: Floats) -> dict[str, str]:
    """Numbers of which a threshold gives the label: the rule by which a list of people was made, not their nature."""
    found = {}
    for i, feature in enumerate(matrix.features):
        values = matrix.values[:, i]
        known = ~np.isnan(values)
        if feature.kind != "category" and _auc(values[known], label[known]) > RULE_AUC:
            found[feature.name] = "the seed's rule: a threshold on it gives the seed"
    return found


def _is_label(codes: np.ndarray, label: Floats) -> bool:
    rows, hits = np.bincount(codes), np.bincount(codes, weights=label)
    called = hits * 2 > rows
    true = hits[called].sum()
    return bool(true >= SAME * label.sum() and true >= SAME * max(rows[called].sum(), 1))


def _auc(values: Floats, label: Floats) -> float:
    found = metrics.auc(values, label)
    return max(found, 1 - found) if found == found else 0.5
