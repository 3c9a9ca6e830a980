"""Churn of made contracts, judged on the year behind the as-of day: one JSON line a horizon, one for speed.

``bench_contracts.py [--contracts N]``. The peer is a plain spline logistic of scikit-learn for each horizon, trained on
snapshots of the contracts that ran as many months before: AUC, Brier, calibration error and the differences to it.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from cdp.models.propensity.contracts import ID, Contracts, own_date, read_contracts
from cdp.models.propensity.subscription import forecast_churn
from cdp.models.propensity.survival import MONTHS

sys.path.insert(0, str(Path(__file__).parent))
from bench_propensity import emit, figures, fit_plain_logistic
from measure import describe_machine

AS_OF = date(2026, 6, 10)
MOST = 120  # months


def main() -> None:
    """Score as of a day, look at what came."""
    parser = argparse.ArgumentParser(description="Quality and speed of cdp subscription-churn, one JSON line each.")
    parser.add_argument("--contracts", type=int, default=10_000)
    frame = made_contracts(parser.parse_args().contracts)
    warnings.filterwarnings("ignore")
    started = time.monotonic()
    found = forecast_churn(frame, as_of=AS_OF)
    seconds = time.monotonic() - started
    day, later = np.datetime64(AS_OF), read_contracts(frame, as_of=date(2036, 1, 1))
    now = read_contracts(frame, as_of=AS_OF).running(day)
    left = later.rows((later.start <= day) & ~(later.end <= day))
    for months in MONTHS:
        y, p = left_within(left, day, months), found.people[f"p_left_by_{months}"].to_numpy()
        rival = plain_logistic(frame, now, day, months)
        ours, theirs = figures(p, y), figures(rival, y)
        line = {"what": f"left_by_{months}", "running": len(y), **ours}
        emit(line | {f"{name}_minus_plain_logistic": round(ours[name] - theirs[name], 5) for name in ours})
    emit({"what": "fit_and_score", "contracts": len(frame), "seconds": round(seconds, 1),
          "method": found.report["method"], **describe_machine()})  # fmt: skip


def left_within(running: Contracts, day: np.datetime64, months: int) -> np.ndarray:
    """Who of contracts that run on `day` had left `months` after their own date."""
    tenure = running.left_in(day)[0]
    _, left_in = running.left_in(np.datetime64("2035-01-01"))
    return ((left_in > 0) & (left_in <= tenure + months)).astype(np.float64)


def plain_logistic(frame: pd.DataFrame, now: Contracts, day: np.datetime64, months: int) -> np.ndarray:
    """The peer's probabilities for `now`, learned on who ran `months` before `day`."""
    before = own_date(np.array([day]), np.array([-months]))[0]
    then = read_contracts(frame, as_of=AS_OF).running(before)
    label = left_within(then, before, months)
    train, test = (
        c.snapshot(c.left_in(at)[0]).drop(columns=ID).fillna({"channel": "none"})
        for c, at in ((then, before), (now, day))
    )
    return fit_plain_logistic(train, label, test)


def made_contracts(count: int) -> pd.DataFrame:
    """Contracts of five years: monthly ones leave early, yearly ones when a year is over; price and channel matter."""
    rng = np.random.default_rng(2026)
    start = np.datetime64("2021-06-01") + rng.integers(0, 1830, count)
    monthly, price = rng.random(count) < 0.5, np.round(rng.gamma(9, 4, count), 2)
    channel = rng.choice(["shop", "web", "phone", None], count, p=[0.4, 0.4, 0.15, 0.05])
    mood = 0.5 * rng.normal(size=count)  # nobody knows it
    tenure = np.arange(MOST)
    yearly = np.where(tenure % 12 == 11, 0.22, 0.004)
    base = np.where(monthly[:, None], 0.02 + 0.05 * np.exp(-tenure / 6), yearly)
    odds = np.exp(mood + 0.6 * np.log(price / 36) + 0.5 * (channel == "phone") + 0.3 * (price > 50) * monthly)
    gone = rng.random((count, MOST)) < np.minimum(base * odds[:, None], 0.95)
    end = own_date(start, np.where(gone.any(axis=1), gone.argmax(axis=1) + 1, MOST))
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:06d}" for i in range(count)], "started_on": start, "ended_on": end,
            "plan": np.where(monthly, "monthly", "yearly"), "price": price, "channel": channel,
            **{f"noise_{i}": rng.normal(size=count) for i in range(4)},
        }
    )  # fmt: skip


if __name__ == "__main__":
    main()
