"""Records of the event specifications: the right ones are accepted, each defect of the others is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime

import pytest
from pyspark.sql import Row, SparkSession
from tests.unit.ingest.event_records import BAD, CONF, FIELDS, GOOD, SOURCES, Reasons

from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.ingest.accept import map_sources
from cdp.ingest.decide import decide
from cdp.ingest.land import LANDED_DDL
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.parse_json import is_json_sql
from cdp.ingest.whole_orders import lines_once
from cdp.rules.definitions import load_definitions

ARRIVED = date(2026, 1, 6)


@pytest.fixture(scope="module")
def decided(spark: SparkSession) -> Iterator[dict[int, Row]]:
    """Every record decided in one go, by its number."""
    records = [*((s, raw) for s, raw in GOOD), *((s, raw) for s, raw, _ in BAD)]
    rows = [(f"f:{n}", s, f"f_{s}", n, raw, ARRIVED) for n, (s, raw) in enumerate(records)]
    mapped = map_sources(
        spark.createDataFrame(rows, LANDED_DDL),
        sources=SOURCES,
        mappings=load_definitions(CONF / "mappings", MappingSpec),
        headers={"f_snowplow": FIELDS},
    )
    yield {row.record_no: row for row in decide(mapped, {}).rows.collect()}


def test_properties_and_context_are_json(decided) -> None:
    events = [event for n in range(len(GOOD)) for event in decided[n].events]
    texts = [text for event in events for text in (event.properties, event.context) if text is not None]
    assert len(texts) > 20 and all(isinstance(json.loads(text), (dict, list)) for text in texts)
    assert {'{"data":"{\\"a\\":1}"}', '{"x":3,"k":2}', '{"n":9223372036854775807}'} <= set(texts)
    (extended,) = (json.loads(e.context) for e in events if "traceparent" in str(e.context))
    assert extended == {"specversion": "1.0", "source": "/shop", "traceparent": "x", "sampled": "true"}


def reasons(row: Row) -> Reasons:
    return {(reason.field, reason.code) for reason in row.reasons}


def test_every_record_is_decided_once(decided) -> None:
    assert sorted(decided) == list(range(len(GOOD) + len(BAD)))


def test_right_records_are_accepted(decided) -> None:
    wrong = {n: (raw[:150], decided[n].status, reasons(decided[n])) for n, (_, raw) in enumerate(GOOD)
             if decided[n].status != "accepted"}  # fmt: skip
    assert wrong == {}


def test_every_defect_is_named_and_no_other(decided) -> None:
    got = {n: reasons(decided[n]) for n in range(len(GOOD), len(decided))}
    expected = {n: wanted for n, (_, _, wanted) in enumerate(BAD, len(GOOD))}
    wrong = {n: (BAD[n - len(GOOD)][1][:150], got[n], wanted) for n, wanted in expected.items() if got[n] != wanted}
    assert wrong == {}
    assert len(BAD) >= 30


def test_an_order_that_is_told_again_is_a_new_event_with_the_same_lines(spark, decided) -> None:
    event, *orders = (decided[n] for n in range(len(GOOD) - 4, len(GOOD)))
    assert event.events[0].received_at == datetime(2026, 1, 4, 10, 0, 1)
    told = [order.events[0] for order in orders]
    assert [e.event_name for e in told] == ["Order Completed", "Order Updated", "Order Cancelled"]
    assert {e.message_id for e in told} == {"5"} and len({e.event_id for e in told}) == 3
    assert told[1].received_at == datetime(2026, 1, 4, 12, 0, 1)
    lines = [spark.createDataFrame(order.order_lines, ORDER_LINES.schema) for order in orders]
    both = lines_once(lines[0].unionByName(lines[1]), ["shopify"], None).collect()
    assert {line.landed_id for line in both} == {orders[1].landed_id}
    assert {line.order_line_id for line in both} > {line.order_line_id for line in orders[0].order_lines}
    assert lines_once(lines[2], ["shopify"], lines[0]).count() == 0
    assert lines_once(lines[2], ["web"], lines[0]).count() == 1


def test_a_very_long_text_is_json(spark) -> None:
    text = f"""concat('{{"x":"', repeat('y', {20_000_001}), '"}}')"""
    assert spark.range(1).where(is_json_sql(text)).count() == 1


def test_refused_records_keep_their_bytes(decided) -> None:
    assert all(bytes(decided[n].raw) == raw for n, (_, raw, _) in enumerate(BAD, len(GOOD)))


def test_calls_give_their_canonical_event(decided) -> None:
    events = {n: decided[n].events[0] for n, (s, _) in enumerate(GOOD) if s == "segment"}
    assert [events[n].event_type for n in range(3, 8)] == ["identify", "page", "screen", "group", "alias"]
    assert [(i.type, i.value) for i in events[7].identifiers] == [("anonymous_id", "a"), ("user_id", "u")]
    filled = events[8]
    assert filled.is_message_id_filled and filled.is_event_at_filled
    assert filled.message_id.startswith("content-") and filled.event_at == datetime(2026, 1, 6)
    assert not events[0].is_message_id_filled and not events[0].is_event_at_filled
    assert events[9].identifiers[1].value == "12345678901234567890"
    assert events[15].event_name == "Last one wins"
    assert events[24].event_at == datetime(2017, 1, 1)
    lines = [decided[n].order_lines for n in (25, 26)]
    assert [len(rows) for rows in lines] == [1, 0] and float(lines[0][0].amount) == 2.5
