"""Plans against exhaustive search and an independent solver, and what limits, ties and order may not change."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, sparse

from cdp.models.actions.allocate import allocate
from cdp.models.actions.prices import Limits, use_of


def _best_of_all(gain: np.ndarray, cost: np.ndarray, limits: Limits) -> float:
    """The optimum by trying every choice of everybody."""
    people, actions = gain.shape
    choices = np.array(list(product(range(actions + 1), repeat=people)))
    padded = np.column_stack([np.zeros(people), gain])[np.arange(people), choices]
    money = np.column_stack([np.zeros(people), cost])[np.arange(people), choices].sum(axis=1)
    counts = np.stack([(choices == a + 1).sum(axis=1) for a in range(actions)], axis=1)
    fits = (money <= limits.budget + 1e-9) & (counts <= limits.capacity).all(axis=1)
    return float(padded.sum(axis=1)[fits].max())


def _linear_optimum(gain: np.ndarray, cost: np.ndarray, limits: Limits) -> float:
    """The optimum when people may be divided, by a solver that shares nothing with the code under test."""
    person, action = np.nonzero(gain > 0)
    column, one = np.arange(len(person)), np.ones(len(person))
    parts = [(one, person, len(gain)), (cost[person, action], 0 * person, 1), (one, action, gain.shape[1])]
    matrix = sparse.vstack([sparse.csr_matrix((v, (r, column)), (n, len(person))) for v, r, n in parts])
    most = np.minimum(np.concatenate([np.ones(len(gain)), limits.amounts]), 1e6)
    found = optimize.linprog(-gain[person, action], A_ub=matrix, b_ub=most, bounds=(0, 1), method="highs")
    return -float(found.fun)


@st.composite
def _problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, Limits]:
    people, actions = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    cells = people * actions
    gain = draw(st.lists(st.integers(-3, 12), min_size=cells, max_size=cells))
    cost = draw(st.lists(st.integers(0, 6), min_size=cells, max_size=cells))
    capacity = draw(st.lists(st.sampled_from([0.0, 1.0, 2.0, np.inf]), min_size=actions, max_size=actions))
    limits = Limits(draw(st.sampled_from([0.0, 1.0, 4.0, 9.0, np.inf])), np.array(capacity))
    return np.array(gain, float).reshape(people, -1), np.array(cost, float).reshape(people, -1), limits


@settings(max_examples=60, deadline=None)
@given(_problems())
def test_small_plans_are_the_optimum_and_keep_the_limits(problem: tuple[np.ndarray, np.ndarray, Limits]) -> None:
    gain, cost, limits = problem
    plan = allocate(gain, cost, limits, luck=np.zeros(gain.shape))
    assert plan.gain == pytest.approx(_best_of_all(gain, cost, limits), rel=1e-6, abs=1e-9)
    assert plan.bound >= plan.gain
    assert (use_of(plan.choice, cost) <= limits.amounts * (1 + 1e-9)).all()
    chosen = np.flatnonzero(plan.choice)
    assert (gain[chosen, plan.choice[chosen] - 1] > 0).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_bound_is_the_optimum_of_divisible_people_and_the_plan_is_close_below(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gain = rng.gamma(2, 3, (400, 4)) * [1, 1.5, 2, 3] - 3
    cost = rng.uniform(0.5, 3, gain.shape)
    limits = Limits(180.0, np.array([40.0, np.inf, 30.0, 25.0]))
    plan = allocate(gain, cost, limits, luck=rng.random(gain.shape))
    optimum = _linear_optimum(gain, cost, limits)
    assert plan.bound == pytest.approx(optimum, rel=3e-6)
    assert plan.gain > optimum - gain.max()  # less than one person's best gain is lost, of some 150 people's
    assert (use_of(plan.choice, cost) <= limits.amounts * (1 + 1e-9)).all()


def test_with_twenty_limits_the_bound_is_found_too() -> None:
    rng = np.random.default_rng(0)
    people, actions = 2000, 20
    gain = rng.beta(1, 8, (people, actions)) * rng.gamma(2, 20, (people, 1)) - 1
    cost, limits = rng.gamma(1, 5, (people, actions)), Limits(200, np.full(actions, 40.0))
    plan = allocate(gain, cost, limits, luck=rng.random((people, actions)))
    assert plan.bound == pytest.approx(_linear_optimum(gain, cost, limits), rel=1e-6)
    assert plan.gain > plan.bound * (1 - 3e-4)


def test_equal_people_are_split_where_the_budget_says_so() -> None:
    # 2 for 1 first, then 4 more for 4 more: with 3 a person half of them get the dearer one
    people = 1000
    gain, cost = np.tile([6.0, 2.0], (people, 1)), np.tile([5.0, 1.0], (people, 1))
    luck = np.random.default_rng(0).random(gain.shape)
    plan = allocate(gain, cost, Limits(3.0 * people, np.array([np.inf, np.inf])), luck=luck)
    assert np.bincount(plan.choice, minlength=3).tolist() == [0, 500, 500]
    assert plan.gain == 4000 and plan.bound == pytest.approx(4000, rel=2e-6)


def test_what_nobody_can_have_whole_does_not_keep_others_from_the_rest() -> None:
    rng = np.random.default_rng(4)
    gain, cost = rng.uniform(1, 2, (300, 2)), np.ones((300, 2))
    gain[0], cost[0] = 10_000, 101  # worth the whole budget, and does not fit
    gain[1:3], cost[1:3] = 1_000, 60  # worth most of it, and fits once
    limits = Limits(100.0, np.full(2, np.inf))
    plan = allocate(gain, cost, limits, luck=rng.random(gain.shape))
    best = 1_000 + np.sort(gain[3:].max(axis=1))[-40:].sum()
    assert plan.gain == pytest.approx(best, rel=1e-3) and use_of(plan.choice, cost)[0] == 100
    assert plan.gain <= plan.bound < best + 1_000


def test_without_limits_everybody_gets_what_gains_most() -> None:
    gain = np.random.default_rng(5).normal(0, 1, (300, 3))
    plan = allocate(gain, np.ones(gain.shape), Limits(np.inf, np.full(3, np.inf)), luck=np.zeros(gain.shape))
    best = np.column_stack([np.zeros(300), gain]).argmax(axis=1)
    np.testing.assert_array_equal(plan.choice, best)
    assert not plan.prices.any()


def test_a_limit_of_more_than_there_is_changes_nothing() -> None:
    rng = np.random.default_rng(7)
    gain, cost, luck = rng.gamma(2, 3, (60, 2)), rng.uniform(1, 2, (60, 2)), rng.random((60, 2))
    for budget, capacity, huge in ((30.0, np.inf, Limits(30.0, np.array([1e30, 60.0]))),
                                   (np.inf, 10.0, Limits(1e30, np.array([10.0, 1e30])))):  # fmt: skip
        plan = allocate(gain, cost, Limits(budget, np.array([capacity, np.inf])), luck=luck)
        np.testing.assert_array_equal(allocate(gain, cost, huge, luck=luck).choice, plan.choice)


def test_money_in_any_currency_and_nothing_worth_doing() -> None:
    rng = np.random.default_rng(6)
    gain, cost = rng.gamma(2, 3, (60, 2)), rng.uniform(1, 2, (60, 2))
    luck, capacity = rng.random(gain.shape), np.array([10.0, np.inf])
    plan = allocate(gain, cost, Limits(30.0, capacity), luck=luck)
    other = allocate(gain * 1e7, cost * 1e7, Limits(30.0 * 1e7, capacity), luck=luck)
    np.testing.assert_array_equal(plan.choice, other.choice)
    assert other.prices[0] == pytest.approx(plan.prices[0]) and other.prices[1] == pytest.approx(plan.prices[1] * 1e7)
    none = allocate(-gain, cost, Limits(30.0, capacity), luck=luck)
    assert none.gain == none.bound == 0 and not none.choice.any()
