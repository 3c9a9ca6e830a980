"""The last year's ratio is believed as far as years differ by more than chance."""

from __future__ import annotations

import numpy as np
import pytest

from cdp.models.propensity.drift import last_year_ratio

BACK = np.repeat(np.arange(4), 1000)


def test_years_that_differ_by_chance_alone_say_nothing():
    expected = np.full(4000, 0.1)
    left = np.repeat([0.105, 0.098, 0.094, 0.103], 1000)  # one sd of 100 leavers is a tenth of them
    assert last_year_ratio(BACK, expected, left) == 1.0


def test_a_year_that_stands_out_is_believed_nearly_whole():
    expected = np.full(4000, 0.1)
    assert last_year_ratio(BACK, expected, np.repeat([0.16, 0.11, 0.07, 0.06], 1000)) == pytest.approx(1.57, abs=0.03)
    assert last_year_ratio(BACK, expected, np.repeat([0.05, 0.09, 0.12, 0.14], 1000)) == pytest.approx(0.53, abs=0.03)


def test_a_year_with_hardly_any_leaver_due_says_nothing():
    assert last_year_ratio(np.zeros(30, dtype=int), np.full(30, 0.1), np.ones(30)) == 1.0
    assert last_year_ratio(BACK, np.where(BACK == 0, 0.004, 0.1), np.where(BACK == 0, 0.02, 0.1)) == 1.0
