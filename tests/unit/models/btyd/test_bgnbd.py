"""BG/NBD: published test values, another implementation, independent integration, recovery, scale and edge cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from cdp.core.errors import ModelError
from cdp.models.btyd import bgnbd
from cdp.models.btyd.bgnbd import BgNbd, MbgNbd
from cdp.models.btyd.bgnbd_fit import _objective, fit_bgnbd, maximise_bgnbd

MODEL = BgNbd(0.6, 8.0, 0.7, 3.0)
TABLE = [  # x, t_x, age, LL, P(alive), E[n in 26], P(any in 26)
    (0, 0, 30, -0.93488677, 1.0, 0.37514210, 0.26858784),
    (3, 12, 30, -10.55477753, 0.41470195, 0.88892242, 0.35121140),
    (20, 29.5, 30, -34.36792908, 0.95987740, 11.31895795, 0.95985658),
    (200, 100, 104, -85.74392022, 0.16377464, 7.08260801, 0.16377464),
]

MODIFIED = MbgNbd(0.6, 8.0, 0.7, 3.0)
TABLE_MODIFIED = [
    (0, 0, 30, -0.67818350, 0.62724140, 0.23950683, 0.16846942),
    (3, 12, 30, -10.76776722, 0.45952884, 1.00096923, 0.38917532),
    (20, 29.5, 30, -34.39965586, 0.96155479, 11.40806776, 0.96153394),
    (200, 100, 104, -85.75149041, 0.16445208, 7.11428036, 0.16445208),
]


@pytest.mark.parametrize(("x", "t_x", "age", "ll", "alive", "expected", "any_"), TABLE_MODIFIED)
def test_known_values_of_the_modified_form(x, t_x, age, ll, alive, expected, any_):
    assert bgnbd.log_likelihood(MODIFIED, x, t_x, age)[0] == pytest.approx(ll, abs=1e-7)
    assert bgnbd.p_alive(MODIFIED, x, t_x, age)[0] == pytest.approx(alive, abs=1e-8)
    assert bgnbd.expected_purchases(MODIFIED, x, t_x, age, 26)[0] == pytest.approx(expected, abs=1e-8)
    assert bgnbd.p_any(MODIFIED, x, t_x, age, 26)[0] == pytest.approx(any_, abs=1e-8)
    tail = bgnbd.p_at_least(MODIFIED, np.arange(1, 2000), x, age, 26).sum()
    assert tail * alive == pytest.approx(expected, rel=1e-6)


def test_modified_form_agrees_with_lifetimes(simulate):
    lifetimes = pytest.importorskip("lifetimes")
    rows = simulate(MODEL, 3000, 5)
    ours = maximise_bgnbd(rows, MbgNbd)
    at = lifetimes.ModifiedBetaGeoFitter._negative_log_likelihood
    logs = np.log([ours.model.r, ours.model.alpha, ours.model.a, ours.model.b])
    theirs = at(logs, *(rows[c].to_numpy(dtype=float) for c in ("x", "t_x", "age", "people")), 0.0)
    assert ours.log_likelihood == pytest.approx(-theirs * rows["people"].sum(), abs=1e-4)
    columns = [rows[c].to_numpy(dtype=float) for c in ("x", "t_x", "age", "people")]
    objective, theta = _objective(*columns, first=1), np.log([0.5, 6.0, 0.9, 2.0])
    for i in range(4):
        step = np.eye(4)[i] * 1e-6
        slope = (objective(theta + step)[0] - objective(theta - step)[0]) / 2e-6
        assert objective(theta)[1][i] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize(("x", "t_x", "age", "ll", "alive", "expected", "any_"), TABLE)
def test_known_values(x, t_x, age, ll, alive, expected, any_):
    assert bgnbd.log_likelihood(MODEL, x, t_x, age)[0] == pytest.approx(ll, abs=1e-8)
    assert bgnbd.p_alive(MODEL, x, t_x, age)[0] == pytest.approx(alive, abs=1e-8)
    assert bgnbd.expected_purchases(MODEL, x, t_x, age, 26)[0] == pytest.approx(expected, abs=1e-8)
    assert bgnbd.p_any(MODEL, x, t_x, age, 26)[0] == pytest.approx(any_, abs=1e-8)


def test_p_any_is_the_fall_of_the_likelihood_when_the_window_passes_in_silence():
    for x, t_x, age, *_ in TABLE:
        silent = bgnbd.log_likelihood(MODEL, x, t_x, age + 26.0) - bgnbd.log_likelihood(MODEL, x, t_x, age)
        assert bgnbd.p_any(MODEL, x, t_x, age, 26)[0] == pytest.approx(-np.expm1(silent)[0], abs=1e-10)


def test_same_numbers_as_lifetimes():
    lifetimes = pytest.importorskip("lifetimes")
    other = lifetimes.BetaGeoFitter()
    other.params_ = pd.Series({"r": 0.6, "alpha": 8.0, "a": 0.7, "b": 3.0})
    x, t_x, age = np.array([0, 1, 3, 20.0]), np.array([0, 5, 12, 29.5]), np.array([30.0, 30, 30, 30])
    ours = bgnbd.expected_purchases(MODEL, x, t_x, age, 26)
    theirs = other.conditional_expected_number_of_purchases_up_to_time(26, x, t_x, age)
    assert ours == pytest.approx(np.asarray(theirs), rel=1e-6)
    assert bgnbd.p_alive(MODEL, x, t_x, age) == pytest.approx(
        other.conditional_probability_alive(x, t_x, age), rel=1e-6
    )


def test_fit_agrees_with_lifetimes(simulate):
    lifetimes = pytest.importorskip("lifetimes")
    rows = simulate(MODEL, 3000, 5)
    ours = fit_bgnbd(rows)
    other = lifetimes.BetaGeoFitter().fit(rows["x"], rows["t_x"], rows["age"], weights=rows["people"], tol=1e-7)
    theirs = BgNbd(*(float(other.params_[k]) for k in ("r", "alpha", "a", "b")))
    assert [ours.model.r, ours.model.alpha, ours.model.a, ours.model.b] == pytest.approx(
        [theirs.r, theirs.alpha, theirs.a, theirs.b], rel=1e-3
    )
    at_theirs = rows["people"].to_numpy() @ bgnbd.log_likelihood(theirs, rows["x"], rows["t_x"], rows["age"])
    assert ours.log_likelihood >= at_theirs - 1e-4


@pytest.mark.parametrize("seed", [1, 2])
def test_recovery_of_known_parameters(simulate, seed):
    fit = fit_bgnbd(simulate(MODEL, 20_000, seed))
    assert fit.model.r == pytest.approx(MODEL.r, rel=0.07)
    assert fit.model.alpha == pytest.approx(MODEL.alpha, rel=0.07)
    assert fit.model.a == pytest.approx(MODEL.a, rel=0.12)
    assert fit.model.b == pytest.approx(MODEL.b, rel=0.15)
    assert fit.model.r / fit.model.alpha == pytest.approx(MODEL.r / MODEL.alpha, rel=0.03)
    assert fit.has_dropout and fit.warnings == () and fit.n_people == 20_000


def test_aggregated_fit_is_the_row_wise_fit(simulate):
    rows = simulate(MODEL, 2000, 3)
    rows["people"] = 1 + np.arange(len(rows)) % 3
    apart = rows.loc[rows.index.repeat(rows["people"])].assign(people=1)
    together, single = fit_bgnbd(rows), fit_bgnbd(apart)
    assert together.log_likelihood == pytest.approx(single.log_likelihood, rel=1e-9)
    assert together.model.b == pytest.approx(single.model.b, rel=1e-3)


def test_gradient_is_the_slope(simulate):
    columns = [simulate(MODEL, 500, 4)[c].to_numpy(dtype=float) for c in ("x", "t_x", "age", "people")]
    objective, theta = _objective(*columns), np.log([0.5, 6.0, 0.9, 2.0])
    for i in range(4):
        step = np.eye(4)[i] * 1e-6
        slope = (objective(theta + step)[0] - objective(theta - step)[0]) / 2e-6
        assert objective(theta)[1][i] == pytest.approx(slope, abs=1e-6)


def test_days_or_weeks_give_the_same_answers():
    weeks, days = MODEL, BgNbd(MODEL.r, MODEL.alpha * 7, MODEL.a, MODEL.b)
    for x, t_x, age, *_ in TABLE:
        assert bgnbd.p_any(days, x, t_x * 7, age * 7, 182) == pytest.approx(bgnbd.p_any(weeks, x, t_x, age, 26))
        assert bgnbd.expected_purchases(days, x, t_x * 7, age * 7, 182) == pytest.approx(
            bgnbd.expected_purchases(weeks, x, t_x, age, 26)
        )
        shift = bgnbd.log_likelihood(days, x, t_x * 7, age * 7) - bgnbd.log_likelihood(weeks, x, t_x, age)
        assert shift[0] == pytest.approx(-x * np.log(7))


def test_p_any_is_below_p_alive_and_expectation_and_both_grow_with_the_horizon():
    rng = np.random.default_rng(7)
    x = rng.integers(0, 60, 400).astype(float)
    age = rng.uniform(1, 150, 400)
    t_x = np.where(x > 0, age * rng.random(400), 0.0)
    before_any, before_mean = np.zeros(400), np.zeros(400)
    for h in (1, 4, 13, 52, 200):
        any_, mean = bgnbd.p_any(MODEL, x, t_x, age, h), bgnbd.expected_purchases(MODEL, x, t_x, age, h)
        assert (any_ <= bgnbd.p_alive(MODEL, x, t_x, age) + 1e-12).all() and (any_ <= mean + 1e-12).all()
        assert (any_ >= before_any).all() and (mean >= before_mean).all()
        before_any, before_mean = any_, mean


@pytest.mark.parametrize(
    "model",
    [
        MODEL,
        BgNbd(1.3, 20, 1.0, 4),
        BgNbd(2, 9, 0.2, 0.8),
        BgNbd(0.01, 0.5, 30, 900),
        BgNbd(0.4, 3, 0.001, 0.002),
        BgNbd(5, 300, 900, 1200),
    ],
)
@pytest.mark.parametrize("x", [0, 1, 7, 200, 1000])
def test_expectation_is_the_integral_over_what_is_not_known(model, x):
    """Given alive, lambda ~ Gamma(r + x, alpha + T) and p ~ Beta(a, b + x): integrate over p numerically."""
    age, h = 60.0, 13.0
    beta = stats.beta(model.a, model.b + x)
    nodes = (np.arange(200_000) + 0.5) / 200_000
    p = beta.ppf(nodes)
    p = p[p > 0]
    bought = -np.expm1(-(model.r + x) * np.log1p(p * h / (model.alpha + age))) / p
    by_integral = (bought.sum() + (model.r + x) * h / (model.alpha + age) * (200_000 - len(p))) / 200_000
    at = (np.array([float(v)]) for v in (x, age, h))
    assert bgnbd._mean_if_alive(model, *at)[0] == pytest.approx(by_integral, rel=1e-4)
    assert bgnbd._mean_by_sum(model, float(x), age, h) == pytest.approx(by_integral, rel=1e-4)


def test_expectation_is_the_sum_of_the_chances_of_one_two_and_more():
    for x, t_x, age, *_ in TABLE:
        tail = bgnbd.p_at_least(MODEL, np.arange(1, 2000), x, age, 26).sum() * bgnbd.p_alive(MODEL, x, t_x, age)[0]
        assert tail == pytest.approx(bgnbd.expected_purchases(MODEL, x, t_x, age, 26)[0], rel=1e-8)


def test_new_customer_expectation_by_integration_over_p():
    density = integrate.quad(lambda p: p**-1.3 * (1 - p) ** 2 * (1 - (1 + p * 52 / 8) ** -0.6), 0, 1)[0]
    norm = integrate.quad(lambda p: p**-0.3 * (1 - p) ** 2, 0, 1)[0]
    assert bgnbd.expected_purchases_of_new(MODEL, 52.0)[0] == pytest.approx(density / norm, rel=1e-6)


def test_a_shop_that_nobody_leaves_is_fitted_without_dropout():
    rng = np.random.default_rng(11)
    rate, age = rng.gamma(2.0, 1 / 6.0, 4000), np.full(4000, 52.0)
    x = rng.poisson(rate * age).astype(float)
    t_x = np.where(x > 0, age * rng.beta(np.maximum(x, 1), 1), 0.0)
    fit = fit_bgnbd(pd.DataFrame({"x": x, "t_x": t_x, "age": age, "people": 1}))
    assert not fit.has_dropout and "no dropout" in fit.warnings[0]
    assert fit.model.r == pytest.approx(2.0, rel=0.1)
    assert bgnbd.expected_purchases(fit.model, 10, 40, 52, 13)[0] == pytest.approx(
        (fit.model.r + 10) / (fit.model.alpha + 52) * 13, rel=1e-3
    )
    assert bgnbd.p_alive(fit.model, 10, 20, 52)[0] > 0.99


def test_few_leave_a_grocer_whose_customers_come_often_but_they_are_seen(simulate):
    lifetimes = pytest.importorskip("lifetimes")
    rows = simulate(BgNbd(1.4, 1.4, 0.02, 14.0), 4000, 6)
    fit = fit_bgnbd(rows)
    other = lifetimes.BetaGeoFitter().fit(rows["x"], rows["t_x"], rows["age"], weights=rows["people"], tol=1e-7)
    theirs = BgNbd(*(float(other.params_[k]) for k in ("r", "alpha", "a", "b")))
    at_theirs = rows["people"].to_numpy() @ bgnbd.log_likelihood(theirs, rows["x"], rows["t_x"], rows["age"])
    assert fit.has_dropout and fit.model.a / (fit.model.a + fit.model.b) < 0.002
    assert fit.log_likelihood >= at_theirs - 1e-4


def test_too_few_people_and_impossible_rows_are_refused_with_what_to_do(simulate):
    rows = simulate(MODEL, 500, 2)
    with pytest.raises(ModelError, match=r"at least 50 and 20 are needed\. Load"):
        fit_bgnbd(rows.head(40))
    with pytest.raises(ModelError, match="0 of them with a repeat"):
        fit_bgnbd(rows[rows["x"] == 0])
    with pytest.raises(ModelError, match="1 rows of the statistics are impossible"):
        fit_bgnbd(pd.concat([rows, pd.DataFrame({"x": [2.0], "t_x": [9.0], "age": [5.0], "people": [1]})]))


def test_customers_who_are_all_alike_are_refused():
    age = np.full(300, 52.0)
    x = np.full(300, 10.0)
    t_x = np.linspace(40, 51, 300)
    with pytest.raises(ModelError, match="at the bound of"):
        fit_bgnbd(pd.DataFrame({"x": x, "t_x": t_x, "age": age, "people": 1}))
