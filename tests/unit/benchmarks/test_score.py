"""The yardstick against a count of all pairs, one by one."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from tests.benchmarks.identity.score import score


def _made(seed: int, n: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    draw = np.random.default_rng(seed)
    persons = draw.integers(0, 18, n)
    truth = pd.DataFrame(
        {
            "source": draw.choice(["a", "b", "c"], n),
            "record_id": [str(i) for i in range(n)],
            "person": [f"p{p}" for p in persons],
            "household": [f"h{p // 3}" if p % 7 else "" for p in persons],
        }
    )
    clusters = np.where(draw.random(n) < 0.7, persons, draw.integers(0, 25, n))
    people = truth[["source", "record_id"]].assign(person_id=[f"c{c}" for c in clusters])
    return people.sample(frac=1.0, random_state=seed), truth


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counts_are_those_of_all_pairs(seed):
    people, truth = _made(seed)
    rows = people.merge(truth, on=["source", "record_id"]).to_dict("records")
    both = [(a, b, a["person_id"] == b["person_id"], a["person"] == b["person"]) for a, b in combinations(rows, 2)]
    found, true = sum(f for _, _, f, _ in both), sum(t for _, _, _, t in both)
    right = sum(f and t for _, _, f, t in both)
    at_home = sum(f and not t and a["household"] == b["household"] != "" for a, b, f, t in both)

    told = score(people, truth)

    assert told["precision"] == pytest.approx(right / found) and told["recall"] == pytest.approx(right / true)
    assert told["f1"] == pytest.approx(2 * right / (found + true))
    assert (told["false_pairs"], told["missed_pairs"]) == (found - right, true - right)
    assert told["false_in_household"] == at_home > 0
    assert told["false_in_household_share"] == pytest.approx(at_home / (found - right))
    ab = [(f, t) for a, b, f, t in both if {a["source"], b["source"]} == {"a", "b"}]
    assert told["by_sources"]["a-b"]["precision"] == pytest.approx(sum(f and t for f, t in ab) / sum(f for f, _ in ab))
    bb = [(f, t) for a, b, f, t in both if a["source"] == b["source"] == "b"]
    assert told["by_sources"]["b-b"]["recall"] == pytest.approx(sum(f and t for f, t in bb) / sum(t for _, t in bb))


@pytest.mark.parametrize("seed", [1, 2])
def test_cubed_is_the_mean_over_records(seed):
    people, truth = _made(seed)
    rows = people.merge(truth, on=["source", "record_id"]).to_dict("records")
    precision, recall = [], []
    for a in rows:
        cluster = [b for b in rows if b["person_id"] == a["person_id"]]
        person = [b for b in rows if b["person"] == a["person"]]
        shared = sum(b["person"] == a["person"] for b in cluster)
        precision.append(shared / len(cluster))
        recall.append(shared / len(person))
    told = score(people, truth)
    assert told["cubed_precision"] == pytest.approx(np.mean(precision))
    assert told["cubed_recall"] == pytest.approx(np.mean(recall))


def test_perfect_people_and_one_heap():
    _, truth = _made(1)
    perfect = score(truth.assign(person_id=truth["person"]), truth)
    assert (perfect["precision"], perfect["recall"], perfect["cubed_f1"]) == (1.0, 1.0, 1.0)
    assert perfect["largest"] == perfect["largest_true"]
    heap = score(truth.assign(person_id="all"), truth)
    assert heap["recall"] == 1.0 and heap["precision"] < 0.1 and heap["largest"] == len(truth)


def test_the_name_of_the_source_does_not_matter_where_ids_are_unique_and_does_where_not():
    truth = pd.DataFrame({"source": ["a", "b"], "record_id": ["1", "1"], "person": ["p", "p"], "household": ["", ""]})
    people = truth.assign(person_id=["x", "x"])
    assert score(people, truth)["recall"] == 1.0
    with pytest.raises(ValueError, match="not in both"):
        score(people.assign(source="other").assign(record_id=["1", "2"]), truth)
    unique = truth.assign(record_id=["1", "2"])
    assert score(unique.assign(person_id="x", source="file"), unique)["recall"] == 1.0
