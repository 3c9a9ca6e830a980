"""Fit BG/NBD and MBG/NBD by maximum likelihood; the gradient is analytic."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from cdp.models.arrays import Floats
from cdp.models.btyd import bgnbd
from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.btyd.btyd_fit import (
    DISAGREE,
    BtydFit,
    Objective,
    checked_columns,
    maximise,
    minimise,
    names_at_bound,
    refuse_bounds,
    total_warning,
)

STARTS = ((0.3, 5.0, 0.8, 2.5), (1.0, 10.0, 1.0, 10.0))  # r, alpha, a, b; two valleys are known on real shops
NO_DROPOUT = (1e-6, 2.0)  # a, b of a process in which nobody ever leaves
PARAMETERS = ("r", "alpha", "a", "b")
FEW_LEAVE = 0.002  # mean dropout probability below which it is asked whether anybody leaves at all
LUCK = 2.0  # log-likelihood that two more parameters gain where nobody does (chi-square / 2)


def fit_bgnbd(purchases: pd.DataFrame) -> BtydFit[BgNbd]:
    """Fit BG/NBD on columns x, t_x, age (weeks) and people (how many share the row).

    Raises ModelError for too few people or repeat buyers and for an optimum at the bounds. Where next to nobody leaves
    and leaving explains the histories no better than luck would, the model without it is fitted instead, and the
    warnings say so. A chance of one in a thousand is not nothing to customers who come twice a week.
    """
    return refuse_bounds(maximise_bgnbd(purchases))


def maximise_bgnbd(purchases: pd.DataFrame, form: type[BgNbd] = BgNbd) -> BtydFit[BgNbd]:
    """The same for either `form`, but an optimum at the bounds is only named in the fit's `at_bound`."""
    rows = checked_columns(purchases)
    x, _, age, people = rows
    theta, value, agree = maximise(lambda *part: _objective(*part, first=form.first), rows, STARTS)
    warnings: tuple[str, ...] = () if agree else (DISAGREE,)
    model, total = form(*(float(v) for v in np.exp(theta))), float(people.sum())
    at_bound, has_dropout = names_at_bound(theta, PARAMETERS), True
    if model.a / (model.a + model.b) < FEW_LEAVE:
        without, value_without = _fit_without_dropout(rows, form)
        has_dropout = not at_bound and (value_without - value) * total > LUCK
        if not has_dropout:
            model, value = without, value_without
            at_bound = names_at_bound(np.log([model.r, model.alpha]), PARAMETERS)
            warnings += ("no dropout is visible in the data: fitted without it, everybody counts as alive",)
    warnings += total_warning(float(people @ bgnbd.expected_purchases_of_new(model, age)), float(people @ x))
    return BtydFit(model, -value * total, int(total), has_dropout, at_bound, warnings)


def _objective(x: Floats, t_x: Floats, age: Floats, people: Floats, *, first: int = 0) -> Objective:
    """Mean negative log-likelihood and its gradient in the logs of (r, alpha, a, b); `first` as in the models."""
    counts, row = np.unique(x, return_inverse=True)  # gamma functions depend on x alone: some hundred values
    at_count = np.bincount(row, weights=people)
    total, chances = people.sum(), x + first
    can_leave = chances > 0

    def objective(theta: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(theta)
        log_age, log_t = np.log(alpha + age), np.log(alpha + t_x)
        stayed = np.where(can_leave, b + chances - 1, 1)
        alive = -(r + x) * log_age
        dead = np.where(can_leave, np.log(a) - np.log(stayed) - (r + x) * log_t, -np.inf)
        both = np.logaddexp(alive, dead)
        on, off = people * np.exp(alive - both), people * np.exp(dead - both)
        kept = counts + first
        lead = (
            special.gammaln(r + counts)
            - special.gammaln(r)
            + r * np.log(alpha)
            + special.betaln(a, b + kept)
            - special.betaln(a, b)
        )
        left_out = special.digamma(a + b) - special.digamma(a + b + kept)
        d_r = at_count @ (special.digamma(r + counts) - special.digamma(r) + np.log(alpha)) - on @ log_age - off @ log_t
        d_alpha = total * r / alpha - on @ ((r + x) / (alpha + age)) - off @ ((r + x) / (alpha + t_x))
        d_a = at_count @ left_out + off.sum() / a
        d_b = at_count @ (left_out + special.digamma(b + kept) - special.digamma(b)) - off @ (1 / stayed)
        gradient = np.array([d_r * r, d_alpha * alpha, d_a * a, d_b * b])
        return float(-(at_count @ lead + people @ both) / total), -gradient / total

    return objective


def _fit_without_dropout(rows: tuple[Floats, Floats, Floats, Floats], form: type[BgNbd]) -> tuple[BgNbd, float]:
    """The NBD limit: r and alpha alone, with a dropout probability too small to matter."""
    full = _objective(*rows, first=form.first)
    fixed = np.log(NO_DROPOUT)

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, gradient = full(np.concatenate([theta, fixed]))
        return value, gradient[:2]

    theta, value = min((minimise(objective, np.log(s[:2])) for s in STARTS), key=lambda f: f[1])
    return form(float(np.exp(theta[0])), float(np.exp(theta[1])), *NO_DROPOUT), value
