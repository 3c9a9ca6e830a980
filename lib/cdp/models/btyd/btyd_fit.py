"""Fit a "buy till you die" model by maximum likelihood on aggregated purchase histories, and judge the fit.

One row of the statistics is a combination (x, t_x, age) and the number of people who have it: the optimum is the same
as on one row per person, and a million people are a few hundred thousand rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import pandas as pd
from scipy import optimize

from cdp.core.errors import ModelError
from cdp.models.arrays import Floats
from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.btyd.pareto import ParetoNbd

LOG_BOUND = 8.0  # parameters stay within exp(-8) .. exp(8)
NEAR_BOUND = 0.1  # an optimum this near (in logs) to a bound is the bound's, not the data's
MIN_PEOPLE = 50
MIN_REPEATERS = 20
MAX_TOTAL_ERROR = 0.05
SAMPLE_ROWS = 20_000  # the starts are tried on this many rows, the best one is finished on all

#: theta (logs of the parameters) -> mean negative log-likelihood and its gradient
Objective = Callable[[Floats], tuple[float, Floats]]
#: (x, t_x, age, people) -> the objective on these rows
Build = Callable[[Floats, Floats, Floats, Floats], Objective]


#: the kind of model that was fitted
M = TypeVar("M", bound=BgNbd | ParetoNbd)


@dataclass(frozen=True)
class BtydFit(Generic[M]):
    """Parameters with what is needed to judge them.

    `has_dropout` false: the data show no leaving (plain NBD). `at_bound`: parameters that the data did not hold.
    """

    model: M
    log_likelihood: float
    n_people: int
    has_dropout: bool = True
    at_bound: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())


def checked_columns(purchases: pd.DataFrame) -> tuple[Floats, Floats, Floats, Floats]:
    """Columns x, t_x, age, people as arrays; ModelError for too few people and for impossible rows."""
    x, t_x, age, people = (purchases[c].to_numpy(dtype=np.float64) for c in ("x", "t_x", "age", "people"))
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
    return x, t_x, age, people


def maximise(build: Build, rows: tuple[Floats, ...], starts: Sequence[Sequence[float]]) -> tuple[Floats, float, bool]:
    """The best theta over all starts, its objective, and whether two starts agree.

    With many rows the starts are tried on every k-th row (they come sorted: an even sample), and only the best of them
    goes on to all rows.
    """
    step = max(1, -(-len(rows[0]) // SAMPLE_ROWS))
    part = build(*(column[::step] for column in rows))
    found = sorted((minimise(part, np.log(s)) for s in starts), key=lambda f: f[1])
    agree = (found[1][1] - found[0][1]) * float(rows[3][::step].sum()) <= 0.01
    if step == 1:
        return *found[0], agree
    return *minimise(build(*rows), found[0][0]), agree


def minimise(objective: Objective, start: Floats) -> tuple[Floats, float]:
    """L-BFGS-B in the logs of the parameters; ModelError when the likelihood is not finite."""
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


def names_at_bound(theta: Floats, names: Sequence[str]) -> tuple[str, ...]:
    """The parameters whose logs lie at a bound."""
    near = np.abs(theta) > LOG_BOUND - NEAR_BOUND
    return tuple(name for name, bad in zip(names, near, strict=False) if bad)


def refuse_bounds(fit: BtydFit[M]) -> BtydFit[M]:
    """The fit, or ModelError where the optimum is the bound's and not the data's."""
    if fit.at_bound:
        raise ModelError(
            f"cannot fit BG/NBD: the optimum lies at the bound of {', '.join(fit.at_bound)}. The purchase histories do "
            "not tell customers apart (too short, or all alike): keep the last champion, or load a longer history."
        )
    return fit


def total_warning(expected: float, observed: float) -> tuple[str, ...]:
    """A warning when the fit does not give back the repeat purchases that it was fitted on."""
    error = expected / observed - 1
    if abs(error) <= MAX_TOTAL_ERROR:
        return ()
    return (f"expected repeat purchases differ from the observed ones by {error:+.1%}",)


DISAGREE = "the two starts of the optimiser disagree; the better one was taken"
