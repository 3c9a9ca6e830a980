"""Offsets of a topic: where a night goes on, and what a killed one left in bronze."""

from __future__ import annotations

from datetime import date

import pytest

from cdp.core.errors import ConfigError
from cdp.ingest.batches import BatchPart, LandedPart
from cdp.ingest.spec import SourceSpec
from cdp.ingest.topics import Range, batch_id, client_settings, next_offsets, parts_of, split_landed

BEFORE, TONIGHT = date(2026, 1, 5), date(2026, 1, 6)
SOURCE = SourceSpec.model_validate(
    {
        "name": "shop",
        "owner": "o",
        "description": "d",
        "party": "first",
        "format": "kafka",
        "kafka": {"servers": "h:9092", "topic": "a/b", "secrets": {"sasl.jaas.config": "KAFKA_LOGIN"}},
        "mapping": "shop",
        "sample": {"raw": "{}", "expect": {}},
    }
)


def test_a_night_goes_on_where_the_ledger_ends() -> None:
    parts = [
        BatchPart("x", "a/b/0", "7", BEFORE),
        BatchPart("y", "a/b/0", "12", TONIGHT),
        BatchPart("z", "a/b/10", "3", BEFORE),
        BatchPart("w", "old/0", "99", BEFORE),
    ]
    assert next_offsets(SOURCE, parts) == {0: 12, 10: 3}


def test_what_a_killed_run_landed_is_noted_and_not_read_again() -> None:
    ranges = [Range(0, 5, 9, TONIGHT), Range(1, 0, 4, TONIGHT), Range(2, 3, 6, TONIGHT)]
    landed = {batch_id(SOURCE, ranges[0]): LandedPart(6, BEFORE), batch_id(SOURCE, ranges[2]): LandedPart(5, BEFORE)}
    there, left = split_landed(SOURCE, ranges, landed)
    assert there == [Range(0, 5, 7, BEFORE), Range(2, 3, 6, BEFORE)]
    assert left == [Range(0, 7, 9, TONIGHT), Range(1, 0, 4, TONIGHT)]
    noted = parts_of(SOURCE, [*there, *left])
    assert next_offsets(SOURCE, noted) == {0: 9, 1: 4, 2: 6}
    assert len({part.batch_id for part in noted}) == 4
    assert {part.delivered_on for part in noted[:2]} == {BEFORE}


def test_secrets_come_from_the_environment() -> None:
    with pytest.raises(ConfigError, match="KAFKA_LOGIN"):
        client_settings(SOURCE, {})
    assert client_settings(SOURCE, {"KAFKA_LOGIN": "s"})["sasl.jaas.config"] == "s"
