"""90 % intervals of one person's churn probability and spend, from the fitted model itself.

They say how much one customer may differ from the expectation under the model (own rate, dropout, chance of each
purchase and value); they do not hold the error of the model's parameters or another season.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from cdp.models.arrays import Floats
from cdp.models.btyd import bgnbd, gamma_gamma
from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.btyd.gamma_gamma import GammaGamma

TAIL = 0.05  # on each side
MAX_PURCHASES = 2048  # counts above are cut off; an interval is then too narrow, never wrong in its mean
ROWS = 1024  # people worked on at once: at most 16 MB an array
STEPS = 22  # halvings in log money: 1e6 wide at first, 5e-6 relative at the end


def churn_interval(m: BgNbd, x: Floats, t_x: Floats, age: Floats, h: float) -> tuple[Floats, Floats]:
    """Credible interval of the person's own probability of no purchase within `h` weeks.

    With probability 1 - P(alive) it is 1, else exp(-lambda h) with lambda ~ Gamma(r + x, alpha + age): the quantiles of
    this mixture have a closed form.
    """
    alive = bgnbd.p_alive(m, x, t_x, age)
    with np.errstate(invalid="ignore", divide="ignore"):
        wave = h / (m.alpha + age)
        lo, hi = (
            np.where(alive > q, np.exp(-special.gammainccinv(m.r + x, np.minimum(q / alive, 1.0)) * wave), 1.0)
            for q in (TAIL, 1 - TAIL)
        )
    return lo, hi


def spend_interval(
    m: BgNbd, g: GammaGamma, x: Floats, t_x: Floats, age: Floats, mean_value: Floats, h: float
) -> tuple[Floats, Floats]:
    """Prediction interval of the person's net spend within `h` weeks: quantiles of a sum of N purchases.

    N has the exact BG/NBD distribution; the sum of n values, given the history, is (gamma + n0 m0) times a ratio of
    Gamma(p n) to Gamma(p n0 + q), of which the distribution function is taken by Paulson's approximation of F.
    """
    alive, wave = bgnbd.p_alive(m, x, t_x, age), h / (m.alpha + age)
    mean = (m.r + x) * wave
    top = np.minimum(np.ceil(mean + 4 * np.sqrt(mean * (1 + wave)) + 4), MAX_PURCHASES).astype(int)
    lo, hi = np.zeros_like(mean), np.zeros_like(mean)
    order = np.argsort(top, kind="stable")  # people with similar counts together, so that few cells are wasted
    for start in range(0, len(order), ROWS):
        rows = order[start : start + ROWS]
        tail = _p_at_least(m, x[rows], age[rows], h, int(top[rows].max())) * alive[rows, None]
        for q, out in ((1 - TAIL, lo), (TAIL, hi)):
            out[rows] = _spend_exceeded_with(q, tail, g, x[rows] + 1, np.maximum(mean_value[rows], 0.0))
    return lo, hi


def _p_at_least(m: BgNbd, x: Floats, age: Floats, h: float, top: int) -> Floats:
    """P(n or more purchases | alive), n = 1 .. top, one row per person; by recurrence, far cheaper than betainc."""
    shape, b = (m.r + x)[:, None], (m.b + x)[:, None]
    z = (h / (m.alpha + age + h))[:, None]
    n = np.arange(1, top + 1, dtype=np.float64)[None, :]
    exactly_0 = np.exp(shape * np.log1p(-z))
    exactly = exactly_0 * np.cumprod((shape + n - 1) / n * z, axis=1)
    at_least = 1 - exactly_0 - np.concatenate([np.zeros_like(z), np.cumsum(exactly, axis=1)[:, :-1]], axis=1)
    stays = np.cumprod((b + n - 1) / (m.a + b + n - 1), axis=1)  # E[(1-p)^n], needed for n - 1
    stays = np.concatenate([np.ones_like(z), stays[:, :-1]], axis=1)
    return np.clip(at_least, 0.0, 1.0) * stays


def _spend_exceeded_with(chance: float, tail: Floats, g: GammaGamma, n0: Floats, m0: Floats) -> Floats:
    """The amount that the spend exceeds with probability `chance`; 0 when a purchase is less likely than that."""
    found = np.zeros(len(n0))
    rows = np.flatnonzero((tail[:, 0] > chance) & (g.gamma + n0 * m0 > 0))
    if not len(rows):
        return found
    exactly = tail[rows] - np.concatenate([tail[rows, 1:], np.zeros((len(rows), 1))], axis=1)
    one = gamma_gamma.expected_value(g, n0[rows], m0[rows])
    scale, q = g.gamma + n0[rows] * m0[rows], g.p * n0[rows] + g.q
    p = g.p * np.arange(1, tail.shape[1] + 1)[None, :]
    # Paulson: F ~ F(2p, 2q) is below f with probability Phi(((1 - v) f^(1/3) - (1 - u)) / sqrt(v f^(2/3) + u))
    u, v, unit = 1 / (9 * p), (1 / (9 * q))[:, None], np.cbrt((q / scale)[:, None] / p)
    low, high = np.log(one * 1e-4), np.log(one * (tail.shape[1] + 1) * 100)
    for _ in range(STEPS):
        middle = (low + high) / 2
        f = np.exp(middle / 3)[:, None] * unit
        above = special.ndtr(((1 - u) - (1 - v) * f) / np.sqrt(v * f * f + u))
        over = np.einsum("ij,ij->i", exactly, above) > chance
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    found[rows] = np.exp((low + high) / 2)
    return found
