"""Recommendations: the parts by hand, the lists' promises on all kinds of small data, and no look ahead."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp.core.errors import ContractError
from cdp.models.recommendation.backtest_lists import plan_cuts
from cdp.models.recommendation.explore_part import explore_candidates, find_neighbours
from cdp.models.recommendation.purchase_log import PurchaseLog, collect_purchases
from cdp.models.recommendation.ranking_logit import LEAST_SLOPE, fit_logit
from cdp.models.recommendation.ranking_metrics import gain_interval, judge_lists, order_within, truth_of
from cdp.models.recommendation.recommend import learn_from, view_at
from cdp.models.recommendation.recommendations import recommend_purchases
from cdp.models.recommendation.repeat_part import TYPICAL_GAP_DAYS, collect_habits, collect_pairs, next_purchase_day
from cdp.models.recommendation.share_scores import repeat_share

DAY_0 = date(2024, 1, 1)
Row = tuple[Any, Any, Any]


def _log(rows: list[Row]) -> PurchaseLog:
    customers, at, items = zip(*rows, strict=True)
    return collect_purchases(pa.table({"customer_id": customers, "at": at, "item_id": items}))


def _on(day: int) -> date:
    return DAY_0 + timedelta(days=day)


def _number(day: int) -> int:
    return (_on(day) - date(1970, 1, 1)).days


def _shop(customers: int = 120, weeks: int = 30, seed: int = 3) -> list[Row]:
    """Everybody likes some items of one of three tastes: some weekly, some now and then."""
    random = np.random.default_rng(seed)
    rows = []
    for c in range(customers):
        liked = random.choice(20, 8, replace=False) + 20 * (c % 3)
        weekly = random.choice([0.05, 0.2, 0.7], 8)
        for week in range(weeks):
            for item in liked[random.random(8) < weekly]:
                rows.append((c, _on(7 * week + int(random.integers(7))), f"item {item}"))
    return rows


# --- the parts by hand -----------------------------------------------------------------------------------------------


def test_faded_counts_gaps_and_the_next_beat() -> None:
    log = _log([("c", _on(0), "milk"), ("c", _on(10), "milk"), ("c", _on(20), "milk"), ("c", _on(25), "salt")])
    pairs = collect_pairs(log, _number(27))
    habits = collect_habits(pairs)
    np.testing.assert_allclose(pairs.faded[1], [sum(2 ** (-a / 28) for a in (28, 18, 8)), 2 ** (-3 / 28)])
    gap = (20 + (20 + TYPICAL_GAP_DAYS) / 3) / 3  # two own gaps and the item's, which has the typical one as a third
    assert gap == pytest.approx(15.56, abs=0.01)
    # Last bought on day 20, so due 15.56 days later, in the course of day 36; salt was never bought again.
    assert next_purchase_day(pairs, habits, np.arange(2)).tolist() == [_number(36), -1]


@pytest.mark.parametrize("days", [60, 90, 95, 120, 300])
def test_an_item_bought_evenly_has_an_even_pace_however_long_the_history(days: int) -> None:
    pairs = collect_pairs(_log([(c, _on(day), "milk") for day in range(days) for c in range(3)]), _number(days - 1))
    habits, milk = collect_habits(pairs), np.zeros(1, dtype=np.int64)
    assert habits.pace_of_items(milk) == pytest.approx(1, abs=0.02)
    assert habits.of_items(milk)[3] == pytest.approx(1, abs=0.02)  # the month's over the quarter's


def test_chances_are_on_their_level_while_the_history_outgrows_its_first_quarter() -> None:
    random = np.random.default_rng(2)
    whose, when = random.integers(0, 150, (2, 4000))
    what = random.zipf(1.5, 4000) % 60
    rows: list[Row] = [(int(c), _on(int(d)), int(i)) for c, d, i in zip(whose, when, what, strict=True)]
    log = _log(rows)
    learned = learn_from(log.until(_number(122)), view_at(log, _number(94))).recommender(-1, -1)
    view = view_at(log, _number(122))
    chosen = np.arange(len(view.pairs.item))
    later = log.between(_number(122), _number(150))
    came = truth_of(later.customer, later.item, log.n_items).holds(view.pairs.customer, view.pairs.item)
    assert 0.6 < learned.repeat_scores(view, chosen).mean() / came.mean() < 1.6


def test_new_items_ranked_by_one_feature_find_their_place_among_the_bought_ones_by_customer() -> None:
    random = np.random.default_rng(4)
    rows: list[Row] = []
    for c in range(200):
        visits = 60 if c % 2 else 8  # busy ones and others: what is new to them comes to both, but not as often
        days, items = random.choice(170, visits, replace=False), random.integers(0, 40, visits)
        rows += [(c, _on(int(d)), int(i)) for d, i in zip(days, items, strict=True)]
    log = _log(rows)
    view = view_at(log, _number(141))
    alone = learn_from(log, view).explore[0]
    found = explore_candidates(view.near, view.habits, view.customers, 0)
    later = log.between(_number(141), _number(169))
    came = truth_of(later.customer, later.item, log.n_items).holds(found.customer, found.item)
    is_busy = found.customer % 2 == 1  # ids are sorted numbers: places of all 200
    chance = alone.probability(found.features)
    for rows_of in (is_busy, ~is_busy):
        assert 0.7 < chance[rows_of].sum() / came[rows_of].sum() < 1.4
    order = found.features[:, 0].argsort()
    one = order[found.customer[order] == 7]
    assert np.all(np.diff(chance[one]) >= 0), "within a customer the order is the feature's"


def test_an_overdue_item_is_expected_at_its_next_beat() -> None:
    log = _log([("c", _on(0), "milk"), ("c", _on(10), "milk"), ("d", _on(0), "milk"), ("d", _on(10), "milk")])
    pairs = collect_pairs(log, _number(99))
    gap = (10 + (20 + TYPICAL_GAP_DAYS) / 3) / 2
    day = next_purchase_day(pairs, collect_habits(pairs), np.arange(2))[0] - _number(10)
    assert day / gap == pytest.approx(round(day / gap), abs=1 / gap)
    assert 90 <= day <= 90 + gap


def test_likeness_is_the_cosine_and_what_was_bought_is_no_candidate() -> None:
    log = _log([(c, DAY_0, i) for c, items in enumerate(["ab", "ab", "a", "bc"]) for i in items])
    view = view_at(log, _number(0))
    np.testing.assert_allclose(
        view.near.alike,
        [[0, 2 / 3, 0], [2 / 3, 0, 1 / np.sqrt(3)], [0, 1 / np.sqrt(3), 0]],
        rtol=1e-6,
    )
    found = explore_candidates(find_neighbours(view.pairs), view.habits, np.arange(4), 0)
    assert list(zip(found.customer.tolist(), found.item.tolist(), strict=True)) == [
        (0, 2), (1, 2), (2, 1), (2, 2), (3, 0)]  # fmt: skip


def test_the_repeat_share_counts_later_days_only_and_leans_on_everybodys() -> None:
    rows = [("x", _on(0), "a"), ("x", _on(1), "a"), ("x", _on(2), "a"), ("x", _on(2), "b"), ("y", _on(0), "a")]
    overall = (2 + 1) / (3 + 2)
    share = repeat_share(collect_pairs(_log(rows), _number(5)))
    np.testing.assert_allclose(share, [(2 + 5 * overall) / (3 + 5), overall])


def test_purchases_that_have_faded_away_share_evenly() -> None:
    rows = [(1, date(1, 1, 1), item) for item in "ab"]
    found = recommend_purchases(_log(rows), date(2024, 1, 1), 2)
    assert found.rows["score"].to_pylist() == pytest.approx([0.25, 0.25])


def test_lists_are_judged_by_hand() -> None:
    truth = truth_of(np.array([0, 0, 2]), np.array([1, 3, 0]), 5)
    customer, item = np.array([0, 0, 0, 1, 2]), np.array([3, 2, 1, 1, 4])
    ndcg, recall = judge_lists(np.arange(3), customer, item, np.array([1, 2, 3, 1, 1]), truth)
    np.testing.assert_allclose(ndcg, [(1 + 1 / 2) / (1 + 1 / np.log2(3)), np.nan, 0])
    np.testing.assert_allclose(recall, [1, np.nan, 0])
    new = truth.without(np.array([0]), np.array([1]))
    assert new.keys.tolist() == [3, 10]


def test_order_within_breaks_ties_by_item() -> None:
    order, rank = order_within(np.array([1, 0, 1, 1]), np.array([0.5, 0.1, 0.9, 0.5]), np.array([7, 1, 2, 3]))
    assert order.tolist() == [1, 2, 3, 0]
    assert rank.tolist() == [1, 1, 2, 3]


def test_the_interval_of_a_sure_gain_leaves_zero_out() -> None:
    base = np.linspace(0, 1, 200)
    assert gain_interval(base + 0.1, base) == pytest.approx((0.1, 0.1, 0.1))
    assert np.isnan(gain_interval(np.array([np.nan]), np.array([1.0]))[0])


def test_the_logit_is_calibrated_and_its_yardstick_never_turns_round() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(20_000, 2))
    p = 1 / (1 + np.exp(2 - x[:, 0] - 0.5 * x[:, 1] ** 2))
    y = (random.random(20_000) < p).astype(float)
    found = fit_logit(x, y, columns=range(2), is_curved=True).probability(x)
    assert np.abs(found - p).mean() < 0.02
    assert found.sum() == pytest.approx(y.sum(), rel=1e-3)
    backwards = fit_logit(-x, y, columns=[0], is_curved=False, rises=True).probability(-x)
    assert np.ptp(backwards) < 0.02
    assert (np.argsort(backwards) == np.argsort(np.clip(-x[:, 0], -4, 4), kind="stable"))[5:-5].all()
    assert np.ptp(fit_logit(x, 0 * y, columns=[0], is_curved=False, rises=True).probability(x)) > 0
    fixed = fit_logit(np.column_stack([-x[:, 0], x[:, 1]]), y, columns=[0, 1], is_curved=False, rises=True)
    assert fixed.weights[1] == LEAST_SLOPE and fixed.weights[0] != 0


# --- the whole -------------------------------------------------------------------------------------------------------


def _recommend(rows: list[Row], day: int, k: int = 5) -> pd.DataFrame:
    return recommend_purchases(_log(rows), _on(day), k).rows.to_pandas()


def _check_promises(rows: list[Row], day: int, k: int, found: pd.DataFrame) -> None:
    known = [(c, i) for c, at, i in rows if at <= _on(day)]
    assert set(found["customer_id"]) == {c for c, _ in known}
    is_own = pd.Series(list(zip(found["customer_id"], found["item_id"], strict=True))).isin(known).to_numpy()
    assert (is_own == (found["part"] == "repeat")).all()
    assert not found.duplicated(["customer_id", "item_id"]).any()
    for _, one in found.groupby("customer_id"):
        assert one["rank"].to_list() == list(range(1, len(one) + 1))
        assert one["score"].is_monotonic_decreasing
        for _, part in one.groupby("part"):
            assert part["rank_in_part"].to_list() == list(range(1, len(part) + 1))
            assert len(part) <= k
    assert found["score"].between(0, 1).all()
    expected = found["expected_on"].dropna()
    assert (expected > _on(day)).all()
    assert (found.loc[expected.index, "part"] == "repeat").all()


_TINY = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 90).map(_on), st.sampled_from("abcdef")), min_size=1, max_size=30
)


@settings(max_examples=30, deadline=None)
@given(_TINY, st.integers(0, 100), st.randoms(use_true_random=False))
def test_tiny_data_keep_the_promises_in_any_order(rows: list[Row], day: int, random: Any) -> None:
    if not any(at <= _on(day) for _, at, _ in rows):
        with pytest.raises(ContractError, match="no purchase up to the as-of date"):
            _recommend(rows, day)
        return
    found = _recommend(rows, day, k=3)
    _check_promises(rows, day, 3, found)
    shuffled = [*rows, rows[0]]
    random.shuffle(shuffled)
    pd.testing.assert_frame_equal(_recommend(shuffled, day, k=3), found)


@pytest.fixture(scope="module")
def shop() -> list[Row]:
    return _shop()


def test_a_shop_with_habits_is_learned_and_the_lists_beat_the_most_popular(shop: list[Row]) -> None:
    result = recommend_purchases(_log(shop), _on(180), 5)
    _check_promises(shop, 180, 5, result.rows.to_pandas())
    metrics = result.summary["metrics"]
    assert len(metrics["cuts"]) == 3
    assert metrics["gains"]["ndcg_at_10_all_over_popular"]["low"] > 0.2
    explore = result.rows.to_pandas().query("part == 'explore' and rank_in_part == 1")
    same_taste = explore["item_id"].str.removeprefix("item ").astype(int) // 20 == explore["customer_id"] % 3
    assert same_taste.mean() > 0.9


def test_where_the_most_popular_does_best_it_is_the_list() -> None:
    random = np.random.default_rng(0)
    drawn = np.stack([random.integers(0, 180, 3000), random.zipf(1.3, 3000) % 200, random.zipf(1.6, 3000) % 400])
    rows: list[Row] = [(c, _on(day), item) for day, item, c in drawn.T.tolist()]
    summary = recommend_purchases(_log(rows), _on(179), 10).summary
    assert summary["repeat_by"] == summary["explore_by"] == "the number of buyers"
    assert abs(summary["metrics"]["gains"]["ndcg_at_10_all_over_popular"]["mean"]) < 0.003
    assert summary["metrics"]["gains"]["ndcg_at_10_new_over_popular"] == {"mean": 0, "low": 0, "high": 0}


def test_nothing_after_the_as_of_day_is_seen(shop: list[Row]) -> None:
    later = [(c, _on(181), "item 0") for c in range(120)] + [("new", _on(190), "a new item")]
    known = [(str(c), at, i) for c, at, i in shop if at <= _on(180)]
    planted = [(str(c), at, i) for c, at, i in [*known, *later]]
    before, after = (recommend_purchases(_log(rows), _on(180), 5) for rows in (known, planted))
    assert before.rows.equals(after.rows)
    assert before.summary == after.summary


def test_one_purchase_each_explores_what_others_buy() -> None:
    rows: list[Row] = [(c, _on(c % 60), "the hit" if c % 3 else f"rare {c}") for c in range(90)]
    found = _recommend(rows, 80)
    _check_promises(rows, 80, 5, found)
    first = found.query("part == 'explore' and rank_in_part == 1").set_index("customer_id")["item_id"]
    assert (first.loc[first.index % 3 == 0] == "the hit").all()
    assert found["expected_on"].isna().all()


def test_one_item_only_leaves_nothing_to_explore() -> None:
    found = _recommend([(c, _on(d), "the item") for c in range(3) for d in (0, 9, 30, 61)], 70)
    assert found["part"].to_list() == ["repeat"] * 3


def test_cuts_end_where_the_data_do_and_leave_a_history() -> None:
    log = _log([("c", _on(day), "a") for day in range(0, 120, 5)])
    assert plan_cuts(log, _number(400)) == [_number(115 - 28 * n) for n in (1, 2, 3)]
    assert plan_cuts(log, _number(40)) == []
