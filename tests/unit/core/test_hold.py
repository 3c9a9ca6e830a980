"""A held frame: computed once, planned over rows, and given back."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.contracts.ops.runs import RUNS
from cdp.core.hold import cut, hold, release
from cdp.tables.store import Lake


def _numbers(spark: SparkSession) -> DataFrame:
    return spark.range(100).withColumn("draw", F.rand()).repartition(3)


def test_a_held_frame_gives_the_same_rows_each_time(spark: SparkSession) -> None:
    held = hold(_numbers(spark))
    assert sorted(r.draw for r in held.collect()) == sorted(r.draw for r in held.collect())
    assert held.where("draw > 2").count() == 0 and held.count() == 100
    release(held)


def test_what_was_held_is_given_back(spark: SparkSession) -> None:
    stored = spark.sparkContext._jsc.getPersistentRDDs  # type: ignore[union-attr]
    before = stored().size()
    for take in (hold, cut):
        held = take(_numbers(spark))
        held.count()
        assert stored().size() == before + 1
        release(held)
        assert stored().size() == before


def test_what_is_computed_on_the_way_to_a_cut_frame_is_cut_off_with_it(spark: SparkSession) -> None:
    first = cut(_numbers(spark))
    last = cut(first.where("draw < 2"))
    assert last.count() == 100
    assert all(frame._jdf.queryExecution().logical().rdd().isCheckpointed() for frame in (first, last))
    release(first)
    assert last.count() == 100
    release(last)


@pytest.mark.parametrize("is_adaptive", ["true", "false"])
def test_a_held_frame_joins_what_it_was_made_of(spark: SparkSession, is_adaptive: str) -> None:
    spark.conf.set("spark.sql.adaptive.enabled", is_adaptive)
    try:
        numbers = spark.range(100).withColumn("rest", F.col("id") % 7).repartition(3)
        held = hold(numbers.groupBy("rest").agg(F.count(F.lit(1)).alias("n")).filter("rest > 2"))
        assert numbers.join(held, on="rest", how="left").where("n IS NULL").count() == 15 + 15 + 14
        release(held)
    finally:
        spark.conf.set("spark.sql.adaptive.enabled", "true")


def test_rows_read_before_a_write_stay_what_they_were(lake: Lake) -> None:
    now = "TIMESTAMP'2026-01-05 00:00:00'"
    row = "'r' run_id, 'j' job, DATE'2026-01-05' run_date, 'done' state, 'f' fingerprint, '{}' inputs, '{}' rows"
    rest = "CAST(NULL AS DATE) holds_until, 1.0D seconds, CAST(NULL AS STRING) message"
    one = lake.spark.sql(f"SELECT {row}, {now} started_at, {rest}")
    lake.write(RUNS, one)
    held = hold(lake.read(RUNS).select("run_id"))
    assert held.count() == 1
    lake.write(RUNS, one.withColumn("run_id", F.lit("s")))
    assert (held.count(), lake.read(RUNS).count()) == (1, 2)
    release(held)
