"""What a declared model must prove: its figures on cuts that came later, beside those of simple rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy import special

from cdp.models import metrics
from cdp.models.arrays import Floats
from cdp.models.gain import GROUPS, Losses
from cdp.models.propensity.feature_matrix import FeatureMatrix
from cdp.models.propensity.folds import hash_keys
from cdp.models.propensity.layers import fit_layers
from cdp.models.propensity.propensity_choice import Recipe
from cdp.models.propensity.propensity_metrics import base_rate, gain
from cdp.models.propensity.stack import log_losses


@dataclass(frozen=True)
class CutRows:
    """The rows of `cuts.collect_cuts`, encoded: label and what was in the horizon before, person and day of each."""

    matrix: FeatureMatrix
    label: Floats
    before: Floats
    ids: pd.Series
    day: np.ndarray

    def where(self, chosen: np.ndarray) -> CutRows:
        """The chosen rows."""
        return CutRows(
            self.matrix.rows(chosen), self.label[chosen], self.before[chosen], self.ids[chosen], self.day[chosen]
        )

    def at(self, day: date) -> CutRows:
        """The rows of one cut."""
        return self.where(self.day == day)

    def older(self, day: date) -> CutRows:
        """The rows of all cuts before it: their labels were known on the day."""
        return self.where(self.day < day)


Said = Mapping[date, Floats]
"""Cut -> the log-odds of its people, in the order of `CutRows.at`."""


def foretell(rows: CutRows, day: date, recipe: Recipe) -> Floats:
    """Log-odds of a cut's people under what all older cuts teach."""
    old = rows.older(day)
    layers = fit_layers(old.matrix, old.label, old.ids, strength=recipe.strength, trees=recipe.trees)
    return recipe.stack.logits(np.column_stack([path[:, -1] for path in layers.paths(rows.at(day).matrix)]))


def foretell_rate(rows: CutRows, day: date) -> Floats:
    """The base rate of all older cuts as everybody's log-odds."""
    return np.full(len(rows.at(day).label), special.logit(base_rate(rows.older(day).label)))


def gain_over_rate(said: Said, simple: Said, rows: CutRows) -> dict[str, dict[str, float]]:
    """How much better AUC, log loss and Brier score are than the base rate's, with a 95 % interval over persons."""
    ours, theirs = (np.concatenate(list(logits.values()))[None] for logits in (said, simple))
    people = [rows.at(day) for day in said]
    return gain(ours, theirs, np.concatenate([p.label for p in people]), pd.concat([p.ids for p in people]))


def losses_of(said: Said, rows: CutRows) -> Losses:
    """Brier losses by cut and group of people (gain.py)."""
    sums, people = {}, {}
    for day, logits in said.items():
        its = rows.at(day)
        group = (hash_keys(its.ids, 0) % GROUPS).astype(np.int64)
        squares = np.bincount(group, (special.expit(logits) - its.label) ** 2, GROUPS)
        sums[str(day)] = {"brier": squares.astype(np.float64)}
        people[str(day)] = np.bincount(group, minlength=GROUPS).astype(np.float64)
    return Losses(sums, people)


def groups_of(said: Said, rows: CutRows) -> list[tuple[int, float, float]]:
    """Ten groups of the people of all cuts by probability: people, mean probability, share that had it."""
    label = np.concatenate([rows.at(day).label for day in said])
    return metrics.groups_by_prediction(special.expit(np.concatenate(list(said.values()))), label)


def figures_of(logits: Floats, simple: Floats, its: CutRows) -> dict[str, float]:
    """The figures of one cut that have a number; `last_period_auc`: who had it in the horizon before comes first."""
    p, label = special.expit(logits), its.label
    found = {
        "people": float(len(label)),
        "rate": float(label.mean()),
        "auc": metrics.auc(logits, label),
        "last_period_auc": metrics.auc(its.before, label),
        "brier": metrics.brier(p, label),
        "base_rate_brier": metrics.brier(special.expit(simple), label),
        "log_loss": float(log_losses(logits, label).mean()),
        "base_rate_log_loss": float(log_losses(simple, label).mean()),
        "calibration_error": metrics.expected_calibration_error(p, label),
        "bias": metrics.aggregate_bias(p, label),
    }
    return metrics.finite(found)
