"""What ran, on what, and whether there is anything to do: ops.runs and the fingerprints in it."""

from __future__ import annotations

import hashlib
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.ops.runs import RUNS
from cdp.runtime.bundle import code_hash
from cdp.runtime.job import Job, JobContext
from cdp.tables.store import Lake

# A commit of a few rows costs about a CPU-second, as much as a small job of the night.
_SECONDS_BETWEEN_COMMITS = 20.0

#: What stands for a job in the row that says that a night has begun.
THE_NIGHT = "nightly"


def input_versions(job: Job, lake: Lake) -> dict[str, int]:
    """Table -> version that the job would read now."""
    return {table.full_name: lake.version(table) for table in job.reads}


def fingerprint(context: JobContext, inputs: dict[str, int]) -> str:
    """Hash of all that decides the job's result but the date: code, definitions and input versions."""
    parts = {
        "job": context.job.name,
        "code": code_hash(),
        "conf": context.configuration.content_hash(),
        "inputs": inputs,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class FinishedRun:
    """The latest run of a job that finished; only that counts, an older one's output has been overwritten since."""

    started_at: datetime
    run_date: date
    fingerprint: str
    holds_until: date | None

    def holds(self, job: Job, mark: str, run_date: date) -> bool:
        """Whether a run for ``run_date`` of what ``mark`` stands for would give what this run gave."""
        if mark != self.fingerprint:
            return False
        if run_date == self.run_date or not job.follows_date:
            return True
        return self.holds_until is not None and self.run_date < run_date < self.holds_until


@dataclass(frozen=True)
class Finished:
    """What ran to its end on a lake: the latest run of each job; the latest night that has begun; records landed."""

    runs: dict[str, FinishedRun] = field(default_factory=dict)
    latest_night: date | None = None
    records: int = 0


def finished_runs(lake: Lake) -> Finished:
    """Read ops.runs; one Spark job. Nothing on a new lake."""
    if lake.version(RUNS) < 0:
        return Finished()
    columns = ("job", "started_at", "run_date", "fingerprint", "holds_until", "rows")
    rows = lake.read(RUNS).where("state IN ('begun', 'done')").select("state", *columns).collect()
    ended = sorted((row for row in rows if row.state == "done"), key=lambda row: row.started_at)
    runs = {row.job: FinishedRun(row.started_at, row.run_date, row.fingerprint, row.holds_until) for row in ended}
    records = sum(json.loads(row.rows).get(LANDED_RECORDS.full_name, 0) for row in ended)
    return Finished(runs, max((row.run_date for row in rows), default=None), records)


class RunRecorder:
    """Writes ops.runs beside the work: the rows of some seconds go into one commit while the next job runs.

    A row that a kill loses costs a second run of its job, which gives the same.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._handed_over: list[Future[None]] = []
        self._waiting: list[tuple[Any, ...]] = []
        self._last_commit = time.monotonic()

    def begin(self, run_id: str, run_date: date, now: datetime) -> None:
        """Note on disk that a night has begun: from now on the one before it is over."""
        self._append([(run_id, THE_NIGHT, run_date, "begun", None, None, None, now, None, None, None)])

    def record(self, context: JobContext, **facts: Any) -> None:
        """Take the row of one run: see :func:`run_row`."""
        self._waiting.append(run_row(context, **facts))
        if time.monotonic() - self._last_commit >= _SECONDS_BETWEEN_COMMITS:
            self._hand_over()

    def flush(self) -> None:
        """Wait until all rows are on disk; raises what went wrong there."""
        self._hand_over()
        while self._handed_over:
            self._handed_over.pop(0).result()

    def _hand_over(self) -> None:
        if self._waiting:
            self._handed_over.append(self._pool.submit(self._append, self._waiting))
            self._waiting = []
        self._last_commit = time.monotonic()

    def _append(self, rows: list[tuple[Any, ...]]) -> None:
        self._lake.write(RUNS, self._lake.spark.createDataFrame(rows, RUNS.schema), keys_are_new=True)


def run_row(
    context: JobContext,
    *,
    state: str,
    mark: str,
    inputs: dict[str, int],
    started_at: datetime,
    seconds: float,
    message: str | None = None,
) -> tuple[Any, ...]:
    """The ops.runs row of one run of one job."""
    return (
        context.run_id,
        context.job.name,
        context.run_date,
        state,
        mark,
        json.dumps(inputs, sort_keys=True),
        json.dumps(context.rows_written, sort_keys=True),
        started_at,
        context.holds_until,
        seconds,
        message,
    )
