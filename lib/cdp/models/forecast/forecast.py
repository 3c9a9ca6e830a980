"""Forecast every customer's purchases and spend behind a day, from nothing but the purchases up to that day.

Four layers, each learned on past cuts of the same data and taken only where those prove it: a BTYD model with
Gamma-Gamma; a boosted correction of it; the level of the totals; conformal intervals. Where the history is too short
for a past cut the model stands alone, and where not even that can be fitted, the pooled rate; the summary says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cdp.core.errors import ModelError
from cdp.models.arrays import Floats, Ints
from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.btyd.btyd import Terms, fit_each, fit_pooled_rate, terms_of
from cdp.models.btyd.btyd_fit import BtydFit
from cdp.models.btyd.gamma_gamma import GammaGammaFit
from cdp.models.btyd.intervals import spend_interval
from cdp.models.forecast.backtest import backtest
from cdp.models.forecast.cut_plan import plan_cuts
from cdp.models.forecast.factors import Amounts
from cdp.models.forecast.far_amounts import temper
from cdp.models.forecast.history import Cut, Purchases, cut_at, equal_histories, iso_day
from cdp.models.forecast.learned import bands_of, learn, season_of, settle_levels
from cdp.models.forecast.level import LastYear
from cdp.models.forecast.past import BASELINE, PastCut, choose_model, look_at_past, value_of_purchase

POOLED_RATE = "pooled_rate"
MAX_LEARNERS = 60_000  # customers that the past cuts are learned from; six cuts of them train in about a minute
QUIET_DAYS = 14  # an as-of date this far behind the last purchase looks like missing data
YEAR_WEEKS = 52
UNLIKE_THE_YEAR_BEFORE = 0.5  # ln of how far that year's miss is from the level taken: a season that may come again

#: called with a few words at the beginning of each step
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Forecast:
    """One element per customer with a purchase up to the as-of date, and how the figures came about.

    `customer`: ids of the `Purchases`. Money is as in the purchases, net of the days' returns; it means nothing where
    amounts are not known. `low` to `high` holds the actual spend of nine in ten customers.
    """

    customer: Ints
    amounts: Amounts
    low: Floats
    high: Floats
    summary: dict[str, Any]


@dataclass(frozen=True)
class Fitted:
    """The customers at the as-of date and all that is fitted on them; `refused`: model -> why it was left out."""

    cut: Cut
    weeks: float
    fits: dict[str, BtydFit]
    refused: dict[str, str]
    terms: dict[str, Terms]
    value: Floats
    money: GammaGammaFit | None


def forecast(purchases: Purchases, *, as_of: int, horizon_weeks: float, progress: Progress | None = None) -> Forecast:
    """Forecast the `horizon_weeks` after day `as_of` (days since 1970; that day itself is still history).

    Raises ModelError when there is no purchase up to `as_of`, or none before it.
    """
    known, warnings = temper(purchases.until(as_of))
    if not len(known.day):
        first = iso_day(int(purchases.day.min())) if len(purchases.day) else "never"
        raise ModelError(f"no purchase up to {iso_day(as_of)} (the first: {first}): choose a later as-of date")
    tell = progress or (lambda step: None)
    tell("fitting the purchase models")
    now = fit_now(cut_at(known, as_of), horizon_weeks)
    tell("learning from past cuts")
    learners = known.of(_is_learner(known.customer))
    plan = plan_cuts(int(known.day.min()), as_of, horizon_weeks)
    past = [p for p in look_at_past(learners, plan) if BASELINE in p.terms] if BASELINE in now.fits else []
    if not past:
        return _untested(now, warnings)
    model, ranking = choose_model(past, list(now.fits))
    season = season_of(past, plan, learners, as_of=as_of, weeks=horizon_weeks)
    levels = settle_levels(past, plan, model, season)
    learned, tested = learn(past, plan, model, levels)
    amounts = learned.forecast(now.cut, now.terms, now.value, horizon_weeks)
    low, high = bands_of(tested).interval(amounts.purchases, amounts.spend, horizon_weeks / plan.window_weeks)
    told = {
        "method": "btyd+correction" if learned.correction else "btyd",
        "model_ranking": ranking,
        "correction": asdict(learned.weights),
        "levels": asdict(levels),
        "intervals": "conformal",
        "past_window_weeks": plan.window_weeks,
        "backtest": backtest(tested, has_amounts=known.has_amounts),
    }
    facts = _facts(now, model, past, plan.window_weeks)
    facts["warnings"] += [*_warnings_of_season(season, levels.purchases.log_factor), *warnings]
    return Forecast(now.cut.customer, amounts, low, high, facts | told)


def fit_now(cut: Cut, weeks: float) -> Fitted:
    """Fit all models on the histories of a cut; the pooled rate where none can be fitted."""
    histories = equal_histories(cut)
    fits, refused = fit_each(histories)
    if not fits:
        fits = {POOLED_RATE: fit_pooled_rate(histories)}
    terms = {name: terms_of(fit.model, cut, weeks) for name, fit in fits.items()}
    return Fitted(cut, weeks, fits, refused, terms, *value_of_purchase(cut))


def _untested(now: Fitted, warnings: list[str]) -> Forecast:
    """No past cut to learn from: the most likely model as it is, with the intervals of BG/NBD itself."""
    model = max(now.fits, key=lambda name: now.fits[name].log_likelihood) if len(now.fits) > 1 else next(iter(now.fits))
    terms, cut = now.terms[model], now.cut
    count = terms.expected * (terms.bare.sum() / terms.expected.sum())
    amounts = Amounts(count, count * now.value, np.minimum(terms.p_any, count))
    fitted = now.fits.get(BASELINE, now.fits[model]).model
    low, high = amounts.spend, amounts.spend
    if now.money and isinstance(fitted, BgNbd):
        low, high = spend_interval(fitted, now.money.model, cut.x, cut.t_x, cut.age, cut.mean, now.weeks)
        low, high = np.minimum(low, amounts.spend), np.maximum(high, amounts.spend)
    told = {"method": POOLED_RATE if model == POOLED_RATE else "btyd", "intervals": "model"}
    facts = _facts(now, model, (), 0.0)
    facts["warnings"] += warnings
    return Forecast(cut.customer, amounts, low, high, facts | told)


def _facts(now: Fitted, model: str, past: Sequence[PastCut], window: float) -> dict[str, Any]:
    cut, fit = now.cut, now.fits[model]
    return {
        "as_of": iso_day(cut.as_of),
        "horizon_weeks": now.weeks,
        "customers": len(cut),
        "customers_with_a_repeat": int(np.count_nonzero(cut.x)),
        "purchase_days": len(cut.days.day),
        "first_purchase": iso_day(int(cut.days.day.min())),
        "last_purchase": iso_day(int(cut.days.day.max())),
        "has_amounts": cut.days.has_amounts,
        "model": model,
        "parameters": asdict(fit.model),
        "log_likelihood": fit.log_likelihood if np.isfinite(fit.log_likelihood) else None,
        "value_parameters": asdict(now.money.model) if now.money else None,
        "models_left_out": now.refused,
        "warnings": [*_warnings_of_fit(now, model), *_warnings_of_history(now, past, window)],
    }


def _warnings_of_fit(now: Fitted, model: str) -> list[str]:
    fit = now.fits[model]
    found = [*fit.warnings, *(now.money.warnings if now.money else ())]
    if fit.at_bound:
        found.append(
            f"the optimum of {model} lies at the bound of {', '.join(fit.at_bound)}: the purchases do not tell "
            "customers apart there, and the expectations are those of the limit"
        )
    if model == POOLED_RATE:
        found.append("too few customers or repeat purchases to fit a model: all rates are drawn from the pooled one")
    if now.money is None:
        found.append("no amounts: every day with a transaction is a purchase, and nothing is said about spend")
    return found


def _warnings_of_history(now: Fitted, past: Sequence[PastCut], window: float) -> list[str]:
    found = []
    days = now.cut.days.day
    if not past:
        found.append("nothing could be tested: the history holds no past day with a window behind it to learn from")
    elif window < now.weeks:
        found.append(f"the history is too short to test {now.weeks:g} weeks: past windows have {window:g}")
    if (now.cut.as_of - int(days.min())) / 7 < YEAR_WEEKS + now.weeks:
        found.append("less than a year and a horizon of history: no season can be told from it")
    quiet = now.cut.as_of - int(days.max())
    if quiet > QUIET_DAYS:
        found.append(f"the last purchase is {quiet} days before the as-of date: is the newest data missing?")
    return found


def _warnings_of_season(season: LastYear, taken: float) -> list[str]:
    if not abs(season.seen - taken) > UNLIKE_THE_YEAR_BEFORE:
        return []
    return [
        f"the same weeks of the year before had {np.exp(season.seen):.2g} times the purchases that BG/NBD would have "
        "expected. No earlier years prove that this comes again, and the totals do not take it over"
    ]


def _is_learner(customer: Ints) -> Any:
    """Whether each purchase's customer is one that past cuts are learned from: all, or a fixed part of very many."""
    share = MAX_LEARNERS / (int(customer.max()) + 1)
    return (customer * 2654435761) % 2**32 < share * 2**32
