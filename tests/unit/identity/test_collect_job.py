"""The identifiers of each night, counted on from the last one's: the same rows as counted from the beginning."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame

from cdp.contracts.model import TableContract
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.identity.identifiers import collect_identifiers
from cdp.runtime import job
from cdp.runtime.catalogue import find_job
from cdp.runtime.config import load_configuration
from cdp.runtime.job import JobContext
from cdp.tables.store import Lake

START = datetime(2026, 1, 1, tzinfo=UTC)
COLLECT = find_job("identity.collect_identifiers")


class Collected:
    """A lake that gets rows and lets the job run."""

    def __init__(self, lake: Lake, home: Path, rows: Callable[..., DataFrame]) -> None:
        self.lake, self.rows, self.dice, self.number = lake, rows, random.Random(7), 0
        self.configuration = load_configuration(env="ci", overrides={"home": str(home)})

    def get(self, n_events: int, n_records: int = 0) -> None:
        """Rows of a few people, many of them of days before those that are there already."""
        self.lake.write(EVENTS, self.rows(EVENTS, [self._row(EVENTS, "event_at") for _ in range(n_events)]))
        if n_records:
            records = [self._row(CUSTOMER_RECORDS, "valid_from") | {"source": "crm"} for _ in range(n_records)]
            self.lake.write(CUSTOMER_RECORDS, self.rows(CUSTOMER_RECORDS, records))

    def _row(self, contract: TableContract, at: str) -> dict[str, Any]:
        self.number += 1
        number, dice = self.dice.randrange(5), self.dice
        happened = START + timedelta(days=dice.randrange(-300, 300))
        values = [("email", f"{number}@x"), ("user_id", f"u{number}"), ("anonymous_id", f"c{dice.randrange(9)}")]
        required = {c.name: str(self.number) for c in contract.columns if not c.nullable and c.type == "STRING"}
        times = {at: happened, "received_at": happened + timedelta(days=dice.randrange(9))}
        carried = dice.sample(values, dice.randrange(4))
        return required | times | {"record_id": f"web:{number}", "source": "web", "identifiers": carried}

    def context(self) -> JobContext:
        """What a run of the job works with."""
        return JobContext(COLLECT.job, self.lake, self.configuration, date(2026, 2, 1), "run", START)

    def run(self) -> None:
        """One run of the job."""
        COLLECT.main(self.context())

    def counts_on(self) -> bool:
        """Whether a run would read the new rows alone."""
        return self.context().read_added(IDENTIFIERS) is not None


def test_nights_count_on_and_give_what_counting_anew_gives(
    lake: Lake, tmp_path: Path, rows: Callable[..., DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = Collected(lake, tmp_path, rows)
    for table in COLLECT.job.reads:
        lake.write(table, rows(table, []))
    collected.get(8, 4)
    assert not collected.counts_on()
    collected.run()
    collected.get(6, 2)
    collected.get(4)
    assert collected.counts_on()
    collected.run()
    version = lake.version(IDENTIFIERS)
    collected.run()  # as after a kill between the table and the note that the job has ended
    assert lake.version(IDENTIFIERS) == version
    anew = collect_identifiers(**{table.name: lake.read(table) for table in COLLECT.job.reads})
    assert sorted(lake.read(IDENTIFIERS).collect()) == sorted(anew.collect())
    with monkeypatch.context() as patched:
        patched.setattr(job, "code_hash", lambda: "other code")
        assert not collected.counts_on()
    assert collected.counts_on()
    lake.erase(EVENTS, "record_id = 'web:1'")
    assert not collected.counts_on()
