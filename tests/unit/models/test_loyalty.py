"""Loyalty on simulated customers: who left, slowed down or sped up is told apart from who kept the own rhythm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from cdp.core.errors import ModelError
from cdp.models.forecast.history import Cut, Purchases, cut_at
from cdp.models.loyalty import STATES, Loyalty, Rhythm, count_states, learn_rhythm, loyalty_reasons, score_loyalty
from cdp.models.metrics import auc
from cdp.models.scorer import Scorer
from cdp.models.scoring import ScoringModel, prediction_rows
from cdp.models.train import TrainedValue
from cdp.models.value import ValueParameters

DAYS = 730
#: what happens to a person's rate 6 of the own usual gaps before the end, at least 60 days before
KINDS = {"steady": 1.0, "left": 0.0, "slowed": 0.3, "sped": 2.5}


def _company(people: int, *, shape: float, seed: int = 1) -> tuple[Cut, np.ndarray]:
    """A cut of people with rates that differ tenfold, each of a kind; gaps are Gamma with `shape` (1: by chance)."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, len(KINDS), people)
    customer, day, amount = [], [], []
    for i in range(people):
        usual = 7 * np.exp(rng.uniform(0, np.log(10)))
        change = DAYS - max(60, 6 * usual)
        now = float(rng.uniform(0, DAYS / 3))
        while now < DAYS:
            customer.append(i)
            day.append(int(now))
            amount.append(rng.lognormal(3, 0.3))
            factor = list(KINDS.values())[kind[i]] if now >= change else 1.0
            now += rng.gamma(shape, usual / shape) / factor if factor else DAYS
    keep = np.unique(np.stack([customer, day]), axis=1, return_index=True)[1]
    purchases = Purchases(np.array(customer)[keep], np.array(day)[keep], np.array(amount)[keep])
    return cut_at(purchases, DAYS), kind


def _scored(cut: Cut) -> Loyalty:
    return score_loyalty(cut, learn_rhythm(cut))


def _auc(found: Loyalty, kind: np.ndarray, higher: str, lower: str) -> float:
    of = [list(KINDS).index(k) for k in (higher, lower)]
    chosen = np.isin(kind, of)
    return auc(found.score[chosen], (kind[chosen] == of[0]).astype(np.float64))


@pytest.mark.parametrize(("shape", "slowed", "left", "sped"), [(1.0, 0.78, 0.94, 0.78), (4.0, 0.94, 0.99, 0.92)])
def test_who_left_slowed_or_sped_up_is_ranked_apart(shape: float, slowed: float, left: float, sped: float) -> None:
    cut, kind = _company(1500, shape=shape)
    found = _scored(cut)
    assert _auc(found, kind, "steady", "left") > left
    assert _auc(found, kind, "steady", "slowed") > slowed
    assert _auc(found, kind, "sped", "steady") > sped
    assert ((found.score >= 0) & (found.score <= 1)).all()


def test_it_beats_the_silence_in_weeks_since_everybody_has_an_own_gap() -> None:
    cut, kind = _company(1500, shape=1.0)
    found = _scored(cut)
    gone = np.isin(kind, [1, 2])
    by_weeks = auc(-found.silence, (~gone).astype(np.float64))
    assert auc(found.score, (~gone).astype(np.float64)) > by_weeks + 0.04


def test_states_mean_what_they_say() -> None:
    cut, kind = _company(1500, shape=4.0)
    found = _scored(cut)
    share = {name: np.bincount(found.state[kind == k], minlength=4) / (kind == k).sum() for k, name in enumerate(KINDS)}
    lapsed, fading, rising = (STATES.index(s) for s in ("lapsed", "fading", "rising"))
    assert share["left"][lapsed] > 0.8 and share["steady"][lapsed] < 0.05
    assert share["slowed"][[lapsed, fading]].sum() > 0.55 and share["steady"][[lapsed, fading]].sum() < 0.2
    assert share["sped"][rising] > 0.55 and share["steady"][rising] < 0.15
    assert sum(count_states(found).values()) == len(cut)


def test_the_chances_are_calibrated_whether_gaps_are_by_chance_or_regular() -> None:
    for shape in (1.0, 4.0):
        cut, kind = _company(2000, shape=shape, seed=5)
        longer = _scored(cut).longer[kind == 0]
        # at any moment the silence so far is shorter than the whole gap: unusual ones are at most as rare as said
        assert (longer < 0.1).mean() < 0.13
        assert 0.5 <= longer.mean() < 0.85


