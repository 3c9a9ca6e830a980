"""How good a propensity is, from repeated out-of-fold log-odds: figures with spread, the gain with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cdp.models import metrics
from cdp.models.arrays import Floats
from cdp.models.propensity.stack import log_losses

DRAWS = 1000
INTERVAL = (0.025, 0.975)


def describe(logits: Floats, label: Floats, folds: np.ndarray) -> dict[str, dict[str, float]]:
    """Mean and spread of AUC, log loss, Brier score and calibration error; `logits` and `folds`: repeats x people.

    The spread is the standard deviation over folds and repeats; of the calibration error, which needs many people in
    each tenth, over repeats of all people.
    """
    found: dict[str, list[float]] = {"auc": [], "log_loss": [], "brier": [], "calibration_error": []}
    for z, fold in zip(logits, folds, strict=True):
        p = special.expit(z)
        found["calibration_error"].append(metrics.expected_calibration_error(p, label))
        for part in range(fold.max() + 1):
            inside = fold == part
            found["auc"].append(metrics.auc(z[inside], label[inside]))
            found["log_loss"].append(float(log_losses(z[inside], label[inside]).mean()))
            found["brier"].append(metrics.brier(p[inside], label[inside]))
    return {name: {"mean": float(np.mean(v)), "sd": float(np.std(v))} for name, v in found.items()}


def reliability(logits: Floats, label: Floats) -> list[dict[str, float]]:
    """Ten equally large groups by probability (mean over repeats): people, mean probability, observed share."""
    groups = metrics.groups_by_prediction(special.expit(logits).mean(axis=0), label)
    return [{"people": n, "predicted": p, "observed": o} for n, p, o in groups]


def gain(logits: Floats, baseline: Floats, label: Floats, ids: pd.Series) -> dict[str, dict[str, float]]:
    """What a model has over another on the same people, with a 95 % paired bootstrap interval over persons.

    Positive is better in all three: AUC (of the mean log-odds over repeats), log loss and Brier (mean over repeats).
    """
    person = pd.factorize(ids.to_numpy())[0]
    losses = {
        "log_loss": (log_losses(baseline, label) - log_losses(logits, label)).mean(axis=0),
        "brier": ((special.expit(baseline) - label) ** 2 - (special.expit(logits) - label) ** 2).mean(axis=0),
    }
    ours, theirs = _Auc(logits.mean(axis=0), label), _Auc(baseline.mean(axis=0), label)
    rng = np.random.default_rng(1)
    draws: dict[str, list[float]] = {"auc": [], "log_loss": [], "brier": []}
    people = person.max() + 1
    for _ in range(DRAWS):
        weight = np.bincount(rng.integers(0, people, people), minlength=people)[person].astype(np.float64)
        draws["auc"].append(ours.weighted(weight) - theirs.weighted(weight))
        for name, each in losses.items():
            draws[name].append(float(weight @ each / weight.sum()))
    one = np.ones(len(label))
    means = {"auc": ours.weighted(one) - theirs.weighted(one), **{n: float(v.mean()) for n, v in losses.items()}}
    return {name: _with_interval(means[name], values) for name, values in draws.items()}


def _with_interval(mean: float, draws: list[float]) -> dict[str, float]:
    low, high = np.nanquantile(draws, INTERVAL)
    return {"mean": mean, "low": float(low), "high": float(high)}


class _Auc:
    """AUC under weights of the people: sorted once, then linear in their number."""

    def __init__(self, scores: Floats, label: Floats) -> None:
        _, self._group = np.unique(scores, return_inverse=True)
        self._label = label

    def weighted(self, weight: Floats) -> float:
        yes = np.bincount(self._group, weights=weight * self._label)
        no = np.bincount(self._group, weights=weight * (1 - self._label), minlength=len(yes))
        pairs = yes.sum() * no.sum()
        below = np.cumsum(no) - no / 2
        return float(yes @ below / pairs) if pairs else float("nan")


def base_rate(label: Floats) -> float:
    """The share of positives, half a person of each kind added: never 0 or 1."""
    return float((label.sum() + 0.5) / (len(label) + 1))


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with figures that a JSON file can hold: six digits, none for what has no value."""

    def clean(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: clean(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [clean(v) for v in value]
        if isinstance(value, float):
            return float(f"{value:.6g}") if np.isfinite(value) else None
        return value

    return clean(values)
