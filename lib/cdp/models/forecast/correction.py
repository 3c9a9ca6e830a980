"""A boosted correction of the BTYD terms: what trees see in a customer's rhythm that the model's formula does not.

Three boosters learn on past cuts with the BTYD term as offset: purchases (Poisson), spend (Tweedie) and any purchase
(binary). Each cut's own level (actual over expected total) is in the offset too, so that they learn who is above and
who is below, and carry no season. They give raw scores, to be added to the log (or the logit) of the BTYD term.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy import special

from cdp.models.arrays import Floats, Ints
from cdp.models.forecast.push_tables import PushTables, tabulate

ROUNDS = 120
SHAPE = {
    "learning_rate": 0.03,
    "num_leaves": 7,
    "min_data_in_leaf": 200,
    "lambda_l2": 20.0,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
OBJECTIVES: dict[str, dict[str, object]] = {
    "purchases": {"objective": "poisson"},
    "spend": {"objective": "tweedie", "tweedie_variance_power": 1.4},
    "any": {"objective": "binary"},
}


@dataclass(frozen=True)
class CutRows:
    """The customers of one past cut as examples. All columns have one element per customer.

    `features`; `expected`, `value`, `p_any`: the BTYD terms; `purchases`, `spend`: what happened in the window;
    `fold`: which part of the customers, the same at every cut.
    """

    features: Floats
    expected: Floats
    value: Floats
    p_any: Floats
    purchases: Floats
    spend: Floats
    fold: Ints

    def part(self, chosen: NDArray[np.bool_]) -> CutRows:
        """The rows where `chosen`."""
        return CutRows(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class RawScores:
    """Raw scores per customer: to be added to ln(expected), ln(expected x value) and logit(p_any)."""

    purchases: Floats
    spend: Floats
    any: Floats


@dataclass(frozen=True)
class Correction:
    """The three trained boosters."""

    boosters: dict[str, lgb.Booster]

    def score(self, features: Floats) -> RawScores:
        """Raw scores of these rows. The offset is not in them."""
        return RawScores(**{name: np.asarray(b.predict(features, raw_score=True)) for name, b in self.boosters.items()})

    def push_tables(self) -> PushTables:
        """What each feature adds to the logit of any purchase (exact Shapley values of the trees), to be looked up."""
        return tabulate(self.boosters["any"])

    def to_text(self) -> dict[str, str]:
        """Each booster as LightGBM writes it."""
        return {name: booster.model_to_string() for name, booster in self.boosters.items()}

    @staticmethod
    def from_text(boosters: Mapping[str, str]) -> Correction:
        """The inverse of `to_text`."""
        return Correction({name: lgb.Booster(model_str=text) for name, text in boosters.items()})


def train_correction(cuts: Sequence[CutRows]) -> Correction:
    """Train on the rows of one or more past cuts."""
    features = np.concatenate([c.features for c in cuts])
    targets = {
        "purchases": [c.purchases for c in cuts],
        "spend": [c.spend for c in cuts],
        "any": [(c.purchases > 0).astype(np.float64) for c in cuts],
    }
    offsets = {
        "purchases": [_levelled(c.expected, c.purchases) for c in cuts],
        "spend": [_levelled(c.expected * c.value, c.spend) for c in cuts],
        "any": [logit(shift_to(c.p_any, float((c.purchases > 0).mean()))) for c in cuts],
    }
    boosters = {}
    for name, objective in OBJECTIVES.items():
        data = lgb.Dataset(
            features, np.concatenate(targets[name]), init_score=np.concatenate(offsets[name]), free_raw_data=False
        )
        boosters[name] = lgb.train({**SHAPE, **objective}, data, ROUNDS)
    return Correction(boosters)


def logit(p: Floats) -> Floats:
    """ln(p / (1 - p))."""
    return np.log(p) - np.log1p(-p)


def shift_to(p: Floats, mean: float) -> Floats:
    """The probabilities with one logit shift for all, so that their mean is `mean`, as far as that is inside (0, 1)."""
    return np.clip(sigmoid(logit(p) + logit_shift(p, mean)), 1e-9, 1 - 1e-9)


def logit_shift(p: Floats, mean: float) -> float:
    """The shift that `shift_to` makes."""
    raw, low, high = logit(p), -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid(raw + middle).mean() < mean else (low, middle)
    return (low + high) / 2


def sigmoid(raw: Floats) -> Floats:
    """1 / (1 + e^-raw)."""
    return np.asarray(special.expit(raw))


def _levelled(term: Floats, actual: Floats) -> Floats:
    """ln of the term, scaled to the actual total; where nothing happened at all, the term alone."""
    total = float(actual.sum())
    return np.log(term) + (np.log(total / float(term.sum())) if total > 0 else 0.0)
