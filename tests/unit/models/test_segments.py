"""Segments of customers who are of three kinds, of none, and of too few."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from cdp.models.forecast.factors import Amounts
from cdp.models.forecast.history import Cut, Purchases
from cdp.models.segments import Segments, find_segments

KINDS = (  # weeks silent, purchases, basket, P(any), spend
    (1.0, 40, 60.0, 0.97, 600.0),
    (2.0, 6, 15.0, 0.7, 30.0),
    (40.0, 2, 30.0, 0.05, 2.0),
)


def people(each: int, *, seed: int = 1, spread: float = 0.25) -> tuple[Cut, Amounts, np.ndarray]:
    """`each` people of each kind, in any order, and the kind of each."""
    rng = np.random.default_rng(seed)
    kind = rng.permutation(np.repeat(np.arange(len(KINDS)), each))
    silent, count, mean, p_any, spend = (
        np.array([k[i] for k in KINDS])[kind] * np.exp(rng.normal(0, spread, len(kind))) for i in range(5)
    )
    who, none = np.arange(len(kind)), np.zeros(0, dtype=np.int64)
    count = np.maximum(np.round(count), 1).astype(np.int64)
    age = silent + 30.0
    cut = Cut(0, who, count - 1.0, np.full(len(who), 30.0), age, mean, Purchases(none, none, np.zeros(0)), who, count)
    return cut, Amounts(spend / mean, spend, np.clip(p_any, 0.001, 0.99)), kind


def test_three_kinds_are_found_named_by_what_sets_them_apart_and_stable():
    cut, amounts, kind = people(300)
    found = find_segments(cut, amounts)
    assert len(found.names) == 3 and found.stability > 0.95 and found.silhouette > 0.5
    number = found.numbers(cut, amounts)
    assert all(len(set(number[kind == k])) == 1 for k in range(3))
    best, _, worst = (found.names[number[kind == k][0]] for k in range(3))
    assert best == found.names[0] and "many purchases" in best
    assert {"long silent", "less likely to buy"} & set(worst.split(", "))


def test_the_same_people_give_the_same_segments_and_json_keeps_them():
    cut, amounts, _ = people(200)
    first, again = find_segments(cut, amounts), find_segments(cut, amounts)
    assert first == again
    assert Segments.from_dict(json.loads(json.dumps(asdict(first)))) == first


def test_bands_are_fifths_of_value_and_steps_of_risk():
    cut, amounts, _ = people(500)
    found = find_segments(cut, amounts)
    value, risk = found.bands(amounts)
    assert np.bincount(value, minlength=6).tolist() == [0, 300, 300, 300, 300, 300]
    churn = 1 - amounts.p_any
    assert ((risk - 1) / 5 <= churn).all() and (churn <= risk / 5).all()


def test_a_later_training_keeps_segments_that_come_out_again_and_replaces_others():
    cut, amounts, _ = people(200)
    before = find_segments(cut, amounts)
    later, their, _ = people(200, seed=2)
    assert find_segments(later, their, before=before) is before
    other, new, _ = people(200, seed=3, spread=1.5)
    assert find_segments(other, new, before=before) is not before


@pytest.mark.parametrize("each", [1, 20])
def test_too_few_people_are_one_segment_with_bands(each):
    cut, amounts, _ = people(each)
    found = find_segments(cut, amounts)
    assert found.names == ("everybody",) and set(found.numbers(cut, amounts)) == {0}
    assert found.bands(amounts)[0].max() == 5


def test_people_without_kinds_get_names_of_their_own_and_an_honest_silhouette():
    rng = np.random.default_rng(4)
    cut, amounts, _ = people(300, spread=1.5)
    found = find_segments(cut, Amounts(amounts.purchases, rng.permutation(amounts.spend), amounts.p_any))
    assert len(set(found.names)) == len(found.names) > 1 and found.silhouette < 0.5
