"""The layers of a forecast one by one: plan of cuts, histories, proof of a correction, level, intervals."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from cdp.models import metrics as m
from cdp.models.btyd.btyd import LEAST, Terms
from cdp.models.forecast import learned
from cdp.models.forecast.conformal import SpendBands, fit_bands
from cdp.models.forecast.correction import CutRows, RawScores, shift_to
from cdp.models.forecast.cut_plan import CutPlan, plan_cuts
from cdp.models.forecast.factors import Amounts
from cdp.models.forecast.gate import Weights, choose_weights
from cdp.models.forecast.history import Outcome, Purchases, cut_at, equal_histories, equal_values, outcome_of
from cdp.models.forecast.learned import _level_of_any, _nearest
from cdp.models.forecast.level import LastYear, same_season, settle_level, usual_miss
from cdp.models.forecast.past import PastCut

SHOP = Purchases(  # three customers on days 0, 7, 21 | 7 | 10, 20
    np.array([0, 0, 0, 1, 2, 2]), np.array([0, 7, 21, 7, 10, 20]), np.array([10.0, 20, 30, 5, 8, 2])
)


def test_a_cut_knows_its_day_and_nothing_later():
    cut = cut_at(SHOP, 10)
    assert cut.customer.tolist() == [0, 1, 2] and cut.x.tolist() == [1, 0, 0]
    assert cut.t_x == pytest.approx([1, 0, 0]) and cut.age == pytest.approx([10 / 7, 3 / 7, 0])
    assert cut.mean.tolist() == [15, 5, 8]
    later = outcome_of(SHOP, cut, 1.5)  # days 11 to 20
    assert later.purchases.tolist() == [0, 0, 1] and later.spend.tolist() == [0, 0, 2]
    assert outcome_of(SHOP, cut, 2).purchases.tolist() == [1, 0, 1]


def test_equal_histories_and_values_are_counted():
    twice = Purchases(np.r_[SHOP.customer, SHOP.customer + 3], np.tile(SHOP.day, 2), np.tile(SHOP.amount, 2))
    rows = equal_histories(cut_at(twice, 21))
    assert rows["people"].tolist() == [2, 2, 2] and rows["x"].tolist() == [0, 1, 2]
    assert rows["age"].to_numpy() * 7 == pytest.approx([14, 11, 21])
    assert equal_histories(cut_at(twice, 10))["people"].sum() == 4  # two of them began on the day itself
    assert equal_values(cut_at(twice, 21))["m"].tolist() == [5, 5, 20]


@pytest.mark.parametrize(
    ("history", "horizon", "window"),
    [(364, 13, 13), (182, 13, 11), (91, 13, 5), (364, 52, 23), (1000, 52, 52), (70, 8, 4), (60, 4, 2)],
)
def test_every_window_is_over_and_every_look_back_fits(history, horizon, window):
    plan = plan_cuts(0, history, horizon)
    assert plan.window_weeks == window and 3 <= len(plan.days) <= 6 and list(plan.days) == sorted(plan.days)[::-1]
    assert max(plan.days) + 7 * window <= history + 3 and min(plan.days) >= 7 * max(plan.look_backs)


def test_a_short_history_has_no_cuts():
    assert plan_cuts(0, 30, 4).days == ()


def rows_with(raw: np.ndarray, seed: int) -> CutRows:
    """Counts whose true means are exp(raw) / 2, under a model that says 1/2 for everybody."""
    rng, n = np.random.default_rng(seed), len(raw)
    bought = rng.poisson(np.exp(raw) / 2).astype(float)
    half = np.full(n, 0.5)
    return CutRows(np.zeros((n, 1)), half, np.full(n, 10.0), half, bought, bought * 10, np.zeros(n, dtype=int))


def test_a_correction_is_taken_when_it_is_true_and_left_when_it_is_noise():
    raw = np.random.default_rng(1).normal(0, 0.6, 3000)
    scores = [RawScores(raw, raw, raw)] * 2
    true = choose_weights([rows_with(raw, 2), rows_with(raw, 3)], scores)
    assert true.purchases >= 0.75 and sum(true.spend) >= 0.5 and true.any >= 0.5
    assert choose_weights([rows_with(0 * raw, 2), rows_with(0 * raw, 3)], scores) == Weights()


def test_spend_is_corrected_only_where_purchases_are():
    """Spend that follows a score which says nothing of how often people buy: as few large orders make it."""
    raw = np.random.default_rng(4).normal(0, 0.5, 3000)
    scores = [RawScores(0 * raw, raw, 0 * raw)] * 2
    cuts = [rows_with(0 * raw, 2), rows_with(0 * raw, 3)]
    dearer = [replace(rows, spend=rows.spend * np.exp(raw)) for rows in cuts]
    assert choose_weights(dearer, scores).spend == (0.0, 0.0)


def test_a_slope_of_certainty_is_taken_where_no_booster_is_proven():
    rng, none = np.random.default_rng(1), np.zeros(3000)
    p = rng.uniform(0.1, 0.9, 3000)

    def said(true_slope):
        came = (rng.random(3000) < 1 / (1 + ((1 - p) / p) ** true_slope)).astype(float)
        return CutRows(np.zeros((3000, 1)), p, np.ones(3000), p, came, came, none.astype(int))

    scores = [RawScores(none, none, none)] * 2
    assert choose_weights([said(1.75), said(1.75)], scores).any_slope >= 1.5
    assert choose_weights([said(0.6), said(0.6)], scores).any_slope <= 0.7
    assert choose_weights([said(1.0), said(1.0)], scores) == Weights()
    assert not choose_weights([said(1.75), said(1.75)], scores).has_boosters


def test_the_level_moves_only_on_consistent_evidence():
    def factor(ratios, **how):
        return settle_level(ratios, tolerance=0.1, **{"span_weeks": 20, "window_weeks": 13, **how}).log_factor

    assert factor([-0.45, -0.42, -0.38, -0.34]) == -0.34  # the smallest of the misses
    assert factor([-0.10, -0.34, -0.48, -0.53]) == 0  # a season, not a bias
    assert factor([-0.35, -0.35, -0.25, -0.18]) == -0.18 and factor([-0.18, -0.25, -0.35, -0.35]) == 0  # fades or not
    assert factor([-0.35, -0.35, -0.25, -0.18], span_weeks=13) == 0  # half a quarter away a season differs less
    assert factor([0.2, -0.2, 0.3]) == 0 and factor([0.05, 0.06, 0.07]) == 0
    assert factor([-0.4, -0.4]) == 0 and factor([-0.4, -0.4, -0.4], span_weeks=12) == 0
    assert factor([0.0, 0.0, 0.0], last_year=LastYear(0.2)) == 0.2
    assert factor([-0.4, -0.4, -0.4], last_year=LastYear(0.05)) == -0.4  # a season too small to tell from luck


def test_buyers_are_corrected_beside_the_season_that_moves_purchases_too():
    settle = partial(settle_level, span_weeks=20, window_weeks=13)

    def factor(shifts, ratios, season=0.0, *, is_told_apart=True):
        return _level_of_any(settle, shifts, ratios, LastYear(season), is_told_apart=is_told_apart).log_factor

    none, wave = [0.0] * 4, [-0.1, -0.34, -0.48, -0.53]
    assert factor([-0.45, -0.42, -0.38, -0.34], none) == -0.34 == factor([-0.45, -0.42, -0.38, -0.34], [-0.5] * 4)
    assert factor(wave, wave) == 0 and factor(wave, none) == pytest.approx(-0.28)  # three cuts in four missed by more
    assert factor([w - 0.3 for w in wave], wave) == pytest.approx(-0.3)  # the season differs, the rest does not
    assert factor([0.0] * 4, [0.25, 0.22, 0.22, 0.25], season=0.2) == pytest.approx(0.2 - 0.22)
    assert factor(wave, wave, season=0.2) == 0.2
    odd = [-0.48, -0.83, -0.82, 0.4, -0.78, -0.73, -0.82, -0.8]
    assert (
        factor(odd, [0.0] * 8) == pytest.approx(-0.6675) and factor(odd, [0.0] * 8, is_told_apart=False) == 0
    )  # one of eight lies apart
    assert usual_miss([0.3, -0.3, 0.2, -0.2]) == 0 == usual_miss([0.3, 0.3, np.nan])


def test_what_purchases_missed_on_one_side_alone_says_nothing_of_how_many_buy():
    """All cuts had more purchases than expected, by amounts that may be a season's, and as many buyers as expected."""

    def cut(k: int, more: float) -> PastCut:
        outcome = Outcome(np.tile([np.exp(more), 0.0], 100), np.tile([10 * np.exp(more), 0.0], 100))
        terms = Terms(np.full(200, 0.5 + LEAST), np.full(200, 0.5), np.ones(200))
        at = cut_at(Purchases(np.arange(200), np.full(200, 0), np.ones(200)), 700 - 28 * k)
        return PastCut(at, {"bgnbd": terms}, np.full(200, 10.0), outcome)

    def level(ratios: list[float]) -> learned.Levels:
        plan = CutPlan(tuple(700 - 28 * k for k in range(6)), 13.0, (4,))
        return learned.settle_levels([cut(k, r) for k, r in enumerate(ratios)], plan, "bgnbd", LastYear(0.0))

    assert level([0.1, 0.15, 0.25, 0.3, 0.3, 0.2]).p_any.log_factor == 0
    both = level([-0.1, 0.15, 0.25, 0.3, 0.3, 0.2]).p_any.log_factor
    assert both == pytest.approx(-0.1625)  # fewer buyers than such purchases go with, on three cuts in four


