"""Loyalty and engagement: does a person still come as often as this very person used to, and spend as much?

Three trends, each against the person's own past and none of them a level: a customer of twice a year who keeps to that
is as loyal as one of twice a week. The less a person's own history says, the more the population's fills in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cdp.core.errors import ModelError
from cdp.models.arrays import Floats, Ints
from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.btyd.bgnbd_fit import maximise_bgnbd
from cdp.models.btyd.btyd import fit_pooled_rate
from cdp.models.forecast.history import Cut, equal_histories

OWN_GAPS = 5  # from so many gaps on a person's own count for more than the population's
RECENT_GAPS = 4  # usual gaps that the recent window holds: less is chance, more is late
ROUNDING = 1e-9  # weeks
STEPS = 100  # of the table of usual gaps
OF_AMOUNTS = 0.25  # of the trend; the rest is that of the pace, which says more of who comes again
LAPSED, UNUSUAL = 0.05, 0.1  # chances below which a silence is a leave, and anything else a change
STATES = ("rising", "steady", "fading", "lapsed")


@dataclass(frozen=True)
class Rhythm:
    """How the population buys. `r`, `alpha`: rates are Gamma(r, rate alpha weeks). `usual`: evenly spaced quantiles of
    how likely completed gaps were to last so long, each judged by its person's other purchases; empty without any.
    """

    r: float
    alpha: float
    usual: tuple[float, ...]

    @staticmethod
    def from_dict(raw: Mapping[str, Any]) -> Rhythm:
        """The inverse of `dataclasses.asdict`, after JSON."""
        return Rhythm(raw["r"], raw["alpha"], tuple(raw["usual"]))


@dataclass(frozen=True)
class Loyalty:
    """One element a person. `score`: 0 gone or going .. 1 coming more and more; about a half: keeps the rhythm.
    `state`: place in `STATES`.

    `silence`: weeks since the last purchase. `longer`: share of gaps of such a person that last longer than that.
    `pace`: purchases a week of the `recent` last weeks against before, shrunk to 1; `amount` the same of the amounts (1
    where they are not known).
    """

    score: Floats
    state: Ints
    silence: Floats
    longer: Floats
    pace: Floats
    amount: Floats
    recent: Floats


def learn_rhythm(cut: Cut, model: BgNbd | None = None) -> Rhythm:
    """The rhythm of the people of a cut, with the rates of `model`, else of one that is fitted here.

    Too few people to fit: the pooled rate. ModelError where no time has passed.
    """
    model = model or _fit(cut)
    owner, gaps = _gaps(cut)
    if not len(gaps):
        return Rhythm(model.r, model.alpha, ())
    lasted = _chance(model.r, model.alpha, cut.x[owner] - 1, cut.t_x[owner] - gaps / 7, gaps / 7)
    order = np.argsort(lasted, kind="stable")
    share = np.cumsum(1 / cut.x[owner][order])  # each person counts once, not each gap
    at = np.searchsorted(share, (np.arange(STEPS) + 0.5) / STEPS * share[-1])
    return Rhythm(model.r, model.alpha, tuple(np.round(lasted[order][np.minimum(at, len(order) - 1)], 6).tolist()))


def _fit(cut: Cut) -> BgNbd:
    histories = equal_histories(cut)
    try:
        return maximise_bgnbd(histories).model
    except ModelError:
        return fit_pooled_rate(histories).model


def score_loyalty(cut: Cut, rhythm: Rhythm) -> Loyalty:
    """The loyalty of the people of a cut; no person influences another, given the rhythm.

    score = trend x sqrt(usual). trend: the chance of so few recent purchases at one pace throughout; a quarter of it is
    the trend of the amounts, where they are known. usual: 1 up to the median gap, then twice `longer`; its root, since
    a long silence has lowered the pace already.
    """
    silence = cut.age - cut.t_x
    longer = _longer(cut, rhythm, silence)
    recent = np.minimum(cut.age / 2, RECENT_GAPS * (rhythm.alpha + cut.t_x) / (rhythm.r + cut.x))
    new, is_new = _recent(cut, recent)
    pace, surprise = _pace(cut, rhythm, recent, new)
    amount = _amount(cut, is_new)
    of_amounts = OF_AMOUNTS if cut.days.has_amounts else 0.0
    trend = (1 - of_amounts) * surprise + of_amounts * amount / (1 + amount)
    score = trend * np.sqrt(np.minimum(1, 2 * longer))
    state = np.select(
        [longer <= LAPSED, (longer <= UNUSUAL) | (surprise <= UNUSUAL), surprise >= 1 - UNUSUAL],
        [STATES.index("lapsed"), STATES.index("fading"), STATES.index("rising")],
        STATES.index("steady"),
    )
    return Loyalty(score, state.astype(np.int64), silence, longer, pace, amount, recent)


def loyalty_reasons(cut: Cut, found: Loyalty) -> list[list[str]]:
    """Two or three reasons a person: the silence, the pace and, where there are amounts to compare, these."""
    columns = (cut.x, found.silence, found.longer, found.recent, found.pace, found.amount)
    return [_reasons(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def count_states(found: Loyalty) -> dict[str, int]:
    """State -> people."""
    return {name: int((found.state == i).sum()) for i, name in enumerate(STATES)}


def _gaps(cut: Cut) -> tuple[Ints, Ints]:
    """The place of the person whose it is, and the days, of each completed gap."""
    who = np.repeat(np.arange(len(cut)), cut.count)
    same = who[1:] == who[:-1]
    return who[1:][same], np.diff(cut.days.day)[same]


def _chance(r: float, alpha: float, x: Floats, t: Floats, gap: Floats) -> Floats:
    """Probability that a gap lasts at least so long for somebody with `x` purchases in `t` weeks (Lomax)."""
    return np.asarray(np.exp((r + x) * (np.log(alpha + t) - np.log(alpha + t + gap))))


def _longer(cut: Cut, rhythm: Rhythm, silence: Floats) -> Floats:
    """Share of gaps that outlast the silence: the person's own, and the population's as if `OWN_GAPS` of them.

    The population's are compared in chances, not weeks: that takes the person's pace into account, and, since gaps that
    are more regular than chance have the chances that they have, how regular people are.
    """
    chance = _chance(rhythm.r, rhythm.alpha, cut.x, cut.t_x, silence)
    if rhythm.usual:
        chance = (1 + np.searchsorted(np.array(rhythm.usual), chance, side="right")) / (STEPS + 1)
    owner, gaps = _gaps(cut)
    days = cut.as_of - cut.days.day[cut.start + cut.count - 1]
    outlast = np.bincount(owner[gaps >= days[owner]], minlength=len(cut))
    return np.asarray((outlast + OWN_GAPS * chance) / (cut.x + OWN_GAPS))


def _recent(cut: Cut, recent: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """How many of the repeat purchases, and which of all purchases, lie in each person's recent window."""
    who = np.repeat(np.arange(len(cut)), cut.count)
    is_new = (cut.as_of - cut.days.day) / 7.0 < recent[who] - ROUNDING
    is_new[cut.start] = False  # the first purchase begins the relation
    return np.bincount(who[is_new], minlength=len(cut)).astype(np.float64), is_new


