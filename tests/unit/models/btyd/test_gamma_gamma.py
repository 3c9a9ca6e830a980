"""Gamma-Gamma: known values, recovery, scale, and what happens when it cannot be fitted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cdp.models.btyd.gamma_gamma import GammaGamma, expected_value, fit_gamma_gamma, log_likelihood

MODEL = GammaGamma(4.0, 3.5, 15.0)


def simulate(people: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 1 + rng.geometric(0.3, people)
    nu = rng.gamma(MODEL.q, 1 / MODEL.gamma, people)
    return pd.DataFrame({"n": n.astype(float), "m": rng.gamma(MODEL.p * n, 1 / nu) / n, "people": 1})


@pytest.mark.parametrize(
    ("n", "m", "ll", "value"),
    [(1, 30, -4.32656966, 27.69230769), (4, 50, -5.62736946, 46.48648649), (12, 9, -3.36671169, 9.74257426)],
)
def test_known_values(n, m, ll, value):
    assert log_likelihood(MODEL, n, m) == pytest.approx(ll, abs=1e-8)
    assert expected_value(MODEL, n, m) == pytest.approx(value, abs=1e-8)


def test_recovery_of_known_parameters():
    fit = fit_gamma_gamma(simulate(20_000, 1))
    assert not fit.is_fallback and fit.warnings == ()
    assert fit.model.p == pytest.approx(4, rel=0.1)
    assert fit.model.q == pytest.approx(3.5, rel=0.1)
    mean = fit.model.p * fit.model.gamma / (fit.model.q - 1)
    assert mean == pytest.approx(4 * 15 / 2.5, rel=0.03)


def test_fit_likelihood_is_the_formula_at_the_optimum():
    rows = simulate(3000, 2)
    fit = fit_gamma_gamma(rows)
    capped = np.minimum(rows["m"], np.quantile(rows["m"], 0.995, method="inverted_cdf"))
    assert fit.log_likelihood == pytest.approx(log_likelihood(fit.model, rows["n"], capped).sum(), rel=1e-9)


def test_cents_instead_of_euros_scale_the_value_and_nothing_else():
    rows = simulate(3000, 3)
    euros, cents = fit_gamma_gamma(rows).model, fit_gamma_gamma(rows.assign(m=rows["m"] * 100)).model
    assert [cents.p, cents.q, cents.gamma] == pytest.approx([euros.p, euros.q, euros.gamma * 100], rel=1e-3)


def test_one_wholesale_order_hardly_moves_the_mean():
    rows = simulate(2000, 4)
    before = fit_gamma_gamma(rows).model
    rows.loc[0, "m"] = 1e7
    after = fit_gamma_gamma(rows).model
    assert expected_value(after, 1, 20) == pytest.approx(expected_value(before, 1, 20), rel=0.02)


def test_too_few_repeat_buyers_fall_back_to_the_mean_and_say_so():
    fit = fit_gamma_gamma(pd.DataFrame({"n": [1.0, 2.0, 3.0], "m": [10.0, 20.0, -5.0], "people": [4, 3, 1]}))
    assert fit.is_fallback and "100 are needed" in fit.warnings[0]
    mean = (4 * 10 + 6 * 20) / 10
    assert expected_value(fit.model, 2, 30) == pytest.approx((2 * mean + 60) / 4)


def test_equal_values_end_in_the_fallback_not_in_nonsense():
    fit = fit_gamma_gamma(pd.DataFrame({"n": np.arange(2.0, 302.0), "m": 10.0, "people": 1}))
    assert fit.is_fallback and "bounds" in fit.warnings[0]
    assert expected_value(fit.model, 3, 10) == pytest.approx(10)


def test_a_person_who_returned_everything_has_a_value_of_at_least_zero():
    assert expected_value(MODEL, 3, -40) == pytest.approx(expected_value(MODEL, 3, 0))
