"""Who is still there in a month that runs has outstayed those who left in the part of it that is over."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from cdp.models.propensity.contracts import Contracts, read_contracts
from cdp.models.propensity.running_month import learn_running_month

DAY = np.datetime64("2026-06-10")


def made(start: np.ndarray, end: np.ndarray) -> Contracts:
    frame = pd.DataFrame({"customer_id": np.arange(len(start)), "started_on": start, "ended_on": end})
    return read_contracts(frame, as_of=date(2026, 6, 10))


def gone(start: np.ndarray, end: np.ndarray, of: str) -> float:
    never = np.full(1, np.datetime64("NaT", "D"))
    running = made(np.array([of], dtype="datetime64[D]"), never)
    return float(learn_running_month(made(start, end), DAY).gone(running, DAY)[0])


def test_leaving_on_any_day_is_gone_by_the_share_of_the_month():
    rng = np.random.default_rng(1)
    start = np.datetime64("2023-01-01") + rng.integers(0, 365, 4000)
    end = start + rng.integers(1, 700, 4000)
    assert gone(start, end, "2026-05-25") == pytest.approx(16 / 31, abs=0.06)
    assert gone(start, end, "2026-06-10") < 0.01  # his month has just begun
    assert gone(start, end, "2024-05-11") > 0.94  # and this one is all but over


def test_leaving_on_the_own_date_takes_nobody_before_it():
    start = np.repeat(np.array(["2024-01-25", "2024-02-03"], dtype="datetime64[D]"), 50)
    end = np.repeat(np.array(["2025-01-25", "2025-03-03"], dtype="datetime64[D]"), 50)
    assert gone(start, end, "2026-05-25") == 0.0


def test_ends_of_calendar_months_are_told_from_months_that_begin_near_the_same_day():
    start = np.repeat(np.array(["2024-01-25", "2024-02-05"], dtype="datetime64[D]"), 200)
    end = np.repeat(np.array(["2025-01-31", "2025-01-31"], dtype="datetime64[D]"), 200)
    assert gone(start, end, "2026-05-25") > 0.9  # 31 May is over
    assert gone(start, end, "2026-06-05") < 0.1  # 30 June is not
