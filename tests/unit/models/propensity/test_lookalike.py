"""Look-alikes of a seed drawn from a hidden kind of people."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cdp.core.errors import ModelError
from cdp.models import metrics
from cdp.models.propensity.lookalike import Lookalikes, find_lookalikes
from cdp.models.propensity.lookalike_metrics import share_of_seed_like


def make_audience(count: int, *, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """People, who of them is of the hidden kind (about 30 %), and the tenth of these that is the seed."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4))
    kind = 3 * (x[:, 0] - 0.7) + 2 * np.sin(x[:, 1]) + rng.logistic(size=count) > 0
    people = pd.DataFrame(x, columns=["visits", "spend", "age", "noise"])
    people["shop"] = [f"s{i}" for i in rng.integers(0, 200, count)]
    people.insert(0, "customer_id", rng.permutation(count) + 10_000)
    return people, kind, kind & (rng.random(count) < 0.3)


@pytest.fixture(scope="module")
def found() -> tuple[Lookalikes, pd.DataFrame]:
    people, kind, is_seed = make_audience(4000, seed=1)
    ids = people["customer_id"].astype(str)
    result = find_lookalikes(ids[is_seed], people, id_column="customer_id")
    return result, result.people.merge(pd.DataFrame({"id": ids, "kind": kind, "seed": is_seed}), on="id")


def test_hidden_people_of_the_kind_come_first(found):
    _, people = found
    others = people[~people["is_seed"]]
    assert metrics.auc(-others["rank"].to_numpy(float), others["kind"].to_numpy(float)) > 0.85


def test_everybody_has_one_rank_and_seed_people_are_marked(found):
    _, people = found
    assert people["rank"].tolist() == list(range(1, 4001))
    assert (people["is_seed"] == people["seed"]).all()
    assert people["score"].is_monotonic_decreasing and people["score"].between(0, 1).all()
    assert people["reasons"].str.len().between(0, 3).all()


def test_seed_people_are_scored_like_their_hidden_likes(found):
    """A model that had seen them would know them by their noise: the AUC would be far above one half."""
    _, people = found
    likes = people[people["kind"]]
    assert metrics.auc(-likes["rank"].to_numpy(float), likes["is_seed"].to_numpy(float)) == pytest.approx(0.5, abs=0.06)


def test_the_report_tells_recall_lift_rival_and_share(found):
    result, people = found
    report = json.loads(json.dumps(result.report, allow_nan=False))
    model, rival = report["metrics"]["model"], report["metrics"]["distance to the seed's mean"]
    assert model["auc"]["mean"] > rival["auc"]["mean"]
    assert model["top 10%"]["lift"] == pytest.approx(model["top 10%"]["recall"] * 10)
    assert model["top 10%"]["recall"] > 0.2
    truth = people.loc[~people["is_seed"], "kind"].mean()
    assert report["estimated_share_of_seed_like_people"] == pytest.approx(truth, abs=0.12)


def test_order_of_rows_does_not_matter():
    people, _, is_seed = make_audience(600, seed=2)
    ids = people["customer_id"].astype(str)[is_seed]
    one = find_lookalikes(ids, people, id_column="customer_id").people
    other = find_lookalikes(ids[::-1], people.sample(frac=1, random_state=1), id_column="customer_id").people
    pd.testing.assert_frame_equal(one, other)


def test_the_rule_of_the_seed_is_no_feature():
    people, _, is_seed = make_audience(1500, seed=3)
    people["points"] = np.where(is_seed, 500, 100) + people["age"]
    people["tier"] = np.where(is_seed, "gold", "blue")
    report = find_lookalikes(people["customer_id"].astype(str)[is_seed], people, id_column="customer_id").report
    assert report["dropped"]["points"].startswith("the seed's rule")
    assert report["dropped"]["tier"].startswith("leakage")
    assert {w.split()[0] for w in report["warnings"] if "left out" in w} == {"points", "tier"}


def test_seed_people_without_features_are_counted():
    people, _, is_seed = make_audience(1000, seed=4)
    ids = pd.concat([people["customer_id"].astype(str)[is_seed], pd.Series(["x1", "x2"])])
    report = find_lookalikes(ids, people, id_column="customer_id").report
    assert report["seed_people"] == is_seed.sum()
    assert "2 people of the seed have no features: they were not used" in report["warnings"]


def test_a_seed_that_nothing_tells_apart_is_refused():
    people, _, _ = make_audience(1000, seed=5)
    ids = people["customer_id"].astype(str).sample(100, random_state=2)
    with pytest.raises(ModelError, match="nothing among the features tells the seed apart"):
        find_lookalikes(ids, people, id_column="customer_id")


def test_a_seed_that_chance_may_have_told_apart_is_refused():
    """A propensity would be answered here, three tenths of it: it ranks better than chance, but not beyond doubt."""
    people, _, _ = make_audience(200, seed=5)
    ids = people["customer_id"].astype(str).sample(30, random_state=14)
    with pytest.raises(ModelError, match="what ranks it first may do so by chance"):
        find_lookalikes(ids, people.drop(columns="shop"), id_column="customer_id")


@pytest.mark.parametrize(("seed", "message"), [(["a", "b"], "0 people of the seed"), ([], "0 people of the seed")])
def test_too_little_seed_is_refused(seed, message):
    people, _, _ = make_audience(100, seed=6)
    with pytest.raises(ModelError, match=message):
        find_lookalikes(pd.Series(seed, dtype=object), people, id_column="customer_id")


def test_a_seed_of_everybody_is_refused():
    people, _, _ = make_audience(100, seed=6)
    ids = people["customer_id"].astype(str)
    with pytest.raises(ModelError, match="95 of the 100 people with features are the seed itself"):
        find_lookalikes(ids.head(95), people, id_column="customer_id")


def test_people_given_twice_are_refused():
    people, _, _ = make_audience(100, seed=7)
    with pytest.raises(ModelError, match="100 rows of the features repeat an id"):
        find_lookalikes(people["customer_id"].astype(str), pd.concat([people, people]), id_column="customer_id")


def test_share_of_a_mixture_with_a_pure_top():
    found, is_seed = [], np.repeat([1.0, 0.0], [500, 2000])
    for seed in range(10):
        rng = np.random.default_rng(seed)
        scores = np.concatenate([rng.normal(6, 1, 500), rng.normal(6, 1, 400), rng.normal(0, 1, 1600)])
        found.append(share_of_seed_like(scores, is_seed))
    assert np.mean(found) == pytest.approx(0.2, abs=0.03)
