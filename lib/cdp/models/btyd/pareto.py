"""Pareto/NBD: how often a customer buys and when a customer is gone, with leaving at any time, in numpy.

While alive a customer buys as a Poisson process with a rate lambda and leaves at a rate mu, whether buying or not.
lambda ~ Gamma(r, rate alpha), mu ~ Gamma(s, rate beta); all times are in weeks. Arguments as in bgnbd.py.

Schmittlein, Morrison, Colombo 1987, Management Science 33(1); Fader & Hardie 2005, note 009. The likelihood's integral
over the time of leaving is taken by quadrature in logs: the usual closed form with 2F1 loses all digits for busy
customers (some hundred purchases) and in corners of the parameters, where an optimiser then ends with nonsense.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from cdp.models.arrays import Floats
from cdp.models.btyd.bgnbd import as_floats

NODES = 32  # the error of the log-likelihood is then below 1e-7 for parameters from 1e-3 to 3e3
ROWS = 20_000  # customers worked on at once: 8 MB an array of nodes
_LEGENDRE: dict[int, tuple[Floats, Floats]] = {}  # nodes on [0, 1]; a plain cache, since models are stored with code
REMOVABLE = 1e-8  # s = 1 is a removable pole of the expectation


@dataclass(frozen=True)
class ParetoNbd:
    """The four parameters. `alpha` and `beta` are in weeks; r / alpha is the mean rate of buying a week."""

    r: float
    alpha: float
    s: float
    beta: float


def log_likelihood(m: ParetoNbd, x: ArrayLike, t_x: ArrayLike, age: ArrayLike) -> Floats:
    """Log-likelihood of each customer's history."""
    xs, ts, ages = as_floats(x, t_x, age)
    lead = special.gammaln(m.r + xs) - special.gammaln(m.r) + m.r * np.log(m.alpha) + m.s * np.log(m.beta)
    return np.asarray(lead + np.logaddexp(log_alive(m, xs, ages), log_dead(m, xs, ts, ages)))


def p_alive(m: ParetoNbd, x: ArrayLike, t_x: ArrayLike, age: ArrayLike) -> Floats:
    """Probability that the customer has not left by the as-of date. No churn score: use `p_any` for that."""
    xs, ts, ages = as_floats(x, t_x, age)
    alive = log_alive(m, xs, ages)
    return np.asarray(np.exp(alive - np.logaddexp(alive, log_dead(m, xs, ts, ages))))


def p_any(m: ParetoNbd, x: ArrayLike, t_x: ArrayLike, age: ArrayLike, h: ArrayLike) -> Floats:
    """Probability of at least one purchase within the next `h` weeks: what the likelihood loses in a silent window."""
    xs, ts, ages, hs = as_floats(x, t_x, age, h)
    now, then = (np.logaddexp(log_alive(m, xs, end), log_dead(m, xs, ts, end)) for end in (ages, ages + hs))
    return np.asarray(np.clip(-np.expm1(then - now), 0.0, 1.0))


def expected_purchases(m: ParetoNbd, x: ArrayLike, t_x: ArrayLike, age: ArrayLike, h: ArrayLike) -> Floats:
    """Expected number of purchase days within the next `h` weeks."""
    xs, ts, ages, hs = as_floats(x, t_x, age, h)
    return p_alive(m, xs, ts, ages) * mean_if_alive(m, xs, ages, hs)


def expected_purchases_of_new(m: ParetoNbd, t: ArrayLike) -> Floats:
    """Expected number of repeat purchase days in the first `t` weeks of a customer nobody knows yet."""
    (weeks,) = as_floats(t)
    return mean_if_alive(m, np.zeros_like(weeks), np.zeros_like(weeks), weeks)


def mean_if_alive(m: ParetoNbd, x: Floats, age: Floats, h: Floats) -> Floats:
    """Expected number of purchases within `h` weeks of customers who are alive at the as-of date."""
    span = np.log1p(h / (m.beta + age))
    stays = span if abs(m.s - 1) < REMOVABLE else -np.expm1(-(m.s - 1) * span) / (m.s - 1)
    return np.asarray((m.r + x) * (m.beta + age) / (m.alpha + age) * stays)


def log_alive(m: ParetoNbd, x: Floats, age: Floats) -> Floats:
    """Log-weight of the histories that end alive (without the lead that both ways share)."""
    return np.asarray(-(m.r + x) * np.log(m.alpha + age) - m.s * np.log(m.beta + age))


def log_dead(m: ParetoNbd, x: Floats, t_x: Floats, age: Floats) -> Floats:
    """Log-weight of the histories that end with leaving between the last purchase and the as-of date; -inf if equal."""
    out = np.empty(len(x))
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        u, log_weight = leaving_times(m, x[rows], t_x[rows], age[rows])
        terms = log_weight - (m.r + x[rows]) * np.log(m.alpha + u) - (m.s + 1) * np.log(m.beta + u)
        top = terms.max(axis=0)
        top = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            out[rows] = np.log(m.s) + top + np.log(np.exp(terms - top).sum(axis=0))
    return out


def leaving_times(m: ParetoNbd, x: Floats, t_x: Floats, age: Floats, nodes: int = NODES) -> tuple[Floats, Floats]:
    """Nodes u of leaving in [t_x, age] and their log-weights, arrays of (nodes, customers).

    Gauss-Legendre in v = log1p(rho (u - t_x)), rho being how fast the integrand falls at t_x: then it is nearly a plain
    exponential for every customer, busy or not.
    """
    points, weights = _legendre(nodes)
    rho = (m.r + x) / (m.alpha + t_x) + (m.s + 1) / (m.beta + t_x)
    span = np.log1p(rho * (age - t_x))
    v = points[:, None] * span
    with np.errstate(divide="ignore"):
        return t_x + np.expm1(v) / rho, np.log(weights)[:, None] + np.log(span / rho) + v


def _legendre(nodes: int) -> tuple[Floats, Floats]:
    if nodes not in _LEGENDRE:
        points, weights = np.polynomial.legendre.leggauss(nodes)
        _LEGENDRE[nodes] = (points + 1) / 2, weights / 2
    return _LEGENDRE[nodes]
