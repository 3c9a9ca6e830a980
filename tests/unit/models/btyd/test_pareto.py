"""Pareto/NBD: published test values, another implementation, its gradient, recovery, and corners without NaN."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from cdp.models.btyd import pareto
from cdp.models.btyd.pareto import ParetoNbd
from cdp.models.btyd.pareto_fit import _objective, fit_pareto

MODEL = ParetoNbd(0.6, 12.0, 0.5, 8.0)
TABLE = [  # x, t_x, age, LL, P(alive), E[n in 26], P(any in 26)
    (0, 0, 30, -0.47391104, 0.34755962, 0.11236416, 0.07723058),
    (3, 12, 30, -10.99642684, 0.43490718, 0.84361893, 0.32641492),
    (20, 29.5, 30, -35.54351320, 0.99251915, 11.01674651, 0.96667120),
    (200, 100, 104, -91.30077533, 0.25053035, 10.67702367, 0.24988538),
]


def simulate_pareto(model: ParetoNbd, people: int, seed: int) -> pd.DataFrame:
    """Purchase histories in days, aggregated to columns x, t_x, age, people."""
    rng = np.random.default_rng(seed)
    rate, leaving = rng.gamma(model.r, 1 / model.alpha, people), rng.gamma(model.s, 1 / model.beta, people)
    age = rng.integers(26 * 7, 104 * 7, people) / 7
    alive = np.minimum(age, rng.exponential(1 / np.maximum(leaving, 1e-12)))
    x = rng.poisson(rate * alive).astype(float)
    last = np.where(x > 0, alive * rng.beta(np.maximum(x, 1), 1), 0.0)
    t_x = np.where(x > 0, np.clip(np.ceil(last * 7) / 7, 1 / 7, age), 0.0)
    rows = pd.DataFrame({"x": x, "t_x": t_x, "age": age})
    return rows.groupby(["x", "t_x", "age"], as_index=False).size().rename(columns={"size": "people"})


@pytest.mark.parametrize(("x", "t_x", "age", "ll", "alive", "expected", "any_"), TABLE)
def test_known_values(x, t_x, age, ll, alive, expected, any_):
    assert pareto.log_likelihood(MODEL, x, t_x, age)[0] == pytest.approx(ll, abs=1e-8)
    assert pareto.p_alive(MODEL, x, t_x, age)[0] == pytest.approx(alive, abs=1e-8)
    assert pareto.expected_purchases(MODEL, x, t_x, age, 26)[0] == pytest.approx(expected, abs=1e-7)
    assert pareto.p_any(MODEL, x, t_x, age, 26)[0] == pytest.approx(any_, abs=1e-8)


def test_same_numbers_as_lifetimes():
    lifetimes = pytest.importorskip("lifetimes")
    x, t_x, age = np.array([0, 1, 3, 20.0]), np.array([0, 5, 12, 29.5]), np.array([30.0, 30, 30, 30])
    theirs = lifetimes.ParetoNBDFitter._conditional_log_likelihood([0.6, 12.0, 0.5, 8.0], x, t_x, age)
    assert pareto.log_likelihood(MODEL, x, t_x, age) == pytest.approx(np.asarray(theirs), abs=1e-4)
    other = lifetimes.ParetoNBDFitter()
    other.params_ = pd.Series({"r": 0.6, "alpha": 12.0, "s": 0.5, "beta": 8.0})
    assert pareto.expected_purchases(MODEL, x, t_x, age, 26) == pytest.approx(
        np.asarray(other.conditional_expected_number_of_purchases_up_to_time(26, x, t_x, age)), rel=1e-5
    )
    assert pareto.p_alive(MODEL, x, t_x, age) == pytest.approx(
        np.asarray(other.conditional_probability_alive(x, t_x, age)), rel=1e-5
    )


def test_the_likelihood_is_the_integral_over_rate_and_time_of_leaving():
    """One history, integrated numerically over lambda and mu."""
    x, t_x, age = 2, 6.0, 9.0

    def density(lam, mu):
        prior = (
            MODEL.alpha**MODEL.r * lam ** (MODEL.r - 1) * np.exp(-MODEL.alpha * lam)
            * MODEL.beta**MODEL.s * mu ** (MODEL.s - 1) * np.exp(-MODEL.beta * mu)
        )  # fmt: skip
        both = lam + mu
        stays = np.exp(-both * age) * lam**x
        leaves = lam**x * mu / both * (np.exp(-both * t_x) - np.exp(-both * age))
        return prior * (stays + leaves)

    from scipy.special import gamma

    found = integrate.dblquad(lambda v, u: density(u**2, v**2) * 4 * u * v, 0, 1.8, 0, 2.2, epsabs=1e-12)[0]
    wanted = found / (gamma(MODEL.r) * gamma(MODEL.s))
    assert np.exp(pareto.log_likelihood(MODEL, x, t_x, age)[0]) == pytest.approx(wanted, rel=1e-6)


def test_gradient_is_the_slope():
    columns = [simulate_pareto(MODEL, 300, 4)[c].to_numpy(dtype=float) for c in ("x", "t_x", "age", "people")]
    objective, theta = _objective(*columns), np.log([0.5, 6.0, 0.9, 2.0])
    for i in range(4):
        step = np.eye(4)[i] * 1e-6
        slope = (objective(theta + step)[0] - objective(theta - step)[0]) / 2e-6
        assert objective(theta)[1][i] == pytest.approx(slope, abs=1e-6)


def test_recovery_of_known_parameters():
    rows = simulate_pareto(MODEL, 20_000, 2)
    fit = fit_pareto(rows)
    assert fit.model.r == pytest.approx(MODEL.r, rel=0.07)
    assert fit.model.alpha == pytest.approx(MODEL.alpha, rel=0.07)
    assert fit.model.s == pytest.approx(MODEL.s, rel=0.1)
    assert fit.model.beta == pytest.approx(MODEL.beta, rel=0.15)
    at_truth = rows["people"].to_numpy() @ pareto.log_likelihood(MODEL, rows["x"], rows["t_x"], rows["age"])
    assert at_truth <= fit.log_likelihood < at_truth + 8  # half a chi-square of four parameters


@pytest.mark.parametrize(
    "model", [MODEL, ParetoNbd(1e-3, 1e-3, 1e-3, 1e-3), ParetoNbd(5, 50, 1.0, 50), ParetoNbd(0.3, 3e3, 30, 1e-3)]
)
def test_no_corner_gives_nonsense(model):
    x, t_x, age = (
        np.array(v, dtype=float) for v in ([0, 0, 1, 7, 800, 1000], [0, 0, 9, 9, 90, 99.9], [0, 9, 9, 40, 99, 100])
    )
    alive, any_ = pareto.p_alive(model, x, t_x, age), pareto.p_any(model, x, t_x, age, 26)
    mean = pareto.expected_purchases(model, x, t_x, age, 26)
    assert np.isfinite(pareto.log_likelihood(model, x, t_x, age)).all() and np.isfinite(mean).all()
    assert ((any_ >= 0) & (any_ <= alive + 1e-9) & (any_ <= mean + 1e-9)).all()
    assert alive[0] == 1 and alive[2] == 1  # seen on the as-of day itself
    assert (pareto.p_any(model, x, t_x, age, 52) >= any_ - 1e-12).all()


def test_days_or_weeks_give_the_same_answers():
    days = ParetoNbd(MODEL.r, MODEL.alpha * 7, MODEL.s, MODEL.beta * 7)
    for x, t_x, age, *_ in TABLE:
        assert pareto.p_any(days, x, t_x * 7, age * 7, 182) == pytest.approx(pareto.p_any(MODEL, x, t_x, age, 26))
        assert pareto.expected_purchases(days, x, t_x * 7, age * 7, 182) == pytest.approx(
            pareto.expected_purchases(MODEL, x, t_x, age, 26)
        )
