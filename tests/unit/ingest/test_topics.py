"""Offsets of a topic: where a night goes on, and what a killed one left in bronze."""

from __future__ import annotations

from datetime import date

import pytest

from cdp.core.errors import ConfigError
from cdp.ingest.batches import BatchPart, LandedPart
from cdp.ingest.spec import SourceSpec
from cdp.ingest.topics import (
    Offsets,
    Range,
    batch_id,
    client_settings,
    find_new,
    next_offsets,
    parts_of,
    split_landed,
)

BEFORE, TONIGHT = date(2026, 1, 5), date(2026, 1, 6)
SOURCE = SourceSpec.model_validate(
    {
        "name": "shop",
        "owner": "o",
        "description": "d",
        "party": "first",
        "format": "kafka",
        "kafka": {"servers": "h:9092", "topic": "a/b", "secrets": {"sasl.jaas.config": {"env": "KAFKA_LOGIN"}}},
        "mapping": "shop",
        "sample": {"raw": "{}", "expect": {}},
    }
)


def test_a_night_goes_on_where_the_ledger_ends() -> None:
    parts = [
        BatchPart("x", "a/b/0", "7", BEFORE),
        BatchPart("y", "a/b/0", "12", TONIGHT),
        BatchPart("z", "a/b/10", "3@id", BEFORE),
        BatchPart("w", "old/0", "99", BEFORE),
    ]
    assert (next_offsets(SOURCE, parts, ""), next_offsets(SOURCE, parts, "id")) == ({0: 12}, {10: 3})
    offsets = Offsets("id", {0: 5, 10: 0, 11: 2}, {0: 14, 10: 3, 11: 4})
    assert find_new(SOURCE, offsets, parts, TONIGHT) == [
        Range(0, 12, 14, TONIGHT, "id"),
        Range(11, 2, 4, TONIGHT, "id"),
    ]


@pytest.mark.parametrize("end", [9, 12])
def test_messages_that_were_deleted_unread_are_noted_once(end: int) -> None:
    known = [BatchPart("x", "a/b/0", "4@id", BEFORE)]
    offsets = Offsets("id", {0: 9}, {0: end})
    (found,) = find_new(SOURCE, offsets, known, TONIGHT)
    assert (found.start, found.end) == (9, end) and "from offset 4 to 8" in str(found.noted)
    there, left = split_landed(SOURCE, [found], {})
    noted = parts_of(SOURCE, [*there, *left])
    assert [(p.watermark, bool(p.lost)) for p in noted] == [("9@id", True), ("12@id", False)][: 1 + (end > 9)]
    assert find_new(SOURCE, offsets, [*known, *noted], TONIGHT) == []


@pytest.mark.parametrize("watermark", ["4@old", "99"])
def test_a_topic_that_was_made_anew_is_read_from_its_beginning(watermark: str) -> None:
    known = [BatchPart("x", "a/b/0", watermark, BEFORE), BatchPart("y", "a/b/1", watermark, BEFORE)]
    offsets = Offsets("new", {0: 0, 1: 0}, {0: 6, 1: 0})
    found = find_new(SOURCE, offsets, known, TONIGHT)
    assert [(r.partition, r.start, r.end) for r in found] == [(0, 0, 6), (1, 0, 0)]
    noted = parts_of(SOURCE, found)
    assert [(p.path, p.watermark) for p in noted if p.lost] == [("a/b/0", "0@new"), ("a/b/1", "0@new")]
    old = Range(0, 0, 6, BEFORE, "old")
    assert batch_id(SOURCE, old) not in {p.batch_id for p in noted}
    later = Offsets("new", {0: 0, 1: 0}, {0: 8, 1: 2})
    assert [(r.start, r.end, r.noted) for r in find_new(SOURCE, later, [*known, *noted], TONIGHT)] == [
        (6, 8, None),
        (0, 2, None),
    ]


def test_a_partition_that_ends_too_early_is_refused() -> None:
    with pytest.raises(ConfigError, match="ends at offset 3, but was read up to 4"):
        find_new(SOURCE, Offsets("id", {0: 0}, {0: 3}), [BatchPart("x", "a/b/0", "4@id", BEFORE)], TONIGHT)


def test_what_a_killed_run_landed_is_noted_and_not_read_again() -> None:
    ranges = [Range(0, 5, 9, TONIGHT), Range(1, 0, 4, TONIGHT), Range(2, 3, 6, TONIGHT)]
    landed = {batch_id(SOURCE, ranges[0]): LandedPart(6, BEFORE), batch_id(SOURCE, ranges[2]): LandedPart(5, BEFORE)}
    there, left = split_landed(SOURCE, ranges, landed)
    assert there == [Range(0, 5, 7, BEFORE), Range(2, 3, 6, BEFORE)]
    assert left == [Range(0, 7, 9, TONIGHT), Range(1, 0, 4, TONIGHT)]
    noted = parts_of(SOURCE, [*there, *left])
    assert next_offsets(SOURCE, noted, "") == {0: 9, 1: 4, 2: 6}
    assert len({part.batch_id for part in noted}) == 4
    assert {part.delivered_on for part in noted[:2]} == {BEFORE}


def test_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_LOGIN", raising=False)
    with pytest.raises(ConfigError, match=r"sasl\.jaas\.config: its secret's environment variable KAFKA_LOGIN"):
        client_settings(SOURCE)
    monkeypatch.setenv("KAFKA_LOGIN", "s")
    assert client_settings(SOURCE)["sasl.jaas.config"] == "s"
