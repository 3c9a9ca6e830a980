"""The two candidates of a training: BG/NBD with Gamma-Gamma alone, and the layers over the best purchase model.

Both are fitted on past cuts as they were known then, so that both can be judged on what came later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cdp.contracts.gold.predictions import HORIZONS
from cdp.core.errors import ModelError
from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.btyd.btyd import terms_of
from cdp.models.btyd.btyd_fit import refuse_bounds
from cdp.models.forecast.backtest import baseline_amounts
from cdp.models.forecast.correction import RawScores
from cdp.models.forecast.cut_features import features_at
from cdp.models.forecast.cut_plan import CutPlan, plan_cuts
from cdp.models.forecast.factors import Factors
from cdp.models.forecast.far_amounts import limit_of
from cdp.models.forecast.far_days import longest_ago
from cdp.models.forecast.forecast import Fitted, fit_now
from cdp.models.forecast.gate import Weights
from cdp.models.forecast.history import Purchases, cut_at, iso_day
from cdp.models.forecast.learned import Learned, Tested, bands_of, learn, season_of, settle_levels
from cdp.models.forecast.level import LastYear
from cdp.models.forecast.past import BASELINE, PastCut, choose_model, look_at_past
from cdp.models.value import ValueParameters

LEFT_TRUNCATION_WEEKS = 4.0  # a "first" purchase in the first weeks of the history may be an old customer's


@dataclass(frozen=True)
class Candidate:
    """Parameters for scoring, fitted on everything, and the same form's forecasts of the past cuts, newest first."""

    params: ValueParameters
    tested: list[Tested]


@dataclass(frozen=True)
class Candidates:
    """The layers and the baseline, and the fit of now that both stand on."""

    layers: Candidate
    baseline: Candidate
    now: Fitted
    window_weeks: float


def fit_candidates(known: Purchases, *, as_of: int, horizon_weeks: int) -> Candidates:
    """Fit both as of the end of day `as_of` (days since 1970) for horizons of `horizon_weeks` and `HORIZONS`.

    Raises ModelError where BG/NBD cannot be fitted, now or on any past cut with its window behind it.
    """
    now = fit_now(cut_at(known, as_of), horizon_weeks)
    if BASELINE not in now.fits:
        raise ModelError(now.refused[BASELINE])
    refuse_bounds(now.fits[BASELINE])
    plan = plan_cuts(int(known.day.min()), as_of, horizon_weeks)
    past = [p for p in look_at_past(known, plan) if BASELINE in p.terms]
    if not past:
        raise ModelError(
            f"no past day with {plan.window_weeks:g} weeks behind it holds enough people and purchases to test a model "
            f"on ({', '.join(map(iso_day, plan.days)) or 'the history is too short'}). Load a longer history."
        )
    held = [name for name, fit in now.fits.items() if not fit.at_bound]
    model, _ = choose_model(past, held)
    season = season_of(past, plan, known, as_of=as_of, weeks=horizon_weeks)
    learned, tested = learn(past, plan, model, settle_levels(past, plan, model, season))
    yearly = settle_levels(past, plan, model, LastYear(0.0))  # the season of a quarter is not that of half a year
    longer = replace(learned, levels=yearly)
    levels = _factors(now, {w: learned if w == horizon_weeks else longer for w in (horizon_weeks, *HORIZONS)})
    corrected = replace(
        _frozen(now, model, plan, tested, horizon_weeks),
        weights=learned.weights,
        boosters=learned.correction.to_text() if learned.correction else {},
        levels=levels,
    )
    layers = Candidate(corrected, tested)
    return Candidates(layers, _baseline(now, past, plan, len(tested), horizon_weeks), now, plan.window_weeks)


def _factors(now: Fitted, by_weeks: dict[int, Learned]) -> dict[int, Factors]:
    """The factors of every horizon over the people of now; what is corrected is learned on the past windows."""
    learned = next(iter(by_weeks.values()))
    model, raw = now.fits[learned.model].model, RawScores(*(np.zeros(len(now.cut)) for _ in range(3)))
    if learned.correction is not None:
        window = learned.plan.window_weeks
        terms = terms_of(model, now.cut, window)
        raw = learned.correction.score(features_at(now.cut, terms, now.value, window, learned.plan.look_backs))
    found = {}
    for weeks, its in sorted(by_weeks.items()):
        names = {its.model, its.levels.total_of, its.levels.any_of}
        found[weeks] = its.factors({n: terms_of(now.fits[n].model, now.cut, weeks) for n in names}, now.value, raw)
    return found


def _baseline(now: Fitted, past: Sequence[PastCut], plan: CutPlan, cuts: int, horizon_weeks: int) -> Candidate:
    tested = [Tested(p, baseline_amounts(p)) for p in past[:cuts]]
    params = _frozen(now, BASELINE, plan, tested, horizon_weeks)
    return Candidate(params, tested)


def _frozen(now: Fitted, model: str, plan: CutPlan, tested: Sequence[Tested], horizon_weeks: int) -> ValueParameters:
    """The parameters of a purchase model as it is, without correction and levels."""
    fit, money, bgnbd = now.fits[model], now.money, now.fits[BASELINE].model
    assert money is not None and isinstance(bgnbd, BgNbd)
    oldest = now.cut.age.max() - LEFT_TRUNCATION_WEEKS
    return ValueParameters(
        frequency="nbd" if model == BASELINE and not fit.has_dropout else model,
        model=fit.model,
        bgnbd=bgnbd,
        monetary="shrunk_mean" if money.is_fallback else "gamma_gamma",
        gamma_gamma=money.model,
        weights=Weights(),
        boosters={},
        look_backs=plan.look_backs,
        window_weeks=plan.window_weeks,
        levels={horizon_weeks: Factors()},
        amount_limit=limit_of(now.cut.days),
        days_limit=longest_ago(now.cut),
        bands=bands_of(tested),
        as_of=iso_day(now.cut.as_of + 1),
        horizon_weeks=horizon_weeks,
        n_people=len(now.cut),
        log_likelihood=fit.log_likelihood,
        early_share=float((now.cut.age > oldest).mean()),
        warnings=(*fit.warnings, *money.warnings),
    )
