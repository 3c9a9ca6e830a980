"""Which method scores, decided on out-of-fold log-odds: the stack, the spline logistic alone, or the base rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cdp.models.propensity.booster import TREES
from cdp.models.propensity.crossfit import CrossFit
from cdp.models.propensity.propensity_metrics import base_rate, describe, gain, reliability
from cdp.models.propensity.stack import Stack


@dataclass(frozen=True)
class Recipe:
    """What is fitted on all rows: the logistic's strength, the booster's trees (0: none), and how they are stacked."""

    strength: float
    trees: int
    stack: Stack


def choose_recipe(crossed: CrossFit, ids: pd.Series) -> tuple[Recipe | None, dict[str, Any]]:
    """The recipe (None: the base rate) and the figures that decided.

    Both the stack and the spline logistic are recalibrated out of fold. The stack scores where its log loss and its
    Brier score are below the spline logistic's on average. What scores must have a log loss below the base rate's, and
    an AUC above one half at the lower end of its 95 % interval.
    """
    label, folds = crossed.label, crossed.folds
    logits = {
        "spline logistic": crossed.stacked(1),
        "base rate": np.full(folds.shape, special.logit(base_rate(label))),
    }
    method, gains, why = "spline logistic", {}, "too few people of the rarer outcome for trees"
    if len(crossed.paths) > 1:
        logits["stack"] = crossed.stacked(2)
        over = gain(logits["stack"], logits["spline logistic"], label, ids)
        gains["stack over spline logistic"] = over
        is_better = over["log_loss"]["mean"] > 0 and over["brier"]["mean"] > 0
        method = "stack" if is_better else "spline logistic"
        why = f"the stack {'beats' if is_better else 'does not beat'} the spline logistic out of fold"
    over = gain(logits[method], logits["base rate"], label, ids)
    gains[f"{method} over base rate"] = over
    if not (over["log_loss"]["mean"] > 0 and over["auc"]["low"] > 0):
        method, why = "base rate", f"the {method} does not rank people better than chance out of fold"
    recipe = _recipe(method, crossed)
    report = {
        "method": method,
        "why": why,
        "metrics": {name: describe(z, label, folds) for name, z in sorted(logits.items())},
        "gain": gains,
        "reliability": reliability(logits[method], label),
        "settings": _settings(recipe),
    }
    return recipe, report


def _recipe(method: str, crossed: CrossFit) -> Recipe | None:
    if method == "base rate":
        return None
    settings, stack = crossed.stack(2 if method == "stack" else 1)
    return Recipe(crossed.strength, TREES[settings[1]] if method == "stack" else 0, stack)


def _settings(recipe: Recipe | None) -> dict[str, Any]:
    if recipe is None:
        return {}
    weights = dict(zip(("spline logistic", "booster"), recipe.stack.weights.tolist(), strict=False))
    return {
        "logistic_strength": recipe.strength,
        "trees": recipe.trees,
        "weights": weights,
        "intercept": recipe.stack.intercept,
    }
