"""Rewriting of aggregates: FILTER behind every call and only there; distinct counts by sets."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from cdp.rules.expressions import count_by_sets, expression_types, filter_aggregates


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("count(*)", "count(*) FILTER (WHERE c)"),
        (
            "SUM(a * (b + 1)) / Count(DISTINCT d)",
            "SUM(a * (b + 1)) FILTER (WHERE c) / Count(DISTINCT d) FILTER (WHERE c)",
        ),
        ("datediff(x, max(t))", "datediff(x, max(t) FILTER (WHERE c))"),
        ("max(if(n = 'sum(x) )', 1, 0))", "max(if(n = 'sum(x) )', 1, 0)) FILTER (WHERE c)"),
        ("upper(a)", "upper(a)"),
        ("counter(a)", "counter(a)"),
        ("max (`odd ) name`)", "max (`odd ) name`) FILTER (WHERE c)"),
    ],
)
def test_filter_aggregates(sql: str, expected: str) -> None:
    assert filter_aggregates(sql, "c") == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("count(distinct a)", "size(collect_set(a))"),
        ("1 + COUNT( DISTINCT date(a) ) / count(b)", "1 + size(collect_set(date(a))) / count(b)"),
        (
            "count(distinct f(a, 1), ',')",
            "size(collect_set(CASE WHEN (f(a, 1)) IS NOT NULL AND (',') IS NOT NULL THEN struct(f(a, 1), ',') END))",
        ),
        ("max('count(distinct a)')", "max('count(distinct a)')"),
        ("count(distinct a) - count(distinct b)", "size(collect_set(a)) - size(collect_set(b))"),
    ],
)
def test_count_by_sets(sql: str, expected: str) -> None:
    assert count_by_sets(sql) == expected


def test_sets_count_what_distinct_counts(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(1, "x"), (1, "x"), (1, None), (2, "x"), (None, None), (2, "y")], "a INT, b STRING")
    for sql in ("count(distinct a)", "count(distinct a, b)", "count(distinct b) + count(distinct a, upper(b))"):
        row = frame.selectExpr(sql, count_by_sets(sql)).first()
        assert row is not None and row[0] == row[1] > 0


def test_several_expressions_are_analysed_as_one(spark: SparkSession) -> None:
    frame = spark.createDataFrame([], "a INT, b STRING")

    def told(sqls: list[str], *, aggregate: bool = False) -> list[str] | None:
        types = expression_types(frame, sqls, aggregate=aggregate)
        return None if types is None else [kind.simpleString() for kind in types]

    assert told(["a > 1", "upper(b)"]) == ["boolean", "string"]
    assert told(["sum(a)", "max(b)"], aggregate=True) == ["bigint", "string"]
    assert told([]) == told([], aggregate=True) == []
    assert told(["a > 1", "c"]) is None
    assert told(["a >"]) is None
