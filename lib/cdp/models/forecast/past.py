"""Past cuts of a shop: what the models would have said then, and what happened. All later layers learn from these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cdp.models import metrics as m
from cdp.models.arrays import Floats
from cdp.models.btyd.btyd import Terms, fit_each, terms_of
from cdp.models.btyd.gamma_gamma import GammaGammaFit, expected_value, fit_gamma_gamma
from cdp.models.forecast.correction import CutRows
from cdp.models.forecast.cut_features import features_at
from cdp.models.forecast.cut_plan import CutPlan
from cdp.models.forecast.gate import FOLDS
from cdp.models.forecast.history import Cut, Outcome, Purchases, cut_at, equal_histories, equal_values, outcome_of

BASELINE = "bgnbd"
PREFERRED = "pareto"  # ranks best or nearly so on most shops; another model must be better by more than luck
BY_LUCK = 0.004
MIN_BUYERS = 10  # in the window behind a cut, or nothing can be learned from it
LEAST_VALUE = 1e-6


@dataclass(frozen=True)
class PastCut:
    """One cut: `terms` of each model that could be fitted on it, `value` of one purchase, and the `outcome` behind."""

    cut: Cut
    terms: dict[str, Terms]
    value: Floats
    outcome: Outcome

    def ratio(self, name: str) -> float:
        """ln(actual / expected) total of purchases under the model `name`; NaN where nothing happened."""
        return log_ratio(self.outcome.purchases, self.terms[name].bare)

    def value_ratio(self, name: str) -> float:
        """The same of the value of one purchase: that of spend, less that of purchases."""
        return log_ratio(self.outcome.spend, self.terms[name].bare * self.value) - self.ratio(name)


def look_at_past(purchases: Purchases, plan: CutPlan) -> list[PastCut]:
    """The cuts of the plan, newest first, on which at least one model could be fitted and somebody bought later."""
    found = []
    for day in plan.days:
        cut = cut_at(purchases, day)
        outcome = outcome_of(purchases, cut, plan.window_weeks)
        fits, _ = fit_each(equal_histories(cut))
        if not fits or np.count_nonzero(outcome.purchases) < MIN_BUYERS:
            continue
        terms = {name: terms_of(fit.model, cut, plan.window_weeks) for name, fit in fits.items()}
        found.append(PastCut(cut, terms, value_of_purchase(cut)[0], outcome))
    return found


def value_of_purchase(cut: Cut) -> tuple[Floats, GammaGammaFit | None]:
    """Expected net value of one purchase of each customer, and the fit; all 1 and no fit where amounts are unknown."""
    if not cut.days.has_amounts:
        return np.ones(len(cut)), None
    fit = fit_gamma_gamma(equal_values(cut))
    return np.maximum(expected_value(fit.model, cut.count, cut.mean), LEAST_VALUE), fit


def choose_model(past: Sequence[PastCut], fitted: Sequence[str]) -> tuple[str, dict[str, float]]:
    """The model that ranks best on the past cuts, and all scores: AUC of P(any) + normalised Gini of the purchases.

    Ranking alone, since the layers behind settle level and calibration. `fitted` are the models that there are now.
    """
    names = sorted(name for name in fitted if all(name in p.terms for p in past))
    scores = {name: float(np.mean([_ranking(p, name) for p in past])) for name in names}
    return max(names, key=lambda name: scores[name] + (BY_LUCK if name == PREFERRED else 0.0)), scores


def rows_of(past: PastCut, name: str, plan: CutPlan) -> CutRows:
    """The cut as examples for the correction of the model `name`."""
    terms = past.terms[name]
    return CutRows(
        features_at(past.cut, terms, past.value, plan.window_weeks, plan.look_backs),
        terms.expected,
        past.value,
        terms.p_any,
        past.outcome.purchases,
        past.outcome.spend,
        past.cut.customer % FOLDS,
    )


def _ranking(past: PastCut, name: str) -> float:
    """AUC + Gini; that of chance where all customers did the same and nothing can be ranked."""
    came = (past.outcome.purchases > 0).astype(np.float64)
    terms = past.terms[name]
    auc, gini = m.auc(terms.p_any, came), m.normalised_gini(terms.expected, past.outcome.purchases)
    return (auc if np.isfinite(auc) else 0.5) + (gini if np.isfinite(gini) else 0.0)


def log_ratio(actual: Floats, expected: Floats) -> float:
    """ln(actual / expected) of the totals; NaN where nothing happened."""
    total = float(actual.sum())
    return float(np.log(total / float(expected.sum()))) if total > 0 else float("nan")
