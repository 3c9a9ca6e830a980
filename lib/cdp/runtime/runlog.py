"""What ran, on what, and whether there is anything to do: ops.runs and the fingerprints in it."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

from cdp.contracts.ops.runs import RUNS
from cdp.runtime.bundle import code_hash
from cdp.runtime.job import Job, JobContext
from cdp.tables.store import Lake


def input_versions(job: Job, lake: Lake) -> dict[str, int]:
    """Table -> version that the job would read now."""
    return {table.full_name: lake.version(table) for table in job.reads}


def fingerprint(context: JobContext, inputs: dict[str, int]) -> str:
    """Hash of all that decides the job's result: code, definitions, input versions and, where it counts, the date."""
    parts = {
        "job": context.job.name,
        "code": code_hash(),
        "conf": context.configuration.content_hash(),
        "run_date": str(context.run_date) if context.job.follows_date else None,
        "inputs": inputs,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def finished_fingerprints(lake: Lake) -> dict[str, set[str]]:
    """job -> fingerprints of the runs that finished; one Spark job.

    Only the latest run of a job (per run date) counts: an older one's output has been overwritten since.
    """
    if lake.version(RUNS) < 0:
        return {}
    rows = lake.read(RUNS).where("state = 'done'").select("job", "run_date", "started_at", "fingerprint").collect()
    latest: dict[str, tuple[datetime, str]] = {}
    for row in rows:
        if row.job not in latest or row.started_at > latest[row.job][0]:
            latest[row.job] = (row.started_at, row.fingerprint)
    return {job: {mark} for job, (_, mark) in latest.items()}


class RunRecorder:
    """Writes ops.runs beside the work: the next job starts while the last one's row is being committed.

    A row that a kill loses costs a second run of its job, which gives the same.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._handed_over: list[Future[None]] = []

    def record(self, context: JobContext, **facts: Any) -> None:
        """Hand the row of one run over: see :func:`record_run`."""
        self._handed_over.append(self._pool.submit(record_run, context, **facts))

    def flush(self) -> None:
        """Wait until all that was handed over is on disk; raises what went wrong there."""
        for row in list(self._handed_over):
            row.result()


def record_run(
    context: JobContext,
    *,
    state: str,
    mark: str,
    inputs: dict[str, int],
    started_at: datetime,
    seconds: float,
    message: str | None = None,
) -> None:
    """Append the row of one run of one job."""
    row = (
        context.run_id,
        context.job.name,
        context.run_date,
        state,
        mark,
        json.dumps(inputs, sort_keys=True),
        json.dumps(context.rows_written, sort_keys=True),
        started_at,
        seconds,
        message,
    )
    frame = context.spark.createDataFrame([row], RUNS.schema)
    context.lake.write(RUNS, frame, keys_are_new=True)
