"""Carrying a plan out: limits are never broken, and the logged probabilities are the frequencies."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp.models.actions.allocate import allocate
from cdp.models.actions.draw import Policy, carry_out, draws_of
from cdp.models.actions.prices import Limits, use_of


def _run(gain: np.ndarray, cost: np.ndarray, limits: Limits, seed: object, exploration: float) -> Policy:
    ids = np.array([f"p{i:04d}" for i in range(len(gain))], dtype=object)
    draws = draws_of(ids, gain.shape[1], seed=f"{seed}")
    plan = allocate(gain, cost, limits, luck=draws.ties)
    return carry_out(plan, gain, cost, limits, draws=draws, exploration=exploration)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 0.9]), st.sampled_from([0.0, 3.0, 20.0, np.inf]))
def test_no_limit_is_broken_and_nothing_closed_is_shown(seed: int, exploration: float, budget: float) -> None:
    rng = np.random.default_rng(seed)
    gain = np.where(rng.random((40, 3)) < 0.3, -np.inf, rng.normal(2, 3, (40, 3)))
    cost = np.where(np.isfinite(gain), rng.uniform(0, 3, gain.shape), 0.0)
    limits = Limits(budget, rng.choice([0.0, 2.0, 5.0, np.inf], 3))
    policy = _run(gain, cost, limits, seed, exploration)
    assert (use_of(policy.choice, cost) <= limits.amounts * (1 + 1e-9)).all()
    shown = np.flatnonzero(policy.choice)
    assert (gain[shown, policy.choice[shown] - 1] > 0).all()
    assert (policy.of_choice > 0).all()
    np.testing.assert_allclose(policy.probability.sum(axis=1), 1)
    assert policy.share <= exploration


def test_the_probabilities_are_the_frequencies() -> None:
    rng = np.random.default_rng(1)
    gain, cost = rng.gamma(2, 2, (12, 2)), rng.uniform(1, 2, (12, 2))
    limits = Limits(9.0, np.array([3.0, np.inf]))
    ids = np.array([f"p{i}" for i in range(12)], dtype=object)
    plan = allocate(gain, cost, limits, luck=np.zeros(gain.shape))
    runs = [
        carry_out(plan, gain, cost, limits, draws=draws_of(ids, 2, seed=str(seed)), exploration=0.4)
        for seed in range(400)
    ]
    share = np.mean([[p.choice == c for c in range(3)] for p in runs], axis=0).T
    said = np.mean([p.probability for p in runs], axis=0)
    error = np.sqrt(np.maximum(said * (1 - said), 0.01) / len(runs))
    assert (np.abs(share - said) < 4 * error).all()
    assert min(p.share for p in runs) > 0.1


def test_without_exploration_it_is_the_plan_and_with_it_another_day_tries_other_people() -> None:
    rng = np.random.default_rng(2)
    gain, cost = rng.gamma(2, 2, (2000, 3)), np.ones((2000, 3))
    limits = Limits(1500.0, np.full(3, np.inf))
    still = _run(gain, cost, limits, 0, 0.0)
    plan = allocate(gain, cost, limits, luck=draws_of(np.arange(2000).astype(object), 3, seed="0").ties)
    np.testing.assert_array_equal(still.choice, plan.choice)
    assert set(still.of_choice) == {1.0}
    first, again, other = (_run(gain, cost, limits, seed, 0.1) for seed in ("a", "a", "b"))
    np.testing.assert_array_equal(first.choice, again.choice)
    assert abs(first.is_drawn.mean() - first.share) < 0.02
    both = (first.is_drawn & other.is_drawn).mean()
    assert both < 3 * first.share**2


def test_exploring_takes_no_more_than_its_share_of_a_small_budget() -> None:
    rng = np.random.default_rng(3)
    gain, cost = rng.gamma(2, 2, (5000, 3)), np.ones((5000, 3))
    policy = _run(gain, cost, Limits(100.0, np.full(3, np.inf)), 0, 0.1)
    spent = cost[policy.is_drawn & (policy.choice > 0), 0].sum()
    assert 0 < spent < 25 and policy.share < 0.01
