"""One probability from several models' log-odds: a non-negative logistic stack, which also calibrates.

Fitted on out-of-fold log-odds only. A prior draws the weights towards the plain average, so that a few positives give
an average and many give the data's own weights. Breiman 1996, "Stacked regressions", Machine Learning 24.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from cdp.models.arrays import Floats

PRIOR = 20.0  # the average counts like some hundred people; against thousands it is nothing


@dataclass(frozen=True)
class Stack:
    """log-odds = intercept + sum of weight x a layer's log-odds."""

    intercept: float
    weights: Floats

    def logits(self, layers: Floats) -> Floats:
        """Log-odds of each person from people x layers."""
        return np.asarray(self.intercept + layers @ self.weights)

    def pushes(self, layers: list[Floats]) -> Floats:
        """people x (features + 1) log-odds from each layer's; the last column holds the intercept."""
        found = np.sum([w * part for w, part in zip(self.weights, layers, strict=True)], axis=0)
        found[:, -1] += self.intercept
        return np.asarray(found)

    def shrunk(self, kept: float, layers: Floats, label: Floats) -> Stack:
        """The weights times `kept`, with the intercept that gives these people their observed share on average."""
        pushed, share = layers @ self.weights * kept, label.mean()
        low, high = special.logit(share) - np.array([pushed.max() + 1, pushed.min() - 1])
        found = optimize.brentq(lambda intercept: special.expit(intercept + pushed).mean() - share, low, high)
        return Stack(float(found), self.weights * kept)


def fit_stack(layers: Floats, label: Floats) -> Stack:
    """Weights by penalised maximum likelihood on people x layers out-of-fold log-odds."""
    count = layers.shape[1]
    start = np.r_[0.0, np.full(count, 1 / count)]
    design = np.column_stack([np.ones(len(label)), layers])
    prior = np.r_[1.0, np.full(count, PRIOR)]

    def loss(theta: Floats) -> tuple[float, Floats]:
        z = design @ theta
        away = theta - start
        value = log_losses(z, label).sum() + 0.5 * (prior * away**2).sum()
        return float(value), np.asarray(design.T @ (special.expit(z) - label) + prior * away)

    bounds = [(None, None)] + [(0.0, None)] * count
    theta = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Stack(float(theta[0]), np.asarray(theta[1:]))


def log_losses(logits: Floats, label: Floats) -> Floats:
    """Each person's negative log-likelihood."""
    return np.asarray(np.logaddexp(0, logits) - label * logits)
