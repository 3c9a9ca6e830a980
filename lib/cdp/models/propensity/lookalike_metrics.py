"""How well unseen seed people are found, and how many people like them there are."""

from __future__ import annotations

from typing import Any

import numpy as np

from cdp.models import metrics
from cdp.models.arrays import Floats
from cdp.models.propensity.feature_matrix import FeatureMatrix
from cdp.models.propensity.spline_logistic import learn_terms

TOP_SHARES = (0.01, 0.05, 0.1, 0.2)
ERRORS = 4.0  # standard errors: the smallest of many bounds is a lucky one with fewer (half the truth with one)


def describe_ranking(scores: Floats, is_seed: Floats, folds: np.ndarray) -> dict[str, Any]:
    """AUC of seed against rest and, for each top share of the people, the share of the seed in it and the lift.

    Each is the mean over folds with its standard deviation; no person was seen by the model that scored him.
    """
    parts = [(scores[folds == k], is_seed[folds == k]) for k in range(folds.max() + 1)]
    aucs = [metrics.auc(s, y) for s, y in parts]
    found: dict[str, Any] = {"auc": {"mean": float(np.mean(aucs)), "sd": float(np.std(aucs))}}
    for share in TOP_SHARES:
        recalls = [metrics.top_share(s, y, share) for s, y in parts]
        mean = float(np.mean(recalls))
        found[f"top {share:.0%}"] = {"recall": mean, "sd": float(np.std(recalls)), "lift": mean / share}
    return found


def nearest_to_seed(matrix: FeatureMatrix, is_seed: Floats, folds: np.ndarray) -> Floats:
    """The simple rival: minus the distance to the mean of the seed people of the other folds, in units of spread."""
    terms = learn_terms(matrix, is_bent=False)
    design = np.hstack([t.columns(matrix.values[:, i]) for i, t in enumerate(terms)])
    scores = np.empty(len(design))
    for fold in range(folds.max() + 1):
        inside = folds == fold
        mean = design[~inside & (is_seed > 0.5)].mean(axis=0)
        scores[inside] = -np.sqrt(((design[inside] - mean) ** 2).sum(axis=1))
    return scores


def share_of_seed_like(scores: Floats, is_seed: Floats) -> float:
    """The share of the people outside the seed who are what the seed is.

    Above any score, the share of the others over the share of the seed bounds it from above, and meets it where only
    the seed's kind is left. Taken where the bound and its sampling error are smallest; without such a score the
    estimate is too high. After Garg et al. 2021, "Mixture proportion estimation and PU learning", NeurIPS 34.
    """
    seed, others = np.sort(scores[is_seed > 0.5]), np.sort(scores[is_seed < 0.5])
    seed_above = np.arange(len(seed), 0, -1)
    others_above = np.maximum(len(others) - np.searchsorted(others, seed, side="left"), 1)
    bound = (others_above / len(others)) / (seed_above / len(seed))
    error = np.exp(ERRORS * np.sqrt(1 / seed_above + 1 / others_above))
    return float(min(1.0, bound[np.argmin(bound * error)]))
