"""Records of the event specifications: the right ones are accepted, each defect of the others is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from tests.unit.ingest import event_records, shopify_bodies
from tests.unit.ingest.event_records import CONF, FIELDS, GOOD, SOURCES, Reasons

from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.ingest.accept import map_sources
from cdp.ingest.decide import decide
from cdp.ingest.land import LANDED_DDL
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.parse_json import is_json_sql
from cdp.ingest.whole_orders import lines_once
from cdp.rules.definitions import load_definitions

ARRIVED = date(2026, 1, 6)
BAD = [*event_records.BAD, *(("shopify", raw, reasons) for raw, reasons in shopify_bodies.BAD)]
BODIES = len(GOOD) + len(BAD)


@pytest.fixture(scope="module")
def decided(spark: SparkSession) -> Iterator[dict[int, Row]]:
    """Every record decided in one go, by its number."""
    records = [*GOOD, *((s, raw) for s, raw, _ in BAD), *(("shopify", body[0]) for body in shopify_bodies.GOOD)]
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
    assert sorted(decided) == list(range(BODIES + len(shopify_bodies.GOOD)))


def test_right_records_are_accepted(decided) -> None:
    wrong = {n: (raw[:150], decided[n].status, reasons(decided[n])) for n, (_, raw) in enumerate(GOOD)
             if decided[n].status != "accepted"}  # fmt: skip
    assert wrong == {}


def test_every_defect_is_named_and_no_other(decided) -> None:
    got = {n: reasons(decided[n]) for n in range(len(GOOD), BODIES)}
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
    assert [e.event_at.hour for e in told] == [10, 12, 13] and not any(e.is_time_corrected for e in told)
    assert {line.ordered_at for order in orders for line in order.order_lines} == {datetime(2026, 1, 4, 10)}
    lines = [spark.createDataFrame(order.order_lines, ORDER_LINES.schema) for order in orders]
    both = lines_once(lines[0].unionByName(lines[1]), ["shopify"], None).collect()
    assert {line.landed_id for line in both} == {orders[1].landed_id}
    assert {line.order_line_id for line in both} > {line.order_line_id for line in orders[0].order_lines}
    assert lines_once(lines[2], ["shopify"], lines[0]).count() == 0
    assert lines_once(lines[2], ["web"], lines[0]).count() == 1


def test_bodies_of_a_shop_give_what_they_are_about(decided) -> None:
    rows = [decided[n] for n in range(BODIES, BODIES + len(shopify_bodies.GOOD))]
    assert [reasons(row) for row in rows if row.status != "accepted"] == []
    given = [
        (row.events[0].event_name, len(row.order_lines), len(row.customer_records), len(row.consents)) for row in rows
    ]
    assert given == [body[1:] for body in shopify_bodies.GOOD]
    made, stated, changed, gone, *_, topical, _ = rows
    (record,) = made.customer_records
    assert (record.given_name, record.email, record.phone) == ("Bob", "bob@example.com", "+16135550123")
    assert (record.street_address, record.region, record.country) == ("151 O'Connor Street", "ON", "CA")
    assert record.valid_from == made.events[0].event_at == datetime(2026, 1, 4, 10)
    assert [(c.purpose, c.state, c.valid_from) for c in stated.consents] == [
        ("email_marketing", "granted", datetime(2026, 1, 2, 10)),
        ("sms_marketing", "denied", datetime(2026, 1, 4, 10)),
    ]
    assert len({c.consent_id for c in stated.consents}) == 2
    assert [(float(x.discount), float(x.amount)) for x in rows[9].order_lines] == [(2.5, 7.5)] * 4
    assert changed.events[0].event_at == datetime(2026, 1, 4, 11) and not changed.events[0].is_time_corrected
    assert gone.customer_records[0].is_deleted and gone.customer_records[0].record_id == "shopify:7"
    assert topical.events[0].received_at == datetime(2026, 1, 4, 10, 0, 9)
    assert {(i.type, i.value) for i in made.events[0].identifiers} >= {
        ("email", "bob@example.com"),
        ("customer_id", record.source_record_id),
    }


def test_what_comes_back_of_a_cancelled_order_was_never_sold(spark, decided) -> None:
    refund = decided[BODIES + 7].order_lines
    (line,) = refund
    assert (line.order_id, line.is_return, line.is_cancelled) == ("5", True, False)
    assert (float(line.quantity), float(line.amount), line.product_id) == (-1, -195.66, "63")
    returned = spark.createDataFrame(refund, ORDER_LINES.schema)
    sold, _, cancelled = (
        spark.createDataFrame(decided[n].order_lines, ORDER_LINES.schema) for n in range(len(GOOD) - 3, len(GOOD))
    )
    together = lines_once(cancelled.unionByName(returned), ["shopify"], None).collect()
    assert {row.is_return: row.is_cancelled for row in together} == {False: True, True: True}
    whose = F.lit("shopify:ana")
    (bought,) = lines_once(returned, ["shopify"], sold.withColumn("record_id", whose)).collect()
    assert (bought.is_cancelled, bought.record_id) == (False, "shopify:ana")
    assert [row.is_cancelled for row in lines_once(returned, ["shopify"], cancelled).collect()] == [True]


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
    assert filled.original_at is None and events[0].original_at == events[0].event_at == datetime(2026, 1, 4, 10)
    company, person, _ = (events[n] for n in sorted(events)[-3:])
    assert [i.type for i in company.identifiers] == ["anonymous_id"]
    assert {i.value for i in person.identifiers} == {"a", "eve@example.com", "+447700900124"}
    lines = [decided[n].order_lines for n in (25, 26)]
    assert [len(rows) for rows in lines] == [1, 0] and float(lines[0][0].amount) == 2.5