def _pace(cut: Cut, rhythm: Rhythm, recent: Floats, new: Floats) -> tuple[Floats, Floats]:
    """Rate of the recent window against that before, and how surprising so few recent purchases are at one rate.

    Both rates are Gamma-Poisson means under a prior at the person's own rate, as spread as the population's rates. The
    surprise is the mid-p value of the recent purchases among all, which at one rate are binomial whatever the rate.
    """
    before = cut.age - recent
    own = (rhythm.r + cut.x) / (rhythm.alpha + cut.age)
    rates = [(rhythm.r + n) / (rhythm.r / own + weeks) for n, weeks in ((new, recent), (cut.x - new, before))]
    share = np.divide(recent, cut.age, out=np.full(len(cut), 0.5), where=cut.age > 0)
    below = stats.binom.cdf(new - 1, cut.x, share)
    surprise = below + stats.binom.pmf(new, cut.x, share) / 2
    return rates[0] / rates[1], np.asarray(surprise)


def _amount(cut: Cut, is_new: NDArray[np.bool_]) -> Floats:
    """Geometric mean of the recent amounts over that of the others, shrunk as if one more of each had been equal."""
    who = np.repeat(np.arange(len(cut)), cut.count)
    logs = np.log(cut.days.amount)
    count = [np.bincount(who[chosen], minlength=len(cut)) for chosen in (is_new, ~is_new)]
    mean = [
        np.bincount(who[chosen], weights=logs[chosen], minlength=len(cut)) / np.maximum(n, 1)
        for chosen, n in zip((is_new, ~is_new), count, strict=True)
    ]
    pairs = count[0] * count[1] / np.maximum(count[0] + count[1], 1)
    return np.asarray(np.exp((mean[0] - mean[1]) * pairs / (pairs + 1)))


def _reasons(x: float, silence: float, longer: float, recent: float, pace: float, amount: float) -> list[str]:
    told = [f"silent for {silence:.1f} weeks; {longer:.0%} of such a person's gaps are longer"]
    if x == 0:
        return [*told, "a single purchase: there is no pace of its own yet"]
    told.append(f"buys {pace:.2f} times as often in the last {recent:.0f} weeks as before")
    if round(amount, 2) != 1:
        told.append(f"spends {amount:.2f} times as much a purchase as before")
    return told