def test_the_same_pace_at_another_scale_of_time_and_money_is_the_same_loyalty() -> None:
    cut, _ = _company(300, shape=1.0)
    rhythm = learn_rhythm(cut)
    slower = Purchases(cut.days.customer, cut.days.day * 3, cut.days.amount * 100)
    found, other = score_loyalty(cut, rhythm), score_loyalty(
        cut_at(slower, DAYS * 3), Rhythm(rhythm.r, rhythm.alpha * 3, rhythm.usual)
    )  # fmt: skip
    np.testing.assert_allclose(found.score, other.score, atol=1e-9)


def test_one_person_alone_and_one_purchase_alone_have_a_score_with_reasons() -> None:
    days = np.array([0, 7, 14, 21, 28])
    weekly = Purchases(np.zeros(5, dtype=np.int64), days, np.full(5, 10.0))
    kept, gone = (_scored(cut_at(weekly, day)) for day in (32, 150))
    assert STATES[kept.state[0]] == "steady" and STATES[gone.state[0]] == "lapsed"
    assert gone.score[0] < 0.2 < 0.4 < kept.score[0]
    once = cut_at(Purchases(np.array([0]), np.array([0]), np.array([5.0])), 70)
    found = _scored(once)
    assert 0 < found.score[0] < 1 and "a single purchase" in loyalty_reasons(once, found)[0][1]
    told = loyalty_reasons(cut_at(weekly, 150), gone)[0]
    assert told[0].startswith("silent for 17.4 weeks; ") and "times as often" in told[1] and len(told) == 2


def test_amounts_count_where_they_are_known_and_time_must_have_passed() -> None:
    customer, days = np.repeat([0, 1], 12), np.tile(np.arange(12) * 7, 2)
    growing = np.concatenate([np.full(12, 10.0), np.repeat([10.0, 40.0], [8, 4])])
    found = _scored(cut_at(Purchases(customer, days, growing), 80))
    assert found.amount[0] == pytest.approx(1) and found.amount[1] > 2 and found.score[1] > found.score[0]
    unknown = _scored(cut_at(Purchases(customer, days, np.ones(24), has_amounts=False), 80))
    assert unknown.score[0] == unknown.score[1]
    with pytest.raises(ModelError, match="no time has passed"):
        learn_rhythm(cut_at(Purchases(np.array([0]), np.array([80]), np.array([5.0])), 80))


def test_a_trained_version_measures_the_loyalty_of_everybody_it_scores(trained: TrainedValue) -> None:
    cut, _ = _company(200, shape=1.0)
    scored = Scorer(trained.params).score(cut, horizon_weeks=13)
    assert scored["loyalty_score"].between(0, 1).all() and set(scored["loyalty_state"]) <= set(STATES)
    again = ValueParameters.from_json(trained.params.to_json())
    assert again == trained.params and again.rhythm == trained.params.rhythm
    some = Scorer(trained.params).score(
        cut_at(cut.days.of(cut.days.customer == cut.customer[7]), DAYS), horizon_weeks=13
    )
    assert some["loyalty_score"][0] == pytest.approx(scored["loyalty_score"][7])
    nobody = cut_at(cut.days, -1)
    assert len(Scorer(trained.params).score(nobody, horizon_weeks=13)) == 0
    older = Scorer(replace(trained.params, rhythm=None)).score(cut, horizon_weeks=13)
    assert "loyalty_score" not in older


def test_the_rows_of_a_version_without_a_rhythm_are_null_text(trained: TrainedValue) -> None:
    cut, _ = _company(20, shape=1.0)
    for params, empty in ((trained.params, False), (replace(trained.params, rhythm=None, segments=None), True)):
        scored = Scorer(params).score(cut, horizon_weeks=13)
        rows = prediction_rows("ltv", cut, scored, ScoringModel("cdp.ltv", "1", params), 13)
        for name in ("segment", "loyalty_state"):
            assert pa.array(rows[name], pa.string(), from_pandas=True).null_count == (len(cut) if empty else 0)
            churn = prediction_rows("churn", cut, scored, ScoringModel("cdp.churn", "1", params), 13)
            assert churn[name].isna().all() and churn["loyalty_score"].isna().all()
