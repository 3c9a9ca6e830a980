"""Landed records are accepted, recognised as seen, or refused with every reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

from cdp.core.errors import ConfigError
from cdp.ingest import decide
from cdp.ingest.accept import accept_records, map_sources
from cdp.ingest.land import LANDED_DDL
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec
from cdp.ingest.targets import is_bot_sql
from cdp.rules.definitions import load_definitions

CONF: Traversable = Path(__file__).parents[3] / "conf"  # type: ignore[assignment]
SOURCES = load_definitions(CONF / "sources", SourceSpec)
MAPPINGS = load_definitions(CONF / "mappings", MappingSpec)
TABLES = ("events", "order_lines", "customer_records", "feedback", "consents")
DELIVERED = date(2026, 1, 5)


def land(spark, records: list[tuple[str, bytes]], *files: str):
    """The same records in each of the files."""
    numbered = [(file, n, *record) for file in files for n, record in enumerate(records, 1)]
    rows = [(f"{file}_{s}:{n}", s, f"{file}_{s}", n, raw, DELIVERED) for file, n, s, raw in numbered]
    return spark.createDataFrame(rows, LANDED_DDL)


def accept(spark, records: list[tuple[str, bytes]], seen: dict[str, Any] | None = None, files: Sequence[str] = ("f",)):
    names = {name for name, _ in records}
    headers = {f"{f}_{n}": list(s.sample.header) for f in files for n, s in SOURCES.items() if s.sample.header}
    return accept_records(
        land(spark, records, *files),
        sources={n: SOURCES[n] for n in names},
        mappings=MAPPINGS,
        headers=headers,
        seen=seen or {},
    )


def message(**changes: Any) -> bytes:
    time = "2026-01-04T10:00:00.000Z"
    whole = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": "m-1",
        "anonymousId": "c-91",
        "channel": "web",
        "timestamp": time,
        "originalTimestamp": time,
        "sentAt": time,
        "receivedAt": "2026-01-04T10:00:00.200Z",
        "context": {"userAgent": "Mozilla/5.0"},
        "properties": {"sku": "P-1"},
        **changes,
    }
    return json.dumps({k: v for k, v in whole.items() if v is not None}).encode()


def refusals(refused) -> dict[int, set[tuple[str, str]]]:
    return {r.record_no: {(reason.field, reason.code) for reason in r.reasons} for r in refused}


SKEWED = {"originalTimestamp": "2030-01-01T00:00:00Z", "sentAt": "2030-01-01T00:00:10Z"}
WRITTEN = {"email": " A.na+shop@GoogleMail.com", "phone": "07700 900123"}
PLAIN = {"email": "ana@gmail.com", "phone": "+447700900123"}


@pytest.fixture(scope="module")
def web(spark):
    """Right messages of several kinds: what is planned for one is planned for all."""
    messages = [
        message(messageId="skewed", **SKEWED),
        message(messageId="right"),
        message(messageId="unusable", originalTimestamp="2020-01-01T00:00:00Z"),
        message(messageId="1", type="identify", event=None, properties=None, traits=WRITTEN),
        message(messageId="2", type="identify", traits=PLAIN),
        message(messageId="3", anonymousId="null"),
    ]
    return accept(spark, [("web", raw) for raw in messages])


@pytest.fixture(scope="module")
def web_events(web) -> dict[str, Any]:
    """The events that they became, by message id."""
    return {r.message_id: r for r in web.events.collect()}


def test_every_source_accepts_its_sample(spark) -> None:
    result = accept(spark, [(name, spec.sample.raw.encode()) for name, spec in sorted(SOURCES.items())])
    assert refusals(result.refused.collect()) == {}
    got = {t: {r["source"]: r for r in getattr(result, t).orderBy("landed_id").collect()} for t in TABLES}
    for name, spec in SOURCES.items():
        for table, expected in spec.sample.expect.items():
            row = got[table][name].asDict()
            shown = {
                k: row[k] if row[k] is None or isinstance(row[k], (bool, float, int)) else str(row[k]) for k in expected
            }
            assert shown == expected, f"{name}: {table}"


def test_rows_have_the_shape_of_their_table(web) -> None:
    from cdp.ingest.targets import TARGETS

    for table in TABLES:
        frame = getattr(web, table)
        wanted = [(f.name, f.dataType) for f in TARGETS[table].contract.schema]
        assert [(f.name, f.dataType.simpleString()) for f in frame.schema] == [(n, t.simpleString()) for n, t in wanted]


def test_every_defect_of_a_record_is_named(spark) -> None:
    order = {"products": [{"product_id": "P", "price": -1, "quantity": "many"}]}
    result = accept(
        spark,
        [
            ("web", b'{"type":"track",'),
            ("web", b'[{"type":"track"}]'),
            ("web", b"\xff{}"),
            ("web", b"\n"),
            ("web", message(type="shout", timestamp="2026-13-01", context="none", messageId=None)),
            ("web", message(event="Order Completed", properties=order)),
            ("web", message(timestamp="12:30", originalTimestamp=None)),
            ("web", message(timestamp="2031-01-01T00:00:00Z", originalTimestamp=None, receivedAt=None)),
            ("email", b"e-1,opened,a@example.com,winter\r\n"),
            ("email", b"e-1,sang,a@example.com,winter,,99999999999999999999\r\n"),
            ("support", b"<ticket><opened_at>2026"),
            ("pos", b'{"receipt_no": "R", "line_no": 0, "quantity": "nan", "unit_price": 1, "sold_at": null}'),
            ("crm", b"C-1,Ms,Ana" + b"," * 24 + b"\xe9"),
        ],
    )
    refused = result.refused.collect()
    assert refusals(refused) == {
        1: {("", "bad_json")},
        2: {("", "bad_json")},
        3: {("", "bad_encoding")},
        4: {("", "bad_json")},
        5: {("type", "unknown_call"), ("timestamp", "bad_time"), ("context", "wrong_type"), ("messageId", "missing")},
        6: {
            ("properties.order_id", "missing"),
            ("properties.products.price", "out_of_range"),
            ("properties.products.quantity", "wrong_type"),
        },
        7: {("timestamp", "bad_time")},
        8: {("timestamp", "out_of_range")},
        9: {("", "wrong_columns")},
        10: {("event", "unknown_value"), ("occurred_at", "bad_time")},
        11: {("", "bad_xml")},
        12: {("line_no", "out_of_range"), ("quantity", "wrong_type"), ("sold_at", "missing")},
        13: {("", "bad_encoding")},
    }
    assert all("shout" not in str(r.reasons) for r in refused)


@pytest.mark.parametrize("are_many, hashes_agree", [(False, False), (True, False), (False, True)])
def test_duplicates_are_found_in_the_batch_and_in_the_lake_in_any_order(
    spark, monkeypatch, are_many: bool, hashes_agree: bool
) -> None:
    if are_many:
        monkeypatch.setattr(decide, "_FEW_ROWS", 0)
    if hashes_agree:  # of different keys
        monkeypatch.setattr(decide, "_hash", lambda key: F.length(key).cast("long"))
    first = accept(spark, [("web", message()), ("web", message()), ("web", message(messageId="m-2"))])
    counts = first.counts[0]
    assert (counts.rows_read, counts.rows_accepted, counts.rows_duplicate, counts.rows_refused) == (3, 2, 1, 0)
    seen = {t: getattr(first, t) for t in TABLES}
    later = accept(spark, [("web", message(messageId="m-3")), ("web", message())], seen, files=("later",))
    assert [r.message_id for r in later.events.collect()] == ["m-3"]
    assert {r.landed_id: r.status for r in later.decided.collect()} == {
        "later_web:1": "accepted",
        "later_web:2": "duplicate",
    }


def test_a_version_of_a_customer_record_comes_once(spark) -> None:
    raw = SOURCES["crm"].sample.raw
    newer = raw.replace("2025-06-01 12:30:00", "2025-07-01 12:30:00")
    first = accept(spark, [("crm", raw.encode()), ("crm", newer.encode()), ("crm", raw.encode())])
    assert sorted(r.valid_from for r in first.customer_records.collect()) == [
        datetime(2025, 6, 1, 12, 30),
        datetime(2025, 7, 1, 12, 30),
    ]
    again = accept(spark, [("crm", newer.encode())], {"customer_records": first.customer_records}, files=("later",))
    assert again.customer_records.collect() == []


def test_clock_skew_is_corrected_by_the_formula_and_marked(web_events) -> None:
    events = web_events
    assert events["skewed"].event_at == datetime(2026, 1, 4, 9, 59, 50, 200_000)
    assert events["skewed"].original_at == datetime(2030, 1, 1)
    assert events["skewed"].is_time_corrected and not events["right"].is_time_corrected
    assert events["right"].original_at == datetime(2026, 1, 4, 10)
    assert events["unusable"].event_at == datetime(2026, 1, 4, 10) and events["unusable"].is_time_corrected


def test_robots_are_known_by_their_user_agent(spark) -> None:
    agents = {
        "Mozilla/5.0 (compatible; Googlebot/2.1)": True,
        "AdsBot-Google": True,
        "HeadlessChrome/140": True,
        "Sosospider": True,
        "Mozilla/5.0 (Linux; CUBOTX9)": False,
        "Mozilla/5.0 (X11; Linux x86_64) Robotics": False,
        None: False,
    }
    told = spark.createDataFrame([(agent,) for agent in agents], "agent STRING")
    assert [r[0] for r in told.selectExpr(is_bot_sql("lower(agent)")).collect()] == list(agents.values())


def test_a_company_s_address_names_no_person(spark) -> None:
    traits = {"email": "info@initech.example", "phone": "+442071234567"}
    group = message(messageId="1", type="group", event=None, properties=None, userId="u-1", traits=traits)
    (event,) = accept(spark, [("web", group)]).events.collect()
    assert "user_id" in {i.type for i in event.identifiers} and not {"email", "phone"} & {
        i.type for i in event.identifiers
    }


def test_identifiers_are_normalised_sorted_and_make_the_record(web_events) -> None:
    events = web_events
    assert [(i.type, i.value) for i in events["1"].identifiers] == [
        ("anonymous_id", "c-91"),
        ("email", "ana@gmail.com"),
        ("phone", "+447700900123"),
    ]
    assert events["1"].record_id == events["2"].record_id
    assert events["3"].identifiers == [] and events["3"].record_id is None


def test_equal_rows_without_an_id_count_as_often_as_the_file_that_has_most_of_them(spark) -> None:
    rows = [(name, SOURCES[name].sample.raw.encode()) for name in ("online_retail_ii", "ga4")]
    first = accept(spark, rows * 2, files=("f", "sent_again_that_day"))
    assert {(c.rows_read, c.rows_accepted, c.rows_duplicate) for c in first.counts} == {(2, 2, 0), (2, 0, 2)}
    assert (first.order_lines.count(), first.events.count(), first.consents.count()) == (2, 2, 4)
    seen = {t: getattr(first, t) for t in TABLES}
    again = accept(spark, rows * 3, seen, files=("late_for_that_day", "later"))
    assert (again.order_lines.count(), again.events.count(), again.consents.count()) == (1, 1, 0)


def test_a_mapping_that_names_what_is_not_there_is_refused(spark) -> None:
    def broken(**changes: Any) -> dict[str, MappingSpec]:
        whole = MAPPINGS["pos"].model_dump(exclude_unset=True)
        whole["outputs"][0]["columns"].update(changes)
        return {"pos": MappingSpec.model_validate(whole)}

    landed = land(spark, [("pos", b"{}")], "f")
    for mappings, text in (
        (broken(quantitty={"field": "q"}), "did you mean 'quantity'"),
        (broken(channel={"sql": "nowhere"}), "mapping pos: an expression"),
        ({}, "mapping 'pos' does not exist"),
    ):
        with pytest.raises(ConfigError, match=text):
            map_sources(landed, sources={"pos": SOURCES["pos"]}, mappings=mappings, headers={})