@pytest.mark.parametrize("span_weeks", [8, 12, 16, 20, 24])
def test_a_yearly_wave_is_never_taken_for_a_bias_once_it_fades(span_weeks):
    for peak in range(-26, 26):  # weeks from the newest cut back to the wave's peak
        back = np.linspace(0, span_weeks, 6)
        wave = 0.4 * np.cos(2 * np.pi * (back - peak) / 52)
        level = settle_level(list(wave), tolerance=0.06, span_weeks=span_weeks, window_weeks=4).log_factor
        assert abs(level) <= np.abs(wave).min() + 1e-12
        if abs(wave[0]) < abs(wave.mean()) and np.ptp(wave) > 0.5 * abs(wave.mean()):
            assert level == 0


def test_another_total_is_taken_where_it_was_nearer_on_most_cuts():
    assert _nearest({"a": [0.3, 0.3, 0.3, 0.3, 0.3], "b": [0.2, 0.2, -0.2, 0.2, 0.4]}, "a", 0.8) == "b"
    assert _nearest({"a": [0.3, 0.3, 0.3, 0.3, 0.3], "b": [0.0, 0.0, 0.0, 0.4, 0.4]}, "a", 0.8) == "a"
    assert _nearest({"a": [0.3, 0.3], "b": [0.28, -0.28]}, "a", 0.8) == "a"  # hardly nearer
    assert _nearest({"a": [0.3, np.nan], "b": [0.1, 5.0]}, "a", 0.8) == "b"
    assert _nearest({"a": [np.nan]}, "a", 0.8) == "a"


