"""Gamma-Gamma: what one purchase of a customer is worth, given the purchases so far.

Single purchase values of a customer ~ Gamma(p, rate nu) and nu ~ Gamma(q, rate gamma) over customers; `gamma` is money.
Per customer: `n` purchase days (the first one included: two one-time buyers need not look alike) and their mean net
value `m`. Fader, Hardie, Lee 2005, Journal of Marketing Research 42(4); Fader & Hardie 2013, note 025.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, special

from cdp.models.arrays import Floats

CAP_QUANTILE = 0.995  # one wholesale order must not decide what everybody else is worth
MIN_REPEATERS = 100
LOG_BOUND = 8.0
NEAR_BOUND = 0.1
MIN_Q = 1.01  # the mean of the population exists only for q > 1
STARTS = ((4.0, 3.5, 3.0), (1.0, 2.0, 1.0))
FALLBACK_WEIGHT = 2.0  # the population mean counts as much as this many purchases when nothing better is known
MAX_CORRELATION = 0.2


@dataclass(frozen=True)
class GammaGamma:
    """The three parameters; the population's mean purchase value is p gamma / (q - 1)."""

    p: float
    q: float
    gamma: float


@dataclass(frozen=True)
class GammaGammaFit:
    """Parameters with what is needed to judge them. `is_fallback`: a fixed shrinkage to the mean, not a fit."""

    model: GammaGamma
    log_likelihood: float
    n_people: int
    is_fallback: bool = False
    warnings: tuple[str, ...] = field(default=())


def log_likelihood(g: GammaGamma, n: ArrayLike, m: ArrayLike) -> Floats:
    """Log-likelihood of each customer's mean value, m > 0."""
    ns, ms = np.asarray(n, dtype=np.float64), np.asarray(m, dtype=np.float64)
    return np.asarray(
        special.gammaln(g.p * ns + g.q)
        - special.gammaln(g.p * ns)
        - special.gammaln(g.q)
        + g.q * np.log(g.gamma)
        + (g.p * ns - 1) * np.log(ms)
        + g.p * ns * np.log(ns)
        - (g.p * ns + g.q) * np.log(g.gamma + ns * ms)
    )


def expected_value(g: GammaGamma, n: ArrayLike, m: ArrayLike) -> Floats:
    """Expected net value of one purchase. A mean below 0 (more returned than bought) counts as 0."""
    ns, ms = np.asarray(n, dtype=np.float64), np.maximum(np.asarray(m, dtype=np.float64), 0.0)
    return np.asarray(g.p * (g.gamma + ns * ms) / (g.p * ns + g.q - 1))


def fit_gamma_gamma(values: pd.DataFrame) -> GammaGammaFit:
    """Fit on columns n (purchase days), m (mean net value) and people (how many share the row).

    Fitted on customers with a repeat purchase and a value above 0, the values capped. With too few of them, or at the
    bounds, the answer is a plain shrinkage to the population's mean, marked as a fallback with its reason.
    """
    usable = values[values["m"] > 0]
    n, m, people = (usable[c].to_numpy(dtype=np.float64) for c in ("n", "m", "people"))
    everybody = _fallback_model(n, m, people)
    repeat = n > 1
    n, m, people = n[repeat], m[repeat], people[repeat]
    total = float(people.sum())
    if total < MIN_REPEATERS:
        return _shrunk(everybody, total, f"{total:.0f} repeat buyers, {MIN_REPEATERS} are needed")
    m = np.minimum(m, _weighted_quantile(m, people, CAP_QUANTILE))
    scale = float(people @ m / total)  # fitted in units of the mean: starts and bounds fit any currency
    theta, value = min((_minimise(n, m / scale, people, start) for start in STARTS), key=lambda f: f[1])
    if (np.abs(theta) > LOG_BOUND - NEAR_BOUND).any() or np.exp(theta[1]) < MIN_Q * 1.001:
        return _shrunk(everybody, total, "the Gamma-Gamma fit ended at its bounds")
    p, q, gamma = (float(v) for v in np.exp(theta))
    correlation = _correlation(n, m, people)
    warnings: tuple[str, ...] = ()
    if abs(correlation) > MAX_CORRELATION:
        warnings = (f"frequency and purchase value are correlated ({correlation:+.2f}); the model takes them as apart",)
    return GammaGammaFit(
        GammaGamma(p, q, gamma * scale), -value * total - total * np.log(scale), int(total), False, warnings
    )


def _shrunk(model: GammaGamma, total: float, why: str) -> GammaGammaFit:
    return GammaGammaFit(model, float("nan"), int(total), True, (f"purchase values are shrunk to the mean: {why}",))


def _minimise(n: Floats, m: Floats, people: Floats, start: tuple[float, float, float]) -> tuple[Floats, float]:
    counts, row = np.unique(n, return_inverse=True)  # the gamma functions depend on n alone: some hundred values
    at_count, total = np.bincount(row, weights=people), people.sum()
    sum_log_m, sum_n_log_m, sum_n_log_n = people @ np.log(m), (people * n) @ np.log(m), (people * n) @ np.log(n)

    def objective(theta: Floats) -> float:
        p, q, gamma = np.exp(theta)
        gammas = at_count @ (special.gammaln(p * counts + q) - special.gammaln(p * counts))
        rest = total * (q * np.log(gamma) - special.gammaln(q)) + p * sum_n_log_m - sum_log_m + p * sum_n_log_n
        tail = (people * (p * n + q)) @ np.log(gamma + n * m)
        return float(-(gammas + rest - tail) / total)

    result = optimize.minimize(
        objective,
        np.log(start),
        method="L-BFGS-B",
        bounds=[(-LOG_BOUND, LOG_BOUND), (np.log(MIN_Q), LOG_BOUND), (-LOG_BOUND, LOG_BOUND)],
        options={"maxiter": 500, "ftol": 1e-13},
    )
    return result.x, float(result.fun)


def _fallback_model(n: Floats, m: Floats, people: Floats) -> GammaGamma:
    """E[M] = (n m + w mean) / (n + w), written as Gamma-Gamma parameters so that scoring knows one formula."""
    purchases = float(people @ n)
    mean = float((people * n) @ m / purchases) if purchases > 0 else 0.0
    return GammaGamma(1.0, 1.0 + FALLBACK_WEIGHT, FALLBACK_WEIGHT * mean)


def _weighted_quantile(values: Floats, weights: Floats, q: float) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) >= q * weights.sum()
    return float(values[order][np.argmax(reached)])


def _correlation(n: Floats, m: Floats, people: Floats) -> float:
    cov = np.cov(np.vstack([n, m]), aweights=people)
    spread = float(np.sqrt(cov[0, 0] * cov[1, 1]))
    return float(cov[0, 1]) / spread if spread > 0 else 0.0
