"""Measures of people: windows, the point-in-time cut, defaults and whose row is whose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.rules.measures import Measure, measure_people

AS_OF = date(2026, 1, 5)


def measure(aggregate: str, **more: Any) -> Measure:
    return Measure(aggregate=aggregate, **{"table": "silver.order_lines", "type": "bigint", **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def person_records(spark: SparkSession) -> DataFrame:
    pairs = [("pos:1", "ann"), ("web:1", "ann"), ("web:2", "bob"), ("crm:3", "cat")]
    owners = [(*pair, date(2025, 11, 1)) for pair in pairs] + [("web:3", "bob", date(2025, 12, 9))]
    return spark.createDataFrame(owners, "record_id STRING, person_id STRING, joined_on DATE")


def order(number: str, record: str | None, when: str, amount: int = 10, **more: Any) -> dict[str, Any]:
    line = {"order_line_id": number, "order_id": number, "source": "pos", "record_id": record, "amount": amount}
    line |= {"is_return": False, "is_cancelled": False, "ordered_at": at(when), "received_at": at(when)}
    return line | more


def test_one_row_per_person_across_records_and_tables(
    spark: SparkSession, rows: Callable[..., DataFrame], person_records: DataFrame
) -> None:
    measures = {
        "orders_30d": measure("count(distinct order_id)", window_days=30, default=0),
        "spend": measure("sum(amount)", type="decimal(18,2)", default=0, filter="not is_cancelled"),
        "mean_order": measure("try_divide(sum(amount), count(distinct order_id))", type="double"),
        "views": measure("count(*)", table="silver.events", filter="event_name = 'Viewed (big)'", default=0),
    }
    lines = [
        order("A", "pos:1", "2026-01-04 23:59:59.999999", 10),
        order("B", "web:1", "2025-12-06 00:00:00", 20),
        order("C", "web:1", "2025-12-05 23:59:59", 40),
        order("D", "web:1", "2026-01-01 00:00:00", 99, is_cancelled=True),
        order("E", "web:2", "2026-01-05 00:00:00", 7),
        order("F", None, "2026-01-01 00:00:00", 7),
        order("G", "pos:unknown", "2026-01-01 00:00:00", 7),
    ]
    event = {"event_id": "e", "record_id": "web:2", "event_name": "Viewed (big)", "event_at": at("2026-01-01")}
    tables = {
        "silver.order_lines": rows(ORDER_LINES, [{**line, "amount": dec(line["amount"])} for line in lines]),
        "silver.events": rows(EVENTS, [{**event, "received_at": at("2026-01-01")}]),
    }
    result = measure_people(person_records, tables, measures=measures, as_of_dates=[AS_OF])
    assert result.columns == ["person_id", "as_of", "mean_order", "orders_30d", "spend", "views"]
    assert sorted(tuple(row) for row in result.collect()) == [
        ("ann", AS_OF, 169 / 4, 3, 70, 0),
        ("bob", AS_OF, None, 0, 0, 1),
        ("cat", AS_OF, None, 0, 0, 0),
    ]


def dec(value: int) -> Decimal:
    return Decimal(value)


def test_what_arrived_later_than_the_date_is_not_known(
    rows: Callable[..., DataFrame], person_records: DataFrame
) -> None:
    lines = [
        order("A", "web:2", "2026-01-01 10:00:00", received_at=at("2026-01-05 23:00:00")),
        order("B", "web:2", "2026-01-01 10:00:00", received_at=at("2026-01-06 00:00:00")),
    ]
    table = rows(ORDER_LINES, [{**line, "amount": dec(1)} for line in lines])
    measures = {"orders": measure("count(*)", default=0)}
    for as_of, expected in ((AS_OF, 1), (date(2026, 1, 6), 2), (date(2026, 1, 1), 0)):
        found = _measured(person_records, table, measures, [as_of])
        assert {person: value for (person, _), (value,) in found.items()} == {"ann": 0, "bob": expected, "cat": 0}


def _measured(
    person_records: DataFrame,
    table: DataFrame,
    measures: dict[str, Measure],
    dates: list[date],
    truths: tuple[str, ...] = (),
) -> dict[tuple[str, date], tuple[Any, ...]]:
    """(person, as-of date) -> values in the order of the measures' names."""
    tables = {"silver.order_lines": table}
    found = measure_people(person_records, tables, measures=measures, as_of_dates=dates, truths=truths).collect()
    return {(row[0], row[1]): tuple(row)[2:] for row in found}


def test_many_dates_in_one_pass_are_each_date_alone_and_know_nothing_of_what_came_later(
    rows: Callable[..., DataFrame], person_records: DataFrame
) -> None:
    early, late = date(2025, 12, 8), AS_OF
    measures = {
        "orders_30d": measure("count(distinct order_id)", window_days=30, default=0),
        "silent": measure("datediff(:as_of, max(ordered_at))", type="int"),
        "spend": measure("sum(amount)", type="double", filter="not is_cancelled", default=0),
    }
    plain = [
        order("A", "pos:1", "2025-11-07 23:59:59", 3),
        order("B", "web:1", "2025-11-08 00:00:00", 20),
        order("C", "web:2", "2025-12-06 09:00:00", 40, received_at=at("2025-12-08 23:59:59")),
    ]
    planted = [
        order("D", "pos:1", "2025-12-08 00:00:00", 500),
        order("E", "web:2", "2025-12-01 09:00:00", 500, received_at=at("2025-12-09 00:00:00")),
        order("F", "crm:3", "2025-12-20 10:00:00", 500),
        order("G", "web:3", "2025-11-20 10:00:00", 70),
    ]
    before, after = (
        rows(ORDER_LINES, [{**line, "amount": dec(line["amount"])} for line in lines])
        for lines in (plain, plain + planted)
    )
    both = _measured(person_records, after, measures, [late, early, late])
    assert both == {
        **_measured(person_records, after, measures, [early]),
        **_measured(person_records, after, measures, [late]),
    }
    known = _measured(person_records, before, measures, [early])
    assert known == {("ann", early): (1, 30, 23.0), ("bob", early): (1, 2, 40.0), ("cat", early): (0, None, 0.0)}
    assert {key: values for key, values in both.items() if key[1] == early} == known
    assert both["ann", late] == (1, 28, 523.0) and both["cat", late] == (1, 16, 500.0)
    assert both["bob", late] == (1, 30, 610.0)
    true = _measured(person_records, after, measures, [early, late], truths=("spend",))
    assert true == {**both, ("bob", early): (1, 2, 110.0)}


def test_a_person_whose_rows_count_for_other_measures_only_gets_the_default(
    rows: Callable[..., DataFrame], person_records: DataFrame
) -> None:
    table = rows(ORDER_LINES, [{**order("A", "web:2", "2026-01-01"), "amount": dec(1)}])
    measures = {
        "lines": measure("count(*)"),
        "returns": measure("count(*)", filter="is_return", default=None),
        "dear": measure("count(*)", filter="amount > 100", default=-1),
    }
    found = _measured(person_records, table, measures, [AS_OF])
    by_person = {person: values for (person, _), values in found.items()}
    assert by_person == {"ann": (-1, None, None), "bob": (-1, 1, None), "cat": (-1, None, None)}
