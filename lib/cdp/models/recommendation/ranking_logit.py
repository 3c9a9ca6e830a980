"""A logistic regression that turns a few features of a pair into the chance that it is bought: quick and calibrated.

Each feature enters standardised and cut at four standard deviations; a curved one has their squares too. On grocery
baskets that ranked repeat purchases better than some hundred boosted trees, at a thirtieth of their time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special

from cdp.models.arrays import Floats

TAIL = 4.0
LEAST_SLOPE = 0.01  # on one column, in log-odds for each of its standard deviations
SETTLED = 0.01  # purchases that a feature may still find too many or too few, of all that were learned from
RIDGE = 1.0  # in pseudo-observations; without it a part that nobody bought from has no finite intercept


@dataclass(frozen=True)
class RankingLogit:
    """`columns`: the features that it reads. `weights`: intercept, features and, where `is_curved`, their squares."""

    columns: tuple[int, ...]
    is_curved: bool
    mean: Floats
    scale: Floats
    weights: Floats

    def probability(self, features: Floats) -> Floats:
        """Pairs x features to a probability each."""
        z = self._standardised(features)
        straight = 1 + z.shape[1]
        raw = self.weights[0] + z @ self.weights[1:straight]
        if self.is_curved:
            raw += np.square(z, out=z) @ self.weights[straight:]
        return np.asarray(special.expit(raw))

    def to_facts(self) -> dict[str, Any]:
        """As plain numbers, for JSON."""
        return {name: np.asarray(value).tolist() for name, value in vars(self).items()}

    @staticmethod
    def from_facts(facts: Mapping[str, Any]) -> RankingLogit:
        """The inverse of `to_facts`."""
        numbers = {name: np.array(facts[name], dtype=np.float64) for name in ("mean", "scale", "weights")}
        return RankingLogit(tuple(facts["columns"]), bool(facts["is_curved"]), **numbers)

    def push_sizes(self) -> dict[int, float]:
        """Column -> mean absolute push from the mean on the log-odds, of a column that lies as the normal does."""
        z = special.ndtri((np.arange(1_000) + 0.5) / 1_000)[:, None]
        n = len(self.columns)
        squares = self.weights[1 + n :] if self.is_curved else np.zeros(n)
        pushes = z * self.weights[1 : 1 + n] + (z**2 - 1) * squares
        return dict(zip(self.columns, np.abs(pushes).mean(axis=0).tolist(), strict=True))

    def design(self, features: Floats) -> Floats:
        """What the weights stand for: ones, the standardised features and, where curved, their squares."""
        z = self._standardised(features)
        return np.hstack([np.ones((len(z), 1)), z, z * z] if self.is_curved else [np.ones((len(z), 1)), z])

    def _standardised(self, features: Floats) -> Floats:
        z = features[:, self.columns]  # a copy: these are the largest arrays of all
        z -= self.mean
        z /= self.scale
        return np.clip(z, -TAIL, TAIL, out=z)


def fit_logit(
    features: Floats, bought: Floats, *, columns: Sequence[int], is_curved: bool, rises: bool = False
) -> RankingLogit:
    """Fit by maximum likelihood with a small ridge. With `rises` the chance always rises with the first column, so that
    the order is its whatever the data say, and also where nothing was bought."""
    mean, scale = np.zeros(len(columns)), np.ones(len(columns))
    if len(features):
        mean, spread = features[:, columns].mean(axis=0), features[:, columns].std(axis=0)
        scale = np.where(spread < 1e-12, 1.0, spread)
    n_weights = 1 + len(columns) * (2 if is_curved else 1)
    start = np.zeros(n_weights)
    start[0] = special.logit((bought.sum() + RIDGE / 2) / (len(bought) + RIDGE))
    design = RankingLogit(tuple(columns), is_curved, mean, scale, start).design(features)
    weights = _settle(design, bought, start)
    if rises and weights[1] < LEAST_SLOPE:  # the loss is convex: the best slope allowed is the bound
        others = np.delete(np.arange(n_weights), 1)
        weights[others] = _settle(design[:, others], bought, start[others], offset=LEAST_SLOPE * design[:, 1])
        weights[1] = LEAST_SLOPE
    return RankingLogit(tuple(columns), is_curved, mean, scale, weights)


def _settle(design: Floats, bought: Floats, start: Floats, *, offset: Floats | float = 0.0) -> Floats:
    """The weights of the highest likelihood, drawn to the start, by Newton's steps within a trusted radius.

    These are some seven steps for tens of columns, where steps that know no curvature were some fifty. `offset`: on the
    log-odds, of what is not to be settled.
    """

    def loss(weights: Floats) -> tuple[float, Floats]:
        z = design @ weights + offset
        off = weights - start
        value = np.logaddexp(0.0, z).sum() - bought @ z + RIDGE / 2 * off @ off
        return float(value), design.T @ (special.expit(z) - bought) + RIDGE * off

    def curvature(weights: Floats) -> Floats:
        chance = special.expit(design @ weights + offset)
        weighted = design * np.sqrt(chance * (1 - chance))[:, None]
        return weighted.T @ weighted + RIDGE * np.eye(len(weights))

    found = optimize.minimize(loss, start, jac=True, hess=curvature, method="trust-exact", options={"gtol": SETTLED})
    return np.asarray(found.x)
