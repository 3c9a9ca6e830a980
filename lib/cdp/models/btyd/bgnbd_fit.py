"""Fit BG/NBD by maximum likelihood on aggregated purchase histories, and refuse what is no fit.

One row of the statistics is a combination (x, t_x, age) and the number of people who have it: the optimum is the same
as on one row per person, and a million people are a few hundred thousand rows. The gradient is analytic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import optimize, special

from cdp.core.errors import ModelError
from cdp.models.btyd import bgnbd
from cdp.models.btyd.bgnbd import BgNbd, Floats

STARTS = ((0.3, 5.0, 0.8, 2.5), (1.0, 10.0, 1.0, 10.0))  # r, alpha, a, b; two valleys are known on real shops
LOG_BOUND = 8.0  # parameters stay within exp(-8) .. exp(8)
NEAR_BOUND = 0.1  # an optimum this near (in logs) to a bound is the bound's, not the data's
MIN_PEOPLE = 50
MIN_REPEATERS = 20
NO_DROPOUT = (1e-6, 2.0)  # a, b of a process in which nobody ever leaves
NEGLIGIBLE_DROPOUT = 0.002  # mean dropout probability below which the fit is taken as "nobody leaves"
MAX_TOTAL_ERROR = 0.05


@dataclass(frozen=True)
class BgNbdFit:
    """Parameters with what is needed to judge them. `has_dropout` false: the data show no leaving (plain NBD)."""

    model: BgNbd
    log_likelihood: float
    n_people: int
    has_dropout: bool = True
    warnings: tuple[str, ...] = field(default=())


def fit_bgnbd(purchases: pd.DataFrame) -> BgNbdFit:
    """Fit on columns x, t_x, age (weeks) and people (how many share the row).

    Raises ModelError for too few people or repeat buyers and for an optimum at the bounds. One bound has a meaning of
    its own: a dropout probability near 0. Then the model without dropout is fitted instead, and the warnings say so.
    """
    x, t_x, age, people = (purchases[c].to_numpy(dtype=np.float64) for c in ("x", "t_x", "age", "people"))
    _check_data(x, t_x, age, people)
    found = sorted((_minimise(_objective(x, t_x, age, people), np.log(s)) for s in STARTS), key=lambda f: f[1])
    theta, value = found[0]
    warnings = []
    total = people.sum()
    if (found[1][1] - value) * total > 0.01:
        warnings.append("the two starts of the optimiser disagree; the better one was taken")
    model = BgNbd(*(float(v) for v in np.exp(theta)))
    has_dropout = model.a / (model.a + model.b) > NEGLIGIBLE_DROPOUT
    if not has_dropout:
        model, value = _fit_without_dropout(x, t_x, age, people)
        theta = np.log([model.r, model.alpha])
        warnings.append("no dropout is visible in the data: fitted without it, everybody counts as alive")
    _check_bounds(theta)
    expected = float(people @ bgnbd.expected_purchases_of_new(model, age))
    error = expected / float(people @ x) - 1
    if abs(error) > MAX_TOTAL_ERROR:
        warnings.append(f"expected repeat purchases differ from the observed ones by {error:+.1%}")
    return BgNbdFit(model, -value * float(total), int(total), has_dropout, tuple(warnings))


def _check_data(x: Floats, t_x: Floats, age: Floats, people: Floats) -> None:
    total, repeaters = people.sum(), people[x > 0].sum()
    if total < MIN_PEOPLE or repeaters < MIN_REPEATERS:
        raise ModelError(
            f"cannot fit BG/NBD: {total:.0f} people with a purchase, {repeaters:.0f} of them with a repeat purchase; "
            f"at least {MIN_PEOPLE} and {MIN_REPEATERS} are needed. Load a longer history or more customers."
        )
    bad = (t_x < 0) | (t_x > age) | (age <= 0) | (x < 0) | ((x == 0) != (t_x == 0)) | (people <= 0)
    if bad.any() or not np.isfinite(x + t_x + age + people).all():
        raise ModelError(
            f"cannot fit BG/NBD: {int(bad.sum())} rows of the statistics are impossible (need 0 <= t_x <= age, "
            "age > 0, t_x = 0 exactly when x = 0). Build the snapshots again."
        )


def _check_bounds(theta: Floats) -> None:
    near = np.abs(theta) > LOG_BOUND - NEAR_BOUND
    if near.any():
        names = ", ".join(n for n, bad in zip(("r", "alpha", "a", "b"), near, strict=False) if bad)
        raise ModelError(
            f"cannot fit BG/NBD: the optimum lies at the bound of {names}. The purchase histories do not tell "
            "customers apart (too short, or all alike): keep the last champion, or load a longer history."
        )


Objective = Callable[[Floats], tuple[float, Floats]]


def _minimise(objective: Objective, start: Floats) -> tuple[Floats, float]:
    result = optimize.minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-LOG_BOUND, LOG_BOUND)] * len(start),
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7},
    )
    if not np.isfinite(result.fun):
        raise ModelError(
            "cannot fit BG/NBD: the likelihood is not finite. Build the snapshots again and look for "
            "customers with impossible purchase counts."
        )
    return result.x, float(result.fun)


def _objective(x: Floats, t_x: Floats, age: Floats, people: Floats) -> Objective:
    """Mean negative log-likelihood and its gradient in the logs of (r, alpha, a, b)."""
    counts, row = np.unique(x, return_inverse=True)  # gamma functions depend on x alone: some hundred values
    at_count = np.bincount(row, weights=people)
    total, repeat = people.sum(), x > 0

    def objective(theta: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(theta)
        log_age, log_t = np.log(alpha + age), np.log(alpha + t_x)
        alive = -(r + x) * log_age
        dead = np.where(repeat, np.log(a) - np.log(np.where(repeat, b + x - 1, 1)) - (r + x) * log_t, -np.inf)
        both = np.logaddexp(alive, dead)
        on, off = people * np.exp(alive - both), people * np.exp(dead - both)
        lead = (
            special.gammaln(r + counts)
            - special.gammaln(r)
            + r * np.log(alpha)
            + special.betaln(a, b + counts)
            - special.betaln(a, b)
        )
        left_out = special.digamma(a + b) - special.digamma(a + b + counts)
        d_r = at_count @ (special.digamma(r + counts) - special.digamma(r) + np.log(alpha)) - on @ log_age - off @ log_t
        d_alpha = total * r / alpha - on @ ((r + x) / (alpha + age)) - off @ ((r + x) / (alpha + t_x))
        d_a = at_count @ left_out + off.sum() / a
        d_b = at_count @ (left_out + special.digamma(b + counts) - special.digamma(b)) - off[repeat] @ (
            1 / (b + x[repeat] - 1)
        )
        gradient = np.array([d_r * r, d_alpha * alpha, d_a * a, d_b * b])
        return float(-(at_count @ lead + people @ both) / total), -gradient / total

    return objective


def _fit_without_dropout(x: Floats, t_x: Floats, age: Floats, people: Floats) -> tuple[BgNbd, float]:
    """The NBD limit: r and alpha alone, with a dropout probability too small to matter."""
    full = _objective(x, t_x, age, people)
    fixed = np.log(NO_DROPOUT)

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, gradient = full(np.concatenate([theta, fixed]))
        return value, gradient[:2]

    theta, value = min((_minimise(objective, np.log(s[:2])) for s in STARTS), key=lambda f: f[1])
    return BgNbd(float(np.exp(theta[0])), float(np.exp(theta[1])), *NO_DROPOUT), value
