"""Apply a value model: what every person of a cut will do within some horizons, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cdp.contracts.gold.predictions import HORIZONS
from cdp.models.arrays import Floats
from cdp.models.btyd.btyd import Terms, terms_of
from cdp.models.btyd.gamma_gamma import expected_value
from cdp.models.btyd.intervals import churn_interval
from cdp.models.forecast.correction import Correction, RawScores, logit, sigmoid
from cdp.models.forecast.cut_features import feature_names, features_at
from cdp.models.forecast.factors import Amounts
from cdp.models.forecast.far_amounts import temper_cut
from cdp.models.forecast.far_days import leave_out_of_cut
from cdp.models.forecast.history import Cut
from cdp.models.forecast.past import LEAST_VALUE
from cdp.models.forecast.push_tables import PushTables
from cdp.models.loyalty import STATES, score_loyalty
from cdp.models.value import ValueParameters

SURE = 1e-12  # probabilities stay this far inside (0, 1) where a logit is taken


class Scorer:
    """A value model ready to score: the boosters are read once."""

    def __init__(self, params: ValueParameters) -> None:
        self.params = params
        self.correction = Correction.from_text(params.boosters) if params.boosters else None
        self._tables: PushTables | None = None

    def score(self, cut: Cut, *, horizon_weeks: float) -> pd.DataFrame:
        """One row per customer of the cut, in its order; no customer influences another.

        Columns: p_churn with p_churn_lo/_hi, ltv with ltv_lo/_hi (90 %), p_alive, p_any, expected_purchases,
        expected_value (of one purchase day), push and push_on (what the correction's strongest feature adds to the
        logit of buying, and that feature's name; 0 and "" without one); and of each of `HORIZONS`
        expected_purchases_13w, p_any_13w, expected_spend_13w with _lo and _hi. More weeks never hold less. Where the
        version has segments: segment (its name), value_band and risk_band (segments.py); where it has a rhythm:
        loyalty_score and loyalty_state (loyalty.py).
        """
        params, cut = self.params, self._counted(cut)
        value = self.value(cut)
        own = {w: terms_of(params.model, cut, w) for w in sorted({horizon_weeks, *HORIZONS})}
        features = self.features(cut, value)
        raw = self.raw_scores(cut, features)
        found = {w: self.amounts(own[w], value, raw, w) for w in sorted({horizon_weeks, *HORIZONS})}
        found = dict(zip(found, _never_less(list(found.values())), strict=True))
        asked = found[horizon_weeks]
        lo, hi = self.spend_interval(asked, horizon_weeks)
        churn_lo, churn_hi = self._churn_interval(cut, 1 - asked.p_any, horizon_weeks)
        columns: dict[str, Any] = {
            "p_churn": 1 - asked.p_any,
            "p_churn_lo": churn_lo,
            "p_churn_hi": churn_hi,
            "ltv": asked.spend,
            "ltv_lo": lo,
            "ltv_hi": hi,
            "p_alive": own[horizon_weeks].p_alive,
            "p_any": asked.p_any,
            "expected_purchases": asked.purchases,
            "expected_value": asked.spend / np.maximum(asked.purchases, LEAST_VALUE),
        }
        for weeks in HORIZONS:
            columns |= self._horizon(found[weeks], weeks)
        columns |= self._segments(cut, asked) | self._loyalty(cut)
        return pd.DataFrame(columns | self._strongest_push(len(cut), features))

    def forecast(self, cut: Cut, weeks: float) -> Amounts:
        """Purchases, spend and P(any) within `weeks` alone."""
        cut = self._counted(cut)
        value = self.value(cut)
        raw = self.raw_scores(cut, self.features(cut, value))
        return self.amounts(terms_of(self.params.model, cut, weeks), value, raw, weeks)

    def features(self, cut: Cut, value: Floats) -> Floats | None:
        """What the correction looks at, for the window that it was trained on; None where there is no correction."""
        if self.correction is None:
            return None
        params = self.params
        terms = terms_of(params.model, cut, params.window_weeks)
        return features_at(cut, terms, value, params.window_weeks, params.look_backs)

    def raw_scores(self, cut: Cut, features: Floats | None) -> RawScores:
        """The correction's scores; 0 where there is none."""
        if self.correction is None or features is None:
            return RawScores(*(np.zeros(len(cut)) for _ in range(3)))
        return self.correction.score(features)

    def pushes(self, features: Floats) -> Floats:
        """What each feature adds to the logit of buying: rows x features; 0 where there is no correction."""
        if self.correction is None:
            return np.zeros(features.shape)
        self._tables = self._tables or self.correction.push_tables()
        return self.params.weights.any * self._tables.pushes(features)

    def value(self, cut: Cut) -> Floats:
        """Expected net value of one purchase day."""
        return np.maximum(expected_value(self.params.gamma_gamma, cut.count, cut.mean), LEAST_VALUE)

    def amounts(self, terms: Terms, value: Floats, raw: RawScores, weeks: float) -> Amounts:
        """The terms of a horizon, corrected and on their level."""
        corrected = self.params.weights.corrected(terms.expected, value, terms.p_any, raw)
        return self.params.level_at(weeks).apply(*corrected)

    def spend_interval(self, amounts: Amounts, weeks: float) -> tuple[Floats, Floats]:
        """The conformal interval of the spend."""
        return self.params.bands.interval(amounts.purchases, amounts.spend, weeks / self.params.window_weeks)

    def _counted(self, cut: Cut) -> Cut:
        """The cut with amounts and days within the limits of the training, whatever else is there now."""
        return temper_cut(leave_out_of_cut(cut, self.params.days_limit), self.params.amount_limit)

    def _churn_interval(self, cut: Cut, churn: Floats, weeks: float) -> tuple[Floats, Floats]:
        """BG/NBD's interval of the person's own probability, moved in the logit as far as the score is from its own."""
        model = self.params.bgnbd
        theirs = np.clip(1 - terms_of(model, cut, weeks).p_any, SURE, 1 - SURE)
        moved = logit(np.clip(churn, SURE, 1 - SURE)) - logit(theirs)
        lo, hi = churn_interval(model, cut.x, cut.t_x, cut.age, weeks)
        lo, hi = (sigmoid(logit(np.clip(end, SURE, 1 - SURE)) + moved) for end in (lo, hi))
        return lo.clip(max=churn), hi.clip(min=churn)

    def _strongest_push(self, n: int, features: Floats | None) -> dict[str, Floats | list[str]]:
        if features is None or not self.params.weights.any:
            return {"push": np.zeros(n), "push_on": [""] * n}
        pushes = self.pushes(features)
        best = np.abs(pushes).argmax(axis=1)
        names = feature_names(self.params.look_backs)
        return {"push": pushes[np.arange(len(best)), best], "push_on": [names[i] for i in best.tolist()]}

    def _segments(self, cut: Cut, amounts: Amounts) -> dict[str, Any]:
        segments = self.params.segments
        if segments is None:
            return {}
        value, risk = segments.bands(amounts)
        names = np.array(segments.names, dtype=object)[segments.numbers(cut, amounts)]
        return {"segment": names, "value_band": value, "risk_band": risk}

    def _loyalty(self, cut: Cut) -> dict[str, Any]:
        if self.params.rhythm is None:
            return {}
        found = score_loyalty(cut, self.params.rhythm)
        return {"loyalty_score": found.score, "loyalty_state": np.array(STATES, dtype=object)[found.state]}

    def _horizon(self, amounts: Amounts, weeks: int) -> dict[str, Floats]:
        lo, hi = self.spend_interval(amounts, weeks)
        return {
            f"expected_purchases_{weeks}w": amounts.purchases,
            f"p_any_{weeks}w": amounts.p_any,
            f"expected_spend_{weeks}w": amounts.spend,
            f"expected_spend_{weeks}w_lo": lo,
            f"expected_spend_{weeks}w_hi": hi,
        }


def _never_less(by_weeks: Sequence[Amounts]) -> list[Amounts]:
    """Levels of horizons are settled apart: what is expected of fewer weeks is at least expected of more."""
    columns = ([getattr(a, name) for a in by_weeks] for name in ("purchases", "spend", "p_any"))
    grown = [np.maximum.accumulate(np.stack(column), axis=0) for column in columns]
    return [Amounts(*parts) for parts in zip(*grown, strict=True)]
