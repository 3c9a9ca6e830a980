"""Debezium's change events become versions of records: in any order, any number of times, deletes included."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import Row

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


# Two changes of one moment without a place in a log: none is lost.
UNPLACED = [
    {"op": "u", "after": row(4, "Dan"), "ts_ms": UPDATE},
    f'{{"op": "u", "after": {{"id": 4, "name": "Don", "balance": 12.5}}, "ts_ms": {UPDATE}}}'.encode(),
]
BAD: list[tuple[Any, set[tuple[str, str]]]] = [
    (row(7), {("op", "missing")}),
    (event("t", SNAPSHOT, 5), {("op", "unknown_call")}),
    (event("u", SNAPSHOT, 6, before=row(1)), {("after", "missing")}),
    (event("d", SNAPSHOT, 7), {("before", "missing")}),
    ({**event("c", SNAPSHOT, 1, after=row(1)), "ts_ms": None, "source": {"lsn": 1}}, {("ts_ms", "missing")}),
    ({**event("c", SNAPSHOT, 1, after=row(1)), "source": {"ts_ms": 2**62}}, {("ts_ms", "bad_time")}),
    (event("c", SNAPSHOT, 8, after={"id": "x"}), {("id", "wrong_type"), ("name", "missing")}),
    (event("d", SNAPSHOT, 9, before={"name": "Ana"}), {("id", "missing")}),
    (b'{"op": "c", "after": {"id": 1}', {("", "bad_json")}),
    (b"[]", {("", "bad_json")}),
]


def decide(spark, changes: list[Any], seen: dict[str, Any] | None = None, file: str = "f") -> list[Row]:
    lines = [c if isinstance(c, bytes) else json.dumps(c).encode() + b"\n" for c in changes]
    landed = [(f"{file}:{n}", "accounts", file, n, line, date(2026, 1, 6)) for n, line in enumerate(lines)]
    frame = spark.createDataFrame(landed, LANDED_DDL)
    result = accept_records(frame, sources={"accounts": SOURCE}, mappings={}, headers={}, seen=seen or {})
    rows: list[Row] = result.decided.collect()
    return sorted(rows, key=lambda r: r.record_no)


def versions(decided: list[Row]) -> list[Row]:
    every = [version for r in decided for version in r.customer_records]
    return sorted(every, key=lambda v: (v.record_id, v.valid_from, v.change_no))


def told(decided: list[Row]) -> list[tuple[Any, ...]]:
    return [(v.source_record_id, v.given_name, millis(v.valid_from), v.is_deleted) for v in versions(decided)]


def millis(time: datetime) -> int:
    return int(time.replace(tzinfo=UTC).timestamp() * 1000)


HISTORY = [
    ("1", "Ana", SNAPSHOT, False),
    ("1", "Anna", UPDATE, False),
    ("1", "Anne", UPDATE, False),
    ("2", "Ben", SNAPSHOT, False),
    ("2", None, DELETE, True),
    ("3", "Cay", DELETE + 1, False),
]


@pytest.fixture(scope="module")
def decided(spark) -> list[Row]:
    """Everything twice and backwards, and what is no change."""
    return decide(spark, [*(bad for bad, _ in BAD), *CHANGES[::-1], *UNPLACED, *CHANGES])


def test_changes_in_any_order_and_again_are_the_same_history(decided: list[Row]) -> None:
    found = told(decided)
    assert found[:-2] == HISTORY
    assert sorted(version[1] for version in found[-2:]) == ["Dan", "Don"]
    don = next(v for v in versions(decided) if v.given_name == "Don")
    assert don.attributes == '{"balance":"12.5"}'
    assert Counter(r.status for r in decided) == {"accepted": 8, "duplicate": 8, "refused": len(BAD)}
    deleted = next(v for v in versions(decided) if v.is_deleted)
    assert (deleted.email, deleted.attributes, deleted.identifiers, deleted.source_record_id) == (None, None, [], "2")
    consents = [c for r in decided for c in r.consents if c.identifiers[0].value == "a1@x.com"]
    assert {(c.state, millis(c.valid_from)) for c in consents} == {("granted", SNAPSHOT), ("denied", UPDATE)}


def test_the_night_after_takes_only_what_it_has_not(spark, decided: list[Row]) -> None:
    seen = {"customer_records": spark.createDataFrame(versions(decided), CUSTOMER_RECORDS.schema)}
    late = event("u", UPDATE + 5, 110, before=row(2, "Ben"), after=row(2, "Bea"))
    second = decide(spark, [late, *CHANGES], seen, file="g")
    assert told(second) == [("2", "Bea", UPDATE + 5, False)]
    assert [r.status for r in second] == ["accepted", *(["duplicate"] * len(CHANGES))]


def test_what_is_no_change_is_refused_with_its_defects(decided: list[Row]) -> None:
    found = [{(reason.field, reason.code) for reason in r.reasons} for r in decided[: len(BAD)]]
    assert [wanted - got for (_, wanted), got in zip(BAD, found, strict=True)] == [set()] * len(BAD)
    assert found[-4:] == [wanted for _, wanted in BAD[-4:]]


def test_only_records_with_versions_have_changes() -> None:
    events = MappingSpec.model_validate({**MAPPING, "outputs": [{"table": "events", "columns": {}}]})
    with pytest.raises(ConfigError, match="customer_records as the first output"):
        mapping_of(SOURCE.model_copy(update={"mapping": events}), {})
