"""The value model: BG/NBD times Gamma-Gamma as one set of parameters that can be fitted, stored and applied.

It answers both questions about a customer without a contract: churn = P(no purchase in the horizon), and lifetime value
= expected purchases times expected value of one. Never 1 - P(alive): that is 0 for every one-time buyer.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from cdp.models.btyd import bgnbd, gamma_gamma
from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.btyd.bgnbd_fit import fit_bgnbd
from cdp.models.btyd.gamma_gamma import GammaGamma, fit_gamma_gamma
from cdp.models.btyd.intervals import churn_interval, spend_interval
from cdp.models.sufficient import Statistics

INPUTS = ("repeat_purchases", "recency_weeks", "age_weeks", "mean_value")
LEFT_TRUNCATION_WEEKS = 4.0  # a "first" purchase in the first weeks of the history may be an old customer's


@dataclass(frozen=True)
class ValueParameters:
    """All that scoring needs, and what it was fitted on.

    `horizon_weeks` is the horizon it was evaluated for and scores by default. `frequency` and `monetary` name the form
    (bgnbd | nbd; gamma_gamma | shrunk_mean). `early_share` is the share of people whose first purchase lies in the
    first weeks of the history: old customers that look new. Times in weeks; `as_of` is an ISO date.
    """

    bgnbd: BgNbd
    gamma_gamma: GammaGamma
    frequency: str
    monetary: str
    as_of: str
    horizon_weeks: int
    n_people: int
    log_likelihood: float
    early_share: float
    warnings: tuple[str, ...] = ()

    @property
    def ltv_method(self) -> str:
        """Name of the whole form, as gold.predictions shows it."""
        return f"{self.frequency}+{self.monetary}"

    def to_json(self) -> str:
        """Canonical JSON: keys sorted, floats in full precision."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> ValueParameters:
        """The inverse of `to_json`."""
        raw: dict[str, Any] = json.loads(text)
        raw["bgnbd"] = BgNbd(**raw["bgnbd"])
        raw["gamma_gamma"] = GammaGamma(**raw["gamma_gamma"])
        raw["warnings"] = tuple(raw["warnings"])
        return ValueParameters(**raw)


def fit_value_model(stats: Statistics, *, horizon_weeks: int) -> ValueParameters:
    """Fit both halves on the statistics of one as-of date.

    Raises ModelError when there are too few people or repeat purchases, or the purchase process cannot be told. A
    purchase value that cannot be fitted falls back to a shrunk mean, named in `monetary` and `warnings`.
    """
    frequency = fit_bgnbd(stats.purchases)
    money = fit_gamma_gamma(stats.values)
    people, age = stats.purchases["people"], stats.purchases["age"]
    early = float(people[age > stats.history_weeks - LEFT_TRUNCATION_WEEKS].sum() / people.sum())
    return ValueParameters(
        bgnbd=frequency.model,
        gamma_gamma=money.model,
        frequency="bgnbd" if frequency.has_dropout else "nbd",
        monetary="shrunk_mean" if money.is_fallback else "gamma_gamma",
        as_of=stats.as_of.isoformat(),
        horizon_weeks=horizon_weeks,
        n_people=frequency.n_people,
        log_likelihood=frequency.log_likelihood,
        early_share=early,
        warnings=frequency.warnings + money.warnings,
    )


def score_value(people: pd.DataFrame, params: ValueParameters, *, horizon_weeks: float) -> pd.DataFrame:
    """Score the columns `INPUTS` (doubles, weeks and money); one row out per row in, same index.

    Columns: p_churn with p_churn_lo/_hi, ltv with ltv_lo/_hi (90 %, see intervals.py; widened where needed so that the
    score lies inside), p_alive, p_any, expected_purchases, expected_value (of one purchase day), purchase_days.
    """
    x, t_x, age, mean = (people[c].to_numpy(dtype="float64") for c in INPUTS)
    m, g, h = params.bgnbd, params.gamma_gamma, float(horizon_weeks)
    any_ = bgnbd.p_any(m, x, t_x, age, h)
    count = bgnbd.expected_purchases(m, x, t_x, age, h)
    one = gamma_gamma.expected_value(g, x + 1, mean)
    churn, ltv = 1 - any_, count * one
    churn_lo, churn_hi = churn_interval(m, x, t_x, age, h)
    ltv_lo, ltv_hi = spend_interval(m, g, x, t_x, age, mean, h)
    scored = pd.DataFrame(
        {
            "p_churn": churn,
            "p_churn_lo": churn_lo.clip(max=churn),
            "p_churn_hi": churn_hi.clip(min=churn),
            "ltv": ltv,
            "ltv_lo": ltv_lo.clip(max=ltv),
            "ltv_hi": ltv_hi.clip(min=ltv),
            "p_alive": bgnbd.p_alive(m, x, t_x, age),
            "p_any": any_,
            "expected_purchases": count,
            "expected_value": one,
            "purchase_days": x + 1,
        },
        index=people.index,
    )
    return scored
