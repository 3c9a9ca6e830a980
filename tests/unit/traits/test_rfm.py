"""RFM scores by stored cut points: equal values, equal scores."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from cdp.traits.rfm import QUANTILES, find_thresholds, score_rfm

AS_OF = date(2026, 1, 5)
SCHEMA = "person_id STRING, last_order_days INT, orders_365d BIGINT, spend_365d DECIMAL(18,2), first_order_days INT"


def frame(spark: SparkSession, people: list[tuple[int | None, int, int, int | None]]) -> DataFrame:
    data = [(f"p{n:03}", r, f, Decimal(m), first) for n, (r, f, m, first) in enumerate(people)]
    return spark.createDataFrame(data, SCHEMA)


def test_fifths_of_a_hundred_customers(spark: SparkSession) -> None:
    traits = frame(spark, [(n + 1, n + 1, n + 1, 900) for n in range(100)] + [(None, 0, 0, None)])
    thresholds = find_thresholds(traits, as_of=AS_OF)
    cuts = {(r["trait"], r["quantile"]): r["threshold"] for r in thresholds.collect()}
    assert len(cuts) == 12
    assert [round(cuts["orders_365d", q], 6) for q in QUANTILES] == [20.8, 40.6, 60.4, 80.2]
    rows = score_rfm(traits, thresholds).orderBy("person_id").collect()
    assert [r["rfm_frequency"] for r in rows[:100]] == [1] * 20 + [2] * 20 + [3] * 20 + [4] * 20 + [5] * 20
    assert [r["rfm_recency"] for r in rows[:100]] == [5] * 20 + [4] * 20 + [3] * 20 + [2] * 20 + [1] * 20
    nobody = rows[100]
    assert (nobody["rfm_recency"], nobody["rfm_monetary"], nobody["rfm_segment"]) == (None, None, None)


def test_segments_have_their_names(spark: SparkSession) -> None:
    cuts = [
        (t, AS_OF, q, float(c))
        for t, c4 in {
            "last_order_days": (10, 20, 30, 40),
            "orders_365d": (1, 2, 3, 4),
            "spend_365d": (10, 20, 30, 40),
        }.items()
        for q, c in zip(QUANTILES, c4, strict=True)
    ]
    thresholds = spark.createDataFrame(cuts, "trait STRING, as_of DATE, quantile DOUBLE, threshold DOUBLE")
    people = {
        "champions": (5, 9, 90, 900),
        "loyal": (25, 5, 5, 900),
        "big_spenders": (25, 1, 90, 900),
        "promising": (5, 2, 5, 900),
        "needs_attention": (25, 1, 5, 900),
        "at_risk": (35, 4, 5, 900),
        "hibernating": (35, 1, 5, 900),
        "lost": (99, 1, 5, 900),
        "new": (5, 1, 90, 60),
    }
    rows = score_rfm(frame(spark, list(people.values())), thresholds).orderBy("person_id").collect()
    assert [r["rfm_segment"] for r in rows] == list(people)


def test_without_customers_nobody_is_scored(spark: SparkSession) -> None:
    traits = frame(spark, [(None, 0, 0, None)])
    thresholds = find_thresholds(traits, as_of=AS_OF)
    assert {r["threshold"] for r in thresholds.collect()} == {None}
    assert score_rfm(traits, thresholds).collect()[0]["rfm_segment"] is None


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(-9, 9), st.just(900)), min_size=1))
def test_scores_never_fall_with_the_value_and_equal_values_tie(
    spark: SparkSession, people: list[tuple[int, int, int, int]]
) -> None:
    traits = frame(spark, list(people))
    rows = score_rfm(traits, find_thresholds(traits, as_of=AS_OF)).collect()
    by_value: dict[int, set[int]] = {}
    for row in rows:
        by_value.setdefault(row["orders_365d"], set()).add(row["rfm_frequency"])
    assert all(len(scores) == 1 for scores in by_value.values())
    ordered = [min(by_value[v]) for v in sorted(by_value)]
    assert ordered == sorted(ordered)
    assert {s for scores in by_value.values() for s in scores} <= {1, 2, 3, 4, 5}
