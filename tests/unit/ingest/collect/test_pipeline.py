"""What the collector wrote is what the file source reads: accepted with its times, or refused by name, nothing lost."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import SparkSession
from tests.unit.ingest.collect.web_source import ROOT, web_source

from cdp.ingest.accept import accept_records
from cdp.ingest.collect.lines import as_time, original_message
from cdp.ingest.collect.messages import read_batch
from cdp.ingest.collect.segment import batch_lines
from cdp.ingest.collect.spool import OpenFile
from cdp.ingest.land import read_records
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.new_files import plan_landing
from cdp.rules.definitions import load_definitions

NIGHT = date(2026, 1, 4)
SENT = b"""{"sentAt": "2026-01-04T10:00:00.500Z", "context": {"userAgent": "Mozilla"}, "batch": [
{"type":"track","event":"Order Completed","messageId":"m-1","userId":"u1","timestamp":"2026-01-04T10:00:00.000Z",
 "properties":{"order_id":"W-1","currency":"EUR","products":[{"product_id":"P-7","price":19.90,"quantity":2}]}},
{"type":"page","messageId":"m-2","anonymousId":"a1","name":"Home","timestamp":"2026-01-04T10:00:00.000Z"},
{"type":"page","messageId":"m-3","name":"half \\ud83d","timestamp":"2026-01-04T10:00:00Z","receivedAt":"2001-01-01"},
{"type":"page","messageId":"m-4","name":"\xff","timestamp":"2026-01-04T10:00:00Z"},
{"type":"dance","messageId":"m-5","timestamp":"2026-01-04T10:00:00Z"},
5]}"""


def test_a_collected_batch_goes_through_the_pipeline(spark: SparkSession, tmp_path: Path) -> None:
    batch = read_batch(SENT)
    received_at = as_time(datetime(2026, 1, 4, 10, 0, 0, 700_000, UTC))
    file = OpenFile(tmp_path / "web" / "2026-01-04", "web-1")
    file.append(batch_lines(batch, received_at=received_at, about={"path": "/v1/batch"}))
    sources = {"web": web_source()}
    assert plan_landing(sources, root=str(tmp_path), run_date=NIGHT, known=[]).to_read == (), "not while it is open"
    file.seal()
    plan = plan_landing(sources, root=str(tmp_path), run_date=NIGHT, known=[])
    landed = read_records(spark, plan.to_read, sources)
    mappings = load_definitions(ROOT / "conf" / "mappings", MappingSpec)
    result = accept_records(landed, sources=sources, mappings={"web": mappings["web"]}, headers={}, seen={})
    events = {row.message_id: row for row in result.events.collect()}
    assert set(events) == {"m-1", "m-2", "m-3"}
    assert {str(row.received_at) for row in events.values()} == {"2026-01-04 10:00:00.700000"}
    assert [str(line.amount) for line in result.order_lines.collect()] == ["39.8000"]
    refused = {row.record_no: row for row in result.refused.collect()}
    assert set(refused) == {4, 5, 6}
    assert {"bad_encoding", "unknown_call", "missing"} <= {r.code for row in refused.values() for r in row.reasons}
    assert [original_message(bytes(refused[n].raw)) for n in sorted(refused)] == [m.raw for m in batch.messages[3:]]
    assert json.loads(original_message(bytes(refused[6].raw))) == 5
