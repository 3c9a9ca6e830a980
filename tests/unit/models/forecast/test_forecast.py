"""The whole forecast on made shops: honest, better than BG/NBD where there is something to learn, safe where not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cdp.core.errors import ModelError
from cdp.models import metrics as m
from cdp.models.btyd.btyd import fit_each, terms_of
from cdp.models.forecast.far_amounts import temper
from cdp.models.forecast.forecast import forecast
from cdp.models.forecast.history import Purchases, cut_at, equal_histories, outcome_of

START, AS_OF, WEEKS = 18_000, 18_000 + 364, 13


def regular_shop(people: int, seed: int) -> Purchases:
    """Customers with a rhythm of their own (gaps are Gamma with shape 4) who leave for good: BTYD cannot see rhythm."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(people):
        gap, level = rng.gamma(2.0, 2.5), rng.gamma(4.0, 10.0)
        day = rng.uniform(0, 364 + 7 * WEEKS)
        while day < 364 + 7 * WEEKS:
            rows.append((customer, START + int(day), 0.01 + rng.gamma(5.0, level / 5.0)))
            if rng.random() < 0.12:
                break
            day += 1 + 7 * gap * rng.gamma(4.0, 0.25)
    customer, day, amount = (np.array(column) for column in zip(*rows, strict=True))
    return Purchases(customer.astype(np.int64), day.astype(np.int64), amount)


@pytest.fixture(scope="module")
def shop():
    return regular_shop(2500, 1)


@pytest.fixture(scope="module")
def made(shop):
    return forecast(shop, as_of=AS_OF, horizon_weeks=WEEKS)


def test_every_customer_with_a_purchase_up_to_the_day_is_forecast(shop, made):
    assert made.customer.tolist() == np.unique(shop.customer[shop.day <= AS_OF]).tolist()
    said = made.amounts
    assert (said.purchases > 0).all() and (said.p_any > 0).all() and (said.p_any <= said.purchases).all()
    assert (made.low >= 0).all() and (made.low <= said.spend).all() and (said.spend <= made.high).all()


def test_nothing_after_the_day_is_looked_at(shop, made):
    again = forecast(shop.until(AS_OF), as_of=AS_OF, horizon_weeks=WEEKS)
    assert (again.amounts.purchases == made.amounts.purchases).all() and (again.high == made.high).all()
    assert (again.amounts.p_any == made.amounts.p_any).all() and again.summary == made.summary


def test_a_rhythm_is_learned_that_bgnbd_cannot_see(shop, made):
    cut = cut_at(shop, AS_OF)
    outcome = outcome_of(shop, cut, WEEKS)
    came = (outcome.purchases > 0).astype(float)
    fits, _ = fit_each(equal_histories(cut))
    plain, pareto = (terms_of(fits[name].model, cut, WEEKS) for name in ("bgnbd", "pareto"))
    said = made.amounts
    assert made.summary["method"] == "btyd+correction"
    assert m.rmse(said.purchases, outcome.purchases) < 0.98 * m.rmse(plain.expected, outcome.purchases)
    assert m.normalised_gini(said.purchases, outcome.purchases) > m.normalised_gini(plain.expected, outcome.purchases)
    assert m.auc(said.p_any, came) > m.auc(pareto.p_any, came) + 0.005
    assert m.expected_calibration_error(said.p_any, came) < 0.03
    assert abs(m.aggregate_bias(said.purchases, outcome.purchases)) <= 1e-3 + abs(
        m.aggregate_bias(plain.expected, outcome.purchases)
    )
    assert 0.87 < m.coverage(made.low, made.high, outcome.spend) < 0.93


def test_the_summary_is_json_and_judges_itself_on_three_cuts(made):
    told = json.loads(json.dumps(made.summary, allow_nan=False))
    tested = told["backtest"]
    assert len(tested["cuts"]) == 3 and tested["cuts"][0]["as_of"] == "2020-01-12"  # 13 weeks before
    assert tested["mean"]["purchases_rmse"] < tested["baseline_mean"]["purchases_rmse"]
    gain = tested["gain_of_newest_cut"]["purchases"]
    assert gain["low"] < gain["rmse"] < gain["high"] and gain["rmse"] > 0
    assert told["as_of"] == "2020-04-12" and told["first_purchase"] == "2019-04-14"


def test_without_amounts_only_purchases_are_forecast(shop, made):
    counted = Purchases(shop.customer, shop.day, np.ones(len(shop.day)), has_amounts=False)
    told = forecast(counted, as_of=AS_OF, horizon_weeks=WEEKS)
    assert told.amounts.purchases.sum() == pytest.approx(made.amounts.purchases.sum(), rel=0.02)
    assert "spend" not in told.summary["backtest"]["gain_of_newest_cut"] and told.summary["value_parameters"] is None
    assert any("no amounts" in w for w in told.summary["warnings"])


def few(days: list[list[int]]) -> Purchases:
    customer = np.repeat(np.arange(len(days)), [len(d) for d in days])
    return Purchases(customer, START + np.concatenate(days).astype(np.int64), np.full(len(customer), 20.0))


