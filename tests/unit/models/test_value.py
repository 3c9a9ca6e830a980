"""The value model: JSON, scores, intervals against simulation, reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cdp.models.btyd import bgnbd
from cdp.models.btyd.bgnbd import BgNbd
from cdp.models.btyd.gamma_gamma import GammaGamma
from cdp.models.btyd.intervals import churn_interval, spend_interval
from cdp.models.figures import draw_importance, frequency_table, gains_curve
from cdp.models.forecast.conformal import SpendBands
from cdp.models.forecast.factors import Factors
from cdp.models.forecast.gate import Weights
from cdp.models.forecast.history import Cut, Purchases
from cdp.models.histories import cut_of
from cdp.models.importance import STATISTICS, push_sizes, statistics_pushes
from cdp.models.reasons import churn_reasons
from cdp.models.scorer import Scorer
from cdp.models.value import ValueParameters

INPUTS = ("x", "t_x", "age", "mean")
BGNBD = BgNbd(0.6, 8.0, 0.7, 3.0)
PARAMS = ValueParameters(
    frequency="bgnbd",
    model=BGNBD,
    bgnbd=BGNBD,
    monetary="gamma_gamma",
    gamma_gamma=GammaGamma(4.0, 3.5, 15.0),
    weights=Weights(),
    boosters={},
    look_backs=(4, 8),
    window_weeks=13.0,
    levels={13: Factors()},
    amount_limit=250_000.0,
    days_limit=2_600,
    bands=SpendBands(np.array([0.5]), np.array([0.0, 0.1]), np.array([0.0, 3.0])),
    as_of="2026-01-05",
    horizon_weeks=13,
    n_people=1000,
    log_likelihood=-1234.5,
    early_share=0.05,
    warnings=("careful",),
)
PEOPLE = pd.DataFrame(
    [(0, 0, 30, 20.0), (3, 12, 30, 50.0), (20, 29.5, 30, 12.0), (200, 100, 104, 9.0)],
    columns=list(INPUTS),
    dtype="float64",
)


def cut(people: pd.DataFrame) -> Cut:
    """People by their statistics alone, which is all that a model without a correction looks at."""
    x, t_x, age, mean = (people[name].to_numpy() for name in INPUTS)
    who, none = np.arange(len(people)), np.zeros(0, dtype=np.int64)
    return Cut(0, who, x, t_x, age, mean, Purchases(none, none, np.zeros(0)), who, x.astype(np.int64) + 1)


def score(people: pd.DataFrame) -> pd.DataFrame:
    return Scorer(PARAMS).score(cut(people), horizon_weeks=13)


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
    scored = score(PEOPLE.loc[[row]]).iloc[0]
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
    t_x, mean = np.where(x > 0, age * rng.random(3000), 0), rng.gamma(3, 10, 3000)
    many = pd.DataFrame(dict(zip(INPUTS, (x, t_x, age, mean), strict=True)))
    scored = score(many)
    numbers = scored.drop(columns="push_on")
    assert np.isfinite(numbers.to_numpy()).all()
    for name in ("p_churn", "ltv", "expected_spend_26w", "expected_spend_52w"):
        assert (scored[f"{name}_lo"] <= scored[name]).all() and (scored[name] <= scored[f"{name}_hi"]).all()
    some = many.sample(50, random_state=1)
    assert np.allclose(score(some).drop(columns="push_on"), numbers.loc[some.index], rtol=1e-9)


def test_an_empty_frame_gives_an_empty_frame():
    assert len(score(PEOPLE.head(0))) == 0


def test_histories_are_read_row_by_row_and_an_empty_one_is_refused():
    people = pd.DataFrame({"days_ago": [[70.0, 7.0], [3.0]], "amounts": [[2.0, 4.0], [5.0]]})
    read = cut_of(people)
    assert (read.x.tolist(), read.t_x.tolist(), read.age.tolist()) == ([1, 0], [9, 0], [10, 3 / 7])
    assert read.mean.tolist() == [3, 5]
    with pytest.raises(ValueError, match="1 rows have no purchase"):
        cut_of(pd.DataFrame({"days_ago": [[1.0], []], "amounts": [[1.0], []]}))


def test_one_time_buyers_churn_more_with_time_though_they_count_as_alive():
    once = pd.DataFrame([(0, 0, age, 20.0) for age in (2, 20, 80)], columns=list(INPUTS), dtype="float64")
    scored = score(once)
    assert (scored["p_alive"] == 1).all() and scored["p_churn"].is_monotonic_increasing
    assert scored["p_churn"].iloc[-1] > 0.9


def test_reasons_are_plain_words_and_name_a_push_that_is_noticeable():
    rows = [(0, 0, 1 / 7, 9), (5, 25, 56, 9), (5, 25, 26, 9)]
    scored = pd.DataFrame(
        {"p_alive": [1.0, 0.2, 1.0], "push": [0.01, -0.4, 0.3], "push_on": ["", "since_in_gaps", "purchase_days_8w"]}
    )
    assert churn_reasons(cut(pd.DataFrame(rows, columns=list(INPUTS), dtype="float64")), scored) == [
        ["a single purchase, 1 day ago"],
        [
            "last purchase 31 weeks ago, usual gap 5 weeks",
            "6 purchase days in 56 weeks",
            "silent for longer than this person's rhythm explains",
            "higher risk by the silence against the usual gap",
        ],
        [
            "last purchase 7 days ago, usual gap 5 weeks",
            "6 purchase days in 26 weeks",
            "lower risk by the purchase days of the last 8 weeks",
        ],
    ]


def test_frequency_table_expects_what_the_process_makes(simulate):
    purchases = simulate(PARAMS.bgnbd, 20_000, 9)
    observed, expected = frequency_table(purchases, PARAMS.bgnbd)
    assert observed.sum() == expected.sum() == pytest.approx(20_000)
    assert np.abs(observed - expected).max() < 4 * np.sqrt(5000)


def test_gains_are_shares_of_all_from_the_best_group_down():
    people, found = gains_curve([(10, 0.1, 0.0), (10, 0.4, 0.2), (20, 0.9, 0.4)])
    assert people == pytest.approx([0, 0.5, 0.75, 1]) and found == pytest.approx([0, 0.8, 1, 1])
    assert gains_curve([(5, 0.1, 0.0)]) == ([0.0, 1.0], [0.0, 0.0])


def test_without_a_correction_the_picture_shows_what_the_purchase_model_looks_at():
    people = pd.DataFrame([(0, 0, 10, 9.0), (3, 12, 30, 9.0), (8, 40, 60, 9.0)], columns=list(INPUTS), dtype="float64")
    short, middle, long = statistics_pushes(PARAMS, cut(people))
    assert middle == pytest.approx(0) and short[1] > 0 > long[1]  # silences of 10, 18 and 20 weeks
    p_any = 1 - score(people)["p_churn"]
    apart = np.log(p_any / (1 - p_any)) - np.log(p_any[1] / (1 - p_any[1]))
    assert [short.sum(), long.sum()] == pytest.approx([apart[0], apart[2]], rel=1e-9)
    assert list(push_sizes(PARAMS, cut(PEOPLE))) == list(STATISTICS)


def test_the_picture_of_importance_names_the_strongest_on_top():
    (axes,) = draw_importance({"the silence": 0.2, "the pace": 0.4}, title="").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["the silence", "the pace"]
