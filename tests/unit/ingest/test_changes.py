"""Debezium's change events become versions of records: in any order, any number of times, deletes included."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.core.errors import ConfigError
from cdp.ingest.accept import accept_records
from cdp.ingest.land import LANDED_DDL
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec, mapping_of

MAPPING: dict[str, Any] = {
    "name": "accounts",
    "description": "an account",
    "key": ["id"],
    "types": {"id": "integer"},
    "outputs": [
        {
            "table": "customer_records",
            "columns": {
                "source_record_id": {"field": "id", "required": True},
                "given_name": {"field": "name", "required": True},
                "email": {"field": "email"},
            },
            "attributes": {"balance": {"field": "balance"}},
        },
        {
            "table": "consents",
            "when": "newsletter IS NOT NULL",
            "columns": {
                "purpose": {"value": "email_marketing"},
                "state": {"field": "newsletter", "map": {"true": "granted", "false": "denied"}},
                "basis": {"value": "account form"},
                "valid_from": {"main": "valid_from"},
            },
        },
    ],
    "identifiers": [{"type": "email", "field": "email"}],
}
SPEC: dict[str, Any] = {
    "name": "accounts",
    "owner": "shop",
    "description": "accounts, change by change",
    "party": "first",
    "format": "jsonl",
    "location": "accounts",
    "change_data": "debezium",
    "mapping": MAPPING,
    "sample": {"raw": "{}", "expect": {}},
}
SOURCE = SourceSpec.model_validate(SPEC)
SNAPSHOT, UPDATE, DELETE = 1_767_600_000_000, 1_767_600_060_000, 1_767_600_120_000


def row(number: int, name: str | None = "Ana", **more: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "email": f"a{number}@x.com", "balance": 1.50, "newsletter": True, **more}


def event(op: str, at: int, lsn: int, before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    source = {"connector": "postgresql", "ts_ms": at, "lsn": lsn, "snapshot": "true" if op == "r" else "false"}
    return {
        "before": before,
        "after": after,
        "source": source,
        "op": op,
        "ts_ms": at + 900,
        "transaction": None,
        **more,
    }


def wrapped(change: dict[str, Any]) -> dict[str, Any]:
    return {"schema": {"type": "struct", "fields": [], "optional": False, "name": "Envelope"}, "payload": change}


CHANGES: list[Any] = [
    event("r", SNAPSHOT, 10, after=row(1)),
    event("r", SNAPSHOT, 10, after=row(2, "Ben")),
    # Two updates in one transaction share their time; the log says which came last.
    event("u", UPDATE, 20, before=row(1), after=row(1, "Anna", newsletter=None)),
    wrapped(event("u", UPDATE, 100, before=row(1, "Anna"), after=row(1, "Anne", newsletter=False))),
    event("d", DELETE, 120, before={"id": 2, "name": None, "email": None, "balance": None, "newsletter": None}),
    None,  # the tombstone that follows it
    event("c", DELETE + 1, 130, after=row(3, "Cay")),
]


def accept(spark, changes: list[Any], seen: dict[str, Any] | None = None, file: str = "f"):
    lines = [c if isinstance(c, bytes) else json.dumps(c).encode() + b"\n" for c in changes]
    landed = [(f"{file}:{n}", "accounts", file, n, line, date(2026, 1, 6)) for n, line in enumerate(lines, 1)]
    frame = spark.createDataFrame(landed, LANDED_DDL)
    return accept_records(frame, sources={"accounts": SOURCE}, mappings={}, headers={}, seen=seen or {})


def versions(frame) -> list[tuple[Any, ...]]:
    rows = frame.orderBy("record_id", "valid_from", "change_no").collect()
    return [(r.source_record_id, r.given_name, int(r.valid_from.replace(tzinfo=UTC).timestamp() * 1000), r.is_deleted)
            for r in rows]  # fmt: skip


HISTORY = [
    ("1", "Ana", SNAPSHOT, False),
    ("1", "Anna", UPDATE, False),
    ("1", "Anne", UPDATE, False),
    ("2", "Ben", SNAPSHOT, False),
    ("2", None, DELETE, True),
    ("3", "Cay", DELETE + 1, False),
]


def test_changes_in_any_order_and_again_are_the_same_history(spark) -> None:
    # Two changes of one moment without a place in a log: none is lost.
    unplaced = [{"op": "u", "after": row(4, name), "ts_ms": UPDATE} for name in ("Dan", "Don")]
    result = accept(spark, [*CHANGES[::-1], *unplaced, *CHANGES])
    found = versions(result.customer_records)
    assert found[:-2] == HISTORY
    assert sorted(version[1] for version in found[-2:]) == ["Dan", "Don"]
    counts = result.counts.collect()[0]
    assert (counts.rows_read, counts.rows_accepted, counts.rows_duplicate, counts.rows_refused) == (16, 8, 8, 0)
    deleted = result.customer_records.where("is_deleted").collect()[0]
    assert (deleted.email, deleted.attributes, deleted.identifiers, deleted.source_record_id) == (None, None, [], "2")
    consents = [r for r in result.consents.collect() if r.identifiers[0].value == "a1@x.com"]
    said = {(r.state, r.valid_from.replace(tzinfo=UTC)) for r in consents}
    at = [datetime.fromtimestamp(t / 1000, UTC) for t in (SNAPSHOT, UPDATE)]
    assert said == {("granted", at[0]), ("denied", at[1])}

    # The night after gets one event more, and all of the old ones again.
    late = event("u", UPDATE + 5, 110, before=row(2, "Ben"), after=row(2, "Bea"))
    seen = {"customer_records": spark.createDataFrame(result.customer_records.collect(), CUSTOMER_RECORDS.schema)}
    second = accept(spark, [late, *CHANGES], seen=seen, file="g")
    assert versions(second.customer_records) == [("2", "Bea", UPDATE + 5, False)]
    assert second.counts.collect()[0].rows_duplicate == 7


def test_what_is_no_change_is_refused_with_its_defects(spark) -> None:
    no_time = {**event("c", SNAPSHOT, 1, after=row(1)), "ts_ms": None, "source": {"lsn": 1}}
    bad = [
        row(7),
        event("t", SNAPSHOT, 5),
        event("u", SNAPSHOT, 6, before=row(1)),
        event("d", SNAPSHOT, 7),
        no_time,
        event("c", SNAPSHOT, 8, after={"id": "x", "email": "a@x.com"}),
        event("d", SNAPSHOT, 9, before={"name": "Ana"}),
        b'{"op": "c", "after": {"id": 1}',
        b"[]",
    ]
    refused = accept(spark, bad).refused.collect()
    found = {r.record_no: {(reason.field, reason.code) for reason in r.reasons} for r in refused}
    assert {("op", "missing")} <= found[1]
    assert {("op", "unknown_call")} <= found[2]
    assert {("after", "missing")} <= found[3]
    assert {("before", "missing")} <= found[4]
    assert {("ts_ms", "missing")} <= found[5]
    assert found[6] == {("id", "wrong_type"), ("name", "missing")}
    assert found[7] == {("id", "missing")}
    assert found[8] == found[9] == {("", "bad_json")}


def test_only_records_with_versions_have_changes() -> None:
    events = MappingSpec.model_validate({**MAPPING, "outputs": [{"table": "events", "columns": {}}]})
    with pytest.raises(ConfigError, match="customer_records as the first output"):
        mapping_of(SOURCE.model_copy(update={"mapping": events}), {})
