"""Change events in a real Kafka: what is new each night, once each, through kills and losses; deletes end a record."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from tests.integration.conftest import NIGHTS, skip_or_fail
from tests.integration.in_process import RunJob, jobs_of
from tests.kafka import kafka, missing_broker

from cdp.ingest.topics import PACKAGES

TOPIC = "shop.public.accounts"
SOURCE = """
name: accounts
owner: shop
description: Accounts of the web shop, change by change.
party: first
format: kafka
kafka: {{servers: "{broker}", topic: {topic}}}
change_data: debezium
mapping:
  name: accounts
  description: An account is a customer record.
  key: [id]
  outputs:
    - table: customer_records
      columns: {{source_record_id: {{field: id, required: true}}, given_name: {{field: name}}}}
sample: {{raw: "null", expect: {{}}}}
"""


def change(op: str, at: int, number: int, name: str | None = None) -> dict[str, Any]:
    row = {"id": number, "name": name}
    before, after = (row, None) if op == "d" else (None, row)
    time = 1_767_600_000_000 + at
    return {"before": before, "after": after, "op": op, "ts_ms": time, "source": {"ts_ms": time, "lsn": 100 + at}}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """The address of a broker; its topic is made by the first message."""
    reason = missing_broker()
    if reason:
        skip_or_fail(reason)
    with kafka(tmp_path / "kafka") as address:
        yield address


def _send(broker: str, changes: list[dict[str, Any] | None]) -> None:
    producer = KafkaProducer(bootstrap_servers=broker)
    for number, event in enumerate(changes):
        value = None if event is None else json.dumps(event).encode()
        producer.send(TOPIC, key=b"k", value=value, partition=number % 2).get(30)
    producer.close()


def _table(home: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = DeltaTable(str(home / "lake" / name)).to_pyarrow_table().to_pylist()
    return rows


def _versions(home: Path) -> list[tuple[Any, ...]]:
    rows = _table(home, "silver/customer_records")
    return sorted((r["source_record_id"], r["change_no"], r["given_name"], r["is_deleted"]) for r in rows)


@pytest.fixture
def run(broker: str, tmp_path: Path) -> Iterator[RunJob]:
    """Jobs of a lake whose only source is the broker."""
    (tmp_path / "conf" / "sources").mkdir(parents=True)
    (tmp_path / "conf" / "sources" / "accounts.yaml").write_text(SOURCE.format(broker=broker, topic=TOPIC))
    settings = {"sources": "[accounts]", "packages": f"[{','.join(PACKAGES)}]"}
    with jobs_of(tmp_path / "home", tmp_path / "conf", settings) as run:
        yield run


def test_messages_are_landed_once_through_kills(run: RunJob, broker: str, tmp_path: Path) -> None:
    home = tmp_path / "home"

    def land(night: int) -> None:
        assert run("ingest.land_files", NIGHTS[night]) == []

    _send(broker, [change("c", 1, 1, "Ana"), change("c", 2, 2, "Ben"), change("u", 3, 1, "Anna")])
    land(0)
    assert sorted(json.loads(r["raw"])["ts_ms"] % 1000 for r in _table(home, "bronze/landed_records")) == [1, 2, 3]

    # Killed between the records and the ledger, then more messages: the ledger catches up, and nothing comes twice.
    shutil.rmtree(home / "lake" / "ops" / "files")
    _send(broker, [change("d", 4, 2), None, change("u", 5, 1, "Anne")])
    land(1)
    landed = _table(home, "bronze/landed_records")
    assert sorted(r["record_no"] for r in landed) == [0, 0, 1, 1, 2, 3]
    assert len({r["landed_id"] for r in landed}) == len(landed) == 6
    before = len(_table(home, "ops/files"))
    land(1)
    assert (len(_table(home, "bronze/landed_records")), len(_table(home, "ops/files"))) == (6, before)

    assert run("ingest.accept_records", NIGHTS[1]) == []
    assert [(number, name, gone) for number, _, name, gone in _versions(home)] == [
        ("1", "Ana", False),
        ("1", "Anna", False),
        ("1", "Anne", False),
        ("2", "Ben", False),
        ("2", None, True),
    ]
    decided = [r for r in _table(home, "ops/files") if r["state"] == "accepted"]
    assert sum(r["rows_read"] for r in decided) == 6 and sum(r["rows_duplicate"] for r in decided) == 1

    # Deleted before they were read, and then the topic made anew: told, noted, and nothing else is lost.
    _send(broker, [change("u", 6, 1, "Anja"), change("c", 7, 3, "Cem")])
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.delete_records({TopicPartition(TOPIC, 0): 5})
    assert ["from offset 4 to 4 were deleted" in told for told in run("ingest.land_files", NIGHTS[1])] == [True]
    admin.delete_topics([TOPIC])
    while TOPIC in admin.list_topics():
        time.sleep(0.1)
    admin.close()
    _send(broker, [change("c", 8, 4, "Dora")])
    assert ["made anew" in told for told in run("ingest.land_files", NIGHTS[2])] == [True, True]
    land(2)
    landed = _table(home, "bronze/landed_records")
    assert sorted(json.loads(r["raw"])["ts_ms"] % 1000 for r in landed if r["raw"] != b"null") == [1, 2, 3, 4, 5, 7, 8]
    assert {r["message_key"] for r in landed} == {b"k"} and all(r["message_at"] for r in landed)
    assert sum(r["state"] == "quarantined" for r in _table(home, "ops/files")) == 3