def test_a_shop_of_some_hundred_customers_learns_that_they_come_by_the_clock():
    """Every fourth week to the day or two, until they leave: who is a week late is gone, which no BTYD model knows."""
    rng, shop = np.random.default_rng(3), []
    for begin in rng.integers(0, 300, 900):
        days = begin + np.cumsum(np.r_[0, rng.normal(28, 2, 40).astype(int)])
        shop.append(days[: 1 + int(rng.geometric(0.15))].tolist())
    days, as_of = few(shop), START + 420
    made, cut = forecast(days.until(as_of), as_of=as_of, horizon_weeks=8), cut_at(days, as_of)
    bought = outcome_of(days, cut, 8).purchases
    alone = terms_of(fit_each(equal_histories(cut))[0]["pareto"].model, cut, 8)
    assert 400 < len(made.customer) < 1000 and made.summary["correction"]["any"] > 0
    assert m.rmse(made.amounts.purchases, bought) < 0.85 * m.rmse(alone.expected, bought)
    came = (bought > 0).astype(float)
    ours, theirs = (m.expected_calibration_error(p, came) for p in (made.amounts.p_any, alone.p_any))
    assert ours < 0.03 and theirs > 0.1


def test_one_purchase_each_falls_back_to_the_pooled_rate_and_says_so():
    made = forecast(few([[i % 200] for i in range(500)]), as_of=START + 200, horizon_weeks=8)
    assert made.summary["model"] == made.summary["method"] == "pooled_rate"
    assert any("pooled" in w for w in made.summary["warnings"]) and "bgnbd" in made.summary["models_left_out"]
    assert 0 < made.amounts.purchases.sum() < 1  # half a purchase in all their weeks together
    assert (made.low <= made.amounts.spend).all() and (made.amounts.spend <= made.high).all()


def test_a_handful_of_customers_is_forecast_by_the_pooled_rate():
    made = forecast(few([[0, 7, 14, 21], [0], [3, 30]]), as_of=START + 35, horizon_weeks=4)
    assert made.summary["method"] == "pooled_rate" and made.summary["intervals"] == "model"
    assert made.amounts.purchases[0] > made.amounts.purchases[2] > made.amounts.purchases[1] > 0


def test_customers_who_are_all_alike_and_never_miss_a_week_are_no_trouble_nor_one_amount_out_of_all_bounds():
    weekly = few([list(range(i % 7, 210, 7)) for i in range(300)])
    slipped = replace(weekly, amount=np.where(np.arange(len(weekly.day)) == 5, 1e15, weekly.amount))
    made = forecast(slipped, as_of=START + 209, horizon_weeks=6)
    (told,) = [w for w in made.summary["warnings"] if w.startswith("amount: 1 purchase days")]
    assert "the largest 1e+15, on 20" in told and temper(weekly) == (weekly, [])
    assert made.amounts.spend[1:] == pytest.approx(np.full(299, 6 * 20.0), rel=0.25)
    assert np.isfinite(made.amounts.purchases).all() and json.dumps(made.summary, allow_nan=False)
    assert made.amounts.purchases == pytest.approx(np.full(300, 6.0), rel=0.15) and made.amounts.p_any.min() > 0.97
    assert any("bound" in w or "no dropout" in w for w in made.summary["warnings"])


def test_a_history_too_short_to_test_is_said(shop, made):
    young = forecast(shop, as_of=START + 21, horizon_weeks=WEEKS)
    assert young.summary["intervals"] == "model" and any(
        "nothing could be tested" in w for w in young.summary["warnings"]
    )
    longer = forecast(shop, as_of=AS_OF, horizon_weeks=40)
    assert longer.summary["past_window_weeks"] == 23
    assert any("too short to test 40 weeks" in w for w in longer.summary["warnings"])
    assert longer.amounts.purchases.sum() > 1.3 * made.amounts.purchases.sum()


def test_days_without_any_history_are_refused_with_what_to_do(shop):
    with pytest.raises(ModelError, match=r"no purchase up to 2019-04-04 .*choose a later"):
        forecast(shop, as_of=START - 10, horizon_weeks=4)
    with pytest.raises(ModelError, match="Choose a later as-of date"):
        forecast(few([[0], [0], [0]]), as_of=START, horizon_weeks=4)


def test_an_end_of_data_long_before_the_day_is_pointed_out():
    told = forecast(few([[0, 7], [0]]), as_of=START + 60, horizon_weeks=4)
    assert any("is the newest data missing" in w for w in told.summary["warnings"])


def test_a_december_that_came_before_is_said_where_it_cannot_be_proven():
    rng, rows = np.random.default_rng(4), []
    for _ in range(300):
        first, back = rng.integers(0, 3), rng.random(3) < 0.5
        years = [y for y in range(3) if y == first or (y > first and back[y])]
        rows.append(sorted({300 + 364 * y + int(rng.integers(0, 30)) for y in years} | {int(rng.integers(480, 1000))}))
    made = forecast(few(rows), as_of=START + 280 + 2 * 364, horizon_weeks=8)
    told = [w for w in made.summary["warnings"] if "same weeks of the year before" in w]
    assert len(told) == 1 and "times the purchases that BG/NBD would have expected" in told[0]
