"""A trend is believed as far as every year changed alike, and brings the last year's level to the day."""

from __future__ import annotations

import numpy as np
import pytest

from cdp.models.propensity.drift import Drift, learn_drift

BACK = np.repeat(np.arange(4), 1000)
EXPECTED = np.full(4000, 0.1)


def drift(*shares: float) -> Drift:
    """Of years from the last one back."""
    return learn_drift(BACK[: 1000 * len(shares)], EXPECTED[: 1000 * len(shares)], np.repeat(shares, 1000))


def test_a_level_that_changes_alike_every_year_is_brought_to_the_day():
    rises, falls = drift(0.16, 0.11, 0.077, 0.053), drift(0.053, 0.077, 0.11, 0.16)
    assert rises.trend == pytest.approx(np.sqrt(0.16 / 0.11), rel=0.05)
    assert falls.trend == pytest.approx(np.sqrt(0.053 / 0.077), rel=0.05)
    assert rises.last_year == pytest.approx(1.6, abs=0.01) and falls.last_year == pytest.approx(0.53, abs=0.01)


@pytest.mark.parametrize("shares", [
    (0.105, 0.098, 0.094, 0.103),  # one sd of 100 leavers is a tenth of them
    (0.2, 0.1, 0.1, 0.1),  # once
    (0.14, 0.08, 0.14, 0.08),  # to and fro
    (0.16, 0.1, 0.06),  # two changes may be alike by luck
])  # fmt: skip
def test_what_does_not_change_alike_every_year_is_no_trend(shares):
    assert drift(*shares).trend == 1.0


def test_a_year_with_hardly_any_leaver_due_says_nothing():
    assert learn_drift(np.zeros(30, dtype=int), np.full(30, 0.1), np.ones(30)) == Drift(1.0, 1.0)
    assert learn_drift(BACK, np.where(BACK == 0, 0.004, 0.1), np.where(BACK == 0, 0.02, 0.1)) == Drift(1.0, 1.0)
    assert learn_drift(BACK[1000:], EXPECTED[1000:], EXPECTED[1000:]) == Drift(1.0, 1.0)
