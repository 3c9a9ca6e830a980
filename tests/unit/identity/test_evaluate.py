"""The evaluation beside a count of all pairs, one by one."""

from __future__ import annotations

import random
from itertools import combinations
from pathlib import Path
from statistics import mean

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from cdp.core.errors import ConfigError
from cdp.identity.evaluate import evaluate_people, render_evaluation
from cdp.verbs.identity import read_truth

N = 80


@pytest.fixture(scope="module")
def labels() -> list[tuple[str, str, str, str]]:
    """(record_id, person of the lake, person of the truth, household) of records from two sources, mixed up."""
    draw = random.Random(5)
    rows = []
    for number in range(N):
        true = draw.randrange(25)
        found = true if draw.random() < 0.8 else draw.randrange(25)
        rows.append((f"{draw.choice(['crm', 'web'])}:{number}", f"p{found}", f"P{true}", f"H{true // 2}"))
    return rows


def test_it_counts_what_all_pairs_say(spark: SparkSession, labels: list[tuple[str, str, str, str]]) -> None:
    owners = spark.createDataFrame([(r, p) for r, p, _, _ in labels], "record_id STRING, person_id STRING")
    truth = spark.createDataFrame(
        [(r, t, h) for r, _, t, h in labels], "record_id STRING, person STRING, household STRING"
    )
    found = evaluate_people(owners, truth)
    pairs = list(combinations(labels, 2))
    right = [pair for pair in pairs if pair[0][1] == pair[1][1] and pair[0][2] == pair[1][2]]
    together = [(a, b) for a, b in pairs if a[1] == b[1]]
    assert found.total.records == N
    assert found.total.right == pytest.approx(len(right))
    assert found.total.found == pytest.approx(len(together))
    assert found.total.true == pytest.approx(sum(a[2] == b[2] for a, b in pairs))
    assert found.false_in_household == pytest.approx(sum(a[2] != b[2] and a[3] == b[3] for a, b in together))
    ends = sum((a[0][:3] == "crm") + (b[0][:3] == "crm") for a, b in right)
    assert found.by_source["crm"].right == pytest.approx(ends / 2)

    def share(row: tuple[str, str, str, str], group: int) -> float:
        mates = [other for other in labels if other[group] == row[group]]
        return mean(float(other[1] == row[1] and other[2] == row[2]) for other in mates)

    for source in ("crm", "web"):
        own = [row for row in labels if row[0].startswith(source)]
        assert found.by_source[source].cubed_precision == pytest.approx(mean(share(row, 1) for row in own))
        assert found.by_source[source].cubed_recall == pytest.approx(mean(share(row, 2) for row in own))
    mixed = {p for p in {row[1] for row in labels} if len({row[2] for row in labels if row[1] == p}) > 1}
    assert found.mixed_people == len(mixed)
    text = render_evaluation(found)
    assert f"{found.total.precision:.4f}" in text and "false pairs within one household" in text


def test_records_that_nobody_can_judge_are_counted_apart(spark: SparkSession) -> None:
    owners = spark.createDataFrame([("a:1", "p1"), ("a:2", "p1"), ("a:9", "p9")], "record_id STRING, person_id STRING")
    rows = [("a:1", "P1"), ("a:2", "P1"), ("a:2", "P1"), ("a:9", "P8"), ("a:9", "P9"), ("a:7", "P1"), ("a:1", None)]
    found = evaluate_people(owners, spark.createDataFrame(rows, "record_id STRING, person STRING"))
    assert (found.total.records, found.not_judged, found.not_in_lake) == (2, 1, 1)
    assert (found.total.precision, found.total.recall, found.false_in_household) == (1.0, 1.0, None)


def test_a_truth_that_fits_nothing_is_refused(spark: SparkSession) -> None:
    owners = spark.createDataFrame([("a:1", "p1")], "record_id STRING, person_id STRING")
    with pytest.raises(ConfigError, match="0 belong to several persons there, 1 are not in the lake"):
        evaluate_people(owners, spark.createDataFrame([("b:1", "P1")], "record_id STRING, person STRING"))
    with pytest.raises(ConfigError, match="the truth has no column person; it has record_id, human"):
        evaluate_people(owners, spark.createDataFrame([("b:1", "P1")], "record_id STRING, human STRING"))
    with pytest.raises(ConfigError, match=r"/nowhere/truth\.csv: no CSV or Parquet file, and no folder of Parquet"):
        read_truth(spark, "/nowhere/truth.csv")


def test_a_truth_may_have_any_types_and_delimiter(spark: SparkSession, tmp_path: Path) -> None:
    owners = spark.createDataFrame([("1", "p1"), ("2", "p1")], "record_id STRING, person_id STRING")
    (tmp_path / "truth.csv").write_text("record_id;person\n1;7\n2;7\n")
    pd.DataFrame({"record_id": [1, 2], "person": [7, 7]}).to_parquet(tmp_path / "truth.parquet")
    for name in ("truth.csv", "truth.parquet"):
        total = evaluate_people(owners, read_truth(spark, str(tmp_path / name))).total
        assert (total.records, total.right, total.true) == (2, 1.0, 1.0)
