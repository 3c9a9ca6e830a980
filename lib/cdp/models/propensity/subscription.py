"""Churn of subscribers from their contracts alone: fitted, tested on later days, chosen, scored.

Two methods compete on past days, each fitted on what was known then: discrete-time survival (`survival.py`) and, for
each horizon apart, a spline logistic on labelled snapshots. The better one scores, or the mean of their log-odds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cdp.core.errors import ModelError
from cdp.models import metrics
from cdp.models.arrays import Floats
from cdp.models.propensity.churn_models import LOGISTIC, MEAN, SURVIVAL, Logits, fit_models
from cdp.models.propensity.contracts import Contracts, own_date, read_contracts
from cdp.models.propensity.crossfit import REPEATS
from cdp.models.propensity.feature_columns import learn_columns
from cdp.models.propensity.feature_matrix import encode
from cdp.models.propensity.folds import hash_keys
from cdp.models.propensity.leakage import find_afterthoughts, find_leaks
from cdp.models.propensity.propensity import MIN_OUTCOMES
from cdp.models.propensity.propensity_metrics import gain, plain
from cdp.models.propensity.survival import MONTHS

CUTS, CUT_STEP = 3, 3  # so many past days, so many months apart
MIN_TESTED = 30
MAX_MONTHS = 1_000_000  # of all contracts together: some hundred coefficients do not get better with more


@dataclass(frozen=True)
class SubscriptionChurn:
    """`people`: one row a running contract; `report`: a document for summary.json; see `forecast_churn`."""

    people: pd.DataFrame
    report: dict[str, Any]


@dataclass(frozen=True)
class Tested:
    """One past day: who ran then, what each method said, and who left (by horizon)."""

    day: str
    ids: pd.Series
    logits: Logits
    left: Mapping[int, Floats]


def forecast_churn(
    frame: pd.DataFrame, *, as_of: date, on_step: Callable[[float], None] = lambda share: None
) -> SubscriptionChurn:
    """Probability to have left by month 1, 3, 6 and 12 of every contract that runs at the end of `as_of`.

    `frame`: see `read_contracts`. People: id (text), from_on (the contract's own date, the last one up to `as_of`, from
    which the months count), p_left_by_1, _3, _6, _12 (never falling), reasons (`pushes.py`; of the next month's
    hazard). Report: contracts, running, left; method, why; metrics by method and horizon (mean and sd over past days,
    each day's); gain over the spline logistic with its 95 % interval over persons; last_year (its hazards against all
    years') and trend (by what the day's, and so the scores', differ from those: `drift.py`); dropped; warnings.
    ModelError when none has left, none runs or none is a month old, ContractError for a file that is none of contracts.
    """
    contracts = read_contracts(frame, as_of=as_of)
    day = np.datetime64(as_of, "D")
    running, left, total = contracts.running(day), int((~np.isnat(contracts.end)).sum()), len(contracts)
    if not left or not len(running):
        what = "none runs" if not len(running) else "none of them has ended"
        raise ModelError(
            f"{len(contracts)} contracts as of {as_of}, and {what}: there is nothing to tell apart. Give contracts "
            "that ended beside those that run."
        )
    if not contracts.left_in(day)[0].any():
        raise ModelError(f"no contract is a month old on {as_of}: nothing is known yet of how long any lasts.")
    contracts, dropped, warnings = _without_leaks(contracts)
    running = contracts.running(day)
    contracts = _bounded(contracts, day)
    tested, untested = _backtest(contracts, day, on_step)
    models = fit_models(contracts, day, repeats=REPEATS, on_step=lambda share: on_step(0.6 + 0.4 * share))
    tenure, _ = running.left_in(day)
    logits, reasons = models.score(running, day)
    method, why = _choose(tested, logits)
    hazard = models.survival.report
    report = {
        "contracts": total, "running": len(running), "left": left, "method": method, "why": why,
        "metrics": _metrics(tested), "gain": _gains(tested, method),
        "last_year": models.drift.last_year,
        "trend": models.drift.trend,
        "hazard": {name: hazard.get(name) for name in ("method", "why", "person_months", "settings")},
        "dropped": {**dropped, **hazard["dropped"]},
        "warnings": [*contracts.warnings, *warnings, *hazard["warnings"], *untested],
    }  # fmt: skip
    people = _people(running, tenure, logits[method])
    return SubscriptionChurn(people.assign(reasons=reasons), plain(report))


def _people(running: Contracts, tenure: np.ndarray, logits: Mapping[int, Floats]) -> pd.DataFrame:
    people = pd.DataFrame({"id": running.ids.to_numpy(), "from_on": own_date(running.start, tenure).astype(object)})
    return people.assign(**{f"p_left_by_{k}": special.expit(logits[k]) for k in MONTHS})


def _without_leaks(contracts: Contracts) -> tuple[Contracts, dict[str, str], list[str]]:
    """Columns that are known only once a contract has ended (a reason, a status) go before it becomes snapshots."""
    plan = learn_columns(contracts.features, exclude=frozenset())
    matrix, ended = encode(contracts.features, plan), (~np.isnat(contracts.end)).astype(np.float64)
    of_ended = find_afterthoughts(matrix, ended)
    leaks, told = find_leaks(matrix.without(set(of_ended)), ended)
    told += [f"{name} is left out: {why}" for name, why in of_ended.items()]
    dropped = {**plan.dropped, **of_ended, **leaks}
    kept = Contracts(
        contracts.ids, contracts.start, contracts.end, contracts.features.drop(columns=list(dropped)),
        (*contracts.warnings, *plan.warnings),
    )  # fmt: skip
    return kept, dropped, told


def _bounded(contracts: Contracts, day: np.datetime64) -> Contracts:
    """What is learned from: all, or of very many a fixed part of the people."""
    months = int(contracts.left_in(day)[0].sum())
    if months <= MAX_MONTHS:
        return contracts
    keys = hash_keys(contracts.ids, 0)
    part = contracts.rows(keys <= np.quantile(keys, MAX_MONTHS / months))
    told = f"learned from a fixed part of the contracts: {len(part):,} of {len(contracts):,}"
    return replace(part, warnings=(*part.warnings, told))


def _backtest(
    contracts: Contracts, day: np.datetime64, on_step: Callable[[float], None]
) -> tuple[list[Tested], list[str]]:
    """Past days with the longest horizon behind them that leaves any, newest first, and the horizons left untested."""
    for longest in reversed(MONTHS):
        tested = []
        for i in range(CUTS):
            cut = own_date(np.array([day]), np.array([-longest - CUT_STEP * i]))[0]
            if (found := _test(contracts, cut, day, longest)) is not None:
                tested.append(found)
            on_step(0.6 * (i + 1) / CUTS)
        if tested:
            untested = [str(k) for k in MONTHS if k > longest]
            note = f"the history is too short to test {', '.join(untested)} months"
            return tested, [note] if untested else []
    return [], ["the history is too short to test any horizon: survival scores, untested"]


def _test(contracts: Contracts, cut: np.datetime64, day: np.datetime64, longest: int) -> Tested | None:
    """Fit as of the end of `cut` and look at `day` who had left; None where too little was known or happened."""
    running = contracts.running(cut)
    then = contracts.rows(contracts.start <= cut).left_in(cut)[1]
    if len(running) < MIN_TESTED or (then > 0).sum() < MIN_OUTCOMES:
        return None
    tenure, (_, left_in) = running.left_in(cut)[0], running.left_in(day)
    left = {k: ((left_in > 0) & (left_in <= tenure + k)).astype(np.float64) for k in MONTHS if k <= longest}
    if any(not 0 < happened.sum() < len(happened) for happened in left.values()):
        return None
    models = fit_models(contracts, cut, repeats=1, on_step=lambda share: None)
    return Tested(str(cut), running.ids, models.score(running, cut)[0], left)


def _choose(tested: list[Tested], logits: Logits) -> tuple[str, str]:
    """The method with the smallest Brier score against that of the base rate, over the past days and horizons."""
    shared = [m for m in (SURVIVAL, LOGISTIC, MEAN) if m in logits and all(m in t.logits for t in tested)]
    if not tested or len(shared) == 1:
        return SURVIVAL, "nothing to compare with on past days"
    ratio = {}
    for method in shared:
        ratio[method] = float(
            np.mean([
                metrics.brier(special.expit(t.logits[method][k]), y) / (y.mean() * (1 - y.mean()))
                for t in tested for k, y in t.left.items()
            ])
        )  # fmt: skip
    best = min(shared, key=lambda m: (ratio[m], shared.index(m)))
    told = ", ".join(f"{m} {r:.4f}" for m, r in ratio.items())
    return best, f"the smallest Brier score on {len(tested)} past days, as a share of the base rate's: {told}"


def _metrics(tested: list[Tested]) -> dict[str, Any]:
    """Method -> horizon -> figure -> mean and sd over the past days, and each day's."""
    found: dict[str, Any] = {}
    for method in {m for t in tested for m in t.logits}:
        for k in tested[0].left:
            by_day = {t.day: _figures(t.logits[method][k], t.left[k]) for t in tested if method in t.logits}
            names = next(iter(by_day.values()))
            found.setdefault(method, {})[f"{k} months"] = {
                name: {
                    "mean": float(np.mean([f[name] for f in by_day.values()])),
                    "sd": float(np.std([f[name] for f in by_day.values()])),
                    "by_day": {d: f[name] for d, f in by_day.items()},
                }
                for name in names
            }
    return dict(sorted(found.items()))


def _figures(logits: Floats, left: Floats) -> dict[str, float]:
    p = special.expit(logits)
    return {
        "auc": metrics.auc(logits, left),
        "brier": metrics.brier(p, left),
        "calibration_error": metrics.expected_calibration_error(p, left),
        "bias": metrics.aggregate_bias(p, left),
        "left": float(left.mean()),
    }


def _gains(tested: list[Tested], method: str) -> dict[str, Any]:
    """Horizon -> gain of what scores over the spline logistic, all past days together; positive is better."""
    both = [t for t in tested if LOGISTIC in t.logits]
    if not both or method == LOGISTIC:
        return {}
    ids = pd.concat([t.ids for t in both], ignore_index=True)
    found = {}
    for k in both[0].left:
        ours, theirs = (np.concatenate([t.logits[m][k] for t in both])[None] for m in (method, LOGISTIC))
        found[f"{k} months"] = gain(ours, theirs, np.concatenate([t.left[k] for t in both]), ids)
    return found
