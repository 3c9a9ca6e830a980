"""BG/NBD and MBG/NBD: how often a customer buys and when a customer is gone, as closed formulas in numpy.

While alive a customer buys as a Poisson process with a rate lambda; after each repeat purchase (BG) or each purchase,
the first one included (MBG), the customer drops out with probability p. lambda ~ Gamma(r, rate alpha), p ~ Beta(a, b);
all times are in weeks.

Per customer: `x` repeat purchase days, `t_x` first to last purchase day (0 if x = 0), `age` first purchase day to the
as-of date (the T of the papers), `h` a horizon behind the as-of date. Every function takes arrays and broadcasts.

Fader, Hardie, Lee 2005, "Counting your customers" the easy way, Marketing Science 24(2); Batislam, Denizel, Filiztekin
2007, International Journal of Research in Marketing 24(3) for the modified form. Everything is computed in logs and the
hypergeometric function in its Euler-transformed form: the printed form overflows from some hundred purchases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from cdp.models.arrays import Floats

REMOVABLE = 1e-6  # a = 1 and a + b + x = 1 are removable poles of the formulas: step beside them
MAX_TERMS = 100_000


@dataclass(frozen=True)
class BgNbd:
    """The four parameters. `alpha` is in weeks, the others have no unit; r / alpha is the mean rate a week."""

    r: float
    alpha: float
    a: float
    b: float

    first: ClassVar[int] = 0  # 1 where the first purchase can already be the last


@dataclass(frozen=True)
class MbgNbd(BgNbd):
    """The same four parameters, with a chance to leave after the first purchase too."""

    first: ClassVar[int] = 1


def log_likelihood(m: BgNbd, x: ArrayLike, t_x: ArrayLike, age: ArrayLike) -> Floats:
    """Log-likelihood of each customer's history."""
    xs, ts, ages = as_floats(x, t_x, age)
    alive, dead = _log_alive_dead(m, xs, ts, ages)
    lead = (
        special.gammaln(m.r + xs)
        - special.gammaln(m.r)
        + m.r * np.log(m.alpha)
        + special.betaln(m.a, m.b + xs + m.first)
        - special.betaln(m.a, m.b)
    )
    return np.asarray(lead + np.logaddexp(alive, dead), dtype=np.float64)


def p_alive(m: BgNbd, x: ArrayLike, t_x: ArrayLike, age: ArrayLike) -> Floats:
    """Probability that the customer has not dropped out by the as-of date.

    Always 1 for customers with one purchase under BG/NBD, so it is no churn score: use `p_any` for that.
    """
    alive, dead = _log_alive_dead(m, *as_floats(x, t_x, age))
    return np.asarray(np.exp(alive - np.logaddexp(alive, dead)))


def p_any(m: BgNbd, x: ArrayLike, t_x: ArrayLike, age: ArrayLike, h: ArrayLike) -> Floats:
    """Probability of at least one purchase within the next `h` weeks."""
    xs, ts, ages, hs = as_floats(x, t_x, age, h)
    return p_alive(m, xs, ts, ages) * -np.expm1(-(m.r + xs) * np.log1p(hs / (m.alpha + ages)))


def expected_purchases(m: BgNbd, x: ArrayLike, t_x: ArrayLike, age: ArrayLike, h: ArrayLike) -> Floats:
    """Expected number of purchase days within the next `h` weeks."""
    xs, ts, ages, hs = as_floats(x, t_x, age, h)
    return p_alive(m, xs, ts, ages) * _mean_if_alive(m, xs, ages, hs)


def expected_purchases_of_new(m: BgNbd, t: ArrayLike) -> Floats:
    """Expected number of repeat purchase days in the first `t` weeks of a customer nobody knows yet."""
    (weeks,) = as_floats(t)
    none = np.zeros_like(weeks)
    return p_alive(m, none, none, none) * _mean_if_alive(m, none, none, weeks)


def p_at_least(m: BgNbd, n: ArrayLike, x: ArrayLike, age: ArrayLike, h: ArrayLike) -> Floats:
    """Probability of `n` >= 1 or more purchase days within `h` weeks, given that the customer is alive now.

    The n-th purchase happens when the undisturbed process makes n (negative binomial) and the n - 1 purchases before it
    did not end the relation: P = E[(1-p)^(n-1)] * I_z(n, r + x) with z = h / (alpha + age + h).
    """
    ns, xs, ages, hs = as_floats(n, x, age, h)
    b = m.b + xs + m.first
    stays = special.betaln(m.a, b + ns - 1) - special.betaln(m.a, b)
    return np.asarray(np.exp(stays) * special.betainc(ns, m.r + xs, hs / (m.alpha + ages + hs)))


def _log_alive_dead(m: BgNbd, x: Floats, t_x: Floats, age: Floats) -> tuple[Floats, Floats]:
    """The two ways to a history: alive at the end, or gone after the last purchase (BG: impossible when x = 0)."""
    chances = x + m.first  # how often the customer could have left
    alive = -(m.r + x) * np.log(m.alpha + age)
    gone = np.log(m.a) - np.log(np.where(chances > 0, m.b + chances - 1, 1.0)) - (m.r + x) * np.log(m.alpha + t_x)
    return alive, np.where(chances > 0, gone, -np.inf)


def _mean_if_alive(m: BgNbd, x: Floats, age: Floats, h: Floats) -> Floats:
    a = m.a if abs(m.a - 1) > REMOVABLE else 1 + REMOVABLE
    c = a + m.b + m.first + x - 1
    c = np.where(np.abs(c) > REMOVABLE, c, REMOVABLE)
    z = h / (m.alpha + age + h)
    with np.errstate(all="ignore"):
        inner = special.hyp2f1(a + m.b + m.first - 1 - m.r, a - 1, c, z)
        mean = c / (a - 1) * (1 - (1 - z) ** (a - 1) * inner)
    # (r + x) h / (alpha + age) is the mean without dropout: nothing above it, nothing below 0 can be right.
    bound = (m.r + x) * h / (m.alpha + age)
    bad = ~np.isfinite(mean) | (mean < -1e-9 * bound) | (mean > bound * (1 + 1e-9))
    for i in np.flatnonzero(bad):
        flat = (np.broadcast_to(v, mean.shape).flat[i] for v in (x, age, h))
        mean.flat[i] = _mean_by_sum(m, *(float(v) for v in flat))
    return np.clip(mean, 0.0, bound)


def _mean_by_sum(m: BgNbd, x: float, age: float, h: float) -> float:
    """The same mean as the sum of P(n or more), for the rare corners where the hypergeometric function fails."""
    w = h / (m.alpha + age)
    mean = (m.r + x) * w
    last = mean + 12 * np.sqrt(mean * (1 + w)) + 40 * (1 + w)
    n = np.arange(1, min(int(last), MAX_TERMS) + 1)
    return float(p_at_least(m, n, x, age, h).sum())


def as_floats(*values: ArrayLike) -> Any:
    """The arguments as arrays of doubles of one shape, at least one element long."""
    return np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in values))