def test_last_year_is_trusted_as_far_as_it_explained_the_past():
    assert same_season(0.3, [(0.2, 0.2), (-0.1, -0.1), (0.1, 0.1)]).log_factor == pytest.approx(0.3)
    assert 0.1 < same_season(0.3, [(0.2, 0.3), (0.1, 0.2), (0.3, 0.3)]).log_factor < 0.3
    assert same_season(0.3, [(0.0, 0.3), (0.1, -0.2), (0.1, 0.1)]).log_factor == 0
    assert same_season(0.3, [(0.2, 0.2), (0.1, 0.1)]).log_factor == 0  # two pairs agree by luck
    assert same_season(float("nan"), [(0.1, 0.1)] * 3).log_factor == 0


def test_a_logit_shift_moves_the_mean_and_keeps_the_order():
    p = np.array([0.01, 0.2, 0.2, 0.9])
    moved = shift_to(p, 0.6)
    assert moved.mean() == pytest.approx(0.6) and (np.diff(moved) >= 0).all() and moved[1] == moved[2]


@pytest.mark.parametrize("level", [0.3, 3.0, 30.0])
def test_bands_cover_nine_in_ten_overall_and_in_groups(level):
    def draw(seed):
        rng = np.random.default_rng(seed)
        expected = level * rng.gamma(0.8, 1.0, 8000) + 0.01
        one = rng.gamma(4.0, 10.0, 8000)
        return expected, expected * one, rng.poisson(expected * rng.gamma(3.0, 1 / 3.0, 8000)) * one

    bands = fit_bands(*draw(1))
    expected, spend, actual = draw(2)
    low, high = bands.interval(expected, spend)
    assert (low <= spend).all() and (spend <= high).all()
    assert 0.88 < m.coverage(low, high, actual) < 0.93
    for part in np.array_split(np.argsort(spend), 5):
        assert m.coverage(low[part], high[part], actual[part]) > 0.85


def test_bands_hold_nine_in_ten_on_a_cut_that_they_have_not_seen():
    """Three cuts of one shop, each on a level of its own: bands of two of them miss more of the third."""

    def cut(level: float, seed: int) -> learned.Tested:
        rng = np.random.default_rng(seed)
        expected = rng.gamma(2.0, 4.0, 1500) + 0.1
        outcome = Outcome(expected, 10 * rng.poisson(level * expected * rng.gamma(4.0, 0.25, 1500)).astype(float))
        past = PastCut(cut_at(SHOP, 21), {}, np.ones(1500), outcome)
        return learned.Tested(past, Amounts(expected, 10 * expected, np.full(1500, 0.5)))

    def bands(tested: list[learned.Tested]) -> SpendBands:
        purchases, spend = (np.concatenate([getattr(t.amounts, n) for t in tested]) for n in ("purchases", "spend"))
        return fit_bands(purchases, spend, np.concatenate([t.past.outcome.spend for t in tested]))

    cuts = [cut(level, seed) for seed, level in enumerate((0.6, 1.0, 1.6))]
    unseen = np.mean([learned.covered(one, bands([c for c in cuts if c is not one])) for one in cuts])
    seen, asked = (np.mean([learned.covered(one, b) for one in cuts]) for b in (bands(cuts), learned.bands_of(cuts)))
    assert unseen < 0.88 and seen == pytest.approx(0.90, abs=0.01) and asked > seen + 0.02


def test_a_longer_horizon_has_the_bands_of_those_who_buy_less_often():
    bands = SpendBands(np.array([2.0, 8.0]), np.array([0.0, 0.2, 0.5]), np.array([4.0, 2.0, 1.5]))
    twelve, one = np.array([12.0]), np.array([1.0])
    assert [side.tolist() for side in bands.interval(twelve, one)] == [[0.5], [1.5]]
    assert [side.tolist() for side in bands.interval(twelve, one, 4.0)] == [[0.2], [2.0]]
    assert [side.tolist() for side in bands.interval(twelve, one, 12.0)] == [[0.0], [4.0]]
