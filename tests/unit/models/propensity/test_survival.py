"""Subscribers who leave by a known hazard, observed for different spans."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cdp.core.errors import ContractError
from cdp.models.propensity.survival import MONTHS, fit_survival, score_survival

CLOCKS = {"months_to_renewal": -1.0}


def make_subscribers(count: int, *, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """One row a person; who has `flat` leaves rarely, all leave often in the month of renewal; truth of 12 months."""
    rng = np.random.default_rng(seed)
    flat, renewal = rng.random(count) < 0.5, rng.integers(0, 12, count)
    step = np.arange(12)
    hazard = np.where(flat[:, None], 0.02, 0.06) + 0.25 * (renewal[:, None] == step)
    left_in = 1 + np.where((gone := rng.random((count, 12)) < hazard).any(axis=1), gone.argmax(axis=1), 99)
    window = rng.integers(3, 15, count)  # censored when the data end
    people = pd.DataFrame(
        {
            "person": [f"p{i:05d}" for i in range(count)],
            "flat": flat,
            "months_to_renewal": renewal,
            "months_seen": np.minimum(left_in, window),
            "left": left_in <= window,
        }
    )
    return people, 1 - np.cumprod(1 - hazard, axis=1)


def fit(people: pd.DataFrame):  # type: ignore[no-untyped-def]
    return fit_survival(people, id_column="person", months="months_seen", left="left", clocks=CLOCKS, repeats=1)


def test_censored_people_and_own_dates_give_the_true_probabilities():
    model = fit(make_subscribers(1500, seed=1)[0])
    people, truth = make_subscribers(2000, seed=2)
    scored = score_survival(model, people[["person", "flat", "months_to_renewal"]], id_column="person")
    assert scored.columns.tolist() == ["id", *(f"p_left_by_{k}" for k in MONTHS), "reasons"]
    for k in MONTHS:
        p = scored[f"p_left_by_{k}"].to_numpy()
        assert p.mean() == pytest.approx(truth[:, k - 1].mean(), abs=0.03)
        assert np.abs(p - truth[:, k - 1]).mean() < 0.06
    soon = people["months_to_renewal"] == 0
    assert scored.loc[soon, "reasons"].str[0].str.startswith("months_to_renewal = 0 raises").all()
    assert (np.diff(scored.iloc[:, 1:5].to_numpy(), axis=1) >= 0).all()


def test_the_report_is_about_person_months():
    people, _ = make_subscribers(300, seed=3)
    report = fit(people).report
    assert report["people"] == 300
    assert report["person_months"] == people["months_seen"].clip(upper=12).sum()
    assert report["left"] == (people["left"] & (people["months_seen"] <= 12)).sum()


@pytest.mark.parametrize("value", [0, 1.5, None])
def test_months_that_are_none_are_refused(value):
    people, _ = make_subscribers(100, seed=4)
    people["months_seen"] = people["months_seen"].astype(object)
    people.loc[3, "months_seen"] = value
    with pytest.raises(ContractError, match="1 of 100 rows lack a whole number of months"):
        fit(people)


def test_a_clock_must_be_a_number_feature():
    people, _ = make_subscribers(100, seed=5)
    with pytest.raises(ContractError, match="no number features: flat"):
        fit_survival(people, id_column="person", months="months_seen", left="left", clocks={"flat": 1.0})
