"""A night: all jobs in order in one session, each only if something changed, with a line of progress per job."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from pyspark.errors import PySparkException
from rich.console import Console

from cdp.contracts.ops.runs import RUNS
from cdp.core.errors import CdpError, ContractError, TransientError
from cdp.runtime.catalogue import LoadedJob, load_jobs, order_jobs
from cdp.runtime.config import Configuration
from cdp.runtime.job import JobContext
from cdp.runtime.lineup import check_definitions, check_expressions
from cdp.runtime.runlog import Finished, RunRecorder, fingerprint, input_versions
from cdp.tables.store import Lake

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The wall clock in UTC: the one place that reads it; everything else gets times passed."""
    return datetime.now(UTC)


@dataclass
class NightResult:
    """What a night did: jobs run and left out as unchanged, and what a person must know."""

    run_date: date
    ran: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run_night(
    lake: Lake,
    configuration: Configuration,
    run_date: date,
    *,
    finished: Finished,
    console: Console,
    clock: Clock = utc_now,
) -> NightResult:
    """Run all jobs for ``run_date``; a job whose code, settings and inputs are as in its last run is left out.

    ``finished`` is what :func:`cdp.runtime.runlog.finished_runs` gives before the night.

    After a failure or a kill the same call goes on where it stopped: finished jobs are unchanged then. Raises the
    error of the first job that fails, after noting it in ops.runs.
    """
    ordered = order_jobs(load_jobs())
    result, start = NightResult(run_date), time.monotonic()
    runner = _Runner(lake, configuration, run_date, clock, finished)
    width = max(len(loaded.job.name) for loaded in ordered)
    for number, loaded in enumerate(ordered, 1):
        label = f"[{number:>2}/{len(ordered)}] {loaded.job.name:<{width}}"
        with console.status(label) if console.is_terminal else nullcontext():
            context, seconds = runner.run_if_changed(loaded)
        if context is None:
            result.unchanged.append(loaded.job.name)
            console.print(f"{label}  unchanged", highlight=False, markup=False)
            continue
        result.ran.append(loaded.job.name)
        result.problems += context.problems
        console.print(f"{label}  {seconds:6.1f} s  {_rows(context)}", highlight=False, markup=False)
        for problem in context.problems:
            console.print(f"        ! {problem}", highlight=False, markup=False)
    runner.recorder.flush()
    result.seconds = time.monotonic() - start
    return result


def run_one(
    lake: Lake, configuration: Configuration, loaded: LoadedJob, run_date: date, *, clock: Clock = utc_now
) -> JobContext:
    """Run one job whether or not anything changed, and note it in ops.runs."""
    check_expressions(lake.spark, check_definitions(configuration))
    runner = _Runner(lake, configuration, run_date, clock, Finished())
    context, _ = runner.run_if_changed(loaded)
    runner.recorder.flush()
    assert context is not None
    return context


class _Runner:
    """Runs the jobs of one night, each only if something changed, and notes each run."""

    def __init__(
        self, lake: Lake, configuration: Configuration, run_date: date, clock: Clock, finished: Finished
    ) -> None:
        self._lake, self._configuration, self._run_date, self._clock = lake, configuration, run_date, clock
        self._finished = finished
        self._run_id = uuid.uuid4().hex
        self.recorder = RunRecorder(lake)

    def run_if_changed(self, loaded: LoadedJob) -> tuple[JobContext | None, float]:
        """Give the job's context and its seconds; no context where nothing had changed."""
        job = loaded.job
        context = JobContext(job, self._lake, self._configuration, self._run_date, self._run_id, self._clock())
        if RUNS in job.reads + job.reads_previous:
            self.recorder.flush()
        inputs = input_versions(job, self._lake)
        mark = fingerprint(context, inputs)
        last = self._finished.runs.get(job.name)
        is_done = last is not None and last.holds(job, mark, self._run_date)
        if is_done and not job.looks_outside:
            return None, 0.0
        noted = {"mark": mark, "inputs": inputs, "started_at": context.now}
        started = time.monotonic()
        try:
            loaded.main(context)
        except Exception as error:
            told = explain_failure(job.name, self._run_date, error)
            took = time.monotonic() - started
            self.recorder.record(context, state="failed", seconds=took, message=str(told)[:500], **noted)
            self.recorder.flush()
            if told is error:
                raise
            raise told from error
        finally:
            context.release()
        seconds = time.monotonic() - started
        is_idle = job.looks_outside and not any(context.rows_written.values())
        if is_idle and is_done:
            return (context, seconds) if context.problems else (None, seconds)
        self.recorder.record(context, state="done", seconds=seconds, **noted)
        return context, seconds


def explain_failure(job: str, run_date: date, error: Exception) -> Exception:
    """The error to show for a job that failed: our own as they are, Spark's by class and condition only.

    A JVM error's text may hold a row's values, so it is not passed on.
    """
    if isinstance(error, CdpError):
        return error
    if isinstance(error, PySparkException):
        condition = error.getCondition() or type(error).__name__
        kind = TransientError if condition.startswith("DELTA_CONCURRENT") else ContractError
        return kind(
            f"{job}, run date {run_date}: Spark stopped with {condition}; run it with --debug to see Spark's own text"
        )
    return error


def _rows(context: JobContext) -> str:
    parts = [f"{table} {n:,}" for table, n in context.rows_written.items() if n]
    return ", ".join(parts) or "no change"
