"""Fit Pareto/NBD by maximum likelihood; the gradient is analytic, under the integral of the likelihood."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from cdp.models.arrays import Floats
from cdp.models.btyd import pareto
from cdp.models.btyd.btyd_fit import (
    DISAGREE,
    BtydFit,
    Objective,
    checked_columns,
    maximise,
    names_at_bound,
    refuse_bounds,
    total_warning,
)
from cdp.models.btyd.pareto import ROWS, ParetoNbd, leaving_times

STARTS = ((0.3, 5.0, 0.8, 2.5), (1.0, 10.0, 1.0, 10.0))  # r, alpha, s, beta
FIT_NODES = 16  # moves the optimum by less than 1e-4 of its standard error; the stored log-likelihood is exact


def fit_pareto(purchases: pd.DataFrame) -> BtydFit[ParetoNbd]:
    """Fit on columns x, t_x, age (weeks) and people (how many share the row); ModelError as `fit_bgnbd`."""
    return refuse_bounds(maximise_pareto(purchases))


def maximise_pareto(purchases: pd.DataFrame) -> BtydFit[ParetoNbd]:
    """The same, but an optimum at the bounds is only named in the fit's `at_bound`."""
    rows = checked_columns(purchases)
    x, t_x, age, people = rows
    theta, _, agree = maximise(_objective, rows, STARTS)
    model = ParetoNbd(*(float(v) for v in np.exp(theta)))
    warnings: tuple[str, ...] = () if agree else (DISAGREE,)
    warnings += total_warning(float(people @ pareto.expected_purchases_of_new(model, age)), float(people @ x))
    return BtydFit(
        model,
        float(people @ pareto.log_likelihood(model, x, t_x, age)),
        int(people.sum()),
        at_bound=names_at_bound(theta, ("r", "alpha", "s", "beta")),
        warnings=warnings,
    )


def _objective(x: Floats, t_x: Floats, age: Floats, people: Floats) -> Objective:
    """Mean negative log-likelihood and its gradient in the logs of (r, alpha, s, beta)."""
    counts, row = np.unique(x, return_inverse=True)
    at_count, total = np.bincount(row, weights=people), people.sum()
    blocks = [slice(start, start + ROWS) for start in range(0, len(x), ROWS)]

    def objective(theta: Floats) -> tuple[float, Floats]:
        r, alpha, s, beta = np.exp(theta)
        m = ParetoNbd(r, alpha, s, beta)
        parts = [_block(m, x[rows], t_x[rows], age[rows], people[rows]) for rows in blocks]
        both = sum(value for value, _ in parts)
        slope = np.sum([slopes for _, slopes in parts], axis=0)
        lead = at_count @ (special.gammaln(r + counts) - special.gammaln(r))
        slope += [
            at_count @ (special.digamma(r + counts) - special.digamma(r)) + total * np.log(alpha),
            total * r / alpha,
            total * np.log(beta),
            total * s / beta,
        ]
        value = lead + total * (r * np.log(alpha) + s * np.log(beta)) + both
        return float(-value / total), -slope * np.exp(theta) / total

    return objective


def _block(m: ParetoNbd, x: Floats, t_x: Floats, age: Floats, people: Floats) -> tuple[float, Floats]:
    """Sum over people of log(alive + dead), and its slopes in r, alpha, s, beta.

    Both ways are sums of exp(w - (r + x) ln(alpha + u) - k ln(beta + u)): one term with u = age and k = s, and one per
    node of leaving with k = s + 1. The slopes are means of the terms' own slopes, weighted by the terms.
    """
    u, log_weight = leaving_times(m, x, t_x, age, FIT_NODES)
    u = np.concatenate([u, age[None, :]])
    log_weight = np.concatenate([log_weight + np.log(m.s), np.zeros((1, len(x)))])
    log_alpha, log_beta = np.log(m.alpha + u), np.log(m.beta + u)
    k = np.full((len(u), 1), m.s + 1)
    k[-1] = m.s
    terms = log_weight - (m.r + x) * log_alpha - k * log_beta
    top = terms.max(axis=0)
    share = np.exp(terms - top)
    both = share.sum(axis=0)
    share *= people / both
    gone = float(share[:-1].sum())
    slopes = np.array(
        [
            -np.einsum("ij,ij->", share, log_alpha),
            -np.einsum("ij,ij,j->", share, 1 / (m.alpha + u), m.r + x),
            gone / m.s - np.einsum("ij,ij->", share, log_beta),
            -np.einsum("ij,ij,ij->", share, 1 / (m.beta + u), np.broadcast_to(k, u.shape)),
        ]
    )
    return float(people @ (top + np.log(both))), slopes
