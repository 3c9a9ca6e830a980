"""Which method scores, decided on out-of-fold log-odds: the stack, the spline logistic alone, or the base rate.

What ranks better than chance, but not beyond doubt, is drawn towards the base rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cdp.models.propensity.booster import TREES
from cdp.models.propensity.crossfit import CrossFit
from cdp.models.propensity.propensity_metrics import base_rate, describe, gain, reliability
from cdp.models.propensity.stack import Stack

LUCK = 1.5  # a standard error of what folds say, in those of the bootstrap, which takes them for independent
_LAYERS = {"spline logistic": 1, "stack": 2}


@dataclass(frozen=True)
class Recipe:
    """What is fitted on all rows: the logistic's strength, the booster's trees (0: none), and how they are stacked."""

    strength: float
    trees: int
    stack: Stack


def choose_recipe(crossed: CrossFit, ids: pd.Series) -> tuple[Recipe | None, dict[str, Any]]:
    """The recipe (None: the base rate) and the figures that decided.

    Both the stack and the spline logistic are recalibrated out of fold. The stack scores where its log loss and its
    Brier score are below the spline logistic's on average. Of what scores `kept_share` is kept, and it must have a
    log loss below the base rate's.
    """
    label, folds = crossed.label, crossed.folds
    base = np.full(folds.shape, special.logit(base_rate(label)))
    logits = {"spline logistic": crossed.stacked(1), "base rate": base}
    method, gains, why = "spline logistic", {}, "too few people of the rarer outcome for trees"
    if len(crossed.paths) > 1:
        logits["stack"] = crossed.stacked(2)
        over = gain(logits["stack"], logits["spline logistic"], label, ids)
        gains["stack over spline logistic"] = over
        is_better = over["log_loss"]["mean"] > 0 and over["brier"]["mean"] > 0
        method = "stack" if is_better else "spline logistic"
        why = f"the stack {'beats' if is_better else 'does not beat'} the spline logistic out of fold"
    over = gain(logits[method], base, label, ids)
    kept = kept_share(over["auc"])
    if 0 < kept < 1:
        logits[method] = crossed.stacked(_LAYERS[method], kept=kept)
        over = gain(logits[method], base, label, ids)
    gains[f"{method} over base rate"] = over
    recipe = None
    if kept and over["log_loss"]["mean"] > 0:
        recipe = _recipe(method, crossed, kept)
        if kept < 1:
            why += f"; {kept:.0%} of its log-odds are kept, since it ranks better than chance, but not beyond doubt"
    else:
        method, why = "base rate", f"the {method} does not rank people better than chance out of fold"
    report = {
        "method": method,
        "why": why,
        "metrics": {name: describe(z, label, folds) for name, z in sorted(logits.items())},
        "gain": gains,
        "reliability": reliability(logits[method], label),
        "settings": _settings(recipe, kept),
    }
    return recipe, report


def kept_share(auc: Mapping[str, float]) -> float:
    """Which share of a model's log-odds to keep, given what its AUC has over one half.

    All where the 95 % interval (`auc`: mean, low, high) lies above one half, none below one standard error, between
    them 1 - (standard error / gain)^2: James, Stein 1961, "Estimation with quadratic loss". With five folds that share
    training rows a standard error is sqrt(1 + 5/4) times the bootstrap's: Nadeau, Bengio 2003, "Inference for the
    generalization error", Machine Learning 52.
    """
    if auc["low"] > 0:
        return 1.0
    luck = LUCK * (auc["high"] - auc["low"]) / (2 * 1.96)
    return 1 - (luck / auc["mean"]) ** 2 if auc["mean"] > luck else 0.0


def _recipe(method: str, crossed: CrossFit, kept: float) -> Recipe:
    settings, stack = crossed.stack(_LAYERS[method], kept=kept)
    return Recipe(crossed.strength, TREES[settings[1]] if method == "stack" else 0, stack)


def _settings(recipe: Recipe | None, kept: float) -> dict[str, Any]:
    if recipe is None:
        return {}
    weights = dict(zip(("spline logistic", "booster"), recipe.stack.weights.tolist(), strict=False))
    return {
        "logistic_strength": recipe.strength,
        "trees": recipe.trees,
        "kept": kept,
        "weights": weights,
        "intercept": recipe.stack.intercept,
    }
