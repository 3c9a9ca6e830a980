"""Bought data leave the lake when the time of their licence is up: clock moved, rows counted, files searched."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pyarrow.parquet as pq
import pytest
import yaml

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.bronze.refused_records import REFUSED_RECORDS
from cdp.contracts.model import TableContract
from cdp.contracts.ops.expiries import EXPIRIES
from cdp.contracts.ops.files import FILES
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.ingest.new_files import KnownFile, LandingPlan, plan_landing
from cdp.ingest.spec import SourceSpec
from cdp.runtime.catalogue import find_job
from cdp.runtime.config import Configuration, load_configuration
from cdp.runtime.job import JobContext
from cdp.tables.store import Lake

SOURCE = """
name: provider
owner: research
description: Bought-in facts about households.
party: third
format: jsonl
location: provider
license: Provider Ltd, contract 7
retention_days: 30
mapping:
  name: provider
  description: A line is a household's record.
  key: [ref]
  outputs:
    - table: customer_records
      columns: {source_record_id: {field: ref, required: true}, given_name: {field: name}, valid_from: {field: at}}
sample: {raw: '{"ref": "1", "at": "2026-01-01"}', expect: {}}
"""
FIRST, SECOND, DAY = date(2026, 1, 5), date(2026, 1, 20), "2026-01-01T00:00:00Z"


def _record(name: str | None, ref: str | None = None) -> dict[str, Any]:
    return {"ref": ref or name, "name": name, "at": DAY}


class Nights:
    """Nights of landing and accepting alone."""

    def __init__(self, lake: Lake, configuration: Configuration) -> None:
        self.lake, self.configuration = lake, configuration

    def deliver(self, day: date, records: list[dict[str, Any]]) -> None:
        folder = Path(self.configuration.settings.input) / "provider" / str(day)
        folder.mkdir(parents=True)
        (folder / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))

    def run(self, name: str, day: date) -> JobContext:
        loaded = find_job(f"ingest.{name}")
        context = JobContext(loaded.job, self.lake, self.configuration, day, "run", datetime.now(UTC))
        loaded.main(context)
        context.release()
        return context

    def names(self) -> list[str]:
        return sorted(r.given_name for r in self.lake.read(CUSTOMER_RECORDS).collect())

    def ledger(self, day: date) -> dict[str, tuple[int | None, ...]]:
        rows = self.lake.read(FILES).where(f"delivered_on = '{day}'").collect()
        return {r.state: (r.rows_read, r.rows_accepted, r.rows_duplicate, r.rows_refused) for r in rows}


@pytest.fixture
def nights(lake: Lake, tmp_path: Path) -> Nights:
    (tmp_path / "conf" / "sources").mkdir(parents=True)
    (tmp_path / "conf" / "sources" / "provider.yaml").write_text(SOURCE)
    overrides = {"home": str(tmp_path), "sources": "[provider]"}
    return Nights(lake, load_configuration(env="ci", conf=str(tmp_path / "conf"), overrides=overrides))


def _holding(lake: Lake, table: TableContract, *words: str) -> dict[str, int]:
    """How many of the files that a table is made of now hold a word anywhere in a row, decoded: VACUUM leaves these."""
    files = [unquote(urlparse(file).path) for file in lake.read(table).inputFiles()]
    rows = [str(pq.ParquetFile(file).read().to_pylist()) for file in files]
    return {word: n for word in words if (n := sum(word in row for row in rows))}


class KilledError(Exception):
    """Where a run is killed."""


def test_a_delivery_is_gone_when_its_time_is_up(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = nights.lake
    nights.deliver(FIRST, [_record("Anastasia"), _record("Balthasar"), {"name": "Caspar", "at": DAY}])
    # Anastasia is delivered a second time, so she stays by the right of that.
    nights.deliver(SECOND, [_record("Anastasia"), _record("Dorothea")])
    nights.run("land_files", SECOND)
    assert nights.run("accept_records", SECOND).holds_until == date(2026, 2, 5)
    assert nights.names() == ["Anastasia", "Balthasar", "Dorothea"]
    assert nights.ledger(SECOND)["accepted"] == (2, 1, 1, 0)

    # What is written down of an erasure stands, be the run killed before the table is touched or right after it, and be
    # it started again on a later run date.
    erase, asked = Lake.erase, []

    def be_killed(self: Lake, contract: TableContract, condition: str) -> int:
        asked.append(contract)
        if len(asked) == 2:
            erase(self, contract, condition)
        if len(asked) <= 2:
            raise KilledError
        return erase(self, contract, condition)

    monkeypatch.setattr(Lake, "erase", be_killed)
    for day in (5, 6):
        with pytest.raises(KilledError):
            nights.run("accept_records", date(2026, 2, day))
    assert nights.run("accept_records", date(2026, 2, 7)).holds_until == date(2026, 2, 20)
    assert nights.names() == ["Anastasia", "Dorothea"]
    assert {r.delivered_on for r in lake.read(LANDED_RECORDS).collect()} == {SECOND}
    assert lake.read(REFUSED_RECORDS).count() == 0
    counts = (3, 2, 0, 1)
    assert nights.ledger(FIRST) == {"landed": (None,) * 4, "accepted": counts, "expired": counts}
    assert nights.ledger(SECOND)["accepted"] == (2, 2, 0, 0)
    told = lake.read(EXPIRIES).collect()
    assert sorted((r.table_name, r.rows_erased) for r in told) == [
        ("bronze.landed_records", 3),
        ("bronze.refused_records", 1),
        ("silver.customer_records", 2),
    ]
    assert {(r.license, r.retention_days, r.n_files, r.expired_on) for r in told} == {
        ("Provider Ltd, contract 7", 30, 1, date(2026, 2, 5))
    }

    for table in (LANDED_RECORDS, CUSTOMER_RECORDS):
        assert _holding(lake, table, "Balthasar", "Caspar", "Dorothea") == {"Dorothea": 1}


def test_what_comes_too_late_is_not_taken_in_and_what_comes_anew_is(tmp_path: Path) -> None:
    sources = {"provider": SourceSpec.model_validate(yaml.safe_load(SOURCE))}
    for day in (FIRST, date(2026, 3, 1)):
        (tmp_path / "provider" / str(day)).mkdir(parents=True)
        (tmp_path / "provider" / str(day) / "a.jsonl").write_text(json.dumps(_record("Anastasia")))

    def plan(day: date, known: list[KnownFile]) -> LandingPlan:
        return plan_landing(sources, root=str(tmp_path), run_date=day, known=known)

    late = plan(date(2026, 2, 5), [])
    assert [(f.state, "retention_days" in str(f.reason)) for f in late.set_aside] == [("quarantined", True)]
    assert late.to_read == ()
    (first,) = plan(FIRST, []).to_read
    size, path = first.file.size_bytes, first.file.path
    states = ("landed", "accepted", "expired")
    known = [KnownFile("provider", path, first.file_id, first.sha256, size, state, 4e9) for state in states]
    (again,) = plan(date(2026, 3, 1), known).to_read
    assert again.sha256 == first.sha256 and again.file_id != first.file_id
    assert [f.state for f in plan(date(2026, 3, 1), known[:2]).set_aside] == ["duplicate"]
