"""The value model: JSON, scores, intervals against simulation, reasons."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from cdp.models.sufficient import Statistics

from cdp.models.btyd import bgnbd
from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.btyd.gamma_gamma import GammaGamma
from cdp.models.btyd.intervals import churn_interval, spend_interval
from cdp.models.figures import frequency_table
from cdp.models.reasons import churn_reasons
from cdp.models.value import INPUTS, ValueParameters, fit_value_model, score_value

PARAMS = ValueParameters(
    BgNbd(0.6, 8.0, 0.7, 3.0),
    GammaGamma(4.0, 3.5, 15.0),
    "bgnbd",
    "gamma_gamma",
    "2026-01-05",
    13,
    1000,
    -1234.5,
    0.05,
    ("careful",),
)
PEOPLE = pd.DataFrame(
    [(0, 0, 30, 20.0), (3, 12, 30, 50.0), (20, 29.5, 30, 12.0), (200, 100, 104, 9.0), (1, 3, 9, -4.0)],
    columns=list(INPUTS),
    dtype="float64",
)


def simulate_future(x, t_x, age, mean, h, draws=40_000):
    """The next `h` weeks of one person, drawn from the posterior: counts, spends and own churn probability."""
    rng, m, g = np.random.default_rng(5), PARAMS.bgnbd, PARAMS.gamma_gamma
    alive = rng.random(draws) < bgnbd.p_alive(m, x, t_x, age)[0]
    rate, p = rng.gamma(m.r + x, 1 / (m.alpha + age), draws), rng.beta(m.a, m.b + x, draws)
    nu = rng.gamma(g.p * (x + 1) + g.q, 1 / (g.gamma + (x + 1) * max(mean, 0)), draws)
    own_churn = np.where(alive, np.exp(-rate * h), 1.0)
    counts, now = np.zeros(draws), np.zeros(draws)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        alive &= now <= h
        counts += alive
        alive &= rng.random(draws) >= p
    spends = np.where(counts > 0, rng.gamma(np.maximum(g.p * counts, 1e-9)) / nu, 0.0)
    return counts, spends, own_churn


def test_json_round_trip_is_exact():
    assert ValueParameters.from_json(PARAMS.to_json()) == PARAMS


@pytest.mark.parametrize("row", range(len(PEOPLE)))
def test_scores_and_intervals_are_those_of_a_simulated_future(row):
    x, t_x, age, mean = PEOPLE.loc[row]
    counts, spends, own_churn = simulate_future(x, t_x, age, mean, 13)
    scored = score_value(PEOPLE.loc[[row]], PARAMS, horizon_weeks=13).iloc[0]
    assert scored["p_churn"] == pytest.approx((counts == 0).mean(), abs=0.01)
    assert scored["expected_purchases"] == pytest.approx(counts.mean(), rel=0.05)
    assert scored["ltv"] == pytest.approx(spends.mean(), rel=0.05)
    at = (np.array([v]) for v in (x, t_x, age))
    m, g = PARAMS.bgnbd, PARAMS.gamma_gamma
    x_, t_, age_ = at
    lo, hi = spend_interval(m, g, x_, t_, age_, np.array([mean]), 13)
    assert (spends > hi[0]).mean() == pytest.approx(min(0.05, (spends > 0).mean()), abs=0.006)
    if lo[0] > 0:
        assert (spends < lo[0]).mean() == pytest.approx(0.05, abs=0.006)
    else:
        assert (spends == 0).mean() > 0.045
    lo, hi = churn_interval(m, x_, t_, age_, 13)
    assert (own_churn < lo[0]).mean() == pytest.approx(0.05, abs=0.006) or lo[0] == 1
    assert (own_churn > hi[0]).mean() == pytest.approx(0.05, abs=0.006) or hi[0] == 1


def test_scores_lie_inside_their_intervals_and_rows_do_not_influence_each_other():
    rng = np.random.default_rng(2)
    x = rng.geometric(0.2, 3000) - 1.0
    age = rng.uniform(0.2, 150, 3000)
    many = pd.DataFrame(
        {
            "repeat_purchases": x,
            "recency_weeks": np.where(x > 0, age * rng.random(3000), 0),
            "age_weeks": age,
            "mean_value": rng.normal(30, 30, 3000),
        },
        index=np.arange(3000) * 7,
    )
    scored = score_value(many, PARAMS, horizon_weeks=13)
    assert scored.index.equals(many.index) and np.isfinite(scored.to_numpy()).all()
    for name in ("p_churn", "ltv"):
        assert (scored[f"{name}_lo"] <= scored[name]).all() and (scored[name] <= scored[f"{name}_hi"]).all()
    some = many.sample(50, random_state=1)
    alone = score_value(some, PARAMS, horizon_weeks=13)
    assert np.allclose(alone, scored.loc[some.index], rtol=1e-4)
    assert np.allclose(
        alone[["p_churn", "ltv", "p_alive"]], scored.loc[some.index, ["p_churn", "ltv", "p_alive"]], rtol=1e-12
    )


def test_an_empty_frame_gives_an_empty_frame():
    assert len(score_value(PEOPLE.head(0), PARAMS, horizon_weeks=13)) == 0


def test_one_time_buyers_churn_more_with_time_though_they_count_as_alive():
    once = pd.DataFrame([(0, 0, age, 20.0) for age in (2, 20, 80)], columns=list(INPUTS), dtype="float64")
    scored = score_value(once, PARAMS, horizon_weeks=13)
    assert (scored["p_alive"] == 1).all() and scored["p_churn"].is_monotonic_increasing
    assert scored["p_churn"].iloc[-1] > 0.9


def test_fit_names_what_fell_back_and_how_many_look_new_but_may_be_old(simulate):
    purchases = simulate(PARAMS.bgnbd, 2000, 8)
    values = pd.DataFrame({"n": [1.0, 2.0], "m": [10.0, 12.0], "people": [1990, 10]})
    params = fit_value_model(Statistics(date(2026, 1, 5), purchases, values), horizon_weeks=13)
    assert params.monetary == "shrunk_mean" and params.ltv_method == "bgnbd+shrunk_mean"
    assert any("100 are needed" in w for w in params.warnings)
    old = purchases["age"] > purchases["age"].max() - 4
    assert params.early_share == pytest.approx(purchases.loc[old, "people"].sum() / 2000)


def test_reasons_are_plain_words():
    x, t_x, age, alive = (
        np.array([0.0, 5, 5]),
        np.array([0.0, 25, 25]),
        np.array([1 / 7, 56, 26]),
        np.array([1.0, 0.2, 1]),
    )
    assert churn_reasons(x, t_x, age, alive) == [
        ["a single purchase, 1 day ago"],
        [
            "last purchase 31 weeks ago, usual gap 5 weeks",
            "6 purchase days in 56 weeks",
            "silent for longer than this person's rhythm explains",
        ],
        ["last purchase 7 days ago, usual gap 5 weeks", "6 purchase days in 26 weeks"],
    ]


def test_frequency_table_expects_what_the_process_makes(simulate):
    purchases = simulate(PARAMS.bgnbd, 20_000, 9)
    observed, expected = frequency_table(purchases, PARAMS.bgnbd)
    assert observed.sum() == expected.sum() == pytest.approx(20_000)
    assert np.abs(observed - expected).max() < 4 * np.sqrt(5000)
