"""Traits of people: windows, the point-in-time cut, defaults and whose row is whose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.traits.compute import compute_traits
from cdp.traits.spec import TraitExample, TraitSpec

AS_OF = date(2026, 1, 5)


def trait(aggregate: str, **more: Any) -> TraitSpec:
    given = {"table": "silver.order_lines", "type": "bigint", "purpose": "analytics", "owner": "o", "description": "d"}
    example = TraitExample(rows=[], as_of=AS_OF, value=None)
    return TraitSpec(aggregate=aggregate, example=example, **{**given, **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def person_records(spark: SparkSession) -> DataFrame:
    pairs = [("pos:1", "ann"), ("web:1", "ann"), ("web:2", "bob"), ("crm:3", "cat")]
    return spark.createDataFrame(pairs, "record_id STRING, person_id STRING")


def order(number: str, record: str | None, when: str, amount: int = 10, **more: Any) -> dict[str, Any]:
    line = {"order_line_id": number, "order_id": number, "source": "pos", "record_id": record, "amount": amount}
    line |= {"is_return": False, "is_cancelled": False, "ordered_at": at(when), "received_at": at(when)}
    return line | more


def test_one_row_per_person_across_records_and_tables(
    spark: SparkSession, rows: Callable[..., DataFrame], person_records: DataFrame
) -> None:
    specs = {
        "orders_30d": trait("count(distinct order_id)", window_days=30, default=0),
        "spend": trait("sum(amount)", type="decimal(18,2)", default=0, filter="not is_cancelled"),
        "mean_order": trait("try_divide(sum(amount), count(distinct order_id))", type="double"),
        "views": trait("count(*)", table="silver.events", filter="event_name = 'Viewed (big)'", default=0),
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
    result = compute_traits(person_records, tables, specs=specs, as_of=AS_OF)
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
    specs = {"orders": trait("count(*)", default=0)}
    for as_of, expected in ((AS_OF, 1), (date(2026, 1, 6), 2), (date(2026, 1, 1), 0)):
        found = compute_traits(person_records, {"silver.order_lines": table}, specs=specs, as_of=as_of).collect()
        assert {r["person_id"]: r["orders"] for r in found} == {"ann": 0, "bob": expected, "cat": 0}


def test_a_person_whose_rows_count_for_other_traits_only_gets_the_default(
    rows: Callable[..., DataFrame], person_records: DataFrame
) -> None:
    table = rows(ORDER_LINES, [{**order("A", "web:2", "2026-01-01"), "amount": dec(1)}])
    specs = {
        "lines": trait("count(*)"),
        "returns": trait("count(*)", filter="is_return", default=None),
        "dear": trait("count(*)", filter="amount > 100", default=-1),
    }
    found = compute_traits(person_records, {"silver.order_lines": table}, specs=specs, as_of=AS_OF).collect()
    by_person = {r["person_id"]: (r["lines"], r["returns"], r["dear"]) for r in found}
    assert by_person == {"ann": (None, None, -1), "bob": (1, None, -1), "cat": (None, None, -1)}
